//! Accounts that are opened, and statements that a second person takes or refuses.

use super::import::compact;
use crate::{
    Context,
    retry::transaction,
    workbench::{WorkError, entry, text},
};
use domain::{
    access::{Caller, Scope},
    id::{BankAccountId, EntityId, StatementId},
    money::Currency,
    statement::StatementState,
};
use statements::ColumnProfile;
use store::{Error, access::audit, statements as rows};
use uuid::Uuid;

/// Makes an account known, so that its statements can come in.
pub async fn open_account(
    cx: &Context,
    caller: &Caller,
    scope: &Scope,
    entity: EntityId,
    number: &str,
    currency: &str,
    name: &str,
) -> Result<BankAccountId, WorkError> {
    if !scope.contains(entity) {
        return Err(WorkError::NotFound);
    }
    let number = compact(number);
    if number.is_empty() || number.chars().count() > 64 {
        return Err(WorkError::invalid("number", "An account number has 1 to 64 characters."));
    }
    let currency: Currency =
        currency.trim().parse().map_err(|error: domain::money::MoneyError| WorkError::invalid("currency", error.to_string()))?;
    let name = text("name", name)?;
    let bank_account_id = BankAccountId(Uuid::now_v7());
    let new = rows::NewBankAccount {
        bank_account_id,
        entity_id: entity,
        number: &number,
        currency: currency.code(),
        name: &name,
        opened_at: cx.clock.now(),
        opened_by: caller.email.clone(),
    };
    let told = serde_json::json!({"name": name, "currency": currency});
    transaction!(&cx.pool, |tx| {
        match rows::open_account(tx, &new).await {
            Err(Error::Conflict { constraint }) if constraint == "bank_account_number" => {
                return Ok(Err(WorkError::Conflict("This account is known in that currency already.".into())));
            }
            done => done?,
        }
        audit::append(tx, &entry(cx, caller, "bank_account.open", &bank_account_id.to_string(), Some(entity), told.clone())).await?;
        Ok(Ok(bank_account_id))
    })?
}

/// Keeps how the account's bank writes tables, as a person confirmed it.
pub async fn learn_table(cx: &Context, caller: &Caller, scope: &Scope, account: BankAccountId, profile: &str) -> Result<(), WorkError> {
    let profile: ColumnProfile = serde_json::from_str(profile).map_err(|error| WorkError::invalid("profile", error.to_string()))?;
    // the readers check it: a profile that contradicts itself reads no table
    statements::read_csv(std::io::empty(), &profile, None).map_err(|error| WorkError::invalid("profile", error.to_string()))?;
    let kept = serde_json::to_value(&profile).map_err(|error| WorkError::invalid("profile", error.to_string()))?;
    transaction!(&cx.pool, |tx| {
        if !rows::learn_profile(tx, scope, account, &kept).await? {
            return Ok(Err(WorkError::NotFound));
        }
        audit::append(tx, &entry(cx, caller, "bank_account.learn_table", &account.to_string(), None, kept.clone())).await?;
        Ok(Ok(()))
    })?
}

/// Takes a statement that does not add up, or repeats others, as it is.
pub async fn accept(cx: &Context, caller: &Caller, scope: &Scope, id: StatementId, reason: &str) -> Result<(), WorkError> {
    decide(cx, caller, scope, id, StatementState::Imported, reason).await
}

/// Leaves it out: its lines never count.
pub async fn refuse(cx: &Context, caller: &Caller, scope: &Scope, id: StatementId, reason: &str) -> Result<(), WorkError> {
    decide(cx, caller, scope, id, StatementState::Refused, reason).await
}

async fn decide(
    cx: &Context,
    caller: &Caller,
    scope: &Scope,
    id: StatementId,
    state: StatementState,
    reason: &str,
) -> Result<(), WorkError> {
    let reason = text("reason", reason)?;
    let now = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        let Some(waiting) = rows::lock_waiting(tx, scope, id).await? else { return Ok(Err(WorkError::NotFound)) };
        match rows::decide(tx, id, state, &caller.email, &reason, now).await {
            Err(Error::Conflict { constraint }) if constraint == "statement_preparer_is_not_approver" => {
                return Ok(Err(WorkError::Conflict("Who handed a statement over does not decide about it.".into())));
            }
            done => done?,
        }
        let told = serde_json::json!({"state": state, "doubt": waiting.doubt, "reason": reason});
        audit::append(tx, &entry(cx, caller, "statement.decide", &id.to_string(), Some(waiting.entity_id), told)).await?;
        Ok(Ok(()))
    })?
}
