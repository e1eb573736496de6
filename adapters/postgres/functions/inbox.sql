-- Messages in. Stored whole, numbered per order without gaps, and only then acknowledged.

-- Number and store a message. The number's row is locked until the end of the transaction, so the
-- numbers of an order are in the order of its commits. Raises unique_violation on a known id.
create or replace function number_message(
    p_order text, p_source text, p_external text, p_kind text, p_body jsonb, p_raw bytea,
    p_content text, p_correlation text)
returns integer language plpgsql volatile as $$
declare
    its_number integer;
begin
    insert into inbox_number as i (order_id, last) values (p_order, 1)
    on conflict (order_id) do update set last = i.last + 1 returning last into its_number;
    insert into inbox (order_id, n, bucket, source, external_id, kind, body, raw, content,
                       correlation_id)
    values (p_order, its_number, abs(hashtext(p_order)::bigint) % 16, p_source, p_external, p_kind,
            p_body, p_raw, p_content, p_correlation);
    return its_number;
end
$$;

-- What our own ledger tells an order; told again, it is passed over.
create or replace function tell_order(p_order text, p_source text, p_external text, p_body jsonb)
returns void language plpgsql volatile as $$
begin
    -- Somebody else may be telling it the same.
    perform from inbox_number where order_id = p_order for update;
    if exists (select from inbox where source = p_source and external_id = p_external) then
        return;
    end if;
    perform number_message(
        p_order, p_source, p_external, p_body ->> 'kind',
        p_body || jsonb_build_object('id', p_external), null, md5(p_body::text), '');
end
$$;

-- What is known of a message's id: `repeat`; `conflict` (same id, other content); `older`, with what
-- is stored, where that was hashed before values were and the caller has to compare; null: nothing.
create or replace function known_message(
    p_order text, p_source text, p_external text, p_content text)
returns jsonb language sql stable as $$
    select jsonb_build_object('order_id', order_id, 'n', n) || case
        when content = p_content and order_id = p_order then '{"is": "repeat"}'
        when p_content like 'v2:%' and content not like 'v2:%'
            then jsonb_build_object('is', 'older', 'content', content, 'body', body)
        else '{"is": "conflict"}' end
    from inbox where source = p_source and external_id = p_external
$$;

-- A message for an order, known or not: `stored`, or what is known of it; a conflict is kept.
-- A milestone's goods move stock in the same transaction, whatever the order is doing.
create or replace function store_message(
    p_order text, p_source text, p_external text, p_kind text, p_body jsonb, p_raw bytea,
    p_content text, p_correlation text, p_goods jsonb default null, p_known_only boolean default false)
returns jsonb language plpgsql volatile as $$
declare
    known jsonb := known_message(p_order, p_source, p_external, p_content);
    its_number integer;
    freed text[];
begin
    if known ->> 'is' <> 'conflict' then
        return known;
    elsif known is not null then
        insert into dead_letter (id, kind, source, reason, detail, body)
        values (format('%s/%s/%s', p_source, p_external, md5(p_content)), p_kind, p_source,
                'conflicting_content',
                jsonb_build_object('order_id', p_order, 'external_id', p_external,
                                   'correlation_id', p_correlation), p_raw)
        on conflict do nothing;
        return known;
    end if;
    if p_known_only and not exists (select from orders where id = p_order) then
        return '{"is": "unknown_order"}';
    end if;
    if p_goods is not null then
        perform lock_goods(p_order);
        insert into goods_fact (source, message_id, number, order_id, kind, line, location,
                                document, disposition, quantity, occurred_at)
        select p_source, p_external, g.number, p_order, g.kind, g.line, g.location, g.document,
               g.disposition, g.quantity, g.occurred_at
        from jsonb_to_recordset(p_goods) as g(
            number bigint, kind text, line text, location text, document text, disposition text,
            quantity numeric, occurred_at timestamptz);
        freed := book_order_goods(p_order);
    end if;
    if cardinality(freed) > 0 then
        -- Its own number and those of the orders that will be told, in the order of orders.
        perform from inbox_number where order_id in (
            select p_order union select order_id from longest_waiting(freed))
        order by order_id for update;
    end if;
    its_number := number_message(
        p_order, p_source, p_external, p_kind, p_body, p_raw, p_content, p_correlation);
    perform announce_stock(freed);
    return jsonb_build_object('is', 'stored', 'order_id', p_order, 'n', its_number);
end
$$;

-- A command for an order that is known: `stored`, or what is known of it; a conflict is not kept,
-- since whoever sent it is told. `stale`: the order is not at that revision (null: any), or one of
-- its commands of these kinds is still to be applied and may change it first.
create or replace function store_command(
    p_order text, p_source text, p_external text, p_kind text, p_body jsonb, p_raw bytea,
    p_content text, p_correlation text, p_revision integer, p_commands text[])
returns jsonb language plpgsql volatile as $$
declare
    its_revision integer;
    known jsonb;
    its_number integer;
begin
    -- Locked in the order in which a record locks them. From here on no record is made, and no
    -- message numbered, before this one is.
    select case when state ->> 'header' is null then 0 else revision end into its_revision
    from orders where id = p_order and p_revision is not null for share;
    if found then
        perform from inbox_number where order_id = p_order for update;
    end if;
    known := known_message(p_order, p_source, p_external, p_content);
    if known is not null then
        return known;
    end if;
    if not exists (select from orders where id = p_order) then
        return '{"is": "unknown_order"}';
    end if;
    if p_revision <> its_revision or p_revision is not null and exists (
        select from inbox
        where order_id = p_order and applied_at is null and kind = any (p_commands))
    then
        return '{"is": "stale"}';
    end if;
    its_number := number_message(
        p_order, p_source, p_external, p_kind, p_body, p_raw, p_content, p_correlation);
    return jsonb_build_object('is', 'stored', 'order_id', p_order, 'n', its_number);
end
$$;

-- An order comes in: `accepted`, `repeat` (same Idempotency-Key and request; with what it was told
-- first), `same` (same channel, reference and content), `key_reused`, `conflict` (same reference,
-- other content), or `older`, with what is stored, as of a message.
create or replace function accept_order(
    p_id text, p_source text, p_external text, p_channel text, p_reference text, p_customer text,
    p_currency text, p_content text, p_alike text, p_owner text, p_key text, p_request text,
    p_body jsonb, p_raw bytea, p_correlation text)
returns jsonb language plpgsql volatile as $$
declare
    known record;
    twin text;
begin
    if p_key is not null then
        insert into order_key (owner, key, request, order_id)
        values (p_owner, p_key, p_request, p_id) on conflict do nothing;
        if not found then
            select * into known from order_key where owner = p_owner and key = p_key;
            if known.request <> p_request then
                return jsonb_build_object('is', 'key_reused', 'order_id', known.order_id);
            end if;
            return jsonb_build_object(
                'is', 'repeat', 'order_id', known.order_id, 'made_it', known.made_it,
                'duplicate_of', case when known.made_it then (
                    select nullif(body ->> 'duplicate_of', '') from inbox
                    where order_id = known.order_id and kind = 'placed' order by n limit 1) end);
        end if;
    end if;
    -- Two alike that come at once: the second waits here, and then sees the first.
    perform pg_advisory_xact_lock(hashtextextended(p_alike, 0));
    select id into twin from orders
    where alike = p_alike and placed_at > now() - interval '1 day'
      and (channel, reference) <> (p_channel, p_reference)
    order by placed_at limit 1;
    insert into orders (id, channel, reference, customer, currency, content, alike, placed_at)
    values (p_id, p_channel, p_reference, p_customer, p_currency, p_content, p_alike,
            clock_timestamp())
    on conflict (channel, reference) do nothing;
    if not found then
        select * into known from orders where channel = p_channel and reference = p_reference;
        if known.content = p_content then
            update order_key set order_id = known.id, made_it = false
            where owner = p_owner and key = p_key;
            return jsonb_build_object('is', 'same', 'order_id', known.id);
        end if;
        delete from order_key where owner = p_owner and key = p_key;
        if p_content like 'v2:%' and known.content not like 'v2:%' then
            return jsonb_build_object(
                'is', 'older', 'order_id', known.id, 'content', known.content, 'body', (
                    select body from inbox
                    where order_id = known.id and kind = 'placed' order by n limit 1));
        end if;
        insert into dead_letter (id, kind, source, reason, detail, body)
        values (format('%s/%s/%s', p_channel, p_reference, md5(p_content)), 'order', p_source,
                'conflicting_reference',
                jsonb_build_object('order_id', known.id, 'reference', p_reference,
                                   'correlation_id', p_correlation), p_raw)
        on conflict do nothing;
        return jsonb_build_object('is', 'conflict', 'order_id', known.id);
    end if;
    perform number_message(
        p_id, p_source, p_external, 'placed',
        p_body || jsonb_build_object('duplicate_of', coalesce(twin, '')),
        p_raw, p_content, p_correlation);
    return jsonb_build_object('is', 'accepted', 'order_id', p_id, 'duplicate_of', twin);
end
$$;

-- A message nobody can read, or for an order nobody knows: it becomes a dead letter, and a blank
-- takes its number, so that what comes after it is not held up.
create or replace function bury_message(p_order text, p_n integer, p_reason text, p_detail jsonb)
returns void language sql volatile as $$
    with buried as (
        insert into dead_letter (id, kind, source, reason, detail, body)
        select format('%s/%s/%s', source, external_id, n), kind, source, p_reason,
               p_detail || jsonb_build_object('order_id', order_id, 'n', n,
                                              'external_id', external_id),
               coalesce(raw, convert_to(body::text, 'utf8'))
        from inbox where order_id = p_order and n = p_n and kind <> 'skipped'
        on conflict do nothing
    )
    update inbox set kind = 'skipped',
        body = jsonb_build_object('kind', 'skipped', 'id', external_id),
        outcome = jsonb_build_object('status', 'refused', 'reason', p_reason)
    where order_id = p_order and n = p_n and kind <> 'skipped'
$$;
