//! Open breaks, oldest first: what differs, by how much, since when, and why.

use super::{BREAKS, cells::titles};
use crate::components::{Amount, Choice, Column, DataTable, Empty, FilterBar, Pager, Pill, Query, Tone, age};
use chrono::{DateTime, Utc};
use domain::{
    checkpoint::{BreakKind, Checkpoint},
    reconciliation::BreakRow,
    view::Paged,
};
use leptos::prelude::*;

/// Timing is no error before its time.
fn tone(row: &BreakRow, now: DateTime<Utc>) -> Tone {
    match row.kind {
        BreakKind::Timing if row.expected_by.is_none_or(|by| by > now) => Tone::Timing,
        BreakKind::Timing
        | BreakKind::MissingLeft
        | BreakKind::MissingRight
        | BreakKind::Amount
        | BreakKind::Tax
        | BreakKind::Currency
        | BreakKind::Period
        | BreakKind::Duplicate => Tone::Off,
    }
}

#[component]
pub fn Breaks(checkpoint: Checkpoint, breaks: Paged<BreakRow>, now: DateTime<Utc>, query: Query) -> AnyView {
    let filtered = query.get("currency").is_some() || query.get("kind").is_some() || query.get("after").is_some();
    let period = query.get("period").map_or("all periods".to_owned(), |period| format!("period {period}"));
    let count = breaks.rows.len();
    let rows = breaks.rows.into_iter().map(|row| view! { <BreakLine row now/> }).collect_view();
    let (left, right) = titles(checkpoint);
    let columns = vec![
        Column::text("Document"),
        Column::text("What"),
        Column::text("Cell"),
        Column::number(left),
        Column::number(right),
        Column::number("Difference"),
        Column::text("Open for"),
        Column::text("Why"),
        Column::text("Owner"),
    ];
    let first = query.get("after").map(|_| format!("{}{BREAKS}", query.without("after").href()));
    let next = breaks.next.map(|next| format!("{}{BREAKS}", query.with("after", next).href()));
    let table = if count == 0 {
        let title = if filtered { "No open break is like this" } else { "No open break" };
        view! { <Empty title=title text="A break closes by itself when both sides agree."/> }.into_any()
    } else {
        view! {
            <DataTable caption="Breaks, oldest first" note=format!("{period}; they close by themselves when the sides agree") columns cards=true>
                <tbody>{rows}</tbody>
            </DataTable>
            <Pager shown=format!("{count} on this page") newer=first older=next words=("First", "More")/>
        }
        .into_any()
    };
    view! { <section id="breaks" class="anchor record"><BreakFilters checkpoint query/>{table}</section> }.into_any()
}

#[component]
fn BreakFilters(checkpoint: Checkpoint, query: Query) -> AnyView {
    let any = |text: &str| (String::new(), text.to_owned());
    let kinds =
        std::iter::once(any("Any")).chain(BreakKind::ALL.iter().map(move |kind| (kind.to_string(), kind.label(checkpoint).to_owned())));
    let (kind, currency) = (query.get("kind").map(str::to_owned), query.get("currency").map(str::to_owned));
    view! {
        <FilterBar query own=&["kind", "currency"]>
            <Choice name="kind" label="What differs" options=kinds.collect() selected=kind.unwrap_or_default()/>
            <div class="field">
                <label for="currency">"Currency"</label>
                <input id="currency" name="currency" value=currency pattern="[A-Z]{3}" placeholder="EUR"/>
            </div>
        </FilterBar>
    }
    .into_any()
}

#[component]
fn BreakLine(row: BreakRow, now: DateTime<Utc>) -> AnyView {
    let tone = tone(&row, now);
    let (left, right) = titles(row.checkpoint);
    let erp = row.erp_number.clone();
    let head = match (&row.number, row.document_id) {
        (Some(number), Some(id)) => view! { <a href=format!("/documents/{id}")>{number.clone()}</a> }.into_any(),
        _ => view! { <span>{erp.clone().unwrap_or_else(|| "no document".to_owned())}</span> }.into_any(),
    };
    let below = match (row.number.is_some(), erp) {
        (true, Some(erp)) => format!("ERP {erp}"),
        (true, None) => row.batch_number.clone().map_or_else(String::new, |batch| format!("batch {batch}")),
        (false, Some(_)) => "in the ERP".to_owned(),
        (false, None) => String::new(),
    };
    let cell = format!("{} {}", row.entity_code, row.currency);
    let below_cell = format!("{}, {}", row.period, row.side);
    let currency = row.currency.clone();
    view! {
        <tr class="tall">
            <th scope="row" class="nowrap">{head}<small class="below">{below}</small></th>
            <td data-label="What"><Pill tone text=row.kind.label(row.checkpoint)/></td>
            <td data-label="Cell" class="nowrap">{cell}<small class="below">{below_cell}</small></td>
            <td class="num" data-label=left><Amount value=row.left_amount currency=currency.clone()/></td>
            <td class="num" data-label=right><Amount value=row.right_amount currency=currency.clone()/></td>
            <td class="num" data-label="Difference"><Amount value=row.difference currency/></td>
            <td data-label="Open for" class="nowrap">{age(row.opened_at, now)}</td>
            <td data-label="Why"><span class="prose">{row.explanation}</span></td>
            <td data-label="Owner">{row.owner.unwrap_or_else(|| "–".to_owned())}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use domain::{
        id::{BreakId, DocumentId},
        stage::Side,
    };

    fn a_break(kind: BreakKind, now: DateTime<Utc>) -> BreakRow {
        BreakRow {
            checkpoint: Checkpoint::Receivables,
            break_id: BreakId(uuid::Uuid::nil()),
            entity_code: "DE".into(),
            period: super::super::cells::tests::period(),
            currency: "EUR".into(),
            side: Side::Debit,
            kind,
            document_id: None,
            number: None,
            batch_number: None,
            stage: None,
            erp_number: Some("RE/1".into()),
            left_amount: 0.into(),
            right_amount: 1190.into(),
            difference: 1190.into(),
            explanation: "Entered in the ERP by hand.".into(),
            opened_at: now - TimeDelta::hours(30),
            expected_by: None,
            owner: None,
        }
    }

    #[test]
    fn timing_is_no_error_before_its_time() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(9);
        let mut row = a_break(BreakKind::Timing, now);
        row.expected_by = Some(now + TimeDelta::minutes(1));
        assert_eq!(tone(&row, now), Tone::Timing);
        row.expected_by = Some(now - TimeDelta::minutes(1));
        assert_eq!(tone(&row, now), Tone::Off);
        assert_eq!(tone(&a_break(BreakKind::Amount, now), now), Tone::Off);
    }

    #[test]
    fn a_break_of_the_erp_alone_has_no_document_to_lead_to() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(9);
        let html = view! { <BreakLine row=a_break(BreakKind::MissingLeft, now) now/> }.to_html();
        assert!(html.contains("RE/1") && !html.contains("href") && html.contains("1 d 6 h") && html.contains("1,190.00"), "{html}");
        let mut ours = a_break(BreakKind::Amount, now);
        (ours.number, ours.document_id) = (Some("INV-1".into()), Some(DocumentId(uuid::Uuid::nil())));
        let html = view! { <BreakLine row=ours now/> }.to_html();
        assert!(html.contains("/documents/0000") && html.contains("ERP RE/1"), "{html}");
    }
}
