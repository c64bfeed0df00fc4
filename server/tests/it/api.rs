//! The REST interface.

use crate::world::World;
use axum::http::{Method, StatusCode};
use domain::access::{Action, Role};

#[tokio::test]
async fn a_key_reads_the_entities_it_was_given() {
    let world = World::new().await;
    world.person("ann@example.com", Role::Controller, false).await;
    let key = world.key("ann@example.com", Action::ReadFinance).await;
    let answer = world.call(Method::GET, "/api/v1/entities", Some(&key)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let entities: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(entities, serde_json::json!([{ "code": "US", "name": "US", "functional_currency": "USD", "time_zone": "UTC" }]));
}

#[tokio::test]
async fn the_description_is_public_and_names_the_key() {
    let world = World::new().await;
    let answer = world.call(Method::GET, "/api/v1/openapi.json", None).await;
    assert_eq!(answer.status, StatusCode::OK);
    let document: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(document["components"]["securitySchemes"]["api_key"]["scheme"], "bearer");
}

#[tokio::test]
async fn an_unknown_route_is_a_problem_document() {
    let world = World::new().await;
    let answer = world.call(Method::GET, "/api/v1/nothing", None).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn batches_say_what_came_in_and_where_it_is() {
    let world = World::new().await;
    let mut browser = world.signed_in(Role::Controller).await;
    let uploaded = browser.upload("/batches/upload", "october.json", include_str!("../../../examples/invoice-batch.json")).await;
    assert_eq!(uploaded.status, StatusCode::SEE_OTHER);
    world.person("ann@example.com", Role::Controller, false).await;
    let key = world.key("ann@example.com", Action::ReadFinance).await;
    let answer = world.call(Method::GET, "/api/v1/invoice-batches?period=2026-10", Some(&key)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let page: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&page["batches"][0]["batch"], &page["next"]), (&"2026-10-US-1".into(), &serde_json::Value::Null));
    let lines = page["batches"][0]["lines"].as_array().unwrap();
    let invoices = lines.iter().find(|line| line["kind"] == "invoice").unwrap();
    assert_eq!((&invoices["count"], &invoices["stages"][0]["stage"]), (&2.into(), &"finalized".into()));
    assert!(invoices["amount"].is_string(), "money is text: {invoices}");
    let none = world.call(Method::GET, "/api/v1/invoice-batches?period=2026-09", Some(&key)).await;
    assert!(none.body.contains("\"batches\":[]"), "{}", none.body);
    for wrong in ["period=October", "after=yesterday"] {
        let answer = world.call(Method::GET, &format!("/api/v1/invoice-batches?{wrong}"), Some(&key)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}
