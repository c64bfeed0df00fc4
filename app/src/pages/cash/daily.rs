//! The daily cash proof: for every account and day the opening balance and each line, by what it is, against the closing balance.

use super::{CashTab, CashTabs};
use crate::{
    api::cash::{DailyView, get_daily},
    components::{Amount, Column, DataTable, Empty, Failure, GroupRow, MoneyLink, Page, Pager, Query, TieMark, money_text, use_query},
};
use domain::{
    cash_proof::{CashDay, CashPart},
    checkpoint::Tie,
};
use leptos::prelude::*;

#[component]
pub fn DailyPage() -> impl IntoView {
    let query = use_query();
    let key = |name: &str| query.get(name).map(str::to_owned);
    let asked = (key("entity"), key("account"), key("until"));
    let daily = Resource::new_blocking(move || asked.clone(), |(entity, account, until)| get_daily(entity, account, until));
    view! {
        <Page title="Cash">
            <CashTabs current=CashTab::Daily/>
            <Suspense>
                {move || {
                    let query = query.clone();
                    Suspend::new(async move {
                        match daily.await {
                            Ok(view) => view! { <Daily view query/> }.into_any(),
                            Err(error) => view! { <Failure error/> }.into_any(),
                        }
                    })
                }}
            </Suspense>
        </Page>
    }
}

#[component]
fn Daily(view: DailyView, query: Query) -> AnyView {
    let DailyView { days, from, until, newer } = view;
    let one = query.get("account").is_some();
    let newer = newer.map(|until| query.with("until", until).href());
    let older = from.pred_opt().map(|day| query.with("until", day).href());
    let sentence = in_short(&days);
    let groups = days.chunk_by(|left, right| left.bank_account_id == right.bank_account_id).map(|group| {
        let first = &group[0];
        let title = format!("{} · {} · {} · {}", first.entity_code, first.account_name, first.account_number, first.currency);
        let lines = group.iter().rev().map(|day| view! { <Day day=day.clone()/> }).collect_view();
        let more = (!one).then(|| {
            let href = query.with("account", first.bank_account_id).href();
            view! { <tr><td colspan=COLUMNS.to_string()><a href=href>{format!("More days of {}", first.account_name)}</a></td></tr> }
        });
        view! { <tbody><GroupRow columns=COLUMNS title/>{lines}{more}</tbody> }
    });
    let groups = groups.collect_view();
    let parts = CashPart::ALL.iter().map(|part| Column::number(part.label()));
    let ends = [Column::number("Closing"), Column::number("Residual"), Column::text("Sequence")];
    let columns = [Column::text("Day"), Column::number("Opening")].into_iter().chain(parts).chain(ends).collect();
    view! {
        <div class="intro"><p>{sentence}</p></div>
        {if days.is_empty() {
            view! { <Empty title="No statement tells of these days" text=format!("From {from} to {until} no imported statement ends. Statements come in on the page Bank accounts.")/> }.into_any()
        } else {
            view! { <DataTable caption="Daily cash proof" note="by account, the latest day first; balances as the banks gave them" columns cards=true>{groups}</DataTable> }.into_any()
        }}
        <Pager shown=format!("{from} to {until}") newer older/>
    }
    .into_any()
}

const COLUMNS: u32 = 11;

/// One sentence: what is left over, and where the row of statements is broken.
fn in_short(days: &[CashDay]) -> String {
    let count = |of: &dyn Fn(&CashDay) -> bool| days.iter().filter(|day| of(day)).count();
    let off = count(&|day| day.residual().is_some_and(|residual| !residual.is_zero()));
    let (unproved, broken) = (count(&|day| day.residual().is_none()), count(&|day| !day.breaks.is_empty()));
    let residual = match off {
        0 => "Nothing is left over on any day that has both balances".to_owned(),
        1 => "One day leaves something over".to_owned(),
        many => format!("{many} days leave something over"),
    };
    let more = [(unproved, "without a balance"), (broken, "with a gap or an overlap")].into_iter().filter(|(count, _)| *count > 0);
    let more: Vec<String> = more.map(|(count, what)| format!("{count} {what}")).collect();
    if more.is_empty() { format!("{residual}.") } else { format!("{residual}; {}.", more.join(", ")) }
}

#[component]
fn Day(day: CashDay) -> AnyView {
    let currency = day.currency.clone();
    // a day of several statements has no one list of lines
    let only = if day.statements.len() == 1 { day.statements.first().copied() } else { None };
    let parts = CashPart::ALL.iter().map(|part| {
        let value = day.amount(*part);
        let figure = match only {
            Some(id) => {
                let href = Query::new(format!("/cash/statements/{id}"), &[("part", part.as_str())]).href();
                view! { <MoneyLink value currency=currency.clone() href/> }.into_any()
            }
            None => view! { <Amount value currency=currency.clone()/> }.into_any(),
        };
        view! { <td class="num" data-label=part.label()>{figure}</td> }
    });
    let parts = parts.collect_view();
    let links = day.statements.iter().enumerate().map(|(place, id)| {
        let text = if place == 0 { day.day.to_string() } else { format!(" and {}", place + 1) };
        view! { <a href=format!("/cash/statements/{id}")>{text}</a> }
    });
    let links = links.collect_view();
    let residual = match day.residual() {
        None => view! { <TieMark tie=Tie::None text="no balance"/> }.into_any(),
        Some(left) if left.is_zero() => view! { <TieMark tie=Tie::Ties text="0.00"/> }.into_any(),
        Some(left) => view! { <TieMark tie=Tie::Off text=money_text(left, &currency)/> }.into_any(),
    };
    let breaks = day.breaks.iter().map(|why| view! { <div><TieMark tie=Tie::Off text=why.clone()/></div> }).collect_view();
    view! {
        <tr>
            <th scope="row" class="nowrap">{links}</th>
            <td class="num" data-label="Opening"><Amount value=day.opening currency=currency.clone()/></td>
            {parts}
            <td class="num" data-label="Closing"><Amount value=day.closing currency/></td>
            <td class="num" data-label="Residual">{residual}</td>
            <td data-label="Sequence">{breaks}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::{BankAccountId, StatementId};
    use rust_decimal::Decimal;

    fn day(closing: Option<i64>, statements: u128) -> CashDay {
        CashDay {
            bank_account_id: BankAccountId(uuid::Uuid::nil()),
            entity_code: "DE".into(),
            account_name: "Operating".into(),
            account_number: "DE89 … 3000".into(),
            currency: "EUR".into(),
            day: "2026-11-03".parse().unwrap(),
            statements: (1..=statements).map(|id| StatementId(uuid::Uuid::from_u128(id))).collect(),
            opening: Some(100.into()),
            closing: closing.map(Decimal::from),
            parts: [(CashPart::Receipt, Decimal::from(50))].into(),
            breaks: Vec::new(),
        }
    }

    #[test]
    fn a_day_says_what_is_left_over_and_its_figures_lead_to_their_lines() {
        let html = |day: CashDay| view! { <table><tbody><Day day/></tbody></table> }.to_html();
        assert!(html(day(Some(150), 1)).contains("?part=receipt\""), "{}", html(day(Some(150), 1)));
        assert!(html(day(Some(151), 1)).contains("1.00 EUR") && html(day(None, 1)).contains("no balance"));
        assert!(!html(day(Some(150), 2)).contains("part="), "two statements have no one list of lines");
        let told = [day(Some(150), 1), day(Some(151), 1), day(None, 1), CashDay { breaks: vec!["gap".into()], ..day(Some(150), 1) }];
        assert_eq!(in_short(&told), "One day leaves something over; 1 without a balance, 1 with a gap or an overlap.");
        assert_eq!(in_short(&told[..1]), "Nothing is left over on any day that has both balances.");
    }
}
