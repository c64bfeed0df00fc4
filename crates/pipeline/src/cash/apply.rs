//! What people decide about cash: what a credit settles, and taking an application back. Giving up more than one's limit needs a second
//! person.

use super::{
    give::{Decider, Given, take},
    lost,
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
use chrono::{Datelike, NaiveDate};
use domain::{
    access::{Caller, Scope},
    approval::ApprovalAct,
    document::{DocumentContent, DocumentLine},
    id::DocumentId,
    money::{Currency, grouped},
    period::AccountingPeriod,
    receivable::{Allocate, Apply, Deduct, GiveUp, OpenStatus, WriteOffReason},
    stage::{DocumentKind, Side},
};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;
use store::{
    Tx,
    access::audit,
    approvals::Open,
    limits::{self, Act, Reach},
    receivables::{self, Item, NewAlias},
};
use uuid::Uuid;

/// The tax code of what is given up: no tax document is corrected by it.
const NO_TAX: &str = "OUT-OF-SCOPE";

pub(super) type Done<T> = store::Result<Result<T, WorkError>>;

/// Applies a credit as a person says. Above his limit of what is given up, a second person decides.
pub async fn apply(cx: &Context, caller: &Caller, scope: &Scope, wanted: &Apply) -> Result<Resolved, WorkError> {
    let reason = text("reason", &wanted.reason)?;
    let wanted = Apply { reason: reason.clone(), ..wanted.clone() };
    transaction!(&cx.pool, |tx| {
        let sides = match Sides::lock(tx, scope, &wanted).await? {
            Ok(sides) => sides,
            Err(error) => return Ok(Err(error)),
        };
        let given_up: Decimal = wanted.allocations.iter().filter_map(|part| part.write_off).map(|(_, amount)| amount).sum();
        let about = format!("document:{}", wanted.credit);
        let reach = Reach { entity_id: sides.credit.entity_id, currency: sides.credit.currency.clone(), amount: given_up };
        let act = Act { person: &caller.email, act: "cash", subject: &about, at: cx.clock.now() };
        if given_up.is_zero() || limits::use_up(tx, act, &[reach]).await? {
            carry(cx, tx, caller, &sides, &wanted, None).await?;
            return Ok(Ok(Resolved::Done));
        }
        let wanted =
            Wanted { item: wanted.credit, act: ApprovalAct::WriteOff, plan: sides.plan(&wanted), content: &wanted, reason: &wanted.reason };
        approve::request_wanted(cx, tx, caller, scope, wanted).await
    })?
}

/// What a write-off asks for.
#[derive(Deserialize)]
#[serde(untagged)]
enum Asked {
    Apply(Apply),
    GiveUp(GiveUp),
}

/// What a second person agreed to.
pub(crate) async fn carry_out(cx: &Context, tx: &mut Tx, caller: &Caller, scope: &Scope, open: &Open) -> Done<()> {
    let Some(content) = open.ask.content.clone() else { return Ok(Err(WorkError::NotFound)) };
    let wanted = match serde_json::from_value(content).map_err(|error| store::DriverError::Decode(error.into()))? {
        Asked::Apply(wanted) => wanted,
        Asked::GiveUp(wanted) => return lost::carry_out(cx, tx, caller, scope, open, &wanted).await,
    };
    match Sides::lock(tx, scope, &wanted).await? {
        Ok(sides) => carry(cx, tx, caller, &sides, &wanted, Some(&open.requested_by)).await.map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

/// A credit and what it settles, as they stand, locked.
struct Sides {
    credit: Item,
    /// Credit memos, in the order in which they were asked for, as the debits are.
    deducted: Vec<Item>,
    debits: Vec<Item>,
    currency: Currency,
}

impl Sides {
    async fn lock(tx: &mut Tx, scope: &Scope, wanted: &Apply) -> Done<Self> {
        let deducted = wanted.deducted.iter().map(|part| part.credit_memo);
        let ids: Vec<DocumentId> =
            wanted.allocations.iter().map(|part| part.debit).chain(deducted.clone()).chain([wanted.credit]).collect();
        let found = receivables::lock_items(tx, scope, &ids).await?;
        let find = |id: DocumentId| found.iter().find(|item| item.document_id == id).cloned();
        let Some(credit) = find(wanted.credit) else { return Ok(Err(WorkError::NotFound)) };
        let Some(debits) = wanted.allocations.iter().map(|part| find(part.debit)).collect::<Option<Vec<_>>>() else {
            return Ok(Err(WorkError::NotFound));
        };
        let Some(deducted) = deducted.map(find).collect::<Option<Vec<_>>>() else { return Ok(Err(WorkError::NotFound)) };
        let Ok(currency) = credit.currency.parse() else { return Ok(Err(WorkError::NotFound)) };
        let sides = Self { credit, deducted, debits, currency };
        Ok(match sides.refusal(wanted) {
            Some(error) => Err(error),
            None => Ok(sides),
        })
    }

    /// Why it can't be applied so.
    fn refusal(&self, wanted: &Apply) -> Option<WorkError> {
        let Self { credit, currency, .. } = self;
        let conflict = |why: String| Some(WorkError::Conflict(why));
        let ids: BTreeSet<DocumentId> = wanted.allocations.iter().map(|part| part.debit).collect();
        if wanted.allocations.is_empty() || ids.len() != wanted.allocations.len() {
            return Some(WorkError::invalid("allocations", "Name each item once, and at least one."));
        }
        if credit.kind.side() == Some(Side::Debit) {
            let kind = credit.kind.label().to_lowercase();
            return conflict(format!("{} is of the kind {kind}: it is settled, it settles nothing.", credit.number));
        }
        if credit.status == OpenStatus::Unidentified {
            return conflict(format!("Say first who paid {}.", credit.number));
        }
        let deducted: Decimal = wanted.deducted.iter().map(|part| part.amount).sum();
        let given = wanted.allocations.iter().map(|part| part.amount).sum::<Decimal>() - deducted;
        if !wanted.deducted.is_empty() && given <= Decimal::ZERO {
            return conflict(format!(
                "{} {currency} are deducted: nothing is left for {} to give.",
                grouped(deducted.normalize()),
                credit.number
            ));
        }
        if given > credit.open {
            let (open, currency) = (grouped(credit.open.normalize()), currency);
            return conflict(format!(
                "{} are given, and only {open} {currency} of {} are open.",
                grouped(given.normalize()),
                credit.number
            ));
        }
        if let Some(refusal) = self.refusal_of_deducted(wanted) {
            return Some(refusal);
        }
        self.debits.iter().zip(&wanted.allocations).find_map(|(item, part)| self.refusal_of(item, part))
    }

    fn refusal_of_deducted(&self, wanted: &Apply) -> Option<WorkError> {
        let ids: BTreeSet<DocumentId> = wanted.deducted.iter().map(|part| part.credit_memo).collect();
        if ids.len() != wanted.deducted.len() || ids.contains(&wanted.credit) {
            return Some(WorkError::invalid("deducted", "Name each credit memo once."));
        }
        let refused = |(item, part): (&Item, &Deduct)| {
            if item.kind != DocumentKind::CreditMemo {
                return Some(WorkError::Conflict(format!("{} is no credit memo: it can't be deducted.", item.number)));
            }
            if part.amount <= Decimal::ZERO || !self.fits(part.amount) {
                let what = format!("{} is no amount that {} can give.", part.amount, item.number);
                return Some(WorkError::invalid("amount", what));
            }
            self.stranger(item).or_else(|| self.exceeded(item, part.amount))
        };
        self.deducted.iter().zip(&wanted.deducted).find_map(refused)
    }

    fn fits(&self, amount: Decimal) -> bool {
        amount.normalize().scale() <= self.currency.minor_units()
    }

    /// Why an item can't meet the credit.
    fn stranger(&self, item: &Item) -> Option<WorkError> {
        if (item.entity_id, item.currency.as_str()) != (self.credit.entity_id, self.credit.currency.as_str()) {
            return Some(WorkError::Conflict(format!("{} is in another entity or currency.", item.number)));
        }
        (item.customer_code != self.credit.customer_code).then(|| {
            WorkError::Conflict(format!(
                "{} belongs to {}, the money to {}: say first that it is his.",
                item.number, item.customer_code, self.credit.customer_code
            ))
        })
    }

    fn exceeded(&self, item: &Item, amount: Decimal) -> Option<WorkError> {
        let why = || format!("Of {} only {} {} are open.", item.number, grouped(item.open.normalize()), self.currency);
        (amount > item.open).then(|| WorkError::Conflict(why()))
    }

    fn refusal_of(&self, item: &Item, part: &Allocate) -> Option<WorkError> {
        let given_up = part.write_off.map_or(Decimal::ZERO, |(_, amount)| amount);
        if part.write_off.is_some_and(|(reason, _)| !WriteOffReason::SHORT_PAY.contains(&reason)) {
            return Some(WorkError::invalid("write_off", format!("{} is given up for a reason that no short payment has.", item.number)));
        }
        if item.kind.side() != Some(Side::Debit) {
            return Some(WorkError::Conflict(format!("{} is a credit itself: a credit settles what is owed.", item.number)));
        }
        if part.amount <= Decimal::ZERO || given_up.is_sign_negative() || part.write_off.is_some() && given_up.is_zero() {
            return Some(WorkError::invalid("amount", format!("What {} is given must be more than nothing.", item.number)));
        }
        if !self.fits(part.amount) || !self.fits(given_up) {
            return Some(WorkError::invalid("amount", format!("{} has {} decimals.", self.currency, self.currency.minor_units())));
        }
        self.stranger(item).or_else(|| self.exceeded(item, part.amount + given_up))
    }

    /// What exactly would be done, in words.
    fn plan(&self, wanted: &Apply) -> String {
        let part = |(item, part): (&Item, &Allocate)| {
            let given_up = part
                .write_off
                .map(|(reason, amount)| format!(" and {} of it written off ({})", grouped(amount), reason.label().to_lowercase()));
            format!("{} to {}{}", grouped(part.amount), item.number, given_up.unwrap_or_default())
        };
        let parts: Vec<String> = self.debits.iter().zip(&wanted.allocations).map(part).collect();
        let deducted = self.deducted.iter().zip(&wanted.deducted);
        let deducted: Vec<String> = deducted.map(|(item, part)| format!("{} of it from {}", grouped(part.amount), item.number)).collect();
        let deducted = if deducted.is_empty() { String::new() } else { format!("; {}", deducted.join(", ")) };
        format!("{} gives in {}: {}{deducted}", self.credit.number, self.currency, parts.join("; "))
    }
}

async fn carry(cx: &Context, tx: &mut Tx, caller: &Caller, sides: &Sides, wanted: &Apply, prepared_by: Option<&str>) -> store::Result<()> {
    let credit = &sides.credit;
    let decider = Decider::of(cx, tx, credit.entity_id, caller.actor()).await?;
    let decided_by = prepared_by.map_or_else(|| caller.email.clone(), |preparer| format!("{preparer}, approved by {}", caller.email));
    let given = |credit_id: DocumentId, credit_number: &str, debits: Vec<(DocumentId, String, Decimal)>| Given {
        credit_id,
        credit_number: credit_number.to_owned(),
        customer: (credit.customer_code.clone(), sides.debits[0].customer_name.clone()),
        currency: sides.currency,
        debits,
        reverses: None,
        decided_by: Some(decided_by.clone()),
        reason: wanted.reason.clone(),
        score: None,
        rules: None,
    };
    let both = || sides.debits.iter().zip(&wanted.allocations);
    let mut owed = both().map(|(item, part)| (item.document_id, item.number.clone(), part.amount.normalize())).collect();
    let deducted = sides.deducted.iter().zip(&wanted.deducted);
    let mut all: Vec<Given> =
        deducted.map(|(memo, part)| given(memo.document_id, &memo.number, take(&mut owed, part.amount.normalize()))).collect();
    let place = all.len();
    all.push(given(credit.document_id, &credit.number, owed));
    let given_up: Vec<_> = both().filter_map(|(item, part)| part.write_off.map(|write_off| (item, write_off))).collect();
    let numbers = receivables::take_numbers(tx, credit.entity_id, "WO", decider.today.year(), given_up.len()).await?;
    let (mut documents, mut write_offs) = (Vec::new(), Vec::new());
    for ((item, (reason, amount)), number) in given_up.into_iter().zip(numbers) {
        let id = DocumentId(Uuid::now_v7());
        let amount = amount.normalize();
        all.push(given(id, &number, vec![(item.document_id, item.number.clone(), amount)]));
        documents.push((id, write_off(item, sides.currency, reason, amount, number, decider.today)));
        write_offs.push(receivables::WriteOff {
            document_id: id,
            debit_id: item.document_id,
            reason,
            payment_id: Some(credit.document_id),
        });
    }
    let made = decider.give(tx, documents, &all).await?;
    receivables::record_write_offs(tx, &write_offs, &decided_by, &wanted.reason).await?;
    learn(tx, credit, made[place], &decider).await?;
    let told = json!({ "plan": sides.plan(wanted), "reason": wanted.reason, "prepared_by": prepared_by });
    let about = format!("document:{}", credit.document_id);
    audit::append(tx, &entry(cx, caller, "cash.apply", &about, Some(credit.entity_id), told)).await?;
    Ok(())
}

/// The account that a payment came from is the customer's from now on.
async fn learn(tx: &mut Tx, credit: &Item, application: DocumentId, decider: &Decider) -> store::Result<()> {
    if credit.kind != DocumentKind::Payment {
        return Ok(());
    }
    let Some(money) = receivables::money(tx, credit.document_id).await? else { return Ok(()) };
    let told = [("account", &money.payer_account), ("name", &money.payer_name)];
    let aliases: Vec<NewAlias<'_>> = told
        .into_iter()
        .filter_map(|(kind, value)| Some(NewAlias { kind, value: value.as_deref()?, customer_code: &credit.customer_code, application }))
        .collect();
    receivables::learn(tx, credit.entity_id, &aliases, &decider.actor.to_string(), decider.at).await
}

/// A credit memo of our own, under an item that says why.
pub(super) fn write_off(
    item: &Item,
    currency: Currency,
    reason: WriteOffReason,
    amount: Decimal,
    number: String,
    today: NaiveDate,
) -> DocumentContent {
    let line = DocumentLine {
        item_code: reason.item_code().to_owned(),
        description: format!("{} of {}", reason.label(), item.number),
        quantity: Decimal::ONE,
        unit_price: amount,
        net: amount,
        tax: Decimal::ZERO,
        tax_code: NO_TAX.to_owned(),
    };
    DocumentContent {
        kind: DocumentKind::CreditMemo,
        number,
        version: 1,
        customer_code: item.customer_code.clone(),
        customer_name: item.customer_name.clone(),
        currency,
        amount,
        tax: Decimal::ZERO,
        issue_date: today,
        due_date: today,
        posting_date: today,
        period: AccountingPeriod::of(today),
        applies_to: Some(item.number.clone()),
        lines: vec![line],
    }
}

/// Takes a whole application back: what it settled is open again, on both sides.
pub async fn reverse(cx: &Context, caller: &Caller, scope: &Scope, application: DocumentId, reason: &str) -> Result<(), WorkError> {
    let reason = text("reason", reason)?;
    transaction!(&cx.pool, |tx| {
        let Some(found) = receivables::find_application(tx, scope, application).await? else { return Ok(Err(WorkError::NotFound)) };
        if found.kind != DocumentKind::CashApplication || found.reversed {
            return Ok(Err(WorkError::Conflict(format!("{} was taken back already.", found.number))));
        }
        if receivables::gives_to_transfer(tx, application).await? {
            let why = format!("{} gave money to another customer: take the transfer back instead.", found.number);
            return Ok(Err(WorkError::Conflict(why)));
        }
        let Ok(currency) = found.currency.parse() else { return Ok(Err(WorkError::NotFound)) };
        let decider = Decider::of(cx, tx, found.entity_id, caller.actor()).await?;
        let given = Given {
            credit_id: found.credit_id,
            credit_number: found.credit_number,
            customer: (found.customer_code, found.customer_name),
            currency,
            debits: receivables::allocations_of(tx, application).await?,
            reverses: Some(application),
            decided_by: Some(caller.email.clone()),
            reason: reason.clone(),
            score: None,
            rules: None,
        };
        match decider.give(tx, Vec::new(), &[given]).await {
            Err(error) if error.is_conflict_on("application_is_reversed_once") => {
                return Ok(Err(WorkError::Conflict(format!("{} was taken back already.", found.number))));
            }
            done => done?,
        };
        let told = json!({ "application": found.number, "reason": reason });
        let about = format!("document:{application}");
        audit::append(tx, &entry(cx, caller, "cash.reverse", &about, Some(found.entity_id), told)).await?;
        Ok(Ok(()))
    })?
}
