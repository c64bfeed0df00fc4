-- Checkpoint 4: money settled by banks and gateways against cash applied; and how long is normal at each hand-off.

-- Every movement of customers' money as banks and gateways told of it, with the documents that it became; more than one row where it became
-- more than one. Lines of statements that customers have no part in (payouts, what we paid) are not among them.
create view settled_money as
select s.entity_id, l.booked_on as settled_on, s.last_day as told_through, s.received_at as told_at, a.name as source, l.statement_id || '/' || l.ordinal as movement,
    concat('line ', l.ordinal, ' of ', s.last_day, ', ', a.name) as place, abs(l.amount) as amount, a.currency,
    case when l.amount > 0 then 'credit' else 'debit' end as side, d.document_id, d.batch_id, d.number, d.amount as document_amount,
    case when i.kept = 'on_account' then 0 else i.open end as open, i.customer_code
from statement s join bank_account a using (bank_account_id) join statement_line l using (statement_id)
left join lateral (
    select d.document_id, d.batch_id, d.number, d.amount from payment p join document d using (document_id)
    where (p.statement_id, p.ordinal) = (l.statement_id, l.ordinal) and d.stage not in ('superseded', 'voided')
) d on true
left join open_item i using (document_id)
where s.state = 'imported' and l.status = 'booked' and l.amount <> 0
    and (d.document_id is not null or l.amount > 0 and not l.reversal and not exists (
        select from payout_line w where (w.statement_id, w.ordinal) = (l.statement_id, l.ordinal)))
union all
select g.entity_id, t.day, t.day, e.pulled_at, g.name, g.gateway_account_id || '/' || e.entry_id,
    concat(replace(e.kind, '_', ' '), ' ', e.entry_id, ', ', g.name), abs(e.amount), e.currency,
    case when e.kind in ('charge', 'refund_failure', 'dispute_reversal') then 'credit' else 'debit' end, d.document_id, d.batch_id, d.number, d.amount,
    case when i.kept = 'on_account' then 0 else i.open end, i.customer_code
from gateway_entry e join gateway_account g using (gateway_account_id) join entity n using (entity_id)
cross join lateral (select (e.created_at at time zone n.time_zone)::date as day) t
left join lateral (
    select d.document_id, d.batch_id, d.number, d.amount from payment p join document d using (document_id)
    where (p.gateway_account_id, p.entry_id) = (e.gateway_account_id, e.entry_id) and d.stage not in ('superseded', 'voided')
) d on true
left join open_item i using (document_id)
where e.kind in ('charge', 'refund', 'refund_failure', 'return', 'dispute', 'dispute_reversal') and e.amount <> 0;

-- Statements that tell of a period.
create index statement_entity on statement (entity_id, last_day) where state = 'imported';

-- How long it usually takes from the left of a checkpoint to its right, by where it comes from: an ERP connection, a bank account, a gateway.
create table learned_timing (
    entity_id uuid not null references entity,
    checkpoint smallint not null check (checkpoint between 1 and 5),
    source text not null check (source <> ''),
    -- What it was learned from.
    samples integer not null check (samples > 0),
    -- 99 of 100 took no longer.
    hours integer not null check (hours > 0),
    learned_at timestamptz not null,
    primary key (entity_id, checkpoint, source)
);
-- The longest that a controller allows, whatever was learned (accounting.md, Period and close).
create table timing_limit (
    entity_id uuid not null references entity,
    checkpoint smallint not null check (checkpoint between 1 and 5),
    hours integer not null check (hours between 1 and 8760),
    set_by text not null,
    set_at timestamptz not null,
    primary key (entity_id, checkpoint)
);

-- Customers whose balance differs between here and the ERP's AR, as of the last comparison.
create table customer_tie (
    entity_id uuid not null references entity,
    currency text not null,
    -- Ours; where the ERP names a customer that no mapping in force leads to: the ERP's id of it.
    customer_code text not null,
    -- Issued here less credited and received, and what the ERP holds, debits less credits; unknown payers are in neither.
    ours numeric not null,
    theirs numeric not null check (theirs <> ours),
    compared_at timestamptz not null,
    primary key (entity_id, currency, customer_code)
);
create index customer_tie_difference on customer_tie (entity_id, abs(ours - theirs) desc);
