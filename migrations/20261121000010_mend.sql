-- What waits for a mapping, whichever of a document's missing codes named the cause.

alter table exception
    -- The other codes of ours that had no mapping when it stopped, as kind:code; null: none.
    add missing_besides text[];

alter table exception disable trigger user;
update exception x set missing_besides = besides.codes
from document d join entity_connection ec using (entity_id) cross join lateral (
    select array_agg(c.kind || ':' || c.code order by c.place, c.code collate "C") as codes
    from document_code c
    where c.document_id = d.document_id and not exists (select from mapping m
        where m.connection_id = ec.connection_id and m.kind = c.kind and m.source_code = c.code and m.state = 'active')
) besides
where d.document_id = x.document_id and x.closed_at is null and x.missing_code is not null;
update exception set missing_besides = nullif(array_remove(missing_besides, missing_kind || ':' || missing_code), '{}')
where missing_besides is not null;
alter table exception enable trigger user;

-- What an activation releases: read with every proposal.
create index exception_missing on exception (connection_id, missing_kind, missing_code) include (entity_id, currency, amount)
    where closed_at is null and missing_code is not null;
create index exception_missing_besides on exception using gin (missing_besides) where closed_at is null and missing_besides is not null;
