-- Receivables: payments and cash applications as documents, what is open of every item, and what the matcher says.

alter table batch_manifest drop constraint batch_manifest_kind_check,
    add check (kind in ('invoice', 'credit_memo', 'payment', 'cash_application', 'application_reversal'));
alter table document drop constraint document_kind_check,
    add check (kind in ('invoice', 'credit_memo', 'payment', 'cash_application', 'application_reversal'));
alter table erp_document drop constraint erp_document_kind_check, add check (kind in ('invoice', 'credit_memo', 'journal_debit',
    'journal_credit', 'payment', 'cash_application', 'application_reversal'));
alter table mapping drop constraint mapping_kind_check,
    add check (kind in ('customer', 'item', 'account', 'tax_code', 'bank_account'));
alter table limit_use drop constraint limit_use_act_check,
    add check (act in ('resolve', 'mapping', 'replay', 'correct', 'cash'));

alter table approval drop constraint approval_act_check,
    add check (act in ('resolve', 'send_again', 'take_number', 'reverse', 'credit', 'repost', 'write_off')),
    -- What exactly is asked for, where words are not enough to do it.
    add column content jsonb check ((act = 'write_off') = (content is not null));

-- Numbers of documents that Tieout issues itself, without gaps: taken in the transaction that issues them.
create table number_series (
    entity_id uuid not null references entity,
    -- RC receipts, AP applications, RV their reversals, WO write-offs.
    series text not null check (series in ('RC', 'AP', 'RV', 'WO')),
    year smallint not null,
    last integer not null check (last >= 0),
    primary key (entity_id, series, year)
);

-- A payment and the line of the statement that brought it. An identified one is a new version of the unidentified.
create table payment (
    document_id uuid primary key references document,
    statement_id uuid not null,
    ordinal integer not null,
    foreign key (statement_id, ordinal) references statement_line
);
create index payment_line on payment (statement_id, ordinal);
create trigger payment_is_immutable before update or delete on payment for each row execute function refuse_change();

-- When the money of an imported statement became payments; null: not yet.
alter table statement add received_cash_at timestamptz;
create index statement_not_received on statement (entity_id, last_day, place) where state = 'imported' and received_cash_at is null;

-- What is open of an item of receivables: the fold of its applications. Debits are invoices; credits are credit memos and payments.
create table open_item (
    document_id uuid primary key references document,
    entity_id uuid not null,
    kind text not null check (kind in ('invoice', 'credit_memo', 'payment')),
    -- Empty: a payment whose payer is not known.
    customer_code text not null check (customer_code <> '' or kind = 'payment'),
    currency text not null,
    -- An invoice ages from its due date, money from the day it was received, a credit memo from its date.
    aged_from date not null,
    amount numeric(20, 4) not null check (amount >= 0),
    applied numeric(20, 4) not null default 0,
    open numeric(20, 4) not null generated always as (amount - applied) stored,
    -- A person keeps it: a payment on account, an invoice in dispute.
    kept text check (kept is null or (kept = 'on_account' and kind = 'payment') or (kept = 'disputed' and kind = 'invoice')),
    constraint open_item_is_not_overallocated check (applied between 0 and amount)
) with (fillfactor = 80);
-- A customer's account.
create index open_item_customer on open_item (entity_id, customer_code, aged_from, document_id) where open > 0;
-- The items behind a cell of an aging, keyset-paged.
create index open_item_age on open_item (entity_id, kind, currency, aged_from, document_id) where open > 0;
-- What a person keeps.
create index open_item_kept on open_item (entity_id, kept, aged_from, document_id) where open > 0 and kept is not null;
-- What a customer paid, settled or not.
create index open_item_paid on open_item (entity_id, customer_code, aged_from, document_id) where kind <> 'invoice';

-- A cash application or its reversal: who or what decided it.
create table application (
    document_id uuid primary key references document,
    entity_id uuid not null,
    -- The payment or credit memo that is given.
    credit_id uuid not null references open_item,
    -- Its place among those of the credit, which the ERP takes in this order.
    place integer not null check (place > 0),
    -- The application that it takes back.
    reverses uuid references application constraint application_is_reversed_once unique,
    -- null: the rules confirmed it.
    decided_by text,
    -- Why: what the rules saw, or what the person said.
    reason text not null,
    score integer,
    rules integer,
    unique (credit_id, place)
);
-- What people decided, beside what the rules did.
create index application_by_people on application (entity_id) where decided_by is not null and reverses is null;
create trigger application_is_immutable before update or delete on application for each row execute function refuse_change();

-- What an application gives to an item, or a reversal takes back; the lines of its document.
create table allocation (
    document_id uuid not null references application,
    line integer not null,
    debit_id uuid not null references open_item,
    amount numeric(20, 4) not null check (amount > 0),
    primary key (document_id, line)
);
create index allocation_debit on allocation (debit_id);
create trigger allocation_is_immutable before update or delete on allocation for each row execute function refuse_change();

-- Small amounts that are given up, as a credit memo of our own: why, and of which item.
create table write_off (
    document_id uuid primary key references document,
    debit_id uuid not null references document,
    reason text not null check (reason in ('withholding_tax', 'cash_discount', 'bank_fee', 'small_balance')),
    -- The payment that was short.
    payment_id uuid references document,
    decided_by text not null,
    why text not null
);
create trigger write_off_is_immutable before update or delete on write_off for each row execute function refuse_change();

-- What the matcher says of money that is not applied in full, as of its last run.
create table suggestion (
    document_id uuid primary key references open_item on delete cascade,
    verdict text not null check (verdict in ('suggest', 'nothing')),
    -- The engine's decision: proposals with evidence, best first.
    decision jsonb not null,
    -- The best one's score, for the list.
    score integer,
    decided_at timestamptz not null
);

-- Accounts and names that a customer pays under, as confirmed applications taught.
create table payer_alias (
    entity_id uuid not null references entity,
    kind text not null check (kind in ('account', 'name')),
    value text not null check (value <> ''),
    customer_code text not null check (customer_code <> ''),
    -- The application that taught it, and who decided it.
    document_id uuid not null references document,
    learned_from text not null,
    learned_at timestamptz not null,
    primary key (entity_id, kind, value, customer_code)
);

-- What one run of the matcher came to: the rates are sums over runs.
create table match_run (
    run_id uuid primary key,
    entity_id uuid not null references entity,
    ran_at timestamptz not null,
    rules integer not null
);
create index match_run_entity on match_run (entity_id, ran_at);
create table match_run_total (
    run_id uuid not null references match_run,
    currency text not null,
    -- Payments that the run saw for the first time, and those of them it applied without a person; in full: nothing was left over.
    lines integer not null,
    confirmed integer not null,
    in_full integer not null,
    received numeric not null,
    applied numeric not null,
    -- Items that the confirmed ones settled.
    items integer not null,
    primary key (run_id, currency)
);

-- What is open, by the day that it ages from: agings read this and no items. A slot stripes hot cells over concurrent writers.
create table open_total (
    entity_id uuid not null,
    kind text not null,
    currency text not null,
    -- open, unidentified, on_account, disputed
    status text not null,
    aged_from date not null,
    slot smallint not null,
    count bigint not null,
    open numeric not null,
    primary key (entity_id, kind, currency, status, aged_from, slot)
) with (fillfactor = 50);

create function open_status(item open_item) returns text language sql immutable as $$
    select coalesce(item.kept, case when item.customer_code = '' then 'unidentified' else 'open' end)
$$;
create function add_to_open_total(changed open_item[], sign integer) returns void language sql as $$
    insert into open_total as t (entity_id, kind, currency, status, aged_from, slot, count, open)
    select entity_id, kind, currency, open_status(i), aged_from, pg_backend_pid() % 8, count(*) * sign, sum(open) * sign
    from unnest(changed) i where open > 0 group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
    on conflict (entity_id, kind, currency, status, aged_from, slot) do update set count = t.count + excluded.count, open = t.open + excluded.open
$$;
create function total_opened() returns trigger language plpgsql as $$
begin
    perform add_to_open_total((select array_agg(row(n.*)::open_item) from new_rows n), 1);
    return null;
end $$;
create function total_changed() returns trigger language plpgsql as $$
begin
    perform add_to_open_total((select array_agg(row(o.*)::open_item) from old_rows o), -1);
    perform add_to_open_total((select array_agg(row(n.*)::open_item) from new_rows n), 1);
    return null;
end $$;
create function total_closed() returns trigger language plpgsql as $$
begin
    perform add_to_open_total((select array_agg(row(o.*)::open_item) from old_rows o), -1);
    return null;
end $$;
create trigger open_item_is_totalled after insert on open_item referencing new table as new_rows
    for each statement execute function total_opened();
create trigger open_item_is_totalled_anew after update on open_item referencing old table as old_rows new table as new_rows
    for each statement execute function total_changed();
create trigger open_item_is_totalled_off after delete on open_item referencing old table as old_rows
    for each statement execute function total_closed();

-- What came in before receivables were kept.
insert into open_item (document_id, entity_id, kind, customer_code, currency, aged_from, amount)
select document_id, entity_id, kind, customer_code, currency, case kind when 'invoice' then due_date else issue_date end, amount
from document where not rejected and stage not in ('superseded', 'voided');

-- What an application waits for before it may go to its ERP, one row per reason: its credit and its debits have to be there, and the
-- application of the same credit before it has to be read back.
create view application_waits as
select a.document_id, w.number
from application a cross join lateral (
    select d.number from document d left join posting p using (document_id)
    where d.document_id = a.credit_id and (d.stage not in ('posted', 'confirmed', 'mismatch') or p.erp_id is null)
    union all
    select d.number from allocation l join document d on d.document_id = l.debit_id left join posting p on p.document_id = l.debit_id
    where l.document_id = a.document_id and (d.stage not in ('posted', 'confirmed', 'mismatch') or p.erp_id is null)
    union all
    select d.number from application b join document d using (document_id)
    where b.credit_id = a.credit_id and b.place = a.place - 1 and d.stage not in ('confirmed', 'resolved')
) w;

-- Which codes a document needs mappings for: a payment needs the account that it came to, an application its customer only.
create or replace view document_code as
select document_id, 1 as place, 'customer' as kind, customer_code as code from document
union
select l.document_id, k.place, k.kind, case k.kind when 'tax_code' then l.tax_code else l.item_code end
from document_line l join document d using (document_id) join (values
    ('invoice', 2, 'item'), ('invoice', 3, 'account'), ('invoice', 4, 'tax_code'),
    ('credit_memo', 2, 'item'), ('credit_memo', 3, 'account'), ('credit_memo', 4, 'tax_code'), ('payment', 2, 'bank_account')
) k (of, place, kind) on k.of = d.kind;
