//! What pages hand over as text, read strictly: entity code, period, cursor. A word that is none is said so, not ignored.

use super::ApiError;
use chrono::{DateTime, Utc};
use domain::{access::Scope, period::AccountingPeriod, view::Paged};
use std::str::FromStr;

/// The caller's reach, cut down to the entity with this code.
pub(super) async fn scope_of(ctx: &pipeline::Context, scope: &Scope, entity: Option<&str>) -> Result<Scope, ApiError> {
    let Some(code) = entity.filter(|code| !code.is_empty()) else { return Ok(scope.clone()) };
    let mut conn = ctx.pool.acquire().await.map_err(store::Error::from)?;
    let entities = store::entities::list(&mut conn).await?;
    let wanted: Vec<_> = entities.iter().filter(|entity| entity.code == code).map(|entity| entity.entity_id).collect();
    let narrowed = scope.narrowed(&wanted);
    if narrowed.is_empty() { Err(ApiError::NotFound) } else { Ok(narrowed) }
}

pub(super) fn period(text: Option<&str>) -> Result<Option<AccountingPeriod>, ApiError> {
    word("period", text)
}

/// An optional word of the vocabulary; empty means none.
pub(super) fn word<T: FromStr<Err: std::fmt::Display>>(field: &str, text: Option<&str>) -> Result<Option<T>, ApiError> {
    text.filter(|text| !text.is_empty())
        .map(|text| text.parse().map_err(|error: T::Err| ApiError::invalid(field, error.to_string())))
        .transpose()
}

/// A cursor of time and id: `2026-10-31T18:00:00Z~0198…`.
pub(super) fn cursor<I: FromStr>(text: Option<&str>) -> Result<Option<(DateTime<Utc>, I)>, ApiError> {
    let bad = || ApiError::invalid("after", "is no place in this list");
    text.filter(|text| !text.is_empty())
        .map(|text| {
            let (time, id) = text.split_once('~').ok_or_else(bad)?;
            let time = DateTime::parse_from_rfc3339(time).map_err(|_| bad())?.to_utc();
            Ok((time, id.parse().map_err(|_| bad())?))
        })
        .transpose()
}

/// One more than a page, to know whether there is a next.
pub(super) fn page(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX - 1) + 1
}

pub(super) fn paged<T>(mut rows: Vec<T>, page: usize, key: impl Fn(&T) -> String) -> Paged<T> {
    let more = rows.len() > page;
    rows.truncate(page);
    let next = if more { rows.last().map(key) } else { None };
    Paged { rows, next }
}
