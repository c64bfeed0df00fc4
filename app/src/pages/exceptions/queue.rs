//! The right side of the queue: its filter, and the documents one by one.

use super::cause::{Back, age, title};
use crate::{
    api::{
        exceptions::{ExceptionsView, Facets},
        form_error,
    },
    components::{Amount, Choice, Column, DataTable, Empty, Field, FilterBar, Notice, Pager, Query, Submit, Tone},
};
use chrono::{DateTime, Utc};
use domain::{
    access::Action,
    stage::DocumentKind,
    view::{ExceptionRow, StageMoney},
};
use leptos::prelude::*;

/// What the filter bar asks; entity and period are in the top bar, the cause is a link.
pub const OWN: &[&str] = &["currency", "kind", "connection", "owner", "hours", "amount"];

/// Edges of operational aging, in hours.
const AGES: [(&str, &str); 5] = [("", "any age"), ("4", "over 4 h"), ("24", "over 24 h"), ("72", "over 3 d"), ("168", "over 7 d")];

/// Options with their counts; the first is "any".
fn options<'a>(any: &str, values: impl Iterator<Item = (String, &'a str, i64)>) -> Vec<(String, String)> {
    let listed = values.map(|(value, text, count)| (value, format!("{text} ({})", domain::money::grouped(count.into()))));
    std::iter::once((String::new(), any.to_owned())).chain(listed).collect()
}

#[component]
pub fn Filters(exceptions: ExceptionsView, query: Query) -> AnyView {
    let Facets { currencies, kinds, connections } = exceptions.facets;
    let currencies = options("any currency", currencies.iter().map(|(code, count)| (code.clone(), code.as_str(), *count)));
    let kinds = options("any kind", kinds.iter().map(|(kind, count)| (kind.to_string(), kind.label(), *count)));
    let connections = options("any connection", connections.iter().map(|(id, code, count)| (id.to_string(), code.as_str(), *count)));
    let ages = AGES.map(|(value, text)| (value.to_owned(), text.to_owned())).to_vec();
    let now = |key: &str| query.get(key).unwrap_or_default().to_owned();
    view! {
        <FilterBar query=query.here_without("select") own=OWN>
            <Choice name="kind" label="Kind" options=kinds selected=now("kind")/>
            <Choice name="connection" label="Connection" options=connections selected=now("connection")/>
            <Choice name="currency" label="Currency" options=currencies selected=now("currency")/>
            <Choice name="hours" label="Open for" options=ages selected=now("hours")/>
            <Field name="amount" label="Amount from" value=now("amount")/>
            <Field name="owner" label="Owner" value=now("owner")/>
        </FilterBar>
    }
    .into_any()
}

#[component]
pub fn Queue(exceptions: ExceptionsView, query: Query) -> AnyView {
    let rows = exceptions.exceptions.rows;
    if rows.is_empty() {
        let set = OWN.iter().any(|key| query.get(key).is_some());
        let text = if set { "No open exception matches the filter." } else { "Every document of this entity and period went through." };
        return view! { <Empty title="No exceptions" text/> }.into_any();
    }
    let (first, next) = (query.get("after").map(|_| query.without("after").href()), exceptions.exceptions.next);
    let all = query.get("select") == Some("all");
    let of_one_cause = query.get("cause").is_some();
    let mut columns = ["", "Document", "Entity"].map(Column::text).to_vec();
    columns.extend((!of_one_cause).then(|| Column::text("Cause")));
    columns.extend([Column::text("Period"), Column::number("Amount"), Column::text("Open for"), Column::text("Owner")]);
    let lines = rows.iter().map(|row| view! { <Line row=row.clone() of_one_cause ticked=all as_of=exceptions.as_of query=query.clone()/> }).collect_view();
    let entities: Vec<String> = entities_of(&rows);
    let (replay, work) = (exceptions.reach.why_not(Action::Replay, &entities), exceptions.reach.why_not(Action::WorkExceptions, &entities));
    let older = next.map(|next| query.here_without("select").with("after", next).href());
    let shown = format!("{}, oldest first", super::cause::extent(&sums(&rows)));
    let tick = if all { (query.here_without("select").href(), "Tick none") } else { (query.here_with("select", "all").href(), "Tick all listed") };
    let chosen = if all { super::cause::extent(&sums(&rows)) } else { String::new() };
    let error = ["replay_exceptions", "assign_exceptions"].into_iter().find_map(form_error).map(|error| error.to_string());
    view! {
        {error.map(|title| view! { <Notice tone=Tone::Off title/> })}
        <form method="post" action="/fn/assign_exceptions">
            <Back/>
            <DataTable caption="Open exceptions" columns cards=true><tbody>{lines}</tbody></DataTable>
            <div class="selection">
                <a class="button quiet" href=tick.0>{tick.1}</a>
                <SelectionBar listed=chosen/>
                <span class="grow"></span>
                <Field id="assign-owner" name="owner" label="New owner (e-mail; empty takes him away)" value=exceptions.reach.email/>
                <Submit text="Assign ticked" why_not=work/>
                {match replay {
                    None => view! { <button type="submit" formaction="/fn/replay_exceptions">"Replay ticked"</button> }.into_any(),
                    Some(reason) => view! { <Submit text="Replay ticked" why_not=Some(reason)/> }.into_any(),
                }}
            </div>
        </form>
        <Pager shown newer=first older words=("First page", "Next")/>
    }
    .into_any()
}

fn entities_of(rows: &[ExceptionRow]) -> Vec<String> {
    let mut codes: Vec<String> = rows.iter().map(|row| row.entity_code.clone()).collect();
    codes.sort();
    codes.dedup();
    codes
}

fn sums(rows: &[ExceptionRow]) -> Vec<StageMoney> {
    let mut sums: Vec<StageMoney> = Vec::new();
    for row in rows {
        match sums.iter_mut().find(|sum| sum.currency == row.currency) {
            Some(sum) => {
                sum.count += 1;
                sum.amount += row.amount;
            }
            None => sums.push(StageMoney { currency: row.currency.clone(), count: 1, amount: row.amount }),
        }
    }
    sums
}

/// What is ticked, in count and money. Without a script the server says it for all listed.
#[component]
fn SelectionBar(listed: String) -> impl IntoView {
    view! { <span class="ticked" role="status">{(!listed.is_empty()).then(|| format!("{listed} ticked"))}</span> }
}

#[component]
fn Line(row: ExceptionRow, of_one_cause: bool, ticked: bool, as_of: DateTime<Utc>, query: Query) -> AnyView {
    let href = query.only(&["entity", "period"]).at(format!("/exceptions/{}", row.exception_id)).href();
    let memo = row.document_kind == DocumentKind::CreditMemo;
    let opened = row.opened_at.format("%Y-%m-%d %H:%M UTC").to_string();
    let label = format!("Choose {}", row.number);
    let cause = (!of_one_cause).then(|| {
        let title = title(row.kind, None);
        view! { <td data-label="Cause"><span class="why"><b>{title}</b><small>{row.message.clone()}</small></span></td> }
    });
    view! {
        <tr class="two-line">
            <td class="tick"><input type="checkbox" name="exceptions[]" value=row.exception_id.to_string() checked=ticked aria-label=label/></td>
            <th scope="row">
                <a href=href>{row.number}</a>
                <small class="below">{row.customer_name}{memo.then_some(" · credit memo")}</small>
            </th>
            <td data-label="Entity">{row.entity_code}<small class="below">{row.connection_code}</small></td>
            {cause}
            <td data-label="Period">{row.period.to_string()}</td>
            <td class="num" data-label="Amount"><Amount value=row.amount currency=row.currency code=true/></td>
            <td class="nowrap" data-label="Open for" title=opened>{age(row.opened_at, as_of)}</td>
            <td data-label="Owner">{row.owner.unwrap_or_else(|| "nobody".to_owned())}</td>
        </tr>
    }
    .into_any()
}
