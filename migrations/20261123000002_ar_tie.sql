-- The AR tie: receivables of an entity and currency beside its ERP's, as of the last comparison.

create table ar_tie (
    entity_id uuid not null references entity,
    currency text not null,
    compared_at timestamptz not null,
    -- Open of what the ERP holds too.
    invoices numeric not null,
    credit_memos numeric not null,
    receipts numeric not null,
    -- Applied between something that the ERP holds and something that it does not hold yet.
    crossing numeric not null,
    -- Beside the tie, never inside: issued here and not in the ERP (debits less credits), and money of unknown payers.
    not_posted numeric not null,
    unidentified numeric not null,
    -- The ERP's AR as read back: what debits it less what credits it.
    subledger numeric not null,
    -- Of that, what nobody issued here: journals to the control account and documents by other hands.
    direct_count bigint not null,
    direct numeric not null,
    primary key (entity_id, currency)
);
-- What stands in an ERP's AR and was not issued here.
create index erp_document_not_ours on erp_document (entity_id, currency, posting_date, erp_id) where document_id is null and gone_at is null;
