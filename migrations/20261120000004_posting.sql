-- Posting: mappings, what is to be sent to which ERP, and every attempt.

create table mapping (
    mapping_id uuid primary key,
    connection_id uuid not null references erp_connection,
    kind text not null check (kind in ('customer', 'item', 'account', 'tax_code')),
    -- Our code: customer, item (for item and account), tax code.
    source_code text not null,
    -- The ERP's identifier.
    target_ref text not null,
    -- Counts up per connection, kind and source code.
    version integer not null check (version > 0),
    state text not null check (state in ('proposed', 'active', 'retired', 'refused')),
    proposed_by text not null,
    proposed_at timestamptz not null,
    decided_by text,
    decided_at timestamptz,
    -- Activated by its author: what it releases was under his limit.
    within_limit boolean not null default false,
    constraint mapping_preparer_is_not_approver check (decided_by is null or within_limit or decided_by <> proposed_by),
    constraint mapping_version unique (connection_id, kind, source_code, version),
    check ((state = 'proposed') = (decided_by is null))
);
-- The mapping in force; proposals wait beside it.
create unique index mapping_active on mapping (connection_id, kind, source_code) where state = 'active';
create unique index mapping_proposed on mapping (connection_id, kind, source_code) where state = 'proposed';

-- One document has one posting.
create table posting (
    document_id uuid primary key references document,
    entity_id uuid not null,
    connection_id uuid not null references erp_connection,
    -- When its payload was first sent: it stays as it is until the ERP is proved not to hold it and a person replays it.
    frozen_at timestamptz,
    -- Tries that count; throttled ones do not.
    attempts integer not null default 0,
    -- The send or probe in hand, which completion is fenced by, and the lease that it is under.
    attempt_id uuid,
    lease_id uuid,
    -- What a worker has to do next: send, wait for the answer under a lease, probe. null: nothing, or its batch's control totals
    -- were not compared yet.
    work text check (work in ('send', 'lease', 'probe')),
    -- When it may send or probe, in business time.
    due_at timestamptz,
    -- Lower goes first: 1 closing period, 2 oldest money, 3 normal, 4 backfill.
    lane smallint not null check (lane between 1 and 4),
    -- Probes that found nothing, since the last send; absent needs two apart.
    absent_probes smallint not null default 0,
    -- The last send left us no later than this; a probe may decide only after the ERP's processing time.
    sent_at timestamptz,
    erp_id text,
    erp_number text,
    check ((coalesce(work, '') in ('send', 'probe')) = (due_at is not null)),
    check (work is distinct from 'lease' or attempt_id is not null),
    check (attempt_id is null or coalesce(work, '') in ('lease', 'probe')),
    check ((attempt_id is null) = (lease_id is null))
) with (fillfactor = 70);
-- The claim: what may be sent or probed on a connection, in order.
create index posting_due on posting (connection_id, work, lane, due_at, document_id) where work in ('send', 'probe');
-- What was sent before and waits for another try.
create index posting_retry on posting (entity_id, due_at) where work = 'send' and sent_at is not null;
-- Read-back by the ERP's key.
create index posting_erp on posting (connection_id, erp_id) where erp_id is not null;

-- What is sent: apart from the posting, which changes with every attempt and should be small.
create table posting_payload (
    document_id uuid primary key,
    -- Names the posting at the ERP for ever.
    posting_key text not null constraint posting_key_is_unique unique,
    -- The mapped document and the wire body made of it.
    mapped jsonb not null,
    payload jsonb not null,
    payload_hash bytea not null check (octet_length(payload_hash) = 32)
);

-- What a worker has taken in hand with one claim. The open calls of all leases are what a connection has in use.
create table lease (
    -- The claim's correlation id.
    lease_id uuid primary key,
    connection_id uuid not null references erp_connection,
    worker text not null,
    purpose text not null check (purpose in ('send', 'probe')),
    -- In database time.
    expires_at timestamptz not null,
    -- Calls without an answer so far.
    calls integer not null check (calls > 0),
    documents uuid[] not null
);
create index lease_connection on lease (connection_id);

create table posting_attempt (
    -- In the order in which they were claimed.
    attempt_id uuid not null,
    -- Written in one statement with the posting: a foreign key would only cost.
    document_id uuid not null,
    connection_id uuid not null,
    purpose text not null check (purpose in ('send', 'probe')),
    worker text not null,
    correlation_id uuid not null,
    claimed_at timestamptz not null,
    finished_at timestamptz,
    outcome text check (outcome in ('accepted', 'throttled', 'transient', 'unreachable', 'auth', 'business', 'duplicate', 'permanent', 'ambiguous',
        'no_answer', 'not_sent', 'found', 'found_different', 'found_twice', 'absent', 'not_answered')),
    -- The ERP's code, message and field, or ours.
    code text,
    message text,
    field text,
    -- Request and answer as they went over the wire, secrets masked.
    request text,
    http_status smallint,
    answer text,
    -- An answer that came after the lease had ended; kept, and adopted by a probe.
    late boolean not null default false,
    primary key (document_id, attempt_id),
    check ((finished_at is null) = (outcome is null))
    -- room for an answer beside its attempt
) with (fillfactor = 40);

-- Failed attempts of a connection, the last ones first. A list of its own: an index of the attempts by outcome would make every
-- answer write all their indexes.
create table posting_failure (
    connection_id uuid not null,
    failed_at timestamptz not null,
    document_id uuid not null,
    attempt_id uuid not null,
    primary key (connection_id, failed_at, attempt_id)
);
