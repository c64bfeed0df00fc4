//! The roll-forward of receivables, from totals.

use crate::{Pool, Result, Scope};
use domain::{
    period::AccountingPeriod,
    roll_forward::{Moved, RollForward, RollPart, roll},
    stage::DocumentKind,
};

/// Every entity, currency and period in which documents of receivables were dated, in this order.
pub async fn roll_forward(pool: &Pool, scope: &Scope) -> Result<Vec<RollForward>> {
    let kinds: Vec<&str> = DocumentKind::ALL.iter().filter(|kind| RollPart::of(**kind).is_some()).map(|kind| kind.as_str()).collect();
    let moved = sqlx::query_as!(
        Moved,
        r#"select e.code as entity_code, t.currency, t.period as "period: AccountingPeriod", t.kind as "kind: DocumentKind",
            sum(t.amount) as "amount!",
            case t.kind when 'credit_memo' then coalesce(max(w.amount), 0) else 0 end as "written_off!",
            coalesce(sum(t.amount) filter (where is_money(t.kind) and t.stage = 'held'), 0) as "unidentified!",
            case t.kind when 'payment' then coalesce(max(x.amount), 0) else 0 end as "transferred!"
        from period_total t join entity e using (entity_id) left join write_off_total w using (entity_id, currency, period)
        left join transfer_total x using (entity_id, currency, period)
        where t.entity_id = any($1) and t.kind = any($2) and t.stage not in ('rejected', 'superseded', 'voided')
        group by e.code, t.currency, t.period, t.kind having sum(t.count) > 0
        order by e.code, t.currency, t.period, t.kind"#,
        &scope.ids(),
        &kinds as &[&str]
    )
    .fetch_all(pool)
    .await?;
    Ok(roll(&moved))
}
