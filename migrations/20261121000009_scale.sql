-- What the queue needs at half a million open exceptions: each filter, and each pair of filters, finds its first page by an
-- index in the queue's order. An entity has one connection, so that a filter by connection is one by entities; age is the order
-- itself. All of them hold open exceptions only, and a posting never touches them.

-- One filter; amount and due time beside it are looked at in the index.
drop index exception_queue;
create index exception_queue on exception (entity_id, opened_at, exception_id) include (amount, due_at) where closed_at is null;
create index exception_kind on exception (entity_id, kind, opened_at, exception_id) include (amount, due_at) where closed_at is null;
create index exception_currency on exception (entity_id, currency, opened_at, exception_id) include (amount, due_at) where closed_at is null;
create index exception_period on exception (entity_id, period, opened_at, exception_id) include (amount, due_at) where closed_at is null;
create index exception_owner on exception (entity_id, owner, opened_at, exception_id) include (amount, due_at)
    where closed_at is null and owner is not null;
drop index exception_cluster;
create index exception_cluster on exception (fingerprint, entity_id, opened_at, exception_id) include (amount, due_at) where closed_at is null;

-- Two filters.
create index exception_kind_currency on exception (entity_id, kind, currency, opened_at, exception_id) where closed_at is null;
create index exception_kind_period on exception (entity_id, kind, period, opened_at, exception_id) where closed_at is null;
create index exception_currency_period on exception (entity_id, currency, period, opened_at, exception_id) where closed_at is null;
create index exception_owner_kind on exception (entity_id, owner, kind, opened_at, exception_id)
    where closed_at is null and owner is not null;
create index exception_owner_currency on exception (entity_id, owner, currency, opened_at, exception_id)
    where closed_at is null and owner is not null;
create index exception_owner_period on exception (entity_id, owner, period, opened_at, exception_id)
    where closed_at is null and owner is not null;
create index exception_cluster_kind on exception (fingerprint, entity_id, kind, opened_at, exception_id) where closed_at is null;
create index exception_cluster_currency on exception (fingerprint, entity_id, currency, opened_at, exception_id) where closed_at is null;
create index exception_cluster_period on exception (fingerprint, entity_id, period, opened_at, exception_id) where closed_at is null;
create index exception_cluster_owner on exception (fingerprint, entity_id, owner, opened_at, exception_id)
    where closed_at is null and owner is not null;

-- Few large ones: an amount that few exceptions reach is found by itself.
create index exception_amount on exception (entity_id, amount)
    include (exception_id, opened_at, period, currency, kind, connection_id, fingerprint, owner, due_at) where closed_at is null;

-- Written in one statement with the document's stage; a foreign key would only cost.
alter table outbox drop constraint outbox_document_id_fkey;
alter table replay_item drop constraint replay_item_set_id_fkey;

-- What is due by a time was opened before it: the queue is walked no further.
alter table exception add constraint exception_due_after_opening check (due_at >= opened_at);
