-- The stock ledger. What is locked is locked in one order, so that no two statements wait for each
-- other: the order's row and fence, its goods (`lock_goods`), positions by item and location
-- (`lock_positions`, all at once), what hangs on a position (its facts and claims), and last the
-- numbers of orders in the inbox, by order.

-- Lock positions for the rest of the transaction, new ones too. Rows: item, location. Whoever needs
-- several asks for all of them here, once.
create or replace function lock_positions(p_places jsonb) returns void
language plpgsql volatile as $$
begin
    insert into stock_position (item, location)
    select distinct p.item, p.location
    from jsonb_to_recordset(p_places) as p(item text, location text)
    where not exists (
        select from stock_position s where s.item = p.item and s.location = p.location)
    order by p.item, p.location on conflict do nothing;
    perform from stock_position s
    where (s.item, s.location) in (
        select p.item, p.location from jsonb_to_recordset(p_places) as p(item text, location text))
    order by s.item, s.location for update;
end
$$;

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

-- This order is entitled to exactly these positions: all of it, or nothing changes and the answer
-- is what stands (in line units), and what each location could give. Rows: line, item, location, quantity (all in stock units).
create or replace function claim_stock(
    p_order text, p_run text, p_n bigint, p_positions jsonb, p_items jsonb, p_factors jsonb)
returns jsonb language plpgsql volatile as $$
declare
    changes jsonb;
    short boolean;
    freed text[];
    given_back text[];
begin
    if not may_pass(p_order, 'stock', p_run, p_n) then
        return '{"is": "replaced"}';
    end if;
    perform lock_goods(p_order);
    perform lock_positions(p_positions || coalesce((
        select jsonb_agg(jsonb_build_object('item', u.item, 'location', u.location)) from (
            select c.item, c.location from stock_claim c where c.order_id = p_order
            union all select g.item, g.location from unbooked_goods(p_order, p_items) g) u), '[]'));
    freed := book_order_goods(p_order, p_items, p_factors);
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
           bool_or(delta > 0 and coalesce(s.on_hand - s.reserved - l.safety_stock, 0) < delta),
           array_agg(change.item || ' ' || change.location) filter (where delta < 0)
    into changes, short, given_back
    from change
    left join stock_position s using (item, location)
    left join location l on l.id = change.location
    where delta <> 0;
    if short then
        perform announce_stock(freed);
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
    where c.order_id = p_order and not p_positions @> jsonb_build_array(
        jsonb_build_object('line', c.line, 'location', c.location));
    insert into stock_claim as c (order_id, line, location, item, factor, quantity)
    select p_order, g.line, g.location, g.item, (p_factors ->> g.line)::numeric, g.quantity
    from jsonb_to_recordset(p_positions)
        as g(line text, item text, location text, quantity numeric)
    on conflict (order_id, line, location) do update
        set quantity = greatest(c.shipped, excluded.quantity);
    perform announce_stock(coalesce(freed || given_back, '{}'));
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
    perform lock_positions(
        jsonb_build_array(jsonb_build_object('item', p_item, 'location', p_location)));
    select * into here from stock_position where item = p_item and location = p_location;
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
    perform take_back_stock(p_item, p_location);
    perform announce_stock(array[p_item || ' ' || p_location]);
    return told;
end
$$;

-- What a stock feed says has left under documents no milestone has told of yet. That is most often
-- a shipment, and its milestone will use up what was reserved for it. Within an hour, that is:
-- what still has no milestone then was scrapped, lent or sold elsewhere.
create or replace function unmatched_issues(p_item text, p_location text) returns numeric
language sql stable as $$
    select coalesce(sum(by_feed - by_milestone), 0) from stock_fact
    where item = p_item and location = p_location and direction = 'out'
      and by_feed > by_milestone and fed_at > now() - interval '1 hour'
$$;

-- Fewer goods are there than are reserved, apart from what is leaving: the latest orders lose theirs
-- and are told. Their reservations are taken now; whether their warehouse was already asked is
-- theirs to look at. The position is locked already.
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
    select reserved - greatest(on_hand, 0) - unmatched_issues(p_item, p_location), last
    into short, its_number from stock_position where item = p_item and location = p_location;
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

-- Positions where more is reserved than is there, whatever the reason: an issue whose milestone never
-- came, a shipment beyond what was asked for. Each is settled by a statement of its own.
create or replace function short_positions() returns table (item text, location text)
language sql stable as $$
    select item, location from stock_position where reserved > greatest(on_hand, 0)
    order by item, location
$$;

create or replace function settle_position(p_item text, p_location text) returns void
language plpgsql volatile as $$
begin
    perform lock_positions(
        jsonb_build_array(jsonb_build_object('item', p_item, 'location', p_location)));
    perform take_back_stock(p_item, p_location);
end
$$;

-- Who has waited longest for what can be had at these places ('item location'), as far as it goes.
create or replace function longest_waiting(p_places text[])
returns table (order_id text, item text, location text, last bigint, available numeric)
language sql stable as $$
    select order_id, item, location, last, available from (
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
$$;

-- When any of it last came there or was counted. What orders give back comes from nowhere.
create or replace function last_came(p_item text, p_location text) returns timestamptz
language sql stable as $$
    select recorded_at from movement
    where item = p_item and location = p_location and (on_hand > 0 or kind = 'adjustment')
    order by n desc limit 1
$$;

-- Tell them. `p_places`: 'item location'.
create or replace function announce_stock(p_places text[]) returns void
language plpgsql volatile as $$
begin
    if coalesce(cardinality(p_places), 0) = 0 or not exists (select from wanted) then
        return;
    end if;
    perform tell_order(
        w.order_id, 'ledger',
        format('arrived/%s/%s/%s/%s', w.item, w.location, w.last, w.order_id),
        jsonb_build_object('kind', 'stock_arrived', 'item', w.item, 'location', w.location,
                           'available', trim_scale(w.available)::text,
                           'came_at', last_came(w.item, w.location)))
    from longest_waiting(p_places) w
    order by w.order_id;
end
$$;
