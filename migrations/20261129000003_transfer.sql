-- Money that goes from one customer to another, in the same entity or in another one.

alter table batch_manifest drop constraint batch_manifest_kind_check, add check (kind in ('invoice', 'credit_memo', 'payment', 'refund',
    'returned_payment', 'chargeback', 'transfer', 'cash_application', 'application_reversal'));
alter table document drop constraint document_kind_check, add check (kind in ('invoice', 'credit_memo', 'payment', 'refund',
    'returned_payment', 'chargeback', 'transfer', 'cash_application', 'application_reversal'));
alter table open_item drop constraint open_item_kind_check,
    add check (kind in ('invoice', 'credit_memo', 'payment', 'refund', 'returned_payment', 'chargeback', 'transfer'));
-- TR transfers out, TI the payments that they are elsewhere.
alter table number_series drop constraint number_series_series_check,
    add check (series in ('RC', 'AP', 'RV', 'WO', 'RF', 'RT', 'CB', 'TR', 'TI'));

create or replace function debits_ar(kind text) returns boolean language sql immutable as $$
    select kind in ('invoice', 'refund', 'returned_payment', 'chargeback', 'transfer', 'journal_debit', 'money_back')
$$;
create or replace function is_money(kind text) returns boolean language sql immutable as $$
    select kind in ('payment', 'refund', 'returned_payment', 'chargeback', 'transfer')
$$;

create table transfer (
    -- Of the kind transfer: debits AR of who had the money, and credits the transfer account or what is due to the other entity.
    out_id uuid primary key references document,
    -- The payment that it is to who has the money now: debits the same account, or what is due from the first entity.
    in_id uuid not null unique references document,
    from_entity uuid not null references entity,
    to_entity uuid not null references entity,
    -- The payment or credit memo that it consumes.
    credit_id uuid not null references document,
    -- The transfer that it takes back.
    reverses uuid constraint transfer_is_reversed_once unique references transfer,
    reason text not null check (reason <> ''),
    requested_by text not null,
    -- null: within the limit of who asked, or taking one back.
    approved_by text,
    made_at timestamptz not null
);
create index transfer_credit on transfer (credit_id);
create trigger transfer_is_immutable before update or delete on transfer for each row execute function refuse_change();

-- What payments of transfers came to, by entity, currency and period: the roll-forward tells them from receipts.
create table transfer_total (
    entity_id uuid not null references entity,
    currency text not null,
    -- Of the payment.
    period text not null,
    count bigint not null,
    amount numeric not null,
    primary key (entity_id, currency, period)
);
create function total_transfers() returns trigger language plpgsql as $$
begin
    insert into transfer_total as t (entity_id, currency, period, count, amount)
    select d.entity_id, d.currency, d.period, count(*), sum(d.amount) from new_rows n join document d on d.document_id = n.in_id
    group by 1, 2, 3 order by 1, 2, 3
    on conflict (entity_id, currency, period) do update set count = t.count + excluded.count, amount = t.amount + excluded.amount;
    return null;
end $$;
create trigger transfer_is_totalled after insert on transfer referencing new table as new_rows
    for each statement execute function total_transfers();

alter table approval
    drop constraint approval_act_check,
    drop constraint approval_content_check,
    add constraint approval_act_check check (act in ('resolve', 'send_again', 'take_number', 'reverse', 'credit', 'repost', 'write_off', 'refund',
        'transfer', 'put_rules_in_force')),
    add constraint approval_content_check check ((act in ('write_off', 'refund', 'transfer')) = (content is not null));

-- Which codes a document needs mappings for: a transfer needs the account that stands between both sides.
create or replace view document_code as
select document_id, 1 as place, 'customer' as kind, customer_code as code from document
union
select l.document_id, k.place, k.kind, case k.kind when 'tax_code' then l.tax_code else l.item_code end
from document_line l join document d using (document_id) join (values
    ('invoice', 2, 'item'), ('invoice', 3, 'account'), ('invoice', 4, 'tax_code'),
    ('credit_memo', 2, 'item'), ('credit_memo', 3, 'account'), ('credit_memo', 4, 'tax_code'), ('payment', 2, 'bank_account'),
    ('refund', 2, 'bank_account'), ('returned_payment', 2, 'bank_account'), ('chargeback', 2, 'bank_account'), ('transfer', 2, 'bank_account')
) k (of, place, kind) on k.of = d.kind;
