//! The five figures. Documents can be added over currencies, money can't: with one currency the amount is loud, with
//! several the number of documents is, and the amounts stand below it.

use super::issued_here;
use crate::{
    api::home::FinanceView,
    components::{Amount, Count, Figure, Figures, Percent, Query, Tone, age, counted},
};
use chrono::{DateTime, Utc};
use domain::{
    home::TIMELY_MINUTES,
    money::grouped,
    stage::{Stage, StageGroup},
    view::{MatrixRow, StageMoney},
};
use leptos::prelude::*;

/// Numbers of documents.
pub fn issued_and_open(matrix: &[(String, MatrixRow)]) -> (i64, i64) {
    let cells = || matrix.iter().flat_map(|(_, row)| &row.stages);
    let sum = |of: fn(Stage) -> bool| cells().filter(|cell| of(cell.stage)).map(|cell| cell.count).sum();
    (sum(Stage::is_issued), sum(Stage::awaits_confirmation))
}

/// Per currency, invoices and credit memos gross.
fn open_money(matrix: &[(String, MatrixRow)]) -> Vec<StageMoney> {
    let open = matrix.iter().flat_map(|(_, row)| {
        let cells = row.stages.iter().filter(|cell| cell.stage.awaits_confirmation() && cell.count > 0);
        cells.map(|cell| StageMoney { currency: row.currency.clone(), count: cell.count, amount: cell.amount })
    });
    let mut sums = StageMoney::per_currency(open);
    sums.sort_by(|left, right| left.currency.cmp(&right.currency));
    sums
}

#[component]
fn Money(money: Vec<StageMoney>, noun: &'static str) -> AnyView {
    match money.as_slice() {
        [] => view! { <Count value=0/> }.into_any(),
        [one] => view! { <Amount value=one.amount currency=one.currency.clone() code=true/> }.into_any(),
        many => {
            let count: i64 = many.iter().map(|sum| sum.count).sum();
            let lines: Vec<_> =
                many.iter().map(|sum| view! { <span><Amount value=sum.amount currency=sum.currency.clone() code=true/></span> }).collect();
            let noun = format!("{noun}s");
            view! { <Count value=count/>" "<span class="unit">{noun}</span><span class="moneys">{lines}</span> }.into_any()
        }
    }
}

/// The number belongs beside the amounts unless it is the loud one.
fn with_count(money: &[StageMoney], noun: &str, rest: String) -> String {
    let number: i64 = money.iter().map(|sum| sum.count).sum();
    match money.len() {
        1 => format!("{} · {rest}", counted(number, noun)),
        _ => rest,
    }
}

#[component]
pub fn KeyFigures(finance: FinanceView, now: DateTime<Utc>, query: Query) -> AnyView {
    let (issued, open) = issued_and_open(&finance.matrix);
    let confirmed: i64 = finance.matrix.iter().map(|(_, row)| row.count_in(Stage::Confirmed)).sum();
    let money = open_money(&finance.matrix);
    let open_note = if open == 0 {
        "everything issued is confirmed or closed".to_owned()
    } else {
        with_count(&money, "document", format!("of {} issued", grouped(issued.into())))
    };
    let oldest = finance.oldest.map_or_else(|| "nothing needs a person".to_owned(), |since| format!("oldest {}", age(since, now)));
    let exception_note = with_count(&finance.in_exception, "document", oldest);
    let (measured, timely) = finance.flow.timeliness();
    let timely_note = match (finance.flow.counted_at, measured) {
        (None, _) => "not counted yet".to_owned(),
        (Some(_), 0) => "nothing came in for 31 days".to_owned(),
        (Some(_), measured) => format!("of {} that came in, 31 days", grouped(measured.into())),
    };
    let tone = if finance.in_exception.is_empty() { Tone::Ties } else { Tone::Off };
    view! {
        <Figures>
            <Figure label="Not yet confirmed in the ERP" href=issued_here(&query).with("stage", StageGroup::NotConfirmed).href() note=open_note
                definition="Gross amount of issued documents, credit memos added and not netted, that are neither read back equal nor closed by people.">
                <Money money noun="document"/>
            </Figure>
            <Unreconciled finance=finance.clone() query=query.clone()/>
            <Figure label="Amount in exception" href=query.at("/exceptions").href() note=exception_note tone
                definition="Gross amount of documents with an open exception: refused before or by the ERP, or different there.">
                <Money money=finance.in_exception noun="document"/>
            </Figure>
            <Figure label=format!("Posted within {TIMELY_MINUTES} minutes") href="#flow" note=timely_note
                definition="Share of the documents accepted at import in the last 31 days that had an ERP document number 15 minutes later. Rounded down.">
                <Percent part=timely whole=measured/>
            </Figure>
            <Figure label="Documents confirmed" href=issued_here(&query).with("stage", Stage::Confirmed).href()
                note=format!("{} of {} issued", grouped(confirmed.into()), grouped(issued.into()))
                definition="Share of the issued documents that were read back from the ERP and found equal. Rounded down.">
                <Percent part=confirmed whole=issued/>
            </Figure>
        </Figures>
    }
    .into_any()
}

/// What was never compared is not zero.
#[component]
fn Unreconciled(finance: FinanceView, query: Query) -> AnyView {
    let found = finance.unreconciled;
    let entities = if found.entities == 1 { "1 entity".to_owned() } else { format!("{} entities", found.entities) };
    let assessed = format!("{} of {entities} assessed", found.assessed);
    let (note, tone) = match (found.assessed, found.money.is_empty()) {
        (0, true) => ("not assessed yet".to_owned(), Tone::None),
        (_, true) => (format!("ties · {assessed}"), if found.assessed == found.entities { Tone::Ties } else { Tone::None }),
        (_, false) => (with_count(&found.money, "break", assessed), if found.money.len() == 1 { Tone::Off } else { Tone::None }),
    };
    view! {
        <Figure label="Unreconciled difference" href=query.at("/reconciliation").href() note tone
            definition="Open breaks of checkpoint 3, issued against read back, that are not timing. Absolute: +100 and −100 are 200.">
            {if found.assessed == 0 && found.money.is_empty() {
                view! { <Count value=None/> }.into_any()
            } else {
                view! { <Money money=found.money noun="break"/> }.into_any()
            }}
        </Figure>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::batches::tests::row;

    fn money(currency: &str, count: i64, amount: i64) -> StageMoney {
        StageMoney { currency: currency.into(), count, amount: amount.into() }
    }

    #[test]
    fn what_is_open_is_issued_and_neither_confirmed_nor_closed() {
        let stages = [
            (Stage::Confirmed, 5, 500),
            (Stage::Exception, 2, 20),
            (Stage::Rejected, 1, 7),
            (Stage::Resolved, 1, 9),
            (Stage::Posted, 1, 4),
        ];
        let matrix = vec![("DE".to_owned(), row("EUR", 10, 540, &stages)), ("US".to_owned(), row("EUR", 1, 3, &[(Stage::Queued, 1, 3)]))];
        assert_eq!(issued_and_open(&matrix), (10, 4));
        assert_eq!(open_money(&matrix), [money("EUR", 4, 27)]);
    }

    #[test]
    fn money_of_several_currencies_is_listed_and_never_added() {
        let one = view! { <Money money=vec![money("EUR", 2, 20)] noun="document"/> }.to_html();
        assert!(one.contains("20.00") && one.contains("EUR"), "{one}");
        let two = view! { <Money money=vec![money("EUR", 2, 20), money("JPY", 3, 500)] noun="break"/> }.to_html();
        assert!(
            two.contains(">5<") && two.contains("breaks") && two.contains("20.00") && two.contains("500<") && !two.contains("520"),
            "{two}"
        );
    }
}
