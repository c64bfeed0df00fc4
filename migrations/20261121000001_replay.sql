-- Replay by frozen set: a filter or a list becomes ids once, a second person approves just these, workers run them.

create table replay_set (
    set_id uuid primary key,
    -- What people call it.
    number bigint generated always as identity unique,
    -- What was frozen, in words.
    title text not null check (length(title) between 1 and 500),
    state text not null check (state in ('waiting', 'running', 'paused', 'done', 'cancelled', 'refused', 'void')),
    items integer not null check (items > 0),
    -- SHA-256 over ids, places in their histories and payload hashes of all items, in order: what is approved.
    set_hash bytea not null check (octet_length(set_hash) = 32),
    prepared_by text not null,
    prepared_at timestamptz not null,
    within_limit boolean not null,
    decided_by text,
    decided_at timestamptz,
    comment text,
    -- How many a minute; null: as fast as the ERP takes them.
    per_minute integer check (per_minute > 0),
    -- Items done so far, by result.
    queued integer not null default 0,
    missing integer not null default 0,
    ineligible integer not null default 0,
    finished_at timestamptz,
    constraint replay_preparer_is_not_approver check (decided_by is distinct from prepared_by),
    check ((decided_by is null) = (decided_at is null)),
    check ((state in ('done', 'cancelled', 'refused', 'void')) = (finished_at is not null)),
    check (queued + missing + ineligible <= items)
);
create index replay_set_unfinished on replay_set (prepared_at) where finished_at is null;

-- Its money per entity and currency, when it was frozen.
create table replay_money (
    set_id uuid not null references replay_set,
    entity_id uuid not null references entity,
    currency text not null,
    count bigint not null,
    amount numeric not null,
    primary key (set_id, entity_id, currency)
);

create table replay_item (
    set_id uuid not null references replay_set deferrable initially deferred,
    item integer not null check (item > 0),
    -- From the exception that was frozen: a foreign key would only cost.
    document_id uuid not null,
    -- Where the document stood in its history; one that went on since is left alone.
    sequence integer not null,
    -- What was made for the ERP last; null: nothing yet.
    payload_hash bytea,
    result text check (result in ('queued', 'missing', 'ineligible')),
    -- Why not, in words.
    detail text,
    done_at timestamptz,
    primary key (set_id, item)
);
create index replay_item_open on replay_item (set_id, item) where result is null;
-- Whether a document is in a set already.
create index replay_item_document on replay_item (document_id) where result is null;

-- What a replay would come to now, item by item. The first thing in the way decides.
create view replay_verdict as
select i.set_id, i.item, i.document_id,
    case when d.stage <> 'exception' or d.sequence <> i.sequence then 'changed'
        when held.erp_number is not null then 'in_erp'
        when p.state = 'hard_closed' then 'period_closed'
        when missing.code is not null then 'missing'
        else 'will_post' end as verdict,
    case when d.stage <> 'exception' or d.sequence <> i.sequence then d.stage
        when held.erp_number is not null then held.erp_number
        when p.state = 'hard_closed' then d.period
        else missing.kind || ' ' || missing.code end as detail
from replay_item i
join document d using (document_id)
left join entity_connection ec on ec.entity_id = d.entity_id
left join accounting_period p on p.entity_id = d.entity_id and p.period = d.period
left join lateral (
    select erp_number from erp_document e where e.document_id = i.document_id and e.gone_at is null and e.state = 'posted' limit 1
) held on true
left join lateral (
    select kind, code from (
        select 'customer' as kind, d.customer_code as code
        union select k.kind, case k.kind when 'tax_code' then l.tax_code else l.item_code end
        from document_line l cross join (values ('item'), ('account'), ('tax_code')) k (kind) where l.document_id = d.document_id
    ) needed
    where not exists (select from mapping m where m.connection_id = ec.connection_id and m.kind = needed.kind
        and m.source_code = needed.code and m.state = 'active')
    order by kind, code limit 1
) missing on true;
