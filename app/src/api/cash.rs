//! Cash: bank accounts and their statements.

use super::{ApiError, reach::Reach};
use chrono::NaiveDate;
use domain::{
    cash_proof::{CashDay, CashPart},
    statement::{BankAccountView, StatementLineView, StatementView},
    view::{IntakeView, Paged},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Rows of one page.
#[cfg(feature = "ssr")]
const PAGE: usize = 50;
#[cfg(feature = "ssr")]
const LINES: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CashView {
    pub accounts: Vec<BankAccountView>,
    /// Statements that a second person decides about.
    pub waiting: Vec<StatementView>,
    /// What became of the file that the caller has just handed over.
    pub intake: Option<IntakeView>,
    pub reach: Reach,
}

#[server(prefix = "/fn", endpoint = "get_cash")]
pub async fn get_cash(entity: Option<String>, intake: Option<String>) -> Result<CashView, ApiError> {
    use super::{
        arguments::{scope_of, word},
        reach::{entities, reach},
    };
    use domain::{access::Action, statement::StatementState};
    use store::views::{intakes, statements};
    let (caller, scope) = super::require(Action::ReadFinance)?;
    let ctx = super::context();
    let scope = scope_of(&ctx, &scope, entity.as_deref()).await?;
    let waiting = statements::Filter { state: Some(StatementState::Waiting), ..Default::default() };
    let intake = match word("intake", intake.as_deref())? {
        Some(id) => intakes::of_actor(&ctx.pool, id, &caller.actor().to_string()).await?,
        None => None,
    };
    Ok(CashView {
        accounts: statements::accounts(&ctx.pool, &scope).await?,
        waiting: statements::list(&ctx.pool, &scope, &waiting, super::arguments::page(PAGE)).await?,
        intake,
        reach: reach(&caller, &entities(&ctx).await?),
    })
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankAccountSeen {
    pub account: BankAccountView,
    /// The latest days first.
    pub statements: Paged<StatementView>,
}

#[server(prefix = "/fn", endpoint = "get_bank_account")]
pub async fn get_bank_account(id: String, after: Option<String>) -> Result<BankAccountSeen, ApiError> {
    use super::arguments::{page, paged};
    use store::views::statements;
    let (_, scope) = super::require(domain::access::Action::ReadFinance)?;
    let ctx = super::context();
    let id: domain::id::BankAccountId = id.parse().map_err(|_| ApiError::NotFound)?;
    let account = statements::accounts(&ctx.pool, &scope).await?.into_iter().find(|account| account.bank_account_id == id);
    let account = account.ok_or(ApiError::NotFound)?;
    let bad = || ApiError::invalid("after", "is no place in this list");
    let after = match after.as_deref().filter(|after| !after.is_empty()) {
        Some(after) => {
            let (day, id) = after.split_once('~').ok_or_else(bad)?;
            Some((day.parse().map_err(|_| bad())?, id.parse().map_err(|_| bad())?))
        }
        None => None,
    };
    let filter = statements::Filter { account: Some(id), state: None, after };
    let rows = statements::list(&ctx.pool, &scope, &filter, page(PAGE)).await?;
    Ok(BankAccountSeen { account, statements: paged(rows, PAGE, |row| format!("{}~{}", row.last_day, row.statement_id)) })
}

/// Days of the daily cash proof on one page: of one account, and of all.
#[cfg(feature = "ssr")]
const DAYS: [u64; 2] = [31, 7];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyView {
    /// By account, oldest first.
    pub days: Vec<CashDay>,
    pub from: NaiveDate,
    pub until: NaiveDate,
    /// Where the page of later days ends; none: this one ends today.
    pub newer: Option<NaiveDate>,
}

#[server(prefix = "/fn", endpoint = "get_daily")]
pub async fn get_daily(entity: Option<String>, account: Option<String>, until: Option<String>) -> Result<DailyView, ApiError> {
    use super::arguments::{scope_of, word};
    use chrono::Days;
    let (_, scope) = super::require(domain::access::Action::ReadFinance)?;
    let ctx = super::context();
    let scope = scope_of(&ctx, &scope, entity.as_deref()).await?;
    let account: Option<domain::id::BankAccountId> = word("account", account.as_deref())?;
    let today = ctx.clock.now().date_naive();
    let until = word("until", until.as_deref())?.unwrap_or(today);
    let range = if account.is_some() { DAYS[0] } else { DAYS[1] };
    let outside = || ApiError::invalid("until", "is no day of a calendar that we keep");
    let from = until.checked_sub_days(Days::new(range - 1)).ok_or_else(outside)?;
    let newer = if until < today { Some(until.checked_add_days(Days::new(range)).ok_or_else(outside)?.min(today)) } else { None };
    let days = store::views::cash_proof::proofs(&ctx.pool, &scope, account, from, until).await?;
    Ok(DailyView { days, from, until, newer })
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementSeen {
    pub statement: StatementView,
    /// What of it the lines are; none: all of them.
    pub part: Option<CashPart>,
    /// In the bank's order.
    pub lines: Paged<StatementLineView>,
    /// Why the caller may not decide about it.
    pub why_not: Option<String>,
}

#[server(prefix = "/fn", endpoint = "get_statement")]
pub async fn get_statement(id: String, part: Option<String>, after: Option<String>) -> Result<StatementSeen, ApiError> {
    use super::{
        arguments::{page, paged, word},
        reach::{entities, reach},
    };
    use domain::access::Action;
    use store::views::statements;
    let (caller, scope) = super::require(Action::ReadFinance)?;
    let ctx = super::context();
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    let after = word("after", after.as_deref())?.unwrap_or(0);
    let statement = statements::find(&ctx.pool, &scope, id).await?.ok_or(ApiError::NotFound)?;
    let part: Option<CashPart> = word("part", part.as_deref())?;
    let rows = statements::lines(&ctx.pool, &scope, id, part, after, page(LINES)).await?;
    let own = statement.received_by == caller.actor().to_string();
    let may = reach(&caller, &entities(&ctx).await?).why_not_in(Action::Approve, &statement.entity_code);
    let why_not = may.or_else(|| own.then(|| "Who handed a statement over does not decide about it.".to_owned()));
    Ok(StatementSeen { statement, part, lines: paged(rows, LINES, |line| line.ordinal.to_string()), why_not })
}

/// Makes an account known, so that its statements can come in.
#[server(prefix = "/fn", endpoint = "open_bank_account")]
pub async fn open_bank_account(entity: String, number: String, currency: String, name: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::ManageBankAccounts)?;
    let ctx = super::context();
    let entity = entity.parse().map_err(|_| ApiError::invalid("entity", "Choose an entity."))?;
    let id = pipeline::cash::open_account(&ctx, &caller, &scope, entity, &number, &currency, &name).await?;
    super::go_back(&format!("/cash/accounts/{id}"), "the account is known; its statements can come in");
    Ok(())
}

/// Keeps how the account's bank writes tables.
#[server(prefix = "/fn", endpoint = "learn_table")]
pub async fn learn_table(account: String, profile: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::ManageBankAccounts)?;
    let id = account.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::cash::learn_table(&super::context(), &caller, &scope, id, &profile).await?;
    super::go_back(&format!("/cash/accounts/{id}"), "tables of this account are read so from now on");
    Ok(())
}

/// Takes or refuses a statement that waits.
#[server(prefix = "/fn", endpoint = "decide_statement")]
pub async fn decide_statement(statement: String, act: String, reason: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::Approve)?;
    let ctx = super::context();
    let id = statement.parse().map_err(|_| ApiError::NotFound)?;
    let said = match act.as_str() {
        "accept" => {
            pipeline::cash::accept(&ctx, &caller, &scope, id, &reason).await?;
            "the statement is in; its lines count"
        }
        "refuse" => {
            pipeline::cash::refuse(&ctx, &caller, &scope, id, &reason).await?;
            "the statement was refused; its lines never count"
        }
        _ => return Err(ApiError::invalid("act", "Accept or refuse.")),
    };
    super::go_back(&format!("/cash/statements/{id}"), said);
    Ok(())
}
