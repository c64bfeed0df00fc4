-- Payment gateways: what they hold for us, what moved it, what they paid out, and what they announced.

create table gateway_account (
    gateway_account_id uuid primary key,
    -- Whose money it is.
    entity_id uuid not null references entity,
    gateway text not null check (gateway in ('stripe')),
    -- The gateway's id of it: acct_…
    external_id text not null check (external_id <> ''),
    -- On the lines of its payments; mapped to the clearing account in the ERP.
    code text not null constraint gateway_account_code unique check (code ~ '^[^[:space:]]+$'),
    -- What people call it.
    name text not null check (name <> ''),
    -- Where it is reached; no secrets.
    settings jsonb not null,
    -- Key and webhook secrets, encrypted with the installation's key.
    secrets bytea not null,
    -- What the bank lines of its payouts have in the payer's name, or in the text where the bank gives no name.
    bank_words text not null check (bank_words <> ''),
    -- The account's beginning: from here it is pulled, with nothing in it.
    since timestamptz not null,
    -- Where the pull of its movements and of its payouts goes on; null: not begun.
    entry_cursor text,
    payout_cursor text,
    -- When the last pull reached its end; null: none did.
    pulled_at timestamptz,
    opened_at timestamptz not null,
    opened_by text not null,
    constraint gateway_account_external unique (gateway, external_id)
);
-- The accounts of an entity: what a pull goes through.
create index gateway_account_entity on gateway_account (entity_id);

-- A currency in which an account settles.
create table gateway_currency (
    gateway_account_id uuid not null references gateway_account,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    -- Our account to which it pays out; null: it never has.
    bank_account_id uuid references bank_account,
    -- What the gateway says it holds, available or not, after the movements that had been pulled at balance_at; null: not asked yet.
    balance numeric(20, 4),
    balance_at timestamptz,
    primary key (gateway_account_id, currency),
    check ((balance is null) = (balance_at is null))
);
-- Whose payouts come to a bank account.
create index gateway_currency_bank on gateway_currency (bank_account_id);

-- A movement of the balance, as domain::settlement has it: what raises it is positive.
create table gateway_entry (
    gateway_account_id uuid not null references gateway_account,
    -- The gateway's id: the same movement always has the same.
    entry_id text not null check (entry_id <> ''),
    kind text not null,
    -- What moved between the payer and us, in the currency of the payment.
    amount numeric(20, 4) not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    -- In the settlement currency; a fee is a cost when positive.
    gross numeric(20, 4) not null,
    fee numeric(20, 4) not null,
    net numeric(20, 4) not null,
    settlement_currency text not null check (settlement_currency ~ '^[A-Z]{3}$'),
    -- Settlement currency per unit of the other, where the gateway converted.
    exchange_rate numeric,
    created_at timestamptz not null,
    -- From when it can be paid out.
    available_on date,
    -- The payout that paid it; null: none did, or the gateway has not said so yet. Set once.
    payout_id text,
    -- The charge, refund, dispute or payout behind it, by the gateway's id.
    source_id text,
    -- What ties a charge, its refunds and its disputes together.
    payment_reference text,
    -- Ours, as we gave it to the gateway.
    merchant_reference text,
    -- The invoices that it paid, as the gateway names them.
    invoice_numbers text[] not null,
    -- The customer as the gateway knows it.
    customer_reference text,
    -- In the gateway's words.
    reason text,
    pulled_at timestamptz not null,
    primary key (gateway_account_id, entry_id),
    constraint gateway_entry_ties check (net = gross - fee)
);
-- The clearing proof, and the movements behind its figures by time.
create index gateway_entry_time on gateway_entry (gateway_account_id, settlement_currency, created_at, entry_id);
-- What a payout paid.
create index gateway_entry_payout on gateway_entry (gateway_account_id, payout_id) where payout_id is not null;
-- Charges in their order: those that are no payments yet are looked for.
create index gateway_entry_charge on gateway_entry (gateway_account_id, created_at, entry_id) where kind = 'charge';
create trigger gateway_entry_is_immutable before update of gateway_account_id, entry_id, kind, amount, currency, gross, fee, net,
    settlement_currency, exchange_rate, created_at, available_on, source_id, payment_reference, merchant_reference, invoice_numbers,
    customer_reference, reason, pulled_at on gateway_entry for each row execute function refuse_change();
create trigger gateway_entry_is_paid_once before update on gateway_entry for each row when (old.payout_id is not null)
    execute function refuse_change();
create trigger gateway_entry_is_kept before delete on gateway_entry for each row execute function refuse_change();

-- Money on its way between the gateway and our bank; negative where the gateway takes it from us. As it was when last looked at.
create table gateway_payout (
    gateway_account_id uuid not null references gateway_account,
    payout_id text not null check (payout_id <> ''),
    amount numeric(20, 4) not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    status text not null check (status in ('pending', 'in_transit', 'paid', 'failed', 'canceled')),
    created_at timestamptz not null,
    -- When the bank is to have it.
    arrival_on date not null,
    -- By which the bank finds it.
    trace_id text,
    -- The payout that takes this one back.
    reversed_by text,
    -- Why it failed, in the gateway's words.
    failure text,
    -- When its movements were listed; null: the gateway has not done so yet.
    itemised_at timestamptz,
    primary key (gateway_account_id, payout_id)
);
-- Payouts of a time, newest first, and those that a bank line may have brought.
create index gateway_payout_arrival on gateway_payout (gateway_account_id, arrival_on, payout_id);
-- What is looked at again: on its way, or not itemised.
create index gateway_payout_unsettled on gateway_payout (gateway_account_id) where status in ('pending', 'in_transit') or itemised_at is null;

-- A webhook as it was received. A forged one is kept with the reason, and changes nothing.
create table gateway_event (
    gateway_event_id uuid primary key,
    gateway_account_id uuid not null references gateway_account,
    -- The gateway's id of a genuine event; null: what a forged one says of itself counts for nothing.
    event_key text,
    event_type text,
    -- What it asks to look at.
    object_id text,
    occurred_at timestamptz,
    received_at timestamptz not null,
    -- How often it came.
    times integer not null default 1 check (times > 0),
    -- null: signed by the gateway, not long ago. Otherwise why it is not believed.
    refused text,
    -- As it was received.
    body bytea not null,
    -- The first pull that ended after it; null: its look is still to come, or it is not believed.
    pulled_at timestamptz,
    check ((event_key is null) = (refused is not null) and (event_key is null) = (event_type is null))
);
-- The same event, however often it comes.
create unique index gateway_event_once on gateway_event (gateway_account_id, event_key) where event_key is not null;
-- What a pull that ends has looked at.
create index gateway_event_waiting on gateway_event (gateway_account_id) where pulled_at is null and event_key is not null;
create trigger gateway_event_is_immutable before update of gateway_account_id, event_key, event_type, object_id, occurred_at, received_at,
    refused, body on gateway_event for each row execute function refuse_change();
create trigger gateway_event_is_kept before delete on gateway_event for each row execute function refuse_change();

-- A payment came either with a line of a statement or with a charge of a gateway.
alter table payment
    alter column statement_id drop not null,
    alter column ordinal drop not null,
    -- The charge that brought it; null: a bank line did.
    add column gateway_account_id uuid,
    add column entry_id text,
    add foreign key (gateway_account_id, entry_id) references gateway_entry,
    add constraint payment_has_one_source check (
        num_nonnulls(statement_id, ordinal) in (0, 2) and num_nonnulls(gateway_account_id, entry_id) in (0, 2)
        and num_nonnulls(statement_id, entry_id) = 1
    );
-- Whether a charge is a payment already.
create index payment_entry on payment (gateway_account_id, entry_id) where entry_id is not null;

-- A line of a statement that a gateway's payout brought or took: no payment of a customer.
create table payout_line (
    statement_id uuid not null,
    ordinal integer not null,
    gateway_account_id uuid not null references gateway_account,
    -- null: the payout is not known yet, so the money is in clearing. Set once.
    payout_id text,
    recognised_at timestamptz not null,
    tied_at timestamptz,
    -- The rule or the person that tied it.
    tied_by text,
    primary key (statement_id, ordinal),
    foreign key (statement_id, ordinal) references statement_line,
    foreign key (gateway_account_id, payout_id) references gateway_payout,
    constraint payout_line_once unique (gateway_account_id, payout_id),
    check (num_nulls(payout_id, tied_at, tied_by) in (0, 3))
);
-- Lines that wait for their payout.
create index payout_line_untied on payout_line (gateway_account_id) where payout_id is null;
create trigger payout_line_is_tied_once before update on payout_line for each row when (old.payout_id is not null)
    execute function refuse_change();
create trigger payout_line_is_kept before delete on payout_line for each row execute function refuse_change();
