//! The rules of cash application: the table that decides, its versions, and what proposed ones would have done.

use super::{ApiError, reach::Reach};
use domain::{
    rules::{BacktestLine, RuleEntry, RuleTableView},
    view::EntityView,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Versions of an entity that are listed, newest first.
#[cfg(feature = "ssr")]
const VERSIONS: i64 = 100;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesView {
    /// Whose rules these are, among those whom the caller may read.
    pub entity: EntityView,
    pub entities: Vec<EntityView>,
    pub in_force: i32,
    /// Newest first; the standard table, version 1, is not among them.
    pub versions: Vec<RuleTableView>,
    /// The version that is looked at, number by number.
    pub version: i32,
    pub entries: Vec<RuleEntry>,
    /// Where the one in force says something else: entry and value there.
    pub differs: Vec<(RuleEntry, String)>,
    /// Payments about which the two differ.
    pub sample: Vec<BacktestLine>,
    pub reach: Reach,
}

/// The rules of an entity, the first one when none is named; of the version in force when none is named.
#[server(prefix = "/fn", endpoint = "get_rules")]
pub async fn get_rules(entity: Option<String>, version: Option<String>) -> Result<RulesView, ApiError> {
    use super::{
        arguments::{scope_of, word},
        reach::{entities, reach},
    };
    use pipeline::cash::rules;
    let (caller, scope) = super::require(domain::access::Action::ReadFinance)?;
    let ctx = super::context();
    let all = entities(&ctx).await?;
    let chosen = scope_of(&ctx, &scope, entity.as_deref()).await?;
    let mine: Vec<EntityView> = all.iter().filter(|entity| scope.contains(entity.entity_id)).cloned().collect();
    let entity = mine.iter().find(|entity| chosen.contains(entity.entity_id)).cloned().ok_or(ApiError::NotFound)?;
    let id = entity.entity_id;
    let in_force = rules::version_in_force(&ctx, id).await?;
    let version = word("version", version.as_deref())?.unwrap_or(in_force);
    let entries = rules::entries(&ctx, &scope, id, version).await?.ok_or(ApiError::NotFound)?;
    let active = rules::entries(&ctx, &scope, id, in_force).await?.ok_or(ApiError::NotFound)?;
    let differs = entries.iter().cloned().zip(active).filter(|(one, active)| one.value != active.value);
    let versions = store::rules::tables(&ctx.pool, &scope, id, VERSIONS).await?;
    let sample = match versions.iter().find(|table| table.version == version) {
        Some(table) => store::rules::sample(&ctx.pool, &scope, table.rule_table_id).await?,
        None => Vec::new(),
    };
    Ok(RulesView {
        differs: differs.map(|(one, active)| (one, active.value)).collect(),
        reach: reach(&caller, &all),
        entities: mine,
        entity,
        in_force,
        versions,
        version,
        entries,
        sample,
    })
}

/// Proposes the next version: the one named, with these values. A worker back-tests it.
#[server(prefix = "/fn", endpoint = "propose_rules")]
pub async fn propose_rules(entity: String, from: i32, values: BTreeMap<String, String>, reason: String) -> Result<(), ApiError> {
    use pipeline::cash::rules::{ProposeError, propose};
    let (caller, scope) = super::require(domain::access::Action::EditRules)?;
    let ctx = super::context();
    let all = super::reach::entities(&ctx).await?;
    let entity = all.into_iter().find(|known| known.code == entity).ok_or(ApiError::NotFound)?;
    let changes: Vec<(String, String)> = values.into_iter().collect();
    let version = match propose(&ctx, &caller, &scope, entity.entity_id, from, &changes, &reason).await {
        Ok(version) => version,
        Err(ProposeError::Entry(fault)) => return Err(ApiError::invalid(fault.entry.clone(), fault.to_string())),
        Err(ProposeError::Work(error)) => return Err(error.into()),
    };
    let page = crate::components::Query::new("/cash/rules", &[("entity", &entity.code), ("version", &version.to_string())]);
    super::go_back(&page.href(), "proposed: a worker holds it against history");
    Ok(())
}

/// Has a version back-tested against what is in force now.
#[server(prefix = "/fn", endpoint = "test_rules")]
pub async fn test_rules(table: String, #[server(default)] back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::EditRules)?;
    let id = table.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::cash::rules::test_again(&super::context(), &caller, &scope, id).await?;
    super::go_back(&back, "a worker holds it against history again");
    Ok(())
}

/// Asks a second person to put a version in force.
#[server(prefix = "/fn", endpoint = "ask_rules")]
pub async fn ask_rules(table: String, reason: String, #[server(default)] back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::EditRules)?;
    let id = table.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::cash::rules::ask(&super::context(), &caller, &scope, id, &reason).await?;
    super::go_back(&back, "an approver is asked; the rules stay as they are until he agrees");
    Ok(())
}
