//! A small company to match receipts in.

use chrono::NaiveDate;
use domain::id::EntityId;
use matching::{
    Book, RuleTable,
    amount::Amount,
    decide,
    decision::{Decision, Proposal, Verdict},
    model::*,
};
use uuid::Uuid;

pub(crate) const HERE: EntityId = EntityId(Uuid::from_u128(1));
pub(crate) const THERE: EntityId = EntityId(Uuid::from_u128(2));
pub(crate) const ACCOUNT: &str = "DE02 1203 0000 0000 2020 51";

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn eur(minor: i64) -> Amount {
    Amount::new(minor, domain::money::Currency::EUR)
}

pub(crate) struct World {
    pub(crate) customers: Vec<Customer>,
    pub(crate) items: Vec<OpenItem>,
    pub(crate) rules: RuleTable,
}

impl World {
    /// Müller Data GmbH pays from a known account; its subsidiary and a stranger are customers too.
    pub(crate) fn new() -> Self {
        let mut world = Self { customers: Vec::new(), items: Vec::new(), rules: RuleTable::standard() };
        world.customer("C-70001", "Müller Data GmbH", None);
        world.customer("C-70002", "Müller Data Süd GmbH", Some(0));
        world.customer("C-70003", "Kestrel Foods AG", None);
        world.customers[0].accounts.push(ACCOUNT.to_owned());
        world.customers[2].accounts.push("CH9300762011623852957".to_owned());
        world
    }

    fn customer(&mut self, code: &str, name: &str, parent: Option<usize>) {
        let id = CustomerId(Uuid::from_u128(100 + self.customers.len() as u128));
        let parent = parent.map(|parent| self.customers[parent].id);
        let (code, name, country) = (code.to_owned(), name.to_owned(), "DE".to_owned());
        self.customers.push(Customer { id, code, name, country, parent, accounts: Vec::new(), aliases: Vec::new() });
    }

    /// An invoice of the first customer, issued in March, due a month later.
    pub(crate) fn invoice(&mut self, number: &str, minor: i64) -> &mut OpenItem {
        let id = ItemId(Uuid::from_u128(1_000 + self.items.len() as u128));
        self.items.push(OpenItem {
            id,
            entity: HERE,
            customer: self.customers[0].id,
            number: number.to_owned(),
            kind: ItemKind::Invoice,
            open: eur(minor),
            total: eur(minor),
            issued_on: day("2026-03-10"),
            due_on: day("2026-04-09"),
            disputed: false,
        });
        self.items.last_mut().unwrap()
    }

    pub(crate) fn invoices(mut self, invoices: &[(&str, i64)]) -> Self {
        for (number, minor) in invoices {
            self.invoice(number, *minor);
        }
        self
    }

    pub(crate) fn book(&self) -> Book {
        Book::build(&self.customers, &self.items).unwrap()
    }

    pub(crate) fn decide(&self, receipt: &Receipt) -> Decision {
        decide(&self.book(), &self.rules, receipt)
    }

    /// Numbers and minor units of a proposal.
    pub(crate) fn parts(&self, proposal: &Proposal) -> Vec<(&str, i64)> {
        let mut parts: Vec<(&str, i64)> = proposal
            .allocations
            .iter()
            .map(|part| (self.items.iter().find(|item| item.id == part.item).unwrap().number.as_str(), part.amount.minor))
            .collect();
        parts.sort_unstable();
        parts
    }

    pub(crate) fn best(&self, decision: &Decision) -> (Verdict, Vec<(&str, i64)>) {
        (decision.verdict, decision.best().map_or(Vec::new(), |best| self.parts(best)))
    }
}

/// A transfer of Müller Data from its known account, in time.
pub(crate) fn transfer(minor: i64, text: &str) -> Receipt {
    Receipt {
        id: ReceiptId(Uuid::from_u128(u128::from(minor.unsigned_abs()) << 32 | text.len() as u128)),
        entity: HERE,
        amount: eur(minor),
        received_on: day("2026-04-10"),
        payer_name: "MUELLER DATA GMBH".to_owned(),
        payer_account: Some(ACCOUNT.to_owned()),
        references: Vec::new(),
        remittance_text: text.to_owned(),
        advice: Vec::new(),
        customer: None,
        rail: Rail::Transfer,
    }
}

/// The same from somebody of whom nothing is known.
pub(crate) fn from_stranger(minor: i64, text: &str) -> Receipt {
    let (payer_name, payer_account) = ("PayBridge Ltd".to_owned(), Some("GB00NWBK00000000000000".to_owned()));
    Receipt { payer_name, payer_account, ..transfer(minor, text) }
}
