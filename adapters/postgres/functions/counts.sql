-- What was found at a location when somebody looked, against our books at that moment: the
-- differences become adjustments. Movements that came later, or behind the watermark, are not in
-- what was found. Items that are not named are left alone.
-- Answers `booked` with the differences, `repeat`, or `conflict` (same id, other content).
create or replace function count_stock(
    p_source text, p_id text, p_content text, p_location text, p_available boolean,
    p_positions jsonb, p_taken timestamptz, p_watermark text)
returns jsonb language plpgsql volatile as $$
declare
    told text;
    found_there record;
    here stock_position;
    last_in bigint;
    later numeric;
    book numeric;
    differences jsonb := '[]';
begin
    select content into told from movement_report
    where source = p_source and movement_id = p_id;
    if found then
        return jsonb_build_object('is', case when told = p_content then 'repeat' else 'conflict' end);
    end if;
    perform lock_positions((
        select jsonb_agg(jsonb_build_object('item', p.item, 'location', p_location))
        from jsonb_to_recordset(p_positions) as p(item text)));
    for found_there in
        select item, sum(quantity) as quantity
        from jsonb_to_recordset(p_positions) as p(item text, quantity numeric)
        group by item order by item
    loop
        select * into here from stock_position
        where item = found_there.item and location = p_location;
        select max(n) into last_in from movement
        where item = found_there.item and location = p_location and movement_id = p_watermark;
        select coalesce(sum(case when p_available then on_hand - reserved else on_hand end), 0)
        into later from movement
        where item = found_there.item and location = p_location
          and case when last_in is null then occurred_at > p_taken else n > last_in end;
        book := here.on_hand - case when p_available then here.reserved else 0 end - later;
        continue when found_there.quantity = book;
        perform book_movement(
            p_source, format('%s/%s', p_id, found_there.item), p_content, 'adjustment',
            found_there.item, p_location, found_there.quantity - book, p_id, null, p_taken);
        differences := differences || jsonb_build_object(
            'item', found_there.item, 'found', found_there.quantity::text, 'book', book::text,
            'difference', (found_there.quantity - book)::text);
    end loop;
    insert into movement_report (source, movement_id, content, result)
    values (p_source, p_id, p_content, 'booked');
    return jsonb_build_object('is', 'booked', 'differences', differences);
end
$$;

-- Whether every position, then or now, is the end of its chain of movements. Without a moment: now.
create or replace function prove_stock(p_as_of timestamptz) returns jsonb
language sql stable as $$
    with link as (
        select item, location, n, kind, on_hand_after, reserved_after, damaged_after,
               quarantined_after,
               n = lag(n, 1, 0::bigint) over chain + 1
               and on_hand_after = lag(on_hand_after, 1, 0) over chain + on_hand
               and reserved_after = lag(reserved_after, 1, 0) over chain + reserved
               and damaged_after = lag(damaged_after, 1, 0) over chain + damaged
               and quarantined_after = lag(quarantined_after, 1, 0) over chain + quarantined as fits
        from movement where p_as_of is null or recorded_at <= p_as_of
        window chain as (partition by item, location order by n)
    ), ended as (
        select distinct on (item, location) * from link order by item, location, n desc
    ), broken as (
        select item, location, n, 'does not follow from the movement before' as why
        from link where not fits
        union all
        select item, location, p.last, 'position is not where its movements end'
        from stock_position p left join ended e using (item, location)
        where p_as_of is null
          and (p.last, p.on_hand, p.reserved, p.damaged, p.quarantined) is distinct from
              (coalesce(e.n, 0), coalesce(e.on_hand_after, 0), coalesce(e.reserved_after, 0),
               coalesce(e.damaged_after, 0), coalesce(e.quarantined_after, 0))
        union all
        select item, location, n, 'more is reserved than is there'
        from ended where reserved_after > greatest(on_hand_after, 0) and kind = 'reserve'
    )
    select jsonb_build_object(
        'positions', (select count(*) from ended),
        'movements', (select count(*) from link),
        'on_hand', (select coalesce(sum(on_hand_after), 0)::text from ended),
        'reserved', (select coalesce(sum(reserved_after), 0)::text from ended),
        'broken', (select coalesce(jsonb_agg(to_jsonb(b) order by item, location, n), '[]')
                   from (select * from broken limit 100) b))
$$;
