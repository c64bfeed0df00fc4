-- What was written off, by entity, currency and period: the roll-forward tells it from other credit memos.

create table write_off_total (
    entity_id uuid not null references entity,
    currency text not null,
    -- Of the credit memo that writes off.
    period text not null,
    count bigint not null,
    amount numeric not null,
    primary key (entity_id, currency, period)
);
create function total_write_offs() returns trigger language plpgsql as $$
begin
    insert into write_off_total as t (entity_id, currency, period, count, amount)
    select d.entity_id, d.currency, d.period, count(*), sum(d.amount) from new_rows join document d using (document_id)
    group by 1, 2, 3 order by 1, 2, 3
    on conflict (entity_id, currency, period) do update set count = t.count + excluded.count, amount = t.amount + excluded.amount;
    return null;
end $$;
create trigger write_off_is_totalled after insert on write_off referencing new table as new_rows
    for each statement execute function total_write_offs();
insert into write_off_total (entity_id, currency, period, count, amount)
select d.entity_id, d.currency, d.period, count(*), sum(d.amount) from write_off join document d using (document_id) group by 1, 2, 3;
