-- Account numbers are masked on every screen. Whoever may sees the whole of one, once, after he has said why.

create table unmasking (
    unmasking_id uuid primary key,
    entity_id uuid not null references entity,
    -- Who asked, by e-mail; nobody else is shown it.
    person text not null,
    -- Whose numbers, as domain::unmask writes it.
    subject text not null check (subject <> ''),
    reason text not null check (reason <> ''),
    asked_at timestamptz not null,
    -- When they were shown; null: not yet. Set once.
    shown_at timestamptz
);
create trigger unmasking_is_immutable before update of unmasking_id, entity_id, person, subject, reason, asked_at on unmasking
    for each row execute function refuse_change();
create trigger unmasking_is_shown_once before update on unmasking for each row when (old.shown_at is not null) execute function refuse_change();
create trigger unmasking_is_kept before delete on unmasking for each row execute function refuse_change();
