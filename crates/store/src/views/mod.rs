//! Read models for screens and API. Figures come from totals, lists page by key; nothing here counts a live table.

pub mod attempts;
pub mod audit;
pub mod batches;
pub mod cash_proof;
pub mod clearing;
pub mod documents;
pub mod exceptions;
pub mod found;
pub mod home;
pub mod intakes;
pub mod receivables;
pub mod statements;

/// For queries whose plan depends on which of their filters are set: a plan kept for all of them would scan.
async fn planned_anew(pool: &crate::Pool) -> crate::Result<crate::Tx> {
    let mut tx = pool.begin().await?;
    sqlx::query!("set local plan_cache_mode = force_custom_plan").execute(&mut *tx).await?;
    Ok(tx)
}
