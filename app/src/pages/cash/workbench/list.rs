//! The left side: payments of the filter, oldest first.

use super::{OWN, list_of, payer};
use crate::{
    api::receivables::OpenItemsView,
    components::{Amount, Fold, Pager, Pill, Query, Tone},
    pages::cash::{
        WORKBENCH, age,
        items::{Filters, matching},
        status_word,
    },
};
use chrono::NaiveDate;
use domain::{
    id::DocumentId,
    receivable::{OpenItemRow, OpenStatus},
    stage::DocumentKind,
};
use leptos::prelude::*;

#[component]
pub fn Payments(list: OpenItemsView, #[prop(optional_no_strip)] open: Option<DocumentId>, query: Query) -> AnyView {
    let OpenItemsView { today, kind, items, cells } = list;
    let list = list_of(&query);
    let set = OWN.iter().any(|key| list.get(key).is_some());
    let all = matching(&cells, &list).map(|(count, money)| format!("{count} · {money}"));
    let first = list.get("after").map(|_| list.without("after").href());
    let next = items.next.map(|next| list.with("after", next).href());
    let shown = format!("{} listed", items.rows.len());
    let what = if kind == DocumentKind::CreditMemo { "Credit memos" } else { "Payments" };
    let lines = items.rows.into_iter().map(|item| {
        let here = open == Some(item.document_id);
        let href = list.moved(format!("{WORKBENCH}/{}", item.document_id)).href();
        view! { <Payment item href here today/> }
    });
    let lines = lines.collect_view();
    view! {
        <div class="payments">
            <Fold summary="Filter" open=set><Filters kind cells query=list own=OWN/></Fold>
            <h2 class="list-title">{what}{all.map(|all| format!(": {all}"))}", oldest first"</h2>
            <nav class="card" aria-label=what>{lines}</nav>
            <Pager shown newer=first older=next words=("First", "Next")/>
        </div>
    }
    .into_any()
}

#[component]
fn Payment(item: OpenItemRow, href: String, here: bool, today: NaiveDate) -> AnyView {
    let status = (item.status != OpenStatus::Open).then(|| {
        let tone = if item.status == OpenStatus::Unidentified { Tone::Unknown } else { Tone::Calm };
        view! { <Pill tone text=status_word(item.kind, item.status)/> }
    });
    let score = item.score.map(|score| view! { <small class="score-small">{format!("score {score}")}</small> });
    let age = age(item.kind, item.aged_from, today);
    view! {
        <a class="cluster" href=href data-payment="" aria-current=here.then_some("true")>
            <span class="line"><span class="cause what">{payer(&item)}</span><span class="money"><Amount value=item.open currency=item.currency.clone() code=true/></span></span>
            <span class="line"><small>{item.entity_code}" · "{item.aged_from.to_string()}" · "{age}</small>{score}</span>
            <span class="line"><small>{item.number}</small>{status}</span>
        </a>
    }
    .into_any()
}
