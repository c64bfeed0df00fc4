//! What is open by age: of entities from the totals, of one customer from his open items.

use crate::{Pool, Result, Scope};
use chrono::NaiveDate;
use domain::{
    id::EntityId,
    receivable::{AgeBand, AgingCell, OpenStatus},
    stage::DocumentKind,
};

/// The days of every band of these kinds, as columns.
#[derive(Default)]
struct Bands {
    kinds: Vec<&'static str>,
    bands: Vec<&'static str>,
    first: Vec<Option<NaiveDate>>,
    last: Vec<Option<NaiveDate>>,
}

impl Bands {
    fn of(kinds: &[DocumentKind], today: NaiveDate) -> Self {
        let mut all = Self::default();
        for kind in kinds {
            for band in AgeBand::of_kind(*kind) {
                let (first, last) = band.aged_from(*kind, today);
                all.kinds.push(kind.as_str());
                all.bands.push(band.as_str());
                all.first.push(first);
                all.last.push(last);
            }
        }
        all
    }
}

/// Cells by entity, currency, kind and status. Reads totals only, however many items there are.
pub async fn aging(pool: &Pool, scope: &Scope, kinds: &[DocumentKind], today: NaiveDate) -> Result<Vec<AgingCell>> {
    let bands = Bands::of(kinds, today);
    Ok(sqlx::query_as!(
        AgingCell,
        r#"select e.entity_id as "entity_id: EntityId", e.code as entity_code, t.currency, t.kind as "kind: DocumentKind",
            t.status as "status: OpenStatus", b.band as "band!: AgeBand", sum(t.count)::bigint as "count!", sum(t.open) as "open!"
        from open_total t join entity e using (entity_id)
        join unnest($2::text[], $3::text[], $4::date[], $5::date[]) b (kind, band, first, last)
            on b.kind = t.kind and (b.first is null or t.aged_from >= b.first) and (b.last is null or t.aged_from <= b.last)
        where t.entity_id = any($1)
        group by e.entity_id, e.code, t.currency, t.kind, t.status, b.band having sum(t.count) <> 0
        order by e.code, t.currency, t.kind, t.status, b.band"#,
        &scope.ids(),
        &bands.kinds as &[&str],
        &bands.bands as &[&str],
        &bands.first as &[Option<NaiveDate>],
        &bands.last as &[Option<NaiveDate>]
    )
    .fetch_all(pool)
    .await?)
}

/// The same of one customer, item by item: what is open of him is bounded.
pub async fn of_customer(pool: &Pool, scope: &Scope, customer: &str, today: NaiveDate) -> Result<Vec<AgingCell>> {
    let kinds: Vec<DocumentKind> = DocumentKind::ALL.iter().copied().filter(|kind| !kind.is_application()).collect();
    let bands = Bands::of(&kinds, today);
    Ok(sqlx::query_as!(
        AgingCell,
        r#"select e.entity_id as "entity_id: EntityId", e.code as entity_code, i.currency, i.kind as "kind: DocumentKind",
            open_status(i) as "status!: OpenStatus", b.band as "band!: AgeBand", count(*) as "count!", sum(i.open) as "open!"
        from open_item i join entity e using (entity_id)
        join unnest($3::text[], $4::text[], $5::date[], $6::date[]) b (kind, band, first, last)
            on b.kind = i.kind and (b.first is null or i.aged_from >= b.first) and (b.last is null or i.aged_from <= b.last)
        where i.entity_id = any($1) and i.customer_code = $2 and i.open > 0
        group by 1, 2, 3, 4, 5, 6 order by 2, 3, 4, 5, 6"#,
        &scope.ids(),
        customer,
        &bands.kinds as &[&str],
        &bands.bands as &[&str],
        &bands.first as &[Option<NaiveDate>],
        &bands.last as &[Option<NaiveDate>]
    )
    .fetch_all(pool)
    .await?)
}
