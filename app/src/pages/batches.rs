//! Batches: where every document of every hand-over is now, by entity and currency; what came in is accounted for.

pub(super) use crate::components::CountLink;

use crate::{
    api::batches::{BatchesView, list_batches},
    components::{
        Amount, Column, Count, DataTable, Empty, Failure, FlowBar, FlowLegend, GroupRow, Page, Pager, Query, Segment, Tab, Tabs, TieMark,
        Time, money_text, use_query,
    },
};
use domain::{
    access::Action,
    checkpoint::Tie,
    money::grouped,
    stage::{DocumentKind, Family, Stage},
    view::{BatchView, CallerView, MatrixRow},
};
use leptos::prelude::*;

/// Numbers of so many characters stay in one line where there is room.
const ROOMY: usize = 18;
pub(super) const UPLOAD: &str = "/batches/upload";

#[component]
pub fn BatchesPage() -> impl IntoView {
    let query = use_query();
    let key = |name: &str| query.get(name).map(str::to_owned);
    let asked = (key("entity"), key("period"), key("family"), key("after"));
    let batches =
        Resource::new_blocking(move || asked.clone(), |(entity, period, family, after)| list_batches(entity, period, family, after));
    view! {
        <Page title="Batches">
            <Suspense>
                {move || Suspend::new(async move {
                    match batches.await {
                        Ok(view) => view! { <Batches view/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Batches(view: BatchesView) -> AnyView {
    let query = use_query();
    let scoped = ["entity", "period", "family"].iter().any(|key| query.get(key).is_some());
    if view.matrix.is_empty() && view.batches.rows.is_empty() {
        let title = if scoped { "No such batch has come in" } else { "No batch has come in yet" };
        return view! {
            <Families family=view.family query/>
            <Empty title=title text="A batch is a file of invoices and credit memos with a manifest that says what is in it."><Ways/></Empty>
        }
        .into_any();
    }
    let caller = expect_context::<CallerView>();
    let rows: Vec<MatrixRow> = view.matrix.iter().map(|(_, row)| row.clone()).collect();
    view! {
        <Families family=view.family query=query.clone()/>
        <div class="intro">
            <p>{in_short(&rows)}</p>
            {caller.actions.contains(&Action::ImportBatch).then(|| view! { <a class="button primary" href=UPLOAD>"Upload a batch"</a> })}
        </div>
        <FlowLegend segments=segments(&rows)/>
        {(!view.matrix.is_empty()).then(|| view! { <Matrix matrix=view.matrix query=query.clone() caller/> })}
        <BatchList rows=view.batches.rows next=view.batches.next query/>
    }
    .into_any()
}

/// What came from billing, and what the banks' money became.
#[component]
fn Families(family: Family, query: Query) -> AnyView {
    let tab = |of: Family| {
        let kept = if of == Family::Billing { query.without("family") } else { query.with("family", of) };
        Tab { label: of.label().to_owned(), href: kept.without("after").href(), count: None, current: of == family }
    };
    let tabs = vec![tab(Family::Billing), tab(Family::Cash)];
    view! { <Tabs label="Kinds of batches" tabs/> }.into_any()
}

/// The ways in, for whoever has nothing yet.
#[component]
fn Ways() -> AnyView {
    let may_import = use_context::<CallerView>().is_some_and(|caller| caller.actions.contains(&Action::ImportBatch));
    view! {
        {may_import.then(|| view! { <a class="button primary" href=UPLOAD>"Upload a batch"</a> })}
        <p>"On the command line: "<code>"tieout import examples/invoice-batch.json"</code></p>
        <p>"Over the API: "<code>"POST /api/v1/invoice-batches"</code>" with a key that may import"</p>
    }
    .into_any()
}

/// One sentence: does it tie, and what needs a person?
fn in_short(rows: &[MatrixRow]) -> String {
    let off = rows.iter().filter(|row| !row.is_complete()).count();
    let exceptions: i64 = rows.iter().map(|row| row.count_in(Stage::Exception)).sum();
    let tie = match off {
        0 => "What came in is accounted for on this page.".to_owned(),
        1 => "One line below does not account for what came in.".to_owned(),
        off => format!("{off} lines below do not account for what came in."),
    };
    match exceptions {
        0 => tie,
        1 => format!("{tie} One document needs a person."),
        many => format!("{tie} {} documents need a person.", grouped(many.into())),
    }
}

/// Where the documents of these lines are, added up; documents, never money.
pub(super) fn segments(rows: &[MatrixRow]) -> Vec<Segment> {
    rows.iter().flat_map(|row| &row.stages).map(|cell| Segment::new(cell.stage, cell.count)).collect()
}

/// A currency alone while there are only invoices; the kind beside it when credit memos stand apart.
pub(super) fn line_label(row: &MatrixRow, with_kind: bool) -> String {
    if with_kind { format!("{} · {}s", row.currency, row.kind.label()) } else { row.currency.clone() }
}

/// Does a line account for what came in, and how to say it.
pub(super) fn tie(row: &MatrixRow) -> (Tie, String) {
    let (came_in, found) = (row.came_in, row.accounted_for());
    let difference = row.amount_accounted_for() - row.amount;
    if row.is_complete() {
        (Tie::Ties, format!("{} = {}", grouped(came_in.into()), grouped(found.into())))
    } else if came_in != found {
        (Tie::Off, format!("{} ≠ {}", grouped(came_in.into()), grouped(found.into())))
    } else {
        (Tie::Off, format!("off by {}", money_text(difference, &row.currency)))
    }
}

/// The same over lines of many currencies: documents can be added, money can't.
fn tie_of_all(rows: &[MatrixRow]) -> (Tie, String) {
    let sum = |of: fn(&MatrixRow) -> i64| grouped(rows.iter().map(of).sum::<i64>().into());
    let (came_in, found) = (sum(|row| row.came_in), sum(MatrixRow::accounted_for));
    let off = rows.iter().filter(|row| !row.is_complete()).count();
    match off {
        0 => (Tie::Ties, format!("{came_in} = {found}")),
        _ if came_in != found => (Tie::Off, format!("{came_in} ≠ {found}")),
        _ => (Tie::Off, format!("{off} off in money")),
    }
}

/// The documents behind a cell.
pub(super) fn documents(base: &Query, row: &MatrixRow, stage: Option<Stage>) -> String {
    let cell = base.with("currency", &row.currency).with("kind", row.kind);
    stage.map_or_else(|| cell.href(), |stage| cell.with("stage", stage).href())
}

#[component]
fn Matrix(matrix: Vec<(String, MatrixRow)>, query: Query, caller: CallerView) -> AnyView {
    let period = query.get("period").unwrap_or_default().to_owned();
    let all: Vec<MatrixRow> = matrix.iter().map(|(_, row)| row.clone()).collect();
    let name = |code: &str| caller.entities.iter().find(|entity| entity.code == code).map(|entity| entity.name.clone());
    let groups = matrix.chunk_by(|left, right| left.0 == right.0).map(|group| {
        let code = group[0].0.clone();
        let base = Query::new("/documents", &[("entity", &code), ("batch_period", &period)]);
        let title = name(&code).map_or_else(|| code.clone(), |name| format!("{code} · {name}"));
        let lines = group.iter().map(|(_, row)| {
            let with_kind = group.iter().any(|(_, other)| other.kind != DocumentKind::Invoice);
            view! { <MatrixLine row=row.clone() with_kind base=base.clone()/> }
        });
        view! { <tbody><GroupRow columns=7 title/>{lines.collect_view()}</tbody> }
    });
    let groups = groups.collect_view();
    let columns = vec![
        Column::text("Entity, currency"),
        Column::number("Documents"),
        Column::number("Amount"),
        Column::text("Where they are"),
        Column::number("Exceptions"),
        Column::number("Amount in exception"),
        Column::text("In = accounted for"),
    ];
    let caption = if period.is_empty() { "All batches".to_owned() } else { format!("Batches of {period}") };
    let (came_in, exceptions) =
        (all.iter().map(|row| row.came_in).sum::<i64>(), all.iter().map(|row| row.count_in(Stage::Exception)).sum::<i64>());
    let (tie, words) = tie_of_all(&all);
    view! {
        <DataTable caption note="by entity and currency, as the manifests announced them" columns cards=true>
            {groups}
            <tfoot>
                <tr>
                    <th scope="row">"All"</th>
                    <td class="num" data-label="Documents"><Count value=came_in/></td>
                    <td class="num"><small>"per currency above"</small></td>
                    <td></td>
                    <td class="num" data-label="Exceptions"><Count value=exceptions/></td>
                    <td></td>
                    <td data-label="In = accounted for"><TieMark tie text=words/></td>
                </tr>
            </tfoot>
        </DataTable>
    }
    .into_any()
}

#[component]
fn MatrixLine(row: MatrixRow, with_kind: bool, base: Query) -> AnyView {
    let (tie, words) = tie(&row);
    let (of_line, in_exception) = (documents(&base, &row, None), documents(&base, &row, Some(Stage::Exception)));
    let currency = row.currency.clone();
    view! {
        <tr>
            <th scope="row"><a href=of_line.clone()>{line_label(&row, with_kind)}</a></th>
            <td class="num" data-label="Documents"><CountLink value=row.came_in href=of_line/></td>
            <td class="num" data-label="Amount"><Amount value=row.amount currency=currency.clone()/></td>
            <td class="flow-cell"><FlowBar segments=segments(std::slice::from_ref(&row))/></td>
            <td class="num" data-label="Exceptions"><CountLink value=row.count_in(Stage::Exception) href=in_exception/></td>
            <td class="num" data-label="Amount in exception"><Amount value=row.amount_in(Stage::Exception) currency/></td>
            <td data-label="In = accounted for"><TieMark tie text=words/></td>
        </tr>
    }
    .into_any()
}

#[component]
fn BatchList(rows: Vec<BatchView>, next: Option<String>, query: Query) -> AnyView {
    let count = rows.len();
    let lines = rows.into_iter().map(|batch| view! { <BatchLine batch/> }).collect_view();
    let columns = vec![
        Column::text("Batch"),
        Column::text("Entity"),
        Column::text("Period"),
        Column::text("Received"),
        Column::number("Documents"),
        Column::number("Amount"),
        Column::text("Where they are"),
        Column::number("Exceptions"),
        Column::text("In = accounted for"),
    ];
    let newest = query.get("after").map(|_| query.without("after").href());
    let older = next.map(|next| query.with("after", next).href());
    view! {
        <DataTable caption="Batches, newest first" columns cards=true><tbody>{lines}</tbody></DataTable>
        <Pager shown=format!("{count} on this page") newer=newest older/>
    }
    .into_any()
}

#[component]
fn BatchLine(batch: BatchView) -> AnyView {
    let id = batch.batch_id.to_string();
    let of_batch = Query::new("/documents", &[("batch", &id)]);
    let in_exception = of_batch.with("stage", Stage::Exception).href();
    let exceptions: i64 = batch.matrix.iter().map(|row| row.count_in(Stage::Exception)).sum();
    let (tie, words) = tie_of_all(&batch.matrix);
    // a long number may wrap
    let roomy = (batch.number.len() <= ROOMY).then_some("roomy");
    let amounts = batch.matrix.iter().map(|row| {
        let side = (row.kind != DocumentKind::Invoice).then(|| view! { <small>{format!("{}s ", row.kind.label().to_lowercase())}</small> });
        let href = documents(&of_batch, row, None);
        view! { <div>{side}<a href=href><Amount value=row.amount currency=row.currency.clone() code=true/></a></div> }
    });
    let amounts = amounts.collect_view();
    view! {
        <tr>
            <th scope="row"><a class=roomy href=format!("/batches/{id}")>{batch.number}</a><br/><small>{batch.source}</small></th>
            <td data-label="Entity">{batch.entity_code}</td>
            <td data-label="Period" class="nowrap">{batch.period.to_string()}</td>
            <td data-label="Received"><Time at=batch.received_at/></td>
            <td class="num" data-label="Documents"><CountLink value=i64::from(batch.document_count) href=of_batch.href()/></td>
            <td class="num" data-label="Amount">{amounts}</td>
            <td class="flow-cell"><FlowBar segments=segments(&batch.matrix)/></td>
            <td class="num" data-label="Exceptions"><CountLink value=exceptions href=in_exception/></td>
            <td data-label="In = accounted for"><TieMark tie text=words/></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use domain::view::StageCell;
    use rust_decimal::Decimal;

    pub(in super::super) fn row(currency: &str, came_in: i64, amount: i64, stages: &[(Stage, i64, i64)]) -> MatrixRow {
        let cell = |&(stage, count, amount): &(Stage, i64, i64)| StageCell { stage, count, amount: amount.into(), tax: Decimal::ZERO };
        MatrixRow {
            currency: currency.to_owned(),
            kind: DocumentKind::Invoice,
            came_in,
            amount: amount.into(),
            tax: Decimal::ZERO,
            stages: stages.iter().map(cell).collect(),
        }
    }

    #[test]
    fn a_line_ties_only_in_count_and_money() {
        let ties = row("EUR", 3, 300, &[(Stage::Confirmed, 2, 200), (Stage::Exception, 1, 100)]);
        assert_eq!(tie(&ties), (Tie::Ties, "3 = 3".to_owned()));
        let missing = row("EUR", 3, 300, &[(Stage::Confirmed, 2, 200)]);
        assert_eq!(tie(&missing), (Tie::Off, "3 ≠ 2".to_owned()));
        let money = row("EUR", 3, 300, &[(Stage::Confirmed, 3, 299)]);
        assert_eq!(tie(&money), (Tie::Off, "off by (1.00) EUR".to_owned()));
    }

    #[test]
    fn two_wrong_lines_do_not_make_a_right_total() {
        let rows = [row("EUR", 3, 0, &[(Stage::Queued, 2, 0)]), row("USD", 1, 0, &[(Stage::Queued, 2, 0)])];
        assert_eq!(tie_of_all(&rows).0, Tie::Off);
        assert_eq!(in_short(&rows), "2 lines below do not account for what came in.");
    }

    #[test]
    fn every_figure_leads_to_its_documents() {
        let line = row("EUR", 3, 300, &[(Stage::Confirmed, 2, 200), (Stage::Exception, 1, 100)]);
        let base = Query::new("/documents", &[("entity", "DE"), ("batch_period", "2026-10")]);
        let html = view! { <table><tbody><MatrixLine row=line with_kind=true base/></tbody></table> }.to_html();
        let cell = "href=\"/documents?entity=DE&amp;batch_period=2026-10&amp;currency=EUR&amp;kind=invoice";
        assert!(html.contains(&format!("{cell}\"")) && html.contains(&format!("{cell}&amp;stage=exception\"")), "{html}");
        assert!(html.contains("EUR · Invoices") && html.contains("3 = 3"), "{html}");
    }
}
