-- What asks for attention: how causes come and go, what began them, and what a replay of documents would come to.

-- Builds of Tieout that ran on this database.
create table release (
    -- Version and commit: 0.1.0+1a2b3c4d5e6f.
    release text primary key,
    first_ran_at timestamptz not null
);

-- Exceptions by cause and day: what sparklines and the rate of closing read instead of the exceptions.
create table cause_flow (
    fingerprint text not null,
    entity_id uuid not null references entity,
    -- In the entity's time zone.
    day date not null,
    -- Of the exceptions with this cause, those opened on this day, closed or not; and those closed on this day.
    opened bigint not null,
    closed bigint not null,
    primary key (fingerprint, entity_id, day)
) with (fillfactor = 70);
-- What an entity closed in the last days.
create index cause_flow_day on cause_flow (entity_id, day);

-- How a cause began that has open exceptions. One that was gone and comes back begins anew.
create table cause_begin (
    fingerprint text not null,
    entity_id uuid not null references entity,
    -- The first of its exceptions.
    exception_id uuid not null references exception,
    began_at timestamptz not null,
    -- Build of the process that opened it; null: it did not say.
    release text,
    primary key (fingerprint, entity_id)
);

-- Fires before exception_is_counted by its name: whether a cause is open already is what the totals say before.
create function begin_cause() returns trigger language plpgsql as $$
begin
    insert into cause_begin (fingerprint, entity_id, exception_id, began_at, release)
    select distinct on (fingerprint, entity_id) fingerprint, entity_id, exception_id, opened_at, nullif(current_setting('tieout.release', true), '')
    from new_rows n
    where closed_at is null and not exists (select from exception_total t where t.fingerprint = n.fingerprint and t.entity_id = n.entity_id)
    order by fingerprint, entity_id, opened_at, exception_id
    on conflict (fingerprint, entity_id) do update
        set exception_id = excluded.exception_id, began_at = excluded.began_at, release = excluded.release;
    return null;
end $$;
create trigger exception_begins after insert on exception referencing new table as new_rows
    for each statement execute function begin_cause();
create trigger exception_begins_elsewhere after update on exception referencing new table as new_rows
    for each statement execute function begin_cause();

create function add_to_cause_flow(fingerprints text[], entities uuid[], at timestamptz[], opened integer[], closed integer[]) returns void language sql as $$
    insert into cause_flow as f (fingerprint, entity_id, day, opened, closed)
    select c.fingerprint, c.entity_id, (c.at at time zone e.time_zone)::date, sum(c.opened), sum(c.closed)
    from unnest(fingerprints, entities, at, opened, closed) c (fingerprint, entity_id, at, opened, closed) join entity e using (entity_id)
    group by 1, 2, 3 order by 1, 2, 3
    on conflict (fingerprint, entity_id, day) do update set opened = f.opened + excluded.opened, closed = f.closed + excluded.closed;
$$;
create function flow_in() returns trigger language plpgsql as $$
begin
    perform add_to_cause_flow(array_agg(fingerprint), array_agg(entity_id), array_agg(opened_at), array_agg(1), array_agg(0)) from new_rows;
    return null;
end $$;
-- One that got another cause takes the day it was opened along.
create function flow_on() returns trigger language plpgsql as $$
begin
    perform add_to_cause_flow(array_agg(fingerprint), array_agg(entity_id), array_agg(at), array_agg(opened), array_agg(closed))
    from (
        select n.fingerprint, n.entity_id, n.opened_at as at, 1 as opened, 0 as closed
        from new_rows n join old_rows o using (exception_id) where n.fingerprint <> o.fingerprint
        union all
        select o.fingerprint, o.entity_id, o.opened_at, -1, 0
        from new_rows n join old_rows o using (exception_id) where n.fingerprint <> o.fingerprint
        union all
        select n.fingerprint, n.entity_id, n.closed_at, 0, 1
        from new_rows n join old_rows o using (exception_id) where o.closed_at is null and n.closed_at is not null
    ) changes;
    return null;
end $$;
create trigger exception_flows_in after insert on exception referencing new table as new_rows
    for each statement execute function flow_in();
create trigger exception_flows_on after update on exception referencing old table as old_rows new table as new_rows
    for each statement execute function flow_on();

insert into cause_flow (fingerprint, entity_id, day, opened, closed)
select fingerprint, entity_id, (at at time zone time_zone)::date, sum(opened), sum(closed)
from exception join entity using (entity_id) cross join lateral (values (opened_at, 1, 0), (closed_at, 0, 1)) f (at, opened, closed)
where at is not null group by 1, 2, 3;
insert into cause_begin (fingerprint, entity_id, exception_id, began_at)
select distinct on (fingerprint, entity_id) fingerprint, entity_id, exception_id, opened_at
from exception where closed_at is null order by fingerprint, entity_id, opened_at, exception_id;

-- The codes of a document that have to be mapped, in the order in which a missing one names the cause.
create view document_code as
select document_id, 1 as place, 'customer' as kind, customer_code as code from document
union
select l.document_id, k.place, k.kind, case k.kind when 'tax_code' then l.tax_code else l.item_code end
from document_line l cross join (values (2, 'item'), (3, 'account'), (4, 'tax_code')) k (place, kind);

-- What a replay of a document would come to now. The first thing in the way decides.
create view document_verdict as
select d.document_id,
    case when d.stage <> 'exception' then 'changed'
        when held.erp_number is not null then 'in_erp'
        when p.state = 'hard_closed' then 'period_closed'
        when missing.code is not null then 'missing'
        else 'will_post' end as verdict,
    case when d.stage <> 'exception' then d.stage
        when held.erp_number is not null then held.erp_number
        when p.state = 'hard_closed' then d.period
        else missing.kind || ' ' || missing.code end as detail,
    missing.kind as missing_kind, missing.code as missing_code
from document d
left join entity_connection ec on ec.entity_id = d.entity_id
left join accounting_period p on p.entity_id = d.entity_id and p.period = d.period
left join lateral (
    select erp_number from erp_document e where e.document_id = d.document_id and e.gone_at is null and e.state = 'posted' limit 1
) held on true
left join lateral (
    select kind, code from document_code c
    where c.document_id = d.document_id and not exists (
        select from mapping m where m.connection_id = ec.connection_id and m.kind = c.kind and m.source_code = c.code and m.state = 'active')
    order by place, code collate "C" limit 1
) missing on true;

-- The same for the items of a frozen set, which went on when their documents did.
create or replace view replay_verdict as
select i.set_id, i.item, i.document_id,
    case when d.sequence <> i.sequence then 'changed' else v.verdict end as verdict,
    case when d.sequence <> i.sequence then d.stage else v.detail end as detail
from replay_item i join document d using (document_id) join document_verdict v using (document_id);
