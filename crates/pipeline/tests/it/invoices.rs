//! A small company, and batches to import into it.

use chrono::{DateTime, Utc};
use domain::{
    access::{Actor, Scope},
    clock::FixedClock,
    id::EntityId,
    view::{ImportOutcome, ImportReport},
};
use pipeline::{Context, secret::Cipher};
use serde_json::{Value, json};
use std::{io::Cursor, sync::Arc};
use store::testing::TestDatabase;

pub struct World {
    pub cx: Context,
    pub db: TestDatabase,
    pub us: EntityId,
}

impl World {
    /// Two entities; in the US, September 2026 is hard closed.
    pub async fn new() -> Self {
        let db = store::testing::database().await;
        let clock = FixedClock::at("2026-10-31T18:00:00Z".parse::<DateTime<Utc>>().unwrap());
        let (us, de) = (EntityId(uuid::Uuid::from_u128(1)), EntityId(uuid::Uuid::from_u128(2)));
        for (id, code, country, currency) in [(us, "US", "US", "USD"), (de, "DE", "DE", "EUR")] {
            sqlx::query("insert into entity values ($1, $2, $2, $3, $4, 'UTC')")
                .bind(id.0)
                .bind(code)
                .bind(country)
                .bind(currency)
                .execute(&db.pool)
                .await
                .unwrap();
        }
        sqlx::query("insert into accounting_period values ($1, '2026-09', 'hard_closed')").bind(us.0).execute(&db.pool).await.unwrap();
        let cx = Context { pool: db.pool.clone(), clock: Arc::new(clock), secrets: Arc::new(Cipher::new([7; 32])) };
        Self { cx, db, us }
    }

    pub async fn import(&self, batch: &Value) -> ImportReport {
        self.import_text(&batch.to_string()).await
    }

    pub async fn import_text(&self, text: &str) -> ImportReport {
        let scope = Scope::of_system(vec![self.us]);
        let file = Cursor::new(text.as_bytes().to_vec());
        pipeline::import::import_file(&self.cx, &Actor::User("ann@lumen.example".into()), &scope, "batch.json", file).await.unwrap()
    }

    pub async fn imported(&self, batch: &Value) -> ImportReport {
        let report = self.import(batch).await;
        assert_eq!(report.outcome, ImportOutcome::Imported, "{report:?}");
        report
    }

    /// The only row of a query, as text.
    pub async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Runs SQL with the guards of the tables off, as only an owner of the database can.
    pub async fn tamper(&self, sql: &'static str) {
        let mut conn = self.db.pool.acquire().await.unwrap();
        sqlx::raw_sql("set session_replication_role = replica").execute(&mut *conn).await.unwrap();
        let done = sqlx::raw_sql(sql).execute(&mut *conn).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql} changed nothing");
        sqlx::raw_sql("reset session_replication_role").execute(&mut *conn).await.unwrap();
    }
}

/// An invoice of one line: `net` plus ten percent tax.
pub fn invoice(number: &str, net: i64) -> Value {
    let (tax, gross) = (format!("{}.{}0", net / 10, net % 10), format!("{}.{}0", net + net / 10, net % 10));
    json!({
        "kind": "invoice", "number": number, "customer": {"code": "C-1", "name": "Acme, Inc."}, "currency": "USD", "amount": gross,
        "tax": tax, "issue_date": "2026-10-30", "due_date": "2026-11-29",
        "lines": [{"item": "API", "description": "API calls", "quantity": "100", "unit_price": format!("{}.{:02}", net / 100, net % 100),
            "net": format!("{net}.00"), "tax": tax, "tax_code": "CA"}]
    })
}

/// A batch of these documents with the manifest that they add up to.
pub fn batch(number: &str, documents: &[Value]) -> Value {
    let mut manifest: Vec<Value> = Vec::new();
    for kind in ["invoice", "credit_memo"] {
        let sum = |field: &str| -> rust_decimal::Decimal {
            documents
                .iter()
                .filter(|d| d["kind"] == kind)
                .map(|d| d[field].as_str().unwrap().parse::<rust_decimal::Decimal>().unwrap())
                .sum()
        };
        let count = documents.iter().filter(|d| d["kind"] == kind).count();
        if count > 0 {
            manifest.push(
                json!({"currency": "USD", "kind": kind, "count": count, "total": sum("amount").to_string(), "tax": sum("tax").to_string()}),
            );
        }
    }
    json!({"format": "tieout.invoice-batch/1", "source": "billing", "batch": number, "entity": "US", "period": "2026-10",
        "manifest": manifest, "documents": documents})
}
