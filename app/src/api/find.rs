//! What is called so: one box for documents, exceptions, batches and saved views.

use super::ApiError;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Of each kind, so many are offered.
#[cfg(feature = "ssr")]
const OFFERED: i64 = 8;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Document, Exception, Batch, View.
    pub kind: String,
    pub label: String,
    pub detail: String,
    pub href: String,
}

/// By the beginning of a number, or by words of a view's name; within the caller's entities.
#[server(prefix = "/fn", endpoint = "find_anything")]
pub async fn find_anything(text: String) -> Result<Vec<Found>, ApiError> {
    let (caller, ctx, text) = (super::caller()?, super::context(), text.trim());
    let scope = caller.scope(domain::access::Action::ReadFinance);
    // whoever reads no documents still goes to pages by name
    if text.is_empty() || scope.is_empty() {
        return Ok(Vec::new());
    }
    let lower = text.to_lowercase();
    let views = store::saved_views::list(&ctx.pool, caller.user_id, &scope).await?;
    let mut found: Vec<Found> = views.into_iter().filter(|view| view.name.to_lowercase().contains(&lower)).map(ssr::view).collect();
    let mut numbers = ssr::by_number(&ctx, &scope, text).await?;
    if numbers.is_empty() && text != text.to_uppercase() {
        numbers = ssr::by_number(&ctx, &scope, &text.to_uppercase()).await?;
    }
    found.extend(numbers);
    Ok(found)
}

#[cfg(feature = "ssr")]
mod ssr {
    use super::{ApiError, Found, OFFERED};
    use crate::components::money_text;
    use domain::{access::Scope, bulk::SavedView};
    use pipeline::Context;
    use store::views::found::{FoundBatch, FoundDocument, batches, documents};

    pub fn view(view: SavedView) -> Found {
        let detail = if view.own { "own".to_owned() } else { format!("by {}", view.by) };
        Found { kind: "View".into(), href: view.href(), label: view.name, detail }
    }

    pub async fn by_number(ctx: &Context, scope: &Scope, start: &str) -> Result<Vec<Found>, ApiError> {
        let mut found = Vec::new();
        for document in documents(&ctx.pool, scope, start, OFFERED).await? {
            found.extend(exception(&document));
            found.push(self::document(document));
        }
        found.extend(batches(&ctx.pool, scope, start, OFFERED).await?.into_iter().map(batch));
        Ok(found)
    }

    fn exception(document: &FoundDocument) -> Option<Found> {
        let id = document.exception_id?;
        Some(Found {
            kind: "Exception".into(),
            label: document.number.clone(),
            detail: format!("{} · {}", document.entity_code, money_text(document.amount, &document.currency)),
            href: format!("/exceptions/{id}"),
        })
    }

    fn document(document: FoundDocument) -> Found {
        Found {
            kind: document.kind.label().to_owned(),
            label: document.number,
            detail: format!("{} · {} · {}", document.entity_code, document.customer_name, document.stage.label()),
            href: format!("/documents/{}", document.document_id),
        }
    }

    fn batch(batch: FoundBatch) -> Found {
        Found {
            kind: "Batch".into(),
            label: batch.number,
            detail: format!("{} · {} · {}", batch.entity_code, batch.source, batch.period),
            href: format!("/batches/{}", batch.batch_id),
        }
    }
}
