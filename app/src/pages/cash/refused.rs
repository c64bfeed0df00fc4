//! Settlement reports of which nothing was taken: which rule, on which line.

use crate::{
    components::{Column, Count, DataTable, Fold, Time},
    pages::batch::Violations,
};
use domain::clearing::RefusedReport;
use leptos::prelude::*;

#[component]
pub fn RefusedReports(reports: Vec<RefusedReport>) -> AnyView {
    let columns = vec![
        Column::text("Report"),
        Column::text("Announced"),
        Column::text("Refused"),
        Column::number("Bytes"),
        Column::text("First rule broken"),
    ];
    let rows = reports.into_iter().map(|report| view! { <ReportRows report/> }).collect_view();
    let note = "nothing of them was taken; the file is kept to the byte; one that the gateway announces anew is read again";
    view! { <DataTable caption="Refused settlement reports" note columns cards=true><tbody>{rows}</tbody></DataTable> }.into_any()
}

#[component]
fn ReportRows(report: RefusedReport) -> AnyView {
    let first = report.errors.first().map(|error| format!("line {}, {}: {}", error.line, error.field, error.rule));
    view! {
        <tr class="two-line">
            <th scope="row">{report.report}<small class="below">{report.code}</small></th>
            <td class="nowrap" data-label="Announced"><Time at=report.announced_at/></td>
            <td class="nowrap" data-label="Refused"><Time at=report.refused_at/></td>
            <td class="num" data-label="Bytes"><Count value=report.byte_length/></td>
            <td data-label="First rule broken">{first}</td>
        </tr>
        <tr><td colspan="5" class="roomy"><Fold summary="Rules that rows broke"><Violations violations=report.errors/></Fold></td></tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use domain::document::Violation;

    #[test]
    fn a_refused_report_says_on_which_line_which_rule_was_broken_by_what() {
        let broken = Violation { line: 3, field: "TimeZone".into(), rule: "a time zone that is known".into(), value: "C.E.T.".into() };
        let report = RefusedReport {
            code: "ADYEN-UK".into(),
            report: "settlement_detail_report_batch_7.csv".into(),
            announced_at: DateTime::UNIX_EPOCH,
            refused_at: DateTime::UNIX_EPOCH,
            byte_length: 1234,
            errors: vec![broken],
        };
        let html = view! { <RefusedReports reports=vec![report]/> }.to_html();
        for part in ["settlement_detail_report_batch_7.csv", "ADYEN-UK", "line 3, TimeZone: a time zone that is known", "C.E.T.", "1,234"] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }
}
