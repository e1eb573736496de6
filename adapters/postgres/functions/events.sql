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
