-- Leases and the event log.

create or replace function holds_lease(its_name text, its_epoch bigint) returns boolean
language sql volatile as $$
    -- Locked until the caller's statement has committed: nobody takes the lease under its hands.
    select exists (select from lease where name = its_name and epoch = its_epoch for share)
$$;

-- Events of one subject are in the order of the array. Those known by their id are left alone.
create or replace function write_events(events jsonb) returns void
language sql volatile as $$
    insert into event (id, kind, subject, data, occurred_at, correlation_id, causation_id)
    select e.id, e.kind, e.subject, coalesce(e.data, '{}'), e.occurred_at,
           coalesce(e.correlation_id, ''), coalesce(e.causation_id, '')
    from rows from (
        jsonb_to_recordset(events) as (
            id text, kind text, subject text, data jsonb, occurred_at timestamptz,
            correlation_id text, causation_id text
        )
    ) with ordinality as e
    order by e.ordinality
    on conflict (id) do nothing
$$;

-- Give positions to committed events, at most `most`: how many, or null when the lease is lost.
-- The highest position stays in the table for ever, whatever else is cleared out one day.
create or replace function number_events(its_name text, its_epoch bigint, most integer)
returns integer language plpgsql volatile as $$
declare
    numbered integer;
begin
    if not holds_lease(its_name, its_epoch) then
        return null;
    end if;
    with fresh as (
        select id, row_number() over (order by written) as n from (
            select id, written from event where position is null order by written limit most
        ) as oldest
    ), last as (
        select coalesce(max(position), 0) as position from event
    )
    update event set position = last.position + fresh.n
    from fresh, last where event.id = fresh.id;
    get diagnostics numbered = row_count;
    return numbered;
end
$$;

-- What has become of deliveries: [{id, round, cursor, attempts, failing_since, next_at, last_error,
-- done: [position], failing: [{position, attempts, …}], dead: [dead letters]}]. False: the lease is
-- lost, and nothing was written.
create or replace function settle_deliveries(its_name text, its_epoch bigint, settlements jsonb)
returns boolean language plpgsql volatile as $$
declare
    s record;
begin
    if not holds_lease(its_name, its_epoch) then
        return false;
    end if;
    for s in select * from jsonb_to_recordset(settlements) as (
        id text, round integer, cursor bigint, attempts integer, failing_since timestamptz,
        next_at timestamptz, last_error text, done jsonb, failing jsonb, dead jsonb
    ) order by id loop
        update subscription set
            cursor = s.cursor, attempts = s.attempts, failing_since = s.failing_since,
            next_at = s.next_at, last_error = s.last_error
        where id = s.id and round = s.round;
        continue when not found;
        delete from delivery where subscription_id = s.id and position <= s.cursor;
        insert into delivery (subscription_id, position, done)
        select s.id, position::bigint, true from jsonb_array_elements_text(s.done) as position
        on conflict (subscription_id, position) do update set done = true;
        insert into delivery as known
            (subscription_id, position, done, attempts, failing_since, next_at, last_error)
        select s.id, position, false, attempts, failing_since, next_at, last_error
        from jsonb_to_recordset(s.failing) as (
            position bigint, attempts integer, failing_since timestamptz, next_at timestamptz,
            last_error text
        )
        on conflict (subscription_id, position) do update set
            attempts = excluded.attempts, failing_since = excluded.failing_since,
            next_at = excluded.next_at, last_error = excluded.last_error
        where not known.done;
        insert into dead_letter (id, kind, source, reason, detail, body)
        select id, kind, source, reason, detail, decode(body, 'base64')
        from jsonb_to_recordset(s.dead) as (
            id text, kind text, source text, reason text, detail jsonb, body text
        )
        on conflict (id) do nothing;
    end loop;
    return true;
end
$$;

-- Forget what has been delivered behind position `after`, and tell it again.
create or replace function replay_subscription(its_id text, after bigint)
returns setof subscription language plpgsql volatile as $$
begin
    -- First the subscription, then its deliveries, like `settle_deliveries`.
    return query
        update subscription set
            cursor = after, round = round + 1, attempts = 0, failing_since = null, next_at = null,
            last_error = ''
        where id = its_id returning *;
    delete from delivery where subscription_id = its_id;
end
$$;
