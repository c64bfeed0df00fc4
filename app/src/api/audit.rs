//! The audit log and the state of its chain.

use super::ApiError;
use domain::{
    audit::{AuditRow, ChainView},
    job::JobView,
    view::Paged,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
const PAGE: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    pub rows: Paged<AuditRow>,
    /// `None`: nothing was audited yet.
    pub chain: Option<ChainView>,
    /// The last proof from raw rows, the chain among them.
    pub verified: Option<JobView>,
}

#[server(prefix = "/fn", endpoint = "list_audit")]
pub async fn list_audit(subject: Option<String>, after: Option<String>) -> Result<AuditView, ApiError> {
    use super::arguments::{page, paged, word};
    use store::views::audit;
    let (_, scope) = super::require(domain::access::Action::ReadAudit)?;
    let pool = super::context().pool;
    let subject = subject.as_deref().map(str::trim).filter(|subject| !subject.is_empty());
    let rows = audit::list(&pool, &scope, subject, word("after", after.as_deref())?, page(PAGE)).await?;
    Ok(AuditView {
        rows: paged(rows, PAGE, |row| row.sequence.to_string()),
        chain: audit::chain(&pool).await?,
        verified: store::jobs::last_runs(&pool, domain::job::JobKind::Verify, 1).await?.pop(),
    })
}
