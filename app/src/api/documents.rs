//! Documents: the lists behind a figure, and one with its whole history.

use super::ApiError;
use chrono::{DateTime, Utc};
use domain::{
    correction::CorrectionView,
    receivable::Settlement,
    view::{DocumentRow, DocumentView, Paged},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
const PAGE: usize = 100;

/// The filter as it stands in the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DocumentQuery {
    pub entity: Option<String>,
    pub batch: Option<String>,
    pub period: Option<String>,
    /// A stage, or a group of them.
    pub stage: Option<String>,
    pub currency: Option<String>,
    pub kind: Option<String>,
    /// Documents of the batches made for this period.
    pub batch_period: Option<String>,
    /// An exact document number.
    pub number: Option<String>,
    pub after: Option<String>,
}

/// The documents behind a query, as far as the caller may see them: for the page and for the export.
#[cfg(feature = "ssr")]
pub async fn matching(
    ctx: &pipeline::Context,
    scope: &domain::access::Scope,
    query: &DocumentQuery,
    limit: i64,
) -> Result<Vec<DocumentRow>, ApiError> {
    use super::arguments::{period, scope_of, word};
    use store::views::documents::{Filter, list, search};
    let scope = scope_of(ctx, scope, query.entity.as_deref()).await?;
    let filter = Filter {
        entity_id: None,
        batch_id: word("batch", query.batch.as_deref())?,
        period: period(query.period.as_deref())?,
        stages: stages(query.stage.as_deref())?,
        currency: query.currency.clone().filter(|currency| !currency.is_empty()),
        kinds: kinds(query.kind.as_deref())?,
        batch_period: period(query.batch_period.as_deref())?,
        after: word("after", query.after.as_deref())?,
    };
    Ok(match query.number.as_deref().map(str::trim).filter(|number| !number.is_empty()) {
        Some(number) => search(&ctx.pool, &scope, number, &filter, limit).await?,
        None => list(&ctx.pool, &scope, &filter, limit).await?,
    })
}

/// The stages that a word of the filter means.
#[cfg(feature = "ssr")]
fn stages(text: Option<&str>) -> Result<Option<Vec<domain::stage::Stage>>, ApiError> {
    use domain::stage::StageGroup;
    match text.and_then(|text| text.parse::<StageGroup>().ok()) {
        Some(group) => Ok(Some(group.stages())),
        None => Ok(super::arguments::word("stage", text)?.map(|stage| vec![stage])),
    }
}

/// The kinds that a word of the filter means: one, those of a side of AR, or those that come one way.
#[cfg(feature = "ssr")]
fn kinds(text: Option<&str>) -> Result<Option<Vec<domain::stage::DocumentKind>>, ApiError> {
    use domain::stage::{DocumentKind, Family, Side};
    if let Some(side) = text.and_then(|text| text.parse::<Side>().ok()) {
        return Ok(Some(DocumentKind::ALL.iter().copied().filter(|kind| kind.side() == Some(side)).collect()));
    }
    if let Some(family) = text.and_then(|text| text.parse::<Family>().ok()) {
        return Ok(Some(family.kinds()));
    }
    Ok(super::arguments::word("kind", text)?.map(|kind| vec![kind]))
}

#[server(prefix = "/fn", endpoint = "list_documents")]
pub async fn list_documents(#[server(default)] query: DocumentQuery) -> Result<Paged<DocumentRow>, ApiError> {
    use super::arguments::{page, paged};
    let (_, scope) = super::require(domain::access::Action::ReadFinance)?;
    let rows = matching(&super::context(), &scope, &query, page(PAGE)).await?;
    Ok(paged(rows, PAGE, |row| row.document_id.to_string()))
}

/// A document with what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentSeen {
    pub document: DocumentView,
    pub corrections: Vec<CorrectionView>,
    /// Why the caller may not ask for any of it.
    pub ask_why_not: Option<String>,
    /// What it settles, or is settled by.
    pub settlement: Settlement,
    pub as_of: DateTime<Utc>,
}

#[server(prefix = "/fn", endpoint = "get_document")]
pub async fn get_document(id: String) -> Result<DocumentSeen, ApiError> {
    use super::reach::{entities, reach};
    use domain::access::Action;
    let (caller, scope) = super::require(Action::ReadFinance)?;
    let ctx = super::context();
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    let document = store::views::documents::find(&ctx.pool, &scope, id).await?.ok_or(ApiError::NotFound)?;
    let corrections = pipeline::workbench::correct::proposals(&ctx, &scope, id, document.row.stage).await?;
    let ask_why_not = reach(&caller, &entities(&ctx).await?).why_not_in(Action::Resolve, &document.row.entity_code);
    let settlement = store::views::receivables::settlement(&ctx.pool, &scope, id).await?;
    Ok(DocumentSeen { document, corrections, ask_why_not, settlement, as_of: ctx.clock.now() })
}

/// Asks for a correction of a posted document; above the limit a second person decides.
#[server(prefix = "/fn", endpoint = "correct_document")]
pub async fn correct_document(document: String, correction: String, reason: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::Resolve)?;
    let id = document.parse().map_err(|_| ApiError::NotFound)?;
    let correction = correction.parse().map_err(|_| ApiError::NotFound)?;
    let done = pipeline::workbench::correct::ask(&super::context(), &caller, &scope, id, correction, &reason).await?;
    super::go_back(&format!("/documents/{document}"), said(done));
    Ok(())
}

/// What people say of an outcome that nobody knows; with a number the ERP holds it, without one it does not. Two always decide.
#[server(prefix = "/fn", endpoint = "decide_unknown")]
pub async fn decide_unknown(document: String, erp_number: Option<String>, reason: String) -> Result<(), ApiError> {
    use pipeline::workbench::unknown::{Word, ask};
    let (caller, scope) = super::require(domain::access::Action::Resolve)?;
    let id = document.parse().map_err(|_| ApiError::NotFound)?;
    let word = erp_number.map_or(Word::NotInErp, Word::InErpAs);
    let done = ask(&super::context(), &caller, &scope, id, &word, &reason).await?;
    super::go_back(&format!("/documents/{document}"), said(done));
    Ok(())
}

#[cfg(feature = "ssr")]
fn said(done: pipeline::workbench::Resolved) -> &'static str {
    match done {
        pipeline::workbench::Resolved::Done => "done: its documents are on their way",
        pipeline::workbench::Resolved::Requested(_) => "an approver is asked",
    }
}
