//! What is due when, from the totals by clock: the cost is that of their hours, not of the exceptions behind them.

use crate::{Pool, Result, Scope, calendars};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use domain::{
    calendar::Calendar,
    id::EntityId,
    sla::{AGES, RATE_DAYS, SlaView, late_by_then},
};
use rust_decimal::Decimal;

/// The clock of everything open in some entities; each is reckoned on its own calendar, and added up.
pub async fn sla(pool: &Pool, scope: &Scope, now: DateTime<Utc>) -> Result<SlaView> {
    let ids: Vec<EntityId> = scope.ids().into_iter().map(EntityId).collect();
    let mut conn = pool.acquire().await?;
    let calendars = calendars::of(&mut conn, &ids).await?;
    let entities: Vec<uuid::Uuid> = calendars.keys().map(|id| id.0).collect();
    let at_end =
        |end: fn(&Calendar, DateTime<Utc>) -> DateTime<Utc>| -> Vec<DateTime<Utc>> { calendars.values().map(|c| end(c, now)).collect() };
    let since: Vec<NaiveDate> = calendars.values().map(|calendar| calendar.day(now) - Days::new(RATE_DAYS - 1)).collect();
    let edges: Vec<DateTime<Utc>> = AGES[..4].iter().map(|(hours, _)| now - TimeDelta::hours(*hours)).collect();
    let rows = sqlx::query!(
        r#"select b.entity_id as "entity_id!: EntityId", b.since as "since!", coalesce(sum(count) filter (where due_at <= $5), 0)::bigint as "breached!",
            coalesce(sum(count) filter (where due_at <= b.today), 0)::bigint as "today!",
            coalesce(sum(count) filter (where due_at <= b.week), 0)::bigint as "week!",
            coalesce(sum(count) filter (where opened_hour > ($6::timestamptz[])[1]), 0)::bigint as "under_4!",
            coalesce(sum(count) filter (where opened_hour <= ($6::timestamptz[])[1] and opened_hour > ($6::timestamptz[])[2]), 0)::bigint as "under_24!",
            coalesce(sum(count) filter (where opened_hour <= ($6::timestamptz[])[2] and opened_hour > ($6::timestamptz[])[3]), 0)::bigint as "under_72!",
            coalesce(sum(count) filter (where opened_hour <= ($6::timestamptz[])[3] and opened_hour > ($6::timestamptz[])[4]), 0)::bigint as "under_168!",
            coalesce(sum(count) filter (where opened_hour <= ($6::timestamptz[])[4]), 0)::bigint as "older!",
            coalesce((select sum(closed) from cause_flow f where f.entity_id = b.entity_id and f.day >= b.since), 0)::bigint as "closed!"
        from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::date[]) b (entity_id, today, week, since)
        left join exception_clock using (entity_id) group by b.entity_id, b.since"#,
        &entities,
        &at_end(Calendar::end_of_day),
        &at_end(Calendar::end_of_week),
        &since,
        now,
        &edges
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut view = SlaView::default();
    for row in rows {
        let Some(calendar) = calendars.get(&row.entity_id) else { continue };
        let hours = |from, to| Decimal::from(calendar.working_time(from, to).num_minutes()) / Decimal::from(60);
        let worked = hours(calendar.midnight(row.since), now);
        let late = |due, until| late_by_then(due, row.closed, worked, hours(now, until));
        view.breached += row.breached;
        view.due_today += row.today - row.breached;
        view.due_this_week += row.week - row.breached;
        view.late_today += late(row.today, calendar.end_of_day(now));
        view.late_this_week += late(row.week, calendar.end_of_week(now));
        view.closed += row.closed;
        view.hours += worked;
        for (sum, count) in view.ages.iter_mut().zip([row.under_4, row.under_24, row.under_72, row.under_168, row.older]) {
            *sum += count;
        }
    }
    Ok(view)
}
