-- What master data knows of one order, as CaptureFacts reads it.
create or replace function capture_facts(p_company text, p_customer text, p_items text[])
returns jsonb language sql stable as $$
    select jsonb_build_object(
        'company', (
            select to_jsonb(c) from company c
            where c.id = p_company
               or p_company is null and (select count(*) from company) = 1),
        'customer', (select to_jsonb(c) from customer c where c.id = p_customer),
        'account', (
            select to_jsonb(a) from customer c join customer a on a.id = coalesce(c.bill_to, c.id)
            where c.id = p_customer),
        'items', (
            with recursive wanted (id, depth) as (
                select id, 0 from unnest(p_items) id
                union
                select part, w.depth + 1
                from wanted w
                join item i using (id), jsonb_object_keys(i.kit) part
                where w.depth < 5)
            select coalesce(jsonb_object_agg(i.id, to_jsonb(i)), '{}')
            from item i where i.id in (select id from wanted)),
        'locations', (
            select coalesce(jsonb_agg(to_jsonb(l) order by l.id), '[]')
            from location l where l.active)) $$;

-- The customer, the items, and every price that could matter for them on some day.
create or replace function price_facts(p_customer text, p_items text[])
returns jsonb language sql stable as $$
    select jsonb_build_object(
        'items', (
            select coalesce(jsonb_object_agg(i.id, to_jsonb(i)), '{}')
            from item i where i.id = any (p_items)),
        'prices', (
            select coalesce(jsonb_agg(to_jsonb(p) order by p.number), '[]')
            from price p
            where p.item = any (p_items)
              and (p.customer = p_customer
                   or p.price_list = (select price_list from customer where id = p_customer)))) $$;
