-- Figures of clearing from totals, and cells of the clock by their key.

-- What moved in a gateway's account, by the day (UTC) on which it did.
create table gateway_total (
    gateway_account_id uuid not null references gateway_account,
    currency text not null,
    day date not null,
    kind text not null,
    count bigint not null,
    gross numeric not null,
    fee numeric not null,
    primary key (gateway_account_id, currency, day, kind)
);
create function total_gateway_entries() returns trigger language plpgsql as $$
begin
    insert into gateway_total as t (gateway_account_id, currency, day, kind, count, gross, fee)
    select gateway_account_id, settlement_currency, (created_at at time zone 'UTC')::date, kind, count(*), sum(gross), sum(fee)
    from new_rows group by 1, 2, 3, 4 order by 1, 2, 3, 4
    on conflict (gateway_account_id, currency, day, kind) do update
        set count = t.count + excluded.count, gross = t.gross + excluded.gross, fee = t.fee + excluded.fee;
    return null;
end $$;
create trigger gateway_entry_is_totalled after insert on gateway_entry referencing new table as new_rows
    for each statement execute function total_gateway_entries();
insert into gateway_total (gateway_account_id, currency, day, kind, count, gross, fee)
select gateway_account_id, settlement_currency, (created_at at time zone 'UTC')::date, kind, count(*), sum(gross), sum(fee)
from gateway_entry group by 1, 2, 3, 4;
-- What was pulled after the gateway was asked for its balance: not in what is held against it.
create index gateway_entry_pulled on gateway_entry (gateway_account_id, pulled_at);


-- Looks cells up by their key: it went through all of them, half a million where each exception is due at a time of its own.
create or replace function clock_off() returns trigger language plpgsql as $$
begin
    perform add_to_exception_clock((select array_agg(row(n.*)::exception)
        from new_rows n join old_rows o using (exception_id) where o.closed_at is null and n.closed_at is not null), -1);
    delete from exception_clock t
    using (select distinct entity_id, due_at, date_trunc('hour', opened_at, 'UTC') as hour from new_rows where closed_at is not null) n
    where t.entity_id = n.entity_id and t.due_at = n.due_at and t.opened_hour = n.hour and t.count = 0;
    delete from exception_clock t
    using (select distinct entity_id, date_trunc('hour', opened_at, 'UTC') as hour from new_rows where closed_at is not null and due_at is null) n
    where t.entity_id = n.entity_id and t.due_at is null and t.opened_hour = n.hour and t.count = 0;
    return null;
end $$;
