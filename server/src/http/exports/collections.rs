//! Collection triggers as CSV: an item per line, streamed, all that match and not the page.

use super::{EXPORT_PAGE, safe};
use crate::http::AppState;
use anyhow::Context as _;
use app::api::collections::{TriggerQuery, matching, place};
use axum::{
    Extension,
    body::Body,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    access::{Action, Caller},
    dunning::Trigger,
};
use futures::StreamExt;

const COLUMNS: &str = "entity,customer,customer_name,currency,step,why,past_due,silent,raised_at,document_id,number,due_on,open\r\n";

pub async fn csv(State(state): State<AppState>, Extension(caller): Extension<Caller>, Query(first): Query<TriggerQuery>) -> Response {
    let scope = caller.scope(Action::ReadFinance);
    if scope.is_empty() {
        return (StatusCode::FORBIDDEN, "Your roles do not allow this.").into_response();
    }
    // the first page decides the status: a filter that can't be read is an answer, not a broken file
    let rows = match matching(&state.context, &scope, &first, EXPORT_PAGE).await {
        Ok(rows) => rows,
        Err(error) => return (StatusCode::from_u16(error.status()).unwrap_or_default(), error.to_string()).into_response(),
    };
    let pages = futures::stream::try_unfold((state, scope, first, Some(rows)), async |(state, scope, mut query, rows)| {
        let Some(rows) = rows else { return anyhow::Ok(None) };
        query.after = rows.last().map(place);
        let full = i64::try_from(rows.len())? == EXPORT_PAGE;
        let next = if full { Some(matching(&state.context, &scope, &query, EXPORT_PAGE).await?) } else { None };
        Ok(Some((lines(&rows)?, (state, scope, query, next))))
    });
    let body = Body::from_stream(futures::stream::once(async { anyhow::Ok(COLUMNS.to_owned()) }).chain(pages));
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=collections.csv")];
    (headers, body).into_response()
}

fn lines(triggers: &[Trigger]) -> anyhow::Result<String> {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for (trigger, item) in triggers.iter().flat_map(|trigger| trigger.items.iter().map(move |item| (trigger, item))) {
        out.write_record([
            trigger.entity_code.clone(),
            safe(&trigger.customer_code),
            safe(&trigger.customer_name),
            trigger.currency.clone(),
            trigger.step.to_string(),
            trigger.why(),
            trigger.amount.to_string(),
            trigger.silent.map(|silence| silence.to_string()).unwrap_or_default(),
            trigger.raised_at.to_rfc3339(),
            item.document_id.to_string(),
            safe(&item.number),
            item.due_on.to_string(),
            item.open.to_string(),
        ])?;
    }
    String::from_utf8(out.into_inner().context("csv")?).context("csv")
}
