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
