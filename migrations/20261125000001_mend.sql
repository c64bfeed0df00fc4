-- Figures of clearing from totals, and one sentence for the money that a payment is.

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

-- A payment with everything that its bank or its gateway told of it.
create view payment_money as
select i.document_id, i.entity_id, p.statement_id, p.ordinal, p.gateway_account_id, p.entry_id, coalesce(a.number, g.code) as account,
    i.amount, i.open, i.kept, i.currency, i.aged_from as received_on, i.customer_code,
    exists (select from application t where t.credit_id = i.document_id and t.reverses is not null) as taken_back,
    l.end_to_end_id, coalesce(l.structured_references, '{}') as structured_references, coalesce(l.documents, e.invoice_numbers) as documents,
    l.mandate, l.counterparty_name as payer_name, l.counterparty_account as payer_account, coalesce(l.text, e.reason, '') as text
from open_item i join payment p using (document_id)
left join statement_line l using (statement_id, ordinal) left join statement s using (statement_id) left join bank_account a using (bank_account_id)
left join gateway_entry e on (e.gateway_account_id, e.entry_id) = (p.gateway_account_id, p.entry_id)
left join gateway_account g on g.gateway_account_id = p.gateway_account_id
where i.kind = 'payment';
