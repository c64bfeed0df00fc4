//! What versions would have done with history, as a worker found it.

use super::views::totals;
use crate::{Conn, Result};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    id::{BacktestId, DocumentId, RuleTableId},
    rules::{Backtest, BacktestTotal, Difference},
};

/// A finished run.
#[derive(Debug, Clone)]
pub struct NewBacktest {
    pub backtest_id: BacktestId,
    pub rule_table_id: RuleTableId,
    pub against: i32,
    pub from: NaiveDate,
    pub until: NaiveDate,
    pub left_out: i64,
    pub ran_at: DateTime<Utc>,
    pub figures_hash: [u8; 32],
    pub totals: Vec<BacktestTotal>,
    pub lines: Vec<NewBacktestLine>,
}

/// A payment of the sample.
#[derive(Debug, Clone)]
pub struct NewBacktestLine {
    pub document_id: DocumentId,
    pub difference: Difference,
    pub before: serde_json::Value,
    pub after: serde_json::Value,
    pub before_words: String,
    pub after_words: String,
    pub stood_words: String,
}

pub async fn record_backtest(conn: &mut Conn, new: &NewBacktest) -> Result<()> {
    sqlx::query!(
        "insert into rule_backtest (backtest_id, rule_table_id, against, from_day, until_day, left_out, ran_at, figures_hash)
        values ($1, $2, $3, $4, $5, $6, $7, $8)",
        new.backtest_id.0,
        new.rule_table_id.0,
        new.against,
        new.from,
        new.until,
        new.left_out,
        new.ran_at,
        new.figures_hash.as_slice()
    )
    .execute(&mut *conn)
    .await?;
    for total in &new.totals {
        sqlx::query!(
            "insert into rule_backtest_total (backtest_id, currency, lines, received, confirmed_before, confirmed, gained, gained_amount, lost,
                lost_amount, wrong_before, at_risk_before, wrong, at_risk)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            new.backtest_id.0,
            total.currency,
            total.lines,
            total.received,
            total.confirmed_before,
            total.confirmed,
            total.gained,
            total.gained_amount,
            total.lost,
            total.lost_amount,
            total.wrong_before,
            total.at_risk_before,
            total.wrong,
            total.at_risk
        )
        .execute(&mut *conn)
        .await?;
    }
    for (line, place) in new.lines.iter().zip(1..) {
        sqlx::query!(
            "insert into rule_backtest_line (backtest_id, place, document_id, difference, before, after, before_words, after_words, stood_words)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            new.backtest_id.0,
            place,
            line.document_id.0,
            line.difference.as_str(),
            line.before,
            line.after,
            line.before_words,
            line.after_words,
            line.stood_words
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The last run of a version, with the hash of its figures.
pub async fn last_backtest(conn: &mut Conn, table: RuleTableId) -> Result<Option<(Backtest, Vec<u8>)>> {
    let row = sqlx::query!(
        r#"select backtest_id as "backtest_id: BacktestId", against, from_day, until_day, ran_at, left_out, figures_hash
        from rule_backtest where rule_table_id = $1 order by backtest_id desc limit 1"#,
        table.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let totals = totals(conn, &[row.backtest_id]).await?.remove(&row.backtest_id).unwrap_or_default();
    let test =
        Backtest { against: row.against, from: row.from_day, until: row.until_day, ran_at: row.ran_at, left_out: row.left_out, totals };
    Ok(Some((test, row.figures_hash)))
}

/// Versions without any run: those whose job was given up are among them.
pub async fn untested(conn: &mut Conn) -> Result<Vec<RuleTableId>> {
    Ok(sqlx::query_scalar!(
        r#"select rule_table_id as "id: RuleTableId" from rule_table t
        where not exists (select from rule_backtest b where b.rule_table_id = t.rule_table_id) order by proposed_at"#
    )
    .fetch_all(conn)
    .await?)
}
