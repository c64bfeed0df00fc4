//! The ERPs this company posts to: each connection's settings and secrets made into a connector.

use crate::{Context, posting::Desk};
use anyhow::Context as _;
use connectors::{Erp, netsuite, odoo};
use domain::{id::ConnectionId, money::Currency, posting::ErpSystem};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::connections::{self, Connection, NewConnection};

/// Connections with their connectors, as of the start of the process.
#[derive(Default)]
pub struct Erps(Vec<(Arc<Connection>, Arc<dyn Erp>)>);

impl Erps {
    /// Builds every connector from the database.
    pub async fn load(cx: &Context) -> anyhow::Result<Self> {
        let mut erps = Vec::new();
        for connection in connections::list(&cx.pool).await? {
            let erp = connect(cx, &Account::from(&connection)).with_context(|| format!("connection {}", connection.code))?;
            erps.push((Arc::new(connection), erp));
        }
        Ok(Self(erps))
    }

    /// The database's connections with other connectors: tests and benches.
    pub fn of(erps: Vec<(Connection, Arc<dyn Erp>)>) -> Self {
        Self(erps.into_iter().map(|(connection, erp)| (Arc::new(connection), erp)).collect())
    }

    pub fn get(&self, id: ConnectionId) -> Option<&Arc<dyn Erp>> {
        self.0.iter().find(|(connection, _)| connection.connection_id == id).map(|(_, erp)| erp)
    }

    /// One connection alone, by its code.
    pub fn only(&self, code: &str) -> Self {
        Self(self.0.iter().filter(|(connection, _)| connection.code == code).cloned().collect())
    }

    pub fn desks(&self, cx: &Context, worker: &Arc<str>) -> Vec<Desk> {
        self.0
            .iter()
            .map(|(connection, erp)| Desk {
                cx: cx.clone(),
                connection: connection.clone(),
                erp: erp.clone(),
                worker: worker.clone(),
                queue: Arc::default(),
            })
            .collect()
    }
}

/// What a NetSuite connection's row holds, beside its secrets.
#[derive(Debug, Serialize, Deserialize)]
pub struct NetsuiteSettings {
    pub account_url: String,
    pub client_id: String,
    pub certificate_id: String,
    /// Currency to its internal id in the account.
    pub currencies: BTreeMap<Currency, String>,
    /// The AR account that money that went back is debited to. Without it such documents are refused before they are sent.
    #[serde(default)]
    pub receivables_account: Option<String>,
}

/// What an Odoo connection's row holds, beside its secrets.
#[derive(Debug, Serialize, Deserialize)]
pub struct OdooSettings {
    pub url: String,
    pub database: String,
    pub journal_code: String,
}

/// Documents of one page of a read-back from Odoo.
const ODOO_PAGE: usize = 500;

/// What a connector is made of: of a connection that is there, or of one to be checked first.
pub(crate) struct Account<'a> {
    connection_id: ConnectionId,
    system: ErpSystem,
    settings: &'a serde_json::Value,
    secrets: &'a [u8],
    processing_seconds_max: i32,
    request_seconds_max: i32,
}

impl<'a> From<&'a Connection> for Account<'a> {
    fn from(of: &'a Connection) -> Self {
        Self {
            connection_id: of.connection_id,
            system: of.system,
            settings: &of.settings,
            secrets: &of.secrets,
            processing_seconds_max: of.processing_seconds_max,
            request_seconds_max: of.request_seconds_max,
        }
    }
}

impl<'a> From<&'a NewConnection> for Account<'a> {
    fn from(of: &'a NewConnection) -> Self {
        Self {
            connection_id: of.connection_id,
            system: of.system,
            settings: &of.settings,
            secrets: &of.secrets,
            processing_seconds_max: of.processing_seconds_max,
            request_seconds_max: of.request_seconds_max,
        }
    }
}

pub(crate) fn connect(cx: &Context, connection: &Account<'_>) -> anyhow::Result<Arc<dyn Erp>> {
    let secret = String::from_utf8(cx.secrets.open(connection.secrets, &secret_binding(connection.connection_id))?)?;
    let seconds = |seconds: i32| Duration::from_secs(u64::from(seconds.unsigned_abs()));
    let (request_timeout, processing_time_max) = (seconds(connection.request_seconds_max), seconds(connection.processing_seconds_max));
    Ok(match connection.system {
        ErpSystem::Netsuite => {
            let settings: NetsuiteSettings = serde_json::from_value(connection.settings.clone())?;
            let config = netsuite::Config {
                account_url: settings.account_url,
                client_id: settings.client_id,
                certificate_id: settings.certificate_id,
                private_key_pem: secret,
                currencies: settings.currencies,
                receivables_account: settings.receivables_account,
                request_timeout,
                processing_time_max,
            };
            Arc::new(netsuite::Netsuite::new(config, cx.clock.clone())?)
        }
        ErpSystem::Odoo => {
            let settings: OdooSettings = serde_json::from_value(connection.settings.clone())?;
            let config = odoo::Config {
                url: settings.url,
                database: settings.database,
                api_key: secret,
                journal_code: settings.journal_code,
                request_timeout,
                processing_time_max,
                page_rows: ODOO_PAGE,
            };
            Arc::new(odoo::Odoo::new(config)?)
        }
    })
}

/// A connection's secret opens only for that connection.
pub fn secret_binding(connection: ConnectionId) -> String {
    format!("connection:{connection}")
}
