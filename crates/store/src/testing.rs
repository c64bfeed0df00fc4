//! A database of its own for every test: a copy of a template that is migrated once. Asks for `DATABASE_URL`, whose
//! role may create databases.

use crate::{MIGRATOR, Pool};
use domain::id::EntityId;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Serialises the making of the template among test processes.
const TEMPLATE_LOCK: i64 = 0x7465_6d70;

/// Connections of one test. Small, because many tests share one server.
const CONNECTIONS_MAX: u32 = 8;

/// A migrated, empty database; dropped with this value.
pub struct TestDatabase {
    pub pool: Pool,
    pub url: String,
    name: String,
    server_url: String,
}

/// Makes a database for one test.
pub async fn database() -> TestDatabase {
    database_at(std::env::var("DATABASE_URL").expect("DATABASE_URL names the server for tests")).await
}

/// The same on a server of the test's own.
pub async fn database_at(server_url: String) -> TestDatabase {
    let name = format!("tieout_test_{}", uuid::Uuid::now_v7().simple());
    let mut admin = PgConnection::connect(&server_url).await.expect("connect to the server");
    let template = template(&mut admin, &server_url).await;
    execute(&mut admin, format!("create database {name} template {template}")).await;
    admin.close().await.expect("close");
    let url = url_of(&server_url, &name);
    let pool = crate::connect(&url, CONNECTIONS_MAX).await.expect("connect to the test database");
    TestDatabase { pool, url, name, server_url }
}

impl TestDatabase {
    /// Adds a legal entity.
    pub async fn entity(&self, code: &str, currency: &str) -> EntityId {
        let id = EntityId(uuid::Uuid::now_v7());
        sqlx::query!(
            "insert into entity (entity_id, code, name, country, functional_currency, time_zone) values ($1, $2, $2, 'US', $3, 'UTC')",
            id.0,
            code,
            currency
        )
        .execute(&self.pool)
        .await
        .expect("insert an entity");
        id
    }
}

/// The template of this very schema: its name carries the migrations' checksums.
async fn template(admin: &mut PgConnection, server_url: &str) -> String {
    let mut fingerprint = 0xcbf2_9ce4_8422_2325_u64;
    for byte in MIGRATOR.iter().flat_map(|migration| migration.checksum.iter()) {
        fingerprint = (fingerprint ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let name = format!("tieout_template_{fingerprint:016x}");
    execute(admin, format!("select pg_advisory_lock({TEMPLATE_LOCK})")).await;
    let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(&name)
        .fetch_one(&mut *admin)
        .await
        .expect("look for the template");
    if !exists {
        // renamed when it is complete, so that a killed run leaves no half template behind
        let unfinished = format!("{name}_unfinished");
        execute(admin, format!("drop database if exists {unfinished} with (force)")).await;
        execute(admin, format!("create database {unfinished}")).await;
        let mut connection = PgConnection::connect(&url_of(server_url, &unfinished)).await.expect("connect to the template");
        MIGRATOR.run_direct(None, &mut connection, false).await.expect("migrate the template");
        connection.close().await.expect("close");
        execute(admin, format!("alter database {unfinished} rename to {name}")).await;
    }
    execute(admin, format!("select pg_advisory_unlock({TEMPLATE_LOCK})")).await;
    name
}

impl Drop for TestDatabase {
    /// On a thread of its own, because a test's runtime can't be waited for here.
    fn drop(&mut self) {
        let (name, server_url) = (self.name.clone(), self.server_url.clone());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
            runtime.block_on(async {
                let mut admin = PgConnection::connect(&server_url).await.expect("connect to the server");
                execute(&mut admin, format!("drop database {name} with (force)")).await;
            });
        });
        if dropped.join().is_err() {
            tracing::warn!(name = self.name, "test database was left behind");
        }
    }
}

async fn execute(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The same server, another database.
fn url_of(server_url: &str, database: &str) -> String {
    let (base, query) = server_url.split_once('?').unwrap_or((server_url, ""));
    let host = base.find("://").map_or(0, |at| at + 3);
    let server = base[host..].find('/').map_or(base, |at| &base[..host + at]);
    format!("{server}/{database}?{query}")
}
