-- Background work with schedules that run once across all processes.

create table schedule (
    -- The kind of job it starts, with no subject.
    kind text primary key,
    -- Five-field cron in UTC.
    cron text not null,
    next_run_at timestamptz not null,
    enabled boolean not null default true
);

create table job (
    job_id uuid primary key,
    kind text not null,
    -- What it is about; with the kind it is unique among unfinished jobs.
    subject text not null default '',
    -- available: waits for its time; retryable: the same after a failure; discarded: attempts used up.
    state text not null check (state in ('available', 'running', 'retryable', 'completed', 'discarded')),
    -- Counts up with every claim; completion is fenced by it.
    attempt integer not null default 0,
    attempts_max integer not null check (attempts_max > 0),
    -- Not before, in business time.
    run_at timestamptz not null,
    -- When the worker's lease ends, in database time.
    lease_expires_at timestamptz,
    worker text,
    created_by text not null,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    -- How long the last attempt worked.
    duration_ms bigint,
    -- What it did, in words, or why it failed.
    result text,
    -- Every failed attempt: [{attempt, at, error}].
    errors jsonb not null default '[]',
    check ((state = 'running') = (lease_expires_at is not null)),
    check ((state in ('completed', 'discarded')) = (finished_at is not null))
);
-- One unfinished job per kind and subject.
create unique index job_unfinished on job (kind, subject) where state in ('available', 'running', 'retryable');
-- The claim.
create index job_due on job (run_at, job_id) where state in ('available', 'retryable');
-- Leases that ended.
create index job_lease on job (lease_expires_at) where state = 'running';
-- Last runs of a kind.
create index job_history on job (kind, created_at desc, job_id desc);
