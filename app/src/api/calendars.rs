//! When people of an entity work: what the clock of exceptions goes by.

use super::ApiError;
use domain::{id::EntityId, working_time::CalendarView};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarsView {
    pub calendars: Vec<CalendarView>,
    /// Entities whose calendar the caller may change.
    pub administers: Vec<EntityId>,
}

/// The calendars of all entities; they are nobody's secret within the company.
#[server(prefix = "/fn", endpoint = "list_calendars")]
pub async fn list_calendars() -> Result<CalendarsView, ApiError> {
    let (ctx, caller) = (super::context(), super::caller()?);
    let mut conn = ctx.pool.acquire().await.map_err(store::Error::from)?;
    let administers = caller.scope(domain::access::Action::ManageEntities).entities().to_vec();
    Ok(CalendarsView { calendars: store::calendars::views(&mut conn, ctx.clock.now()).await?, administers })
}

#[cfg(feature = "ssr")]
mod ssr {
    use crate::api::{ApiError, arguments::scope_of, context, go_back, require};
    use domain::access::Action;
    use pipeline::company::{CalendarForm, set_calendar};

    /// Changes the calendar of an entity that the caller administers.
    pub(super) async fn change(entity: &str, form: &CalendarForm, back: &str, done: &str) -> Result<(), ApiError> {
        let (caller, scope) = require(Action::ManageEntities)?;
        let ctx = context();
        if entity.is_empty() {
            return Err(ApiError::NotFound);
        }
        scope_of(&ctx, &scope, Some(entity)).await?;
        set_calendar(&ctx, &caller.actor(), entity, form).await?;
        go_back(back, done);
        Ok(())
    }

    /// What a date or time field of a form holds.
    pub(super) fn moment<T>(field: &str, text: &str, read: impl Fn(&str) -> chrono::ParseResult<T>, like: &str) -> Result<T, ApiError> {
        read(text.trim()).map_err(|_| ApiError::invalid(field, format!("Write it as {like}; {text:?} is none.")))
    }
}

/// `days` are the ticked ones; hours are of the place, `09:00`.
#[server(prefix = "/fn", endpoint = "set_working_hours")]
pub async fn set_working_hours(
    entity: String,
    #[server(default)] days: Vec<String>,
    opens_at: String,
    closes_at: String,
    back: String,
) -> Result<(), ApiError> {
    use chrono::NaiveTime;
    use pipeline::company::CalendarForm;
    let time = |field: &str, text: &str| ssr::moment(field, text, |text| NaiveTime::parse_from_str(text, "%H:%M"), "09:00");
    let day = |text: &String| text.parse().map_err(|error: domain::UnknownWord| ApiError::invalid("days", error.to_string()));
    let form = CalendarForm {
        days: Some(days.iter().map(day).collect::<Result<_, _>>()?),
        hours: Some((time("opens_at", &opens_at)?, time("closes_at", &closes_at)?)),
        ..CalendarForm::default()
    };
    ssr::change(&entity, &form, &back, "working hours saved").await
}

#[server(prefix = "/fn", endpoint = "add_holiday")]
pub async fn add_holiday(entity: String, day: String, name: String, back: String) -> Result<(), ApiError> {
    let day = ssr::moment("day", &day, str::parse, "2026-12-25")?;
    let form = pipeline::company::CalendarForm { holidays: vec![(day, name)], ..Default::default() };
    ssr::change(&entity, &form, &back, "holiday saved").await
}

#[server(prefix = "/fn", endpoint = "remove_holiday")]
pub async fn remove_holiday(entity: String, day: String, back: String) -> Result<(), ApiError> {
    let day = ssr::moment("day", &day, str::parse, "2026-12-25")?;
    let form = pipeline::company::CalendarForm { no_holidays: vec![day], ..Default::default() };
    ssr::change(&entity, &form, &back, "no holiday any more").await
}
