-- A role that a person gives waits for another administrator. The command line acts for the company and gives at once.

create table grant_request (
    request_id uuid primary key,
    user_id uuid not null references person,
    role text not null check (role in ('controller', 'ar_specialist', 'operator', 'approver', 'executive', 'auditor', 'admin')),
    entity_id uuid not null references entity,
    requested_by text not null,
    requested_at timestamptz not null,
    -- void: the person left before anybody decided.
    decision text check (decision in ('approved', 'refused', 'void')),
    decided_by text,
    decided_at timestamptz,
    comment text,
    -- What the approver was shown: the person, the role, and the roles held beside it.
    shown_hash bytea check (octet_length(shown_hash) = 32),
    constraint granter_is_not_approver check (decision = 'void' or decided_by <> requested_by),
    check ((decision is null) = (decided_by is null)),
    check ((decision is null) = (decided_at is null)),
    check (coalesce(decision in ('approved', 'refused'), false) = (shown_hash is not null))
);
-- A role is asked for once.
create unique index grant_request_open on grant_request (user_id, role, entity_id) where decision is null;
-- What waits for an administrator, oldest first.
create index grant_request_waiting on grant_request (requested_at, request_id) where decision is null;

alter table role_grant
    -- The second administrator; null: given at the command line, or before there was a second one.
    add column approved_by text,
    add column approved_at timestamptz,
    add check ((approved_by is null) = (approved_at is null)),
    add constraint grant_is_approved_by_another check (approved_by <> granted_by),
    -- What was given before is kept as it was.
    add constraint grant_is_approved check (approved_by is not null or granted_by like 'cli:%') not valid;
