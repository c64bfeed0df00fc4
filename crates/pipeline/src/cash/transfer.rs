//! Money that goes to another customer, in the same entity or in another one. It leaves as a document that takes it from the customer who had it
//! and comes as a payment of the one who has it now, so that the ERPs hold both; between entities these are due-to and due-from. Taking it back
//! is a transfer of its own, the other way.

use super::{
    give::{Decider, Given},
    money::{self, Told},
    refund,
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
    document::DocumentContent,
    id::DocumentId,
    money::{Currency, grouped},
    stage::DocumentKind,
    transfer::{Between, Transfer},
};
use serde_json::json;
use store::{
    Result as Stored, Tx,
    access::audit,
    approvals::Open,
    limits::{self, Act, Reach},
    receivables::{self, Item, NewTransfer},
};
use uuid::Uuid;

type Done<T> = Stored<Result<T, WorkError>>;

/// Gives open money of a customer to another one. Above the limit, in either entity, a second person decides.
pub async fn transfer(cx: &Context, caller: &Caller, scope: &Scope, wanted: &Transfer) -> Result<Resolved, WorkError> {
    let wanted =
        Transfer { reason: text("reason", &wanted.reason)?, customer_code: wanted.customer_code.trim().to_owned(), ..wanted.clone() };
    transaction!(&cx.pool, |tx| {
        let sides = match Sides::lock(cx, tx, caller, scope, &wanted).await? {
            Ok(sides) => sides,
            Err(error) => return Ok(Err(error)),
        };
        let about = format!("document:{}", wanted.credit);
        let act = Act { person: &caller.email, act: "cash", subject: &about, at: cx.clock.now() };
        if limits::use_up(tx, act, &sides.reaches(&wanted)).await? {
            sides.carry(cx, tx, caller, &wanted, None, None).await?;
            return Ok(Ok(Resolved::Done));
        }
        let wanted =
            Wanted { item: wanted.credit, act: ApprovalAct::Transfer, plan: sides.plan(&wanted), content: &wanted, reason: &wanted.reason };
        approve::request_wanted(cx, tx, caller, scope, wanted).await
    })?
}

/// What a second person agreed to.
pub(crate) async fn carry_out_transfer(cx: &Context, tx: &mut Tx, caller: &Caller, scope: &Scope, open: &Open) -> Done<()> {
    let Some(content) = open.ask.content.clone() else { return Ok(Err(WorkError::NotFound)) };
    let wanted: Transfer = serde_json::from_value(content).map_err(|error| store::DriverError::Decode(error.into()))?;
    match Sides::lock(cx, tx, caller, scope, &wanted).await? {
        Ok(sides) => sides.carry(cx, tx, caller, &wanted, Some(&open.requested_by), None).await.map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

/// Takes a whole transfer back: what was transferred has to be unapplied.
pub async fn reverse_transfer(cx: &Context, caller: &Caller, scope: &Scope, transfer: DocumentId, reason: &str) -> Result<(), WorkError> {
    let reason = text("reason", reason)?;
    transaction!(&cx.pool, |tx| {
        let Some(found) = receivables::find_transfer(tx, scope, transfer).await? else { return Ok(Err(WorkError::NotFound)) };
        let taken_back = || WorkError::Conflict(format!("{} was taken back already, or takes one back itself.", found.out_number));
        if found.is_reversed || found.is_reversal {
            return Ok(Err(taken_back()));
        }
        let back = Transfer {
            credit: found.in_id,
            amount: found.amount,
            to_entity: found.from_entity,
            customer_code: found.from_customer.clone(),
            reason: reason.clone(),
        };
        let sides = match Sides::lock(cx, tx, caller, scope, &back).await? {
            Ok(sides) => sides,
            Err(error) => return Ok(Err(error)),
        };
        match sides.carry(cx, tx, caller, &back, None, Some(transfer)).await {
            Err(error) if error.is_conflict_on("transfer_is_reversed_once") => Ok(Err(taken_back())),
            done => done.map(Ok),
        }
    })?
}

/// Who has the money and who gets it, as they stand, locked.
struct Sides {
    credit: Item,
    currency: Currency,
    from: Decider,
    to: Decider,
    /// Code and name of who gets it.
    customer: (String, String),
}

impl Sides {
    async fn lock(cx: &Context, tx: &mut Tx, caller: &Caller, scope: &Scope, wanted: &Transfer) -> Done<Self> {
        if !scope.contains(wanted.to_entity) {
            return Ok(Err(WorkError::NotFound));
        }
        let Some(credit) = receivables::lock_items(tx, scope, &[wanted.credit]).await?.pop() else { return Ok(Err(WorkError::NotFound)) };
        let Ok(currency) = credit.currency.parse() else { return Ok(Err(WorkError::NotFound)) };
        let known = receivables::customers(tx, wanted.to_entity).await?.into_iter().find(|known| known.code == wanted.customer_code);
        let Some(customer) = known.map(|known| (known.code, known.name)) else {
            let why = format!("{:?} has no receivables in that entity.", wanted.customer_code);
            return Ok(Err(WorkError::invalid("customer", why)));
        };
        let from = Decider::of(cx, tx, credit.entity_id, caller.actor()).await?;
        let to = Decider::of(cx, tx, wanted.to_entity, caller.actor()).await?;
        let sides = Self { credit, currency, from, to, customer };
        let refusal = match sides.refusal(wanted) {
            Some(error) => Some(error),
            None => sides.closed(tx).await?,
        };
        Ok(refusal.map_or(Ok(sides), Err))
    }

    /// Why it can't be given to him.
    fn refusal(&self, wanted: &Transfer) -> Option<WorkError> {
        let Self { credit, customer, .. } = self;
        if credit.kind != DocumentKind::Payment {
            let kind = credit.kind.label().to_lowercase();
            return Some(WorkError::Conflict(format!("{} is of the kind {kind}: only money is transferred.", credit.number)));
        }
        if !self.crosses() && credit.customer_code == customer.0 {
            return Some(WorkError::Conflict(format!("{} is {}'s already.", credit.number, customer.0)));
        }
        refund::not_open(credit, self.currency, wanted.amount)
    }

    /// Between entities both periods have to be open; in one, its own must not be hard closed.
    async fn closed(&self, tx: &mut Tx) -> Stored<Option<WorkError>> {
        if !self.crosses() {
            return self.from.hard_closed(tx).await;
        }
        match self.from.not_open(tx).await? {
            Some(error) => Ok(Some(error)),
            None => self.to.not_open(tx).await,
        }
    }

    fn crosses(&self) -> bool {
        self.from.entity != self.to.entity
    }

    fn reaches(&self, wanted: &Transfer) -> Vec<Reach> {
        let mut entities = vec![self.from.entity, self.to.entity];
        entities.dedup();
        let reach = |entity_id| Reach { entity_id, currency: self.credit.currency.clone(), amount: wanted.amount };
        entities.into_iter().map(reach).collect()
    }

    /// What exactly would be done, in words.
    fn plan(&self, wanted: &Transfer) -> String {
        let Self { credit, currency, customer, from, to } = self;
        let amount = grouped(wanted.amount.normalize());
        let where_to =
            if self.crosses() { format!(" in {}, which {} then owes it", to.entity_code, from.entity_code) } else { String::new() };
        format!("{amount} {currency} of {} go from {} to {}{where_to}", credit.number, credit.customer_code, customer.0)
    }

    async fn carry(
        &self,
        cx: &Context,
        tx: &mut Tx,
        caller: &Caller,
        wanted: &Transfer,
        prepared_by: Option<&str>,
        reverses: Option<DocumentId>,
    ) -> Stored<()> {
        let Self { credit, from, to, .. } = self;
        let (given, got) = self.documents(tx, wanted).await?;
        let decided_by = prepared_by.map_or_else(|| caller.email.clone(), |preparer| format!("{preparer}, approved by {}", caller.email));
        let consumed = Given {
            credit_id: credit.document_id,
            credit_number: credit.number.clone(),
            customer: (credit.customer_code.clone(), credit.customer_name.clone()),
            currency: self.currency,
            debits: vec![(given.0, given.1.number.clone(), wanted.amount.normalize())],
            reverses: None,
            decided_by: Some(decided_by),
            reason: wanted.reason.clone(),
            score: None,
            rules: None,
        };
        let new = NewTransfer {
            out_id: given.0,
            in_id: got.0,
            from_entity: from.entity,
            to_entity: to.entity,
            credit_id: credit.document_id,
            reverses,
            reason: &wanted.reason,
            requested_by: prepared_by.unwrap_or(&caller.email),
            approved_by: prepared_by.map(|_| caller.email.as_str()),
            made_at: from.at,
        };
        let about = format!("document:{}", given.0);
        from.give(tx, vec![given], &[consumed]).await?;
        to.give(tx, vec![got], &[]).await?;
        receivables::record_transfer(tx, &new).await?;
        let told = json!({ "plan": self.plan(wanted), "reason": wanted.reason, "prepared_by": prepared_by, "reverses": reverses });
        for reach in self.reaches(wanted) {
            audit::append(tx, &entry(cx, caller, "cash.transfer", &about, Some(reach.entity_id), told.clone())).await?;
        }
        Ok(())
    }

    /// What takes it from the one, and what gives it to the other.
    async fn documents(&self, tx: &mut Tx, wanted: &Transfer) -> Stored<((DocumentId, DocumentContent), (DocumentId, DocumentContent))> {
        let Self { credit, from, to, customer, .. } = self;
        let between = Between::of(&from.entity_code, &to.entity_code);
        let out = receivables::take_numbers(tx, from.entity, "TR", from.today.year(), 1).await?.concat();
        let number = receivables::take_numbers(tx, to.entity, "TI", to.today.year(), 1).await?.concat();
        let told = |account, text, day| Told { account, text, amount: wanted.amount, currency: self.currency, day };
        let text = format!("{} to {} as {number}: {}", credit.number, customer.0, wanted.reason);
        let had = (credit.customer_code.clone(), credit.customer_name.clone());
        let given = money::content(DocumentKind::Transfer, told(&between.given, &text, from.today), out.clone(), 1, had);
        let text = format!("{} from {} by {out}: {}", credit.number, credit.customer_code, wanted.reason);
        let got = money::content(DocumentKind::Payment, told(&between.got, &text, to.today), number, 1, customer.clone());
        Ok(((DocumentId(Uuid::now_v7()), given), (DocumentId(Uuid::now_v7()), got)))
    }
}
