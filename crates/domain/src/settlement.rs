//! What a payment gateway says of the money it holds for us, whoever the gateway is: movements of its balance, payouts to
//! our bank, attempts to collect, refunds, disputes, and the events that announce them.
//!
//! One sign for all of it: what raises the gateway's balance is positive, so a refund, a fee and a payout are negative
//! movements, and opening balance plus every `net` is the balance. The clearing proof (accounting.md, Receivables) is
//! that sum, told apart by [`ClearingLine`].

use crate::{
    money::{Currency, Money, MoneyError},
    stage::DocumentKind,
    text_enum::text_enum,
};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

text_enum! {
    pub enum Gateway {
        Stripe = "stripe",
        Adyen = "adyen",
    }
}

text_enum! {
    /// Why the gateway's balance moved.
    pub enum EntryKind {
        Charge = "charge",
        Refund = "refund",
        /// A refund that came back, so the money is ours again.
        RefundFailure = "refund_failure",
        /// A direct debit that its bank took back after it was credited.
        Return = "return",
        Dispute = "dispute",
        DisputeReversal = "dispute_reversal",
        /// What the gateway asks for handling a dispute, where it is a movement of its own.
        DisputeFee = "dispute_fee",
        Fee = "fee",
        Payout = "payout",
        /// A payout that came back from our bank.
        PayoutFailure = "payout_failure",
        Reserve = "reserve",
        ReserveRelease = "reserve_release",
        Adjustment = "adjustment",
    }
}

text_enum! {
    /// The lines of the clearing proof: opening + charges − refunds − disputes − fees − payouts ± reserves = balance.
    pub enum ClearingLine {
        Charges = "charges",
        Refunds = "refunds",
        /// Returned direct debits among them, because they behave like chargebacks.
        Disputes = "disputes",
        Fees = "fees",
        Payouts = "payouts",
        Reserves = "reserves",
        /// What fits nowhere else; zero or explained.
        Adjustments = "adjustments",
    }
}

impl ClearingLine {
    pub fn label(self) -> &'static str {
        match self {
            Self::Charges => "Charges",
            Self::Refunds => "Refunds",
            Self::Disputes => "Disputes and returns",
            Self::Fees => "Fees",
            Self::Payouts => "Payouts",
            Self::Reserves => "Reserves",
            Self::Adjustments => "Adjustments",
        }
    }
}

impl EntryKind {
    /// Where the movement's gross amount stands in the clearing proof; its fee always stands in `Fees`.
    pub fn line(self) -> ClearingLine {
        match self {
            Self::Charge => ClearingLine::Charges,
            Self::Refund | Self::RefundFailure => ClearingLine::Refunds,
            Self::Return | Self::Dispute | Self::DisputeReversal => ClearingLine::Disputes,
            Self::Fee | Self::DisputeFee => ClearingLine::Fees,
            Self::Payout | Self::PayoutFailure => ClearingLine::Payouts,
            Self::Reserve | Self::ReserveRelease => ClearingLine::Reserves,
            Self::Adjustment => ClearingLine::Adjustments,
        }
    }

    /// What it is in receivables; `None`: nobody who owes us has part in it.
    pub fn document(self) -> Option<DocumentKind> {
        match self {
            Self::Charge | Self::RefundFailure | Self::DisputeReversal => Some(DocumentKind::Payment),
            Self::Refund => Some(DocumentKind::Refund),
            Self::Return => Some(DocumentKind::ReturnedPayment),
            Self::Dispute => Some(DocumentKind::Chargeback),
            Self::DisputeFee | Self::Fee | Self::Payout | Self::PayoutFailure | Self::Reserve | Self::ReserveRelease | Self::Adjustment => {
                None
            }
        }
    }

    /// Whether it moves money between the gateway and our bank, rather than into or out of what a payout pays.
    pub fn is_payout(self) -> bool {
        matches!(self, Self::Payout | Self::PayoutFailure)
    }
}

/// One movement of a gateway's balance. `net` = `gross` − `fee`, all three in the settlement currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayEntry {
    /// The gateway's id of the movement; the same movement always has the same.
    pub id: String,
    pub kind: EntryKind,
    /// What moved between the payer and us, in the currency of the payment.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    pub currency: Currency,
    #[serde(with = "rust_decimal::serde::str")]
    pub gross: Decimal,
    /// A cost is positive.
    #[serde(with = "rust_decimal::serde::str")]
    pub fee: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub net: Decimal,
    pub settlement_currency: Currency,
    /// Settlement currency per unit of `currency`, where the gateway converted.
    pub exchange_rate: Option<Decimal>,
    pub created_at: DateTime<Utc>,
    /// From when it can be paid out.
    pub available_on: Option<NaiveDate>,
    /// The payout that paid it, where the gateway has said so.
    pub payout: Option<String>,
    /// The charge, refund, dispute or payout behind it, by the gateway's id.
    pub source: Option<String>,
    /// What ties a charge, its refunds and its disputes together: payment intent, PSP reference.
    pub payment_reference: Option<String>,
    /// Ours, as we gave it to the gateway.
    pub merchant_reference: Option<String>,
    pub invoice_numbers: Vec<String>,
    /// The customer as the gateway knows it.
    pub customer_reference: Option<String>,
    /// In the gateway's words: dispute reason, description of a fee, type that has no kind of its own.
    pub reason: Option<String>,
}

impl GatewayEntry {
    /// Whether the gateway's own arithmetic holds.
    pub fn ties(&self) -> bool {
        self.net == self.gross - self.fee
    }
}

text_enum! {
    pub enum PayoutStatus {
        Pending = "pending",
        InTransit = "in_transit",
        Paid = "paid",
        Failed = "failed",
        Canceled = "canceled",
    }
}

/// Money on its way between the gateway and our bank; negative where the gateway takes it from us.
/// The `net` of its entries, without its own movement, adds up to `amount`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    pub id: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    pub currency: Currency,
    pub status: PayoutStatus,
    pub created_at: DateTime<Utc>,
    /// When the bank is to have it.
    pub arrival_date: NaiveDate,
    /// By which the bank finds it, once the bank has said so.
    pub trace_id: Option<String>,
    /// What the bank line is to read.
    pub bank_text: Option<String>,
    /// The gateway's own movement of this payout.
    pub entry: Option<String>,
    /// Whether the gateway lists its entries yet.
    pub is_itemised: bool,
    /// Of the payout that takes this one back.
    pub reversed_by: Option<String>,
    pub failure: Option<String>,
}

impl Payout {
    /// What its entries leave unexplained; zero is the rule.
    pub fn residual<'a>(&self, entries: impl IntoIterator<Item = &'a GatewayEntry>) -> Decimal {
        let paid: Decimal = entries.into_iter().filter(|entry| !entry.kind.is_payout()).map(|entry| entry.net).sum();
        self.amount - paid
    }
}

text_enum! {
    pub enum PaymentStatus {
        /// On its way: a direct debit before its bank has answered.
        Pending = "pending",
        Succeeded = "succeeded",
        Failed = "failed",
        /// Credited, and taken back later: a movement of its own.
        Returned = "returned",
    }
}

/// One attempt to collect; a payment may need several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentAttempt {
    pub id: String,
    pub payment_reference: Option<String>,
    pub amount: Money,
    pub status: PaymentStatus,
    pub created_at: DateTime<Utc>,
    pub method: Option<String>,
    pub customer_reference: Option<String>,
    pub merchant_reference: Option<String>,
    /// The invoices that it was to pay, where the gateway has said so.
    pub invoice_numbers: Vec<String>,
    /// Why it failed: the gateway's code, and its words.
    pub reason_code: Option<String>,
    pub failure: Option<String>,
    /// When the gateway tries again, where it has said so.
    pub next_retry_at: Option<DateTime<Utc>>,
}

text_enum! {
    pub enum RefundStatus {
        Pending = "pending",
        RequiresAction = "requires_action",
        Succeeded = "succeeded",
        Failed = "failed",
        Canceled = "canceled",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayRefund {
    pub id: String,
    /// Of the charge that is refunded.
    pub charge: Option<String>,
    pub payment_reference: Option<String>,
    pub amount: Money,
    pub status: RefundStatus,
    pub created_at: DateTime<Utc>,
    pub reason: Option<String>,
    pub failure: Option<String>,
    /// The movements that it made.
    pub entry: Option<String>,
}

text_enum! {
    pub enum DisputeStatus {
        /// A question of the payer's bank; no money has moved.
        Inquiry = "inquiry",
        NeedsResponse = "needs_response",
        UnderReview = "under_review",
        Won = "won",
        Lost = "lost",
        /// An inquiry that ended without a chargeback.
        Closed = "closed",
    }
}

impl DisputeStatus {
    /// Nothing can be answered any more.
    pub fn is_decided(self) -> bool {
        matches!(self, Self::Won | Self::Lost | Self::Closed)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayDispute {
    pub id: String,
    pub charge: Option<String>,
    pub payment_reference: Option<String>,
    pub amount: Money,
    pub status: DisputeStatus,
    pub created_at: DateTime<Utc>,
    /// Until when evidence is taken.
    pub respond_by: Option<DateTime<Utc>>,
    pub reason: Option<String>,
    /// The movements that it made: amount, fee, reversal.
    pub entries: Vec<String>,
}

/// What a gateway announced. Events come at least once and in no order, so they start a look at the gateway and are never
/// themselves the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentEvent {
    pub gateway: Gateway,
    /// The same event has the same key, however often and in whatever words it arrives.
    pub dedupe_key: String,
    pub event_type: String,
    /// What to look at.
    pub object_id: String,
    pub occurred_at: DateTime<Utc>,
    /// As it was signed.
    pub payload: serde_json::Value,
}

/// The clearing proof of one settlement currency: sums of movements by line, signed as the balance sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clearing {
    pub currency: Currency,
    pub lines: BTreeMap<ClearingLine, Decimal>,
}

impl Clearing {
    pub fn new(currency: Currency) -> Self {
        Self { currency, lines: BTreeMap::new() }
    }

    /// Errors when the movement is in another currency.
    pub fn add(&mut self, entry: &GatewayEntry) -> Result<(), MoneyError> {
        if entry.settlement_currency != self.currency {
            return Err(MoneyError::CurrencyMismatch { left: self.currency, right: entry.settlement_currency });
        }
        *self.lines.entry(entry.kind.line()).or_default() += entry.gross;
        *self.lines.entry(ClearingLine::Fees).or_default() -= entry.fee;
        Ok(())
    }

    /// The balance that the gateway must have.
    pub fn closing(&self, opening: Decimal) -> Decimal {
        opening + self.lines.values().sum::<Decimal>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn entry(kind: EntryKind, gross: &str, fee: &str) -> GatewayEntry {
        GatewayEntry {
            id: "1".into(),
            kind,
            amount: dec(gross),
            currency: Currency::USD,
            gross: dec(gross),
            fee: dec(fee),
            net: dec(gross) - dec(fee),
            settlement_currency: Currency::USD,
            exchange_rate: None,
            created_at: DateTime::UNIX_EPOCH,
            available_on: None,
            payout: None,
            source: None,
            payment_reference: None,
            merchant_reference: None,
            invoice_numbers: Vec::new(),
            customer_reference: None,
            reason: None,
        }
    }

    #[test]
    fn opening_and_every_movement_make_the_balance_and_fees_stand_apart() {
        use EntryKind::*;
        let mut clearing = Clearing::new(Currency::USD);
        let moved = [(Charge, "100", "3.20"), (Refund, "-40", "0"), (Dispute, "-60", "15"), (Reserve, "-5", "0"), (Payout, "-10", "0")];
        for (kind, gross, fee) in moved {
            clearing.add(&entry(kind, gross, fee)).unwrap();
        }
        assert_eq!(clearing.closing(dec("50")), dec("16.80"));
        assert_eq!(clearing.lines[&ClearingLine::Fees], dec("-18.20"));
        assert_eq!(clearing.lines[&ClearingLine::Disputes], dec("-60"));
        let mut yen = entry(Charge, "100", "0");
        yen.settlement_currency = Currency::JPY;
        assert!(clearing.add(&yen).is_err());
    }

    #[test]
    fn a_payout_is_explained_by_its_entries_and_not_by_its_own_movement() {
        let entries =
            [entry(EntryKind::Charge, "100", "3.20"), entry(EntryKind::Refund, "-40", "0"), entry(EntryKind::Payout, "-56.80", "0")];
        let payout = Payout {
            id: "po".into(),
            amount: dec("56.80"),
            currency: Currency::USD,
            status: PayoutStatus::Paid,
            created_at: DateTime::UNIX_EPOCH,
            arrival_date: NaiveDate::default(),
            trace_id: None,
            bank_text: None,
            entry: None,
            is_itemised: true,
            reversed_by: None,
            failure: None,
        };
        assert_eq!(payout.residual(&entries), Decimal::ZERO);
        assert_eq!(payout.residual(&entries[..1]), dec("-40"));
        assert!(entries.iter().all(GatewayEntry::ties));
    }
}
