-- What needs a person: exceptions, notes, and second-person approvals.

create table exception (
    exception_id uuid primary key,
    document_id uuid not null references document,
    entity_id uuid not null references entity,
    connection_id uuid references erp_connection,
    currency text not null,
    amount numeric(20, 4) not null,
    period text not null,
    -- Which kind of trouble.
    kind text not null check (kind in ('mapping', 'period', 'tax', 'customer', 'reference', 'duplicate', 'rejected', 'mismatch', 'attempts', 'other')),
    -- connection kind + code + normalised message + field: the same cause has the same fingerprint.
    fingerprint text not null,
    -- The ERP's or our code, the reason in words, the field.
    code text not null,
    message text not null,
    field text,
    -- Which of our codes has no mapping, when that is the cause: kind and code.
    missing_kind text,
    missing_code text,
    opened_at timestamptz not null,
    closed_at timestamptz,
    -- How it was closed: replayed, resolved, superseded, cleared.
    closed_as text check (closed_as in ('replayed', 'resolved', 'superseded', 'cleared')),
    owner text,
    check ((closed_at is null) = (closed_as is null))
);
-- One open exception per document.
create unique index exception_open_document on exception (document_id) where closed_at is null;
-- The queue: open ones of an entity, oldest first, keyset-paged.
create index exception_queue on exception (entity_id, opened_at, exception_id) where closed_at is null;
-- A cluster, oldest first.
create index exception_cluster on exception (fingerprint, entity_id, opened_at, exception_id) where closed_at is null;
-- History of a document.
create index exception_document on exception (document_id, opened_at);

-- Open exceptions by everything that a cluster is counted by; a row lives as long as it counts something. Kept by the triggers
-- below, because opening, closing and assigning are many statements and a list may not count half a million rows.
create table exception_total (
    entity_id uuid not null,
    connection_id uuid,
    fingerprint text not null,
    kind text not null,
    currency text not null,
    period text not null,
    owner text,
    count bigint not null,
    amount numeric not null,
    constraint exception_total_cell unique nulls not distinct (entity_id, fingerprint, connection_id, kind, currency, period, owner)
) with (fillfactor = 70);
create index exception_total_cluster on exception_total (fingerprint, entity_id);

create function add_to_exception_total(changed exception[], sign integer) returns void language sql as $$
    insert into exception_total as t (entity_id, connection_id, fingerprint, kind, currency, period, owner, count, amount)
    select entity_id, connection_id, fingerprint, kind, currency, period, owner, count(*) * sign, sum(amount) * sign
    from unnest(changed) where closed_at is null
    group by entity_id, fingerprint, connection_id, kind, currency, period, owner
    order by entity_id, fingerprint, connection_id, kind, currency, period, owner
    on conflict on constraint exception_total_cell do update set count = t.count + excluded.count, amount = t.amount + excluded.amount;
$$;
create function count_opened() returns trigger language plpgsql as $$
begin
    perform add_to_exception_total((select array_agg(row(n.*)::exception) from new_rows n), 1);
    return null;
end $$;
create function count_changed() returns trigger language plpgsql as $$
begin
    perform add_to_exception_total((select array_agg(row(n.*)::exception) from new_rows n), 1);
    perform add_to_exception_total((select array_agg(row(o.*)::exception) from old_rows o), -1);
    delete from exception_total t using (select distinct entity_id, fingerprint from old_rows) o
    where t.entity_id = o.entity_id and t.fingerprint = o.fingerprint and t.count = 0;
    return null;
end $$;
create trigger exception_is_counted after insert on exception referencing new table as new_rows
    for each statement execute function count_opened();
create trigger exception_is_recounted after update on exception referencing old table as old_rows new table as new_rows
    for each statement execute function count_changed();
create trigger exception_is_kept before delete on exception for each row execute function refuse_change();

create table exception_note (
    note_id uuid primary key,
    exception_id uuid not null references exception,
    author text not null,
    written_at timestamptz not null,
    body text not null check (length(body) between 1 and 4000)
);
create index exception_note_list on exception_note (exception_id, written_at);
create trigger exception_note_is_append_only before update or delete on exception_note for each row execute function refuse_change();

-- Up to how much one person may act alone, per entity and currency, added up per person and day over all acts. No row: nothing.
create table approval_limit (
    entity_id uuid not null references entity,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    amount numeric(20, 4) not null check (amount >= 0),
    primary key (entity_id, currency)
);

-- What people do about one document, alone within the limit or with a second person's decision. It is bound to the hash of what
-- was shown.
create table approval (
    approval_id uuid primary key,
    entity_id uuid not null references entity,
    document_id uuid not null references document,
    act text not null check (act in ('resolve', 'send_again', 'take_number', 'reverse', 'credit', 'repost')),
    -- What exactly would be done, in words, and what it takes: the number in the ERP, the date of a correction.
    plan text not null check (length(plan) between 1 and 4000),
    erp_number text check ((act = 'take_number') = (erp_number is not null)),
    dated date check ((act in ('reverse', 'credit', 'repost')) = (dated is not null)),
    shown_hash bytea not null check (octet_length(shown_hash) = 32),
    currency text not null,
    amount numeric(20, 4) not null,
    reason text not null check (length(reason) between 1 and 4000),
    requested_by text not null,
    requested_at timestamptz not null,
    -- void: the document changed after it was shown.
    decision text check (decision in ('within_limit', 'approved', 'refused', 'void')),
    decided_by text,
    decided_at timestamptz,
    comment text,
    -- Nobody approves his own.
    constraint preparer_is_not_approver check (decided_by is null or decision in ('void', 'within_limit') or decided_by <> requested_by),
    check ((decision is null) = (decided_by is null)),
    check ((decision is null) = (decided_at is null))
);
-- What waits for an approver.
create index approval_open on approval (entity_id, requested_at) where decision is null;
-- One open request per document.
create unique index approval_document on approval (document_id) where decision is null;

-- What people did alone, whatever the act: their limit of the day is used up by it.
create table limit_use (
    entity_id uuid not null references entity,
    currency text not null,
    amount numeric(20, 4) not null check (amount >= 0),
    person text not null,
    act text not null check (act in ('resolve', 'mapping', 'replay', 'correct')),
    subject text not null,
    used_at timestamptz not null
);
create index limit_use_of_day on limit_use (entity_id, person, currency, used_at);
create trigger limit_use_is_append_only before update or delete on limit_use for each row execute function refuse_change();
