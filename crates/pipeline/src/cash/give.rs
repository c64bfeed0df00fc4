//! Which credit settles what, as documents: one application per credit, all of one decision in one batch.

use super::enter::{self, Entry};
use crate::{Context, workbench::WorkError};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use domain::{
    access::Actor,
    calendar::Calendar,
    document::{DocumentContent, DocumentLine},
    id::{DocumentId, EntityId},
    money::Currency,
    period::{AccountingPeriod, PeriodState},
    stage::DocumentKind,
};
use rust_decimal::Decimal;
use store::{
    Result, Tx, calendars, entities,
    receivables::{self, NewApplication},
};
use uuid::Uuid;

/// Under which source decisions about cash come in.
pub(super) const SOURCE: &str = "tieout-cash";

/// What one credit gives, or takes back.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub credit_id: DocumentId,
    pub credit_number: String,
    pub customer: (String, String),
    pub currency: Currency,
    /// Item, number and amount, each item once.
    pub debits: Vec<(DocumentId, String, Decimal)>,
    /// The application that it takes back.
    pub reverses: Option<DocumentId>,
    /// `None`: the rules.
    pub decided_by: Option<String>,
    pub reason: String,
    pub score: Option<i32>,
    pub rules: Option<i32>,
}

/// Who decides, where and when.
pub(super) struct Decider {
    pub entity: EntityId,
    pub entity_code: String,
    pub country: String,
    pub actor: Actor,
    /// The day where the entity keeps its books.
    pub today: NaiveDate,
    pub at: DateTime<Utc>,
    calendar: Option<Calendar>,
}

impl Decider {
    pub(super) async fn of(cx: &Context, tx: &mut Tx, entity: EntityId, actor: Actor) -> Result<Self> {
        let at = cx.clock.now();
        let (entity_code, country) = entities::home(tx, entity).await?;
        let calendar = calendars::of(tx, &[entity]).await?.remove(&entity);
        let today = day(calendar.as_ref(), at);
        Ok(Self { entity, entity_code, country, actor, today, at, calendar })
    }

    /// The day of a moment where the entity keeps its books.
    pub(super) fn day(&self, at: DateTime<Utc>) -> NaiveDate {
        day(self.calendar.as_ref(), at)
    }

    /// Why nothing can be dated today in these books, where that is so.
    pub(super) async fn hard_closed(&self, tx: &mut Tx) -> Result<Option<WorkError>> {
        let (period, state) = self.period(tx).await?;
        let why = || format!("{period} is hard closed in {}: nothing is added to it.", self.entity_code);
        Ok((state == PeriodState::HardClosed).then(|| WorkError::Conflict(why())))
    }

    /// Why nothing that concerns two entities can be dated today in these books, where that is so.
    pub(super) async fn not_open(&self, tx: &mut Tx) -> Result<Option<WorkError>> {
        let (period, state) = self.period(tx).await?;
        let why = || format!("{period} is not open in {}: between entities both periods have to be.", self.entity_code);
        Ok((state != PeriodState::Open).then(|| WorkError::Conflict(why())))
    }

    async fn period(&self, tx: &mut Tx) -> Result<(AccountingPeriod, PeriodState)> {
        let period = AccountingPeriod::of(self.today);
        let state = entities::periods(tx, self.entity).await?.get(&period).copied();
        Ok((period, state.unwrap_or(PeriodState::Open)))
    }

    /// Enters documents of one decision, and the applications among them. Returns the applications' ids.
    pub(super) async fn give(
        &self,
        tx: &mut Tx,
        mut documents: Vec<(DocumentId, DocumentContent)>,
        given: &[Given],
    ) -> Result<Vec<DocumentId>> {
        let mut made = Vec::with_capacity(given.len());
        for reverses in [false, true] {
            let of_kind: Vec<&Given> = given.iter().filter(|g| g.reverses.is_some() == reverses).collect();
            let series = if reverses { "RV" } else { "AP" };
            if of_kind.is_empty() {
                continue;
            }
            let numbers = receivables::take_numbers(tx, self.entity, series, self.today.year(), of_kind.len()).await?;
            for (given, number) in of_kind.into_iter().zip(numbers) {
                let id = DocumentId(Uuid::now_v7());
                documents.push((id, self.content(given, number)));
                made.push(self.application(id, given));
            }
        }
        let Some((_, first)) = documents.first() else { return Ok(Vec::new()) };
        let entry = Entry {
            entity: self.entity,
            source: SOURCE,
            number: &format!("{} {}", self.entity_code, first.number),
            period: AccountingPeriod::of(self.today),
            actor: &self.actor,
            reason: format!("cash applied by {}", self.actor),
            at: self.at,
            manifest: None,
        };
        enter::enter(tx, entry, &documents).await?;
        receivables::apply(tx, &made).await?;
        Ok(made.iter().map(|application| application.document_id).collect())
    }

    fn content(&self, given: &Given, number: String) -> DocumentContent {
        let line = |(_, number, amount): &(DocumentId, String, Decimal)| DocumentLine {
            item_code: number.clone(),
            description: given.credit_number.clone(),
            quantity: Decimal::ONE,
            unit_price: *amount,
            net: *amount,
            tax: Decimal::ZERO,
            tax_code: String::new(),
        };
        DocumentContent {
            kind: if given.reverses.is_some() { DocumentKind::ApplicationReversal } else { DocumentKind::CashApplication },
            number,
            version: 1,
            customer_code: given.customer.0.clone(),
            customer_name: given.customer.1.clone(),
            currency: given.currency,
            amount: given.debits.iter().map(|(.., amount)| amount).sum(),
            tax: Decimal::ZERO,
            issue_date: self.today,
            due_date: self.today,
            posting_date: self.today,
            period: AccountingPeriod::of(self.today),
            applies_to: None,
            lines: given.debits.iter().map(line).collect(),
        }
    }

    fn application(&self, document_id: DocumentId, given: &Given) -> NewApplication {
        NewApplication {
            document_id,
            entity_id: self.entity,
            credit_id: given.credit_id,
            reverses: given.reverses,
            decided_by: given.decided_by.clone(),
            reason: given.reason.clone(),
            score: given.score,
            rules: given.rules,
            allocations: given.debits.iter().map(|(debit, _, amount)| (*debit, *amount)).collect(),
        }
    }
}

fn day(calendar: Option<&Calendar>, at: DateTime<Utc>) -> NaiveDate {
    calendar.map_or_else(|| at.date_naive(), |calendar| calendar.day(at))
}

/// Takes so much of what is owed, in order.
pub(super) fn take(owed: &mut Vec<(DocumentId, String, Decimal)>, amount: Decimal) -> Vec<(DocumentId, String, Decimal)> {
    let (mut left, mut taken) = (amount, Vec::new());
    for (id, number, open) in owed.iter_mut() {
        let part = left.min(*open);
        if part > Decimal::ZERO {
            taken.push((*id, number.clone(), part));
            (left, *open) = (left - part, *open - part);
        }
    }
    owed.retain(|(.., open)| !open.is_zero());
    taken
}
