//! How much the rules applied without a person: four rates, each with its counts, because one alone would flatter.

use crate::{
    api::receivables::RATE_DAYS,
    components::{Column, DataTable, amount::percent, money_text},
};
use domain::{money::grouped, receivable::MatchRates};
use leptos::prelude::*;
use rust_decimal::{Decimal, prelude::ToPrimitive};

#[component]
pub fn Rates(rates: Vec<MatchRates>) -> AnyView {
    let columns = vec![
        Column::text("Currency"),
        Column::number("Payments"),
        Column::number("Straight-through"),
        Column::number("Value"),
        Column::number("Items"),
    ];
    let none = rates.iter().all(|rates| rates.lines == 0);
    let lines = rates.into_iter().filter(|rates| rates.lines > 0).map(|rates| view! { <Line rates/> }).collect_view();
    let none =
        none.then(|| view! { <tr><td colspan="5" class="muted">"No data yet: the rules have not seen a payment in this time."</td></tr> });
    let note = format!("of the payments that came in the last {RATE_DAYS} days; straight-through: applied in full, nothing left over");
    view! {
        <DataTable caption="Applied by the rules, without a person" note columns cards=true><tbody>{lines}{none}</tbody></DataTable>
    }
    .into_any()
}

#[component]
fn Line(rates: MatchRates) -> AnyView {
    let currency = rates.currency.clone();
    let of = |part: i64, whole: i64| (percent(part, whole), format!("{} of {}", grouped(part.into()), grouped(whole.into())));
    let value = format!("{} of {}", money_text(rates.applied, &currency), money_text(rates.received, &currency));
    let cells = [
        ("Payments", of(rates.confirmed, rates.lines)),
        ("Straight-through", of(rates.in_full, rates.lines)),
        ("Value", (share(rates.applied, rates.received), value)),
        ("Items", of(rates.items_by_rules, rates.items)),
    ];
    let cells = cells.map(|(label, (share, counts))| {
        view! { <td class="num" data-label=label><span class="amount">{share}</span><small class="below">{counts}</small></td> }
    });
    view! { <tr class="two-line"><th scope="row">{currency}</th>{Vec::from(cells)}</tr> }.into_any()
}

/// A share of money; rounds towards zero, so that 100.0 % means all of it.
fn share(part: Decimal, whole: Decimal) -> String {
    if whole <= Decimal::ZERO {
        return "n/a".to_owned();
    }
    let per_mille = (part * Decimal::ONE_THOUSAND / whole).trunc().to_i64().unwrap_or_default();
    percent(per_mille, 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rate_stands_beside_its_counts() {
        let rates = MatchRates {
            currency: "EUR".into(),
            lines: 6720,
            confirmed: 6525,
            in_full: 6400,
            items: 9000,
            items_by_rules: 8100,
            received: 100.into(),
            applied: "99.99".parse().unwrap(),
        };
        let html = view! { <Rates rates=vec![rates]/> }.to_html();
        for part in ["97.0 %", "6,525 of 6,720", "95.2 %", "99.9 %", "99.99 EUR of 100.00 EUR", "90.0 %"] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn without_a_run_there_is_no_rate() {
        let html = view! { <Rates rates=vec![MatchRates { currency: "EUR".into(), ..MatchRates::default() }]/> }.to_html();
        assert!(html.contains("No data yet") && !html.contains('%'), "{html}");
    }
}
