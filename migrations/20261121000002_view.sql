-- What people keep of the queue: filters under a name, and what an act on many did to each, so that it is told and can be undone.

create table saved_view (
    view_id uuid primary key,
    user_id uuid not null references person,
    name text not null check (length(name) between 1 and 60),
    -- The filter as the query of its URL, without a place in the list.
    query text not null check (length(query) <= 2000),
    -- The entity that the filter names: shared with those who may read it. Null: with everybody who reads.
    entity_id uuid references entity,
    shared boolean not null,
    created_at timestamptz not null,
    constraint saved_view_name unique (user_id, name)
);
create index saved_view_shared on saved_view (name) where shared;

-- What the queue opens with.
create table default_view (
    user_id uuid primary key references person,
    view_id uuid not null references saved_view on delete cascade
);

create table bulk_edit (
    edit_id uuid primary key,
    act text not null check (act in ('assign', 'comment')),
    made_by text not null,
    made_at timestamptz not null,
    -- The new owner; null: nobody.
    owner text,
    comment text,
    -- Items by what became of them.
    done integer not null default 0,
    left_alone integer not null default 0,
    undone_at timestamptz,
    undone integer not null default 0,
    check ((act = 'comment') = (comment is not null)),
    check (undone <= done)
);

create table bulk_item (
    edit_id uuid not null references bulk_edit,
    exception_id uuid not null references exception,
    owner_before text,
    result text not null check (result in ('done', 'closed', 'forbidden')),
    undone boolean not null default false,
    primary key (edit_id, exception_id)
);
-- Whether somebody assigned it again since.
create index bulk_item_of_exception on bulk_item (exception_id, edit_id);

-- Batches are searched by how their number begins, in byte order.
create index batch_number on batch (entity_id, number text_pattern_ops);

-- Tells whoever shows a queue that something came in; what it was, he asks within his own scope.
create function tell_opened() returns trigger language plpgsql as $$
begin
    if exists (select from new_rows) then
        perform pg_notify('exception_opened', '');
    end if;
    return null;
end $$;
create trigger exception_is_told after insert on exception referencing new table as new_rows
    for each statement execute function tell_opened();
