//! What goes in: receipts, the open items they may pay, and the customers who owe them.

use crate::amount::Amount;
use chrono::NaiveDate;
use domain::id::EntityId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);
    )+};
}

ids! {
    /// Money that came in.
    ReceiptId,
    /// An open item of receivables.
    ItemId,
    /// Who owes.
    CustomerId,
}

/// How money came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rail {
    Card,
    DirectDebit,
    Transfer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceKind {
    /// The invoice that a gateway says it charged.
    Gateway,
    /// ISO 11649 creditor reference, `RF` with two check digits.
    Creditor,
    /// Swiss QR reference: 26 digits and a check digit.
    Qr,
    /// The payer's end-to-end id.
    EndToEnd,
    /// Anything else that the bank set apart as a reference.
    Token,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    pub kind: ReferenceKind,
    pub value: String,
}

/// One line of a remittance advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdviceLine {
    pub number: String,
    /// What the payer says he pays of it; credits are negative.
    pub paid: Option<Amount>,
}

/// Money received, as the bank or the gateway told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub id: ReceiptId,
    /// Whose account it came to.
    pub entity: EntityId,
    pub amount: Amount,
    pub received_on: NaiveDate,
    pub payer_name: String,
    /// IBAN or domestic account.
    pub payer_account: Option<String>,
    pub references: Vec<Reference>,
    pub remittance_text: String,
    pub advice: Vec<AdviceLine>,
    /// Known from the gateway; `None`: to be found out.
    pub customer: Option<CustomerId>,
    pub rail: Rail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    Invoice,
    DebitMemo,
    CreditMemo,
}

/// A document of receivables with what is open of it. Amounts are never negative; the kind says who owes whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenItem {
    pub id: ItemId,
    pub entity: EntityId,
    pub customer: CustomerId,
    pub number: String,
    pub kind: ItemKind,
    pub open: Amount,
    pub total: Amount,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub disputed: bool,
}

/// What a confirmed decision taught about who pays.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Alias {
    Account(String),
    Name(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    pub id: CustomerId,
    /// The number that we print on invoices and that payers quote.
    pub code: String,
    pub name: String,
    /// ISO 3166 alpha-2; decides about rates of withholding tax.
    pub country: String,
    pub parent: Option<CustomerId>,
    pub accounts: Vec<String>,
    pub aliases: Vec<Alias>,
}

/// A part of a receipt given to an item, in the item's currency; negative on a credit memo, which the payer deducted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    pub item: ItemId,
    pub amount: Amount,
}
