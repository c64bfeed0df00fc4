//! Gateway clearing on screen: the proof of each account's balance, its movements, its payouts and the bank lines they came with
//! (accounting.md, Receivables: gateway clearing proof).

use crate::{
    document::Violation,
    id::{DocumentId, GatewayAccountId, StatementId},
    money::Currency,
    settlement::{Clearing, DisputeStatus, EntryKind, Gateway, PayoutStatus},
};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The clearing proof of one account and settlement currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearingView {
    pub gateway_account_id: GatewayAccountId,
    pub entity_code: String,
    pub gateway: Gateway,
    pub code: String,
    pub name: String,
    /// What the movements before the first day came to.
    pub opening: Decimal,
    /// What moved since.
    pub clearing: Clearing,
    /// What the gateway said it held, and when; `None`: it was not asked yet.
    pub balance: Option<(Decimal, DateTime<Utc>)>,
    /// Paid out, and not on a bank statement yet.
    pub in_transit: Decimal,
    /// On a bank statement, and no payout that we know of.
    pub untied: Decimal,
    pub pulled_at: Option<DateTime<Utc>>,
}

impl ClearingView {
    pub fn closing(&self) -> Decimal {
        self.clearing.closing(self.opening)
    }

    /// What the gateway holds more than its movements say; zero is the rule. `None`: nothing to hold it against.
    pub fn residual(&self) -> Option<Decimal> {
        self.balance.map(|(balance, _)| balance - self.closing())
    }
}

/// A movement as the list behind a figure shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearingEntry {
    pub entry_id: String,
    pub kind: EntryKind,
    pub created_at: DateTime<Utc>,
    pub amount: Decimal,
    pub currency: Currency,
    pub gross: Decimal,
    pub fee: Decimal,
    pub net: Decimal,
    pub settlement_currency: Currency,
    pub payout_id: Option<String>,
    pub invoice_numbers: Vec<String>,
    pub reason: Option<String>,
    /// The payment that it became, and its number.
    pub payment: Option<(DocumentId, String)>,
}

/// A payout with the bank line that it came with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutView {
    pub gateway_account_id: GatewayAccountId,
    pub code: String,
    pub payout_id: String,
    pub amount: Decimal,
    pub currency: Currency,
    pub status: PayoutStatus,
    pub arrival_on: NaiveDate,
    /// What its movements leave unexplained; `None`: the gateway has not listed them.
    pub residual: Option<Decimal>,
    pub line: Option<PayoutLine>,
}

/// The bank line of a payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutLine {
    pub statement_id: StatementId,
    pub ordinal: i32,
    pub booked_on: NaiveDate,
    pub tied_at: DateTime<Utc>,
    /// The rule or the person.
    pub tied_by: String,
}

/// A dispute with the payment that it takes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeView {
    pub code: String,
    pub dispute_id: String,
    pub amount: Decimal,
    pub currency: Currency,
    pub status: DisputeStatus,
    pub created_at: DateTime<Utc>,
    /// Until when evidence is taken.
    pub respond_by: Option<DateTime<Utc>>,
    pub reason: Option<String>,
    /// The payment and its number, and the customer.
    pub payment: Option<(DocumentId, String, String)>,
    /// The chargeback that took it back, once the money has moved.
    pub chargeback: Option<(DocumentId, String)>,
}

/// A settlement report of which nothing was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedReport {
    pub code: String,
    pub report: String,
    pub announced_at: DateTime<Utc>,
    pub refused_at: DateTime<Utc>,
    /// Of the file, which is kept to the byte.
    pub byte_length: i64,
    /// The rules that it broke, by line.
    pub errors: Vec<Violation>,
}

/// An invoice that a lost dispute left owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostDispute {
    pub code: String,
    pub dispute_id: String,
    pub document_id: DocumentId,
    pub number: String,
    pub customer_name: String,
    pub open: Decimal,
    pub currency: Currency,
    /// Who asked for its write-off and waits for an approver; `None`: nobody.
    pub asked_by: Option<String>,
}

/// A bank line of a gateway whose payout is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UntiedLine {
    pub code: String,
    pub statement_id: StatementId,
    pub ordinal: i32,
    pub booked_on: NaiveDate,
    pub amount: Decimal,
    pub currency: Currency,
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settlement::ClearingLine;

    #[test]
    fn the_residual_is_what_the_gateway_holds_more_than_its_movements_say() {
        let mut clearing = Clearing::new(Currency::USD);
        clearing.lines.insert(ClearingLine::Charges, Decimal::from(100));
        clearing.lines.insert(ClearingLine::Fees, Decimal::from(-3));
        let mut view = ClearingView {
            gateway_account_id: GatewayAccountId(uuid::Uuid::nil()),
            entity_code: "US".into(),
            gateway: Gateway::Stripe,
            code: "STRIPE-US".into(),
            name: "Stripe".into(),
            opening: Decimal::from(10),
            clearing,
            balance: None,
            in_transit: Decimal::ZERO,
            untied: Decimal::ZERO,
            pulled_at: None,
        };
        assert_eq!((view.closing(), view.residual()), (Decimal::from(107), None), "without a balance nothing is proved");
        view.balance = Some((Decimal::from(108), DateTime::UNIX_EPOCH));
        assert_eq!(view.residual(), Some(Decimal::ONE));
    }
}
