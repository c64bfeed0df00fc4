-- Rules of cash application: versions per entity, what each would have done with history, and which one is in force.

-- A version. The standard table, version 1, comes with the program and is no row.
create table rule_table (
    rule_table_id uuid primary key,
    entity_id uuid not null references entity,
    version integer not null check (version > 1),
    -- The engine's table, kept as it was written: the hash is that of the text.
    content json not null,
    content_hash bytea not null check (octet_length(content_hash) = 32),
    reason text not null check (length(reason) between 1 and 4000),
    proposed_by text not null,
    proposed_at timestamptz not null,
    constraint rule_table_version unique (entity_id, version)
);
create trigger rule_table_is_immutable before update or delete on rule_table for each row execute function refuse_change();

-- One run over an entity's history. The last one of a version counts.
create table rule_backtest (
    backtest_id uuid primary key,
    rule_table_id uuid not null references rule_table,
    -- The version in force that it was held against.
    against integer not null check (against > 0),
    -- Days on which the money came in.
    from_day date not null,
    until_day date not null,
    -- Payments whose final application is not known.
    left_out bigint not null check (left_out >= 0),
    ran_at timestamptz not null,
    -- Hash of the figures: what an approver agrees to is bound to it.
    figures_hash bytea not null check (octet_length(figures_hash) = 32)
);
-- The last one of a version.
create index rule_backtest_last on rule_backtest (rule_table_id, backtest_id desc);
create trigger rule_backtest_is_immutable before update or delete on rule_backtest for each row execute function refuse_change();

-- Payments whose final application is known, per currency: counts, and the money of those payments.
create table rule_backtest_total (
    backtest_id uuid not null references rule_backtest,
    currency text not null,
    lines bigint not null,
    received numeric not null,
    -- Applied without a person, rightly or wrongly: by the version in force, and by the new one.
    confirmed_before bigint not null,
    confirmed bigint not null,
    -- Rightly by the new one only, by the one in force only.
    gained bigint not null,
    gained_amount numeric not null,
    lost bigint not null,
    lost_amount numeric not null,
    -- Otherwise than it finally stood.
    wrong_before bigint not null,
    at_risk_before numeric not null,
    wrong bigint not null,
    at_risk numeric not null,
    primary key (backtest_id, currency)
);
create trigger rule_backtest_total_is_immutable before update or delete on rule_backtest_total for each row execute function refuse_change();

-- A sample of the payments about which the versions differ, the largest first.
create table rule_backtest_line (
    backtest_id uuid not null references rule_backtest,
    place integer not null check (place > 0),
    document_id uuid not null references document,
    difference text not null check (difference in ('wrong', 'gained', 'lost')),
    -- The engine's decisions.
    before jsonb not null,
    after jsonb not null,
    -- What each would do and what finally stood, in words.
    before_words text not null,
    after_words text not null,
    stood_words text not null,
    primary key (backtest_id, place)
);
create trigger rule_backtest_line_is_immutable before update or delete on rule_backtest_line for each row execute function refuse_change();

-- A second person's decision about a version instead of about a document.
alter table approval drop constraint approval_act_check,
    add check (act in ('resolve', 'send_again', 'take_number', 'reverse', 'credit', 'repost', 'write_off', 'put_rules_in_force')),
    alter document_id drop not null, alter currency drop not null, alter amount drop not null,
    add column rule_table_id uuid references rule_table check ((act = 'put_rules_in_force') = (rule_table_id is not null)),
    add check ((document_id is null) = (rule_table_id is not null)),
    add check ((currency is null) = (document_id is null) and (amount is null) = (document_id is null));
-- One open request per version.
create unique index approval_rule_table on approval (rule_table_id) where decision is null;

-- When a version was put in force; the last one of an entity is the one that decides. Going back to an older one is a new version.
create table rule_activation (
    entity_id uuid not null references entity,
    -- From 1 within the entity.
    place integer not null check (place > 0),
    rule_table_id uuid not null references rule_table constraint rule_table_is_put_in_force_once unique,
    approval_id uuid not null references approval,
    activated_by text not null,
    activated_at timestamptz not null,
    primary key (entity_id, place)
);
create trigger rule_activation_is_immutable before update or delete on rule_activation for each row execute function refuse_change();

-- The moments at which an entity's money came in, for a back-test.
create index statement_received on statement (entity_id, received_cash_at) where received_cash_at is not null;
