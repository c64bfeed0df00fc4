//! What people decide about money: which invoices it settles, who paid it, whether it is kept, and taking that back.

use super::ApiError;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// One row of the form that applies a credit, as it was filled in. Rows that are not ticked are not meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GivenRow {
    pub debit: String,
    /// Names the item in what is said about the row.
    pub number: String,
    pub take: bool,
    /// It is a credit memo that the payer deducted, and gives its amount.
    pub deduct: bool,
    pub amount: String,
    pub write_off: String,
    /// Why that is given up.
    pub why: String,
}

#[cfg(feature = "ssr")]
impl GivenRow {
    fn bad(&self, what: &str) -> ApiError {
        ApiError::invalid("rows", format!("{}: {what}", self.number))
    }

    fn amount(&self) -> Result<rust_decimal::Decimal, ApiError> {
        amount(&self.amount).ok_or_else(|| self.bad("the amount is none. Write it like 1234.50."))
    }

    fn item(&self) -> Result<domain::id::DocumentId, ApiError> {
        self.debit.parse().map_err(|_| ApiError::NotFound)
    }

    fn read_deducted(&self) -> Result<domain::receivable::Deduct, ApiError> {
        Ok(domain::receivable::Deduct { credit_memo: self.item()?, amount: self.amount()? })
    }

    fn read(&self) -> Result<domain::receivable::Allocate, ApiError> {
        let bad = |what: &str| self.bad(what);
        let amount = self.amount()?;
        let write_off = match (self.write_off.trim(), self.why.as_str()) {
            ("", _) => None,
            (_, "") => return Err(bad("choose why that is written off.")),
            (text, why) => {
                let given_up = self::amount(text).ok_or_else(|| bad("the amount to write off is none. Write it like 12.50."))?;
                Some((why.parse().map_err(|_| bad("that is no reason to write off."))?, given_up))
            }
        };
        Ok(domain::receivable::Allocate { debit: self.item()?, amount, write_off })
    }
}

#[cfg(feature = "ssr")]
fn amount(text: &str) -> Option<rust_decimal::Decimal> {
    crate::components::amount::typed(text).filter(|value| *value > rust_decimal::Decimal::ZERO)
}

/// Gives a payment or credit memo to invoices; above the limit a second person decides. `payer`: the customer who is said to have paid,
/// where that was not known or is known better now; the payment is then a new version, to which the answer leads.
#[server(prefix = "/fn", endpoint = "apply_cash")]
pub async fn apply_cash(
    credit: String,
    #[server(default)] payer: String,
    #[server(default)] rows: Vec<GivenRow>,
    reason: String,
    #[server(default)] back: String,
) -> Result<(), ApiError> {
    use domain::{access::Action, receivable::Apply};
    use pipeline::workbench::Resolved;
    let (caller, scope) = super::require(Action::ApplyCash)?;
    let ctx = super::context();
    let mut credit = credit.parse().map_err(|_| ApiError::NotFound)?;
    let (deducted, given): (Vec<&GivenRow>, Vec<&GivenRow>) = rows.iter().filter(|row| row.take).partition(|row| row.deduct);
    let allocations = given.into_iter().map(GivenRow::read).collect::<Result<Vec<_>, _>>()?;
    let deducted = deducted.into_iter().map(GivenRow::read_deducted).collect::<Result<Vec<_>, _>>()?;
    if allocations.is_empty() {
        return Err(ApiError::invalid("rows", "Tick at least one item that is owed."));
    }
    let mut back = back;
    if !payer.is_empty() {
        credit = pipeline::cash::identify(&ctx, &caller, &scope, credit, &payer, &reason).await?;
        back = at_version(credit, &back);
    }
    let apply = Apply { credit, deducted, allocations, reason };
    let said = match pipeline::cash::apply(&ctx, &caller, &scope, &apply).await? {
        Resolved::Done => "applied: the application is on its way to the ERP",
        Resolved::Requested(_) => "an approver is asked; nothing is applied before he agrees",
    };
    super::go_back(&back, said);
    Ok(())
}

/// Asks that what a lost dispute left owed of an invoice be written off; a second person decides.
#[server(prefix = "/fn", endpoint = "write_off_dispute")]
pub async fn write_off_dispute(invoice: String, reason: String, #[server(default)] back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::ApplyCash)?;
    let id = invoice.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::cash::give_up(&super::context(), &caller, &scope, id, &reason).await?;
    super::go_back(&back, "an approver is asked; nothing is written off before he agrees");
    Ok(())
}

/// Takes a whole application back, by a reversal of its own.
#[server(prefix = "/fn", endpoint = "reverse_application")]
pub async fn reverse_application(application: String, reason: String, #[server(default)] back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::ApplyCash)?;
    let id = application.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::cash::reverse(&super::context(), &caller, &scope, id, &reason).await?;
    super::go_back(&back, "taken back: what it gave is open again");
    Ok(())
}

/// Says who paid. The payment becomes a new version of itself, to which the answer leads.
#[server(prefix = "/fn", endpoint = "identify_payer")]
pub async fn identify_payer(payment: String, customer: String, reason: String, #[server(default)] back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::ApplyCash)?;
    let id = payment.parse().map_err(|_| ApiError::NotFound)?;
    let version = pipeline::cash::identify(&super::context(), &caller, &scope, id, customer.trim(), &reason).await?;
    super::go_back(&at_version(version, &back), "the payer is known; the payment is a new version");
    Ok(())
}

/// The workbench of a payment's new version, with the filter of the page before.
#[cfg(feature = "ssr")]
fn at_version(version: domain::id::DocumentId, back: &str) -> String {
    let filter = back.split_once('?').map_or(String::new(), |(_, filter)| format!("?{filter}"));
    format!("/cash/workbench/{version}{filter}")
}

/// Keeps money on account or an invoice in dispute, or ends that.
#[server(prefix = "/fn", endpoint = "keep_item")]
pub async fn keep_item(item: String, on: bool, reason: String, #[server(default)] back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::ApplyCash)?;
    let id = item.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::cash::keep(&super::context(), &caller, &scope, id, on, &reason).await?;
    super::go_back(&back, if on { "kept: it stands apart from now on" } else { "it is as open as the others again" });
    Ok(())
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use domain::receivable::WriteOffReason;

    fn row(amount: &str, write_off: &str, why: &str) -> GivenRow {
        let debit = uuid::Uuid::nil().to_string();
        GivenRow {
            debit,
            number: "INV-1".into(),
            take: true,
            deduct: false,
            amount: amount.into(),
            write_off: write_off.into(),
            why: why.into(),
        }
    }

    #[test]
    fn a_row_that_can_not_be_read_names_its_item() {
        let error = row("12,50", "", "").read().unwrap_err();
        assert!(error.of_field("rows").unwrap().starts_with("INV-1: "), "{error}");
        assert!(row("0", "", "").read().is_err() && row("-3", "", "").read().is_err(), "nothing is given by a debit");
        assert!(row("12.50", "1", "").read().unwrap_err().to_string().contains("choose why"));
        let read = row("12.50", "1", "bank_fee").read().unwrap();
        assert_eq!(read.write_off, Some((WriteOffReason::BankFee, 1.into())));
    }
}
