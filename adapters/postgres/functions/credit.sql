-- Whether a statement of an order about one of our books counts: its run is the one that has the
-- order, and no later statement was seen. A paused worker cannot bring back what was given back.
create or replace function may_pass(p_order text, p_what text, p_run text, p_n bigint)
returns boolean language sql volatile as $$
    with passed as (
        insert into fence as f (order_id, what, run, n)
        select p_order, p_what, p_run, p_n from orders where id = p_order and run = p_run for share
        on conflict (order_id, what) do update set run = excluded.run, n = excluded.n
        where f.run <> excluded.run or f.n <= excluded.n
        returning 1)
    select exists (select from passed)
$$;

-- This order uses exactly so much of the account's credit. Only more of what is still open can be
-- refused, or (`p_check`) what is open anyway: what has been invoiced is a fact. A refusal says what
-- stands.
drop function if exists claim_credit(text, text, bigint, text, numeric, numeric);
create or replace function claim_credit(
    p_order text, p_run text, p_n bigint, p_account text, p_open numeric, p_invoiced numeric,
    p_check boolean default false)
returns jsonb language plpgsql volatile as $$
declare
    had credit_claim;
    used credit_account;
    most numeric;
    beyond numeric;
begin
    if not may_pass(p_order, 'credit', p_run, p_n) then
        return '{"is": "replaced"}';
    end if;
    insert into credit_account (account) values (p_account) on conflict do nothing;
    select * into used from credit_account where account = p_account for update;
    select * into had from credit_claim where order_id = p_order and account = p_account;
    select credit_limit into most from customer where id = p_account;
    beyond := used.open + used.invoiced - coalesce(had.open + had.invoiced, 0)
        + p_open + p_invoiced - coalesce(most, 0);
    if p_open > (case when p_check then 0 else coalesce(had.open, 0) end) and beyond > 0 then
        return jsonb_build_object(
            'is', 'refused', 'beyond', beyond::text, 'standing', jsonb_build_object(
                'open', coalesce(had.open, 0)::text, 'invoiced', coalesce(had.invoiced, 0)::text));
    end if;
    update credit_account set
        open = open - coalesce(had.open, 0) + p_open,
        invoiced = invoiced - coalesce(had.invoiced, 0) + p_invoiced
    where account = p_account;
    insert into credit_claim (order_id, account, open, invoiced)
    values (p_order, p_account, p_open, p_invoiced)
    on conflict (order_id, account) do update
        set open = excluded.open, invoiced = excluded.invoiced;
    return '{"is": "done"}';
end
$$;
