//! The rules that apply cash: the table that decides, in plain words; its versions with who wrote them; what a proposed one would have
//! done; and the form that proposes the next.

mod propose;
mod tested;

use super::{CashTab, CashTabs, RULES};
use crate::{
    api::{
        form_error,
        rules::{RulesView, get_rules},
    },
    components::{Badge, Column, DataTable, Failure, Notice, Page, Query, Shape, Tab, Tabs, Time, Tone, counted, use_query},
};
use domain::rules::{Backtest, RuleEntry, RuleGroup, RuleTableState, RuleTableView, STANDARD_VERSION};
use leptos::prelude::*;
use propose::Propose;
use tested::Version;

const GROUPS: [RuleGroup; 5] = [RuleGroup::Sureness, RuleGroup::Points, RuleGroup::Short, RuleGroup::Days, RuleGroup::Search];

#[component]
pub fn RulesPage() -> impl IntoView {
    let query = use_query();
    let asked = (query.get("entity").map(str::to_owned), query.get("version").map(str::to_owned));
    let rules = Resource::new_blocking(move || asked.clone(), |(entity, version)| get_rules(entity, version));
    view! {
        <Page title="Rules of cash application" crumbs=vec![("Unapplied cash".to_owned(), super::UNAPPLIED.to_owned())]>
            <CashTabs current=CashTab::Rules/>
            <Suspense>
                {move || Suspend::new(async move {
                    match rules.await {
                        Ok(rules) => view! { <Rules rules/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

/// The address of a version.
pub fn rules_href(entity: &str, version: i32) -> String {
    Query::new(RULES, &[("entity", entity), ("version", &version.to_string())]).href()
}

#[component]
fn Rules(rules: RulesView) -> AnyView {
    let RulesView { entity, entities, in_force, versions, version, entries, differs, sample, reach } = rules;
    let code = entity.code.clone();
    let tabs = (entities.len() > 1).then(|| {
        let tabs = entities.iter().map(|one| Tab {
            label: one.code.clone(),
            href: Query::new(RULES, &[("entity", &one.code)]).href(),
            count: None,
            current: one.code == code,
        });
        view! { <Tabs label="Entities" tabs=tabs.collect()/> }
    });
    let error = ["decide_approval", "ask_rules", "test_rules"].into_iter().find_map(form_error);
    let shown = versions.iter().find(|table| table.version == version).cloned();
    let differing = (version != in_force).then(|| view! { <Differs differs version in_force/> });
    view! {
        {tabs}
        {error.map(|error| view! { <Notice tone=Tone::Off title=error.to_string()/> })}
        <div class="intro"><p>{in_short(&code, in_force, version, &versions)}</p></div>
        {shown.map(|table| view! { <Version table entity=code.clone() in_force sample reach=reach.clone()/> })}
        {differing}
        <Table entries=entries.clone() version/>
        <Propose entity=code.clone() version entries reach/>
        <Versions versions entity=code in_force shown=version/>
    }
    .into_any()
}

/// Which table decides, since when and on whose word, and which one is looked at.
fn in_short(entity: &str, in_force: i32, version: i32, versions: &[RuleTableView]) -> String {
    let decides = versions.iter().find(|table| table.version == in_force);
    let whose = match decides {
        Some(table) => format!("proposed by {}, put in force by {}", table.proposed_by, table.activated_by.as_deref().unwrap_or("nobody")),
        None => "the standard table, which comes with the program".to_owned(),
    };
    let looked = if version == in_force { String::new() } else { format!(" Below is rule table {version}, which does not decide.") };
    format!("Rule table {in_force} decides in {entity}: {whose}.{looked}")
}

#[component]
fn Differs(differs: Vec<(RuleEntry, String)>, version: i32, in_force: i32) -> AnyView {
    let none = differs.is_empty().then(|| view! { <tr><td colspan="4" class="muted">"They say the same."</td></tr> });
    let lines = differs.into_iter().map(|(entry, active)| {
        view! {
            <tr class="tall">
                <th scope="row">{entry.label}<small class="below">{entry.group.label()}</small></th>
                <td data-label="In force" class="prose">{shown(active)}</td>
                <td data-label="Here" class="prose"><b>{shown(entry.value)}</b></td>
                <td data-label="Means" class="prose">{entry.means}</td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    let columns = vec![
        Column::text("Entry"),
        Column::text(format!("Rule table {in_force}, in force")),
        Column::text(format!("Rule table {version}")),
        Column::text("Means"),
    ];
    view! {
        <DataTable caption=format!("What rule table {version} changes") note="against the one that is in force" columns cards=true>
            <tbody>{lines}{none}</tbody>
        </DataTable>
    }
    .into_any()
}

fn shown(value: String) -> String {
    if value.is_empty() { "none".to_owned() } else { value }
}

/// Every number of the version, by what it is about.
#[component]
fn Table(entries: Vec<RuleEntry>, version: i32) -> AnyView {
    let tables = GROUPS.map(|group| {
        let lines = entries.iter().filter(|entry| entry.group == group).cloned().map(|entry| view! { <Entry entry/> }).collect_view();
        let (value, note) = match group {
            RuleGroup::Points => (Column::number("Points"), "points add up to the score of a proposal; what speaks against it is negative"),
            _ => (Column::text("Value"), ""),
        };
        let columns = vec![Column::text("Rule"), value, Column::text("Means")];
        let caption = format!("{}, rule table {version}", group.label());
        view! { <DataTable caption note columns cards=true><tbody>{lines}</tbody></DataTable> }
    });
    Vec::from(tables).into_any()
}

#[component]
fn Entry(entry: RuleEntry) -> AnyView {
    let is_points = entry.group == RuleGroup::Points;
    let value = match entry.value.parse::<i32>() {
        Ok(points) if is_points && points != 0 => format!("{points:+}").replace('-', "−"),
        _ => shown(entry.value),
    };
    let never = entry.forbids.then(|| view! { <small class="below">"Where it speaks a person decides, whatever the score."</small> });
    view! {
        <tr class="tall">
            <th scope="row">{entry.label}</th>
            <td data-label="Value" class=if is_points { "num" } else { "prose" }>{value}</td>
            <td data-label="Means" class="prose">{entry.means}{never}</td>
        </tr>
    }
    .into_any()
}

#[component]
fn Versions(versions: Vec<RuleTableView>, entity: String, in_force: i32, shown: i32) -> AnyView {
    let mark = move |version: i32| (version == shown).then_some("true");
    let standard_state = if in_force == STANDARD_VERSION { RuleTableState::InForce } else { RuleTableState::Superseded };
    let lines = versions.into_iter().map(|table| {
        let href = rules_href(&entity, table.version);
        let test = table.test.as_ref().map_or_else(|| "not finished".to_owned(), figures);
        let by = table.activated_by.clone().zip(table.activated_at);
        view! {
            <tr class="tall" aria-current=mark(table.version)>
                <th scope="row"><a href=href>{format!("Rule table {}", table.version)}</a></th>
                <td data-label="State"><State state=table.state/></td>
                <td data-label="Because" class="prose">{table.reason}</td>
                <td data-label="Proposed by">{table.proposed_by}<small class="below"><Time at=table.proposed_at/></small></td>
                <td data-label="Back-test" class="prose">{test}</td>
                <td data-label="Put in force by">{by.map(|(by, at)| view! { {by}<small class="below"><Time at/></small> })}</td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    let columns = ["Version", "State", "Because", "Proposed by", "Back-test", "Put in force by"].map(Column::text).to_vec();
    view! {
        <DataTable caption=format!("Versions in {entity}") note="a version never changes; going back to an older one is a new version" columns cards=true>
            <tbody>
                {lines}
                <tr class="tall" aria-current=mark(STANDARD_VERSION)>
                    <th scope="row"><a href=rules_href(&entity, STANDARD_VERSION)>"Rule table 1"</a></th>
                    <td data-label="State"><State state=standard_state/></td>
                    <td data-label="Because" class="prose">"The standard table, which comes with the program."</td>
                    <td data-label="Proposed by"></td>
                    <td data-label="Back-test"></td>
                    <td data-label="Put in force by"></td>
                </tr>
            </tbody>
        </DataTable>
    }
    .into_any()
}

/// A back-test in short.
fn figures(test: &Backtest) -> String {
    let sum = |of: fn(&domain::rules::BacktestTotal) -> i64| test.totals.iter().map(of).sum::<i64>();
    let (lines, gained, lost, wrong) = (sum(|t| t.lines), sum(|t| t.gained), sum(|t| t.lost), sum(|t| t.wrong));
    format!("{}: {gained} gained, {lost} lost, {wrong} wrong", counted(lines, "payment"))
}

#[component]
fn State(state: RuleTableState) -> AnyView {
    let (tone, shape) = match state {
        RuleTableState::Testing => (Tone::Timing, Shape::Timing),
        RuleTableState::Tested => (Tone::Calm, Shape::Ring),
        RuleTableState::Waiting => (Tone::Timing, Shape::Question),
        RuleTableState::Refused => (Tone::Off, Shape::Cross),
        RuleTableState::InForce => (Tone::Ties, Shape::Ties),
        RuleTableState::Superseded => (Tone::None, Shape::Pause),
    };
    view! { <Badge tone shape text=state.label()/> }.into_any()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use chrono::{DateTime, Utc};
    use domain::{id::RuleTableId, rules::BacktestTotal};

    pub fn at() -> DateTime<Utc> {
        "2026-11-21T10:00:00Z".parse().unwrap()
    }

    pub fn table(version: i32, state: RuleTableState) -> RuleTableView {
        let total = BacktestTotal {
            currency: "EUR".into(),
            lines: 40,
            received: 4_000.into(),
            confirmed_before: 30,
            confirmed: 34,
            gained: 3,
            gained_amount: 300.into(),
            wrong: 1,
            at_risk: 120.into(),
            ..BacktestTotal::default()
        };
        let day = |text: &str| text.parse().unwrap();
        let test =
            Backtest { against: 1, from: day("2026-09-01"), until: day("2026-11-20"), ran_at: at(), left_out: 5, totals: vec![total] };
        RuleTableView {
            rule_table_id: RuleTableId(uuid::Uuid::from_u128(u128::try_from(version).unwrap())),
            version,
            state,
            reason: "fewer by hand".into(),
            proposed_by: "ann@lumen.example".into(),
            proposed_at: at(),
            content_hash: "ab".repeat(32),
            activated_at: None,
            activated_by: None,
            approval_id: None,
            test: Some(test),
        }
    }

    fn entry(name: &str, group: RuleGroup, value: &str, forbids: bool) -> RuleEntry {
        RuleEntry { name: name.into(), group, label: name.into(), means: format!("{name} means"), value: value.into(), forbids }
    }

    #[test]
    fn the_sentence_says_whose_table_decides_and_which_one_is_looked_at() {
        let mut second = table(2, RuleTableState::InForce);
        second.activated_by = Some("ben@lumen.example".into());
        assert_eq!(in_short("DE", 1, 1, &[]), "Rule table 1 decides in DE: the standard table, which comes with the program.");
        assert_eq!(
            in_short("DE", 2, 3, &[second]),
            "Rule table 2 decides in DE: proposed by ann@lumen.example, put in force by ben@lumen.example. Below is rule table 3, which does not decide."
        );
    }

    #[test]
    fn points_have_a_sign_and_what_no_score_overrules_says_so() {
        let html = view! { <Entry entry=entry("another_payer", RuleGroup::Points, "-30", true)/> }.to_html();
        assert!(html.contains("−30") && html.contains("a person decides, whatever the score"), "{html}");
        let html = view! { <Entry entry=entry("reference", RuleGroup::Points, "60", false)/> }.to_html();
        assert!(html.contains("+60") && !html.contains("whatever"), "{html}");
        let html = view! { <Entry entry=entry("days", RuleGroup::Days, "60", false)/> }.to_html();
        assert!(html.contains(">60<"), "no points: {html}");
    }

    #[test]
    fn a_change_stands_beside_what_is_in_force() {
        let differs = vec![(entry("confirm_threshold", RuleGroup::Sureness, "60", false), "85".to_owned())];
        let html = view! { <Differs differs version=2 in_force=1/> }.to_html();
        assert!(html.contains("Rule table 1, in force") && html.contains("85") && html.contains("<b>60</b>"), "{html}");
        assert!(view! { <Differs differs=Vec::new() version=2 in_force=1/> }.to_html().contains("They say the same."));
    }
}
