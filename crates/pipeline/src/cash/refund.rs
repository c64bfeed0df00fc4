//! Refunds that people ask for. One consumes what is open of a payment or a credit memo, never an invoice, and is a document at once that
//! posts to the ERP; it is payable until a bank or a gateway shows that the money left, and that line or movement then is this refund and no
//! second one.

use super::{
    give::{Decider, Given},
    money::{self, Told},
};
use crate::{
    Context,
    retry::transaction,
    workbench::{
        Resolved, WorkError,
        approve::{self, Wanted},
        entry, text,
    },
};
use chrono::Datelike;
use domain::{
    access::{Caller, Scope},
    approval::ApprovalAct,
    id::{DocumentId, GatewayAccountId},
    money::{Currency, grouped},
    receivable::OpenStatus,
    refund::{Candidate, Refund, paid},
    stage::{DocumentKind, Side},
};
use rust_decimal::Decimal;
use serde_json::json;
use store::{
    Result as Stored, Tx,
    access::audit,
    approvals::Open,
    limits::{self, Act, Reach},
    receivables::{self, Item, Moved, NewRefund, Origin, Way},
};
use uuid::Uuid;

type Done<T> = Stored<Result<T, WorkError>>;

/// Gives money back as a person says. Above his limit a second person decides.
pub async fn refund(cx: &Context, caller: &Caller, scope: &Scope, wanted: &Refund) -> Result<Resolved, WorkError> {
    let wanted = Refund { reason: text("reason", &wanted.reason)?, ..wanted.clone() };
    transaction!(&cx.pool, |tx| {
        let terms = match Terms::lock(cx, tx, caller, scope, &wanted).await? {
            Ok(terms) => terms,
            Err(error) => return Ok(Err(error)),
        };
        let about = format!("document:{}", wanted.credit);
        let reach = Reach { entity_id: terms.credit.entity_id, currency: terms.credit.currency.clone(), amount: wanted.amount };
        let act = Act { person: &caller.email, act: "cash", subject: &about, at: cx.clock.now() };
        if limits::use_up(tx, act, &[reach]).await? {
            terms.carry(cx, tx, caller, &wanted, None).await?;
            return Ok(Ok(Resolved::Done));
        }
        let wanted =
            Wanted { item: wanted.credit, act: ApprovalAct::Refund, plan: terms.plan(&wanted), content: &wanted, reason: &wanted.reason };
        approve::request_wanted(cx, tx, caller, scope, wanted).await
    })?
}

/// What a second person agreed to.
pub(crate) async fn carry_out_refund(cx: &Context, tx: &mut Tx, caller: &Caller, scope: &Scope, open: &Open) -> Done<()> {
    let Some(content) = open.ask.content.clone() else { return Ok(Err(WorkError::NotFound)) };
    let wanted: Refund = serde_json::from_value(content).map_err(|error| store::DriverError::Decode(error.into()))?;
    match Terms::lock(cx, tx, caller, scope, &wanted).await? {
        Ok(terms) => terms.carry(cx, tx, caller, &wanted, Some(&open.requested_by)).await.map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

/// A credit and the account that its money leaves, as they stand, locked.
struct Terms {
    credit: Item,
    way: Way,
    currency: Currency,
    decider: Decider,
}

impl Terms {
    async fn lock(cx: &Context, tx: &mut Tx, caller: &Caller, scope: &Scope, wanted: &Refund) -> Done<Self> {
        let Some(credit) = receivables::lock_items(tx, scope, &[wanted.credit]).await?.pop() else { return Ok(Err(WorkError::NotFound)) };
        let Ok(currency) = credit.currency.parse() else { return Ok(Err(WorkError::NotFound)) };
        if let Some(refusal) = refusal(&credit, currency, wanted.amount) {
            return Ok(Err(refusal));
        }
        let ways = receivables::refund_ways(tx, scope, wanted.credit).await?;
        let Some(way) = ways.into_iter().find(|way| way.id == wanted.way) else {
            let why = format!("Choose an account of {currency} that the money leaves.");
            return Ok(Err(WorkError::invalid("way", why)));
        };
        let decider = Decider::of(cx, tx, credit.entity_id, caller.actor()).await?;
        if let Some(refusal) = decider.hard_closed(tx).await? {
            return Ok(Err(refusal));
        }
        Ok(Ok(Self { credit, way, currency, decider }))
    }

    /// What exactly would be done, in words.
    fn plan(&self, wanted: &Refund) -> String {
        let (amount, credit) = (grouped(wanted.amount.normalize()), &self.credit);
        format!("{amount} {} of {} go back to {} from {}", self.currency, credit.number, credit.customer_code, self.way.label())
    }

    async fn carry(&self, cx: &Context, tx: &mut Tx, caller: &Caller, wanted: &Refund, prepared_by: Option<&str>) -> Stored<()> {
        let Self { credit, way, currency, decider } = self;
        let id = DocumentId(Uuid::now_v7());
        let customer = (credit.customer_code.clone(), credit.customer_name.clone());
        let number = receivables::take_numbers(tx, credit.entity_id, "RF", decider.today.year(), 1).await?.concat();
        let told = Told {
            account: &way.account,
            text: &format!("refund of {}: {}", credit.number, wanted.reason),
            amount: wanted.amount,
            currency: *currency,
            day: decider.today,
        };
        let content = money::content(DocumentKind::Refund, told, number.clone(), 1, customer.clone());
        let decided_by = prepared_by.map_or_else(|| caller.email.clone(), |preparer| format!("{preparer}, approved by {}", caller.email));
        let given = Given {
            credit_id: credit.document_id,
            credit_number: credit.number.clone(),
            customer,
            currency: *currency,
            debits: vec![(id, number, wanted.amount.normalize())],
            reverses: None,
            decided_by: Some(decided_by),
            reason: wanted.reason.clone(),
            score: None,
            rules: None,
        };
        decider.give(tx, vec![(id, content)], &[given]).await?;
        let new = NewRefund {
            document_id: id,
            entity_id: credit.entity_id,
            customer_code: &credit.customer_code,
            credit_id: credit.document_id,
            way,
            reason: &wanted.reason,
            requested_by: prepared_by.unwrap_or(&caller.email),
            approved_by: prepared_by.map(|_| caller.email.as_str()),
            agreed_at: decider.at,
        };
        receivables::record_refund(tx, &new).await?;
        let told = json!({ "plan": self.plan(wanted), "reason": wanted.reason, "prepared_by": prepared_by });
        audit::append(tx, &entry(cx, caller, "cash.refund", &format!("document:{id}"), Some(credit.entity_id), told)).await?;
        Ok(())
    }
}

/// Why it can't be given back.
fn refusal(credit: &Item, currency: Currency, amount: Decimal) -> Option<WorkError> {
    if credit.kind.side() != Some(Side::Credit) {
        let why = format!("{} is owed to us: only a payment or a credit memo can be refunded.", credit.number);
        return Some(WorkError::Conflict(why));
    }
    not_open(credit, currency, amount)
}

/// Why so much of a credit is not free to go anywhere.
pub(super) fn not_open(credit: &Item, currency: Currency, amount: Decimal) -> Option<WorkError> {
    let Item { number, open, .. } = credit;
    if credit.status == OpenStatus::Unidentified {
        return Some(WorkError::Conflict(format!("Say first who paid {number}.")));
    }
    if amount <= Decimal::ZERO || amount.normalize().scale() > currency.minor_units() {
        let why = format!("{amount} is no amount of {currency}: it is more than nothing and has {} decimals.", currency.minor_units());
        return Some(WorkError::invalid("amount", why));
    }
    let why = || format!("Of {number} only {} {currency} are open.", grouped(open.normalize()));
    (amount > *open).then(|| WorkError::Conflict(why()))
}

/// Says that an agreed refund never leaves: a payment puts the money back to the customer, on the same account.
pub async fn withdraw_refund(cx: &Context, caller: &Caller, scope: &Scope, refund: DocumentId, reason: &str) -> Result<(), WorkError> {
    let reason = text("reason", reason)?;
    transaction!(&cx.pool, |tx| {
        let Some(found) = receivables::lock_refund(tx, scope, refund).await? else {
            return Ok(Err(WorkError::Conflict("It is paid out or withdrawn already.".into())));
        };
        let decider = Decider::of(cx, tx, found.entity_id, caller.actor()).await?;
        if let Some(refusal) = decider.hard_closed(tx).await? {
            return Ok(Err(refusal));
        }
        let id = DocumentId(Uuid::now_v7());
        let number = receivables::take_numbers(tx, found.entity_id, "RC", decider.today.year(), 1).await?.concat();
        let told = Told {
            account: &found.account,
            text: &format!("{} was not paid out: {reason}", found.number),
            amount: found.amount,
            currency: found.currency,
            day: decider.today,
        };
        let customer = (found.customer_code.clone(), found.customer_name.clone());
        let content = money::content(DocumentKind::Payment, told, number.clone(), 1, customer);
        decider.give(tx, vec![(id, content)], &[]).await?;
        receivables::withdraw_refund(tx, refund, id).await?;
        let told = json!({ "refund": found.number, "payment": number, "reason": reason });
        audit::append(tx, &entry(cx, caller, "cash.withdraw_refund", &format!("document:{refund}"), Some(found.entity_id), told)).await?;
        Ok(Ok(()))
    })?
}

/// Ties lines of an entity's statements to the refunds that they paid. Returns how many.
pub(super) async fn tie_lines(tx: &mut Tx, decider: &Decider) -> Stored<usize> {
    let candidates = receivables::refund_lines(tx, decider.entity).await?;
    tie(tx, decider, &candidates).await
}

/// Ties movements of a gateway to the refunds that they paid.
pub(super) async fn tie_movements(tx: &mut Tx, account: GatewayAccountId, decider: &Decider) -> Stored<usize> {
    let candidates = receivables::refund_movements(tx, account).await?;
    tie(tx, decider, &candidates).await
}

async fn tie(tx: &mut Tx, decider: &Decider, candidates: &[Candidate<Origin>]) -> Stored<usize> {
    let paid = paid(candidates);
    if paid.is_empty() {
        return Ok(0);
    }
    let moved: Vec<Moved> = paid.iter().map(|(id, origin)| Moved { document_id: *id, origin: origin.clone(), takes_back: None }).collect();
    receivables::link(tx, &moved).await?;
    let refunds: Vec<DocumentId> = paid.into_iter().map(|(id, _)| id).collect();
    receivables::mark_paid(tx, &refunds, decider.at).await?;
    Ok(refunds.len())
}
