-- Refunds that people ask for: agreed and posted before the money leaves, payable until a bank or a gateway shows that it left.

create table refund (
    -- Of the kind refund; its line names the account of ours that the money leaves.
    document_id uuid primary key references document,
    entity_id uuid not null references entity,
    customer_code text not null check (customer_code <> ''),
    -- The payment or credit memo that it consumes.
    credit_id uuid not null references document,
    -- How it leaves.
    bank_account_id uuid references bank_account,
    gateway_account_id uuid references gateway_account,
    reason text not null check (reason <> ''),
    requested_by text not null,
    -- null: within the limit of who asked.
    approved_by text,
    -- When it was agreed.
    agreed_at timestamptz not null,
    -- When a line or a movement was found that paid it; `payment` names which. null: not yet.
    paid_at timestamptz,
    -- The payment that puts the money back, because it never left.
    withdrawn_by uuid references document,
    constraint refund_leaves_one_way check (num_nonnulls(bank_account_id, gateway_account_id) = 1),
    constraint refund_ends_once check (num_nonnulls(paid_at, withdrawn_by) <= 1)
);
-- What is payable.
create index refund_payable on refund (entity_id, customer_code) where paid_at is null and withdrawn_by is null;
create trigger refund_ends_for_good before update on refund for each row when (num_nonnulls(old.paid_at, old.withdrawn_by) > 0)
    execute function refuse_change();
create trigger refund_is_kept before delete on refund for each row execute function refuse_change();

alter table approval
    drop constraint approval_act_check,
    drop constraint approval_check4,
    add constraint approval_act_check check (act in ('resolve', 'send_again', 'take_number', 'reverse', 'credit', 'repost', 'write_off', 'refund',
        'put_rules_in_force')),
    add constraint approval_content_check check ((act in ('write_off', 'refund')) = (content is not null));

-- What each booked line of a statement is; money that went out for a refund is told from other money that went out.
create or replace view cash_line as
select l.statement_id, l.ordinal, l.amount,
    case
        when w.statement_id is not null and w.payout_id is not null then 'payout'
        when w.statement_id is not null then 'in_clearing'
        when p.kind = 'refund' then 'refund'
        when p.kind is not null then 'receipt'
        when l.amount > 0 then 'other_in'
        else 'out'
    end as part
from statement_line l left join payout_line w using (statement_id, ordinal)
left join lateral (
    select d.kind from payment p join document d using (document_id)
    where (p.statement_id, p.ordinal) = (l.statement_id, l.ordinal) and d.superseded_by is null limit 1
) p on true
where l.status = 'booked';
