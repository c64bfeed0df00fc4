//! The payment itself: how much, from whom, and everything the bank said of it.

use super::payer;
use crate::{
    components::{Amount, Fact, Facts, StageBadge, money_text},
    pages::cash::{StatusBadge, age, customer_href},
};
use chrono::NaiveDate;
use domain::{
    receivable::{BankLine, CreditView},
    stage::DocumentKind,
};
use leptos::prelude::*;

/// `back`: the list, for a phone.
#[component]
pub fn Credit(credit: CreditView, today: NaiveDate, back: String) -> AnyView {
    let CreditView { item, line } = credit;
    let from = if item.kind == DocumentKind::Payment { "from" } else { "of" };
    let title = format!("{} {from} {}", money_text(item.amount, &item.currency), payer(&item));
    let came = format!(
        "{} {} · {}, {}",
        item.entity_code,
        item.kind.label().to_lowercase(),
        item.aged_from,
        age(item.kind, item.aged_from, today)
    );
    let customer = match item.customer_code.as_str() {
        "" => view! { <span>"not known"</span> }.into_any(),
        code => view! { <a href=customer_href(&item.entity_code, code) data-command="Customer’s account">{code.to_owned()}</a> }.into_any(),
    };
    let href = format!("/documents/{}", item.document_id);
    let account = line.clone().map(|line| view! { <Account line/> });
    let said = line.map(|line| view! { <Said line/> });
    view! {
        <section class="card pane" aria-labelledby="credit">
            <p class="to-list"><a href=back>"← All payments"</a></p>
            <div class="pane-head">
                <div><h2 id="credit">{title}</h2><small><a href=href>{item.number}</a>" · "{came}</small></div>
                <div class="line"><StatusBadge kind=item.kind status=item.status/><StageBadge place=item.stage/></div>
            </div>
            <Facts>
                <Fact label="Open"><b><Amount value=item.open currency=item.currency.clone() code=true/></b></Fact>
                <Fact label="Customer">{customer}</Fact>
                {account}
            </Facts>
            {said}
        </section>
    }
    .into_any()
}

#[component]
fn Account(line: BankLine) -> AnyView {
    let statement = format!("/cash/statements/{}", line.statement_id);
    let value = line.value_on.map(|day| format!(", value {day}"));
    view! {
        <Fact label="Came to"><a href=statement>{line.account_name}</a>" "<small class="nowrap">{line.account_number}</small></Fact>
        <Fact label="Booked">{line.booked_on.to_string()}{value}</Fact>
        <Fact label="Payer’s account">{line.payer_account.unwrap_or_else(|| "not told".to_owned())}</Fact>
    }
    .into_any()
}

/// The bank's words, as they are.
#[component]
fn Said(line: BankLine) -> AnyView {
    let references = line.references.into_iter().map(|reference| view! { <code>{reference}</code>" " }).collect::<Vec<_>>();
    let references = (!references.is_empty()).then(|| view! { <p><small>"References "</small>{references}</p> });
    let payer = line.payer_name.map(|name| view! { <b>{name}</b>" " });
    let text = if line.text.is_empty() { "The payer wrote nothing.".to_owned() } else { line.text };
    view! { <div class="said"><p>{payer}{text}</p>{references}</div> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::tests::{day, item},
        *,
    };
    use domain::id::StatementId;

    #[test]
    fn the_bank_s_words_stand_beside_the_payment_as_they_are() {
        let line = BankLine {
            statement_id: StatementId(uuid::Uuid::nil()),
            account_name: "Operating".into(),
            account_number: "DE89 … 3000".into(),
            booked_on: day("2026-10-31"),
            value_on: None,
            payer_name: Some("Brook Data Inc".into()),
            payer_account: None,
            text: "INV-7 <less fee>".into(),
            references: vec!["RF18539007547034".into()],
        };
        let credit = CreditView { item: item(1, DocumentKind::Payment, 60), line: Some(line) };
        let html = view! { <Credit credit today=day("2026-11-10") back="/cash/workbench".to_owned()/> }.to_html();
        for part in ["100.00 EUR from Acme", "60.00", "10 d", "INV-7 &lt;less fee&gt;", "RF18539007547034", "not told", "DE89 … 3000"] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }
}
