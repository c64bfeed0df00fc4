//! The rules of cash application as versions of an entity: proposed by one person, held against history by a worker, put in force by
//! another person who saw the figures.

mod history;
mod test;

pub use test::{Ran, backtest};

use crate::{
    Context,
    retry::transaction,
    workbench::{Resolved, WorkError, approve, entry, text},
};
use domain::{
    access::{Caller, Scope},
    approval::ApprovalAct,
    id::{EntityId, JobId, RuleTableId},
    job::JobKind,
    money::grouped,
    rules::{Backtest, RuleEntry, STANDARD_VERSION},
    seal::{Canonical, rule_table_hash},
};
use matching::{RuleTable, SheetFault};
use serde_json::json;
use store::{
    Conn, Error, Result, Tx,
    access::audit,
    approvals::{Ask, Open},
    jobs::{self, NewJob},
    receivables,
    rules::{self as rows, NewRuleTable, RuleTableRow},
};
use uuid::Uuid;

/// Why a proposal was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// An entry of the table is not what it has to be.
    #[error(transparent)]
    Entry(#[from] SheetFault),
    #[error(transparent)]
    Work(#[from] WorkError),
}

/// The table that decides in an entity.
pub(super) async fn in_force(conn: &mut Conn, entity: EntityId) -> Result<RuleTable> {
    rows::in_force(conn, entity).await?.map_or_else(|| Ok(RuleTable::standard()), |row| read(&row))
}

fn read(row: &RuleTableRow) -> Result<RuleTable> {
    serde_json::from_str(&row.content).map_err(|error| Error::Corrupt {
        table: "rule_table",
        column: "content",
        id: row.rule_table_id.to_string(),
        why: error.to_string(),
    })
}

/// Every number of a version under its name; `None`: the version is not there, or not the caller's.
pub async fn entries(cx: &Context, scope: &Scope, entity: EntityId, version: i32) -> Result<Option<Vec<RuleEntry>>> {
    if version == STANDARD_VERSION {
        return Ok(scope.contains(entity).then(|| RuleTable::standard().entries()));
    }
    let row = rows::of_version(&cx.pool, scope, entity, version).await?;
    row.map(|row| Ok(read(&row)?.entries())).transpose()
}

/// The version that decides in an entity.
pub async fn version_in_force(cx: &Context, entity: EntityId) -> Result<i32> {
    let mut conn = cx.pool.acquire().await?;
    Ok(rows::in_force(&mut conn, entity).await?.map_or(STANDARD_VERSION, |row| row.version))
}

/// Proposes the next version: the one named, with other values under some names. A worker back-tests it.
pub async fn propose(
    cx: &Context,
    caller: &Caller,
    scope: &Scope,
    entity: EntityId,
    from: i32,
    changes: &[(String, String)],
    reason: &str,
) -> std::result::Result<i32, ProposeError> {
    let reason = text("reason", reason)?;
    let base = base(cx, scope, entity, from).await?;
    let same: Vec<(String, String)> = base.entries().into_iter().map(|entry| (entry.name, entry.value)).collect();
    transaction!(&cx.pool, |tx| {
        receivables::lock_entity(tx, entity).await?;
        let version = rows::next_version(tx, entity).await?;
        let table = match base.changed(version.unsigned_abs(), changes) {
            Ok(table) => table,
            Err(fault) => return Ok(Err(ProposeError::Entry(fault))),
        };
        let changed: Vec<_> =
            table.entries().into_iter().map(|entry| (entry.name, entry.value)).zip(&same).filter(|(new, old)| new != *old).collect();
        if changed.is_empty() && from == rows::in_force(tx, entity).await?.map_or(STANDARD_VERSION, |row| row.version) {
            return Ok(Err(WorkError::Conflict("It is the table that is in force: change something.".into()).into()));
        }
        let id = RuleTableId(Uuid::now_v7());
        let told: Vec<_> = changed.iter().map(|((name, new), (_, old))| json!({ "entry": name, "from": old, "to": new })).collect();
        insert(cx, tx, caller, entity, id, &table, &reason).await?;
        test_later(cx, tx, caller, id).await?;
        let after = json!({ "version": version, "based_on": from, "changed": told, "reason": reason });
        audit::append(tx, &entry(cx, caller, "rules.propose", &format!("rule_table:{id}"), Some(entity), after)).await?;
        Ok(Ok(version))
    })
    .map_err(WorkError::Store)?
}

async fn base(cx: &Context, scope: &Scope, entity: EntityId, version: i32) -> std::result::Result<RuleTable, WorkError> {
    if version == STANDARD_VERSION && scope.contains(entity) {
        return Ok(RuleTable::standard());
    }
    let row = rows::of_version(&cx.pool, scope, entity, version).await?.ok_or(WorkError::NotFound)?;
    Ok(read(&row)?)
}

async fn insert(
    cx: &Context,
    tx: &mut Tx,
    caller: &Caller,
    entity: EntityId,
    id: RuleTableId,
    table: &RuleTable,
    reason: &str,
) -> Result<()> {
    let content = serde_json::to_string(table).map_err(|error| store::DriverError::Encode(error.into()))?;
    let new = NewRuleTable {
        rule_table_id: id,
        entity_id: entity,
        version: i32::try_from(table.version).unwrap_or(i32::MAX),
        content: &content,
        content_hash: &rule_table_hash(entity, &content),
        reason,
        proposed_by: &caller.email,
        proposed_at: cx.clock.now(),
    };
    rows::insert(tx, &new).await
}

async fn test_later(cx: &Context, tx: &mut Tx, caller: &Caller, table: RuleTableId) -> Result<()> {
    let (now, subject, by) = (cx.clock.now(), table.to_string(), caller.actor().to_string());
    let new = NewJob { job_id: JobId(Uuid::now_v7()), kind: JobKind::Backtest, subject: &subject, run_at: now, created_by: &by };
    jobs::enqueue(tx, &new, now).await?;
    Ok(())
}

/// Has a version back-tested once more, against what is in force now.
pub async fn test_again(cx: &Context, caller: &Caller, scope: &Scope, table: RuleTableId) -> std::result::Result<i32, WorkError> {
    transaction!(&cx.pool, |tx| {
        let Some(row) = rows::find(tx, scope, table).await? else { return Ok(Err(WorkError::NotFound)) };
        test_later(cx, tx, caller, table).await?;
        let after = json!({ "version": row.version });
        audit::append(tx, &entry(cx, caller, "rules.test", &format!("rule_table:{table}"), Some(row.entity_id), after)).await?;
        Ok(Ok(row.version))
    })?
}

/// A version with its finished back-test, and what is in force beside it.
pub(crate) struct Tested {
    pub(crate) table: RuleTableRow,
    test: Backtest,
    /// The hash of its figures.
    figures: Vec<u8>,
    /// What is in force now.
    now: i32,
}

impl Tested {
    /// `None`: it is not there, not the caller's, or its back-test is not finished. Nobody puts another one in force meanwhile.
    pub(crate) async fn find(tx: &mut Tx, scope: &Scope, id: RuleTableId) -> Result<Option<Self>> {
        let Some(table) = rows::find(tx, scope, id).await? else { return Ok(None) };
        receivables::lock_entity(tx, table.entity_id).await?;
        let Some((test, figures)) = rows::last_backtest(tx, id).await? else { return Ok(None) };
        let now = rows::in_force(tx, table.entity_id).await?.map_or(STANDARD_VERSION, |row| row.version);
        Ok(Some(Self { table, test, figures, now }))
    }

    /// What the approver is shown. Any change voids the request.
    pub(crate) fn shown_hash(&self, ask: &Ask) -> [u8; 32] {
        Canonical::new("approval")
            .text(&self.table.rule_table_id.to_string())
            .bytes(&self.table.content_hash)
            .bytes(&self.figures)
            .integer(self.now.into())
            .text(ask.act.as_str())
            .text(&ask.plan)
            .text(&ask.reason)
            .finish()
    }

    /// Why nobody may ask for it.
    fn refusal(&self, caller: &Caller) -> Option<String> {
        let version = self.table.version;
        if self.table.proposed_by != caller.email {
            return Some(format!("Rule table {version} is {}’s: who proposed it asks for it.", self.table.proposed_by));
        }
        if self.now == version {
            return Some(format!("Rule table {version} is in force."));
        }
        let against = self.test.against;
        (against != self.now)
            .then(|| format!("It was held against rule table {against}, and {} is in force: have it back-tested again first.", self.now))
    }
}

/// Asks a second person to put a version in force. Its author asks, so that he is the one who can't approve.
pub async fn ask(cx: &Context, caller: &Caller, scope: &Scope, id: RuleTableId, reason: &str) -> std::result::Result<Resolved, WorkError> {
    let reason = text("reason", reason)?;
    transaction!(&cx.pool, |tx| {
        if rows::find(tx, scope, id).await?.is_none() {
            return Ok(Err(WorkError::NotFound));
        }
        let Some(version) = Tested::find(tx, scope, id).await? else {
            let unknown = "Its back-test is not finished: nobody knows yet what it would do.";
            return Ok(Err(WorkError::Conflict(unknown.into())));
        };
        if let Some(refusal) = version.refusal(caller) {
            return Ok(Err(WorkError::Conflict(refusal)));
        }
        let ask = Ask {
            act: ApprovalAct::PutRulesInForce,
            plan: plan(version.table.version, &version.test),
            erp_number: None,
            dated: None,
            content: None,
            reason: reason.clone(),
        };
        approve::request_rules(cx, tx, caller, &version, ask).await
    })?
}

/// What would be done, with what it would have done.
fn plan(version: i32, test: &Backtest) -> String {
    let figures: Vec<String> = test
        .totals
        .iter()
        .map(|total| {
            format!(
                "of {} payments in {} {} more applied rightly, {} no longer, {} wrongly with {} at risk",
                total.lines,
                total.currency,
                total.gained,
                total.lost,
                total.wrong,
                grouped(total.at_risk.normalize())
            )
        })
        .collect();
    let figures = if figures.is_empty() { "no payment of this time is settled".to_owned() } else { figures.join("; ") };
    format!("Rule table {version} takes the place of {}. From {} to {}: {figures}.", test.against, test.from, test.until)
}

/// What a second person agreed to: the next run of the matcher uses it.
pub(crate) async fn put_in_force(cx: &Context, tx: &mut Tx, caller: &Caller, version: &Tested, open: &Open) -> Result<()> {
    rows::put_in_force(tx, &version.table, open.approval_id, &caller.email, cx.clock.now()).await?;
    let after =
        json!({ "version": version.table.version, "instead_of": version.now, "prepared_by": open.requested_by, "reason": open.ask.reason });
    let about = format!("rule_table:{}", version.table.rule_table_id);
    audit::append(tx, &entry(cx, caller, "rules.put_in_force", &about, Some(version.table.entity_id), after)).await?;
    Ok(())
}
