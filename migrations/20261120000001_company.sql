-- The company: legal entities, their accounting periods, and their accounts at ERPs.

create table entity (
    entity_id uuid primary key,
    -- Short name used in files, keys and on screen: US, DE.
    code text not null unique check (code ~ '^[A-Z][A-Z0-9]{1,11}$'),
    name text not null,
    -- ISO 3166 alpha-2.
    country text not null check (country ~ '^[A-Z]{2}$'),
    -- ISO 4217; the currency of its books.
    functional_currency text not null check (functional_currency ~ '^[A-Z]{3}$'),
    -- IANA name; decides on which day something happened.
    time_zone text not null
);

create table accounting_period (
    entity_id uuid not null references entity,
    -- Calendar month, 2026-10.
    period text not null check (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    -- After hard close nothing with a posting date in the period is added, changed or voided.
    state text not null check (state in ('open', 'soft_closed', 'hard_closed')),
    primary key (entity_id, period)
);

create table erp_connection (
    connection_id uuid primary key,
    -- Short name used on screen and in keys: NetSuite-US.
    code text not null unique,
    system text not null check (system in ('netsuite', 'odoo')),
    -- What the connector needs to reach the account; no secrets.
    settings jsonb not null,
    -- Credentials, encrypted with the installation's key.
    secrets bytea not null,
    -- Calls in flight at once, over all processes: what the vendor documents, and what throttling has left of it now.
    slots integer not null check (slots between 1 and 1000),
    slots_now integer not null check (slots_now between 1 and slots),
    -- When it was halved last, until when the ERP asked to be left alone, and how often it has throttled us.
    slowed_at timestamptz,
    throttled_until timestamptz,
    throttled bigint not null default 0,
    -- Sends begun in a minute, at most; null: the vendor limits calls at once only. What this minute has used of it.
    per_minute integer check (per_minute > 0),
    minute_began_at timestamptz,
    minute_sends integer not null default 0,
    -- How long the ERP may still work on an unanswered request before a probe may decide.
    processing_seconds_max integer not null check (processing_seconds_max > 0),
    -- How long one answer is waited for.
    request_seconds_max integer not null check (request_seconds_max > 0),
    -- Sends before a transient refusal becomes an exception.
    attempts_max integer not null default 8 check (attempts_max > 0),
    circuit text not null default 'closed' check (circuit in ('closed', 'open')),
    -- Why the circuit is open, in words.
    circuit_reason text,
    circuit_opened_at timestamptz,
    -- When an open circuit lets one call through to see.
    circuit_probe_at timestamptz,
    -- Sandbox accounts are labelled on every screen.
    sandbox boolean not null default true,
    check ((circuit = 'open') = (circuit_reason is not null and circuit_opened_at is not null and circuit_probe_at is not null))
);

-- Which ERP account keeps an entity's receivables, and under which legal entity there.
create table entity_connection (
    entity_id uuid primary key references entity,
    connection_id uuid not null references erp_connection,
    -- NetSuite subsidiary, Odoo company.
    entity_ref text not null,
    -- true: the tax we send is kept; false: the ERP computes it and we compare.
    tax_is_ours boolean not null,
    unique (connection_id, entity_ref)
);
