//! Who may do what: seven roles, each limited to entities. Least privilege; a person prepares, another approves.

use crate::{id::*, text_enum::text_enum};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

text_enum! {
    /// The roles of accounting.md. Admin grants access and takes no finance action.
    pub enum Role {
        Controller = "controller",
        ArSpecialist = "ar_specialist",
        Operator = "operator",
        Approver = "approver",
        Executive = "executive",
        Auditor = "auditor",
        Admin = "admin",
    }
}

impl Role {
    pub fn label(self) -> &'static str {
        match self {
            Self::Controller => "Controller",
            Self::ArSpecialist => "AR specialist",
            Self::Operator => "Operator",
            Self::Approver => "Approver",
            Self::Executive => "Executive",
            Self::Auditor => "Auditor",
            Self::Admin => "Admin",
        }
    }

    /// Prepares what a second person approves.
    fn prepares(self) -> bool {
        matches!(self, Self::Controller | Self::ArSpecialist | Self::Operator)
    }

    pub fn may(self, action: Action) -> bool {
        use Action::*;
        match self {
            Self::Controller => {
                matches!(
                    action,
                    ReadFinance
                        | ImportBatch
                        | WorkExceptions
                        | Resolve
                        | EditMapping
                        | Replay
                        | Reconcile
                        | ReadJobs
                        | ManageBankAccounts
                        | ApplyCash
                        | EditRules
                        | Unmask
                )
            }
            Self::ArSpecialist => matches!(action, ReadFinance | ImportBatch | WorkExceptions | Resolve | ApplyCash | Unmask),
            Self::Operator => matches!(
                action,
                ReadFinance
                    | ImportBatch
                    | WorkExceptions
                    | EditMapping
                    | Replay
                    | Reconcile
                    | ReadJobs
                    | RunJobs
                    | ReadConnections
                    | ManageBankAccounts
            ),
            Self::Approver => matches!(action, ReadFinance | Approve | ReadJobs),
            Self::Executive => matches!(action, ReadFinance),
            Self::Auditor => matches!(action, ReadFinance | ReadJobs | ReadAudit | ReadUsers | ReadConnections),
            Self::Admin => {
                matches!(action, ReadUsers | ManageUsers | ManageKeys | ManageEntities | ReadAudit | ReadJobs | ReadConnections)
            }
        }
    }
}

text_enum! {
    /// What a screen, a server function or an API route does.
    pub enum Action {
        ReadFinance = "read_finance",
        ImportBatch = "import_batch",
        /// Assign, comment, correct references.
        WorkExceptions = "work_exceptions",
        /// Close an exception with an ERP number or a reason.
        Resolve = "resolve",
        EditMapping = "edit_mapping",
        /// Make accounts at banks known, and how their tables read.
        ManageBankAccounts = "manage_bank_accounts",
        /// Say who paid and what it settles, take that back, park money, write off.
        ApplyCash = "apply_cash",
        /// Propose how cash is applied without a person.
        EditRules = "edit_rules",
        /// See account numbers in full, with a reason.
        Unmask = "unmask",
        Replay = "replay",
        Approve = "approve",
        Reconcile = "reconcile",
        ReadConnections = "read_connections",
        ReadJobs = "read_jobs",
        RunJobs = "run_jobs",
        ReadAudit = "read_audit",
        ReadUsers = "read_users",
        ManageUsers = "manage_users",
        ManageKeys = "manage_keys",
        /// Say when people of an entity work.
        ManageEntities = "manage_entities",
    }
}

/// A role in one entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub role: Role,
    pub entity_id: EntityId,
}

/// The caller's reach: which entities, as far as an action goes. Every query that reads finance rows takes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope(Vec<EntityId>);

impl Scope {
    pub fn entities(&self) -> &[EntityId] {
        &self.0
    }

    pub fn ids(&self) -> Vec<uuid::Uuid> {
        self.0.iter().map(|entity| entity.0).collect()
    }

    pub fn contains(&self, entity: EntityId) -> bool {
        self.0.contains(&entity)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every entity: background workers and the command line, which act for the company.
    pub fn of_system(entities: Vec<EntityId>) -> Self {
        Self(entities)
    }

    /// The same reach cut down to what was asked for.
    pub fn narrowed(&self, wanted: &[EntityId]) -> Self {
        Self(self.0.iter().copied().filter(|entity| wanted.contains(entity)).collect())
    }
}

/// Who acts: on every movement, attempt and audit row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Actor {
    /// A signed-in person, by e-mail.
    User(String),
    /// An API key, by its name.
    Key(String),
    /// A worker, by its task.
    System(String),
    /// The command line, by the operating system's account.
    Cli(String),
}

/// How the command line is told from people wherever an actor is a text.
const CLI: &str = "cli:";

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(name) => write!(f, "{name}"),
            Self::Key(name) => write!(f, "key:{name}"),
            Self::System(name) => write!(f, "system:{name}"),
            Self::Cli(name) => write!(f, "{CLI}{name}"),
        }
    }
}

/// A signed-in caller with everything he was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub user_id: UserId,
    pub email: String,
    pub name: String,
    pub grants: Vec<Grant>,
}

impl Caller {
    /// The entities in which the caller may do this; empty means forbidden.
    pub fn scope(&self, action: Action) -> Scope {
        let mut entities: Vec<EntityId> = self.grants.iter().filter(|grant| grant.role.may(action)).map(|grant| grant.entity_id).collect();
        entities.sort_unstable();
        entities.dedup();
        Scope(entities)
    }

    pub fn may(&self, action: Action) -> bool {
        self.grants.iter().any(|grant| grant.role.may(action))
    }

    pub fn has(&self, role: Role) -> bool {
        self.grants.iter().any(|grant| grant.role == role)
    }

    pub fn actor(&self) -> Actor {
        Actor::User(self.email.clone())
    }
}

/// A program that presented an API key. It reaches as far as the key says and its owner may, whichever is less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCaller {
    pub name: String,
    pub owner: Caller,
    pub scopes: Vec<Action>,
    pub entities: Vec<EntityId>,
}

impl KeyCaller {
    /// The entities in which the key may do this; empty means forbidden. Keys never approve.
    pub fn scope(&self, action: Action) -> Scope {
        if action == Action::Approve || !self.scopes.contains(&action) {
            return Scope(Vec::new());
        }
        self.owner.scope(action).narrowed(&self.entities)
    }

    pub fn actor(&self) -> Actor {
        Actor::Key(self.name.clone())
    }
}

/// A person as the Users page lists him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    pub user_id: UserId,
    pub email: String,
    pub name: String,
    pub totp_required: bool,
    /// Has confirmed a second factor.
    pub enrolled: bool,
    pub last_login_at: Option<DateTime<Utc>>,
    pub active: bool,
    pub grants: Vec<Grant>,
}

/// One line of the access review: a role, who gave it, and who let it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRow {
    pub email: String,
    pub name: String,
    pub active: bool,
    pub role: Role,
    pub entity_id: EntityId,
    pub entity_code: String,
    pub granted_by: String,
    pub granted_at: DateTime<Utc>,
    pub approved_by: Option<String>,
    pub approved_at: Option<DateTime<Utc>>,
    pub last_login_at: Option<DateTime<Utc>>,
}

impl ReviewRow {
    /// The second administrator; nobody approves what is given at the command line, which acts for the company.
    pub fn let_in_by(&self) -> &str {
        match &self.approved_by {
            Some(who) => who,
            None if self.granted_by.starts_with(CLI) => "command line",
            None => "nobody",
        }
    }
}

/// Roles that one person should not hold together in one entity, in words for the access review.
pub fn conflicts(grants: &[Grant], entity: EntityId) -> Vec<String> {
    let roles: Vec<Role> = grants.iter().filter(|grant| grant.entity_id == entity).map(|grant| grant.role).collect();
    let mut found = Vec::new();
    for role in roles.iter().filter(|role| role.prepares()) {
        if roles.contains(&Role::Approver) {
            found.push(format!("{} prepares what Approver approves", role.label()));
        }
        if roles.contains(&Role::Admin) {
            found.push(format!("Admin grants access to {}", role.label()));
        }
    }
    if roles.contains(&Role::Admin) && roles.contains(&Role::Approver) {
        found.push("Admin grants access to Approver".into());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_grants_access_and_takes_no_finance_action() {
        use Action::*;
        for action in [ReadFinance, ImportBatch, WorkExceptions, Resolve, EditMapping, Replay, Approve, Reconcile] {
            assert!(!Role::Admin.may(action), "{action}");
        }
        assert!(Role::Admin.may(ManageUsers));
    }

    #[test]
    fn who_approves_prepares_nothing() {
        for action in Action::ALL.iter().filter(|a| Role::Approver.may(**a)) {
            assert!(matches!(action, Action::ReadFinance | Action::Approve | Action::ReadJobs), "{action}");
        }
    }

    #[test]
    fn a_scope_holds_only_the_entities_of_roles_that_may() {
        let (us, de) = (EntityId(uuid::Uuid::from_u128(1)), EntityId(uuid::Uuid::from_u128(2)));
        let caller = Caller {
            user_id: UserId(uuid::Uuid::nil()),
            email: "a@b".into(),
            name: "A".into(),
            grants: vec![Grant { role: Role::Controller, entity_id: us }, Grant { role: Role::Executive, entity_id: de }],
        };
        assert_eq!(caller.scope(Action::Resolve).entities(), &[us]);
        assert_eq!(caller.scope(Action::ReadFinance).entities(), &[us, de]);
        assert!(caller.scope(Action::ManageUsers).is_empty());
    }

    #[test]
    fn a_key_reaches_no_further_than_its_owner_and_never_approves() {
        let (us, de) = (EntityId(uuid::Uuid::from_u128(1)), EntityId(uuid::Uuid::from_u128(2)));
        let grants = vec![Grant { role: Role::Approver, entity_id: us }, Grant { role: Role::ArSpecialist, entity_id: us }];
        let owner = Caller { user_id: UserId(uuid::Uuid::nil()), email: "a@b".into(), name: "A".into(), grants };
        let key = KeyCaller {
            name: "k".into(),
            owner,
            scopes: vec![Action::ImportBatch, Action::Approve, Action::Replay],
            entities: vec![us, de],
        };
        assert_eq!(key.scope(Action::ImportBatch).entities(), &[us]);
        assert!(key.scope(Action::Replay).is_empty(), "the owner may not");
        assert!(key.scope(Action::ReadFinance).is_empty(), "not a scope of the key");
        assert!(key.scope(Action::Approve).is_empty());
    }

    #[test]
    fn conflicts_are_found_within_an_entity_only() {
        let (us, de) = (EntityId(uuid::Uuid::from_u128(1)), EntityId(uuid::Uuid::from_u128(2)));
        let grants = [
            Grant { role: Role::Controller, entity_id: us },
            Grant { role: Role::Approver, entity_id: de },
            Grant { role: Role::Admin, entity_id: us },
        ];
        assert_eq!(conflicts(&grants, us), ["Admin grants access to Controller"]);
        assert!(conflicts(&grants, de).is_empty());
    }
}
