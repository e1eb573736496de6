-- Key figures, measured when somebody asks: nothing is kept for them.

-- The company of an order: the one it was captured for, before that the one its channel named.
create or replace function company_of(p_order text, p_state jsonb) returns text
language sql stable as $$
    select coalesce(
        nullif(s.terms ->> 'company', ''),
        s.header ->> 'company',
        (select i.body #>> '{order,company}' from inbox i
         where i.order_id = p_order and i.kind = 'placed' order by i.n limit 1))
    from (values (p_order)) as known
    left join lateral jsonb_to_record(p_state) as s(header jsonb, terms jsonb) on true
$$;

create or replace function seconds_of(p_time interval) returns double precision
language sql immutable as $$
    select extract(epoch from p_time)::double precision
$$;

-- How many there are (nulls are none), and where half and nine tenths of them lie.
create or replace function spread_of(p_values double precision[]) returns jsonb
language sql immutable as $$
    select jsonb_build_object(
        'count', count(v),
        'median', percentile_cont(0.5) within group (order by v),
        'p90', percentile_cont(0.9) within group (order by v))
    from unnest(p_values) v
$$;

-- Of the orders placed in the window, the newest `p_most`: spreads in seconds, shares as part and
-- whole. What each of them means is said in api/kpis.py.
create or replace function measure_orders(
    p_since timestamptz, p_until timestamptz, p_channel text, p_company text, p_customer text,
    p_most integer)
returns jsonb language sql stable set jit = off as $$
    with fitting as materialized (
        select o.id, o.status, o.placed_at, o.finished_at, o.state
        from orders o
        where o.placed_at >= p_since and o.placed_at < p_until
          and (p_channel is null or o.channel = p_channel)
          and (p_customer is null or o.customer = p_customer)
          and (p_company is null or company_of(o.id, o.state) = p_company)
        order by o.placed_at desc limit p_most + 1
    ), measured as materialized (
        select * from fitting order by placed_at desc limit p_most
    ), fact as materialized (
        select m.status, m.state is not null as recorded, placed.duplicate,
               placed.latency, told.delays, hold.resolved, hold.unresolved, hold.holds,
               line.counted, line.filled, shipment.sources,
               case when line.all_shipped then seconds_of(shipment.last_shipped - m.placed_at) end
                   as to_shipped,
               case when m.status = 'closed' then seconds_of(m.finished_at - m.placed_at) end
                   as to_closed,
               (s.header ->> 'requested_date')::date < (now() at time zone 'UTC')::date
                   and m.status not in ('expired', 'quoted')
                   and (m.status <> 'cancelled' or stock.given_up) as due,
               line.all_delivered and not stock.given_up
                   and (shipment.last_delivered at time zone 'UTC')::date
                       <= (s.header ->> 'requested_date')::date as on_time
        from measured m
        left join lateral jsonb_to_record(m.state) as s(
            header jsonb, lines jsonb, shipments jsonb, holds jsonb) on true
        left join lateral (
            select i.body ->> 'duplicate_of' <> '' as duplicate,
                   seconds_of(i.applied_at - i.stored_at) as latency
            from inbox i where i.order_id = m.id and i.kind = 'placed' order by i.n limit 1
        ) placed on true
        cross join lateral (
            select array_agg(
                seconds_of(i.stored_at - (i.body ->> 'occurred_at')::timestamptz)) as delays
            from inbox i where i.order_id = m.id and i.kind = 'milestone'
              and i.body ->> 'milestone' in ('shipped', 'delivered')
        ) told
        cross join lateral (
            select count(*) as holds,
                   array_agg(seconds_of(h.released_at - h.since))
                       filter (where h.released_at is not null) as resolved,
                   array_agg(seconds_of(now() - h.since))
                       filter (where h.released_at is null) as unresolved
            from jsonb_to_recordset(s.holds) as h(since timestamptz, released_at timestamptz)
        ) hold
        cross join lateral (
            select max(x.shipped_at) as last_shipped, max(x.delivered_at) as last_delivered,
                   count(distinct x.source) as sources
            from jsonb_to_recordset(s.shipments) as x(
                source text, shipped_at timestamptz, delivered_at timestamptz)
        ) shipment
        cross join lateral (
            -- `short`: lines that stock was missing for. `given_up`: it did not leave in time.
            select count(*) filter (where kind <> 'cancelled' or killed) > 0
                       and m.status not in ('expired', 'quoted') as asked,
                   coalesce(bool_or(given_up), false) as given_up,
                   array_agg(l.number) filter (where kind = 'backordered' or killed) as short
            from (
                select kind, lines, kind = 'cancelled' and by = 'throughline' as given_up,
                       kind = 'cancelled' and by = 'throughline' and reason = 'fill_or_kill'
                           as killed
                from (
                    select split_part(e.kind, '.', 3) as kind, d.*
                    from event e
                    cross join jsonb_to_record(e.data) as d(lines jsonb, by text, reason text)
                    where e.subject = 'orders/' || m.id and e.kind in (
                        'throughline.order.allocated.v1', 'throughline.order.backordered.v1',
                        'throughline.order.cancelled.v1')) e
            ) e
            left join lateral jsonb_object_keys(e.lines) as l(number) on true
        ) stock
        cross join lateral (
            select coalesce(bool_and(gone >= wanted) and sum(gone) > 0, false) as all_shipped,
                   coalesce(bool_and(delivered >= wanted) and sum(delivered) > 0, false)
                       as all_delivered,
                   count(*) filter (where stock.asked and (short or wanted > 0 or gone > 0))
                       as counted,
                   count(*) filter (where stock.asked and not short and (wanted > 0 or gone > 0))
                       as filled
            from (
                select l.ordered - l.cancelled as wanted, l.delivered,
                       l.line = any (coalesce(stock.short, '{}')) as short,
                       (select coalesce(sum(value::numeric), 0)
                        from jsonb_each_text(l.shipped)) as gone
                from jsonb_to_recordset(s.lines) as l(
                    line text, ordered numeric, cancelled numeric, delivered numeric,
                    shipped jsonb)
            ) each_line
        ) line
    )
    select jsonb_build_object(
        'orders', (select count(*) from measured),
        'complete', (select count(*) from fitting) <= p_most,
        'by_status', (
            select coalesce(jsonb_object_agg(status, orders), '{}')
            from (select status, count(*) as orders from fact group by status) each_status),
        'spreads', jsonb_build_object(
            'cycle_time_shipped', spread_of(array(select to_shipped from fact)),
            'cycle_time_closed', spread_of(array(select to_closed from fact)),
            'ingestion_latency', spread_of(array(select latency from fact)),
            'shipment_update_timeliness', spread_of(array(select unnest(delays) from fact)),
            'time_to_resolve', spread_of(array(select unnest(resolved) from fact)),
            'open_hold_age', spread_of(array(select unnest(unresolved) from fact))),
        'shares', (
            select jsonb_build_object(
                'exception_rate', jsonb_build_array(
                    count(*) filter (where holds > 0), count(*) filter (where recorded)),
                'duplicate_rate', jsonb_build_array(
                    count(*) filter (where duplicate), count(*)),
                'fill_rate', jsonb_build_array(
                    coalesce(sum(filled), 0), coalesce(sum(counted), 0)),
                'on_time_in_full', jsonb_build_array(
                    count(*) filter (where due and on_time), count(*) filter (where due)),
                'split_rate', jsonb_build_array(
                    count(*) filter (where sources > 1), count(*) filter (where sources > 0)))
            from fact))
$$;

-- What orders that fit wait for now, and since when, in seconds.
create or replace function measure_backorders(p_channel text, p_company text, p_customer text)
returns jsonb language sql stable as $$
    select spread_of(array(
        select seconds_of(now() - w.since) from wanted w join orders o on o.id = w.order_id
        where (p_channel is null or o.channel = p_channel)
          and (p_customer is null or o.customer = p_customer)
          and (p_company is null or company_of(o.id, o.state) = p_company)))
$$;

-- How long after it happened a movement was in our books: the newest `p_most` that somebody told of.
create or replace function measure_stock(
    p_since timestamptz, p_until timestamptz, p_most integer)
returns jsonb language sql stable as $$
    select spread_of(array(
        select seconds_of(recorded_at - occurred_at) from movement
        where recorded_at >= p_since and recorded_at < p_until and movement_id is not null
        order by recorded_at desc limit p_most))
$$;

-- Dead letters of the window by kind and reason. With a filter, those that name an order that fits.
create or replace function count_dead_letters(
    p_since timestamptz, p_until timestamptz, p_channel text, p_company text, p_customer text)
returns jsonb language sql stable as $$
    select coalesce(jsonb_agg(to_jsonb(c) order by c.kind, c.reason), '[]') from (
        select d.kind, d.reason, count(*) as letters,
               count(*) filter (where d.resolved_at is null) as open
        from dead_letter d
        where d.created_at >= p_since and d.created_at < p_until
          and (coalesce(p_channel, p_company, p_customer) is null or exists (
              select from orders o where o.id = d.detail ->> 'order_id'
                and (p_channel is null or o.channel = p_channel)
                and (p_customer is null or o.customer = p_customer)
                and (p_company is null or company_of(o.id, o.state) = p_company)))
        group by d.kind, d.reason) c
$$;
