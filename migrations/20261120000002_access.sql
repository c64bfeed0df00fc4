-- Who may do what, and who did what: people, roles per entity, sessions, API keys, login throttling, the audit log.

create table person (
    user_id uuid primary key,
    -- What a person signs in with; lower case.
    email text not null constraint person_email unique check (email = lower(email) and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    name text not null check (name <> ''),
    -- argon2id, in PHC text form.
    password_hash text not null,
    -- false only for demonstration logins.
    totp_required boolean not null default true,
    -- Encrypted with the installation's key; null until the person enrols.
    totp_secret bytea,
    -- Null while the secret was shown but no code of it was entered yet.
    totp_confirmed_at timestamptz,
    -- The last 30-second step a code was accepted for; a code of it or of an earlier one is refused.
    totp_step_last bigint,
    created_at timestamptz not null,
    created_by text not null,
    last_login_at timestamptz,
    deactivated_at timestamptz,
    deactivated_by text,
    check (totp_confirmed_at is null or totp_secret is not null),
    check ((deactivated_at is null) = (deactivated_by is null))
);

create table role_grant (
    user_id uuid not null references person,
    role text not null check (role in ('controller', 'ar_specialist', 'operator', 'approver', 'executive', 'auditor', 'admin')),
    -- A role holds in one entity; a role in all of them is a row each.
    entity_id uuid not null references entity,
    granted_by text not null,
    granted_at timestamptz not null,
    primary key (user_id, role, entity_id)
);

create table session (
    -- BLAKE3 of the id in the cookie: whoever reads the table can't take over a session.
    session_hash bytea primary key check (octet_length(session_hash) = 32),
    -- Null until the password was right.
    user_id uuid references person,
    data jsonb not null,
    -- Counts towards the absolute limit; a sign-in makes a new row.
    created_at timestamptz not null,
    -- Counts towards the idle limit.
    seen_at timestamptz not null
);
-- End all sessions of a person.
create index session_of_person on session (user_id) where user_id is not null;
-- Sweep what has expired.
create index session_seen on session (seen_at);

create table login_throttle (
    -- account:<e-mail>, whether or not there is such a person; or address:<ip>.
    key text primary key,
    -- Tries in the window that were not followed by success.
    attempts integer not null check (attempts >= 0),
    window_started_at timestamptz not null
);

create table api_key (
    api_key_id uuid primary key,
    name text not null constraint api_key_name unique check (name <> ''),
    -- The first characters, to tell keys apart in lists.
    prefix text not null,
    -- BLAKE3 of the key. It has 256 random bits, so a slow hash would add nothing.
    key_hash bytea not null unique check (octet_length(key_hash) = 32),
    -- Who answers for it; a key never reaches further than its owner.
    owner_id uuid not null references person,
    -- Actions of domain::access.
    scopes text[] not null check (cardinality(scopes) > 0),
    created_at timestamptz not null,
    created_by text not null,
    expires_at timestamptz not null check (expires_at > created_at),
    last_used_at timestamptz,
    revoked_at timestamptz,
    revoked_by text,
    constraint keys_never_approve check (not 'approve' = any (scopes)),
    check ((revoked_at is null) = (revoked_by is null))
);
-- End all keys of an owner.
create index api_key_owner on api_key (owner_id);

create table api_key_entity (
    api_key_id uuid not null references api_key,
    entity_id uuid not null references entity,
    primary key (api_key_id, entity_id)
);

create table audit_event (
    -- Without gaps; appends are serialised.
    sequence bigint primary key check (sequence > 0),
    at timestamptz not null,
    actor text not null check (actor <> ''),
    -- Noun and verb: user.create, batch.import.
    action text not null check (action <> ''),
    -- What it was done to, by its identifier.
    subject text not null,
    -- Null for what concerns no single entity.
    entity_id uuid references entity,
    -- json, not jsonb: the text that was hashed is kept to the letter.
    before json,
    after json,
    -- Over the previous hash and every column above.
    hash bytea not null check (octet_length(hash) = 32)
);
-- History of one subject.
create index audit_event_subject on audit_event (subject, sequence);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger audit_event_append_only before update or delete on audit_event for each row execute function refuse_audit_change();
create trigger audit_event_no_truncate before truncate on audit_event for each statement execute function refuse_audit_change();
