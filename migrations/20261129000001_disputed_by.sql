-- Which dispute marked an invoice: its end lifts that mark and no other.

alter table open_item
    -- The chargeback that set the mark; null: a person did.
    add column disputed_by uuid references document,
    add constraint open_item_is_disputed_by_a_dispute check (disputed_by is null or kept = 'disputed');
-- The invoices of a chargeback.
create index open_item_disputed_by on open_item (disputed_by) where disputed_by is not null;

-- Until now marks did not say who set them: those that no person set are of the chargeback that took the invoice's payment back.
update open_item i set disputed_by = b.document_id
from allocation l join application a on a.document_id = l.document_id join payment b on b.takes_back = a.credit_id
    join document c on c.document_id = b.document_id and c.kind = 'chargeback'
where l.debit_id = i.document_id and i.kept = 'disputed'
    and not exists (select from audit_event e where e.action = 'cash.keep' and e.subject = 'document:' || i.document_id);
