//! Gateway clearing: opening, what moved and the balance that the gateway says, per account and currency; payouts with the bank lines they
//! came with, and lines that wait for a payout.

use super::{
    CLEARING, CashTab, CashTabs, MOVEMENTS,
    disputes::Disputes,
    failed::{FailedPayments, Recoveries},
    lost::LostDisputes,
    refused::RefusedReports,
};
use crate::{
    api::clearing::{ClearingSeen, get_clearing},
    components::{
        Amount, Badge, Column, DataTable, Empty, Failure, GroupRow, MoneyLink, Page, Query, Shape, TieMark, Time, Tone, money_text,
        use_query,
    },
};
use chrono::NaiveDate;
use domain::{
    checkpoint::Tie,
    clearing::{ClearingView, PayoutView, UntiedLine},
    settlement::{ClearingLine, PayoutStatus},
};
use leptos::prelude::*;

#[component]
pub fn ClearingPage() -> impl IntoView {
    let query = use_query();
    let asked = (query.get("entity").map(str::to_owned), query.get("from").map(str::to_owned));
    let clearing = Resource::new_blocking(move || asked.clone(), |(entity, from)| get_clearing(entity, from));
    view! {
        <Page title="Cash">
            <CashTabs current=CashTab::Clearing/>
            <Suspense>
                {move || Suspend::new(async move {
                    match clearing.await {
                        Ok(seen) if seen.proofs.is_empty() && seen.refused.is_empty() && seen.failed.is_empty() => {
                            view! { <Empty title="No gateway account" text="No entity here takes payments through a gateway that Tieout pulls."/> }.into_any()
                        }
                        Ok(seen) => view! { <Clearing seen/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Clearing(seen: ClearingSeen) -> AnyView {
    let ClearingSeen { from, proofs, payouts, untied, disputes, lost, may_not, refused, recoveries, failed, now } = seen;
    let back = use_query().at(CLEARING).href();
    view! {
        <p class="lead">{in_short(&proofs, untied.len(), refused.len())}</p>
        {(!proofs.is_empty()).then(|| view! { <Proofs proofs from/> })}
        {(!refused.is_empty()).then(|| view! { <RefusedReports reports=refused/> })}
        {(!lost.is_empty()).then(|| view! { <LostDisputes lost may_not back/> })}
        {(!disputes.is_empty()).then(|| view! { <Disputes disputes now/> })}
        {(!recoveries.is_empty()).then(|| view! { <Recoveries recoveries from/> })}
        {(!failed.is_empty()).then(|| view! { <FailedPayments caption="Failed and not recovered" payments=failed now with_customer=true/> })}
        {(!untied.is_empty()).then(|| view! { <Untied lines=untied/> })}
        {(!payouts.is_empty()).then(|| view! { <Payouts payouts/> })}
    }
    .into_any()
}

/// The state of all accounts in a sentence or two.
fn in_short(proofs: &[ClearingView], untied: usize, refused: usize) -> String {
    let off = proofs.iter().filter(|proof| proof.residual().is_some_and(|left| !left.is_zero())).count();
    let silent = proofs.iter().filter(|proof| proof.balance.is_none()).count();
    let mut words = match off {
        0 if silent == proofs.len() => "No gateway was asked for its balance yet.".to_owned(),
        0 => "What moved explains every balance that a gateway gave.".to_owned(),
        1 => "One balance differs from what moved.".to_owned(),
        _ => format!("{off} balances differ from what moved."),
    };
    if silent > 0 && silent < proofs.len() {
        words.push_str(&format!(" {silent} of {} are not assessed.", proofs.len()));
    }
    match untied {
        0 => {}
        1 => words.push_str(" One bank line waits for its payout."),
        _ => words.push_str(&format!(" {untied} bank lines wait for their payouts.")),
    }
    match refused {
        0 => {}
        1 => words.push_str(" One settlement report was refused."),
        _ => words.push_str(&format!(" {refused} settlement reports were refused.")),
    }
    words
}

#[component]
fn Proofs(proofs: Vec<ClearingView>, from: NaiveDate) -> AnyView {
    let lines = ClearingLine::ALL.iter().map(|line| Column::number(line.label()));
    let columns: Vec<Column> = [Column::text("Currency"), Column::number("Opening")]
        .into_iter()
        .chain(lines)
        .chain([Column::number("Closing"), Column::number("Gateway says"), Column::text("Tie"), Column::number("In transit to the bank")])
        .collect();
    let width = u32::try_from(columns.len()).unwrap_or_default();
    let groups = proofs.chunk_by(|left, right| left.gateway_account_id == right.gateway_account_id).map(|group| {
        let title = format!("{} · {}", group[0].entity_code, group[0].name);
        let lines = group.iter().map(|proof| view! { <ProofLine proof=proof.clone() from/> }).collect_view();
        view! { <tbody><GroupRow columns=width title note=group[0].code.clone()/>{lines}</tbody> }
    });
    let groups = groups.collect_view();
    let note = format!("opening: what came before {from} (UTC); what raises the balance is positive");
    view! { <DataTable caption="Clearing proof" note columns cards=true wide=true>{groups}</DataTable> }.into_any()
}

#[component]
fn ProofLine(proof: ClearingView, from: NaiveDate) -> AnyView {
    let currency = proof.clearing.currency.code();
    let account = proof.gateway_account_id.to_string();
    let all = Query::new(MOVEMENTS, &[("account", account.as_str()), ("currency", currency)]);
    let opening = all.with("until", from).href();
    let lines = ClearingLine::ALL.iter().map(|line| {
        let value = proof.clearing.lines.get(line).copied().unwrap_or_default();
        let href = all.with("from", from).with("line", line).href();
        view! { <td class="num" data-label=line.label()><MoneyLink value currency href/></td> }
    });
    let (tie, words) = verdict(&proof);
    let told = proof.balance.map(|(balance, at)| view! { <Amount value=balance currency/><small class="below"><Time at/></small> });
    view! {
        <tr class="two-line">
            <th scope="row"><a href=all.href()>{currency}</a></th>
            <td class="num" data-label="Opening"><MoneyLink value=proof.opening currency href=opening/></td>
            {lines.collect_view()}
            <td class="num scale" data-label="Closing"><b><Amount value=proof.closing() currency/></b></td>
            <td class="num" data-label="Gateway says">{told}</td>
            <td data-label="Tie"><TieMark tie text=words/></td>
            <td class="num" data-label="In transit to the bank"><Amount value=proof.in_transit currency/></td>
        </tr>
    }
    .into_any()
}

fn verdict(proof: &ClearingView) -> (Tie, String) {
    match proof.residual() {
        None => (Tie::None, "no balance yet".to_owned()),
        Some(left) if left.is_zero() => (Tie::Ties, "ties".to_owned()),
        Some(left) => (Tie::Off, format!("off by {}", money_text(left, proof.clearing.currency.code()))),
    }
}

#[component]
fn Untied(lines: Vec<UntiedLine>) -> AnyView {
    let rows = lines.into_iter().map(|line| {
        let statement = format!("/cash/statements/{}", line.statement_id);
        view! {
            <tr>
                <th scope="row" class="nowrap"><a href=statement>{line.booked_on.to_string()}</a></th>
                <td data-label="Account">{line.code}</td>
                <td data-label="Text">{line.text}</td>
                <td class="num" data-label="Amount"><Amount value=line.amount currency=line.currency.code() code=true/></td>
            </tr>
        }
    });
    let columns = vec![Column::text("Booked"), Column::text("Account"), Column::text("Text"), Column::number("Amount")];
    view! {
        <DataTable caption="In clearing" note="bank lines of a gateway whose payout is not known; no customer's money" columns cards=true>
            <tbody>{rows.collect_view()}</tbody>
        </DataTable>
    }
    .into_any()
}

#[component]
fn Payouts(payouts: Vec<PayoutView>) -> AnyView {
    let columns = vec![
        Column::text("Payout"),
        Column::text("Arrives"),
        Column::text("Status"),
        Column::number("Amount"),
        Column::number("Unexplained by its movements"),
        Column::text("Bank line"),
    ];
    let rows = payouts.into_iter().map(|payout| view! { <PayoutRow payout/> }).collect_view();
    view! {
        <DataTable caption="Payouts" note="the latest first" columns cards=true><tbody>{rows}</tbody></DataTable>
    }
    .into_any()
}

#[component]
fn PayoutRow(payout: PayoutView) -> AnyView {
    let currency = payout.currency.code();
    let account = payout.gateway_account_id.to_string();
    let href =
        Query::new(MOVEMENTS, &[("account", account.as_str()), ("currency", currency), ("payout", payout.payout_id.as_str())]).href();
    let line = match payout.line {
        Some(line) => {
            let statement = format!("/cash/statements/{}", line.statement_id);
            view! { <a href=statement>{line.booked_on.to_string()}</a><small class="below">{line.tied_by}</small> }.into_any()
        }
        None => view! { <span class="muted">"not on a statement yet"</span> }.into_any(),
    };
    view! {
        <tr class="two-line">
            <th scope="row"><a href=href>{payout.payout_id}</a><small class="below">{payout.code}</small></th>
            <td class="nowrap" data-label="Arrives">{payout.arrival_on.to_string()}</td>
            <td data-label="Status"><PayoutBadge status=payout.status/></td>
            <td class="num" data-label="Amount"><Amount value=payout.amount currency code=true/></td>
            <td class="num" data-label="Unexplained by its movements"><Amount value=payout.residual currency/></td>
            <td data-label="Bank line">{line}</td>
        </tr>
    }
    .into_any()
}

#[component]
fn PayoutBadge(status: PayoutStatus) -> AnyView {
    let (tone, shape, text) = match status {
        PayoutStatus::Pending => (Tone::None, Shape::Ring, "pending"),
        PayoutStatus::InTransit => (Tone::Timing, Shape::Timing, "in transit"),
        PayoutStatus::Paid => (Tone::Ties, Shape::Ties, "paid"),
        PayoutStatus::Failed => (Tone::Off, Shape::Alert, "failed"),
        PayoutStatus::Canceled => (Tone::Calm, Shape::Pause, "canceled"),
    };
    view! { <Badge tone shape text/> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use domain::{
        id::GatewayAccountId,
        money::Currency,
        settlement::{Clearing, Gateway},
    };
    use rust_decimal::Decimal;

    fn proof(balance: Option<i64>) -> ClearingView {
        let mut clearing = Clearing::new(Currency::USD);
        clearing.lines.insert(ClearingLine::Charges, Decimal::from(100));
        ClearingView {
            gateway_account_id: GatewayAccountId(uuid::Uuid::nil()),
            entity_code: "US".into(),
            gateway: Gateway::Stripe,
            code: "STRIPE-US".into(),
            name: "Stripe".into(),
            opening: Decimal::ZERO,
            clearing,
            balance: balance.map(|balance| (balance.into(), DateTime::UNIX_EPOCH)),
            in_transit: Decimal::ZERO,
            untied: Decimal::ZERO,
            pulled_at: None,
        }
    }

    #[test]
    fn the_sentence_says_what_differs_what_is_not_assessed_and_what_waits() {
        assert_eq!(in_short(&[proof(Some(100))], 0, 0), "What moved explains every balance that a gateway gave.");
        assert_eq!(
            in_short(&[proof(None)], 1, 2),
            "No gateway was asked for its balance yet. One bank line waits for its payout. 2 settlement reports were refused."
        );
        assert_eq!(in_short(&[proof(Some(99)), proof(None)], 0, 0), "One balance differs from what moved. 1 of 2 are not assessed.");
    }

    #[test]
    fn a_balance_that_no_gateway_gave_is_not_assessed_and_each_figure_leads_to_its_movements() {
        let day = "2026-11-01".parse().unwrap();
        let html = |balance| view! { <table><tbody><ProofLine proof=proof(balance) from=day/></tbody></table> }.to_html();
        assert!(html(None).contains("no balance yet") && html(Some(98)).contains("off by (2.00) USD"), "{}", html(Some(98)));
        assert!(html(None).contains("from=2026-11-01&amp;line=charges"), "{}", html(None));
    }
}
