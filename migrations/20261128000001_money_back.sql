-- Money that goes back to customers: refunds, returned payments and chargebacks, and the disputes behind them.

alter table batch_manifest drop constraint batch_manifest_kind_check, add check (kind in ('invoice', 'credit_memo', 'payment', 'refund',
    'returned_payment', 'chargeback', 'cash_application', 'application_reversal'));
alter table document drop constraint document_kind_check, add check (kind in ('invoice', 'credit_memo', 'payment', 'refund',
    'returned_payment', 'chargeback', 'cash_application', 'application_reversal'));
alter table erp_document drop constraint erp_document_kind_check, add check (kind in ('invoice', 'credit_memo', 'journal_debit',
    'journal_credit', 'payment', 'money_back', 'cash_application', 'application_reversal'));
-- RF refunds, RT returned payments, CB chargebacks.
alter table number_series drop constraint number_series_series_check,
    add check (series in ('RC', 'AP', 'RV', 'WO', 'RF', 'RT', 'CB'));

create function debits_ar(kind text) returns boolean language sql immutable as $$
    select kind in ('invoice', 'refund', 'returned_payment', 'chargeback', 'journal_debit', 'money_back')
$$;
create function is_money(kind text) returns boolean language sql immutable as $$
    select kind in ('payment', 'refund', 'returned_payment', 'chargeback')
$$;

-- Debits are invoices and money that went back.
alter table open_item
    drop constraint open_item_kind_check,
    add check (kind in ('invoice', 'credit_memo', 'payment', 'refund', 'returned_payment', 'chargeback')),
    drop constraint open_item_check,
    -- Empty: money of a customer who is not known.
    add constraint open_item_customer_is_known check (customer_code <> '' or is_money(kind));

-- A row of `payment` says what moved the money of a document, whichever way it went.
alter table payment
    -- Of money that went back: the payment that brought it; null: that is not known here.
    add column takes_back uuid references document;
-- Money with everything that its bank or its gateway told of it, whichever way it went.

create view payment_money as
select i.document_id, i.entity_id, i.kind, p.statement_id, p.ordinal, p.gateway_account_id, p.entry_id, p.takes_back,
    coalesce(a.number, g.code) as account, i.amount, i.open, i.kept, i.currency, i.aged_from as received_on, i.customer_code,
    exists (select from application t where t.credit_id = i.document_id and t.reverses is not null) as taken_back,
    l.end_to_end_id, coalesce(l.structured_references, '{}') as structured_references, coalesce(l.documents, e.invoice_numbers) as documents,
    l.mandate, l.counterparty_name as payer_name, l.counterparty_account as payer_account, coalesce(l.text, e.reason, '') as text
from open_item i join payment p using (document_id)
left join statement_line l using (statement_id, ordinal) left join statement s using (statement_id) left join bank_account a using (bank_account_id)
left join gateway_entry e on (e.gateway_account_id, e.entry_id) = (p.gateway_account_id, p.entry_id)
left join gateway_account g on g.gateway_account_id = p.gateway_account_id;
-- What was taken back of a payment.
create index payment_taken_back on payment (takes_back) where takes_back is not null;
-- The charge behind a refund or a dispute.
create index gateway_entry_payment on gateway_entry (gateway_account_id, payment_reference) where payment_reference is not null;
-- Movements that become documents, in their order: those that are none yet are looked for.
drop index gateway_entry_charge;
create index gateway_entry_document on gateway_entry (gateway_account_id, created_at, entry_id)
    where kind in ('charge', 'refund', 'refund_failure', 'return', 'dispute', 'dispute_reversal');

-- A dispute as the gateway tells of it, when last looked at.
create table gateway_dispute (
    gateway_account_id uuid not null references gateway_account,
    dispute_id text not null check (dispute_id <> ''),
    payment_reference text,
    amount numeric(20, 4) not null check (amount > 0),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    status text not null check (status in ('inquiry', 'needs_response', 'under_review', 'won', 'lost', 'closed')),
    created_at timestamptz not null,
    -- Until when evidence is taken.
    respond_by timestamptz,
    -- In the gateway's words.
    reason text,
    seen_at timestamptz not null,
    primary key (gateway_account_id, dispute_id)
);
-- What somebody has to answer, by its deadline; and what is looked at again.
create index gateway_dispute_open on gateway_dispute (gateway_account_id, respond_by) where status not in ('won', 'lost', 'closed');
alter table gateway_account
    -- Where the pull of its disputes goes on; null: not begun.
    add column dispute_cursor text;
-- The payment that a return takes back: both lines have one reference from end to end.
create index statement_line_end_to_end on statement_line (end_to_end_id) where end_to_end_id is not null;

-- Which codes a document needs mappings for: money that went back needs the account that it left.
create or replace view document_code as
select document_id, 1 as place, 'customer' as kind, customer_code as code from document
union
select l.document_id, k.place, k.kind, case k.kind when 'tax_code' then l.tax_code else l.item_code end
from document_line l join document d using (document_id) join (values
    ('invoice', 2, 'item'), ('invoice', 3, 'account'), ('invoice', 4, 'tax_code'),
    ('credit_memo', 2, 'item'), ('credit_memo', 3, 'account'), ('credit_memo', 4, 'tax_code'), ('payment', 2, 'bank_account'),
    ('refund', 2, 'bank_account'), ('returned_payment', 2, 'bank_account'), ('chargeback', 2, 'bank_account')
) k (of, place, kind) on k.of = d.kind;
