//! Receivables: what is open, what money came in, and which credit settles what.
//!
//! An application gives one credit (a payment or a credit memo) to debits (invoices). It moves nothing into or out of AR, so it
//! can't unbalance it; a reversal takes a whole application back. What is open of an item is its amount less the fold of its
//! applications, which the database keeps between nothing and the amount.

use crate::{
    id::*,
    posting::ErpKind,
    stage::{DocumentKind, Stage},
    text_enum::text_enum,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

text_enum! {
    /// How an open item stands.
    pub enum OpenStatus {
        /// Nobody keeps it. Of money: *unapplied*, the payer is known and the invoice is not.
        Open = "open",
        /// The payer is not known: shown beside AR, never inside.
        Unidentified = "unidentified",
        /// Kept deliberately, for what comes.
        OnAccount = "on_account",
        /// An invoice that the customer disputes.
        Disputed = "disputed",
    }
}

impl OpenStatus {
    /// The word for money that stands so.
    pub fn of_money(self) -> &'static str {
        match self {
            Self::Open => "unapplied",
            Self::OnAccount => "on account",
            other => other.as_str(),
        }
    }
}

text_enum! {
    /// How old an open item is. Money has no *current*: it ages from the day it came.
    pub enum AgeBand {
        /// Not due yet.
        Current = "current",
        To30 = "1-30",
        To60 = "31-60",
        To90 = "61-90",
        Over90 = "90+",
    }
}

impl AgeBand {
    /// The bands that items of a kind can be in, youngest first.
    pub fn of_kind(kind: DocumentKind) -> &'static [Self] {
        if kind == DocumentKind::Invoice { Self::ALL } else { &Self::ALL[1..] }
    }

    /// As columns name it: money is as old as the days since it came, an invoice as the days that it is overdue.
    pub fn label(self, kind: DocumentKind) -> &'static str {
        match self {
            Self::Current => "Not due",
            Self::To30 if kind == DocumentKind::Invoice => "1–30 days",
            Self::To30 => "0–30 days",
            Self::To60 => "31–60 days",
            Self::To90 => "61–90 days",
            Self::Over90 => "Over 90 days",
        }
    }

    /// Days since the item ages; an invoice on its due date is current, money on its day of receipt is in the first band.
    pub fn of(kind: DocumentKind, days: i64) -> Self {
        match days {
            ..=0 if kind == DocumentKind::Invoice => Self::Current,
            ..=30 => Self::To30,
            31..=60 => Self::To60,
            61..=90 => Self::To90,
            _ => Self::Over90,
        }
    }

    /// First and last day that an item of this band ages from; open ends where there is none.
    pub fn aged_from(self, kind: DocumentKind, today: NaiveDate) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let back = |days| today - TimeDelta::days(days);
        let newest = if kind == DocumentKind::Invoice { Some(back(1)) } else { None };
        match self {
            Self::Current => (Some(today), None),
            Self::To30 => (Some(back(30)), newest),
            Self::To60 => (Some(back(60)), Some(back(31))),
            Self::To90 => (Some(back(90)), Some(back(61))),
            Self::Over90 => (None, Some(back(91))),
        }
    }
}

text_enum! {
    /// Why an amount is given up; each posts to an account of its own.
    pub enum WriteOffReason {
        /// A receivable from the tax office.
        WithholdingTax = "withholding_tax",
        CashDiscount = "cash_discount",
        BankFee = "bank_fee",
        SmallBalance = "small_balance",
        /// The payer's bank took the payment back and keeps it.
        DisputeLost = "dispute_lost",
    }
}

impl WriteOffReason {
    /// Why a payment can be short.
    pub const SHORT_PAY: [Self; 4] = [Self::WithholdingTax, Self::CashDiscount, Self::BankFee, Self::SmallBalance];

    pub fn label(self) -> &'static str {
        match self {
            Self::WithholdingTax => "Withholding tax",
            Self::CashDiscount => "Cash discount",
            Self::BankFee => "Bank fee",
            Self::SmallBalance => "Small balance",
            Self::DisputeLost => "Lost dispute",
        }
    }

    /// The item that its credit memo posts under, which a mapping gives its account.
    pub fn item_code(self) -> &'static str {
        match self {
            Self::WithholdingTax => "WRITE-OFF-WITHHOLDING",
            Self::CashDiscount => "WRITE-OFF-DISCOUNT",
            Self::BankFee => "WRITE-OFF-BANK-FEE",
            Self::SmallBalance => "WRITE-OFF-SMALL",
            Self::DisputeLost => "WRITE-OFF-DISPUTE",
        }
    }
}

/// What a person gives of a credit to an item, in the item's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocate {
    pub debit: DocumentId,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    /// What is given up of the item beside it, and why.
    pub write_off: Option<(WriteOffReason, Decimal)>,
}

/// What a credit memo gives that the payer deducted from what he paid, in the same currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deduct {
    pub credit_memo: DocumentId,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
}

/// What a person decides about a payment or a credit memo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apply {
    pub credit: DocumentId,
    /// They give first, each in an application of its own; the credit gives the rest.
    #[serde(default)]
    pub deducted: Vec<Deduct>,
    pub allocations: Vec<Allocate>,
    pub reason: String,
}

/// What of an invoice is given up without a payment: as much as was open when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveUp {
    pub invoice: DocumentId,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
}

/// One cell of an aging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgingCell {
    pub entity_id: EntityId,
    pub entity_code: String,
    pub currency: String,
    pub kind: DocumentKind,
    pub status: OpenStatus,
    pub band: AgeBand,
    pub count: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub open: Decimal,
}

/// An open item as lists and the workbench show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenItemRow {
    pub document_id: DocumentId,
    pub entity_id: EntityId,
    pub entity_code: String,
    pub kind: DocumentKind,
    pub number: String,
    pub customer_code: String,
    /// Of money: who paid, as the bank says.
    pub customer_name: String,
    pub currency: String,
    pub aged_from: NaiveDate,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub open: Decimal,
    pub status: OpenStatus,
    pub stage: Stage,
    /// Of money: the score of the best suggestion.
    pub score: Option<i32>,
}

/// What the bank told of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankLine {
    pub statement_id: StatementId,
    /// Name and masked number of the account that it came to.
    pub account_name: String,
    pub account_number: String,
    pub booked_on: NaiveDate,
    pub value_on: Option<NaiveDate>,
    pub payer_name: Option<String>,
    /// Masked but for its ends.
    pub payer_account: Option<String>,
    pub text: String,
    /// What the payer or a bank set apart as a reference, each once.
    pub references: Vec<String>,
}

/// A payment or credit memo that can be given to invoices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditView {
    pub item: OpenItemRow,
    /// Of a payment.
    pub line: Option<BankLine>,
}

/// A part of a suggestion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestedPart {
    pub document_id: DocumentId,
    pub number: String,
    pub kind: DocumentKind,
    /// When it is due; of a credit memo its date.
    pub due: NaiveDate,
    /// Open now.
    #[serde(with = "rust_decimal::serde::str")]
    pub open: Decimal,
    /// Given to it; of a credit memo what it gives itself.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    /// Given up of it beside that.
    #[serde(with = "rust_decimal::serde::str")]
    pub write_off: Decimal,
}

/// One way to apply a payment, with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestionView {
    pub title: String,
    /// Whose items these are; several customers: none.
    pub customer: Option<(String, String)>,
    pub parts: Vec<SuggestedPart>,
    #[serde(with = "rust_decimal::serde::str")]
    pub residual: Decimal,
    /// What becomes of the residual, in words; empty where there is none.
    pub residual_reason: String,
    /// What is written off, when the payment is short for a reason that posts.
    pub write_off: Option<WriteOffReason>,
    pub score: i32,
    /// Points and what was seen, for and against.
    pub evidence: Vec<(i32, String)>,
    pub against: Vec<(i32, String)>,
    /// Why it can't be applied as it stands.
    pub why_not: Option<String>,
}

/// What the matcher says of a payment, as far as it still holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestionsView {
    pub decided_at: DateTime<Utc>,
    /// The version of the rules that decided.
    pub rules: i32,
    /// Best first.
    pub suggestions: Vec<SuggestionView>,
    /// Who comes second, what would have to differ, and whether everything was looked at.
    pub words: Vec<String>,
}

/// What an application gives to an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocationView {
    pub debit_id: DocumentId,
    pub number: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
}

/// An application of a credit with what it settles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationView {
    pub document_id: DocumentId,
    pub number: String,
    pub stage: Stage,
    pub currency: String,
    pub credit_id: DocumentId,
    pub credit_number: String,
    pub credit_kind: DocumentKind,
    pub decided_at: DateTime<Utc>,
    /// `None`: the rules.
    pub decided_by: Option<String>,
    pub reason: String,
    pub score: Option<i32>,
    /// The reversal that took it back.
    pub reversed_by: Option<DocumentId>,
    pub allocations: Vec<AllocationView>,
}

impl ApplicationView {
    /// What it gives in all.
    pub fn amount(&self) -> Decimal {
        self.allocations.iter().map(|allocation| allocation.amount).sum()
    }
}

/// What a document of receivables settles, or is settled by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// `None`: it is an application itself, or it counts no more.
    pub item: Option<OpenItemRow>,
    pub applications: Vec<ApplicationView>,
}

/// How much was applied without a person in a time, each as part and whole; never one flattering figure.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MatchRates {
    pub currency: String,
    pub lines: i64,
    pub confirmed: i64,
    pub in_full: i64,
    /// Items that were settled, by rules and by people.
    pub items: i64,
    pub items_by_rules: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub received: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub applied: Decimal,
}

/// A customer whose balance here is not the one in the ERP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerDifference {
    pub entity_code: String,
    pub currency: String,
    /// The ERP's own id where no mapping leads to it.
    pub customer_code: String,
    /// Issued less credited and received.
    #[serde(with = "rust_decimal::serde::str")]
    pub ours: Decimal,
    /// The ERP's AR: what debits it less what credits it.
    #[serde(with = "rust_decimal::serde::str")]
    pub theirs: Decimal,
}

/// The receivables of an entity and currency beside its ERP's. `invoices − credit_memos − receipts + crossing` is what the ERP holds
/// of ours; with what others entered there directly it is the ERP's AR subledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArTie {
    pub entity_id: EntityId,
    pub entity_code: String,
    pub currency: String,
    pub compared_at: DateTime<Utc>,
    /// Open invoices, disputed ones included.
    #[serde(with = "rust_decimal::serde::str")]
    pub invoices: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub credit_memos: Decimal,
    /// Unapplied and on account.
    #[serde(with = "rust_decimal::serde::str")]
    pub receipts: Decimal,
    /// Applied between something that the ERP holds and something that it does not hold yet.
    #[serde(with = "rust_decimal::serde::str")]
    pub crossing: Decimal,
    /// Beside the tie: issued here, and not in the ERP.
    #[serde(with = "rust_decimal::serde::str")]
    pub not_posted: Decimal,
    /// Beside the tie: of unknown payers.
    #[serde(with = "rust_decimal::serde::str")]
    pub unidentified: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub subledger: Decimal,
    /// What others entered in the ERP's AR: expected to be none.
    pub direct_count: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub direct: Decimal,
}

impl ArTie {
    /// Ours, as far as the ERP holds it.
    pub fn ours(&self) -> Decimal {
        self.invoices - self.credit_memos - self.receipts + self.crossing
    }

    /// What neither ours nor the direct postings explain.
    pub fn difference(&self) -> Decimal {
        self.subledger - self.direct - self.ours()
    }
}

/// A posting in an ERP's AR that was not issued here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectPosting {
    pub entity_code: String,
    pub currency: String,
    pub erp_number: String,
    pub kind: ErpKind,
    pub posting_date: NaiveDate,
    #[serde(with = "rust_decimal::serde::str")]
    pub total: Decimal,
}

/// What days sales outstanding is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dso {
    pub entity_code: String,
    pub currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub open: Decimal,
    /// Of the periods that it is measured over; more than nothing.
    #[serde(with = "rust_decimal::serde::str")]
    pub billed: Decimal,
}

impl Dso {
    /// Whole days, over periods of so many days.
    pub fn days(&self, of: i64) -> Decimal {
        (self.open * Decimal::from(of) / self.billed).round_dp(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_holds_exactly_the_days_that_it_says() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
        for kind in [DocumentKind::Invoice, DocumentKind::Payment] {
            for days in -40i64..200 {
                let day = today - TimeDelta::days(days);
                let holds = |band: &&AgeBand| {
                    let (first, last) = band.aged_from(kind, today);
                    first.is_none_or(|first| day >= first) && last.is_none_or(|last| day <= last)
                };
                let bands: Vec<_> = AgeBand::of_kind(kind).iter().filter(holds).collect();
                assert_eq!(bands, [&AgeBand::of(kind, days)], "{kind} {days}");
            }
        }
    }
}
