//! A proposed version against the entity's own history: what it would have applied beside what is in force, measured by what finally
//! stood.

use super::{
    history::{History, Past},
    in_force, read, rows,
};
use crate::{Context, retry::transaction};
use anyhow::Context as _;
use chrono::{DateTime, Duration, NaiveDate, TimeDelta, Utc};
use domain::{
    access::{Actor, Scope},
    id::{BacktestId, DocumentId, EntityId, RuleTableId},
    money::Currency,
    rules::{BacktestTotal, Difference},
    seal::Canonical,
};
use matching::{Backtest, Differing, RuleTable, Sum, amount::Amount, decision::Decision};
use serde_json::json;
use std::collections::HashMap;
use store::{
    DriverError,
    access::audit::{self, AuditEntry},
    entities,
    rules::{NewBacktest, NewBacktestLine, RuleTableRow, history as past},
};
use uuid::Uuid;

/// How far a back-test looks back.
const WINDOW: TimeDelta = Duration::days(90);
/// Payments that it looks at, at most: of more, the latest.
const PAYMENTS_MAX: i64 = 50_000;
/// Payments of the sample, of each difference.
const SAMPLE: usize = 25;

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ran {
    pub lines: i64,
    pub left_out: i64,
}

/// Holds a version against the entity's history beside what is in force, and keeps what it comes to.
///
/// # Errors
/// The version is not there, the database fails, or what it holds can't be read.
pub async fn backtest(cx: &Context, id: RuleTableId) -> anyhow::Result<Ran> {
    let now = cx.clock.now();
    let mut conn = cx.pool.acquire().await.map_err(store::Error::from)?;
    let all = Scope::of_system(entities::list(&mut conn).await?.into_iter().map(|entity| entity.entity_id).collect());
    let row = rows::find(&mut conn, &all, id).await?.with_context(|| format!("{id} is not a rule table"))?;
    let (old, new) = (in_force(&mut conn, row.entity_id).await?, read(&row)?);
    let moments = latest(past::moments(&mut conn, row.entity_id, now - WINDOW).await?);
    drop(conn);
    let looked = look(cx, row.entity_id, moments, (old.clone(), new), now).await?;
    let kept = looked.kept(&row, &old, now)?;
    let ran = Ran { lines: kept.totals.iter().map(|total| total.lines).sum(), left_out: kept.left_out };
    transaction!(&cx.pool, |tx| {
        store::rules::record_backtest(tx, &kept).await?;
        let after =
            json!({ "version": row.version, "against": kept.against, "lines": ran.lines, "left_out": ran.left_out, "totals": kept.totals });
        let entry = AuditEntry {
            at: now,
            actor: Actor::System("cash".into()),
            action: "rules.backtest",
            subject: format!("rule_table:{id}"),
            entity_id: Some(row.entity_id),
            before: None,
            after: Some(after),
        };
        audit::append(tx, &entry).await?;
        Ok(())
    })?;
    Ok(ran)
}

/// The latest moments whose payments are few enough, in order of time.
fn latest(newest_first: Vec<(DateTime<Utc>, i64)>) -> Vec<DateTime<Utc>> {
    let mut left = PAYMENTS_MAX;
    let fits = |(_, payments): &(DateTime<Utc>, i64)| {
        left -= payments;
        left >= 0
    };
    let mut moments: Vec<DateTime<Utc>> = newest_first.into_iter().take_while(fits).map(|(at, _)| at).collect();
    moments.reverse();
    moments
}

/// What was seen.
#[derive(Default)]
struct Looked {
    test: Backtest,
    days: Option<(NaiveDate, NaiveDate)>,
    numbers: HashMap<DocumentId, String>,
    words: HashMap<DocumentId, String>,
}

async fn look(
    cx: &Context,
    entity: EntityId,
    moments: Vec<DateTime<Utc>>,
    (old, new): (RuleTable, RuleTable),
    now: DateTime<Utc>,
) -> anyhow::Result<Looked> {
    let mut looked = Looked::default();
    let Some(first) = moments.first().copied() else { return Ok(looked) };
    let mut conn = cx.pool.acquire().await.map_err(store::Error::from)?;
    let history = History::load(&mut conn, entity, first, now).await?;
    for at in moments {
        let Past { moment, days, words } = history.moment(&mut conn, at).await?;
        for day in days {
            looked.days = Some(looked.days.map_or((day, day), |(from, until)| (from.min(day), until.max(day))));
        }
        let (mut test, old, new) = (std::mem::take(&mut looked.test), old.clone(), new.clone());
        // a large book takes a second: nobody else's work waits for it
        looked.test = tokio::task::spawn_blocking(move || {
            test.look_at(moment, &old, &new);
            test.differing = sample(test.differing);
            test
        })
        .await?;
        let kept = |id: &DocumentId| looked.test.differing.iter().any(|line| line.receipt.id.0 == id.0);
        looked.words.extend(words.into_iter().filter(|(id, _)| kept(id)));
    }
    let ids: Vec<DocumentId> = proposed(&looked.test.differing).collect();
    looked.numbers = store::receivables::numbers(&mut conn, &ids).await?;
    Ok(looked)
}

/// What is wrong first, then by money; of each difference so many.
fn sample(mut all: Vec<Differing>) -> Vec<Differing> {
    all.sort_by_key(|line| (line.difference, std::cmp::Reverse(line.receipt.amount.minor)));
    let mut left: HashMap<Difference, usize> = HashMap::new();
    all.retain(|line| {
        let seen = left.entry(line.difference).or_default();
        *seen += 1;
        *seen <= SAMPLE
    });
    all
}

fn proposed(lines: &[Differing]) -> impl Iterator<Item = DocumentId> {
    let best = lines.iter().flat_map(|line| [line.before.best(), line.after.best()]).flatten();
    best.flat_map(|best| &best.allocations).map(|part| DocumentId(part.item.0))
}

impl Looked {
    fn kept(self, row: &RuleTableRow, old: &RuleTable, now: DateTime<Utc>) -> store::Result<NewBacktest> {
        let against = i32::try_from(old.version).unwrap_or_default();
        let (from, until) = self.days.unwrap_or((now.date_naive(), now.date_naive()));
        let totals: Vec<BacktestTotal> = self.test.tallies.iter().map(|(currency, tally)| total(*currency, tally)).collect();
        let figures = serde_json::to_string(&totals).map_err(|error| DriverError::Encode(error.into()))?;
        let figures_hash = Canonical::new("backtest")
            .integer(against.into())
            .text(&format!("{from} {until}"))
            .integer(self.test.left_out.into())
            .text(&figures)
            .finish();
        let lines = self.test.differing.iter().map(|line| self.line(line)).collect::<store::Result<_>>()?;
        Ok(NewBacktest {
            backtest_id: BacktestId(Uuid::now_v7()),
            rule_table_id: row.rule_table_id,
            against,
            from,
            until,
            left_out: self.test.left_out,
            ran_at: now,
            figures_hash,
            totals,
            lines,
        })
    }

    fn line(&self, line: &Differing) -> store::Result<NewBacktestLine> {
        let json = |decision: &Decision| serde_json::to_value(decision).map_err(|error| DriverError::Encode(error.into()));
        let document_id = DocumentId(line.receipt.id.0);
        Ok(NewBacktestLine {
            document_id,
            difference: line.difference,
            before: json(&line.before)?,
            after: json(&line.after)?,
            before_words: self.says(&line.before),
            after_words: self.says(&line.after),
            stood_words: self.words.get(&document_id).cloned().unwrap_or_default(),
        })
    }

    /// What a decision does, in words.
    fn says(&self, decision: &Decision) -> String {
        let Some(best) = decision.best() else { return "finds nothing".to_owned() };
        let does = if decision.confirmed().is_some() { "applies" } else { "suggests" };
        let parts: Vec<String> = best
            .allocations
            .iter()
            .map(|part| format!("{} {}", self.numbers.get(&DocumentId(part.item.0)).map_or("?", String::as_str), part.amount))
            .collect();
        format!("{does} {}, score {}", if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }, best.score)
    }
}

fn total(currency: Currency, tally: &matching::Tally) -> BacktestTotal {
    let money = |sum: Sum| Amount::new(sum.minor, currency).decimal();
    BacktestTotal {
        currency: currency.to_string(),
        lines: tally.all.count,
        received: money(tally.all),
        confirmed_before: tally.confirmed_before.count,
        confirmed: tally.confirmed.count,
        gained: tally.gained.count,
        gained_amount: money(tally.gained),
        lost: tally.lost.count,
        lost_amount: money(tally.lost),
        wrong_before: tally.wrong_before.count,
        at_risk_before: money(tally.wrong_before),
        wrong: tally.wrong.count,
        at_risk: money(tally.wrong),
    }
}
