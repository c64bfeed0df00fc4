//! Checkpoints: left against right, what does not tie, how long is normal, and reading again.

use super::{ApiError, reach::Reach};
use chrono::{DateTime, Utc};
use domain::{
    checkpoint::Checkpoint,
    period::AccountingPeriod,
    reconciliation::{AgingCell, BatchCell, BreakRow, CheckpointCell, CheckpointState, ReadState, TimingRow},
    view::Paged,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Breaks of one page.
#[cfg(feature = "ssr")]
const PAGE: i64 = 50;
/// Batches that do not tie, of one page.
pub const BATCHES: i64 = 50;

/// The filter as it stands in the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReconciliationQuery {
    pub checkpoint: Option<String>,
    pub entity: Option<String>,
    pub period: Option<String>,
    pub currency: Option<String>,
    pub kind: Option<String>,
    pub batch: Option<String>,
    pub after: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconciliationView {
    pub now: DateTime<Utc>,
    /// The one asked for, or the newest in which something was issued.
    pub period: AccountingPeriod,
    /// The one asked for.
    pub checkpoint: Checkpoint,
    /// Each of the five, in this period.
    pub states: Vec<CheckpointState>,
    pub cells: Vec<CheckpointCell>,
    /// The same by batch, where it does not tie.
    pub off: Vec<BatchCell>,
    /// Entities with an ERP, read back or not.
    pub read: Vec<ReadState>,
    /// Of every period, unless one is asked for.
    pub breaks: Paged<BreakRow>,
    /// Of every period.
    pub aging: Vec<AgingCell>,
    /// Every entity of the caller, and what was learned of its sources.
    pub timing: Vec<TimingRow>,
    pub reach: Reach,
}

#[server(prefix = "/fn", endpoint = "get_reconciliation")]
pub async fn get_reconciliation(#[server(default)] query: ReconciliationQuery) -> Result<ReconciliationView, ApiError> {
    use super::{
        arguments::{period, scope_of, word},
        reach::{entities, reach},
    };
    use domain::reconciliation::BreakFilter;
    use store::{erp_documents, reconciliation as recon, views::home};
    let (caller, scope) = super::require(domain::access::Action::ReadFinance)?;
    let ctx = super::context();
    let scope = scope_of(&ctx, &scope, query.entity.as_deref()).await?;
    let (now, asked) = (ctx.clock.now(), period(query.period.as_deref())?);
    let shown = match asked {
        Some(period) => period,
        None => home::newest_period(&ctx.pool, &scope).await?.unwrap_or_else(|| AccountingPeriod::of(now.date_naive())),
    };
    let currency = query.currency.filter(|currency| !currency.is_empty());
    let batch = query.batch.as_deref().filter(|id| !id.is_empty()).map(str::parse).transpose().map_err(|_| ApiError::NotFound)?;
    let checkpoint = word("checkpoint", query.checkpoint.as_deref())?.unwrap_or_default();
    let filter = BreakFilter { checkpoint, entity: None, period: asked, currency, kind: word("kind", query.kind.as_deref())?, batch };
    Ok(ReconciliationView {
        now,
        period: shown,
        checkpoint,
        states: recon::states(&ctx.pool, &scope, shown).await?,
        cells: recon::cells(&ctx.pool, &scope, checkpoint, shown).await?,
        off: recon::batch_cells(&ctx.pool, &scope, checkpoint, recon::BatchCells::OffIn(shown), BATCHES).await?,
        read: erp_documents::read_states(&ctx.pool, &scope, shown).await?,
        breaks: recon::breaks(&ctx.pool, &scope, &filter, query.after.as_deref(), PAGE).await?,
        aging: recon::aging(&ctx.pool, &scope, checkpoint, now).await?,
        timing: recon::timing::rows(&ctx.pool, &scope, checkpoint).await?,
        reach: reach(&caller, &entities(&ctx).await?),
    })
}

/// Puts the reading into the queue, for the entity asked for or for all within reach that have an ERP; each is compared when it was read.
#[server(prefix = "/fn", endpoint = "read_back_now")]
pub async fn read_back_now(#[server(default)] entity: String, #[server(default)] back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::Reconcile)?;
    let ctx = super::context();
    let scope = super::arguments::scope_of(&ctx, &scope, Some(&entity)).await?;
    let mut conn = ctx.pool.acquire().await.map_err(store::Error::from)?;
    let attached = store::connections::attached_entities(&mut conn).await?;
    drop(conn);
    let wanted: Vec<_> = attached.iter().filter(|attached| scope.contains(attached.entity_id)).collect();
    if wanted.is_empty() {
        return Err(ApiError::Conflict { message: "No entity of yours is attached to an ERP.".into() });
    }
    for attached in &wanted {
        pipeline::jobs::run_now(&ctx, &caller.actor(), domain::job::JobKind::ReadBack, Some(attached.entity_id)).await?;
    }
    let codes: Vec<&str> = wanted.iter().map(|attached| attached.mapping.entity_code.as_str()).collect();
    super::go_back(&back, &format!("asked for: {} is read back and compared, in the background", codes.join(", ")));
    Ok(())
}

/// Sets the longest that something may be on its way at a checkpoint of an entity.
#[server(prefix = "/fn", endpoint = "limit_timing")]
pub async fn limit_timing(entity: String, checkpoint: String, hours: String, #[server(default)] back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::Reconcile)?;
    let ctx = super::context();
    let invalid = |field: &str, error: String| ApiError::invalid(field, error);
    let checkpoint = checkpoint.parse().map_err(|error: domain::UnknownWord| invalid("checkpoint", error.to_string()))?;
    let hours = hours.trim().parse().map_err(|_| invalid("hours", format!("The longest time is a number of hours; {hours:?} is not.")))?;
    let scope = super::arguments::scope_of(&ctx, &scope, Some(&entity)).await?;
    let [entity] = scope.entities() else { return Err(ApiError::NotFound) };
    pipeline::reconcile::limit_timing(&ctx, &caller.actor(), *entity, checkpoint, hours).await?;
    super::go_back(&back, "saved; it counts from the next comparison on");
    Ok(())
}
