-- Control totals of a batch before its first send.

create table batch_control (
    batch_id uuid primary key references batch,
    -- waiting: not everything is mapped yet. passed: its postings may be sent. stopped: none may, the totals differ.
    state text not null check (state in ('waiting', 'passed', 'stopped')),
    compared_at timestamptz,
    check ((state = 'waiting') = (compared_at is null))
);
create index batch_control_waiting on batch_control (batch_id) where state = 'waiting';

-- What was compared: announced by the manifest less rejected rows, set aside (in exception, held, superseded), and as mapped for
-- the ERP.
create table batch_control_total (
    batch_id uuid not null references batch_control,
    currency text not null,
    kind text not null,
    announced_count bigint not null,
    announced_amount numeric not null,
    announced_tax numeric not null,
    aside_count bigint not null,
    aside_amount numeric not null,
    aside_tax numeric not null,
    to_send_count bigint not null,
    to_send_amount numeric not null,
    to_send_tax numeric not null,
    -- Sums of the terms below: of what was issued and not set aside, and of what was mapped.
    issued_hash numeric not null,
    to_send_hash numeric not null,
    primary key (batch_id, currency, kind)
);

-- One document's term in a hash total: what must be the same with us and in what we send.
create function control_term(number text, currency text, amount numeric, tax numeric, posting_date date, due_date date) returns numeric
language sql immutable strict parallel safe as $$
    select hashtextextended(concat_ws('|', number, currency, trim_scale(amount), trim_scale(tax), posting_date, due_date), 0)::numeric
$$;

-- The documents of a batch beside what they were mapped to; `mapped_term` is null where nothing was mapped.
create view batch_control_row as
select d.batch_id, d.document_id, d.line, d.number, d.currency, d.kind, d.amount, d.tax, d.stage,
    d.stage in ('queued', 'in_flight', 'unknown', 'posted', 'confirmed', 'mismatch') as to_send,
    control_term(d.number, d.currency, d.amount, d.tax, d.posting_date, d.due_date) as issued_term,
    m.currency as mapped_currency, m.kind as mapped_kind, m.total as mapped_amount, m.tax as mapped_tax,
    control_term(m.number, m.currency, m.total, m.tax, m.posting_date, m.due_date) as mapped_term
from document d
left join posting_payload p using (document_id)
left join lateral jsonb_to_record(p.mapped)
    as m (number text, currency text, kind text, total numeric, tax numeric, posting_date date, due_date date) on true
where not d.rejected;
