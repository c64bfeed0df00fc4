//! An entity's books as they were when money came in.
//!
//! Known exactly: which documents were there, what had been applied to them, and which accounts and names had been learned. Not known, and
//! taken as they are today: names of customers, marks of dispute, and versions of documents that took another's place since. A payment is
//! decided about once, when it came in, not again as it waited.

use crate::cash::book::{Ledger, amount, settled_since};
use chrono::{DateTime, Duration, NaiveDate, TimeDelta, Utc};
use domain::id::{DocumentId, EntityId};
use matching::{Moment, Stood, model::ItemId};
use rust_decimal::Decimal;
use std::collections::HashMap;
use store::{
    Conn, Result, entities,
    receivables::{BookCustomer, BookItem},
    rules::history::{self as rows, Outcome, PastAlias, PastItem, Taken},
};

/// What the rules decided counts as right when nobody took it back for so long.
const UNCHALLENGED: TimeDelta = Duration::days(7);

/// Everything that a moment is made from.
pub(super) struct History {
    entity: EntityId,
    country: String,
    now: DateTime<Utc>,
    customers: Vec<BookCustomer>,
    aliases: Vec<PastAlias>,
    items: Vec<PastItem>,
    taken: HashMap<DocumentId, Vec<Taken>>,
}

impl History {
    pub(super) async fn load(conn: &mut Conn, entity: EntityId, since: DateTime<Utc>, now: DateTime<Utc>) -> Result<Self> {
        let (_, country) = entities::home(conn, entity).await?;
        let items = rows::items(conn, entity, since, settled_since(since.date_naive())).await?;
        let ids: Vec<DocumentId> = items.iter().map(|past| past.item.document_id).collect();
        let mut taken: HashMap<DocumentId, Vec<Taken>> = HashMap::new();
        for part in rows::taken(conn, &ids).await? {
            taken.entry(part.document_id).or_default().push(part);
        }
        let (customers, aliases) = (rows::customers(conn, entity).await?, rows::aliases(conn, entity).await?);
        Ok(Self { entity, country, now, customers, aliases, items, taken })
    }

    /// The money of a moment with the book as it was then; with it the days on which it was received, and how each payment is called.
    pub(super) async fn moment(&self, conn: &mut Conn, at: DateTime<Utc>) -> Result<Past> {
        let money = rows::receipts(conn, self.entity, at).await?;
        let ids: Vec<DocumentId> = money.iter().filter_map(|money| money.document_id).collect();
        let mut outcomes: HashMap<DocumentId, Outcome> =
            rows::outcomes(conn, &ids).await?.into_iter().map(|outcome| (outcome.document_id, outcome)).collect();
        let ledger = Ledger::of(self.entity, &self.country, self.customers_at(at), self.items_at(at))?;
        let (mut receipts, mut stood, mut words) = (Vec::new(), Vec::new(), HashMap::new());
        for money in &money {
            let Some(id) = money.document_id else { continue };
            receipts.push(ledger.receipt(id, money)?);
            let outcome = outcomes.remove(&id);
            words.insert(id, outcome.as_ref().map(in_words).unwrap_or_default());
            stood.push(match outcome {
                Some(outcome) => self.stood(&outcome)?,
                None => None,
            });
        }
        let days = money.iter().map(|money| money.received_on).collect();
        Ok(Past { moment: Moment { book: ledger.book, receipts, stood }, days, words })
    }

    /// What a payment pays for good; `None`: that is not known yet.
    fn stood(&self, outcome: &Outcome) -> Result<Option<Stood>> {
        let is_old = outcome.last_at.is_some_and(|at| at + UNCHALLENGED <= self.now);
        if !outcome.settled || !outcome.by_person && !is_old {
            return Ok(None);
        }
        let mut stood = Stood::new();
        for (debit, given) in outcome.debits.iter().zip(&outcome.amounts) {
            stood.insert(ItemId(*debit), amount(*given, outcome.currency)?.minor);
        }
        Ok(Some(stood))
    }

    fn customers_at(&self, at: DateTime<Utc>) -> Vec<BookCustomer> {
        let mut known: HashMap<&str, Vec<&PastAlias>> = HashMap::new();
        for alias in self.aliases.iter().filter(|alias| alias.learned_at < at) {
            known.entry(&alias.customer_code).or_default().push(alias);
        }
        let of = |code: &str, kind: &str| -> Vec<String> {
            let all = known.get(code).into_iter().flatten();
            all.filter(|alias| alias.kind == kind).map(|alias| alias.value.clone()).collect()
        };
        let customers = self.customers.iter();
        customers.map(|one| BookCustomer { accounts: of(&one.code, "account"), names: of(&one.code, "name"), ..one.clone() }).collect()
    }

    /// What was there, with what was open of it; of what was settled, what tells a second payment.
    fn items_at(&self, at: DateTime<Utc>) -> Vec<BookItem> {
        let since = settled_since(at.date_naive());
        let there = self.items.iter().filter(|past| past.entered_at <= at);
        let with_open = there.map(|past| (&past.item, past.item.open - self.taken_before(past.item.document_id, at)));
        let known = with_open.filter(|(item, open)| *open > Decimal::ZERO || item.due_on >= since);
        known.map(|(item, open)| BookItem { open, ..item.clone() }).collect()
    }

    /// What the same run gave to the money does not count, what it gave of credit memos does: those come first.
    fn taken_before(&self, item: DocumentId, at: DateTime<Utc>) -> Decimal {
        let all = self.taken.get(&item).into_iter().flatten();
        all.filter(|part| part.at < at || part.at == at && part.named).map(|part| part.amount).sum()
    }
}

/// A moment of the past.
pub(super) struct Past {
    pub(super) moment: Moment,
    pub(super) days: Vec<NaiveDate>,
    /// What became of each payment, in words.
    pub(super) words: HashMap<DocumentId, String>,
}

fn in_words(outcome: &Outcome) -> String {
    let parts: Vec<String> = outcome
        .numbers
        .iter()
        .zip(&outcome.amounts)
        .map(|(number, amount)| format!("{number} {} {}", domain::money::grouped(amount.normalize()), outcome.currency))
        .collect();
    if parts.is_empty() { "kept on account".to_owned() } else { parts.join(", ") }
}
