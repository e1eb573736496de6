-- The stock ledger. Positions are locked in the order of item and location, and always before an
-- order's number in the inbox is, so that no two statements wait for each other.

-- Change positions by these amounts, and write the movements that say so. Rows of `p_changes`:
-- item, location, kind, on_hand, reserved, damaged, quarantined (one row per position).
create or replace function move_stock(
    p_changes jsonb, p_order text, p_document text, p_source text, p_movement text,
    p_occurred timestamptz, p_lot text default null)
returns void language sql volatile as $$
    with change as (
        select * from jsonb_to_recordset(p_changes) as c(
            item text, location text, kind text,
            on_hand numeric, reserved numeric, damaged numeric, quarantined numeric)
        where coalesce(on_hand, 0) <> 0 or coalesce(reserved, 0) <> 0
           or coalesce(damaged, 0) <> 0 or coalesce(quarantined, 0) <> 0
    ), moved as (
        insert into stock_position as p
            (item, location, on_hand, reserved, damaged, quarantined, last)
        select item, location, coalesce(on_hand, 0), coalesce(reserved, 0), coalesce(damaged, 0),
               coalesce(quarantined, 0), 1
        from change order by item, location
        on conflict (item, location) do update set
            on_hand = p.on_hand + excluded.on_hand,
            reserved = p.reserved + excluded.reserved,
            damaged = p.damaged + excluded.damaged,
            quarantined = p.quarantined + excluded.quarantined,
            last = p.last + 1
        returning *
    )
    insert into movement (
        item, location, n, kind, on_hand, reserved, damaged, quarantined,
        on_hand_after, reserved_after, damaged_after, quarantined_after,
        order_id, document, lot, source, movement_id, occurred_at)
    select m.item, m.location, m.last, c.kind, coalesce(c.on_hand, 0), coalesce(c.reserved, 0),
           coalesce(c.damaged, 0), coalesce(c.quarantined, 0),
           m.on_hand, m.reserved, m.damaged, m.quarantined,
           p_order, p_document, p_lot, p_source, p_movement, p_occurred
    from moved m join change c using (item, location)
$$;

-- What can be promised of an item at each location, in stock units, by location and item.
create or replace function stock_offers(p_items text[]) returns jsonb
language sql stable as $$
    select coalesce(jsonb_object_agg(location, offer), '{}') from (
        select s.location, jsonb_object_agg(
            s.item, trim_scale(greatest(s.on_hand - s.reserved - l.safety_stock, 0))::text) as offer
        from stock_position s join location l on l.id = s.location and l.active
        where s.item = any (p_items)
        group by s.location) as offered
$$;

-- How much of what is told now under a document moves stock: what another source told before of
-- the same document is matched, not added.
create or replace function count_fact(
    p_location text, p_document text, p_item text, p_direction text, p_by_milestone boolean,
    p_quantity numeric)
returns numeric language plpgsql volatile as $$
declare
    before numeric;
    after numeric;
begin
    if coalesce(p_document, '') = '' then
        return p_quantity;
    end if;
    insert into stock_fact (location, document, item, direction)
    values (p_location, p_document, p_item, p_direction) on conflict do nothing;
    select greatest(by_milestone, by_feed) into before from stock_fact
    where location = p_location and document = p_document and item = p_item
      and direction = p_direction
    for update;
    update stock_fact set
        by_milestone = by_milestone + case when p_by_milestone then p_quantity else 0 end,
        by_feed = by_feed + case when p_by_milestone then 0 else p_quantity end
    where location = p_location and document = p_document and item = p_item
      and direction = p_direction
    returning greatest(by_milestone, by_feed) into after;
    return after - before;
end
$$;

-- Goods that left, or came back, as a warehouse told it. A fact is never refused: what was claimed
-- for it is used up, the rest just leaves. What cannot be told from other goods yet waits.
create or replace function book_goods(p_order text, p_items jsonb default '{}',
                                      p_factors jsonb default '{}')
returns void language plpgsql volatile as $$
declare
    fact goods_fact;
    its_item text;
    its_factor numeric;
    units numeric;
    moves numeric;
    claimed numeric;
    came numeric;
begin
    for fact in
        select f.* from goods_fact f where f.order_id = p_order and f.booked_at is null
        order by f.line, f.location, f.occurred_at, f.message_id, f.number for update
    loop
        select c.item, c.factor into its_item, its_factor from stock_claim c
        where c.order_id = p_order and c.line = fact.line
        order by c.location = fact.location desc limit 1;
        if not found then
            if not p_items ? fact.line then
                continue;
            end if;
            its_item := p_items ->> fact.line;
            its_factor := (p_factors ->> fact.line)::numeric;
        end if;
        units := fact.quantity * its_factor;
        if fact.kind = 'shipped' then
            perform from stock_position
            where item = its_item and location = fact.location for update;
            moves := count_fact(
                fact.location, fact.document, its_item, 'out', true, units);
            select least(units, greatest(c.quantity - c.shipped, 0)) into claimed
            from stock_claim c
            where c.order_id = p_order and c.line = fact.line and c.location = fact.location;
            perform move_stock(
                jsonb_build_array(jsonb_build_object(
                    'item', its_item, 'location', fact.location, 'kind', 'ship',
                    'on_hand', -moves, 'reserved', -coalesce(claimed, 0))),
                p_order, fact.document, fact.source, fact.message_id, fact.occurred_at);
            insert into stock_claim as c
                (order_id, line, location, item, factor, quantity, shipped)
            values (p_order, fact.line, fact.location, its_item, its_factor, units, units)
            on conflict (order_id, line, location) do update set
                shipped = c.shipped + excluded.shipped,
                quantity = greatest(c.quantity, c.shipped + excluded.shipped);
        elsif fact.kind = 'return_received' then
            moves := count_fact(
                fact.location, fact.document, its_item, 'back', true, units);
            perform move_stock(
                jsonb_build_array(jsonb_build_object(
                    'item', its_item, 'location', fact.location, 'kind', 'return',
                    'quarantined', moves)),
                p_order, fact.document, fact.source, fact.message_id, fact.occurred_at);
        else
            -- Inspected goods were received, whether or not anybody said so.
            select coalesce(sum(f.quantity) filter (where f.kind = 'return_received'), 0)
                 - coalesce(sum(f.quantity) filter (where f.kind = 'return_inspected'), 0)
            into came from goods_fact f
            where f.order_id = p_order and f.line = fact.line and f.location = fact.location
              and f.booked_at is not null;
            came := least(greatest(came, 0), fact.quantity) * its_factor;
            perform move_stock(
                jsonb_build_array(jsonb_build_object(
                    'item', its_item, 'location', fact.location, 'kind', 'inspect',
                    'quarantined', -came + case
                        when fact.disposition = 'quarantine' then units else 0 end,
                    'damaged', case when fact.disposition = 'damaged' then units else 0 end,
                    'on_hand', case when coalesce(fact.disposition, 'restock') = 'restock'
                        then units else 0 end)),
                p_order, fact.document, fact.source, fact.message_id, fact.occurred_at);
        end if;
        update goods_fact set booked_at = clock_timestamp()
        where source = fact.source and message_id = fact.message_id and number = fact.number;
    end loop;
end
$$;

-- This order is entitled to exactly these positions: all of it, or nothing changes and the answer
-- is what stands (in line units), and what each location could give. Rows: line, item, location, quantity (all in stock units).
create or replace function claim_stock(
    p_order text, p_run text, p_n bigint, p_positions jsonb, p_items jsonb, p_factors jsonb)
returns jsonb language plpgsql volatile as $$
declare
    changes jsonb;
    short boolean;
begin
    if not may_pass(p_order, 'stock', p_run, p_n) then
        return '{"is": "replaced"}';
    end if;
    perform from stock_position s
    where (s.item, s.location) in (
        select g.item, g.location
        from jsonb_to_recordset(p_positions) as g(item text, location text)
        union select c.item, c.location from stock_claim c where c.order_id = p_order)
    order by s.item, s.location for update;
    perform book_goods(p_order, p_items, p_factors);
    with goal as (
        select * from jsonb_to_recordset(p_positions)
            as g(line text, item text, location text, quantity numeric)
    ), change as (
        select coalesce(g.item, c.item) as item, coalesce(g.location, c.location) as location,
               sum(greatest(coalesce(g.quantity, 0), coalesce(c.shipped, 0))
                   - coalesce(c.quantity, 0)) as delta
        from goal g full join (select * from stock_claim where order_id = p_order) c
            on c.line = g.line and c.location = g.location
        group by 1, 2
    )
    select jsonb_agg(jsonb_build_object(
               'item', change.item, 'location', change.location, 'kind',
               case when delta > 0 then 'reserve' else 'unreserve' end, 'reserved', delta)),
           bool_or(delta > 0 and coalesce(s.on_hand - s.reserved - l.safety_stock, 0) < delta)
    into changes, short
    from change
    left join stock_position s using (item, location)
    left join location l on l.id = change.location
    where delta <> 0;
    if short then
        return jsonb_build_object(
            'is', 'short',
            'offers', stock_offers(array(select distinct value from jsonb_each_text(p_items))),
            'standing', (
                select coalesce(jsonb_object_agg(
                    c.line || '/' || c.location, trim_scale(c.quantity / c.factor)::text), '{}')
                from stock_claim c where c.order_id = p_order));
    end if;
    perform move_stock(coalesce(changes, '[]'), p_order, null, 'order', null, now());
    update stock_claim c set quantity = greatest(c.shipped, 0)
    where c.order_id = p_order;
    insert into stock_claim as c (order_id, line, location, item, factor, quantity)
    select p_order, g.line, g.location, g.item, (p_factors ->> g.line)::numeric, g.quantity
    from jsonb_to_recordset(p_positions)
        as g(line text, item text, location text, quantity numeric)
    on conflict (order_id, line, location) do update
        set quantity = greatest(c.shipped, excluded.quantity);
    perform announce_stock(array(
        select (c ->> 'item') || ' ' || (c ->> 'location')
        from jsonb_array_elements(coalesce(changes, '[]')) c
        where (c ->> 'reserved')::numeric < 0));
    return '{"is": "done"}';
end
$$;

-- A movement as a stock feed tells it: `booked`, `matched`, `repeat` or `conflict`.
create or replace function book_movement(
    p_source text, p_movement text, p_content text, p_kind text, p_item text, p_location text,
    p_quantity numeric, p_document text, p_lot text, p_occurred timestamptz)
returns text language plpgsql volatile as $$
declare
    told text;
    moves numeric := p_quantity;
    here stock_position;
    change jsonb := jsonb_build_object('item', p_item, 'location', p_location, 'kind', p_kind);
begin
    select content into told from movement_report
    where source = p_source and movement_id = p_movement;
    if found then
        return case when told = p_content then 'repeat' else 'conflict' end;
    end if;
    insert into stock_position (item, location) values (p_item, p_location) on conflict do nothing;
    select * into here from stock_position
    where item = p_item and location = p_location for update;
    if p_kind in ('issue', 'transfer_out') then
        moves := count_fact(p_location, p_document, p_item, 'out', false, p_quantity);
    elsif p_kind = 'return' then
        moves := count_fact(p_location, p_document, p_item, 'back', false, p_quantity);
    end if;
    change := change || case p_kind
        when 'receipt' then jsonb_build_object('on_hand', moves)
        when 'transfer_in' then jsonb_build_object('on_hand', moves)
        when 'adjustment' then jsonb_build_object('on_hand', moves)
        when 'issue' then jsonb_build_object('on_hand', -moves)
        when 'transfer_out' then jsonb_build_object('on_hand', -moves)
        when 'damage' then jsonb_build_object('on_hand', -moves, 'damaged', moves)
        when 'quarantine' then jsonb_build_object('on_hand', -moves, 'quarantined', moves)
        when 'release' then jsonb_build_object('on_hand', moves, 'quarantined', -moves)
        when 'return' then jsonb_build_object('quarantined', moves)
        -- Scrapped is what was damaged, as far as that goes, then what was on hand.
        when 'scrap' then jsonb_build_object(
            'damaged', -least(moves, greatest(here.damaged, 0)),
            'on_hand', -(moves - least(moves, greatest(here.damaged, 0))))
        end;
    perform move_stock(
        jsonb_build_array(change), null, p_document, p_source, p_movement, p_occurred, p_lot);
    told := case when moves = p_quantity then 'booked' else 'matched' end;
    insert into movement_report (source, movement_id, content, result)
    values (p_source, p_movement, p_content, told);
    perform write_events(jsonb_build_array(jsonb_build_object(
        'id', format('movement/%s/%s', p_source, p_movement),
        'kind', 'throughline.inventory.adjusted.v1',
        'subject', format('inventory/%s/%s', p_item, p_location),
        'data', jsonb_build_object(
            'item', p_item, 'location', p_location, 'kind', p_kind, 'quantity', p_quantity::text,
            'moved', moves::text, 'document', p_document),
        'occurred_at', p_occurred)));
    if p_kind not in ('issue', 'transfer_out') then
        -- An issue is most often a shipment whose milestone has not come yet.
        perform take_back_stock(p_item, p_location);
    end if;
    perform announce_stock(array[p_item || ' ' || p_location]);
    return told;
end
$$;

-- Fewer goods are there than are reserved: the latest orders lose theirs and are told. Their
-- reservations are taken now; whether their warehouse was already asked is theirs to look at.
create or replace function take_back_stock(p_item text, p_location text) returns void
language plpgsql volatile as $$
declare
    short numeric;
    lost numeric := 0;
    claim record;
    takes numeric;
    told jsonb := '[]';
    its_number bigint;
begin
    select reserved - greatest(on_hand, 0), last into short, its_number from stock_position
    where item = p_item and location = p_location;
    if short is null or short <= 0 then
        return;
    end if;
    for claim in
        select c.*, o.placed_at from stock_claim c join orders o on o.id = c.order_id
        where c.item = p_item and c.location = p_location and c.quantity > c.shipped
        order by o.placed_at desc, c.order_id, c.line for update of c
    loop
        exit when short <= 0;
        takes := least(short, claim.quantity - claim.shipped);
        update stock_claim set quantity = quantity - takes
        where order_id = claim.order_id and line = claim.line and location = claim.location;
        short := short - takes;
        lost := lost + takes;
        told := told || jsonb_build_object(
            'order_id', claim.order_id, 'line', claim.line,
            'quantity', trim_scale(takes / claim.factor)::text);
    end loop;
    perform move_stock(
        jsonb_build_array(jsonb_build_object(
            'item', p_item, 'location', p_location, 'kind', 'unreserve', 'reserved', -lost)),
        null, null, 'ledger', null, now());
    perform tell_order(
        t.order_id, 'ledger', format('lost/%s/%s/%s/%s/%s', p_item, p_location, its_number,
                                     t.order_id, t.line),
        jsonb_build_object('kind', 'stock_lost', 'line', t.line, 'location', p_location,
                           'quantity', t.quantity))
    from jsonb_to_recordset(told) as t(order_id text, line text, quantity text)
    order by t.order_id;
end
$$;

-- Tell those who have waited longest for an item that it can be had. `p_places`: 'item location'.
create or replace function announce_stock(p_places text[]) returns void
language plpgsql volatile as $$
begin
    if not exists (select from wanted) then
        return;
    end if;
    perform tell_order(
        w.order_id, 'ledger',
        format('arrived/%s/%s/%s/%s', w.item, w.location, w.last, w.order_id),
        jsonb_build_object('kind', 'stock_arrived', 'item', w.item, 'location', w.location,
                           'available', trim_scale(w.available)::text))
    from (
        select w.order_id, s.item, s.location, s.last,
               s.on_hand - s.reserved - l.safety_stock as available,
               sum(w.quantity) over (partition by s.item, s.location order by w.since, w.order_id)
                   - w.quantity as before
        from wanted w
        join stock_position s on s.item = w.item
        join location l on l.id = s.location and l.active
        where s.item || ' ' || s.location = any (p_places)
    ) w
    where w.available > 0 and w.before < w.available
    order by w.order_id;
end
$$;
