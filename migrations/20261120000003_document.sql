-- Documents, their movements between stages, and the running totals of those movements.

-- Every file that was handed over, whatever came of it: what was sent is kept.
create table intake (
    intake_id uuid primary key,
    received_at timestamptz not null,
    actor text not null,
    file_name text not null,
    -- BLAKE3 of the bytes as they came.
    raw_hash bytea not null check (octet_length(raw_hash) = 32),
    byte_length bigint not null,
    outcome text not null check (outcome in ('imported', 'unchanged', 'conflict', 'refused')),
    -- The batch it became, or the one it repeats or contradicts.
    batch_id uuid,
    -- Why it was refused: [{line, field, rule, value}].
    errors jsonb not null default '[]'
);
-- The intake list, newest first.
create index intake_received on intake (received_at desc, intake_id desc);

-- The bytes of an intake, compressed with zstd, in order.
create table intake_chunk (
    intake_id uuid not null references intake,
    ordinal integer not null,
    content bytea not null,
    primary key (intake_id, ordinal)
);

create table batch (
    batch_id uuid primary key,
    -- The system that issued the documents.
    source text not null,
    -- The source's number of the batch; with the source it is the batch's identity.
    number text not null,
    entity_id uuid not null references entity,
    -- Accounting period the batch was made for.
    period text not null check (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    -- Hash of the canonical content, the same however the file was written.
    content_hash bytea not null check (octet_length(content_hash) = 32),
    document_count integer not null check (document_count > 0),
    received_at timestamptz not null,
    actor text not null,
    constraint batch_identity unique (source, number)
);
-- The batch list, newest first, by the caller's entities.
create index batch_received on batch (entity_id, received_at desc, batch_id desc);

alter table intake add foreign key (batch_id) references batch;
-- The files of a batch.
create index intake_batch on intake (batch_id) where batch_id is not null;

-- What the source says it handed over. Debits and credits apart, so that they can't hide each other.
create table batch_manifest (
    batch_id uuid not null references batch,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    kind text not null check (kind in ('invoice', 'credit_memo')),
    count bigint not null check (count >= 0),
    total numeric(20, 4) not null check (total >= 0),
    tax numeric(20, 4) not null check (tax >= 0),
    primary key (batch_id, currency, kind)
);

create table document (
    document_id uuid primary key,
    batch_id uuid not null references batch,
    -- Ordinal in the batch, from 1.
    line integer not null check (line > 0),
    entity_id uuid not null references entity,
    kind text not null check (kind in ('invoice', 'credit_memo')),
    number text not null,
    -- 1 as first issued; a correction at the source is the next.
    version integer not null check (version > 0),
    customer_code text not null,
    customer_name text not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    -- Gross; never negative, the kind says the side.
    amount numeric(20, 4) not null check (amount >= 0),
    tax numeric(20, 4) not null check (tax >= 0),
    issue_date date not null,
    due_date date not null,
    -- Decides the period.
    posting_date date not null,
    period text not null check (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    -- Number of the invoice that a credit memo corrects.
    applies_to text,
    -- Hash of everything above and of the lines.
    content_hash bytea not null check (octet_length(content_hash) = 32),
    -- First eight bytes of the hash: the row's term in set hashes.
    hash_term bigint not null,
    -- Rules the row broke when it came in: [{line, field, rule, value}]; it is rejected exactly when there are any.
    violations jsonb not null default '[]',
    rejected boolean not null generated always as (violations <> '[]'::jsonb) stored,
    -- The version that took its place; named before that one is there, because only one version of a number is live.
    superseded_by uuid references document deferrable initially deferred,
    -- Where it is now, and its place in its own history. Written only by store::movements::transition.
    stage text not null check (stage in ('finalized', 'held', 'rejected', 'queued', 'in_flight', 'unknown', 'exception',
        'posted', 'confirmed', 'mismatch', 'resolved', 'voided', 'superseded')),
    sequence integer not null check (sequence > 0),
    stage_at timestamptz not null,
    constraint document_batch_line unique (batch_id, line)
) with (fillfactor = 80);
-- One live document per number; a rejected row reserves nothing. Numbers are searched by how they begin, in byte order. Two indexes
-- that share the documents, because a change of stage writes every index of its row.
create unique index document_live_number on document (entity_id, number text_pattern_ops, kind) where not rejected and superseded_by is null;
create index document_dead_number on document (entity_id, number text_pattern_ops, kind) where rejected or superseded_by is not null;
-- Every version of a number, by both of them.
create view document_number as
    select document_id, entity_id, kind, number from document where not rejected and superseded_by is null
    union all
    select document_id, entity_id, kind, number from document where rejected or superseded_by is not null;
-- What corrects an invoice.
create index document_applies_to on document (entity_id, applies_to) where applies_to is not null;
-- The documents behind a cell of a matrix, keyset-paged.
create index document_stage on document (entity_id, stage, period, document_id);

-- Content never changes. The column list keeps the trigger off the path of stage changes.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: % refused', tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end $$;

create trigger document_is_immutable before update of batch_id, line, entity_id, kind, number, version, customer_code,
    customer_name, currency, amount, tax, issue_date, due_date, posting_date, period, applies_to, content_hash, hash_term,
    violations on document for each row execute function refuse_change();
create trigger document_is_kept before delete on document for each row execute function refuse_change();
create trigger batch_is_immutable before update or delete on batch for each row execute function refuse_change();
create trigger manifest_is_immutable before update or delete on batch_manifest for each row execute function refuse_change();

create table document_line (
    document_id uuid not null references document,
    -- Ordinal in the document, from 1.
    line integer not null check (line > 0),
    item_code text not null,
    description text not null,
    quantity numeric not null,
    -- Unrounded.
    unit_price numeric not null,
    net numeric(20, 4) not null,
    tax numeric(20, 4) not null,
    tax_code text not null,
    primary key (document_id, line)
);
create trigger document_line_is_immutable before update or delete on document_line for each row execute function refuse_change();

create table movement (
    -- Written in one statement with the document's stage; a foreign key would only cost, and verify looks.
    document_id uuid not null,
    -- 1 for the entry, then without gaps.
    sequence integer not null check (sequence > 0),
    entity_id uuid not null,
    batch_id uuid not null,
    currency text not null,
    period text not null,
    kind text not null,
    -- null: from outside.
    from_stage text,
    to_stage text not null,
    amount numeric(20, 4) not null,
    tax numeric(20, 4) not null,
    hash_term bigint not null,
    -- Who or what moved it.
    actor text not null,
    -- Why, in words a controller reads.
    reason text not null,
    correlation_id uuid not null,
    moved_at timestamptz not null,
    -- Whoever reads what came since reads below pg_snapshot_xmin, so that a late commit is never skipped.
    xid xid8 not null default pg_current_xact_id(),
    primary key (document_id, sequence),
    check ((sequence = 1) = (from_stage is null))
);
-- What moved in an entity since a moment: as-of figures and the activity list.
create index movement_since on movement (entity_id, moved_at);
create trigger movement_is_append_only before update or delete on movement for each row execute function refuse_change();

-- The running sum of the movements, fine grain. A slot stripes hot cells over concurrent writers; readers add slots up.
create table stage_total (
    batch_id uuid not null references batch,
    entity_id uuid not null,
    currency text not null,
    period text not null,
    kind text not null,
    stage text not null,
    slot smallint not null,
    count bigint not null,
    amount numeric not null,
    tax numeric not null,
    -- Sum of hash terms, not an exclusive-or: a doubled pair must show.
    hash_total numeric not null,
    primary key (batch_id, currency, period, kind, stage, slot)
) with (fillfactor = 50);
-- The left side of a checkpoint. Its columns never change, so an update stays in its page.
create index stage_total_period on stage_total (entity_id, period);

-- The same without batch: what dashboards and matrices read.
create table period_total (
    entity_id uuid not null references entity,
    currency text not null,
    period text not null,
    kind text not null,
    stage text not null,
    slot smallint not null,
    count bigint not null,
    amount numeric not null,
    tax numeric not null,
    hash_total numeric not null,
    primary key (entity_id, period, currency, kind, stage, slot)
) with (fillfactor = 50);

-- Two chained seals per batch: the content as it came, and what became of every document.
create table seal (
    entity_id uuid not null references entity,
    -- Place in the entity's chain, from 1.
    sequence bigint not null check (sequence > 0),
    batch_id uuid not null references batch,
    purpose text not null check (purpose in ('intake', 'outcome')),
    -- Count, amount, tax per currency, kind (and stage, for an outcome), as canonical text.
    totals text not null,
    set_hash text not null,
    merkle_root bytea not null check (octet_length(merkle_root) = 32),
    previous_hash bytea check (octet_length(previous_hash) = 32),
    seal_hash bytea not null check (octet_length(seal_hash) = 32),
    sealed_at timestamptz not null,
    primary key (entity_id, sequence),
    check ((sequence = 1) = (previous_hash is null))
);
create index seal_batch on seal (batch_id, purpose);
create trigger seal_is_append_only before update or delete on seal for each row execute function refuse_change();

-- Canonical business events for subscribers, written in the transaction that made them true.
create table outbox (
    outbox_id bigint generated always as identity primary key,
    event text not null,
    document_id uuid not null references document,
    entity_id uuid not null,
    occurred_at timestamptz not null,
    xid xid8 not null default pg_current_xact_id()
);
