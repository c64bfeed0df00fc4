//! The company before its first document: entities, people, limits, a key, connections, mappings.

use super::{
    Vendors,
    accounts::Account,
    bank,
    company::{self, ACCOUNTS, CONCURRENCY, ENTITIES},
    gateways,
    people::People,
    plan::Plan,
};
use anyhow::Context as _;
use chrono::TimeDelta;
use domain::{
    access::{Action, Caller, Grant, Role},
    id::{BankAccountId, ConnectionId, EntityId, MappingId},
    posting::ErpSystem,
};
use pipeline::{
    Context,
    access::{
        Granter,
        keys::{self, NewKey},
        users::{self, NewPerson},
    },
};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use store::connections::NewConnection;
use uuid::Uuid;

/// The contract's processing time, and what we wait for one answer, in seconds.
const PROCESSING: i32 = 15 * 60;
const ANSWER: i32 = 60;
const KEY_VALID: TimeDelta = TimeDelta::days(365);
/// What the demo's key may do: all that its owner, the controller, may.
const KEY_SCOPES: [Action; 8] = [
    Action::ReadFinance,
    Action::ImportBatch,
    Action::WorkExceptions,
    Action::Resolve,
    Action::EditMapping,
    Action::Replay,
    Action::Reconcile,
    Action::ReadJobs,
];

const PEOPLE: [(Role, &str); 7] = [
    (Role::Controller, "Grace Okafor"),
    (Role::ArSpecialist, "Ben Hartmann"),
    (Role::Operator, "Mei Tanaka"),
    (Role::Approver, "Daniel Reyes"),
    (Role::Executive, "Priya Nair"),
    (Role::Auditor, "Tom Whitfield"),
    (Role::Admin, "Alex Morgan"),
];

/// Lets in what the other administrator gives.
const SECOND_ADMIN: (&str, &str) = ("second-admin@lumen.example", "Sofia Lindqvist");

/// Who signs in under which word: one person per role, and the second administrator.
pub fn logins() -> impl Iterator<Item = (String, String)> {
    let people = Role::ALL.iter().map(|role| (role.to_string(), email(*role)));
    people.chain([("second_admin".to_owned(), SECOND_ADMIN.0.to_owned())])
}

pub fn email(role: Role) -> String {
    format!("{}@lumen.example", role.as_str().replace('_', "-"))
}

/// What was founded.
pub struct Founded {
    pub people: People,
    pub api_key: String,
}

pub async fn found(cx: &Context, plan: &Plan, vendors: &Vendors, entities: &[EntityId], password: &str) -> anyhow::Result<Founded> {
    let mut conn = cx.pool.acquire().await?;
    for (entity, id) in ENTITIES.iter().zip(entities) {
        let new = store::entities::NewEntity {
            entity_id: *id,
            code: entity.code,
            name: entity.name,
            country: entity.country,
            functional_currency: entity.currency,
            time_zone: entity.zone,
        };
        store::entities::insert(&mut conn, &new).await?;
    }
    for (place, currency, amount) in company::limits() {
        store::limits::set(&mut conn, entities[place], currency, Decimal::from(amount)).await?;
    }
    let banks = bank::ACCOUNTS.map(|_| BankAccountId(Uuid::now_v7()));
    for (account, bank_account_id) in bank::ACCOUNTS.iter().zip(banks) {
        let new = store::statements::NewBankAccount {
            bank_account_id,
            entity_id: entities[account.entity],
            number: account.number,
            currency: account.currency,
            name: account.name,
            opened_at: cx.clock.now(),
            opened_by: "cli:demo".into(),
        };
        store::statements::open_account(&mut conn, &new).await?;
    }
    drop(conn);
    for gateway in &vendors.gateways {
        gateway.open(cx, entities[gateway.entity], &banks).await?;
    }
    connect(cx, plan, &vendors.accounts, entities).await?;
    let granter = users::cli_granter(cx, "demo").await?;
    let people = hire(cx, &granter, entities, password).await?;
    let expires_at = plan.calendar.end() + KEY_VALID;
    let key = NewKey {
        name: "lumen-billing".into(),
        owner_email: email(Role::Controller),
        scopes: KEY_SCOPES.to_vec(),
        entities: entities.to_vec(),
        expires_at,
    };
    Ok(Founded { people: People::new(people), api_key: keys::create(cx, &granter, &key).await? })
}

async fn connect(cx: &Context, plan: &Plan, accounts: &[Account], entities: &[EntityId]) -> anyhow::Result<()> {
    let now = cx.clock.now();
    let mut conn = cx.pool.acquire().await?;
    for (place, account) in accounts.iter().enumerate() {
        let connection_id = ConnectionId(Uuid::now_v7());
        let (settings, secrets) = account.access(cx, connection_id)?;
        let new = NewConnection {
            connection_id,
            code: ACCOUNTS[place].code.into(),
            system: ErpSystem::Netsuite,
            settings,
            secrets,
            slots: CONCURRENCY.into(),
            per_minute: None,
            processing_seconds_max: PROCESSING,
            request_seconds_max: ANSWER,
        };
        store::connections::insert(&mut conn, &new).await?;
        for (entity, id) in ENTITIES.iter().zip(entities).filter(|(entity, _)| entity.account == place) {
            store::connections::attach_entity(&mut conn, *id, connection_id, entity.subsidiary, entity.tax_is_ours).await?;
        }
        let troubled =
            plan.troubles.mappings.iter().filter(|row| row.0 == place).map(|(_, kind, code, to)| (*kind, code.clone(), to.clone()));
        let rows: Vec<_> = company::mappings(place, &plan.customers)
            .into_iter()
            .chain(troubled)
            .map(|(kind, code, to)| (MappingId(Uuid::now_v7()), kind, code, to))
            .collect();
        store::mappings::load(&mut conn, connection_id, &rows, "cli:demo", now).await?;
    }
    Ok(())
}

async fn hire(cx: &Context, granter: &Granter, entities: &[EntityId], password: &str) -> anyhow::Result<BTreeMap<Role, Caller>> {
    let mut people = BTreeMap::new();
    for (role, name) in PEOPLE {
        let grants = entities.iter().map(|entity_id| Grant { role, entity_id: *entity_id }).collect();
        let new = NewPerson { email: email(role), name: name.into(), password: password.into(), totp_required: false, grants };
        let user_id = users::create(cx, granter, new).await?;
        let caller = store::access::users::caller(&mut *cx.pool.acquire().await?, user_id).await?;
        people.insert(role, caller.context("a person who was just hired")?);
    }
    let (email, name) = SECOND_ADMIN;
    let grants = entities.iter().map(|entity_id| Grant { role: Role::Admin, entity_id: *entity_id }).collect();
    let second = NewPerson { email: email.into(), name: name.into(), password: password.into(), totp_required: false, grants };
    users::create(cx, granter, second).await?;
    Ok(people)
}

/// From now on only some of the accounts' concurrency is used. After a restart the simulators are elsewhere, and know other
/// credentials.
pub async fn connect_to_live(cx: &Context, vendors: &Vendors) -> anyhow::Result<()> {
    gateways::connect_to_live(cx, &vendors.gateways).await?;
    let known = store::connections::list(&cx.pool).await?;
    let mut conn = cx.pool.acquire().await?;
    for (account, named) in vendors.accounts.iter().zip(ACCOUNTS) {
        let connection = known.iter().find(|connection| connection.code == named.code).context("a connection of the company")?;
        let (settings, secrets) = account.access(cx, connection.connection_id)?;
        store::demo::set_access(&mut conn, connection.connection_id, &settings, &secrets, named.slots.into()).await?;
    }
    Ok(())
}
