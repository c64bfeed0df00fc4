-- Collection: what customers owe past its due date makes triggers. Nothing is sent to anybody.

-- Days past due from which the three steps of an entity count; without a row 7, 21 and 45.
create table dunning_steps (
    entity_id uuid primary key references entity,
    days integer[] not null check (cardinality(days) = 3 and 0 < days[1] and days[1] < days[2] and days[2] < days[3] and days[3] <= 1000)
);

-- What a customer owed past its due date when the worker looked; one that changed is ended, and another takes its place.
create table collection_trigger (
    trigger_id uuid primary key,
    entity_id uuid not null references entity,
    customer_code text not null check (customer_code <> ''),
    currency text not null,
    step smallint not null check (step between 1 and 3),
    -- Of the oldest item, and from how many days on the step counts.
    days integer not null check (days >= from_days),
    from_days integer not null,
    amount numeric(20, 4) not null check (amount > 0),
    -- Why nobody is asked to pay now; null: nothing speaks against it.
    silent text check (silent in ('dispute', 'unapplied_cash')),
    raised_at timestamptz not null,
    ended_at timestamptz
);
-- One stands per customer and currency; also a customer's.
create unique index collection_trigger_stands on collection_trigger (entity_id, customer_code, currency) where ended_at is null;
-- What stands, the highest step first, keyset-paged.
create index collection_trigger_list on collection_trigger ((-step), trigger_id) where ended_at is null;

-- The items of a trigger with what was open of each.
create table collection_item (
    trigger_id uuid not null references collection_trigger,
    document_id uuid not null references document,
    open numeric(20, 4) not null check (open > 0),
    due_on date not null,
    primary key (trigger_id, document_id)
);
create trigger collection_item_is_immutable before update or delete on collection_item for each row execute function refuse_change();

-- What an entity's customers owe from the first step on, with what makes it silent: on the day that it is there.
create function collectable(entity uuid, now timestamptz, usual integer[])
returns table (customer_code text, currency text, step smallint, days integer, from_days integer, amount numeric, silent text,
    items uuid[], opens numeric[], due_on date[])
language sql stable as $$
    with place as (
        select (now at time zone e.time_zone)::date as today, coalesce(s.days, usual) as steps
        from entity e left join dunning_steps s using (entity_id) where e.entity_id = entity
    ), owed as (
        select i.customer_code, i.currency, max(p.today - i.aged_from) as days, sum(i.open) as amount, p.steps,
            array_agg(i.document_id order by i.aged_from, i.document_id) as items,
            array_agg(i.open order by i.aged_from, i.document_id) as opens,
            array_agg(i.aged_from order by i.aged_from, i.document_id) as due_on
        from place p join open_item i on i.entity_id = entity and i.kind = 'invoice' and i.open > 0 and i.aged_from <= p.today - p.steps[1]
        group by i.customer_code, i.currency, p.steps
    ), stepped as (
        select o.*, case when days >= steps[3] then 3 when days >= steps[2] then 2 else 1 end as step from owed o
    )
    select o.customer_code, o.currency, o.step::smallint, o.days, o.steps[o.step], o.amount,
        case when exists (select from open_item i where i.entity_id = entity and i.customer_code = o.customer_code and i.open > 0 and i.kept = 'disputed')
            then 'dispute'
        when exists (select from open_item i where i.entity_id = entity and i.customer_code = o.customer_code and i.open > 0 and i.kind = 'payment')
            then 'unapplied_cash' end,
        o.items, o.opens, o.due_on
    from stepped o
$$;
