-- What the ERPs hold, read back; and checkpoint 3, which compares it with what was issued.

-- Every AR posting of a period in an ERP, whoever made it.
create table erp_document (
    connection_id uuid not null references erp_connection,
    erp_id text not null,
    -- Where the ERP booked it: our entity, and its legal entity there.
    entity_id uuid not null references entity,
    entity_ref text not null,
    -- The key of ours that the ERP's document carries.
    posting_key text,
    -- Ours, by key, by the ERP's id, or by a number that was entered by hand.
    document_id uuid references document,
    kind text not null check (kind in ('invoice', 'credit_memo', 'journal_debit', 'journal_credit')),
    state text not null check (state in ('posted', 'draft', 'voided')),
    erp_number text not null,
    customer_ref text,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    total numeric(20, 4) not null,
    tax numeric(20, 4),
    document_date date,
    posting_date date not null,
    period text not null check (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    due_date date,
    modified_at text,
    first_seen_at timestamptz not null,
    seen_at timestamptz not null,
    -- The read that saw it last. Ids are in the order in which reads began, so an older read never overwrites a newer one.
    read_id uuid not null,
    -- Read before, not there any more.
    gone_at timestamptz,
    -- It is new or changed since it was last compared with ours.
    unchecked boolean not null default true,
    primary key (connection_id, erp_id)
) with (fillfactor = 80);
-- Control totals of the right side.
create index erp_document_period on erp_document (entity_id, period, currency) where gone_at is null;
-- Ours, by document.
create index erp_document_ours on erp_document (document_id) where document_id is not null;
-- What has to be compared with ours.
create index erp_document_unchecked on erp_document (entity_id, document_id) where unchecked and document_id is not null;
-- The posting of a number that was entered by hand.
create index posting_by_hand on posting (connection_id, erp_number) where erp_id is null and erp_number is not null;

-- When an entity's period was last read back completely.
create table sync_state (
    entity_id uuid not null references entity,
    period text not null check (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    -- The last try.
    started_at timestamptz not null,
    -- The last complete read, and how many documents it found; null: never, so nothing can be assessed.
    finished_at timestamptz,
    documents integer not null default 0,
    -- Why the last try brought nothing.
    error text,
    primary key (entity_id, period)
);

create table checkpoint_run (
    run_id uuid primary key,
    checkpoint smallint not null check (checkpoint between 1 and 5),
    entity_id uuid not null references entity,
    period text not null,
    ran_at timestamptz not null,
    -- Read-back that the right side comes from.
    read_at timestamptz not null
);
create index checkpoint_run_latest on checkpoint_run (entity_id, period, checkpoint, ran_at desc);

-- One cell of a run; debits and credits are cells of their own and never net.
create table checkpoint_cell (
    run_id uuid not null references checkpoint_run on delete cascade,
    -- What was issued with this batch, against what stands for it in the same cell of the ERP; null: what no batch of this
    -- cell brought into the ERP.
    batch_id uuid references batch,
    currency text not null,
    side text not null check (side in ('debit', 'credit')),
    left_count bigint not null,
    left_amount numeric not null,
    left_tax numeric not null,
    right_count bigint not null,
    right_amount numeric not null,
    right_tax numeric not null,
    -- Issued, expected in the ERP later, inside its time.
    timing_count bigint not null,
    timing_amount numeric not null,
    -- Sum of absolute differences of the breaks that are not timing.
    unreconciled_count bigint not null,
    unreconciled_amount numeric not null,
    unique nulls not distinct (run_id, batch_id, currency, side)
);

create index checkpoint_cell_batch on checkpoint_cell (batch_id) where batch_id is not null;

create table reconciliation_break (
    break_id uuid primary key,
    checkpoint smallint not null,
    entity_id uuid not null references entity,
    period text not null,
    currency text not null,
    side text not null check (side in ('debit', 'credit')),
    kind text not null check (kind in ('missing_left', 'missing_right', 'amount', 'tax', 'currency', 'period', 'duplicate', 'timing')),
    -- What it is about: our document, the ERP's, or both.
    document_id uuid references document,
    connection_id uuid,
    erp_id text,
    -- Gross, or tax when only that differs; of this cell: what stands in another one counts there.
    left_amount numeric not null,
    right_amount numeric not null,
    -- Absolute; +100 and -100 are two breaks.
    difference numeric not null check (difference >= 0),
    -- What is so, in words.
    explanation text not null,
    -- The same item in the same cell is the same break in the next run, also when its kind has changed.
    identity text not null,
    opened_at timestamptz not null,
    -- A timing break is no error before this.
    expected_by timestamptz,
    closed_at timestamptz,
    owner text,
    -- The batch in whose cell it is a break.
    batch_id uuid references batch
);
create unique index reconciliation_break_open on reconciliation_break (identity) where closed_at is null;
-- The list, oldest first, keyset-paged; and the breaks of a run.
create index reconciliation_break_list on reconciliation_break (entity_id, opened_at, break_id) where closed_at is null;
create index reconciliation_break_run on reconciliation_break (entity_id, period, checkpoint) where closed_at is null;

-- Documents that a second person agreed to close and that no ERP holds: they leave checkpoint 3. One who resolved alone,
-- within his limit, leaves the item here until the ERP reads back equal.
create view no_posting_approved as
    select a.document_id from approval a where a.act = 'resolve' and a.decision = 'approved' and not exists (
        select from erp_document e where e.document_id = a.document_id and e.gone_at is null and e.state = 'posted');
create index approval_agreed on approval (document_id) where act = 'resolve' and decision = 'approved';
