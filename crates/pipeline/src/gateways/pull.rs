//! A pull of every account of an entity, each as its gateway tells of it.

use super::{adyen, stripe};
use crate::Context;
use anyhow::Context as _;
use domain::{id::EntityId, settlement::Gateway};
use store::gateways;

/// What a pull came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pulled {
    pub entries: u64,
    /// New or changed.
    pub payouts: u64,
    /// New or changed.
    pub disputes: u64,
    /// To collect that failed or wait, new or changed.
    pub attempts: u64,
    /// Payments, and money that went back.
    pub documents: usize,
    pub applied: usize,
}

impl std::ops::AddAssign for Pulled {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.payouts += other.payouts;
        self.disputes += other.disputes;
        self.attempts += other.attempts;
        self.documents += other.documents;
        self.applied += other.applied;
    }
}

/// Pulls every account of an entity, and makes documents of what moved.
pub async fn pull(cx: &Context, entity: EntityId) -> anyhow::Result<Pulled> {
    let accounts = gateways::of_entity(&mut *cx.pool.acquire().await?, entity).await?;
    let mut sum = Pulled::default();
    for account in &accounts {
        let pulled = match account.gateway {
            Gateway::Stripe => stripe::pull(cx, account).await,
            Gateway::Adyen => adyen::pull(cx, account).await,
        };
        sum += pulled.with_context(|| account.code.clone())?;
    }
    Ok(sum)
}
