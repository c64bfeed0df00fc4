//! Money that people give back, and refunds that never leave.

use super::ApiError;
use leptos::prelude::*;

/// Gives open money of a payment, or a credit memo, back to its customer; above the limit a second person decides.
#[server(prefix = "/fn", endpoint = "refund_money")]
pub async fn refund_money(
    credit: String,
    amount: String,
    way: String,
    reason: String,
    #[server(default)] back: String,
) -> Result<(), ApiError> {
    use crate::components::amount::typed;
    use domain::{access::Action, refund::Refund};
    use pipeline::workbench::Resolved;
    let (caller, scope) = super::require(Action::ApplyCash)?;
    let amount = typed(&amount).ok_or_else(|| ApiError::invalid("amount", "That is no amount. Write it like 1234.50."))?;
    let credit = credit.parse().map_err(|_| ApiError::NotFound)?;
    let way = way.parse().map_err(|_| ApiError::invalid("way", "Choose the account that the money leaves."))?;
    let said = match pipeline::cash::refund(&super::context(), &caller, &scope, &Refund { credit, amount, way, reason }).await? {
        Resolved::Done => "refunded: it is payable until the bank or the gateway shows that the money left",
        Resolved::Requested(_) => "an approver is asked; nothing goes back before he agrees",
    };
    super::go_back(&back, said);
    Ok(())
}

/// Says that an agreed refund is not paid out: the customer has the money with us again.
#[server(prefix = "/fn", endpoint = "withdraw_refund")]
pub async fn withdraw_refund(refund: String, reason: String, #[server(default)] back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::ApplyCash)?;
    let id = refund.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::cash::withdraw_refund(&super::context(), &caller, &scope, id, &reason).await?;
    super::go_back(&back, "withdrawn: the money is unapplied again");
    Ok(())
}
