//! Working time of entities, and what it allows: when an exception is due.

use crate::{Conn, Error, Result, entities};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::{
    calendar::Calendar,
    exception::ExceptionKind,
    id::EntityId,
    view::EntityView,
    working_time::{CalendarView, Holiday, WorkingDay},
};
use std::collections::BTreeMap;

/// The calendars of entities, the usual one where none was set.
pub async fn of(conn: &mut Conn, entities: &[EntityId]) -> Result<BTreeMap<EntityId, Calendar>> {
    let ids: Vec<uuid::Uuid> = entities.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select e.entity_id as "entity_id!: EntityId", e.time_zone as "time_zone!", c.working_days as "working_days?", c.opens_at as "opens_at?", c.closes_at as "closes_at?",
            array(select day from entity_holiday h where h.entity_id = e.entity_id) as "holidays!",
            array(select kind from sla_allowance a where a.entity_id = e.entity_id order by kind) as "kinds!",
            array(select hours from sla_allowance a where a.entity_id = e.entity_id order by kind) as "hours!"
        from entity e left join entity_calendar c using (entity_id) where e.entity_id = any($1)"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut calendars = BTreeMap::new();
    for row in rows {
        let corrupt = |column, why: String| Error::Corrupt { table: "entity", column, id: row.entity_id.to_string(), why };
        let zone = row.time_zone.parse().map_err(|_| corrupt("time_zone", format!("{} is no time zone", row.time_zone)))?;
        let mut calendar = Calendar::usual(zone);
        if let (Some(days), Some(opens_at), Some(closes_at)) = (row.working_days, row.opens_at, row.closes_at) {
            calendar.days = days.into_iter().filter_map(WorkingDay::of_number).collect();
            (calendar.opens_at, calendar.closes_at) = (opens_at, closes_at);
        }
        calendar.holidays = row.holidays.into_iter().collect();
        for (kind, hours) in row.kinds.iter().zip(row.hours) {
            calendar.allowances.insert(kind.parse().map_err(|error: domain::UnknownWord| corrupt("kind", error.to_string()))?, hours);
        }
        calendars.insert(row.entity_id, calendar);
    }
    Ok(calendars)
}

/// The calendars of all entities, and what their clocks say now.
pub async fn views(conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<CalendarView>> {
    let entities = entities::list(conn).await?;
    let ids: Vec<EntityId> = entities.iter().map(|entity| entity.entity_id).collect();
    let mut calendars = of(conn, &ids).await?;
    let holidays =
        sqlx::query!(r#"select entity_id as "entity_id: EntityId", day, name from entity_holiday order by day"#).fetch_all(conn).await?;
    let view = |entity: EntityView| {
        let calendar = calendars.remove(&entity.entity_id)?;
        let own = holidays.iter().filter(|row| row.entity_id == entity.entity_id);
        Some(CalendarView {
            days: calendar.days.iter().copied().collect(),
            opens_at: calendar.opens_at,
            closes_at: calendar.closes_at,
            holidays: own.map(|row| Holiday { day: row.day, name: row.name.clone() }).collect(),
            clock: calendar.state(now),
            today: calendar.day(now),
            entity,
        })
    };
    Ok(entities.into_iter().filter_map(view).collect())
}

/// When exceptions of these kinds that open now are due, by entity and kind, as columns.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub entities: Vec<uuid::Uuid>,
    pub kinds: Vec<&'static str>,
    pub at: Vec<Option<DateTime<Utc>>>,
}

pub(crate) async fn due(conn: &mut Conn, entities: &[EntityId], kinds: &[ExceptionKind], opened_at: DateTime<Utc>) -> Result<Due> {
    let mut due = Due::default();
    for (entity, calendar) in of(conn, entities).await? {
        for kind in kinds {
            due.entities.push(entity.0);
            due.kinds.push(kind.as_str());
            due.at.push(calendar.due(*kind, opened_at));
        }
    }
    Ok(due)
}

pub async fn set_hours(conn: &mut Conn, entity: EntityId, days: &[WorkingDay], opens_at: NaiveTime, closes_at: NaiveTime) -> Result<()> {
    let days: Vec<i16> = days.iter().map(|day| day.number()).collect();
    sqlx::query!(
        "insert into entity_calendar (entity_id, working_days, opens_at, closes_at) values ($1, $2, $3, $4)
        on conflict (entity_id) do update set working_days = excluded.working_days, opens_at = excluded.opens_at, closes_at = excluded.closes_at",
        entity.0,
        &days,
        opens_at,
        closes_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn add_holiday(conn: &mut Conn, entity: EntityId, day: NaiveDate, name: &str) -> Result<()> {
    sqlx::query!(
        "insert into entity_holiday (entity_id, day, name) values ($1, $2, $3) on conflict (entity_id, day) do update set name = excluded.name",
        entity.0,
        day,
        name
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn remove_holiday(conn: &mut Conn, entity: EntityId, day: NaiveDate) -> Result<()> {
    sqlx::query!("delete from entity_holiday where entity_id = $1 and day = $2", entity.0, day).execute(conn).await?;
    Ok(())
}

pub async fn allow(conn: &mut Conn, entity: EntityId, kind: ExceptionKind, hours: i32) -> Result<()> {
    sqlx::query!(
        "insert into sla_allowance (entity_id, kind, hours) values ($1, $2, $3) on conflict (entity_id, kind) do update set hours = excluded.hours",
        entity.0,
        kind.as_str(),
        hours
    )
    .execute(conn)
    .await?;
    Ok(())
}
