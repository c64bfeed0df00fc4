//! A version that somebody proposed: who, why, what it would have done with history, and the way into force.

use super::{State, rules_href};
use crate::{
    api::reach::Reach,
    components::{Amount, Column, Count, DataTable, Fact, Facts, Field, Id, Submit, Time},
    pages::{cash::BackTo, replays::Watch},
};
use domain::{
    access::Action,
    rules::{Backtest, BacktestLine, BacktestTotal, RuleTableState, RuleTableView},
};
use leptos::prelude::*;

#[component]
pub fn Version(table: RuleTableView, entity: String, in_force: i32, sample: Vec<BacktestLine>, reach: Reach) -> AnyView {
    let test = table.test.clone();
    let (title, label) = (format!("Rule table {}", table.version), format!("Rule table {}", table.version));
    view! {
        {(table.state == RuleTableState::Testing).then(|| view! { <Watch/> })}
        <section class="card pane record" aria-label=label>
            <div class="pane-head"><h2>{title}</h2><State state=table.state/></div>
            <About table=table.clone()/>
            <Acts table entity in_force reach/>
        </section>
        {test.map(|test| view! { <Figures test/><Sample sample/> })}
    }
    .into_any()
}

#[component]
fn About(table: RuleTableView) -> AnyView {
    let decided = table.activated_by.zip(table.activated_at);
    view! {
        <Facts>
            <Fact label="Because">{table.reason}</Fact>
            <Fact label="Proposed by">{table.proposed_by}", "<Time at=table.proposed_at/></Fact>
            {decided.map(|(by, at)| view! { <Fact label="Put in force by">{by}", "<Time at/></Fact> })}
            <Fact label="Content (BLAKE3)"><Id value=table.content_hash/></Fact>
        </Facts>
    }
    .into_any()
}

/// What can be done with it next.
#[component]
fn Acts(table: RuleTableView, entity: String, in_force: i32, reach: Reach) -> AnyView {
    let (id, back) = (table.rule_table_id.to_string(), rules_href(&entity, table.version));
    let may_not = reach.why_not_in(Action::EditRules, &entity);
    let own = reach.email == table.proposed_by;
    let stale = table.test.as_ref().is_some_and(|test| test.against != in_force);
    let decision = table.approval_id.map(|approval| {
        let why_not = if own { Some("you prepared it".to_owned()) } else { reach.why_not_in(Action::Approve, &entity) };
        view! { <Decision approval=approval.to_string() version=table.version why_not back=back.clone()/> }
    });
    let asks = matches!(table.state, RuleTableState::Tested | RuleTableState::Refused);
    let ask = asks.then(|| {
        let not_own = (!own).then(|| format!("{} proposed it and asks for it", table.proposed_by));
        let old = stale.then(|| format!("rule table {in_force} was put in force since: back-test it again first"));
        view! {
            <form class="form row" method="post" action="/fn/ask_rules">
                <BackTo href=back.clone()/>
                <input type="hidden" name="table" value=id.clone()/>
                <Field id="ask-reason" name="reason" label="Why it should be in force" autocomplete="off" required=true/>
                <div class="actions"><Submit text="Ask for approval" why_not=may_not.clone().or(not_own).or(old) primary=true/></div>
            </form>
        }
    });
    let again = (asks || table.state == RuleTableState::Waiting).then(|| {
        view! {
            <form class="actions" method="post" action="/fn/test_rules">
                <BackTo href=back/>
                <input type="hidden" name="table" value=id/>
                <Submit text="Back-test again" why_not=may_not/>
            </form>
        }
    });
    view! { {decision}{ask}{again} }.into_any()
}

#[component]
fn Decision(approval: String, version: i32, #[prop(optional_no_strip)] why_not: Option<String>, back: String) -> AnyView {
    let off = why_not.is_some();
    view! {
        <form class="form row" method="post" action="/fn/decide_approval">
            <BackTo href=back/>
            <input type="hidden" name="approval" value=approval/>
            <Field id="comment" name="comment" label="Comment (optional)" autocomplete="off"/>
            <span class="actions">
                <button type="submit" name="approve" value="true" class=(!off).then_some("primary") disabled=off>
                    {format!("Approve: put rule table {version} in force")}
                </button>
                <button type="submit" name="approve" value="false" disabled=off>"Refuse"</button>
                {why_not.map(|reason| view! { <small class="reason">{reason}</small> })}
            </span>
        </form>
    }
    .into_any()
}

/// What it would have done with the entity's payments, per currency.
#[component]
fn Figures(test: Backtest) -> AnyView {
    let Backtest { against, from, until, ran_at, left_out, totals } = test;
    let none = totals.is_empty().then(|| view! { <tr><td colspan="7" class="muted">"No payment of this time is settled: there is no history to hold it against."</td></tr> });
    let lines = totals.into_iter().map(|total| view! { <Total total/> }).collect_view();
    let columns = vec![
        Column::text("Currency"),
        Column::number("Payments"),
        Column::number("Applied alone"),
        Column::number("Gained"),
        Column::number("Lost"),
        Column::number("Wrong"),
        Column::number("Money at risk"),
    ];
    view! {
        <DataTable
            caption=format!("Back-test against rule table {against}")
            note=format!("payments received from {from} to {until} whose application is known; {left_out} more are not settled, or too lately by the rules")
            columns
            cards=true
        >
            <tbody>{lines}{none}</tbody>
        </DataTable>
        <p class="muted beside-it">
            "Run "<Time at=ran_at/>". Each payment was decided about as it came in, with what was open, and with the accounts and names known then. "
            "Customers’ names, disputes and replaced documents are those of today. Wrong is what would have been applied without a person otherwise than it "
            "finally stood: by a person, or by the rules with nobody taking it back for seven days."
        </p>
    }
    .into_any()
}

/// A currency; small below each figure what the rules in force come to.
#[component]
fn Total(total: BacktestTotal) -> AnyView {
    let code = total.currency.clone();
    let now = |count: i64| view! { <small class="below">"in force: "{count}</small> };
    let money = |amount| view! { <small class="below"><Amount value=amount currency=code.clone()/></small> };
    view! {
        <tr class="two-line">
            <th scope="row">{code.clone()}</th>
            <td class="num" data-label="Payments"><Count value=total.lines/>{money(total.received)}</td>
            <td class="num" data-label="Applied alone"><Count value=total.confirmed/>{now(total.confirmed_before)}</td>
            <td class="num" data-label="Gained"><Count value=total.gained/>{money(total.gained_amount)}</td>
            <td class="num" data-label="Lost"><Count value=total.lost/>{money(total.lost_amount)}</td>
            <td class="num" data-label="Wrong"><b><Count value=total.wrong/></b>{now(total.wrong_before)}</td>
            <td class="num" data-label="Money at risk">
                <b><Amount value=total.at_risk currency=code.clone()/></b><small class="below">"in force: "<Amount value=total.at_risk_before currency=code.clone()/></small>
            </td>
        </tr>
    }
    .into_any()
}

/// Payments about which the two differ: what is wrong first, then the largest.
#[component]
fn Sample(sample: Vec<BacktestLine>) -> AnyView {
    if sample.is_empty() {
        return ().into_any();
    }
    let columns = ["Payment", "Difference"].map(Column::text).into_iter().chain([Column::number("Amount")]);
    let columns = columns.chain(["In force", "This version", "Finally stood"].map(Column::text)).collect();
    let lines = sample.into_iter().map(|line| {
        view! {
            <tr class="tall">
                <th scope="row"><a href=format!("/documents/{}", line.document_id)>{line.number}</a><small class="below">{line.received_on.to_string()}</small></th>
                <td data-label="Difference">{line.difference.label()}</td>
                <td class="num" data-label="Amount"><Amount value=line.amount currency=line.currency code=true/></td>
                <td data-label="In force" class="prose">{line.before}</td>
                <td data-label="This version" class="prose">{line.after}</td>
                <td data-label="Finally stood" class="prose">{line.stood}</td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    view! { <DataTable caption="Where they differ" note="a sample: what is wrong first, then the largest amounts" columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::table, *};
    use domain::id::ApprovalId;

    fn reach(email: &str, action: Action) -> Reach {
        Reach { email: email.into(), entities: vec![(action, vec!["DE".into()])] }
    }

    fn acts(state: RuleTableState, in_force: i32, reach: Reach) -> String {
        let mut table = table(2, state);
        table.approval_id = (state == RuleTableState::Waiting).then(|| ApprovalId(uuid::Uuid::nil()));
        view! { <Acts table entity="DE".to_owned() in_force reach/> }.to_html()
    }

    #[test]
    fn the_author_asks_and_somebody_else_decides() {
        let (ann, ben) = (reach("ann@lumen.example", Action::EditRules), reach("ben@lumen.example", Action::Approve));
        let html = acts(RuleTableState::Tested, 1, ann.clone());
        assert!(html.contains("/fn/ask_rules") && !html.contains("disabled"), "{html}");
        let other = Reach { email: "cem@lumen.example".into(), ..ann.clone() };
        assert!(acts(RuleTableState::Tested, 1, other).contains("ann@lumen.example proposed it and asks for it"));
        assert!(acts(RuleTableState::Tested, 3, ann.clone()).contains("rule table 3 was put in force since"));
        assert!(acts(RuleTableState::Waiting, 1, ann.clone()).contains("you prepared it"));
        assert!(!acts(RuleTableState::Waiting, 1, ben).contains("you prepared it"));
        assert!(!acts(RuleTableState::Testing, 1, ann).contains("/fn/ask_rules"), "nothing to ask for before the figures are there");
    }

    #[test]
    fn what_is_wrong_stands_with_its_money_beside_what_is_in_force() {
        let html = view! { <Figures test=table(2, RuleTableState::Tested).test.unwrap()/> }.to_html();
        for part in ["Back-test against rule table 1", "5 more are not settled", "120.00", "300.00", "in force: "] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }
}
