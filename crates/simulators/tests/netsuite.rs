//! The simulator by its contract, asked with plain HTTP.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use simulators::netsuite::{ClientCredentials, Config, Lists, Simulator, Switches, client_credentials};
use std::{io::Write, path::Path, sync::Arc};
use tempfile::TempDir;

struct Account {
    simulator: Simulator,
    credentials: ClientCredentials,
    http: Client,
    dir: TempDir,
}

fn now() -> DateTime<Utc> {
    "2026-10-31T12:00:00Z".parse().unwrap()
}

async fn start(file: &Path, credentials: &ClientCredentials) -> anyhow::Result<Simulator> {
    let config = Config {
        account_id: "1234567".into(),
        data_file: file.to_owned(),
        concurrency_limit: 500,
        seed: 1,
        client: credentials.registered.clone(),
        lists: Lists::standard("2026-10-01".parse().unwrap(), 3, 2, 2),
        switches: Switches::default(),
        now: Arc::new(now),
    };
    Simulator::start(config, "127.0.0.1:0".parse().unwrap()).await
}

impl Account {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let credentials = client_credentials().unwrap();
        let simulator = start(&dir.path().join("ledger.jsonl"), &credentials).await.unwrap();
        Self { simulator, credentials, http: Client::new(), dir }
    }

    fn token_url(&self) -> String {
        format!("{}/services/rest/auth/oauth2/v1/token", self.simulator.url())
    }

    fn claims(&self) -> Value {
        let iat = now().timestamp();
        json!({ "iss": self.credentials.registered.client_id, "scope": ["rest_webservices"], "aud": self.token_url(), "iat": iat, "exp": iat + 300 })
    }

    fn assertion(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.credentials.registered.certificate_id.clone()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_pem(self.credentials.private_key_pem.as_bytes()).unwrap()).unwrap()
    }

    async fn ask_token(&self, assertion: &str) -> (StatusCode, Value) {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let form = [("grant_type", "client_credentials"), ("client_assertion_type", kind), ("client_assertion", assertion)];
        let response = self.http.post(self.token_url()).form(&form).send().await.unwrap();
        (response.status(), serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }

    async fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let (_, answer) = self.ask_token(&self.assertion(&self.claims())).await;
        self.http
            .request(method, format!("{}/services/rest/{path}", self.simulator.url()))
            .bearer_auth(answer["access_token"].as_str().unwrap())
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> (StatusCode, String) {
        let response = self.request(method, path).await.json(body).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.request(Method::GET, path).await.send().await.unwrap().text().await.unwrap()).unwrap()
    }
}

fn an_invoice(external_id: &str) -> Value {
    json!({
        "externalId": external_id, "entity": { "id": "1001" }, "subsidiary": { "id": "1" }, "currency": { "id": "1" }, "tranDate": "2026-10-31",
        "item": { "items": [{ "item": { "id": "1" }, "quantity": 1, "rate": 100, "amount": 100 }] },
    })
}

fn a_payment(external_id: &str) -> Value {
    json!({
        "externalId": external_id, "customer": { "id": "1001" }, "subsidiary": { "id": "1" }, "currency": { "id": "1" },
        "tranDate": "2026-10-31", "payment": 150, "account": { "id": "101" }, "autoApply": false,
    })
}

#[tokio::test]
async fn a_token_needs_a_signed_assertion_that_says_the_right_things() {
    let account = Account::new().await;
    let (status, answer) = account.ask_token(&account.assertion(&account.claims())).await;
    assert_eq!((status, answer["token_type"].as_str()), (StatusCode::OK, Some("bearer")));
    let iat = now().timestamp();
    for (claim, value) in [
        ("iss", json!("someone")),
        ("scope", json!(["restlets"])),
        ("aud", json!("https://elsewhere/token")),
        ("exp", json!(iat - 1)),
        ("exp", json!(iat + 3600)),
        ("iat", json!(iat + 3000)),
    ] {
        let mut claims = account.claims();
        claims[claim] = value.clone();
        let (status, answer) = account.ask_token(&account.assertion(&claims)).await;
        assert_eq!((status, answer["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_grant")), "{claim} {value}");
    }
    let header = Header { kid: Some(account.credentials.registered.certificate_id.clone()), ..Header::new(Algorithm::HS256) };
    let symmetric = jsonwebtoken::encode(&header, &account.claims(), &EncodingKey::from_secret(b"x")).unwrap();
    assert_eq!(account.ask_token(&symmetric).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn without_a_token_nothing_is_answered() {
    let account = Account::new().await;
    let url = format!("{}/services/rest/record/v1/invoice/1", account.simulator.url());
    let response = account.http.get(url).header(header::AUTHORIZATION, "Bearer nonsense").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.text().await.unwrap().contains("INVALID_LOGIN"));
}

#[tokio::test]
async fn an_upsert_changes_the_document_and_adds_its_lines_again() {
    let account = Account::new().await;
    let path = "record/v1/invoice/eid:INV-1";
    for (body, query, total, lines) in
        [(an_invoice("INV-1"), "", "100", 1), (an_invoice("INV-1"), "", "200", 2), (an_invoice("INV-1"), "?replace=item", "100", 1)]
    {
        let (status, text) = account.send(Method::PUT, &format!("{path}{query}"), &body).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{text}");
        let record = account.get(&format!("{path}?expandSubResources=true")).await;
        assert_eq!((record["total"].to_string().as_str(), record["item"]["items"].as_array().unwrap().len()), (total, lines), "{query}");
    }
    let (status, _) = account.send(Method::PATCH, path, &json!({ "memo": "x", "tranDate": "2026-11-02" })).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let record = account.get(path).await;
    assert_eq!((record["postingPeriod"]["id"].as_str(), record["item"].is_null()), (Some("202611"), true), "sublists only when expanded");
    assert_eq!(account.send(Method::PUT, "record/v1/invoice/1", &an_invoice("INV-1")).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_line_of_apply_is_found_by_its_doc_and_the_others_stay() {
    let account = Account::new().await;
    for external_id in ["INV-1", "INV-2"] {
        assert_eq!(account.send(Method::POST, "record/v1/invoice", &an_invoice(external_id)).await.0, StatusCode::NO_CONTENT);
    }
    assert_eq!(account.send(Method::POST, "record/v1/customerPayment", &a_payment("PAY-1")).await.0, StatusCode::NO_CONTENT);
    let path = "record/v1/customerPayment/eid:PAY-1";
    let steps = [
        (
            "",
            json!([{ "doc": { "id": "1" }, "apply": true, "amount": 60 }, { "doc": { "id": "2" }, "apply": true, "amount": 80 }]),
            "60 80",
            "40 20",
        ),
        ("", json!([{ "doc": { "id": "1" }, "amount": 70 }]), "70 80", "30 20"),
        ("", json!([{ "doc": { "id": "1" }, "amount": 70 }]), "70 80", "30 20"),
        ("", json!([{ "doc": { "id": "1" }, "apply": false }]), "80", "100 20"),
        ("", json!([{ "doc": { "id": "1" }, "apply": true }, { "doc": { "id": "2" }, "amount": 0 }]), "100", "0 100"),
        ("?replace=apply", json!([{ "doc": { "id": "2" }, "amount": 5 }]), "5", "100 95"),
    ];
    for (query, lines, amounts, remaining) in steps {
        let (status, text) = account.send(Method::PATCH, &format!("{path}{query}"), &json!({ "apply": { "items": lines } })).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{text}");
        let record = account.get(&format!("{path}?expandSubResources=true")).await;
        let held: Vec<String> = record["apply"]["items"].as_array().unwrap().iter().map(|line| line["amount"].to_string()).collect();
        assert_eq!(held.join(" "), amounts, "{lines}");
        let mut left = Vec::new();
        for invoice in ["eid:INV-1", "eid:INV-2"] {
            left.push(account.get(&format!("record/v1/invoice/{invoice}")).await["amountRemaining"].to_string());
        }
        assert_eq!(left.join(" "), remaining, "{lines}");
    }
    let record = account.get(path).await;
    assert_eq!((record["applied"].as_u64(), record["unapplied"].as_u64(), record["apply"].is_null()), (Some(5), Some(145), true));
}

#[tokio::test]
async fn what_an_application_may_not_is_refused_with_its_place() {
    let account = Account::new().await;
    let mut theirs = an_invoice("INV-2");
    theirs["entity"]["id"] = "1002".into();
    for (record_type, body) in [("invoice", an_invoice("INV-1")), ("invoice", theirs), ("customerPayment", a_payment("PAY-1"))] {
        assert_eq!(account.send(Method::POST, &format!("record/v1/{record_type}"), &body).await.0, StatusCode::NO_CONTENT);
    }
    for (line, code, place) in [
        (json!({ "doc": { "id": "1" }, "amount": 100.01 }), "CANT_APPLY_PMT", "apply.items[0].amount"),
        (json!({ "doc": { "id": "1" }, "amount": -1 }), "CANT_APPLY_PMT", "apply.items[0].amount"),
        (json!({ "doc": { "id": "2" }, "amount": 1 }), "INVALID_CONTENT", "apply.items[0].doc"),
        (json!({ "doc": { "id": "3" }, "amount": 1 }), "INVALID_CONTENT", "apply.items[0].doc"),
        (json!({ "amount": 1 }), "INVALID_CONTENT", "apply.items[0].doc"),
        (json!({ "doc": { "id": "1" }, "sum": 1 }), "INVALID_CONTENT", "apply.items[0].sum"),
    ] {
        let request = account.request(Method::PATCH, "record/v1/customerPayment/3").await;
        let request = request.header("X-NetSuite-PropertyNameValidation", "Error").json(&json!({ "apply": { "items": [line] } }));
        let answer: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
        let detail = &answer["o:errorDetails"][0];
        assert_eq!((detail["o:errorCode"].as_str(), detail["o:errorPath"].as_str()), (Some(code), Some(place)), "{line}");
    }
}

#[tokio::test]
async fn a_payment_needs_a_bank_account_that_exists_and_a_positive_amount() {
    let account = Account::new().await;
    for (field, value) in
        [("account", json!({ "id": "54" })), ("customer", json!({ "id": "9" })), ("payment", json!(0)), ("payment", json!(-1))]
    {
        let mut body = a_payment("PAY-1");
        body[field] = value.clone();
        let (status, text) = account.send(Method::POST, "record/v1/customerPayment", &body).await;
        assert_eq!((status, text.contains(&format!(r#""o:errorPath":"{field}""#))), (StatusCode::BAD_REQUEST, true), "{value} {text}");
    }
    let mut undeposited = a_payment("PAY-1");
    undeposited.as_object_mut().unwrap().remove("account");
    assert_eq!(account.send(Method::POST, "record/v1/customerPayment", &undeposited).await.0, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_unknown_property_is_an_error_only_when_asked_for() {
    let account = Account::new().await;
    let mut body = an_invoice("INV-1");
    body["surprise"] = 1.into();
    let strict = account.request(Method::POST, "record/v1/invoice").await.header("X-NetSuite-PropertyNameValidation", "Error");
    assert_eq!(strict.json(&body).send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(account.send(Method::POST, "record/v1/invoice", &body).await.0, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_search_outside_the_subset_is_refused() {
    let account = Account::new().await;
    let search = account.request(Method::POST, "query/v1/suiteql").await.header("Prefer", "transient");
    let response = search.json(&json!({ "q": "SELECT * FROM customer" })).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(response.text().await.unwrap().contains("INVALID_REQUEST"));
    assert_eq!(account.get("system/v1/governanceLimits").await["accountConcurrencyLimit"].as_u64(), Some(500));
}

#[tokio::test]
async fn a_torn_last_line_is_forgotten_and_a_torn_middle_one_is_not() {
    let account = Account::new().await;
    for external_id in ["INV-1", "INV-2"] {
        assert_eq!(account.send(Method::POST, "record/v1/invoice", &an_invoice(external_id)).await.0, StatusCode::NO_CONTENT);
    }
    let Account { simulator, credentials, dir, .. } = account;
    simulator.stop().await;
    let file = dir.path().join("ledger.jsonl");
    let append = |text: &str| std::fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(text.as_bytes()).unwrap();
    append(r#"{"Document":{"id":3,"record_ty"#);
    let simulator = start(&file, &credentials).await.unwrap();
    let account = Account { simulator, credentials, http: Client::new(), dir };
    assert_eq!(account.get("record/v1/invoice/eid:inv-2").await["id"].as_str(), Some("2"));
    assert_eq!(account.send(Method::POST, "record/v1/invoice", &an_invoice("INV-3")).await.0, StatusCode::NO_CONTENT);
    let Account { simulator, credentials, .. } = account;
    simulator.stop().await;
    append("{\"Document\":\n");
    assert!(start(&file, &credentials).await.is_err());
}

#[tokio::test]
async fn what_was_answered_for_is_on_disk() {
    let account = Account::new().await;
    let token = account.ask_token(&account.assertion(&account.claims())).await.1["access_token"].as_str().unwrap().to_owned();
    let url = format!("{}/services/rest/record/v1/invoice", account.simulator.url());
    let posts = (0..400).map(|n| account.http.post(&url).bearer_auth(&token).json(&an_invoice(&format!("INV-{n}"))).send());
    let accepted = futures::future::join_all(posts)
        .await
        .into_iter()
        .filter(|answer| answer.as_ref().unwrap().status() == StatusCode::NO_CONTENT)
        .count();
    // Read while the simulator still runs: nothing waits in memory for a shutdown.
    let lines = std::fs::read_to_string(account.dir.path().join("ledger.jsonl")).unwrap().lines().count();
    assert_eq!((accepted, lines), (400, 400));
}
