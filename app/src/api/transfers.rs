//! Money that goes to another customer, and taking that back.

use super::ApiError;
use leptos::prelude::*;

/// Gives open money of a payment to another customer, in its entity or in another one; above the limit a second person decides.
#[server(prefix = "/fn", endpoint = "transfer_money")]
pub async fn transfer_money(
    credit: String,
    amount: String,
    entity: String,
    customer: String,
    reason: String,
    #[server(default)] back: String,
) -> Result<(), ApiError> {
    use crate::components::amount::typed;
    use domain::{access::Action, transfer::Transfer};
    use pipeline::workbench::Resolved;
    let (caller, scope) = super::require(Action::ApplyCash)?;
    let amount = typed(&amount).ok_or_else(|| ApiError::invalid("amount", "That is no amount. Write it like 1234.50."))?;
    let credit = credit.parse().map_err(|_| ApiError::NotFound)?;
    let to_entity = entity.parse().map_err(|_| ApiError::invalid("entity", "Choose the entity that gets it."))?;
    let wanted = Transfer { credit, amount, to_entity, customer_code: customer, reason };
    let said = match pipeline::cash::transfer(&super::context(), &caller, &scope, &wanted).await? {
        Resolved::Done => "transferred: it is the other customer’s unapplied money now",
        Resolved::Requested(_) => "an approver is asked; nothing is transferred before he agrees",
    };
    super::go_back(&back, said);
    Ok(())
}

/// Takes a whole transfer back, by one the other way.
#[server(prefix = "/fn", endpoint = "reverse_transfer")]
pub async fn reverse_transfer(transfer: String, reason: String, #[server(default)] back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::ApplyCash)?;
    let id = transfer.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::cash::reverse_transfer(&super::context(), &caller, &scope, id, &reason).await?;
    super::go_back(&back, "taken back: the money is with who had it");
    Ok(())
}
