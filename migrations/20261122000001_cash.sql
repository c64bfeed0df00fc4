-- Cash: bank accounts, and their statements as the banks gave them.

create table bank_account (
    bank_account_id uuid primary key,
    entity_id uuid not null references entity,
    -- An IBAN or the bank's own number, as its statements write it, without spaces.
    number text not null check (number ~ '^[^[:space:]]+$'),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    -- What people call it.
    name text not null check (name <> ''),
    -- How its bank writes tables, once somebody confirmed it; null: not known.
    csv_profile jsonb,
    opened_at timestamptz not null,
    opened_by text not null,
    constraint bank_account_number unique (number, currency)
);
create index bank_account_entity on bank_account (entity_id);

create table statement (
    statement_id uuid primary key,
    bank_account_id uuid not null references bank_account,
    entity_id uuid not null,
    intake_id uuid not null references intake,
    -- Place in its file, from 1.
    ordinal integer not null check (ordinal > 0),
    format text not null check (format in ('mt940', 'mt942', 'camt053', 'bai2', 'csv')),
    -- The bank's name of it, its number in the account's row of statements, and its page of that number.
    reference text,
    number bigint,
    page bigint,
    -- Balances, positive when the bank owes us; null: the format or the bank gives none.
    opening numeric(20, 4),
    opened_on date,
    closing numeric(20, 4),
    closed_on date,
    -- Booked lines, in and out apart.
    line_count integer not null check (line_count >= 0),
    credits numeric(20, 4) not null check (credits >= 0),
    debits numeric(20, 4) not null check (debits >= 0),
    -- Closing less opening and lines; null: a balance is missing, so nothing is proved.
    difference numeric(20, 4),
    -- The last day that it tells of: its place among the account's statements.
    last_day date not null,
    -- Among those of one day.
    place bigint not null generated always as (coalesce(number, 0) * 1000 + coalesce(page, 0)) stored,
    -- The same account, day, number and page is the same statement.
    identity text not null,
    content_hash bytea not null check (octet_length(content_hash) = 32),
    -- imported: its lines count. waiting: it does not add up or repeats others, a second person decides. refused: he did not take it.
    -- interim: a report of the day, whose lines come again with the statement.
    state text not null check (state in ('imported', 'waiting', 'refused', 'interim')),
    -- Why it waits, in words.
    doubt text,
    received_at timestamptz not null,
    received_by text not null,
    decided_by text,
    decided_at timestamptz,
    reason text,
    constraint statement_preparer_is_not_approver check (decided_by is null or decided_by <> received_by),
    check ((decided_by is null) = (decided_at is null) and (decided_by is null) = (reason is null)),
    check (state <> 'imported' or difference is null or difference = 0 or decided_by is not null),
    check ((state in ('waiting', 'refused')) <= (doubt is not null))
);
-- A refused one leaves its place to the bank's correction.
create unique index statement_identity on statement (bank_account_id, identity) where state <> 'refused';
-- The statements of an account in their order.
create index statement_order on statement (bank_account_id, last_day, place, statement_id);
-- The statements of a file.
create index statement_intake on statement (intake_id, ordinal);
-- What waits for a second person.
create index statement_waiting on statement (entity_id, received_at) where state = 'waiting';

create table statement_line (
    statement_id uuid not null references statement,
    -- Place in the statement, from 1.
    ordinal integer not null check (ordinal > 0),
    -- Line of the file.
    file_line bigint not null,
    -- Positive when the balance grows.
    amount numeric(20, 4) not null,
    booked_on date not null,
    value_on date,
    -- booked counts towards the balance; pending and information do not.
    status text not null check (status in ('booked', 'pending', 'information')),
    -- It takes back an earlier one.
    reversal boolean not null,
    bank_reference text,
    customer_reference text,
    end_to_end_id text,
    -- RF, QRR and the like, with their check digits proved.
    structured_references text[] not null,
    -- Documents that the payer names.
    documents text[] not null,
    mandate text,
    counterparty_name text,
    counterparty_account text,
    -- What the payer wrote, or what the bank reports.
    text text not null,
    transaction_code text,
    return_reason text,
    primary key (statement_id, ordinal)
);

create trigger statement_is_immutable before update of bank_account_id, entity_id, intake_id, ordinal, format, reference, number, page,
    opening, opened_on, closing, closed_on, line_count, credits, debits, difference, last_day, identity, content_hash, received_at,
    received_by on statement for each row execute function refuse_change();
create trigger statement_is_kept before delete on statement for each row execute function refuse_change();
create trigger statement_line_is_immutable before update or delete on statement_line for each row execute function refuse_change();
