//! Jobs: what runs by itself and when, how it went last, and running it now.

use crate::{
    api::{
        form_error,
        jobs::{JobsView, list_jobs},
    },
    components::{Badge, Column, DataTable, Empty, Failure, Fold, Notice, Page, Shape, Submit, Time, Tone, counted},
};
use domain::{
    job::{JobState, JobView, ScheduleView},
    view::EntityView,
};
use leptos::prelude::*;

/// Runs on the page, of all schedules together.
const RUNS: usize = 40;

#[component]
pub fn JobsPage() -> impl IntoView {
    let jobs = Resource::new_blocking(|| (), |()| list_jobs());
    view! {
        <Page title="Jobs" scoped=false>
            <Suspense>
                {move || Suspend::new(async move {
                    match jobs.await {
                        Ok(view) => view! { <Jobs view/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

/// 640 ms, 2.3 s, 1 min 05 s.
fn took(ms: i64) -> String {
    match ms {
        ..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {:02} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// Newest first; one that did not begin yet stands at its time.
fn newest_first(schedules: &[ScheduleView]) -> Vec<JobView> {
    let mut runs: Vec<JobView> = schedules.iter().flat_map(|schedule| schedule.runs.clone()).collect();
    runs.sort_by_key(|run| std::cmp::Reverse((run.started_at.unwrap_or(run.run_at), run.job_id)));
    runs.truncate(RUNS);
    runs
}

/// What a run is about, in the entity's code.
fn about(subject: &str, entities: &[EntityView]) -> String {
    if subject.is_empty() {
        return "everything".to_owned();
    }
    entities.iter().find(|entity| entity.entity_id.to_string() == subject).map_or_else(|| subject.to_owned(), |entity| entity.code.clone())
}

/// One sentence: does everything run?
fn in_short(schedules: &[ScheduleView]) -> String {
    let last = |state: JobState| schedules.iter().filter(|schedule| schedule.runs.first().is_some_and(|run| run.state == state)).count();
    let never = schedules.iter().filter(|schedule| schedule.runs.is_empty()).count();
    let (given_up, retrying) = (last(JobState::Discarded), last(JobState::Retryable));
    match (given_up, retrying, never) {
        (0, 0, 0) => "Every schedule’s last run went well or is under way.".to_owned(),
        (0, 0, never) if never == schedules.len() => "Nothing has run yet; each begins by itself at its time.".to_owned(),
        (0, 0, never) => format!("{never} of {} schedules have not run yet; the rest went well.", schedules.len()),
        (0, retrying, _) => format!("{retrying} failed and will be tried again by itself; the error is below."),
        (given_up, ..) => format!("{given_up} gave up after its last attempt. Read the error below, correct the cause, then run it now."),
    }
}

#[component]
fn Jobs(view: JobsView) -> AnyView {
    if view.schedules.is_empty() {
        return view! { <Empty title="No schedule is set up" text="Schedules are set up by the first worker that starts."/> }.into_any();
    }
    let error = form_error("run_job");
    let runs = newest_first(&view.schedules);
    let sentence = in_short(&view.schedules);
    let refused = view.refused;
    let schedules = view.schedules.into_iter().map(|schedule| {
        let why_not = refused.iter().find(|(kind, _)| *kind == schedule.kind).map(|(_, why)| why.clone());
        view! { <ScheduleLine schedule why_not/> }
    });
    let schedules = schedules.collect_view();
    let columns = ["Job", "Last run", "Result", "Next run", ""].map(Column::text).to_vec();
    view! {
        {error.map(|error| view! { <Notice tone=Tone::Off title=error.to_string()/> })}
        <div class="intro"><p>{sentence}</p><p class="muted">"Now "<Time at=view.now/></p></div>
        <DataTable caption="Schedules" note="each runs once, however many processes there are" columns cards=true><tbody>{schedules}</tbody></DataTable>
        <Runs runs entities=view.entities/>
    }
    .into_any()
}

#[component]
fn ScheduleLine(schedule: ScheduleView, why_not: Option<String>) -> AnyView {
    let last = schedule.runs.into_iter().next();
    let next = if schedule.enabled { view! { <Time at=schedule.next_run_at/> }.into_any() } else { "switched off".into_any() };
    let (when, result) = match last {
        Some(run) => (
            view! { <Time at=run.started_at.unwrap_or(run.run_at)/>{run.duration_ms.map(|ms| view! { <small class="below">"took "{took(ms)}</small> })} }.into_any(),
            view! { <StateBadge state=run.state/>{run.result.map(|result| view! { <small class="below prose">{result}</small> })} }.into_any(),
        ),
        None => ("never".into_any(), ().into_any()),
    };
    view! {
        <tr class="tall">
            <th scope="row">{schedule.kind.label()}<small class="below" title=schedule.cron>{schedule.words}</small></th>
            <td data-label="Last run">{when}</td>
            <td data-label="Result"><div>{result}</div></td>
            <td data-label="Next run">{next}</td>
            <td>
                <form class="actions" method="post" action="/fn/run_job">
                    <input type="hidden" name="kind" value=schedule.kind.as_str()/>
                    <input type="hidden" name="back" value="/jobs"/>
                    <Submit text="Run now" why_not/>
                </form>
            </td>
        </tr>
    }
    .into_any()
}

#[component]
fn StateBadge(state: JobState) -> AnyView {
    let (tone, shape) = match state {
        JobState::Available => (Tone::Calm, Shape::Dots),
        JobState::Running => (Tone::Calm, Shape::Arrow),
        JobState::Retryable => (Tone::Timing, Shape::Again),
        JobState::Completed => (Tone::Ties, Shape::Ties),
        JobState::Discarded => (Tone::Off, Shape::Alert),
    };
    view! { <Badge tone shape text=state.label()/> }.into_any()
}

#[component]
fn Runs(runs: Vec<JobView>, entities: Vec<EntityView>) -> AnyView {
    if runs.is_empty() {
        return view! { <Empty title="Nothing has run yet" text="A worker takes the first job as soon as its time has come."/> }.into_any();
    }
    let lines = runs.into_iter().map(|run| view! { <RunLine about=about(&run.subject, &entities) run/> }).collect_view();
    let columns = vec![
        Column::text("Started"),
        Column::text("Job"),
        Column::text("Of"),
        Column::text("State"),
        Column::number("Took"),
        Column::number("Attempt"),
        Column::text("Asked for by"),
        Column::text("Result"),
    ];
    view! { <DataTable caption="Last runs, newest first" columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

#[component]
fn RunLine(run: JobView, about: String) -> AnyView {
    let waits = run.started_at.is_none().then_some("from ");
    let errors = run.errors.into_iter().map(|error| view! { <li><small>{format!("attempt {}, ", error.attempt)}<Time at=error.at/></small><p class="answer">{error.error}</p></li> });
    let errors: Vec<_> = errors.collect();
    let summary = counted(i64::try_from(errors.len()).unwrap_or(i64::MAX), "error");
    let failed = !errors.is_empty();
    // a failed run's result repeats its last error
    let result = if failed && run.state != JobState::Completed { None } else { run.result };
    view! {
        <tr class="tall">
            <th scope="row">{waits}<Time at=run.started_at.unwrap_or(run.run_at)/></th>
            <td data-label="Job">{run.kind.label()}</td>
            <td data-label="Of">{about}</td>
            <td data-label="State"><StateBadge state=run.state/></td>
            <td class="num" data-label="Took">{run.duration_ms.map_or_else(|| "–".to_owned(), took)}</td>
            <td class="num" data-label="Attempt">{format!("{} of {}", run.attempt, run.attempts_max)}</td>
            <td data-label="Asked for by">{run.created_by}</td>
            <td data-label="Result">
                <span class="prose">{result}</span>
                {failed.then(|| view! { <Fold summary open=run.state != JobState::Completed><ol class="notes">{errors}</ol></Fold> })}
            </td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta};
    use domain::{
        id::JobId,
        job::{JobError, JobKind},
    };

    fn run(minute: i64, state: JobState) -> JobView {
        let at = DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        let error = JobError { attempt: 1, at, error: "HTTP 503 from <the ERP>".into() };
        JobView {
            job_id: JobId(uuid::Uuid::nil()),
            kind: JobKind::ReadBack,
            subject: String::new(),
            state,
            attempt: 1,
            attempts_max: 5,
            run_at: at,
            created_by: "schedule".into(),
            started_at: Some(at),
            finished_at: None,
            duration_ms: Some(2345),
            result: None,
            errors: if state == JobState::Completed { Vec::new() } else { vec![error] },
        }
    }

    fn schedule(runs: Vec<JobView>) -> ScheduleView {
        let next_run_at = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        ScheduleView {
            kind: JobKind::ReadBack,
            cron: "*/5 * * * *".into(),
            words: "Every 5 minutes (UTC)".into(),
            next_run_at,
            enabled: true,
            runs,
        }
    }

    #[test]
    fn a_duration_is_said_in_the_unit_it_fills() {
        assert_eq!([640, 2345, 65_000].map(took), ["640 ms", "2.3 s", "1 min 05 s"]);
    }

    #[test]
    fn the_sentence_says_what_failed_and_what_to_do() {
        let said = |state: JobState| in_short(&[schedule(vec![run(1, state)])]);
        assert!(said(JobState::Completed).contains("went well"));
        assert!(said(JobState::Retryable).contains("tried again by itself"));
        assert!(said(JobState::Discarded).contains("run it now"));
        assert!(in_short(&[schedule(Vec::new())]).starts_with("Nothing has run yet"));
        assert!(in_short(&[schedule(Vec::new()), schedule(vec![run(1, JobState::Completed)])]).starts_with("1 of 2 schedules"));
    }

    #[test]
    fn runs_of_all_schedules_are_one_list_newest_first() {
        let schedules =
            [schedule(vec![run(1, JobState::Completed)]), schedule(vec![run(9, JobState::Completed), run(5, JobState::Completed)])];
        let starts: Vec<_> = newest_first(&schedules).iter().map(|run| run.run_at.timestamp() / 60).collect();
        assert_eq!(starts, [9, 5, 1]);
    }

    #[test]
    fn a_failed_run_shows_its_error_and_a_refused_button_its_reason() {
        let html = view! { <RunLine run=run(1, JobState::Discarded) about="everything".to_owned()/> }.to_html();
        assert!(html.contains("given up") && html.contains("HTTP 503 from &lt;the ERP&gt;") && html.contains("2.3 s"), "{html}");
        let html = view! { <ScheduleLine schedule=schedule(Vec::new()) why_not=Some("needs Operator role".to_owned())/> }.to_html();
        assert!(html.contains("disabled") && html.contains("needs Operator role") && html.contains("Every 5 minutes"), "{html}");
    }
}
