//! Setting a company up: legal entities with their limits, and the ERP accounts that keep their receivables.

use crate::{
    Context,
    erps::{connect, secret_binding},
    retry::transaction,
    workbench::WorkError,
};
use anyhow::{Context as _, ensure};
use chrono::{NaiveDate, NaiveTime};
use connectors::Erp;
use domain::{
    access::Actor,
    calendar::Calendar,
    exception::ExceptionKind,
    id::{ConnectionId, EntityId},
    money::Currency,
    period::AccountingPeriod,
    posting::ErpSystem,
    working_time::WorkingDay,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use store::{
    Tx,
    access::audit::{self, AuditEntry},
    calendars,
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
    ensure!(form.time_zone.parse::<chrono_tz::Tz>().is_ok(), "{} is no time zone; write it as Europe/Berlin", form.time_zone);
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

/// What changes in an entity's working time; what is not named stays.
#[derive(Debug, Clone, Default)]
pub struct CalendarForm {
    pub days: Option<Vec<WorkingDay>>,
    /// Opening and closing.
    pub hours: Option<(NaiveTime, NaiveTime)>,
    pub holidays: Vec<(NaiveDate, String)>,
    pub no_holidays: Vec<NaiveDate>,
    /// Working hours that a kind of exception allows.
    pub allowances: Vec<(ExceptionKind, i32)>,
}

/// Longest name of a holiday.
const HOLIDAY_CHARS: usize = 100;

impl CalendarForm {
    /// Errors with the field, the rule and the value that breaks it.
    fn check(&self) -> Result<(), WorkError> {
        if self.days.as_ref().is_some_and(Vec::is_empty) {
            return Err(WorkError::invalid("days", "An entity works on one day at least."));
        }
        if let Some((opens, closes)) = self.hours.filter(|(opens, closes)| opens >= closes) {
            let (opens, closes) = (opens.format("%H:%M"), closes.format("%H:%M"));
            return Err(WorkError::invalid("closes_at", format!("It closes after it opens; {closes} is not after {opens}.")));
        }
        if self.holidays.iter().any(|(_, name)| !(1..=HOLIDAY_CHARS).contains(&name.trim().chars().count())) {
            return Err(WorkError::invalid("name", format!("A holiday has a name of 1 to {HOLIDAY_CHARS} characters.")));
        }
        if let Some((_, hours)) = self.allowances.iter().find(|(_, hours)| !(1..=2000).contains(hours)) {
            return Err(WorkError::invalid("hours", format!("An allowance is 1 to 2000 working hours; {hours} is not.")));
        }
        Ok(())
    }
}

/// Changes when people of an entity work and what has to be dealt with how fast. What is open keeps its time.
pub async fn set_calendar(cx: &Context, actor: &Actor, code: &str, form: &CalendarForm) -> Result<Calendar, WorkError> {
    form.check()?;
    let entities = entities::list(&mut *cx.pool.acquire().await.map_err(store::Error::from)?).await?;
    let entity = entities.iter().find(|entity| entity.code == code).ok_or(WorkError::NotFound)?.entity_id;
    transaction!(&cx.pool, |tx| {
        let before = calendar_of(tx, entity).await?;
        if form.days.is_some() || form.hours.is_some() {
            let days = form.days.clone().unwrap_or_else(|| before.days.iter().copied().collect());
            let (opens_at, closes_at) = form.hours.unwrap_or((before.opens_at, before.closes_at));
            calendars::set_hours(tx, entity, &days, opens_at, closes_at).await?;
        }
        for day in &form.no_holidays {
            calendars::remove_holiday(tx, entity, *day).await?;
        }
        for (day, name) in &form.holidays {
            calendars::add_holiday(tx, entity, *day, name.trim()).await?;
        }
        for (kind, hours) in &form.allowances {
            calendars::allow(tx, entity, *kind, *hours).await?;
        }
        let after = calendar_of(tx, entity).await?;
        if after != before {
            let mut entry = entry(cx, actor, "entity.calendar", format!("entity:{entity}"), Some(entity), in_words(&after));
            entry.before = Some(in_words(&before));
            audit::append(tx, &entry).await?;
        }
        Ok(after)
    })
    .map_err(WorkError::from)
}

async fn calendar_of(tx: &mut Tx, entity: EntityId) -> store::Result<Calendar> {
    calendars::of(tx, &[entity]).await?.remove(&entity).ok_or(store::Error::RowsAffected { expected: 1, actual: 0 })
}

fn in_words(calendar: &Calendar) -> Value {
    let allowances: BTreeMap<&str, i32> = calendar.allowances.iter().map(|(kind, hours)| (kind.as_str(), *hours)).collect();
    json!({
        "days": calendar.days, "opens_at": calendar.opens_at, "closes_at": calendar.closes_at, "holidays": calendar.holidays,
        "allowances": allowances
    })
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
