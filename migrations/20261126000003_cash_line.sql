-- What each booked line of a statement is: the daily cash proof and the lists behind it read this.

create view cash_line as
select l.statement_id, l.ordinal, l.amount,
    case
        when w.statement_id is not null and w.payout_id is not null then 'payout'
        when w.statement_id is not null then 'in_clearing'
        when exists (select from payment p join document d using (document_id)
            where (p.statement_id, p.ordinal) = (l.statement_id, l.ordinal) and d.superseded_by is null) then 'receipt'
        when l.amount > 0 then 'other_in'
        else 'out'
    end as part
from statement_line l left join payout_line w using (statement_id, ordinal)
where l.status = 'booked';
