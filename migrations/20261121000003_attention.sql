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

-- When people of an entity work; without a row Monday to Friday, 9 to 17, in the entity's time zone.
create table entity_calendar (
    entity_id uuid primary key references entity,
    -- 1 is Monday, 7 Sunday.
    working_days smallint[] not null check (cardinality(working_days) > 0 and working_days <@ '{1,2,3,4,5,6,7}'::smallint[]),
    opens_at time not null,
    closes_at time not null,
    check (opens_at < closes_at)
);
create table entity_holiday (
    entity_id uuid not null references entity,
    day date not null,
    name text not null check (name <> ''),
    primary key (entity_id, day)
);
-- Working hours until an exception of a kind has to be dealt with; without a row what the kind allows by itself.
create table sla_allowance (
    entity_id uuid not null references entity,
    kind text not null,
    hours integer not null check (hours between 1 and 2000),
    primary key (entity_id, kind)
);

-- Until when it has to be dealt with: reckoned once, when it opens, on a quarter of an hour. null: it opened before there was a clock.
alter table exception add due_at timestamptz;
-- What is due before a time.
create index exception_due on exception (entity_id, due_at, exception_id) where closed_at is null;

-- Open exceptions by when they opened, to the hour, and when they are due.
create table exception_clock (
    entity_id uuid not null references entity,
    opened_hour timestamptz not null,
    due_at timestamptz,
    count bigint not null,
    constraint exception_clock_cell unique nulls not distinct (entity_id, due_at, opened_hour)
) with (fillfactor = 70);

create function add_to_exception_clock(changed exception[], sign integer) returns void language sql as $$
    insert into exception_clock as t (entity_id, opened_hour, due_at, count)
    select entity_id, date_trunc('hour', opened_at, 'UTC'), due_at, count(*) * sign from unnest(changed)
    group by 1, 2, 3 order by 1, 3, 2
    on conflict on constraint exception_clock_cell do update set count = t.count + excluded.count;
$$;
create function clock_in() returns trigger language plpgsql as $$
begin
    perform add_to_exception_clock((select array_agg(row(n.*)::exception) from new_rows n where closed_at is null), 1);
    return null;
end $$;
create function clock_off() returns trigger language plpgsql as $$
begin
    perform add_to_exception_clock((select array_agg(row(n.*)::exception)
        from new_rows n join old_rows o using (exception_id) where o.closed_at is null and n.closed_at is not null), -1);
    delete from exception_clock t using (select distinct entity_id, due_at from new_rows where closed_at is not null) n
    where t.entity_id = n.entity_id and t.due_at is not distinct from n.due_at and t.count = 0;
    return null;
end $$;
create trigger exception_is_clocked after insert on exception referencing new table as new_rows
    for each statement execute function clock_in();
create trigger exception_is_clocked_off after update on exception referencing old table as old_rows new table as new_rows
    for each statement execute function clock_off();
insert into exception_clock (entity_id, opened_hour, due_at, count)
select entity_id, date_trunc('hour', opened_at, 'UTC'), due_at, count(*) from exception where closed_at is null group by 1, 2, 3;

-- What people want to hear about: one exception, or all of a cause.
create table watch (
    user_id uuid not null references person,
    exception_id uuid references exception,
    fingerprint text,
    since timestamptz not null,
    constraint watched_once unique nulls not distinct (user_id, exception_id, fingerprint),
    check ((exception_id is null) <> (fingerprint is null))
);
-- Who watches what something happens to.
create index watch_exception on watch (exception_id) where exception_id is not null;
create index watch_cause on watch (fingerprint) where fingerprint is not null;

-- What happened to what a person watches or owns, or was said to him.
create table notice (
    notice_id uuid primary key,
    user_id uuid not null references person,
    entity_id uuid not null references entity,
    what text not null check (what in ('mentioned', 'noted', 'assigned', 'replayed', 'resolved', 'superseded', 'cleared', 'breached')),
    -- Of several exceptions of the cause, one.
    exception_id uuid not null references exception,
    fingerprint text not null,
    count bigint not null check (count > 0),
    -- Who did it; null: nobody in particular.
    actor text,
    note_id uuid references exception_note,
    at timestamptz not null,
    read_at timestamptz
);
-- The inbox, newest first, keyset-paged.
create index notice_inbox on notice (user_id, at desc, notice_id desc);
-- Unread ones: the bell. What happens to many of a cause adds up to one of them.
create unique index notice_unread on notice (user_id, what, entity_id, fingerprint) where read_at is null and note_id is null;
create index notice_unread_notes on notice (user_id) where read_at is null and note_id is not null;

-- How far breaches were told. The one row comes with the first sweep.
create table breach_sweep (
    one boolean primary key default true check (one),
    swept_to timestamptz not null
);

-- Tells everybody who watches these exceptions or their causes, or owns one, except who did it and who was told of this note already.
create function tell(exceptions uuid[], happened text, by_whom text, note uuid, now timestamptz) returns void language sql as $$
    insert into notice as n (notice_id, user_id, entity_id, what, exception_id, fingerprint, count, actor, note_id, at)
    select gen_random_uuid(), w.user_id, x.entity_id, happened, (array_agg(x.exception_id))[1], x.fingerprint, count(*), by_whom, note, now
    from exception x cross join lateral (
        select user_id from watch w where w.exception_id = x.exception_id
        union select user_id from watch w where w.fingerprint = x.fingerprint
        union select user_id from person p where p.email = x.owner
    ) w
    join person p on p.user_id = w.user_id and p.deactivated_at is null and p.email is distinct from by_whom
    where x.exception_id = any(exceptions) and not exists (select from notice o where o.user_id = w.user_id and o.note_id = note)
    group by w.user_id, x.entity_id, x.fingerprint order by w.user_id, x.entity_id, x.fingerprint
    on conflict (user_id, what, entity_id, fingerprint) where read_at is null and note_id is null do update
        set count = n.count + excluded.count, exception_id = excluded.exception_id, actor = excluded.actor, at = excluded.at;
$$;
