//! Batches: where every document of a hand-over is now.

use super::ApiError;
use domain::{
    stage::Family,
    view::{BatchDetail, BatchView, IntakeView, MatrixRow, Paged},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Rows of one page.
#[cfg(feature = "ssr")]
const PAGE: usize = 50;

/// What came in is accounted for, per entity, currency and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchesView {
    pub family: Family,
    /// By entity, over all batches of the page's entity and period.
    pub matrix: Vec<(String, MatrixRow)>,
    pub batches: Paged<BatchView>,
}

#[server(prefix = "/fn", endpoint = "list_batches")]
pub async fn list_batches(
    entity: Option<String>,
    period: Option<String>,
    family: Option<String>,
    after: Option<String>,
) -> Result<BatchesView, ApiError> {
    use super::arguments::{cursor, page, period as parse_period, scope_of, word};
    use store::views::batches::{Filter, list, period_matrix};
    let (_, scope) = super::require(domain::access::Action::ReadFinance)?;
    let ctx = super::context();
    let scope = scope_of(&ctx, &scope, entity.as_deref()).await?;
    let period = parse_period(period.as_deref())?;
    let family: Family = word("family", family.as_deref())?.unwrap_or_default();
    let filter = Filter { entity_id: None, period, family, after: cursor(after.as_deref())? };
    let rows = list(&ctx.pool, &scope, &filter, page(PAGE)).await?;
    Ok(BatchesView {
        family,
        matrix: period_matrix(&ctx.pool, &scope, family, period).await?,
        batches: super::arguments::paged(rows, PAGE, |batch| format!("{}~{}", batch.received_at.to_rfc3339(), batch.batch_id)),
    })
}

/// Files of one batch that its page lists.
#[cfg(feature = "ssr")]
const INTAKES: i64 = 50;

/// Documents that are shown of those that stopped a batch.
#[cfg(feature = "ssr")]
const DIFFERING: i64 = 50;

/// A batch with what the caller may do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSeen {
    pub detail: BatchDetail,
    /// Why the caller may not have it compared again.
    pub compare_why_not: Option<String>,
}

#[server(prefix = "/fn", endpoint = "get_batch")]
pub async fn get_batch(id: String) -> Result<BatchSeen, ApiError> {
    use super::reach::{entities, reach};
    use domain::{access::Action, checkpoint::Checkpoint};
    use store::{
        reconciliation::{BatchCells, batch_cells},
        views::{batches, intakes},
    };
    let (caller, scope) = super::require(Action::ReadFinance)?;
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    let ctx = super::context();
    let pool = ctx.pool.clone();
    let batch = batches::find(&pool, &scope, id).await?.ok_or(ApiError::NotFound)?;
    let detail = BatchDetail {
        batch,
        intakes: intakes::of_batch(&pool, id, INTAKES).await?,
        seals: batches::seals(&pool, &scope, id).await?,
        erp: batch_cells(&pool, &scope, Checkpoint::Receivables, BatchCells::Of(id), INTAKES).await?,
        control: store::controls::find(&pool, &scope, id, DIFFERING).await?,
    };
    let compare_why_not = reach(&caller, &entities(&ctx).await?).why_not_in(Action::WorkExceptions, &detail.batch.entity_code);
    Ok(BatchSeen { detail, compare_why_not })
}

/// Has a stopped batch compared again with the worker's next round.
#[server(prefix = "/fn", endpoint = "compare_batch_again")]
pub async fn compare_batch_again(batch: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::WorkExceptions)?;
    let id = batch.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::posting::control::compare_again(&super::context(), &caller, &scope, id).await?;
    super::go_back(&format!("/batches/{id}"), "it is compared again in a moment");
    Ok(())
}

/// What became of a file that the caller handed over.
#[server(prefix = "/fn", endpoint = "get_intake")]
pub async fn get_intake(id: String) -> Result<IntakeView, ApiError> {
    let (caller, _) = super::require(domain::access::Action::ImportBatch)?;
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    store::views::intakes::of_actor(&super::context().pool, id, &caller.actor().to_string()).await?.ok_or(ApiError::NotFound)
}
