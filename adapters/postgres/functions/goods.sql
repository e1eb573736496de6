-- Goods as warehouses tell of them: what a milestone says has left or come back moves stock at once.

-- One statement at a time books an order's goods: what comes while its claim is being made is seen
-- by one of the two.
create or replace function lock_goods(p_order text) returns void
language sql volatile as $$
    select pg_advisory_xact_lock(hashtextextended('goods/' || p_order, 0))
$$;

-- Where the goods are that can be booked now: those of lines of which we know the item.
create or replace function unbooked_goods(p_order text, p_items jsonb)
returns table (item text, location text) language sql stable as $$
    select coalesce(c.item, p_items ->> f.line), f.location
    from goods_fact f
    left join lateral (
        select s.item from stock_claim s where s.order_id = f.order_id and s.line = f.line
        order by s.location = f.location desc limit 1) c on true
    where f.order_id = p_order and f.booked_at is null and (c.item is not null or p_items ? f.line)
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
        fed_at = case when p_by_milestone then fed_at else clock_timestamp() end,
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
-- The order's goods are locked already. Answers where more can be had than before: 'item location'.
create or replace function book_order_goods(
    p_order text, p_items jsonb default '{}', p_factors jsonb default '{}')
returns text[] language plpgsql volatile as $$
declare
    fact goods_fact;
    its_item text;
    its_factor numeric;
    units numeric;
    moves numeric;
    claimed numeric;
    came numeric;
    freed text[] := '{}';
    places jsonb;
begin
    select jsonb_agg(jsonb_build_object('item', u.item, 'location', u.location)) into places
    from unbooked_goods(p_order, p_items) u;
    if places is null then
        return freed;
    end if;
    perform lock_positions(places);
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
        if fact.kind = 'shipped' and coalesce(claimed, 0) > moves
           or fact.kind = 'return_inspected' and coalesce(fact.disposition, 'restock') = 'restock' then
            freed := freed || (its_item || ' ' || fact.location);
        end if;
    end loop;
    return freed;
end
$$;
