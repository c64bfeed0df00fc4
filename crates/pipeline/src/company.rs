//! Setting a company up: legal entities with their limits, and the ERP accounts that keep their receivables.

use crate::{
    Context,
    erps::{connect, secret_binding},
    retry::transaction,
};
use anyhow::{Context as _, ensure};
use connectors::Erp;
use domain::{
    access::Actor,
    id::{ConnectionId, EntityId},
    money::Currency,
    period::AccountingPeriod,
    posting::ErpSystem,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use store::{
    access::audit::{self, AuditEntry},
    connections::{self, NewConnection},
    entities::{self, NewEntity},
    limits,
};
use uuid::Uuid;

/// A legal entity as it is entered.
#[derive(Debug, Clone)]
pub struct EntityForm {
    pub code: String,
    pub name: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    pub currency: Currency,
    /// IANA name.
    pub time_zone: String,
    /// How much one person may do alone in a day, per currency.
    pub limits: Vec<(Currency, Decimal)>,
}

pub async fn create_entity(cx: &Context, actor: &Actor, form: &EntityForm) -> anyhow::Result<EntityId> {
    let entity_id = EntityId(Uuid::now_v7());
    let currency = form.currency.to_string();
    let new = NewEntity {
        entity_id,
        code: &form.code,
        name: &form.name,
        country: &form.country,
        functional_currency: &currency,
        time_zone: &form.time_zone,
    };
    let after = json!({ "code": form.code, "name": form.name, "currency": currency });
    transaction!(&cx.pool, |tx| {
        entities::insert(tx, &new).await?;
        for (currency, amount) in &form.limits {
            limits::set(tx, entity_id, currency.code(), *amount).await?;
        }
        audit::append(tx, &entry(cx, actor, "entity.create", format!("entity:{entity_id}"), Some(entity_id), after.clone())).await?;
        Ok(entity_id)
    })
    .with_context(|| format!("entity {}", form.code))
}

/// An ERP account as it is entered. `settings` is what its connector needs, the secret is kept encrypted.
#[derive(Debug, Clone)]
pub struct ConnectionForm {
    pub code: String,
    pub system: ErpSystem,
    pub settings: Value,
    pub secret: String,
    pub slots: i32,
    /// Sends begun in a minute, where the vendor limits them.
    pub per_minute: Option<i32>,
    pub processing_seconds_max: i32,
    pub request_seconds_max: i32,
    /// Our entities and their legal entities there.
    pub entities: Vec<(EntityId, String)>,
    /// The tax we send is kept; otherwise the ERP computes it and we compare.
    pub tax_is_ours: bool,
}

/// Writes a connection after it was checked: credentials, settings and every legal entity.
pub async fn create_connection(cx: &Context, actor: &Actor, form: &ConnectionForm) -> anyhow::Result<ConnectionId> {
    ensure!(!form.entities.is_empty(), "a connection keeps the receivables of at least one entity");
    let connection_id = ConnectionId(Uuid::now_v7());
    let new = NewConnection {
        connection_id,
        code: form.code.clone(),
        system: form.system,
        settings: form.settings.clone(),
        secrets: cx.secrets.seal(form.secret.as_bytes(), &secret_binding(connection_id))?,
        slots: form.slots,
        per_minute: form.per_minute,
        processing_seconds_max: form.processing_seconds_max,
        request_seconds_max: form.request_seconds_max,
    };
    let erp = connect(cx, &(&new).into()).context("settings")?;
    for (_, entity_ref) in &form.entities {
        check(cx, erp.as_ref(), entity_ref).await?;
    }
    let after = json!({ "code": form.code, "system": form.system, "entities": form.entities.len() });
    transaction!(&cx.pool, |tx| {
        connections::insert(tx, &new).await?;
        for (entity, entity_ref) in &form.entities {
            connections::attach_entity(tx, *entity, connection_id, entity_ref, form.tax_is_ours).await?;
        }
        audit::append(tx, &entry(cx, actor, "connection.create", format!("connection:{connection_id}"), None, after.clone())).await?;
        Ok(connection_id)
    })
    .with_context(|| format!("connection {}", form.code))
}

/// Sets up at the ERP what posting needs there, and reads a page back with the same credentials.
pub async fn check(cx: &Context, erp: &dyn Erp, entity_ref: &str) -> anyhow::Result<()> {
    let period = AccountingPeriod::of(cx.clock.now().date_naive());
    erp.prepare(entity_ref).await.with_context(|| format!("legal entity {entity_ref}"))?;
    let reading = || format!("reading {period} of legal entity {entity_ref}");
    let opening = erp.open_period(entity_ref, period).await.with_context(reading)?;
    erp.read_period(entity_ref, period, &opening.cursor).await.with_context(reading)?;
    Ok(())
}

fn entry(cx: &Context, actor: &Actor, action: &'static str, subject: String, entity_id: Option<EntityId>, after: Value) -> AuditEntry {
    AuditEntry { at: cx.clock.now(), actor: actor.clone(), action, subject, entity_id, before: None, after: Some(after) }
}
