-- A settlement report is kept to the byte with what came of it, as every file is; what broke a rule stands with the file.

alter table gateway_report
    -- What was refused before was not kept: it is read again.
    drop column refused,
    -- The file as it was read last, with the rules that it broke; null: not read yet.
    add column intake_id uuid references intake,
    -- When nothing of it was taken; null: it was taken, or is to be read. Announced anew it is read again.
    add column refused_at timestamptz,
    add constraint gateway_report_is_taken_whole check ((taken_at is null) = (movements is null) and (taken_at is null or refused_at is null)),
    add constraint gateway_report_refused_is_kept check (refused_at is null or intake_id is not null);
-- What a pull reads.
create index gateway_report_to_read on gateway_report (gateway_account_id, announced_at) where taken_at is null and refused_at is null;
-- What somebody has to look at.
create index gateway_report_refused on gateway_report (gateway_account_id, refused_at) where refused_at is not null;
