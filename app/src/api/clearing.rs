//! Gateway clearing: the proof of each account's balance, its payouts, and the movements behind a figure.

use super::ApiError;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    attempt::{FailedPayment, Recovery},
    clearing::{ClearingEntry, ClearingView, DisputeView, LostDispute, PayoutView, RefusedReport, UntiedLine},
    view::Paged,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Rows of one page.
#[cfg(feature = "ssr")]
const PAGE: usize = 50;
/// Payouts beside the proof, the latest.
#[cfg(feature = "ssr")]
const PAYOUTS: i64 = 50;
#[cfg(feature = "ssr")]
const UNTIED: i64 = 50;
#[cfg(feature = "ssr")]
const DISPUTES: i64 = 50;
#[cfg(feature = "ssr")]
const REFUSED: i64 = 20;
#[cfg(feature = "ssr")]
const FAILED: i64 = 50;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearingSeen {
    /// The first day (UTC) whose movements are told apart.
    pub from: NaiveDate,
    pub proofs: Vec<ClearingView>,
    /// The latest first.
    pub payouts: Vec<PayoutView>,
    /// Oldest first.
    pub untied: Vec<UntiedLine>,
    /// What waits for an answer first, by its deadline.
    pub disputes: Vec<DisputeView>,
    /// What lost disputes left owed.
    pub lost: Vec<LostDispute>,
    /// Why the caller may not ask for its write-off.
    pub may_not: Option<String>,
    /// The latest first.
    pub refused: Vec<RefusedReport>,
    /// By account and currency.
    pub recoveries: Vec<Recovery>,
    /// Not recovered, the latest first.
    pub failed: Vec<FailedPayment>,
    pub now: DateTime<Utc>,
}

/// `from`: this month's first day, unless it says otherwise.
#[server(prefix = "/fn", endpoint = "get_clearing")]
pub async fn get_clearing(entity: Option<String>, from: Option<String>) -> Result<ClearingSeen, ApiError> {
    use super::{
        arguments::{scope_of, word},
        reach::{entities, reach},
    };
    use domain::{access::Action, period::AccountingPeriod};
    use store::views::{
        attempts::{self, Of},
        clearing,
    };
    let (caller, scope) = super::require(Action::ReadFinance)?;
    let ctx = super::context();
    let scope = scope_of(&ctx, &scope, entity.as_deref()).await?;
    let from = word("from", from.as_deref())?.unwrap_or_else(|| AccountingPeriod::of(ctx.clock.now().date_naive()).first_day());
    let (now, began) = (ctx.clock.now(), from.and_time(chrono::NaiveTime::MIN).and_utc());
    let proofs = clearing::proofs(&ctx.pool, &scope, from).await?;
    let codes: Vec<String> = proofs.iter().map(|proof| proof.entity_code.clone()).collect();
    Ok(ClearingSeen {
        from,
        proofs,
        payouts: clearing::payouts(&ctx.pool, &scope, PAYOUTS).await?,
        untied: clearing::untied(&ctx.pool, &scope, UNTIED).await?,
        disputes: clearing::disputes(&ctx.pool, &scope, DISPUTES).await?,
        lost: clearing::lost(&ctx.pool, &scope, DISPUTES).await?,
        may_not: reach(&caller, &entities(&ctx).await?).why_not(Action::ApplyCash, &codes),
        refused: clearing::refused_reports(&ctx.pool, &scope, REFUSED).await?,
        recoveries: attempts::recovery(&ctx.pool, &scope, began, now).await?,
        failed: attempts::failed(&ctx.pool, &scope, Of::Unrecovered, began, FAILED).await?,
        now,
    })
}

/// Which movements, as it stands in the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MovementQuery {
    pub account: Option<String>,
    pub currency: Option<String>,
    pub line: Option<String>,
    pub from: Option<String>,
    /// Only what came before this day: the opening.
    pub until: Option<String>,
    pub payout: Option<String>,
    pub after: Option<String>,
}

/// Newest first.
#[server(prefix = "/fn", endpoint = "list_movements")]
pub async fn list_movements(#[server(default)] query: MovementQuery) -> Result<Paged<ClearingEntry>, ApiError> {
    use super::arguments::{cursor, page, paged, word};
    use store::views::clearing::{self, Filter};
    let (_, scope) = super::require(domain::access::Action::ReadFinance)?;
    let ctx = super::context();
    let filter = Filter {
        account: word("account", query.account.as_deref())?.ok_or(ApiError::NotFound)?,
        currency: word("currency", query.currency.as_deref())?.ok_or(ApiError::NotFound)?,
        line: word("line", query.line.as_deref())?,
        from: word("from", query.from.as_deref())?,
        until: word("until", query.until.as_deref())?,
        payout: query.payout.filter(|payout| !payout.is_empty()),
        after: cursor(query.after.as_deref())?,
    };
    let rows = clearing::entries(&ctx.pool, &scope, &filter, page(PAGE)).await?;
    Ok(paged(rows, PAGE, |row| format!("{}~{}", row.created_at.to_rfc3339(), row.entry_id)))
}
