//! What the database knows, as the matching engine wants it: customers, items and receipts under its own ids.

use chrono::{Days, NaiveDate};
use domain::{
    id::{DocumentId, EntityId},
    money::{Currency, Money},
    stage::DocumentKind,
};
use matching::{
    Book,
    amount::Amount,
    model::{Alias, Customer, CustomerId, ItemId, ItemKind, OpenItem, Rail, Receipt, ReceiptId, Reference, ReferenceKind},
};
use rust_decimal::Decimal;
use std::collections::HashMap;
use store::{
    Conn, Error, Result,
    receivables::{self, BookCustomer, BookItem},
};
use uuid::Uuid;

/// So long after its due date a settled item tells that money pays it a second time.
const SETTLED_DAYS: u64 = 120;

/// An entity's receivables in memory.
pub(super) struct Ledger {
    pub book: Book,
    pub items: HashMap<DocumentId, BookItem>,
    /// Code and name of each customer, at the place that is his id.
    customers: Vec<(String, String)>,
    codes: HashMap<String, CustomerId>,
    entity: EntityId,
}

impl Ledger {
    pub(super) async fn load(conn: &mut Conn, entity: EntityId, country: &str, today: NaiveDate) -> Result<Self> {
        let known = receivables::customers(conn, entity).await?;
        let items = receivables::items(conn, entity, settled_since(today)).await?;
        Self::of(entity, country, known, items)
    }

    pub(super) fn of(entity: EntityId, country: &str, known: Vec<BookCustomer>, items: Vec<BookItem>) -> Result<Self> {
        let codes: HashMap<String, CustomerId> =
            (1..).zip(&known).map(|(place, customer)| (customer.code.clone(), customer_id(place))).collect();
        let customers: Vec<Customer> = (1..)
            .zip(&known)
            .map(|(place, customer)| Customer {
                id: customer_id(place),
                code: customer.code.clone(),
                name: customer.name.clone(),
                country: country.to_owned(),
                parent: None,
                accounts: customer.accounts.clone(),
                aliases: customer.names.iter().cloned().map(Alias::Name).collect(),
            })
            .collect();
        let open: Vec<OpenItem> = items.iter().map(|item| open_item(entity, &codes, item)).collect::<Result<_>>()?;
        let book = Book::build(&customers, &open).map_err(|error| corrupt("open_item", entity, error.to_string()))?;
        Ok(Self {
            book,
            items: items.into_iter().map(|item| (item.document_id, item)).collect(),
            customers: known.into_iter().map(|customer| (customer.code, customer.name)).collect(),
            codes,
            entity,
        })
    }

    pub(super) fn named(&self, code: &str) -> Option<&(String, String)> {
        self.customer(*self.codes.get(code)?)
    }

    /// Code and name.
    pub(super) fn customer(&self, id: CustomerId) -> Option<&(String, String)> {
        self.customers.get(usize::try_from(id.0.as_u128()).ok()?.checked_sub(1)?)
    }

    pub(super) fn receipt(&self, id: DocumentId, money: &receivables::Receipt) -> Result<Receipt> {
        let mut references: Vec<Reference> = money
            .structured_references
            .iter()
            .map(|value| Reference {
                kind: if value.starts_with("RF") { ReferenceKind::Creditor } else { ReferenceKind::Qr },
                value: value.clone(),
            })
            .collect();
        references.extend(money.end_to_end_id.iter().map(|value| Reference { kind: ReferenceKind::EndToEnd, value: value.clone() }));
        references.extend(money.documents.iter().map(|value| Reference { kind: ReferenceKind::Token, value: value.clone() }));
        Ok(Receipt {
            id: ReceiptId(id.0),
            entity: self.entity,
            amount: amount(money.amount, money.currency)?,
            received_on: money.received_on,
            payer_name: money.payer_name.clone().unwrap_or_default(),
            payer_account: money.payer_account.clone(),
            references,
            remittance_text: money.text.clone(),
            advice: Vec::new(),
            customer: self.codes.get(&money.customer_code).copied(),
            rail: if money.mandate.is_some() { Rail::DirectDebit } else { Rail::Transfer },
        })
    }
}

/// The due date from which on settled items are known.
pub(super) fn settled_since(today: NaiveDate) -> NaiveDate {
    today.checked_sub_days(Days::new(SETTLED_DAYS)).unwrap_or(today)
}

fn customer_id(place: u128) -> CustomerId {
    CustomerId(Uuid::from_u128(place))
}

fn open_item(entity: EntityId, codes: &HashMap<String, CustomerId>, item: &BookItem) -> Result<OpenItem> {
    let customer = codes.get(&item.customer_code).copied();
    Ok(OpenItem {
        id: ItemId(item.document_id.0),
        entity,
        customer: customer.ok_or_else(|| corrupt("open_item", item.document_id, "its customer has no items".into()))?,
        number: item.number.clone(),
        kind: if item.kind == DocumentKind::CreditMemo { ItemKind::CreditMemo } else { ItemKind::Invoice },
        open: amount(item.open, item.currency)?,
        total: amount(item.amount, item.currency)?,
        issued_on: item.issued_on,
        due_on: item.due_on,
        disputed: item.disputed,
    })
}

pub(super) fn amount(amount: Decimal, currency: Currency) -> Result<Amount> {
    let money = Money::new(amount, currency).and_then(Amount::try_from);
    money.map_err(|error| corrupt("open_item", amount, error.to_string()))
}

fn corrupt(table: &'static str, id: impl std::fmt::Display, why: String) -> Error {
    Error::Corrupt { table, column: "amount", id: id.to_string(), why }
}
