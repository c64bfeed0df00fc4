//! One statement: its proof from opening to closing balance, who took it when it did not add up, and its lines.

use super::{
    account::{proof, sequence_mark, state_badge},
    unmask::Unmask,
};
use crate::{
    api::{
        cash::{StatementSeen, get_statement},
        form_error,
    },
    components::{
        Amount, Column, DataTable, Empty, Fact, Facts, Failure, Notice, Page, Pager, Query, TextField, TieMark, Time, Tone, use_query,
    },
};
use domain::statement::{StatementLineView, StatementState, StatementView};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use rust_decimal::Decimal;

#[component]
pub fn StatementPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query());
    let key = |name: &str| query.get(name).map(str::to_owned);
    let (part, after) = (key("part"), key("after"));
    let seen = Resource::new_blocking(
        move || (params.read().get("id").unwrap_or_default(), part.clone(), after.clone()),
        |(id, part, after)| get_statement(id, part, after),
    );
    view! {
        <Suspense>
            {move || {
                let query = query.clone();
                Suspend::new(async move {
                    match seen.await {
                        Ok(seen) => view! { <Statement seen query/> }.into_any(),
                        Err(error) => view! { <Page title="Statement" scoped=false><Failure error/></Page> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}

#[component]
fn Statement(seen: StatementSeen, query: Query) -> AnyView {
    let StatementSeen { statement, part, lines, why_not } = seen;
    let title = format!("{} · {}", statement.account_name, statement.title());
    let crumbs = vec![
        ("Bank accounts".to_owned(), super::ACCOUNTS.to_owned()),
        (statement.account_name.clone(), format!("/cash/accounts/{}", statement.bank_account_id)),
    ];
    let (count, currency) = (lines.rows.len(), statement.currency.clone());
    let first = query.get("after").map(|_| query.without("after").href());
    let next = lines.next.map(|next| query.with("after", next).href());
    let waits = statement.state == StatementState::Waiting;
    view! {
        <Page title crumbs scoped=false>
            {statement.doubt.clone().filter(|_| waits).map(|doubt| {
                view! { <Notice tone=Tone::Timing title="This statement waits for a second person" text=doubt/> }
            })}
            <Head statement=statement.clone()/>
            <Proof statement=statement.clone()/>
            {waits.then(|| view! { <Decision statement=statement.clone() why_not/> })}
            {part.map(|part| view! {
                <p class="beside-it">{format!("Only lines of the daily cash proof’s column {}. ", part.label())}<a href=query.without("part").href()>"All lines"</a></p>
            })}
            {if count == 0 && part.is_some() {
                view! { <Empty title="No such line" text="The statement has no line of this kind any more."/> }.into_any()
            } else if count == 0 {
                view! { <Empty title="It has no lines" text="The bank tells of balances only."/> }.into_any()
            } else {
                view! {
                    <Lines lines=lines.rows currency/>
                    <Unmask subject=format!("statement:{}", statement.statement_id) by_line=true/>
                    <Pager shown=format!("{count} lines on this page") newer=first older=next words=("First", "Next")/>
                }
                .into_any()
            }}
        </Page>
    }
    .into_any()
}

#[component]
fn Head(statement: StatementView) -> AnyView {
    let sequence = sequence_mark(&statement.sequence());
    let decided = statement.decided_by.zip(statement.reason);
    view! {
        <section class="card pane"><Facts>
            <Fact label="Account">{format!("{} · {}", statement.entity_code, statement.account_number)}</Fact>
            <Fact label="State">{state_badge(statement.state)}</Fact>
            <Fact label="Sequence">{sequence}</Fact>
            <Fact label="Format">{statement.format}</Fact>
            <Fact label="Handed over"><Time at=statement.received_at/>" by "{statement.received_by}</Fact>
            {decided.map(|(by, reason)| view! { <Fact label="Decided">{by}": "{reason}</Fact> })}
        </Facts></section>
    }
    .into_any()
}

#[component]
fn Proof(statement: StatementView) -> AnyView {
    let (tie, words) = proof(statement.difference, &statement.currency);
    let day = |day: Option<chrono::NaiveDate>| day.map(|day| format!(" on {day}")).unwrap_or_default();
    let rows = [
        (format!("Opening balance{}", day(statement.opened_on)), statement.opening),
        ("Money in".to_owned(), Some(statement.credits)),
        ("Money out".to_owned(), Some(-statement.debits)),
        (format!("Closing balance{}", day(statement.closed_on)), statement.closing),
        ("Difference".to_owned(), statement.difference),
    ];
    let lines = rows.into_iter().map(|(label, value): (String, Option<Decimal>)| {
        view! {
            <tr>
                <th scope="row">{label}</th>
                <td class="num" data-label="Amount"><Amount value currency=statement.currency.clone() code=true/></td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    view! {
        <DataTable caption="Proof" note="opening balance and booked lines against the closing balance" columns=vec![Column::text("Of the statement"), Column::number("Amount")]>
            <tbody>{lines}</tbody>
            <tfoot><tr><th scope="row">"Adds up"</th><td class="num"><TieMark tie text=words/></td></tr></tfoot>
        </DataTable>
    }
    .into_any()
}

#[component]
fn Decision(statement: StatementView, why_not: Option<String>) -> AnyView {
    let error = form_error("decide_statement");
    let of_field = error.as_ref().and_then(|error| error.of_field("reason"));
    let of_form = error.as_ref().and_then(|error| error.of_form(&["reason"]));
    let off = why_not.is_some();
    view! {
        <section class="card pane record">
            <h2>"Decide"</h2>
            {of_form.map(|text| view! { <Notice tone=Tone::Off title="Nothing was decided" text/> })}
            <form class="form" method="post" action="/fn/decide_statement">
                <input type="hidden" name="statement" value=statement.statement_id.to_string()/>
                <TextField name="reason" label="Reason" hint="what you found out, for the auditor" required=true error=of_field/>
                <div class="actions">
                    <button type="submit" name="act" value="accept" class=(!off).then_some("primary") disabled=off>"Take it as it is"</button>
                    <button type="submit" name="act" value="refuse" disabled=off>"Refuse it"</button>
                    {why_not.map(|reason| view! { <small>{reason}</small> })}
                </div>
            </form>
        </section>
    }
    .into_any()
}

#[component]
fn Lines(lines: Vec<StatementLineView>, currency: String) -> AnyView {
    let rows = lines.into_iter().map(|line| view! { <LineRow line currency=currency.clone()/> }).collect_view();
    let columns = vec![
        Column::number("No."),
        Column::text("Booked"),
        Column::text("Counterparty"),
        Column::text("Text"),
        Column::text("References"),
        Column::number("Amount"),
    ];
    view! { <DataTable caption="Lines" note="in the bank's order" columns cards=true><tbody>{rows}</tbody></DataTable> }.into_any()
}

/// References that the payer or a bank gave, each once.
fn references(line: &StatementLineView) -> Vec<String> {
    let mut all = line.structured_references.clone();
    all.extend(line.end_to_end_id.clone());
    all.extend(line.bank_reference.clone());
    let mut seen = Vec::new();
    for reference in all {
        if !seen.contains(&reference) {
            seen.push(reference);
        }
    }
    seen
}

#[component]
fn LineRow(line: StatementLineView, currency: String) -> AnyView {
    let references = references(&line).into_iter().map(|reference| view! { <code>{reference}</code>" " }).collect_view();
    let value =
        line.value_on.filter(|day| *day != line.booked_on).map(|day| view! { <small class="below">"value "{day.to_string()}</small> });
    let aside = match (line.status.as_str(), line.reversal, &line.return_reason) {
        ("booked", false, None) => None,
        ("booked", _, Some(reason)) => Some(format!("returned: {reason}")),
        ("booked", true, None) => Some("takes back an earlier one".to_owned()),
        (status, ..) => Some(format!("{status}, does not count")),
    };
    view! {
        <tr>
            <td class="num" data-label="No.">{line.ordinal.to_string()}</td>
            <td data-label="Booked" class="nowrap">{line.booked_on.to_string()}{value}</td>
            <td data-label="Counterparty">
                {line.counterparty_name.unwrap_or_default()}
                {line.counterparty_account.map(|account| view! { <small class="below">{account}</small> })}
            </td>
            <td data-label="Text" class="prose">{line.text}{aside.map(|aside| view! { <small class="below">{aside}</small> })}</td>
            <td data-label="References">{references}</td>
            <td class="num" data-label="Amount"><Amount value=line.amount currency/></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_that_two_fields_give_is_shown_once() {
        let line = StatementLineView {
            ordinal: 1,
            amount: Decimal::ONE,
            booked_on: "2026-10-31".parse().unwrap(),
            value_on: None,
            status: "booked".into(),
            reversal: false,
            bank_reference: Some("X".into()),
            end_to_end_id: Some("X".into()),
            structured_references: vec!["RF18539007547034".into()],
            counterparty_name: None,
            counterparty_account: None,
            text: String::new(),
            transaction_code: None,
            return_reason: None,
        };
        assert_eq!(references(&line), ["RF18539007547034", "X"]);
    }
}
