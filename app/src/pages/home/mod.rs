//! Home: the same figures for everybody who reads finance, then what a role begins its day with. Nothing here stands
//! alone: every figure leads to the list behind it.

mod figures;
mod flow;
mod matrix;
mod work;

use super::reconciliation::aging::AgingTable;
use crate::{
    api::home::{FinanceView, HomeView, LogView, get_home},
    components::{AuditTable, Chain, Empty, Failure, Page, Query, counted, use_query},
};
use domain::{
    access::{Action, Role},
    money::grouped,
    stage::{Family, Stage, StageGroup},
    view::CallerView,
};
use figures::KeyFigures;
use flow::FlowChart;
use leptos::prelude::*;
use matrix::StageMatrix;
use work::{Causes, Newest, Waiting};

#[component]
pub fn HomePage() -> impl IntoView {
    let query = use_query();
    let key = |name: &str| query.get(name).map(str::to_owned);
    let asked = (key("entity"), key("period"));
    let home = Resource::new_blocking(move || asked.clone(), |(entity, period)| get_home(entity, period));
    let scoped = expect_context::<CallerView>().actions.contains(&Action::ReadFinance);
    view! {
        <Page title="Home" scoped>
            <Suspense>
                {move || Suspend::new(async move {
                    match home.await {
                        Ok(view) => view! { <Home view/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

/// What a role begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Desk {
    /// What does not tie, and how old it is.
    Control,
    /// What needs me, what clears by itself.
    Work,
    /// The figures and how they move.
    Oversee,
}

fn desk(roles: &[Role]) -> Desk {
    let is = |role: Role| roles.contains(&role);
    if is(Role::Controller) {
        Desk::Control
    } else if is(Role::Operator) || is(Role::ArSpecialist) {
        Desk::Work
    } else {
        Desk::Oversee
    }
}

#[component]
fn Home(view: HomeView) -> AnyView {
    let caller = expect_context::<CallerView>();
    let query = use_query().only(&["entity", "period"]);
    let approvals = view.approvals;
    let waits = approvals.filter(|count| *count > 0 && view.finance.is_none());
    let finance = view
        .finance
        .map(|finance| view! { <Finance finance now=view.now desk=desk(&caller.roles) query approvals caller=caller.clone()/> });
    view! {
        {finance}
        {waits.map(|count| view! { <div class="intro"><Waits count/></div> })}
        {view.log.map(|log| view! { <Log log caller/> })}
    }
    .into_any()
}

/// The way to what waits for the reader's approval.
#[component]
fn Waits(count: i64) -> impl IntoView {
    view! { <a class="button primary" href="/approvals">{format!("{} wait for your approval", grouped(count.into()))}</a> }
}

#[component]
fn Finance(
    finance: FinanceView,
    now: chrono::DateTime<chrono::Utc>,
    desk: Desk,
    query: Query,
    #[prop(optional_no_strip)] approvals: Option<i64>,
    caller: CallerView,
) -> AnyView {
    if finance.matrix.is_empty() {
        let may_import = caller.actions.contains(&Action::ImportBatch);
        return view! {
            <Empty title="Nothing has come in yet" text="As soon as a batch is imported, this page says where every document of it is.">
                {may_import.then(|| view! { <a class="button primary" href="/batches/upload">"Upload a batch"</a> })}
            </Empty>
        }
        .into_any();
    }
    let sentence = in_short(&finance);
    let key = view! { <KeyFigures finance=finance.clone() now query=query.clone()/> };
    let matrix = view! { <StageMatrix matrix=finance.matrix query=query.clone() caller/> };
    let aging = (!finance.aging.is_empty()).then(|| {
        view! {
            <AgingTable
                caption="Not yet confirmed, by age"
                note="gross, aged by when the batch came in"
                cells=finance.aging
                list=issued_here(&query).with("stage", StageGroup::NotConfirmed)
            />
        }
    });
    let causes = view! { <Causes causes=finance.causes now query=query.clone()/> };
    let waiting = view! { <Waiting groups=finance.waiting/> };
    let newest = view! { <Newest batches=finance.batches/> };
    let flow = view! { <FlowChart flow=finance.flow now/> };
    let body = match desk {
        Desk::Control => view! { {matrix}{aging}{causes}{waiting}{flow}{newest} }.into_any(),
        Desk::Work => view! { {causes}{waiting}{newest}{flow}{matrix} }.into_any(),
        Desk::Oversee => view! { {flow}{matrix}{aging} }.into_any(),
    };
    view! {
        <div class="intro">
            <p class="lead">{sentence}</p>
            {approvals.filter(|count| *count > 0).map(|count| view! { <Waits count/> })}
        </div>
        {key}
        {body}
    }
    .into_any()
}

/// What is so, and what to do.
fn in_short(finance: &FinanceView) -> String {
    let (issued, open) = figures::issued_and_open(&finance.matrix);
    let state = match (issued, open) {
        (issued, 0) => format!("All {} issued documents are confirmed in the ERP.", grouped(issued.into())),
        (issued, open) => {
            format!("{} of {} issued documents are not yet confirmed in the ERP.", grouped(open.into()), grouped(issued.into()))
        }
    };
    let in_exception: i64 = finance.in_exception.iter().map(|money| money.count).sum();
    let breaks: i64 = finance.unreconciled.money.iter().map(|money| money.count).sum();
    let advice = match finance.causes.first() {
        Some(cause) if cause.count == in_exception => {
            format!("{} a person, all for one cause: {}", needs(in_exception), cause.kind.advice())
        }
        Some(cause) => {
            let title = super::exceptions::cause::title(cause.kind, cause.missing_kind);
            format!("{} a person; begin with “{title}”, {} of them.", needs(in_exception), grouped(cause.count.into()))
        }
        None if breaks > 0 => {
            format!("Nobody has to fix a document; {} in the reconciliation wait to be explained.", counted(breaks, "break"))
        }
        None if open > 0 => "Nobody is needed: the rest is on its way.".to_owned(),
        None if finance.unreconciled.assessed < finance.unreconciled.entities => {
            "Nothing to do, but not every entity was compared with its ERP.".to_owned()
        }
        None => "Nothing to do.".to_owned(),
    };
    format!("{state} {advice}")
}

fn needs(documents: i64) -> String {
    if documents == 1 { "One needs".to_owned() } else { format!("{} need", grouped(documents.into())) }
}

/// The documents that the figures of this page count: of the batches made for its period.
fn issued_here(query: &Query) -> Query {
    let key = |key: &str| query.get(key).unwrap_or_default();
    Query::new("/documents", &[("entity", key("entity")), ("batch_period", key("period"))]).with("kind", Family::Billing)
}

/// The documents of a row in one stage.
fn documents(base: &Query, stage: Stage) -> String {
    base.with("stage", stage).href()
}

/// For those who keep access and look after the log.
#[component]
fn Log(log: LogView, caller: CallerView) -> AnyView {
    let people = caller.actions.contains(&Action::ReadUsers);
    view! {
        {log.chain.map(|chain| view! { <Chain chain verified=None/> })}
        <AuditTable caption="Last acts" note="from the audit log" rows=log.acts/>
        <p class="actions">
            <a class="button" href="/audit">"The whole log"</a>
            {people.then(|| view! { <a class="button" href="/users">"People and their roles"</a> })}
        </p>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::batches::tests::row;
    use domain::{
        exception::ExceptionKind,
        home::Unreconciled,
        view::{Cluster, StageMoney},
    };

    fn finance(stages: &[(Stage, i64, i64)]) -> FinanceView {
        let count = stages.iter().map(|(_, count, _)| count).sum();
        FinanceView {
            matrix: vec![("DE".to_owned(), row("EUR", count, 0, stages))],
            causes: Vec::new(),
            in_exception: Vec::new(),
            oldest: None,
            waiting: Vec::new(),
            unreconciled: Unreconciled { money: Vec::new(), assessed: 1, entities: 1 },
            aging: Vec::new(),
            flow: domain::home::Flow::default(),
            batches: Vec::new(),
        }
    }

    fn cause(count: i64) -> Cluster {
        let at = chrono::DateTime::UNIX_EPOCH;
        Cluster {
            fingerprint: "f".into(),
            kind: ExceptionKind::Mapping,
            code: "X".into(),
            message: "m".into(),
            connection_id: None,
            connection_code: None,
            missing_kind: None,
            missing_code: None,
            entities: vec!["DE".into()],
            count,
            money: Vec::new(),
            first_seen: at,
            last_seen: at,
            due_at: None,
            trend: Vec::new(),
            closing: Vec::new(),
        }
    }

    #[test]
    fn the_sentence_says_what_is_so_and_what_to_do() {
        let mut view = finance(&[(Stage::Confirmed, 9, 0)]);
        assert_eq!(in_short(&view), "All 9 issued documents are confirmed in the ERP. Nothing to do.");
        view.unreconciled.entities = 2;
        assert!(in_short(&view).ends_with("not every entity was compared with its ERP."));
        let mut view = finance(&[(Stage::Confirmed, 9, 0), (Stage::Exception, 3, 0)]);
        view.in_exception = vec![StageMoney { currency: "EUR".into(), count: 3, amount: 1.into() }];
        view.causes = vec![cause(2), cause(1)];
        assert_eq!(
            in_short(&view),
            "3 of 12 issued documents are not yet confirmed in the ERP. 3 need a person; begin with “Mapping missing”, 2 of them."
        );
        view.causes = vec![cause(3)];
        assert!(in_short(&view).ends_with("Map the code, then replay. Nothing was sent."));
        assert!(in_short(&finance(&[(Stage::Queued, 1, 0)])).ends_with("Nobody is needed: the rest is on its way."));
    }

    #[test]
    fn each_role_has_its_desk() {
        assert_eq!(desk(&[Role::Executive]), Desk::Oversee);
        assert_eq!(desk(&[Role::Operator, Role::Executive]), Desk::Work);
        assert_eq!(desk(&[Role::ArSpecialist, Role::Controller]), Desk::Control);
    }
}
