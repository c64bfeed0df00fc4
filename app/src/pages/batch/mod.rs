//! One batch: what its manifest announced, what was found, where it is now, and the seals that prove it.

mod control;

use super::{
    batches::{CountLink, documents, line_label, segments, tie},
    reconciliation::BatchCells,
};
use crate::{
    api::{
        ApiError,
        batches::{BatchSeen, get_batch},
    },
    components::{
        Amount, Column, Count, DataTable, Fact, Facts, Failure, FlowBar, FlowLegend, Fold, GroupRow, Id, Notice, Page, Percent, Query,
        StageBadge, TieMark, Time, Tone, use_query,
    },
};
use control::{BeforeSend, ControlTotals, Stopped};
use domain::{
    checkpoint::Checkpoint,
    document::Violation,
    money::grouped,
    stage::{DocumentKind, Stage},
    view::{BatchDetail, BatchView, ImportOutcome, IntakeView, MatrixRow, SealView},
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use rust_decimal::Decimal;

#[component]
pub fn BatchPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    let batch = Resource::new_blocking(move || id.clone(), get_batch);
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match batch.await {
                    Ok(seen) => view! { <Detail seen/> }.into_any(),
                    Err(error) => view! { <Unseen error/> }.into_any(),
                }
            })}
        </Suspense>
    }
}

fn crumbs() -> Vec<(String, String)> {
    vec![("Batches".to_owned(), "/batches".to_owned())]
}

#[component]
fn Unseen(error: ApiError) -> AnyView {
    view! { <Page title="Batch" crumbs=crumbs() scoped=false><Failure error/></Page> }.into_any()
}

#[component]
fn Detail(seen: BatchSeen) -> AnyView {
    let BatchSeen { detail: BatchDetail { batch, intakes, seals, erp, control }, compare_why_not } = seen;
    let id = batch.batch_id;
    let of_batch = Query::new("/documents", &[("batch", &batch.batch_id.to_string())]);
    let fresh = use_query().get("intake").and_then(|id| intakes.iter().find(|intake| intake.intake_id.to_string() == id)).cloned();
    let rows = batch.matrix.clone();
    view! {
        <Page title=format!("Batch {}", batch.number) crumbs=crumbs() scoped=false>
            {fresh.map(|intake| view! { <JustIn intake batch=batch.clone()/> })}
            <section class="card pane record" aria-label="About this batch">
                <Head batch/>
                <FlowBar segments=segments(&rows)/>
                <FlowLegend segments=segments(&rows)/>
                <p class="actions"><a class="button" href=of_batch.href()>"All documents of this batch"</a></p>
            </section>
            {control.as_ref().filter(|control| control.stopped).map(|control| view! { <Stopped control=control.clone() batch=id why_not=compare_why_not.clone()/> })}
            <ControlTotals rows=rows.clone()/>
            {control.map(|control| view! { <BeforeSend control/> })}
            <Stages rows of_batch/>
            {(!erp.is_empty()).then(|| view! {
                <BatchCells checkpoint=Checkpoint::Receivables caption="After posting" note="checkpoint 3: what this batch brought against what was read back from the ERP" cells=erp/>
            })}
            <Seals seals/>
            <Intakes intakes/>
        </Page>
    }
    .into_any()
}

#[component]
fn Head(batch: BatchView) -> AnyView {
    view! {
        <Facts>
            <Fact label="Source">{batch.source}</Fact>
            <Fact label="Batch number">{batch.number}</Fact>
            <Fact label="Entity">{format!("{} · {}", batch.entity_code, batch.entity_name)}</Fact>
            <Fact label="Made for the period">{batch.period.to_string()}</Fact>
            <Fact label="Documents"><Count value=i64::from(batch.document_count)/></Fact>
            <Fact label="Received"><Time at=batch.received_at/></Fact>
            <Fact label="Handed over by">{batch.actor}</Fact>
        </Facts>
    }
    .into_any()
}

/// What an upload that led here came to.
#[component]
fn JustIn(intake: IntakeView, batch: BatchView) -> AnyView {
    let rejected: i64 = batch.matrix.iter().map(|row| row.count_in(Stage::Rejected)).sum();
    let documents = grouped(batch.document_count.into());
    match intake.outcome {
        ImportOutcome::Imported if rejected == 0 => {
            view! { <Notice tone=Tone::Ties title=format!("The batch is in: {documents} in = {documents} accounted for.")/> }.into_any()
        }
        ImportOutcome::Imported => {
            let title = format!("The batch is in: {documents} documents, {} of them rejected.", grouped(rejected.into()));
            let text = "Rejected rows are kept and never sent. Correct them at the source and import them as a new version.";
            view! { <Notice tone=Tone::Timing title text=text.to_owned()/> }.into_any()
        }
        _ => view! { <Notice tone=Tone::None title="This batch is here already with the same content; nothing was changed."/> }.into_any(),
    }
}

pub(super) fn has_other_kinds(rows: &[MatrixRow]) -> bool {
    rows.iter().any(|row| row.kind != DocumentKind::Invoice)
}

/// Where each line is, stage by stage, down to the total that came in.
#[component]
fn Stages(rows: Vec<MatrixRow>, of_batch: Query) -> AnyView {
    let with_kind = has_other_kinds(&rows);
    let groups = rows.into_iter().map(|row| view! { <StageGroup row with_kind of_batch=of_batch.clone()/> }).collect_view();
    let columns = vec![
        Column::text("Stage"),
        Column::number("Documents"),
        Column::number("Share, rounded down"),
        Column::number("Tax"),
        Column::number("Amount"),
        Column::text("In = accounted for"),
    ];
    view! { <DataTable caption="Where it is now" columns cards=true>{groups}</DataTable> }.into_any()
}

#[component]
fn StageGroup(row: MatrixRow, with_kind: bool, of_batch: Query) -> AnyView {
    let total = row.accounted_for();
    let lines = row.stages.iter().map(|cell| {
        let href = documents(&of_batch, &row, Some(cell.stage));
        view! {
            <tr>
                <th scope="row"><a href=href.clone()><StageBadge place=cell.stage/></a></th>
                <td class="num" data-label="Documents"><CountLink value=cell.count href/></td>
                <td class="num" data-label="Share, rounded down"><Percent part=cell.count whole=total/></td>
                <td class="num" data-label="Tax"><Amount value=cell.tax currency=row.currency.clone()/></td>
                <td class="num" data-label="Amount"><Amount value=cell.amount currency=row.currency.clone()/></td>
                <td></td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    let tax: Decimal = row.stages.iter().map(|cell| cell.tax).sum();
    let (tie, words) = tie(&row);
    let label = line_label(&row, with_kind);
    let of_line = documents(&of_batch, &row, None);
    view! {
        <tbody>
            <GroupRow columns=6 title=label.clone()/>
            {lines}
            <tr class="subtotal">
                <th scope="row">{format!("Total {label}")}</th>
                <td class="num" data-label="Documents"><CountLink value=total href=of_line/></td>
                <td class="num"></td>
                <td class="num" data-label="Tax"><Amount value=tax currency=row.currency.clone()/></td>
                <td class="num" data-label="Amount"><Amount value=row.amount_accounted_for() currency=row.currency.clone()/></td>
                <td data-label="In = accounted for"><TieMark tie text=words/></td>
            </tr>
        </tbody>
    }
    .into_any()
}

#[component]
fn Seals(seals: Vec<SealView>) -> AnyView {
    let rows = seals.into_iter().map(|seal| {
        let purpose = match seal.purpose.as_str() {
            "intake" => "Intake: the content as it came",
            _ => "Outcome: what became of every document",
        };
        view! {
            <tr class="two-line">
                <th scope="row">{purpose}<br/><small>{format!("link {} of its entity’s chain", seal.sequence)}</small></th>
                <td data-label="Sealed"><Time at=seal.sealed_at/></td>
                <td data-label="Seal" class="roomy">
                    <Id value=seal.seal_hash/>
                    <Fold summary="What it covers">
                        <pre class="payload">{seal.totals}</pre>
                        <Facts>
                            <Fact label="Merkle root"><span class="id">{seal.merkle_root}</span></Fact>
                            <Fact label="Set hash"><span class="id">{seal.set_hash}</span></Fact>
                            <Fact label="Seal before"><span class="id">{seal.previous_hash.unwrap_or_else(|| "none: the first".to_owned())}</span></Fact>
                        </Facts>
                    </Fold>
                </td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let columns = ["Seal of", "Sealed", "BLAKE3"].map(Column::text).to_vec();
    view! {
        <DataTable caption="Seals" note="an outcome is sealed when every document has come to rest" columns cards=true><tbody>{rows}</tbody></DataTable>
    }
    .into_any()
}

#[component]
fn Intakes(intakes: Vec<IntakeView>) -> AnyView {
    let rows = intakes.into_iter().map(|intake| {
        let errors = intake.errors;
        view! {
            <tr>
                <th scope="row">{intake.file_name}</th>
                <td data-label="Outcome">{intake.outcome.as_str()}</td>
                <td data-label="Received"><Time at=intake.received_at/></td>
                <td data-label="By">{intake.actor}</td>
                <td class="num" data-label="Bytes"><Count value=intake.byte_length/></td>
                <td data-label="BLAKE3 of the file"><span class="id">{intake.raw_hash}</span></td>
            </tr>
            {(!errors.is_empty()).then(|| view! {
                <tr><td colspan="6" class="roomy"><Fold summary="Rules that rows broke"><Violations violations=errors/></Fold></td></tr>
            })}
        }
    });
    let rows = rows.collect_view();
    let columns = vec![
        Column::text("File"),
        Column::text("Outcome"),
        Column::text("Received"),
        Column::text("By"),
        Column::number("Bytes"),
        Column::text("BLAKE3 of the file"),
    ];
    view! { <DataTable caption="Files handed over" note="kept to the byte" columns cards=true><tbody>{rows}</tbody></DataTable> }.into_any()
}

/// Where a file or a row breaks a rule.
#[component]
pub(in crate::pages) fn Violations(violations: Vec<Violation>) -> AnyView {
    let rows = violations.into_iter().map(|violation| {
        view! {
            <tr>
                <td class="num" data-label="Line"><Count value=i64::from(violation.line)/></td>
                <th scope="row"><code>{violation.field}</code></th>
                <td data-label="Rule">{violation.rule}</td>
                <td data-label="Value sent"><span class="id">{violation.value}</span></td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let columns = vec![Column::number("Line"), Column::text("Field"), Column::text("Rule"), Column::text("Value sent")];
    view! { <DataTable caption="Rules broken" columns cards=true><tbody>{rows}</tbody></DataTable> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::{super::batches::tests::row, *};

    #[test]
    fn every_stage_leads_to_its_documents_and_they_add_up() {
        let line = row("EUR", 3, 300, &[(Stage::Confirmed, 2, 200), (Stage::Exception, 1, 100)]);
        let html = view! { <Stages rows=vec![line] of_batch=Query::new("/documents", &[("batch", "b")])/> }.to_html();
        assert!(html.contains("href=\"/documents?batch=b&amp;currency=EUR&amp;kind=invoice&amp;stage=confirmed\""), "{html}");
        assert!(html.contains("3 = 3") && html.contains(">300.00<") && html.contains("66.6 %"), "{html}");
    }
}
