//! Applying by hand: open invoices of a customer, each with a tick, an amount, and what is given up beside it.

use super::{WHOSE, left::Left, suggestions::new_payer};
use crate::{
    components::{Amount, Column, DataTable, Field, Query, Submit, TextField, amount::plain},
    pages::cash::{BackTo, StatusBadge, age, customer_href},
};
use chrono::NaiveDate;
use domain::{
    id::DocumentId,
    receivable::{OpenItemRow, OpenStatus, SuggestionView, WriteOffReason},
    stage::DocumentKind,
};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// A row of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    id: DocumentId,
    /// A credit memo: it gives beside the payment.
    deducted: bool,
    number: String,
    due: NaiveDate,
    open: Decimal,
    disputed: bool,
    taken: bool,
    amount: Decimal,
    write_off: Option<(WriteOffReason, Decimal)>,
}

/// What the suggestion takes stands first, ticked and filled in; then the other invoices.
fn rows(candidates: Vec<OpenItemRow>, prefilled: Option<SuggestionView>) -> Vec<Row> {
    let reason = prefilled.as_ref().and_then(|suggestion| suggestion.write_off);
    let parts = prefilled.map(|suggestion| suggestion.parts).unwrap_or_default();
    let taken = parts.iter().map(|part| Row {
        id: part.document_id,
        deducted: part.kind == DocumentKind::CreditMemo,
        number: part.number.clone(),
        due: part.due,
        open: part.open,
        disputed: candidates.iter().any(|item| item.document_id == part.document_id && item.status == OpenStatus::Disputed),
        taken: true,
        amount: part.amount,
        write_off: reason.filter(|_| !part.write_off.is_zero()).map(|reason| (reason, part.write_off)),
    });
    let mut rows: Vec<Row> = taken.collect();
    let others = candidates.into_iter().filter(|item| parts.iter().all(|part| part.document_id != item.document_id));
    rows.extend(others.map(|item| Row {
        id: item.document_id,
        deducted: item.kind == DocumentKind::CreditMemo,
        number: item.number,
        due: item.aged_from,
        open: item.open,
        disputed: item.status == OpenStatus::Disputed,
        taken: false,
        amount: item.open,
        write_off: None,
    }));
    rows
}

#[component]
pub fn Candidates(
    item: OpenItemRow,
    #[prop(optional_no_strip)] customer: Option<String>,
    /// What was asked for, as it was typed.
    #[prop(optional_no_strip)]
    whose: Option<String>,
    candidates: Vec<OpenItemRow>,
    more: bool,
    #[prop(optional_no_strip)] prefilled: Option<SuggestionView>,
    #[prop(optional_no_strip)] may_not: Option<String>,
    today: NaiveDate,
    query: Query,
) -> AnyView {
    let name = candidates.first().map(|item| item.customer_name.clone());
    let rows = rows(candidates, prefilled);
    let title = match (&customer, name) {
        (Some(code), Some(name)) => {
            let href = customer_href(&item.entity_code, code);
            view! { "Open invoices of "<a href=href>{name}</a>" "<small>{code.clone()}</small> }.into_any()
        }
        _ => "Open invoices".into_any(),
    };
    let form = if rows.is_empty() {
        let said = match &customer {
            Some(code) => format!("{code} has no open invoice in {} and {}.", item.entity_code, item.currency),
            None => "Nobody knows yet who paid. Look for a customer, or for an invoice that the text may mean.".to_owned(),
        };
        view! { <p class="muted">{said}</p> }.into_any()
    } else {
        let payer = new_payer(&item, customer.as_deref());
        view! { <Form item=item.clone() rows payer may_not back=query.here_without(super::FROM).href() today/> }.into_any()
    };
    view! {
        <section class="card pane by-hand" id="by-hand" aria-labelledby="by-hand-title">
            <div class="pane-head">
                <h2 id="by-hand-title">{title}</h2>
                <form class="whose" method="get" action=query.path().to_owned() role="search" aria-label="Whose invoices">
                    {query.hidden(&[WHOSE, super::FROM])}
                    <Field name=WHOSE label="Customer or invoice number" value=whose.unwrap_or_default()/>
                    <button type="submit">"Look"</button>
                </form>
            </div>
            {form}
            {more.then(|| view! { <p class="muted">"The oldest are listed; look for a number to see a younger one’s account."</p> })}
        </section>
    }
    .into_any()
}

#[component]
fn Form(
    item: OpenItemRow,
    rows: Vec<Row>,
    #[prop(optional_no_strip)] payer: Option<String>,
    #[prop(optional_no_strip)] may_not: Option<String>,
    back: String,
    today: NaiveDate,
) -> AnyView {
    let said = payer.as_ref().map(|code| view! { <p class="muted">{format!("Whoever applies it says that {code} paid it.")}</p> });
    let currency = item.currency.clone();
    let lines = rows.into_iter().enumerate().map(|(row, of)| view! { <Line row of currency=currency.clone() today/> }).collect_view();
    let columns = vec![
        Column::text(""),
        Column::text("Invoice"),
        Column::text("Due"),
        Column::number("Open"),
        Column::text("Give"),
        Column::text("Write off"),
        Column::text("As"),
    ];
    view! {
        <form method="post" action="/fn/apply_cash" id="apply">
            <BackTo href=back/>
            <input type="hidden" name="credit" value=item.document_id.to_string()/>
            {payer.map(|code| view! { <input type="hidden" name="payer" value=code/> })}
            <DataTable caption="Give it to" note=format!("in {currency}; only what is ticked counts") columns cards=true><tbody>{lines}</tbody></DataTable>
            <div class="apply">
                {said}
                <Left open=plain(item.open, &currency) currency/>
                <TextField name="reason" label="Because" hint="for the auditor" required=true/>
                <div class="actions"><Submit text="Apply what is ticked" primary=true why_not=may_not/><small>"Above your limit an approver is asked."</small></div>
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn Line(row: usize, of: Row, currency: String, today: NaiveDate) -> AnyView {
    let name = |field: &str| format!("rows[{row}][{field}]");
    let label = |what: &str| format!("{what} {}", of.number);
    let (reason, given_up) = of.write_off.map_or(("", String::new()), |(reason, amount)| (reason.as_str(), plain(amount, &currency)));
    let reasons = WriteOffReason::SHORT_PAY.iter().map(|why| {
        view! { <option value=why.as_str() selected=why.as_str() == reason>{why.label()}</option> }
    });
    let reasons = reasons.collect_view();
    let give = if of.deducted { "Deduct" } else { "Give to" };
    let written_off = if of.deducted {
        view! { <td colspan="2"><input type="hidden" name=name("deduct") value="true"/><small>"credit memo: deducted from what the others get"</small></td> }.into_any()
    } else {
        view! {
            <td data-label="Write off"><input class="money-field" name=name("write_off") value=given_up inputmode="decimal" autocomplete="off" data-part="write_off" aria-label=label("Write off of")/></td>
            <td data-label="As"><select name=name("why") aria-label=label("Write off as, of")><option value="">"–"</option>{reasons}</select></td>
        }
        .into_any()
    };
    let disputed =
        of.disputed.then(|| view! { <small class="below"><StatusBadge kind=DocumentKind::Invoice status=OpenStatus::Disputed/></small> });
    view! {
        <tr class="two-line" data-open=plain(of.open, &currency) data-deducted=of.deducted.then_some("true")>
            <td class="tick"><input type="checkbox" name=name("take") value="true" autocomplete="off" checked=of.taken data-part="take" aria-label=label("Take")/></td>
            <th scope="row">
                <a href=format!("/documents/{}", of.id)>{of.number.clone()}</a>{disputed}
                <input type="hidden" name=name("debit") value=of.id.to_string()/>
                <input type="hidden" name=name("number") value=of.number.clone()/>
            </th>
            <td class="nowrap" data-label="Due">{of.due.to_string()}<small class="below">{age(DocumentKind::Invoice, of.due, today)}</small></td>
            <td class="num" data-label="Open"><Amount value=of.open currency=currency.clone()/></td>
            <td data-label="Give"><input class="money-field" name=name("amount") value=plain(of.amount, &currency) inputmode="decimal" autocomplete="off" data-part="amount" aria-label=label(give)/></td>
            {written_off}
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::tests::{day, item},
        *,
    };
    use domain::receivable::SuggestedPart;

    fn suggestion(id: u128) -> SuggestionView {
        let found = item(id, DocumentKind::Invoice, 100);
        let part = SuggestedPart {
            document_id: found.document_id,
            number: found.number,
            kind: found.kind,
            due: found.aged_from,
            open: found.open,
            amount: 97.into(),
            write_off: 3.into(),
        };
        SuggestionView {
            title: String::new(),
            customer: None,
            parts: vec![part],
            residual: (-3).into(),
            residual_reason: String::new(),
            write_off: Some(WriteOffReason::BankFee),
            score: 70,
            evidence: Vec::new(),
            against: Vec::new(),
            why_not: None,
        }
    }

    #[test]
    fn a_suggestion_that_is_changed_stands_first_and_once() {
        let open = [1, 2].map(|id| item(id, DocumentKind::Invoice, 100)).to_vec();
        let rows = rows(open, Some(suggestion(2)));
        assert_eq!(rows.iter().map(|row| (row.number.as_str(), row.taken)).collect::<Vec<_>>(), [("N-2", true), ("N-1", false)]);
        assert_eq!((rows[0].amount, rows[0].write_off), (97.into(), Some((WriteOffReason::BankFee, 3.into()))));
    }

    #[test]
    fn a_credit_memo_is_deducted_and_gives_nothing_up() {
        let row = rows(vec![item(5, DocumentKind::CreditMemo, 60)], None).remove(0);
        let html = view! { <table><tbody><Line row=0 of=row currency="EUR".to_owned() today=day("2026-11-10")/></tbody></table> }.to_html();
        assert!(html.contains("name=\"rows[0][deduct]\" value=\"true\"") && html.contains("data-deducted"), "{html}");
        assert!(!html.contains("write_off") && html.contains("aria-label=\"Deduct N-5\""), "{html}");
    }

    #[test]
    fn every_field_of_a_row_is_named_by_its_invoice() {
        let row = rows(vec![item(4, DocumentKind::Invoice, 60)], None).remove(0);
        let html = view! { <table><tbody><Line row=3 of=row currency="EUR".to_owned() today=day("2026-11-10")/></tbody></table> }.to_html();
        for part in ["rows[3][take]", "rows[3][amount]", "aria-label=\"Give to N-4\"", "aria-label=\"Write off of N-4\"", "value=\"60.00\""]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("checked"), "{html}");
    }
}
