//! Working time: which hours, days and holidays of each entity the clock of exceptions goes by. Administrators change it.

use super::exceptions::cause::Back;
use crate::{
    api::{
        ApiError,
        calendars::{CalendarsView, list_calendars},
        form_error,
    },
    components::{Column, DataTable, Empty, Failure, Field, Notice, Page, Pill, Submit, Tone, use_query},
};
use domain::working_time::{CalendarView, ClockState, Holiday, WorkingDay};
use leptos::prelude::*;

/// The calendar that is open, as the URL says it: the entity's code.
const OPEN: &str = "calendar";

#[component]
pub fn CalendarsPage() -> impl IntoView {
    let calendars = Resource::new_blocking(|| (), |()| list_calendars());
    view! {
        <Page title="Working time" scoped=false>
            <Suspense>
                {move || Suspend::new(async move {
                    match calendars.await {
                        Ok(calendars) => view! { <Calendars calendars/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Calendars(calendars: CalendarsView) -> AnyView {
    let CalendarsView { calendars, administers } = calendars;
    if calendars.is_empty() {
        return view! { <Empty title="No entity yet" text="An entity is set up with tieout entity create."/> }.into_any();
    }
    let query = use_query();
    let open = query.get(OPEN).and_then(|code| calendars.iter().find(|calendar| calendar.entity.code == code)).cloned();
    let lines = calendars.into_iter().map(|calendar| view! { <Line calendar/> }).collect_view();
    let columns = ["Entity", "Time zone", "Working days", "Hours", "Next holiday", "Clock of exceptions", ""].map(Column::text).to_vec();
    view! {
        <p class="lead">"An exception is due after so many working hours of its entity, reckoned once, when it opens: what is open keeps its due time when the calendar changes."</p>
        <DataTable caption="Working time of entities" columns cards=true><tbody>{lines}</tbody></DataTable>
        {open.map(|calendar| {
            let may_change = administers.contains(&calendar.entity.entity_id);
            view! { <Open calendar may_change/> }
        })}
    }
    .into_any()
}

/// Monday to Friday, or one by one.
fn days(days: &[WorkingDay]) -> String {
    let together = days.windows(2).all(|pair| pair[1].number() == pair[0].number() + 1);
    match days {
        [first, .., last] if together && days.len() > 2 => format!("{} to {}", first.label(), last.label()),
        _ => days.iter().map(|day| day.label()).collect::<Vec<_>>().join(", "),
    }
}

#[component]
fn Line(calendar: CalendarView) -> AnyView {
    let CalendarView { entity, opens_at, closes_at, clock, today, .. } = &calendar;
    let tone = match clock {
        ClockState::Open { .. } => Tone::Ties,
        ClockState::Closed { .. } => Tone::None,
    };
    let next = calendar.holidays.iter().find(|holiday| holiday.day >= *today);
    let next = next.map_or_else(|| "none".to_owned(), |holiday| format!("{} {}", holiday.day, holiday.name));
    let href = use_query().with(OPEN, &entity.code).href();
    view! {
        <tr class="two-line">
            <th scope="row">{entity.code.clone()}<small class="below">{entity.name.clone()}</small></th>
            <td data-label="Time zone">{entity.time_zone.clone()}</td>
            <td data-label="Working days">{days(&calendar.days)}</td>
            <td data-label="Hours">{format!("{} to {}", opens_at.format("%H:%M"), closes_at.format("%H:%M"))}</td>
            <td data-label="Next holiday">{next}</td>
            <td data-label="Clock of exceptions"><Pill tone text=clock.to_string()/></td>
            <td><a href=href aria-label=format!("Calendar of {}", entity.code)>"Calendar"</a></td>
        </tr>
    }
    .into_any()
}

/// One calendar with its holidays, and the forms that change it.
#[component]
fn Open(calendar: CalendarView, may_change: bool) -> AnyView {
    let errors = ["set_working_hours", "add_holiday", "remove_holiday"];
    let error: Option<ApiError> = errors.into_iter().find_map(form_error);
    let form = error.as_ref().and_then(|error| error.of_form(&["days", "opens_at", "closes_at", "day", "name"]));
    let code = calendar.entity.code.clone();
    let why_not = (!may_change).then(|| format!("needs Admin role for {code}"));
    let holidays = calendar.holidays.clone();
    view! {
        <section class="card pane record" aria-labelledby="calendar">
            <h2 id="calendar">{format!("Calendar of {code}")}</h2>
            {form.map(|title| view! { <Notice tone=Tone::Off title/> })}
            <Hours calendar error=error.clone() why_not=why_not.clone()/>
            <Holidays holidays code=code.clone() may_change/>
            <AddHoliday code error why_not/>
        </section>
    }
    .into_any()
}

#[component]
fn Hours(calendar: CalendarView, error: Option<ApiError>, why_not: Option<String>) -> AnyView {
    let of = |field: &str| error.as_ref().and_then(|error| error.of_field(field));
    let (of_days, of_opens, of_closes) = (of("days"), of("opens_at"), of("closes_at"));
    let boxes = WorkingDay::ALL.iter().map(|day| {
        let checked = calendar.days.contains(day);
        view! { <label class="check"><input type="checkbox" name="days[]" value=day.as_str() checked=checked/>{day.label()}</label> }
    });
    let boxes = boxes.collect_view();
    let zone = format!("time of {}", calendar.entity.time_zone);
    view! {
        <form class="form" method="post" action="/fn/set_working_hours">
            <Back/>
            <input type="hidden" name="entity" value=calendar.entity.code.clone()/>
            <fieldset><legend>"Working days"</legend>{boxes}</fieldset>
            {of_days.map(|title| view! { <Notice tone=Tone::Off title/> })}
            <Field name="opens_at" label="Opens" kind="time" value=calendar.opens_at.format("%H:%M").to_string() hint=zone.clone() required=true error=of_opens/>
            <Field name="closes_at" label="Closes" kind="time" value=calendar.closes_at.format("%H:%M").to_string() hint=zone required=true error=of_closes/>
            <div class="actions"><Submit text="Save hours" primary=true why_not/></div>
        </form>
    }
    .into_any()
}

#[component]
fn Holidays(holidays: Vec<Holiday>, code: String, may_change: bool) -> AnyView {
    if holidays.is_empty() {
        return view! { <p>"No holidays: nobody is off on a working day."</p> }.into_any();
    }
    let lines = holidays.into_iter().map(|Holiday { day, name }| {
        let remove = may_change.then(|| {
            view! {
                <form method="post" action="/fn/remove_holiday">
                    <Back/>
                    <input type="hidden" name="entity" value=code.clone()/>
                    <input type="hidden" name="day" value=day.to_string()/>
                    <button type="submit" class="quiet" aria-label=format!("Remove {name} on {day}")>"Remove"</button>
                </form>
            }
        });
        view! { <tr><th scope="row">{day.to_string()}</th><td data-label="Name">{name}</td><td>{remove}</td></tr> }
    });
    let lines = lines.collect_view();
    let columns = ["Day", "Name", ""].map(Column::text).to_vec();
    view! { <DataTable caption="Holidays" columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

#[component]
fn AddHoliday(code: String, error: Option<ApiError>, why_not: Option<String>) -> AnyView {
    let of = |field: &str| error.as_ref().and_then(|error| error.of_field(field));
    let (of_day, of_name) = (of("day"), of("name"));
    view! {
        <form class="form" method="post" action="/fn/add_holiday">
            <Back/>
            <input type="hidden" name="entity" value=code/>
            <Field name="day" label="Day off" kind="date" required=true error=of_day/>
            <Field name="name" label="Name" hint="as people call it: Christmas" autocomplete="off" required=true error=of_name/>
            <div class="actions"><Submit text="Add holiday" why_not/></div>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_in_a_row_are_named_by_the_first_and_the_last() {
        use WorkingDay::*;
        assert_eq!(days(&[Mon, Tue, Wed, Thu, Fri]), "Monday to Friday");
        assert_eq!(days(&[Mon, Wed]), "Monday, Wednesday");
        assert_eq!(days(&[Sat, Sun]), "Saturday, Sunday");
    }
}
