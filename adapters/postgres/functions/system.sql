-- Outside systems and what may be asked of them.

-- The concurrency of a system is shared out between the processes that call it; the places of one.
-- A newcomer gets none for a second: until then the others may not have heard of it.
create or replace function places_of(its_name text, its_owner text, all_places integer)
returns integer language plpgsql volatile as $$
declare
    at timestamptz := clock_timestamp();
    me record;
begin
    delete from system_caller where system = its_name and until < at;
    insert into system_caller (system, owner, since, until)
    values (its_name, its_owner, at, at + interval '3 seconds')
    on conflict (system, owner) do update set until = excluded.until;
    select c.* into me from (
        select owner, since, count(*) over () as callers,
               row_number() over (order by owner) - 1 as place
        from system_caller where system = its_name
    ) as c where c.owner = its_owner;
    if me.callers > 1 and me.since > at - interval '1 second' then
        return 0;
    end if;
    return all_places / me.callers
        + case when me.place < all_places % me.callers then 1 else 0 end;
end
$$;

-- Take up to `wanted` requests, and hear how the system stands. Seconds: `closed_for` until it may
-- be asked again, `next_in` until the next block may be taken (null: never, the rate is 0). `rate` null:
-- unlimited. `places` null: any number at once.
create or replace function take_requests(its_name text, its_owner text, wanted integer)
returns table (
    granted integer, next_in double precision, closed_for double precision, is_paused boolean,
    rate double precision, places integer
) language plpgsql volatile as $$
declare
    s system;
    at timestamptz;
    speed numeric;
    there numeric;
    block numeric;
begin
    select * into s from system where name = its_name;
    if not found then
        insert into system (name) values (its_name) on conflict (name) do nothing;
        select * into s from system where name = its_name;
    end if;
    if s.requests_per_second is not null or s.concurrency is not null then
        select * into s from system where name = its_name for update;
    end if;
    at := clock_timestamp();
    granted := 0;
    is_paused := s.paused;
    closed_for := greatest(0, coalesce(extract(epoch from s.closed_until - at), 0));
    rate := s.requests_per_second;
    if s.concurrency is not null then
        places := places_of(its_name, its_owner, s.concurrency);
    end if;
    if is_paused or closed_for > 0 then
        return next;
        return;
    end if;
    if s.requests_per_second is null then
        granted := wanted;
        return next;
        return;
    end if;
    speed := s.requests_per_second;
    if s.ramp_seconds > 0 and s.opened_at is not null then
        speed := speed * least(1, greatest(
            0.1, extract(epoch from at - s.opened_at) / s.ramp_seconds
        ));
    end if;
    -- A block covers a twentieth of a second: less would be a round trip for every request.
    block := greatest(1, floor(speed * 0.05));
    there := least(greatest(s.burst, block), case when s.tokens is null then s.burst
        else s.tokens + speed * greatest(0, extract(epoch from at - s.tokens_at)) end);
    granted := least(wanted, floor(there));
    there := there - granted;
    next_in := greatest(0, least(wanted - granted, block) - there) / nullif(speed, 0);
    update system set tokens = there, tokens_at = at where name = its_name;
    return next;
end
$$;

-- Nobody asks it until then. What could have been asked meanwhile is not made up for.
create or replace function close_system(its_name text, wait interval) returns void
language sql volatile as $$
    insert into system as s (name, closed_until, opened_at, tokens, tokens_at)
    values (its_name, now() + wait, now() + wait, 0, now() + wait)
    on conflict (name) do update set
        closed_until = excluded.closed_until, opened_at = excluded.opened_at,
        tokens = 0, tokens_at = excluded.tokens_at
    where s.closed_until is null or s.closed_until < excluded.closed_until
$$;

create or replace function pause_system(its_name text, its_paused boolean) returns void
language sql volatile as $$
    insert into system as s (name, paused) values (its_name, its_paused)
    on conflict (name) do update set
        paused = its_paused, opened_at = now(), tokens = 0, tokens_at = now()
    where s.paused <> its_paused
$$;
