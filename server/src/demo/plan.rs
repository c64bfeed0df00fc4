//! The whole past of the company, decided before the first document is handed over: it depends on the seed, the size and
//! the day, and on nothing that happens while it is driven.

use super::{
    bank,
    calendar::{Calendar, local},
    company::{self, Customer, ENTITIES},
    invoices::{self, Planned},
    troubles::{self, Trouble, Troubles},
};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use domain::{document::DocumentContent, period::AccountingPeriod, posting::PostingKey, stage::DocumentKind};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// When an entity's day ends, where it is.
const DAY_ENDS: (u32, u32) = (17, 0);
/// Corrected rows come so many billing days later.
const CORRECTED_AFTER: usize = 2;
/// The ERP's maintenance on the last evening, in minutes of the day (UTC), and when the batches come that it strikes.
const MAINTENANCE: (i64, i64) = (20 * 60 + 30, 23 * 60 + 30);
const STRUCK_BATCHES: i64 = 20 * 60 + 45;
/// The account that has it.
pub const MAINTAINED: usize = 1;
/// Below this a company is small.
const SMALL: u64 = 2_000;
/// Documents whose outcome nobody knows yet when the company begins to live.
const UNANSWERED: u64 = 3;
/// Documents that somebody else changes in the ERP: one edited, one voided, three moved.
const TOUCHED: usize = 5;

/// What the billing system hands over at the end of an entity's day.
#[derive(Debug)]
pub struct Batch {
    pub entity: usize,
    pub date: NaiveDate,
    pub at: DateTime<Utc>,
    pub number: String,
    pub documents: Vec<DocumentContent>,
    /// Documents of it that somebody enters in the ERP beforehand, otherwise.
    pub entered: Vec<usize>,
}

/// A US document that somebody else changes in the ERP.
#[derive(Debug)]
pub struct Touched {
    pub key: PostingKey,
    pub amount: Decimal,
    pub period: AccountingPeriod,
}

/// An invoice that is collected through the entity's gateway account.
#[derive(Debug)]
pub struct Charge {
    pub entity: usize,
    /// When it is out.
    pub from: DateTime<Utc>,
    pub invoice: simulators::stripe::Invoice,
}

pub struct Plan {
    pub calendar: Calendar,
    pub customers: Vec<Customer>,
    /// In the order of time.
    pub batches: Vec<Batch>,
    /// What customers transfer, day by day.
    pub transfers: bank::Transfers,
    /// What is collected by card, in the order of time.
    pub charges: Vec<Charge>,
    /// A small one that comes at last, while the ERP gives no answers.
    pub last: Batch,
    pub troubles: Troubles,
    /// Posted without trouble and changed in the ERP later.
    pub touched: Vec<Touched>,
}

impl Plan {
    pub fn new(today: NaiveDate, documents: u64, seed: u64) -> anyhow::Result<Self> {
        let calendar = Calendar::new(today, documents < SMALL);
        let customers = company::customers(documents, seed);
        let mut invoices = invoices::invoices(&calendar, &customers, documents, seed)?;
        let troubles = troubles::strike(&calendar, &mut invoices, seed);
        let credits = invoices::credits(&calendar, &invoices, seed)?;
        let touched = touched(&calendar, &invoices, &credits);
        let documents = invoices::of_today(&calendar, &customers, &invoices, UNANSWERED, seed)?;
        let (number, at) = (format!("{today}-US"), calendar.end());
        let last = Batch { entity: 0, date: today, at, number, documents, entered: Vec::new() };
        let corrected = corrections(&calendar, &invoices);
        let batches = batches(&calendar, invoices.into_iter().chain(corrected).chain(credits))?;
        let (transfers, charges) = bank::rails(&batches, today, seed)?;
        Ok(Self { calendar, customers, batches, transfers, charges, last, troubles, touched })
    }

    /// The last evening's maintenance, from and until.
    pub fn maintenance(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let midnight = self.calendar.days.last().map_or(self.calendar.today, |day| day.date).and_time(NaiveTime::MIN).and_utc();
        (midnight + TimeDelta::minutes(MAINTENANCE.0), midnight + TimeDelta::minutes(MAINTENANCE.1))
    }
}

fn corrections(calendar: &Calendar, invoices: &[Planned]) -> Vec<Planned> {
    let correct = |row: &Planned| -> Option<Planned> {
        let day = row.day + CORRECTED_AFTER;
        let billing = calendar.days.get(day)?;
        let mut content = *row.original.clone()?;
        content.version = 2;
        // a month that the ERP may have closed is not corrected any more
        (content.period == AccountingPeriod::of(billing.date)).then_some(Planned {
            content,
            entity: row.entity,
            day,
            trouble: None,
            original: None,
        })
    };
    invoices.iter().filter_map(correct).collect()
}

fn touched(calendar: &Calendar, invoices: &[Planned], credits: &[Planned]) -> Vec<Touched> {
    let credited = |number: &str| credits.iter().any(|memo| memo.content.applies_to.as_deref() == Some(number));
    let settled = calendar.days.len().saturating_sub(4);
    let newest = invoices
        .iter()
        .rev()
        .filter(|invoice| invoice.day <= settled && ENTITIES[invoice.entity].code == "US" && invoice.trouble.is_none());
    newest
        .filter(|invoice| !credited(&invoice.content.number))
        .take(TOUCHED)
        .map(|invoice| Touched {
            key: PostingKey::of("US", DocumentKind::Invoice, &invoice.content.number, 1),
            amount: invoice.content.amount,
            period: invoice.content.period,
        })
        .collect()
}

fn batches(calendar: &Calendar, documents: impl Iterator<Item = Planned>) -> anyhow::Result<Vec<Batch>> {
    let mut of_day: BTreeMap<(usize, usize), Vec<Planned>> = BTreeMap::new();
    for document in documents {
        of_day.entry((document.day, document.entity)).or_default().push(document);
    }
    let last = calendar.days.len().saturating_sub(1);
    let mut batches = Vec::new();
    for ((day, entity), planned) in of_day {
        let (issuer, date) = (&ENTITIES[entity], calendar.days[day].date);
        let is_struck = day == last && matches!(issuer.code, "DE" | "UK");
        let at = if is_struck {
            date.and_time(NaiveTime::MIN).and_utc() + TimeDelta::minutes(STRUCK_BATCHES)
        } else {
            local(date, DAY_ENDS.0, DAY_ENDS.1, issuer.zone)?
        };
        let entered = (0..planned.len()).filter(|place| planned[*place].trouble == Some(Trouble::Entered)).collect();
        let documents = planned.into_iter().map(|planned| planned.content).collect();
        batches.push(Batch { entity, date, at, number: format!("{date}-{}", issuer.code), documents, entered });
    }
    batches.sort_by_key(|batch| (batch.at, batch.entity));
    Ok(batches)
}

impl Batch {
    /// The file, as `tieout.invoice-batch/1`.
    pub fn file(&self) -> Value {
        let mut sums: BTreeMap<(String, DocumentKind), (i64, Decimal, Decimal)> = BTreeMap::new();
        for document in &self.documents {
            let sum = sums.entry((document.currency.to_string(), document.kind)).or_default();
            *sum = (sum.0 + 1, sum.1 + document.amount, sum.2 + document.tax);
        }
        let manifest: Vec<Value> = sums
            .iter()
            .map(|((currency, kind), (count, total, tax))| {
                json!({ "currency": currency, "kind": kind, "count": count, "total": total.to_string(), "tax": tax.to_string() })
            })
            .collect();
        json!({
            "format": pipeline::import::format::FORMAT, "source": "lumen-billing", "batch": self.number, "entity": ENTITIES[self.entity].code,
            "period": AccountingPeriod::of(self.date), "manifest": manifest,
            "documents": self.documents.iter().map(document).collect::<Vec<_>>(),
        })
    }
}

fn document(content: &DocumentContent) -> Value {
    let lines: Vec<Value> = content
        .lines
        .iter()
        .map(|line| {
            json!({
                "item": line.item_code, "description": line.description, "quantity": line.quantity.to_string(),
                "unit_price": line.unit_price.to_string(), "net": line.net.to_string(), "tax": line.tax.to_string(), "tax_code": line.tax_code,
            })
        })
        .collect();
    let mut document = json!({
        "kind": content.kind, "number": content.number, "version": content.version,
        "customer": { "code": content.customer_code, "name": content.customer_name }, "currency": content.currency,
        "amount": content.amount.to_string(), "tax": content.tax.to_string(), "issue_date": content.issue_date,
        "due_date": content.due_date, "posting_date": content.posting_date, "lines": lines,
    });
    if let Some(invoice) = &content.applies_to {
        document["applies_to"] = invoice.as_str().into();
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64) -> Plan {
        Plan::new("2026-11-20".parse().unwrap(), 4_000, seed).unwrap()
    }

    #[test]
    fn the_same_seed_makes_the_same_files_and_another_one_others() {
        let files = |seed| plan(seed).batches.iter().map(|batch| batch.file().to_string()).collect::<Vec<_>>();
        assert_eq!(files(1), files(1));
        assert_ne!(files(1), files(2));
    }

    #[test]
    fn the_company_has_the_proportions_that_were_asked_for() {
        let plan = plan(1);
        let documents: Vec<_> =
            plan.batches.iter().flat_map(|batch| batch.documents.iter().map(move |document| (batch.entity, document))).collect();
        let invoices = documents.iter().filter(|(_, document)| document.kind == DocumentKind::Invoice).count();
        let of_us = documents.iter().filter(|(entity, document)| *entity == 0 && document.kind == DocumentKind::Invoice).count();
        assert!((4_000..4_020).contains(&invoices), "{invoices}");
        assert!((440..460).contains(&(of_us * 1000 / invoices)), "{of_us}");
        let credits = documents.len() - invoices;
        assert!((20..=36).contains(&(credits * 1000 / invoices)), "{credits}");
        assert_eq!(plan.touched.len(), TOUCHED);
    }

    #[test]
    fn three_of_ten_invoices_are_charged_where_cards_are_taken_and_none_is_paid_twice() {
        let plan = plan(1);
        let charged: std::collections::BTreeSet<&str> = plan.charges.iter().map(|charge| charge.invoice.number.as_str()).collect();
        assert_eq!(charged.len(), plan.charges.len());
        let in_books = plan.batches.iter().flat_map(|batch| batch.documents.iter().map(move |document| (batch.entity, document)));
        let in_books = in_books.filter(|(entity, document)| {
            let is_invoice = document.kind == DocumentKind::Invoice && document.version == 1;
            is_invoice && document.currency.code() == ENTITIES[*entity].currency && super::super::gateways::WITH_CARDS.contains(entity)
        });
        assert!((250..350).contains(&(charged.len() * 1000 / in_books.count())));
        let transferred =
            plan.transfers.values().flatten().filter(|(_, movement)| charged.iter().any(|number| movement.text.contains(number)));
        assert_eq!(transferred.count(), 0);
    }

    #[test]
    fn everything_is_handed_over_before_today() {
        let plan = plan(1);
        assert!(plan.batches.iter().all(|batch| batch.at < plan.calendar.end()));
        assert!(plan.maintenance().1 < plan.calendar.end());
    }
}
