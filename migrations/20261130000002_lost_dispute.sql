-- What a lost dispute left owed is written off with a reason of its own (accounting.md, Receivables: lost needs an approved write-off).

alter table write_off
    drop constraint write_off_reason_check,
    add check (reason in ('withholding_tax', 'cash_discount', 'bank_fee', 'small_balance', 'dispute_lost'));

-- Invoices that are still owed and disputed after their payment was charged back and the dispute was lost.
create view lost_dispute as
select distinct on (i.document_id) g.entity_id, g.code, d.dispute_id, i.document_id, i.currency, i.open
from gateway_dispute d join gateway_account g using (gateway_account_id)
join gateway_entry e on e.gateway_account_id = d.gateway_account_id and e.payment_reference = d.payment_reference and e.kind = 'charge'
join payment p on p.gateway_account_id = e.gateway_account_id and p.entry_id = e.entry_id
join application a on a.credit_id = p.document_id and a.reverses is null
join allocation l on l.document_id = a.document_id
join open_item i on i.document_id = l.debit_id and i.kind = 'invoice' and i.kept = 'disputed' and i.open > 0
where d.status = 'lost'
order by i.document_id, d.created_at desc, d.dispute_id;
