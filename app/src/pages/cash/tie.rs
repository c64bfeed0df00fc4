//! The AR tie: what is open here, as far as the ERP holds it, against the ERP's subledger; what explains the difference, and days sales
//! outstanding.

use super::customer_href;
use crate::{
    api::receivables::{CUSTOMERS, TieView},
    components::{Amount, Column, DataTable, GroupRow, Query, TieMark, Time, money_text},
};
use domain::{
    checkpoint::Tie,
    posting::ErpKind,
    receivable::{ArTie, CustomerDifference, DirectPosting, Dso},
    stage::Side,
};
use leptos::prelude::*;

#[component]
pub fn ArTies(view: TieView) -> AnyView {
    let TieView { ties, direct, customers, dso, dso_days } = view;
    let Some(compared_at) = ties.iter().map(|tie| tie.compared_at).min() else {
        return view! { <p class="muted">"The AR tie is not assessed yet: nothing was read back from an ERP."</p> }.into_any();
    };
    let groups = ties.chunk_by(|left, right| left.entity_id == right.entity_id).map(|group| {
        let title = group[0].entity_code.clone();
        let lines = group.iter().map(|tie| view! { <TieLine tie=tie.clone() days=days(&dso, tie, dso_days)/> }).collect_view();
        view! { <tbody><GroupRow columns=10 title/>{lines}</tbody> }
    });
    let groups = groups.collect_view();
    let columns = vec![
        Column::text("Currency"),
        Column::number("Invoices"),
        Column::number("Credit memos"),
        Column::number("Money"),
        Column::number("Crossing"),
        Column::number("AR here"),
        Column::number("Other hands"),
        Column::number("Subledger"),
        Column::text("Tie"),
        Column::number("DSO"),
    ];
    let note = format!(
        "of what the ERP holds; money: unapplied and on account; crossing: applied to what the ERP does not hold yet; DSO over {dso_days} days"
    );
    view! {
        <DataTable caption="AR tie" note columns cards=true wide=true>{groups}</DataTable>
        <p class="muted beside-it">
            {beside(&ties)}" Compared "<Time at=compared_at/>". The ERP's GL balance and revaluation are not read, so the tie ends at the subledger."
        </p>
        {(!direct.is_empty()).then(|| view! { <Direct direct/> })}
        {(!customers.is_empty()).then(|| view! { <Customers customers/> })}
    }
    .into_any()
}

fn days(dso: &[Dso], tie: &ArTie, of: i64) -> Option<String> {
    let of_line = dso.iter().find(|dso| dso.entity_code == tie.entity_code && dso.currency == tie.currency)?;
    Some(of_line.days(of).to_string())
}

#[component]
fn TieLine(tie: ArTie, #[prop(optional_no_strip)] days: Option<String>) -> AnyView {
    let money = |label: &'static str, value| view! { <td class="num" data-label=label><Amount value currency=tie.currency.clone()/></td> };
    let difference = tie.difference();
    let breaks = Query::new("/reconciliation", &[("entity", &tie.entity_code)]).href();
    let (mark, words) = if difference.is_zero() {
        (Tie::Ties, "ties".to_owned())
    } else {
        (Tie::Off, format!("off by {}", money_text(difference, &tie.currency)))
    };
    view! {
        <tr>
            <th scope="row">{tie.currency.clone()}</th>
            {money("Invoices", tie.invoices)}
            {money("Credit memos", -tie.credit_memos)}
            {money("Money", -tie.receipts)}
            {money("Crossing", tie.crossing)}
            {money("AR here", tie.ours())}
            {money("Other hands", tie.direct)}
            {money("Subledger", tie.subledger)}
            <td data-label="Tie"><a href=breaks><TieMark tie=mark text=words/></a></td>
            <td class="num" data-label="DSO">{days.unwrap_or_else(|| "–".to_owned())}</td>
        </tr>
    }
    .into_any()
}

/// What stands beside the tie, never inside.
fn beside(ties: &[ArTie]) -> String {
    let of = |what: &str, part: fn(&ArTie) -> rust_decimal::Decimal| {
        let mut sums = std::collections::BTreeMap::<&str, rust_decimal::Decimal>::new();
        ties.iter().for_each(|tie| *sums.entry(tie.currency.as_str()).or_default() += part(tie));
        let sums: Vec<String> =
            sums.into_iter().filter(|(_, sum)| !sum.is_zero()).map(|(currency, sum)| money_text(sum, currency)).collect();
        if sums.is_empty() { format!("{what}: none.") } else { format!("{what}: {}.", sums.join(", ")) }
    };
    format!("Beside it: {} {}", of("issued and not in the ERP", |tie| tie.not_posted), of("Of unknown payers", |tie| tie.unidentified))
}

/// Journals and documents that others entered: expected to be none.
#[component]
fn Direct(direct: Vec<DirectPosting>) -> AnyView {
    let rows = direct.into_iter().map(|posting| {
        let kind = match posting.kind {
            ErpKind::JournalDebit | ErpKind::JournalCredit => "journal",
            ErpKind::Invoice => "invoice",
            ErpKind::CreditMemo => "credit memo",
            ErpKind::Payment => "payment",
            ErpKind::MoneyBack => "money that went back",
            ErpKind::CashApplication | ErpKind::ApplicationReversal => "application",
        };
        let signed = if posting.kind.side() == Some(Side::Credit) { -posting.total } else { posting.total };
        view! {
            <tr>
                <th scope="row">{posting.erp_number}</th>
                <td data-label="Entity">{posting.entity_code}</td>
                <td data-label="Kind">{kind}</td>
                <td data-label="Posting date" class="nowrap">{posting.posting_date.to_string()}</td>
                <td class="num" data-label="In AR"><Amount value=signed currency=posting.currency code=true/></td>
            </tr>
        }
    });
    let columns =
        vec![Column::text("Number"), Column::text("Entity"), Column::text("Kind"), Column::text("Posting date"), Column::number("In AR")];
    view! {
        <DataTable caption="By other hands" note="in the ERP's AR and not issued here; expected to be none" columns cards=true>
            <tbody>{rows.collect_view()}</tbody>
        </DataTable>
    }
    .into_any()
}

/// Balances of customers here and in the ERP, where they are not the same.
#[component]
fn Customers(customers: Vec<CustomerDifference>) -> AnyView {
    let shown = i64::try_from(customers.len()).unwrap_or(i64::MAX);
    let first = if shown < CUSTOMERS { String::new() } else { format!("the first {shown}; ") };
    let rows = customers.into_iter().map(|customer| {
        let CustomerDifference { entity_code, currency, customer_code, ours, theirs } = customer;
        let account = customer_href(&entity_code, &customer_code);
        let name = if customer_code.is_empty() {
            view! { <span>"no customer"</span> }.into_any()
        } else if ours.is_zero() {
            view! { <span>{customer_code}</span> }.into_any()
        } else {
            view! { <a href=account>{customer_code}</a> }.into_any()
        };
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td data-label="Entity">{entity_code}</td>
                <td class="num" data-label="Here"><Amount value=ours currency=currency.clone() code=true/></td>
                <td class="num" data-label="In the ERP"><Amount value=theirs currency=currency.clone() code=true/></td>
                <td class="num" data-label="Difference"><Amount value=ours - theirs currency code=true/></td>
            </tr>
        }
    });
    let columns = vec![
        Column::text("Customer"),
        Column::text("Entity"),
        Column::number("Here"),
        Column::number("In the ERP"),
        Column::number("Difference"),
    ];
    let note = format!("{first}issued less credited and received, against the ERP's AR; what is on its way differs until it is read back");
    view! {
        <DataTable caption="Customers whose balance differs" note columns cards=true><tbody>{rows.collect_view()}</tbody></DataTable>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    fn tie(subledger: i64, direct: i64) -> ArTie {
        ArTie {
            entity_id: domain::id::EntityId(uuid::Uuid::nil()),
            entity_code: "DE".into(),
            currency: "EUR".into(),
            compared_at: chrono::DateTime::UNIX_EPOCH,
            invoices: 100.into(),
            credit_memos: 10.into(),
            receipts: 5.into(),
            crossing: Decimal::ZERO,
            not_posted: 7.into(),
            unidentified: Decimal::ZERO,
            subledger: subledger.into(),
            direct_count: 1,
            direct: direct.into(),
        }
    }

    #[test]
    fn a_tie_holds_when_ours_and_what_others_entered_are_the_subledger() {
        let html = |tie: ArTie| view! { <table><tbody><TieLine tie days=Some("41".to_owned())/></tbody></table> }.to_html();
        assert!(html(tie(97, 12)).contains("ties"));
        assert!(html(tie(96, 12)).contains("off by (1.00)"), "{}", html(tie(96, 12)));
        assert_eq!(beside(&[tie(97, 12)]), "Beside it: issued and not in the ERP: 7.00 EUR. Of unknown payers: none.");
    }
}
