-- Adyen: there is no list of movements to pull; a settlement details report is a payout with everything in it.

alter table gateway_account drop constraint gateway_account_gateway_check, add check (gateway in ('stripe', 'adyen'));

-- A report that a signed webhook announced.
create table gateway_report (
    gateway_account_id uuid not null references gateway_account,
    -- The file's name, which is the gateway's id of it.
    report text not null check (report <> ''),
    -- Where it lies, as the webhook said; credentials go only to the account's own address.
    address text not null,
    announced_at timestamptz not null,
    -- When all of its rows were taken; null: not yet.
    taken_at timestamptz,
    movements bigint,
    -- Why nothing of it was taken: line, field and rule. Announced anew it is read again.
    refused text,
    primary key (gateway_account_id, report),
    check ((taken_at is null) = (movements is null) and (taken_at is null or refused is null))
);
-- What a pull reads.
create index gateway_report_to_read on gateway_report (gateway_account_id, announced_at) where taken_at is null and refused is null;
