//! What is left of the payment while rows are ticked: the script adds up what the form would send. Without one the server says what does
//! not add up.

use crate::components::{amount::typed, keyboard::all, money_text};
use leptos::{ev, prelude::*, wasm_bindgen::JsCast, web_sys::Element};
use rust_decimal::Decimal;
use web_sys::HtmlInputElement;

/// What the rows come to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sum {
    /// What stays of the payment; negative when more is given than there is.
    Left(Decimal),
    /// An amount that is none, or more than its invoice has open.
    Wrong(String),
}

/// A ticked row: what its item has open, and what the fields say.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ticked {
    /// It is a credit memo that the payer deducted: it gives beside the payment.
    deducted: bool,
    open: Decimal,
    amount: String,
    write_off: String,
}

fn sum(open: Decimal, rows: &[Ticked]) -> Sum {
    let mut left = open;
    for row in rows {
        let Some(amount) = typed(&row.amount).filter(|amount| *amount > Decimal::ZERO) else {
            return Sum::Wrong(format!("“{}” is no amount", row.amount));
        };
        let given_up = if row.write_off.trim().is_empty() { Some(Decimal::ZERO) } else { typed(&row.write_off) };
        let Some(given_up) = given_up else { return Sum::Wrong(format!("“{}” is no amount", row.write_off)) };
        if amount + given_up > row.open {
            return Sum::Wrong(format!("{} is more than the item has open", domain::money::grouped(amount + given_up)));
        }
        left += if row.deducted { amount } else { -amount };
    }
    Sum::Left(left)
}

fn words(sum: &Sum, rows: usize, currency: &str) -> String {
    match sum {
        Sum::Wrong(what) => what.clone(),
        Sum::Left(left) if rows == 0 => format!("{} to give", money_text(*left, currency)),
        Sum::Left(left) if left.is_zero() => "Nothing is left: it adds up".to_owned(),
        Sum::Left(left) if *left < Decimal::ZERO => format!("{} more than there is", money_text(-*left, currency)),
        Sum::Left(left) => format!("{} left, stays unapplied", money_text(*left, currency)),
    }
}

fn field(row: &Element, part: &str) -> Option<HtmlInputElement> {
    row.query_selector(&format!("[data-part={part}]")).ok()??.dyn_into().ok()
}

fn open_of(row: &Element) -> Decimal {
    row.get_attribute("data-open").and_then(|open| open.parse().ok()).unwrap_or_default()
}

fn is_deducted(row: &Element) -> bool {
    row.has_attribute("data-deducted")
}

fn ticked() -> Vec<Ticked> {
    let rows = all("#apply tr[data-open]");
    let is_taken = |row: &&Element| field(row, "take").is_some_and(|tick| tick.checked());
    let value = |row: &Element, part| field(row, part).map(|input| input.value()).unwrap_or_default();
    let ticked = rows.iter().filter(is_taken);
    let read = |row: &Element| Ticked {
        deducted: is_deducted(row),
        open: open_of(row),
        amount: value(row, "amount"),
        write_off: value(row, "write_off"),
    };
    ticked.map(read).collect()
}

/// A row that was just ticked gets no more than is left.
fn fill(tick: &HtmlInputElement, open: Decimal) {
    let Some(row) = tick.closest("tr[data-open]").ok().flatten().filter(|row| !is_deducted(row)) else { return };
    let Some(amount) = field(&row, "amount").filter(|amount| typed(&amount.value()) == Some(open_of(&row))) else { return };
    tick.set_checked(false);
    let before = sum(open, &ticked());
    tick.set_checked(true);
    if let Sum::Left(left) = before
        && left > Decimal::ZERO
        && left < open_of(&row)
    {
        amount.set_value(&left.to_string());
    }
}

/// `open`: what is open of the payment.
#[island]
pub fn Left(open: String, currency: String) -> impl IntoView {
    let whole: Decimal = open.parse().unwrap_or_default();
    let rows = RwSignal::new(Vec::<Ticked>::new());
    Effect::new(move |_| {
        // what was ticked before this ran counts too
        rows.set(ticked());
        let changed = window_event_listener(ev::input, move |event| {
            let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else { return };
            if input.closest("#apply").ok().flatten().is_none() {
                return;
            }
            if input.type_() == "checkbox" && input.checked() {
                fill(&input, whole);
            }
            rows.set(ticked());
        });
        on_cleanup(move || changed.remove());
    });
    let total = move || rows.with(|rows| sum(whole, rows));
    let class = move || match total() {
        Sum::Left(left) if left < Decimal::ZERO => "left is-off",
        Sum::Left(left) if left.is_zero() => "left is-ties",
        Sum::Left(_) => "left",
        Sum::Wrong(_) => "left is-off",
    };
    view! { <p class=class role="status">{move || words(&total(), rows.with(Vec::len), &currency)}</p> }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(open: i64, amount: &str, write_off: &str) -> Ticked {
        Ticked { deducted: false, open: open.into(), amount: amount.into(), write_off: write_off.into() }
    }

    fn said(rows: &[Ticked]) -> String {
        words(&sum(100.into(), rows), rows.len(), "EUR")
    }

    #[test]
    fn the_residual_runs_with_what_is_ticked() {
        assert_eq!(said(&[]), "100.00 EUR to give");
        assert_eq!(said(&[row(60, "60.00", "")]), "40.00 EUR left, stays unapplied");
        assert_eq!(said(&[row(60, "60.00", ""), row(43, "40", "3.00")]), "Nothing is left: it adds up");
        assert_eq!(said(&[row(120, "120", "")]), "20.00 EUR more than there is");
        let memo = Ticked { deducted: true, ..row(20, "20", "") };
        assert_eq!(said(&[row(120, "120", ""), memo]), "Nothing is left: it adds up", "the payer deducted the credit memo");
    }

    #[test]
    fn what_no_invoice_can_take_is_said() {
        assert_eq!(said(&[row(50, "50", "1")]), "51 is more than the item has open");
        assert_eq!(said(&[row(50, "12,50", "")]), "“12,50” is no amount");
        assert_eq!(said(&[row(5000, "1,250.00", "")]), "1,150.00 EUR more than there is");
    }
}
