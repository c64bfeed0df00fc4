//! Outcome seals: set when nothing more is expected to happen to any document of a batch.

use crate::Context;
use store::{Result, seals};

/// Batches that one run looks at.
const BATCHES_MAX: i64 = 1_000;

/// Seals the outcome of every batch that came to its end, once per outcome. Returns how many seals were set.
pub async fn seal_outcomes(cx: &Context) -> Result<u64> {
    let ready = {
        let mut conn = cx.pool.acquire().await?;
        seals::ready_for_outcome(&mut conn, BATCHES_MAX).await?
    };
    let mut sealed = 0;
    for (batch, entity) in ready {
        let at = cx.clock.now();
        sealed += crate::retry::transaction!(&cx.pool, |tx| {
            seals::lock_chain(tx, entity).await?;
            let Some(outcome) = seals::outcome_of(tx, batch).await? else { return Ok(0) };
            // another process sealed it, or nothing moved after all
            if seals::last(tx, batch, "outcome").await?.as_ref() == Some(&outcome) {
                return Ok(0);
            }
            seals::append(tx, entity, batch, "outcome", &outcome, at).await?;
            Ok(1)
        })?;
    }
    Ok(sealed)
}
