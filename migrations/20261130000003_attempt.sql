-- Attempts to collect that failed, or that wait for their bank. They move no money, so they make no document.

create table gateway_attempt (
    gateway_account_id uuid not null references gateway_account,
    -- The gateway's id: the charge, or the refused authorisation.
    attempt_id text not null check (attempt_id <> ''),
    -- What ties the attempts and the charge of one payment together, where the gateway has such a thing.
    payment_reference text,
    -- The invoices that it was to pay, as the gateway names them.
    invoice_numbers text[] not null,
    -- What was to be paid: the first invoice; without one, the payment; without that, this attempt only.
    payment text not null generated always as (coalesce(invoice_numbers[1], payment_reference, attempt_id)) stored,
    amount numeric(20, 4) not null check (amount > 0),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    -- returned: credited, and taken back later, which is a movement of its own.
    status text not null check (status in ('pending', 'succeeded', 'failed', 'returned')),
    created_at timestamptz not null,
    method text,
    -- Why it failed: the gateway's code, and its words.
    reason_code text,
    failure text,
    -- When the gateway tries again, as it said when last looked at; null: it does not, or does not say.
    next_retry_at timestamptz,
    seen_at timestamptz not null,
    primary key (gateway_account_id, attempt_id)
);
-- What failed of a payment, and what failed in a time.
create index gateway_attempt_payment on gateway_attempt (payment, gateway_account_id) where status = 'failed';
create index gateway_attempt_failed on gateway_attempt (gateway_account_id, created_at) where status = 'failed';
-- What is looked at again.
create index gateway_attempt_unsettled on gateway_attempt (gateway_account_id, created_at) where status = 'pending' or next_retry_at is not null;
-- The charge that an attempt after a failed one became.
create index gateway_entry_invoice on gateway_entry (gateway_account_id, (invoice_numbers[1])) where kind = 'charge';

alter table gateway_account
    -- Where the pull of its attempts goes on; null: not begun.
    add column attempt_cursor text;

-- A payment with its failed attempts, and the charge that came in the end.
create view failed_payment as
select f.*, g.entity_id, g.code, (
    select min(e.created_at) from gateway_entry e
    where e.gateway_account_id = f.gateway_account_id and e.kind = 'charge' and e.created_at >= f.first_at
        and (e.invoice_numbers[1] = f.payment or e.payment_reference = f.payment)
) as recovered_at
from (
    select gateway_account_id, payment, currency, count(*) as attempts, min(created_at) as first_at, max(created_at) as last_at,
        (array_agg(amount order by created_at desc))[1] as amount, (array_agg(method order by created_at desc))[1] as method,
        (array_agg(reason_code order by created_at desc))[1] as reason_code, (array_agg(failure order by created_at desc))[1] as failure,
        (array_agg(next_retry_at order by created_at desc))[1] as next_retry_at
    from gateway_attempt where status = 'failed' group by gateway_account_id, payment, currency
) f join gateway_account g using (gateway_account_id);

-- While the gateway tries again, nobody is asked to pay.
alter table collection_trigger
    drop constraint collection_trigger_silent_check,
    add check (silent in ('dispute', 'unapplied_cash', 'retry'));

create or replace function collectable(entity uuid, now timestamptz, usual integer[])
returns table (customer_code text, currency text, step smallint, days integer, from_days integer, amount numeric, silent text,
    items uuid[], opens numeric[], due_on date[])
language sql stable as $$
    with place as (
        select (now at time zone e.time_zone)::date as today, coalesce(s.days, usual) as steps
        from entity e left join dunning_steps s using (entity_id) where e.entity_id = entity
    ), owed as (
        select i.customer_code, i.currency, max(p.today - i.aged_from) as days, sum(i.open) as amount, p.steps,
            array_agg(i.document_id order by i.aged_from, i.document_id) as items,
            array_agg(i.open order by i.aged_from, i.document_id) as opens,
            array_agg(i.aged_from order by i.aged_from, i.document_id) as due_on
        from place p join open_item i on i.entity_id = entity and i.kind = 'invoice' and i.open > 0 and i.aged_from <= p.today - p.steps[1]
        group by i.customer_code, i.currency, p.steps
    ), stepped as (
        select o.*, case when days >= steps[3] then 3 when days >= steps[2] then 2 else 1 end as step from owed o
    ), retried as (
        select distinct i.customer_code
        from gateway_account g join gateway_attempt a on a.gateway_account_id = g.gateway_account_id and a.status = 'failed' and a.next_retry_at > now
        join document d on d.entity_id = entity and d.kind = 'invoice' and d.number = any(a.invoice_numbers)
        join open_item i on i.document_id = d.document_id and i.open > 0
        where g.entity_id = entity
    )
    select o.customer_code, o.currency, o.step::smallint, o.days, o.steps[o.step], o.amount,
        case when exists (select from open_item i where i.entity_id = entity and i.customer_code = o.customer_code and i.open > 0 and i.kept = 'disputed')
            then 'dispute'
        when exists (select from open_item i where i.entity_id = entity and i.customer_code = o.customer_code and i.open > 0 and i.kind = 'payment')
            then 'unapplied_cash'
        when exists (select from retried r where r.customer_code = o.customer_code) then 'retry' end,
        o.items, o.opens, o.due_on
    from stepped o
$$;
