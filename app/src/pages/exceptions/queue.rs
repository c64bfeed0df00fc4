//! The right side of the queue: its filter, and the documents one by one.

use super::{
    beside::OPEN,
    cause::{Back, title},
    selection::{Select, SelectionBar, TICK, whole},
};
use crate::{
    api::{
        exceptions::{ExceptionsView, Facets},
        form_error,
    },
    components::{Amount, Choice, Column, DataTable, Due, Empty, Field, FilterBar, Notice, Pager, Query, Tone, age},
};
use chrono::{DateTime, Utc};
use domain::{
    stage::DocumentKind,
    view::{ExceptionRow, StageMoney},
};
use leptos::prelude::*;

/// What the filter bar asks; entity and period are in the top bar, the cause is a link.
pub const OWN: &[&str] = &["currency", "kind", "connection", "owner", "hours", "due", "amount"];

/// Edges of operational aging, in hours.
const AGES: [(&str, &str); 5] = [("", "any"), ("4", "over 4 h"), ("24", "over 24 h"), ("72", "over 3 d"), ("168", "over 7 d")];

/// Before when it has to be dealt with, in hours.
const DUE: [(&str, &str); 5] = [("", "any"), ("0", "breached"), ("4", "within 4 h"), ("24", "within 24 h"), ("168", "within 7 d")];

/// Options with their counts; the first is "any".
fn options<'a>(values: impl Iterator<Item = (String, &'a str, i64)>) -> Vec<(String, String)> {
    let listed = values.map(|(value, text, count)| (value, format!("{text} ({})", domain::money::grouped(count.into()))));
    std::iter::once((String::new(), "any".to_owned())).chain(listed).collect()
}

#[component]
pub fn Filters(exceptions: ExceptionsView, query: Query) -> AnyView {
    let Facets { currencies, kinds, connections } = exceptions.facets;
    let currencies = options(currencies.iter().map(|(code, count)| (code.clone(), code.as_str(), *count)));
    let kinds = options(kinds.iter().map(|(kind, count)| (kind.to_string(), kind.label(), *count)));
    let connections = options(connections.iter().map(|(id, code, count)| (id.to_string(), code.as_str(), *count)));
    let [ages, due] = [AGES, DUE].map(|edges| edges.map(|(value, text)| (value.to_owned(), text.to_owned())).to_vec());
    let bar = query.here_without("select").here_without(OPEN);
    let now = move |key: &str| query.get(key).unwrap_or_default().to_owned();
    view! {
        <FilterBar query=bar own=OWN>
            <Choice name="kind" label="Kind" options=kinds selected=now("kind")/>
            <Choice name="connection" label="Connection" options=connections selected=now("connection")/>
            <Choice name="currency" label="Currency" options=currencies selected=now("currency")/>
            <Choice name="hours" label="Open for" options=ages selected=now("hours")/>
            <Choice name="due" label="Due" options=due selected=now("due")/>
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
    let select = Select::of(&query);
    let of_one_cause = query.get("cause").is_some();
    let mut columns = ["", "Document", "Entity, period"].map(Column::text).to_vec();
    columns.extend((!of_one_cause).then(|| Column::text("Cause")));
    columns.extend([Column::number("Amount"), Column::text("Open for"), Column::text("Owner")]);
    let lines = rows
        .iter()
        .map(|row| view! { <Line row=row.clone() of_one_cause select as_of=exceptions.as_of query=query.clone()/> })
        .collect_view();
    let entities: Vec<String> = entities_of(&rows);
    let older = next.map(|next| query.here_without("select").here_without(OPEN).with("after", next).href());
    let shown = format!("{}, oldest first", super::cause::extent(&StageMoney::per_currency(rows.iter().map(money))));
    let listed: Vec<(String, StageMoney)> = rows.iter().map(|row| (row.exception_id.to_string(), money(row))).collect();
    let error = ["replay_exceptions", "replay_matching", "assign_exceptions", "undo_edit"].into_iter().find_map(form_error);
    let error = error.or_else(|| form_error("comment_exceptions").filter(|error| error.of_field("comment").is_none()));
    let error = error.map(|error| error.to_string());
    let ExceptionsView { reach, extent, as_of, .. } = exceptions;
    let whole = extent.as_ref().filter(|_| older.is_some() || first.is_some()).map(|all| format!("; all that match: {}", whole(all)));
    let shown = format!("{shown}{}", whole.unwrap_or_default());
    view! {
        {error.map(|title| view! { <Notice tone=Tone::Off title/> })}
        <form method="post" action="/fn/assign_exceptions">
            <Back/>
            <DataTable caption="Open exceptions" columns cards=true><tbody>{lines}</tbody></DataTable>
            <SelectionBar query=query.clone() select listed entities all=extent reach as_of/>
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

fn money(row: &ExceptionRow) -> StageMoney {
    StageMoney { currency: row.currency.clone(), count: 1, amount: row.amount }
}

#[component]
fn Line(row: ExceptionRow, of_one_cause: bool, select: Select, as_of: DateTime<Utc>, query: Query) -> AnyView {
    let id = row.exception_id.to_string();
    let place = query.here_without("select").here_without(OPEN);
    let (href, beside) = (place.moved(format!("/exceptions/{id}")).href(), place.here_with(OPEN, &id).href());
    let row_id = id.clone();
    let here = (query.get(OPEN) == Some(id.as_str())).then_some("true");
    let kind = (row.document_kind != DocumentKind::Invoice).then(|| format!(" · {}", row.document_kind.label().to_lowercase()));
    let opened = row.opened_at.format("%Y-%m-%d %H:%M UTC").to_string();
    let (label, owned_by) = (format!("Choose {}", row.number), row.owner.clone());
    let cause = (!of_one_cause).then(|| {
        let title = title(row.kind, None);
        view! { <td data-label="Cause"><span class="why"><b>{title}</b><small>{row.message.clone()}</small></span></td> }
    });
    view! {
        <tr class="two-line" data-row=row_id>
            <td class="tick"><input type="checkbox" name=TICK value=id autocomplete="off" checked=select != Select::Ticked disabled=select == Select::Matching aria-label=label/></td>
            <th scope="row">
                <a href=href data-beside=beside aria-current=here>{row.number}</a>
                <small class="below customer">{row.customer_name}{kind}</small>
            </th>
            <td class="nowrap" data-label="Entity, period"><span>{row.entity_code}" · "{row.period.to_string()}</span><small class="below">{row.connection_code}</small></td>
            {cause}
            <td class="num" data-label="Amount"><Amount value=row.amount currency=row.currency code=true/></td>
            <td class="nowrap" data-label="Open for" title=opened><span>{age(row.opened_at, as_of)}</span><small class="below"><Due at=row.due_at as_of/></small></td>
            <td class="owner" data-label="Owner" title=owned_by>{row.owner.unwrap_or_else(|| "nobody".to_owned())}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_says_how_many_it_would_leave() {
        let found = options([("tax".to_owned(), "Tax", 1200)].into_iter());
        assert_eq!(found, [(String::new(), "any".to_owned()), ("tax".to_owned(), "Tax (1,200)".to_owned())]);
    }
}
