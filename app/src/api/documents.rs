//! Documents: the lists behind a figure, and one with its whole history.

use super::ApiError;
use domain::view::{DocumentRow, DocumentView, Paged};
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
        kind: word("kind", query.kind.as_deref())?,
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

#[server(prefix = "/fn", endpoint = "list_documents")]
pub async fn list_documents(#[server(default)] query: DocumentQuery) -> Result<Paged<DocumentRow>, ApiError> {
    use super::arguments::{page, paged};
    let (_, scope) = super::require(domain::access::Action::ReadFinance)?;
    let rows = matching(&super::context(), &scope, &query, page(PAGE)).await?;
    Ok(paged(rows, PAGE, |row| row.document_id.to_string()))
}

#[server(prefix = "/fn", endpoint = "get_document")]
pub async fn get_document(id: String) -> Result<DocumentView, ApiError> {
    let (_, scope) = super::require(domain::access::Action::ReadFinance)?;
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    store::views::documents::find(&super::context().pool, &scope, id).await?.ok_or(ApiError::NotFound)
}
