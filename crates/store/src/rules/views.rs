//! Versions of the rules as people see them.

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    id::{ApprovalId, BacktestId, DocumentId, EntityId, RuleTableId},
    rules::{Backtest, BacktestLine, BacktestTotal, Difference, RuleApprovalView, RuleTableState, RuleTableView},
};
use std::collections::HashMap;

struct Row {
    rule_table_id: RuleTableId,
    version: i32,
    state: RuleTableState,
    reason: String,
    proposed_by: String,
    proposed_at: DateTime<Utc>,
    content_hash: String,
    activated_at: Option<DateTime<Utc>>,
    activated_by: Option<String>,
    approval_id: Option<ApprovalId>,
    backtest_id: Option<BacktestId>,
    against: Option<i32>,
    from_day: Option<NaiveDate>,
    until_day: Option<NaiveDate>,
    ran_at: Option<DateTime<Utc>>,
    left_out: Option<i64>,
}

/// The last versions of an entity, newest first, each with its last back-test.
pub async fn tables(pool: &Pool, scope: &Scope, entity: EntityId, limit: i64) -> Result<Vec<RuleTableView>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select t.rule_table_id as "rule_table_id: RuleTableId", t.version,
            case when v.place is not null then case when v.place = (select max(place) from rule_activation where entity_id = $1)
                    then 'in_force' else 'superseded' end
                when b.backtest_id is null then 'testing'
                when a.approval_id is not null and a.decision is null then 'waiting'
                when a.decision = 'refused' then 'refused' else 'tested' end as "state!: RuleTableState",
            t.reason, t.proposed_by, t.proposed_at, encode(t.content_hash, 'hex') as "content_hash!",
            v.activated_at as "activated_at?", v.activated_by as "activated_by?",
            case when a.decision is null then a.approval_id end as "approval_id: ApprovalId",
            b.backtest_id as "backtest_id?: BacktestId", b.against as "against?", b.from_day as "from_day?", b.until_day as "until_day?",
            b.ran_at as "ran_at?", b.left_out as "left_out?"
        from rule_table t
        left join rule_activation v using (rule_table_id)
        left join lateral (select * from rule_backtest b where b.rule_table_id = t.rule_table_id order by backtest_id desc limit 1) b on true
        left join lateral (select * from approval a where a.rule_table_id = t.rule_table_id order by approval_id desc limit 1) a on true
        where t.entity_id = $1 and t.entity_id = any($2) order by t.version desc limit $3"#,
        entity.0,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?;
    let tests: Vec<BacktestId> = rows.iter().filter_map(|row| row.backtest_id).collect();
    let mut totals = totals(&mut *pool.acquire().await?, &tests).await?;
    Ok(rows.into_iter().map(|row| row.view(&mut totals)).collect())
}

impl Row {
    fn view(self, totals: &mut HashMap<BacktestId, Vec<BacktestTotal>>) -> RuleTableView {
        let of_test = |id| totals.remove(&id).unwrap_or_default();
        let test = (|| {
            Some(Backtest {
                against: self.against?,
                from: self.from_day?,
                until: self.until_day?,
                ran_at: self.ran_at?,
                left_out: self.left_out?,
                totals: self.backtest_id.map(of_test)?,
            })
        })();
        RuleTableView {
            rule_table_id: self.rule_table_id,
            version: self.version,
            state: self.state,
            reason: self.reason,
            proposed_by: self.proposed_by,
            proposed_at: self.proposed_at,
            content_hash: self.content_hash,
            activated_at: self.activated_at,
            activated_by: self.activated_by,
            approval_id: self.approval_id,
            test,
        }
    }
}

pub(super) async fn totals(conn: &mut Conn, tests: &[BacktestId]) -> Result<HashMap<BacktestId, Vec<BacktestTotal>>> {
    let ids: Vec<uuid::Uuid> = tests.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select backtest_id as "backtest_id: BacktestId", currency, lines, received, confirmed_before, confirmed, gained, gained_amount, lost,
            lost_amount, wrong_before, at_risk_before, wrong, at_risk
        from rule_backtest_total where backtest_id = any($1) order by currency"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut totals: HashMap<BacktestId, Vec<BacktestTotal>> = HashMap::new();
    for row in rows {
        totals.entry(row.backtest_id).or_default().push(BacktestTotal {
            currency: row.currency,
            lines: row.lines,
            received: row.received,
            confirmed_before: row.confirmed_before,
            confirmed: row.confirmed,
            gained: row.gained,
            gained_amount: row.gained_amount,
            lost: row.lost,
            lost_amount: row.lost_amount,
            wrong_before: row.wrong_before,
            at_risk_before: row.at_risk_before,
            wrong: row.wrong,
            at_risk: row.at_risk,
        });
    }
    Ok(totals)
}

/// The sample of a version's last back-test: what is wrong first, then by money.
pub async fn sample(pool: &Pool, scope: &Scope, table: RuleTableId) -> Result<Vec<BacktestLine>> {
    Ok(sqlx::query_as!(
        BacktestLine,
        r#"select l.difference as "difference: Difference", l.document_id as "document_id: DocumentId", d.number,
            d.issue_date as received_on, d.currency, d.amount, l.before_words as before, l.after_words as after, l.stood_words as stood
        from rule_table t join rule_backtest b using (rule_table_id) join rule_backtest_line l using (backtest_id)
        join document d on d.document_id = l.document_id
        where t.rule_table_id = $1 and t.entity_id = any($2)
            and b.backtest_id = (select backtest_id from rule_backtest where rule_table_id = $1 order by backtest_id desc limit 1)
        order by l.place"#,
        table.0,
        &scope.ids()
    )
    .fetch_all(pool)
    .await?)
}

/// Versions that wait for an approver, oldest first.
pub async fn waiting(pool: &Pool, scope: &Scope, limit: i64) -> Result<Vec<RuleApprovalView>> {
    Ok(sqlx::query_as!(
        RuleApprovalView,
        r#"select a.approval_id as "approval_id: ApprovalId", a.entity_id as "entity_id: EntityId", e.code as entity_code, t.version, a.plan,
            a.reason, a.requested_by, a.requested_at
        from approval a join rule_table t using (rule_table_id) join entity e on e.entity_id = a.entity_id
        where a.decision is null and a.entity_id = any($1) order by a.requested_at limit $2"#,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?)
}
