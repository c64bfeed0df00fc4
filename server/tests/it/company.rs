//! Setting a company up from nothing: what does not answer is not written.

use chrono::Months;
use domain::{access::Actor, clock::Clock, posting::ErpSystem};
use pipeline::{
    Context, SystemClock,
    company::{ConnectionForm, EntityForm, create_connection, create_entity},
    secret::Cipher,
};
use serde_json::json;
use simulators::netsuite::{Config, Lists, Simulator, Switches, client_credentials};
use std::{net::SocketAddr, sync::Arc};

#[tokio::test]
async fn an_account_is_connected_after_it_answered_and_not_before() {
    let db = store::testing::database().await;
    let cx = Context { pool: db.pool.clone(), clock: Arc::new(SystemClock), secrets: Arc::new(Cipher::new([7; 32])) };
    let actor = Actor::Cli("test".into());
    let form = EntityForm {
        code: "US".into(),
        name: "Acme Inc.".into(),
        country: "US".into(),
        currency: "USD".parse().unwrap(),
        time_zone: "America/New_York".into(),
        limits: vec![("USD".parse().unwrap(), 5000.into())],
    };
    let entity = create_entity(&cx, &actor, &form).await.unwrap();
    assert!(create_entity(&cx, &actor, &form).await.is_err(), "a code names one entity");

    let (dir, credentials) = (tempfile::tempdir().unwrap(), client_credentials().unwrap());
    let today = SystemClock.now().date_naive();
    let config = Config {
        account_id: "1234567-sb1".into(),
        data_file: dir.path().join("netsuite.jsonl"),
        concurrency_limit: 5,
        seed: 1,
        client: credentials.registered.clone(),
        lists: Lists::standard(today.checked_sub_months(Months::new(3)).unwrap(), 12, 10, 10),
        switches: Switches::default(),
        now: Arc::new(|| SystemClock.now()),
    };
    let simulator = Simulator::start(config, SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let account = ConnectionForm {
        code: "NetSuite-US".into(),
        system: ErpSystem::Netsuite,
        settings: json!({
            "account_url": simulator.url(), "client_id": credentials.registered.client_id,
            "certificate_id": credentials.registered.certificate_id, "currencies": { "USD": "1" },
        }),
        secret: credentials.private_key_pem.clone(),
        per_minute: None,
        slots: 5,
        processing_seconds_max: 900,
        request_seconds_max: 10,
        entities: vec![(entity, "1".into())],
        tax_is_ours: true,
    };
    let mut unknown = account.clone();
    unknown.settings["client_id"] = json!("somebody else");
    let refused = format!("{:#}", create_connection(&cx, &actor, &unknown).await.unwrap_err());
    assert!(refused.contains("credentials refused"), "{refused}");
    assert!(store::connections::list(&cx.pool).await.unwrap().is_empty(), "what did not answer is not written");

    create_connection(&cx, &actor, &account).await.unwrap();
    let known = store::connections::list(&cx.pool).await.unwrap();
    assert_eq!(known.iter().map(|known| known.code.as_str()).collect::<Vec<_>>(), ["NetSuite-US"]);
    assert!(!String::from_utf8_lossy(&known[0].secrets).contains("PRIVATE KEY"), "the secret is kept encrypted");
    let acts: Vec<String> =
        sqlx::query_scalar("select actor || ' ' || action from audit_event order by sequence").fetch_all(&cx.pool).await.unwrap();
    assert_eq!(acts, ["cli:test entity.create", "cli:test connection.create"]);
    simulator.stop().await;
}
