-- Records of orders: snapshot, events, what was heard and what became of it, in one statement.

-- This namespace runs our orders, unless another one does. True when it is the one.
create or replace function claim_engine(p_namespace text) returns boolean
language sql volatile as $$
    insert into engine (what, namespace_id) values ('orders', p_namespace) on conflict do nothing;
    select namespace_id = p_namespace from engine
$$;

-- From now on this namespace runs our orders; those of the one before are refused.
create or replace function move_engine(p_namespace text) returns void
language sql volatile as $$
    insert into engine (what, namespace_id) values ('orders', p_namespace)
    on conflict (what) do update set namespace_id = excluded.namespace_id, since = now()
    where engine.namespace_id <> excluded.namespace_id;
    -- What was handed to the one before went with it; and what is being handed over just now is
    -- written to, so that it is not noted as handed over.
    update inbox set handed_at = null where applied_at is null
$$;

-- Answers `saved` or `replaced`; `elsewhere` where another engine has the orders; `held_by`, the run
-- that has the order, if it is another one than the caller knew of; or `ahead`, the stored state, if
-- a new run went out from an older one (the one before it may have recorded more since).
create or replace function save_order(
    p_id text, p_run text, p_engine text, p_history_length integer, p_revision integer,
    p_based_on integer, p_taking_from text, p_state jsonb, p_status text, p_holds text[],
    p_total numeric, p_finished boolean, p_heard integer, p_outcomes jsonb, p_events jsonb,
    p_wanted jsonb)
returns jsonb language plpgsql volatile as $$
declare
    kept orders;
begin
    if p_engine <> (select namespace_id from engine) then
        return '{"is": "elsewhere"}';
    end if;
    select * into kept from orders where id = p_id for update;
    if not found or p_run = any (kept.replaced) then
        return '{"is": "replaced"}';
    end if;
    if p_run = kept.run then
        -- A task that is done again may make fewer records than before: its revisions are no guide.
        if kept.history_length > p_history_length then
            return '{"is": "replaced"}';
        end if;
        if p_based_on not in (kept.based_on, kept.revision) then
            -- It is the task in which this run was given a state, and went on from there.
            return jsonb_build_object('is', 'ahead', 'state', kept.state);
        end if;
        if (kept.state ->> 'heard')::integer > p_heard then
            -- Its engine was brought back from a backup, and went another way.
            return '{"is": "replaced"}';
        end if;
    elsif kept.run is not null then
        if kept.run is distinct from p_taking_from then
            return jsonb_build_object('is', 'held_by', 'run', kept.run);
        end if;
        -- Revisions of two runs do not compare: what the caller went out from does.
        if kept.revision <> p_based_on then
            -- Its next record, made from that state, takes the order; this answer may get lost.
            return jsonb_build_object('is', 'ahead', 'state', kept.state);
        end if;
    end if;
    update orders set
        run = p_run, based_on = p_based_on, history_length = p_history_length,
        revision = p_revision, state = p_state,
        status = p_status, hold_reasons = p_holds, total = p_total, updated_at = now(),
        finished_at = case when p_finished then coalesce(finished_at, now()) end,
        replaced = case when kept.run is null or kept.run = p_run
            then replaced else replaced || kept.run end
    where id = p_id;
    perform write_events(p_events) where jsonb_array_length(p_events) > 0;
    update inbox i set applied_at = now(), outcome = coalesce(
        i.outcome,
        (select o - 'n' from jsonb_array_elements(p_outcomes) o where (o ->> 'n')::int = i.n),
        '{"status": "done"}')
    where i.order_id = p_id and i.n <= p_heard and i.applied_at is null;
    insert into dead_letter (id, kind, source, reason, detail, body)
    select format('%s/%s/%s', i.source, i.external_id, i.n), i.kind, i.source, o ->> 'reason',
           jsonb_build_object('order_id', p_id, 'n', i.n, 'external_id', i.external_id,
                              'detail', o ->> 'detail'),
           coalesce(i.raw, convert_to(i.body::text, 'utf8'))
    from jsonb_array_elements(p_outcomes) o
    join inbox i on i.order_id = p_id and i.n = (o ->> 'n')::int
    where o ->> 'reason' = 'not_understood'
    on conflict do nothing;
    perform want_items(p_id, p_wanted);
    return '{"is": "saved"}';
end
$$;

-- These items are what the order waits for. What came before it was known is announced now.
create or replace function want_items(p_order text, p_wanted jsonb) returns void
language plpgsql volatile as $$
declare
    fresh text[];
begin
    delete from wanted where order_id = p_order and not p_wanted ? item;
    if p_wanted = '{}' then
        return;
    end if;
    update wanted set quantity = (p_wanted ->> item)::numeric where order_id = p_order;
    with new as (
        insert into wanted (order_id, item, quantity, since)
        select p_order, key, value::numeric, now() from jsonb_each_text(p_wanted)
        on conflict do nothing returning item
    )
    select array_agg(item) into fresh from new;
    if fresh is not null then
        perform announce_stock(array(
            select s.item || ' ' || s.location from stock_position s where s.item = any (fresh)));
    end if;
end
$$;
