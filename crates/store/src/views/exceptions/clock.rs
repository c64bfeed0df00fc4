//! What is due when, from the totals by clock: the cost is that of their hours, not of the exceptions behind them.

use crate::{Pool, Result, Scope, calendars};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    id::EntityId,
    sla::{AGES, RATE_DAYS, SlaView, late_by_then},
};
use rust_decimal::Decimal;

/// The clock of everything open in some entities; each is reckoned on its own calendar, and added up.
pub async fn sla(pool: &Pool, scope: &Scope, now: DateTime<Utc>) -> Result<SlaView> {
    let ids: Vec<EntityId> = scope.ids().into_iter().map(EntityId).collect();
    let mut conn = pool.acquire().await?;
    let mut view = SlaView::default();
    for (entity, calendar) in calendars::of(&mut conn, &ids).await? {
        let (today, week) = (calendar.end_of_day(now), calendar.end_of_week(now));
        let edges: Vec<DateTime<Utc>> = AGES[..4].iter().map(|(hours, _)| now - TimeDelta::hours(*hours)).collect();
        let open = sqlx::query!(
            r#"select coalesce(sum(count) filter (where due_at <= $2), 0)::bigint as "breached!",
                coalesce(sum(count) filter (where due_at <= $3), 0)::bigint as "today!", coalesce(sum(count) filter (where due_at <= $4), 0)::bigint as "week!",
                coalesce(sum(count) filter (where opened_hour > $5), 0)::bigint as "under_4!",
                coalesce(sum(count) filter (where opened_hour <= $5 and opened_hour > $6), 0)::bigint as "under_24!",
                coalesce(sum(count) filter (where opened_hour <= $6 and opened_hour > $7), 0)::bigint as "under_72!",
                coalesce(sum(count) filter (where opened_hour <= $7 and opened_hour > $8), 0)::bigint as "under_168!",
                coalesce(sum(count) filter (where opened_hour <= $8), 0)::bigint as "older!"
            from exception_clock where entity_id = $1"#,
            entity.0,
            now,
            today,
            week,
            edges[0],
            edges[1],
            edges[2],
            edges[3]
        )
        .fetch_one(&mut *conn)
        .await?;
        let since = calendar.days_before(now, RATE_DAYS - 1);
        let closed = sqlx::query_scalar!(
            r#"select coalesce(sum(closed), 0)::bigint as "closed!" from cause_flow where entity_id = $1 and day >= ($2::timestamptz at time zone $3)::date"#,
            entity.0,
            since,
            calendar.zone.name()
        )
        .fetch_one(&mut *conn)
        .await?;
        let hours = |from, to| Decimal::from(calendar.working_time(from, to).num_minutes()) / Decimal::from(60);
        let (worked, late) = (hours(since, now), |due, until| late_by_then(due, closed, hours(since, now), hours(now, until)));
        view.breached += open.breached;
        view.due_today += open.today - open.breached;
        view.due_this_week += open.week - open.breached;
        view.late_today += late(open.today, today);
        view.late_this_week += late(open.week, week);
        view.closed += closed;
        view.hours += worked;
        for (sum, count) in view.ages.iter_mut().zip([open.under_4, open.under_24, open.under_72, open.under_168, open.older]) {
            *sum += count;
        }
    }
    Ok(view)
}
