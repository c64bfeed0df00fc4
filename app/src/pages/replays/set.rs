//! One replay: what it holds, what would become of it, who lets it run, and what became of each item.

use super::{State, approved};
use crate::{
    api::{
        ApiError, form_error,
        reach::Reach,
        replays::{ItemChanges, ReplayDetail, ReplayQuery, get_replay},
    },
    components::{
        Amount, Column, Count, DataTable, Empty, Fact, Facts, Failure, Field, Id, Notice, Page, Pager, Pill, Query, StageBadge, Sums, Time,
        Tone, use_query,
    },
    pages::exceptions::cause::extent,
};
use domain::{
    access::Action,
    replay::{ReplayItem, ReplayResult, ReplaySetView, ReplayState, ReplayVerdict, StageCount, VerdictCount},
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

fn asked(query: &Query) -> ReplayQuery {
    let key = |key: &str| query.get(key).map(str::to_owned);
    ReplayQuery { result: key("result"), stage: key("stage"), after: key("after"), item: key("item") }
}

#[component]
pub fn ReplayPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    let query = asked(&use_query());
    let replay = Resource::new_blocking(move || (id.clone(), query.clone()), |(id, query)| get_replay(id, query));
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match replay.await {
                    Ok(detail) => view! { <Detail detail/> }.into_any(),
                    Err(error) => view! { <Unseen error/> }.into_any(),
                }
            })}
        </Suspense>
    }
}

fn crumbs() -> Vec<(String, String)> {
    vec![("Replays".to_owned(), "/replays".to_owned())]
}

#[component]
fn Unseen(error: ApiError) -> AnyView {
    view! { <Page title="Replay" crumbs=crumbs() scoped=false><Failure error/></Page> }.into_any()
}

#[component]
fn Detail(detail: ReplayDetail) -> AnyView {
    let ReplayDetail { set, verdicts, stages, items, opened, reach } = detail;
    let query = use_query();
    let error = ["decide_replay", "control_replay"].into_iter().find_map(form_error);
    let moving = set.state == ReplayState::Running;
    view! {
        <Page title=format!("Replay {}", set.number) crumbs=crumbs() scoped=false>
            {error.map(|error| view! { <Notice tone=Tone::Off title=error.to_string()/> })}
            {moving.then(|| view! { <Watch/> })}
            <section class="card pane record" aria-label="About this replay">
                <Head set=set.clone()/>
                <Acts set=set.clone() reach query=query.clone()/>
            </section>
            {(!verdicts.is_empty()).then(|| view! { <Preview verdicts/> })}
            {(set.done() > 0).then(|| view! { <Outcome set=set.clone() stages query=query.clone()/> })}
            {opened.map(|opened| view! { <Changes opened query=query.clone()/> })}
            <Items items=items.rows next=items.next query/>
        </Page>
    }
    .into_any()
}

/// Looks again while something moves.
#[island]
pub fn Watch() -> impl IntoView {
    Effect::new(|_| {
        set_timeout(|| drop(leptos::prelude::window().location().reload()), std::time::Duration::from_secs(3));
    });
    view! { <p class="muted" role="status">"It runs; this page looks again every few seconds."</p> }
}

#[component]
fn Head(set: ReplaySetView) -> AnyView {
    view! {
        <div class="pane-head"><h2>{set.title}</h2><State state=set.state/></div>
        <Facts>
            <Fact label="Documents"><Count value=i64::from(set.items)/></Fact>
            <Fact label="Amount"><Sums money=set.money/></Fact>
            <Fact label="Entities">{set.entities.join(", ")}</Fact>
            <Fact label="Prepared by">{set.prepared_by}", "<Time at=set.prepared_at/></Fact>
            <Fact label="Approved by">{approved(set.within_limit, set.decided_by)}{set.decided_at.map(|at| view! { ", "<Time at/> })}</Fact>
            {set.comment.map(|comment| view! { <Fact label="Comment">{comment}</Fact> })}
            <Fact label="Rate">{set.per_minute.map_or_else(|| "as fast as the ERP takes them".to_owned(), |rate| format!("{rate} a minute"))}</Fact>
            <Fact label="What was frozen (SHA-256)"><Id value=set.set_hash/></Fact>
        </Facts>
    }
    .into_any()
}

#[component]
fn Acts(set: ReplaySetView, reach: Reach, query: Query) -> AnyView {
    if set.state.is_finished() {
        return ().into_any();
    }
    let id = set.set_id.to_string();
    let back = query.href();
    let decision = (set.state == ReplayState::Waiting).then(|| {
        let why_not =
            if reach.email == set.prepared_by { Some("you prepared it".to_owned()) } else { reach.why_not(Action::Approve, &set.entities) };
        let off = why_not.is_some();
        view! {
            <form class="form row" method="post" action="/fn/decide_replay">
                <input type="hidden" name="replay" value=id.clone()/>
                <input type="hidden" name="back" value=back.clone()/>
                <Field id="comment" name="comment" label="Comment"/>
                <span class="actions">
                    <button type="submit" name="approve" value="true" class=(!off).then_some("primary") disabled=off>
                        {format!("Approve: {}", extent(&set.money))}
                    </button>
                    <button type="submit" name="approve" value="false" disabled=off>"Refuse"</button>
                    {why_not.map(|reason| view! { <small class="reason">{reason}</small> })}
                </span>
            </form>
        }
    });
    let why_not = reach.why_not(Action::Replay, &set.entities);
    let (act, label) = if set.state == ReplayState::Paused { ("resume", "Resume") } else { ("pause", "Pause") };
    let runs = matches!(set.state, ReplayState::Running | ReplayState::Paused);
    view! {
        {decision}
        <form class="form row" method="post" action="/fn/control_replay">
            <input type="hidden" name="replay" value=id/>
            <input type="hidden" name="back" value=back/>
            <Field id="per_minute" name="per_minute" label="A minute (empty: no limit)" value=set.per_minute.map_or_else(String::new, |rate| rate.to_string())/>
            <span class="actions">
                <button type="submit" name="act" value="rate" disabled=why_not.is_some()>"Set rate"</button>
                {runs.then(|| view! { <button type="submit" name="act" value=act disabled=why_not.is_some()>{label}</button> })}
                <button type="submit" name="act" value="cancel" disabled=why_not.is_some()>"Cancel what is left"</button>
                {why_not.clone().map(|reason| view! { <small class="reason">{reason}</small> })}
            </span>
        </form>
    }
    .into_any()
}

fn tone(verdict: ReplayVerdict) -> Tone {
    match verdict {
        ReplayVerdict::WillPost => Tone::Ties,
        ReplayVerdict::Missing | ReplayVerdict::PeriodClosed => Tone::Off,
        ReplayVerdict::InErp | ReplayVerdict::Changed => Tone::None,
    }
}

/// What would become of the items whose turn has not come.
#[component]
fn Preview(verdicts: Vec<VerdictCount>) -> AnyView {
    let lines = verdicts.into_iter().map(|found| {
        view! {
            <tr>
                <th scope="row"><Pill tone=tone(found.verdict) text=found.verdict.label()/></th>
                <td data-label="Because">{found.detail.map(|detail| detail.replace('_', " ")).unwrap_or_default()}</td>
                <td class="num" data-label="Documents"><Count value=found.count/></td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    let columns = vec![Column::text("If it ran now"), Column::text("Because"), Column::number("Documents")];
    view! {
        <DataTable caption="Before it runs" note="with the mappings, periods and read-back of this moment" columns cards=true><tbody>{lines}</tbody></DataTable>
    }
    .into_any()
}

/// What became of those that had their turn; each line leads to its items.
#[component]
fn Outcome(set: ReplaySetView, stages: Vec<StageCount>, query: Query) -> AnyView {
    let bare = query.here_without("after").here_without("item").here_without("stage").here_without("result");
    let queued = bare.here_with("result", ReplayResult::Queued);
    let stages = stages.into_iter().map(|found| {
        let href = queued.here_with("stage", found.stage).href();
        view! {
            <tr>
                <th scope="row"><a href=href><StageBadge place=found.stage/></a></th>
                <td class="num" data-label="Documents"><Count value=found.count/></td>
            </tr>
        }
    });
    let stages = stages.collect_view();
    let others = [
        (ReplayResult::Missing, "stayed: a mapping is still missing", set.missing),
        (ReplayResult::Ineligible, "left alone: went on since, or its period is closed", set.ineligible),
    ];
    let others = others.into_iter().filter(|(.., count)| *count > 0).map(|(result, text, count)| {
        let href = bare.here_with("result", result).href();
        view! {
            <tr>
                <th scope="row"><a href=href>{text}</a></th>
                <td class="num" data-label="Documents"><Count value=i64::from(count)/></td>
            </tr>
        }
    });
    let others = others.collect_view();
    let columns = vec![Column::text("Now"), Column::number("Documents")];
    let note = format!("{} of {} had their turn", domain::money::grouped(set.done().into()), domain::money::grouped(set.items.into()));
    let csv = format!("/export/replays/{}.csv", set.set_id);
    view! {
        <DataTable caption="What became of it" note columns cards=true><tbody>{stages}{others}</tbody></DataTable>
        <p class="actions"><a class="button quiet" href=csv download="">"All items as CSV"</a></p>
    }
    .into_any()
}

/// Old and new wire body of one item, where they differ.
#[component]
fn Changes(opened: ItemChanges, query: Query) -> AnyView {
    let caption = format!("What item {} would change", opened.item);
    let close = query.here_without("item").href();
    let body = match opened.obstacle {
        Some(obstacle) => view! { <Notice tone=Tone::Off title=format!("It can’t be mapped: {obstacle}.")/> }.into_any(),
        None if opened.changes.is_empty() => view! { <Notice tone=Tone::None title="The same is sent again, field by field."/> }.into_any(),
        None => {
            let lines = opened.changes.into_iter().map(|change| {
                let value = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
                view! {
                    <tr>
                        <th scope="row"><code>{change.field}</code></th>
                        <td data-label="Last made"><span class="id">{value(change.old)}</span></td>
                        <td data-label="Now"><span class="id">{value(change.new)}</span></td>
                    </tr>
                }
            });
            let lines = lines.collect_view();
            let columns = ["Field", "Last made", "Now"].map(Column::text).to_vec();
            view! { <DataTable caption columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
        }
    };
    view! { <section id="changes" class="anchor">{body}<p class="actions"><a class="button quiet" href=close>"Close"</a></p></section> }
        .into_any()
}

#[component]
fn Items(items: Vec<ReplayItem>, #[prop(optional_no_strip)] next: Option<String>, query: Query) -> AnyView {
    let narrowed = query.get("result").is_some() || query.get("stage").is_some();
    let all = query.here_without("after").here_without("item").here_without("stage").here_without("result").href();
    let show_all = narrowed.then(|| view! { <p class="actions"><a class="button quiet" href=all>"Show all items"</a></p> });
    if items.is_empty() {
        return view! { <Empty title="No items" text="None of this replay is there any more."/>{show_all} }.into_any();
    }
    let shown = format!("{} on this page, in the order of their turns", items.len());
    let first = query.get("after").map(|_| query.here_without("after").href());
    let older = next.map(|next| query.here_without("item").here_with("after", next).href());
    let lines = items.into_iter().map(|item| view! { <Line item query=query.clone()/> }).collect_view();
    let columns = vec![
        Column::text("Document"),
        Column::text("Entity"),
        Column::number("Amount"),
        Column::text("Verdict or result"),
        Column::text("Is now"),
        Column::text("ERP number"),
        Column::text(""),
    ];
    view! {
        {show_all}
        <DataTable caption="Items" columns cards=true><tbody>{lines}</tbody></DataTable>
        <Pager shown newer=first older words=("First", "More")/>
    }
    .into_any()
}

#[component]
fn Line(item: ReplayItem, query: Query) -> AnyView {
    let detail = item.detail.map(|detail| detail.replace('_', " "));
    let said = match (item.result, item.verdict) {
        (Some(ReplayResult::Queued), _) => view! { <Pill tone=Tone::Ties text="sent on"/> }.into_any(),
        (Some(ReplayResult::Missing), _) => view! { <Pill tone=Tone::Off text="still missing"/> }.into_any(),
        (Some(ReplayResult::Ineligible), _) => view! { <Pill tone=Tone::None text="left alone"/> }.into_any(),
        (None, Some(verdict)) => view! { <Pill tone=tone(verdict) text=verdict.label()/> }.into_any(),
        (None, None) => ().into_any(),
    };
    let changes = item.result.is_none().then(|| {
        let href = format!("{}#changes", query.here_with("item", item.item).href());
        view! { <a class="button quiet" href=href aria-label=format!("What changes in {}", item.number)>"What changes"</a> }
    });
    view! {
        <tr class="tall">
            <th scope="row" class="nowrap"><a href=format!("/documents/{}", item.document_id)>{item.number}</a></th>
            <td data-label="Entity">{item.entity_code}</td>
            <td class="num" data-label="Amount"><Amount value=item.amount currency=item.currency code=true/></td>
            <td data-label="Verdict or result"><div>{said}{detail.map(|detail| view! { <small class="below prose">{detail}</small> })}</div></td>
            <td data-label="Is now"><StageBadge place=item.stage/></td>
            <td data-label="ERP number">{item.erp_number.unwrap_or_else(|| "–".to_owned())}</td>
            <td>{changes}</td>
        </tr>
    }
    .into_any()
}
