//! One bank account: its statements in their order, and whether each follows the one before it.

use super::{table::Tables, unmask::Unmask};
use crate::{
    api::cash::{BankAccountSeen, get_bank_account},
    components::{Amount, Badge, Column, DataTable, Empty, Failure, Page, Pager, Query, Shape, TieMark, Tone, use_query},
};
use domain::{
    checkpoint::Tie,
    statement::{Sequence, StatementState, StatementView},
    unmask::Subject,
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use rust_decimal::Decimal;

#[component]
pub fn BankAccountPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query());
    let after = query.get("after").map(str::to_owned);
    let seen = Resource::new_blocking(
        move || (params.read().get("id").unwrap_or_default(), after.clone()),
        |(id, after)| get_bank_account(id, after),
    );
    view! {
        <Suspense>
            {move || {
                let query = query.clone();
                Suspend::new(async move {
                    match seen.await {
                        Ok(seen) => view! { <Account seen query/> }.into_any(),
                        Err(error) => view! { <Page title="Bank account" scoped=false><Failure error/></Page> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}

#[component]
fn Account(seen: BankAccountSeen, query: Query) -> AnyView {
    let BankAccountSeen { account, statements } = seen;
    let count = statements.rows.len();
    let newest = query.get("after").map(|_| query.without("after").href());
    let older = statements.next.map(|next| query.with("after", next).href());
    let title = format!("{} · {}", account.name, account.currency);
    let (suggested, trouble) = (query.get("table").map(str::to_owned), query.get("error").map(super::super::upload::trouble));
    view! {
        <Page title crumbs=vec![("Bank accounts".to_owned(), super::ACCOUNTS.to_owned())] scoped=false>
            <div class="intro"><p>{account.entity_code}" · "{account.number}</p></div>
            <Unmask subject=Subject::BankAccount(account.bank_account_id).to_string()/>
            {if count == 0 {
                view! { <Empty title="No statement has come in yet" text="Hand one over on the page Bank accounts, by tieout import, or by POST /api/v1/statements."/> }
                    .into_any()
            } else {
                view! {
                    <StatementLines caption="Statements" statements=statements.rows with_account=false/>
                    <Pager shown=format!("{count} on this page") newer=newest older/>
                }
                .into_any()
            }}
            <Tables account=account.bank_account_id suggested trouble/>
        </Page>
    }
    .into_any()
}

/// Whether it adds up, and in which words.
pub fn proof(difference: Option<Decimal>, currency: &str) -> (Tie, String) {
    match difference {
        None => (Tie::None, "no balances".to_owned()),
        Some(difference) if difference.is_zero() => (Tie::Ties, "adds up".to_owned()),
        Some(difference) => (Tie::Off, format!("off by {}", crate::components::money_text(difference, currency))),
    }
}

pub fn state_badge(state: StatementState) -> AnyView {
    let (tone, shape, text) = match state {
        StatementState::Imported => (Tone::Ties, Shape::Ties, "in"),
        StatementState::Waiting => (Tone::Timing, Shape::Timing, "waits"),
        StatementState::Refused => (Tone::Off, Shape::Off, "refused"),
        StatementState::Interim => (Tone::None, Shape::Ring, "interim"),
    };
    view! { <Badge tone shape text/> }.into_any()
}

/// How it follows the one before; silent where it simply does.
pub fn sequence_mark(sequence: &Sequence) -> AnyView {
    match sequence {
        Sequence::First => view! { <small>"the first one"</small> }.into_any(),
        Sequence::Follows => view! { <TieMark tie=Tie::Ties text="follows"/> }.into_any(),
        Sequence::Gap(why) | Sequence::Overlap(why) => view! { <TieMark tie=Tie::Off text=why.clone()/> }.into_any(),
    }
}

#[component]
pub fn StatementLines(#[prop(into)] caption: String, statements: Vec<StatementView>, with_account: bool) -> AnyView {
    let lines = statements.into_iter().map(|statement| view! { <StatementRow statement with_account/> }).collect_view();
    let columns = vec![
        Column::text("Statement"),
        Column::text("Up to"),
        Column::number("Opening"),
        Column::number("In"),
        Column::number("Out"),
        Column::number("Closing"),
        Column::text("Adds up"),
        Column::text("Sequence"),
        Column::text("State"),
    ];
    view! { <DataTable caption note="the latest days first" columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

#[component]
fn StatementRow(statement: StatementView, with_account: bool) -> AnyView {
    let (tie, words) = proof(statement.difference, &statement.currency);
    let sequence = sequence_mark(&statement.sequence());
    let money = |value: Option<Decimal>| view! { <Amount value currency=statement.currency.clone()/> };
    let (opening, credits) = (money(statement.opening), money(Some(statement.credits)));
    let (debits, closing) = (money(Some(statement.debits)), money(statement.closing));
    let account =
        with_account.then(|| view! { <small class="below">{format!("{} · {}", statement.entity_code, statement.account_name)}</small> });
    let title = statement.title();
    let class = with_account.then_some("two-line");
    view! {
        <tr class=class>
            <th scope="row"><a href=format!("/cash/statements/{}", statement.statement_id)>{title}</a>{account}</th>
            <td data-label="Up to" class="nowrap">{statement.last_day.to_string()}</td>
            <td class="num" data-label="Opening">{opening}</td>
            <td class="num" data-label="In">{credits}</td>
            <td class="num" data-label="Out">{debits}</td>
            <td class="num" data-label="Closing">{closing}</td>
            <td data-label="Adds up"><TieMark tie text=words/></td>
            <td data-label="Sequence">{sequence}</td>
            <td data-label="State">{state_badge(statement.state)}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_balances_is_not_assessed_and_never_ties() {
        assert_eq!(proof(None, "EUR").0, Tie::None);
        assert_eq!(proof(Some(Decimal::ZERO), "EUR").0, Tie::Ties);
        assert_eq!(proof(Some(Decimal::new(1, 2)), "EUR"), (Tie::Off, "off by 0.01 EUR".to_owned()));
    }
}
