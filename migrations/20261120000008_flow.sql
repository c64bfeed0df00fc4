-- How many documents moved per day: what charts of the last weeks read instead of the movements.

create table daily_flow (
    entity_id uuid not null references entity,
    -- In the entity's time zone.
    day date not null,
    -- Accepted at import on this day.
    came_in bigint not null check (came_in >= 0),
    -- Of those, the ones that came in at least 15 minutes before the count; and the ones posted within that time.
    measured bigint not null check (measured between 0 and came_in),
    timely bigint not null check (timely between 0 and measured),
    -- Movements of this day into the stage.
    posted bigint not null check (posted >= 0),
    confirmed bigint not null check (confirmed >= 0),
    counted_at timestamptz not null,
    -- The chart: days of the caller's entities.
    primary key (entity_id, day)
);
