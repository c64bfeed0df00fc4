//! Odoo's own books, asked for in the test's words: none of the connector's reading is used.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::io::Write;

/// The company that the test posts to.
const COMPANY: &str = "US";

/// What `scripts/odoo up` printed.
#[derive(Clone)]
pub struct Ledger {
    at: Value,
    pub http: reqwest::Client,
}

/// A customer document as Odoo holds it, in any state.
#[derive(Debug)]
pub struct Move {
    pub id: String,
    pub name: String,
    pub reference: String,
    pub state: String,
    pub total: Decimal,
    pub tax: Decimal,
}

impl Ledger {
    /// `None`, and a line that the test harness can't swallow, where `TIEOUT_ODOO` doesn't hold the JSON of `scripts/odoo up`.
    pub fn open(test: &str) -> Option<Self> {
        let Ok(text) = std::env::var("TIEOUT_ODOO") else {
            let skipped = format!("SKIPPED {test}: no real Odoo, TIEOUT_ODOO is not set\n");
            std::io::stderr().write_all(skipped.as_bytes()).unwrap();
            return None;
        };
        Some(Self {
            at: serde_json::from_str(&text).expect("TIEOUT_ODOO is JSON"),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        })
    }

    pub fn text(&self, what: &str) -> String {
        self.at[what].as_str().unwrap().to_owned()
    }

    pub fn company(&self) -> i64 {
        self.at["companies"][COMPANY].as_i64().unwrap()
    }

    /// Odoo's id of something that `scripts/odoo` furnished.
    pub fn furnished(&self, what: &str) -> String {
        self.at["setup"][COMPANY][what].to_string()
    }

    pub fn customers(&self) -> Vec<String> {
        self.at["setup"][COMPANY]["customers"].as_array().unwrap().iter().map(Value::to_string).collect()
    }

    async fn ask(&self, method: &str, mut arguments: Value) -> Value {
        arguments["context"] = json!({ "allowed_company_ids": [self.company()] });
        let request = self.http.post(format!("{}/json/2/account.move/{method}", self.text("url"))).bearer_auth(self.text("api_key"));
        let answer = request.header("x-odoo-database", self.text("database")).json(&arguments).send().await.unwrap();
        let status = answer.status();
        let result: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{method}: {}", result["message"]);
        result
    }

    /// Whatever comes into the company from now on has a higher id.
    pub async fn newest(&self) -> i64 {
        let found = self.ask("search", json!({ "domain": [["company_id", "=", self.company()]], "order": "id desc", "limit": 1 })).await;
        found[0].as_i64().unwrap_or_default()
    }

    pub async fn count(&self, field: &str, value: &str) -> i64 {
        let domain = json!([["company_id", "=", self.company()], [field, "=", value]]);
        self.ask("search_count", json!({ "domain": domain })).await.as_i64().unwrap()
    }

    pub async fn state(&self, id: &str) -> String {
        let read = self.ask("read", json!({ "ids": [id.parse::<i64>().unwrap()], "fields": ["state"] })).await;
        read[0]["state"].as_str().unwrap().to_owned()
    }

    /// Everything that came after: of any type, under any name, in any state.
    pub async fn since(&self, newest: i64) -> Vec<Move> {
        let fields = ["name", "ref", "state", "amount_total", "amount_tax"];
        let domain = json!([["company_id", "=", self.company()], ["id", ">", newest]]);
        let rows = self.ask("search_read", json!({ "domain": domain, "fields": fields })).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let amount = |value: &Value| value.to_string().parse::<Decimal>().unwrap();
        let row = |row: &Value| Move {
            id: row["id"].to_string(),
            name: text(&row["name"]),
            reference: text(&row["ref"]),
            state: text(&row["state"]),
            total: amount(&row["amount_total"]),
            tax: amount(&row["amount_tax"]),
        };
        rows.as_array().unwrap().iter().map(row).collect()
    }
}
