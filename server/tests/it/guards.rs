//! Every door is tried without a key and with the wrong one.

use crate::world::World;
use app::api::{GUARDS, Guard};
use axum::http::{Method, StatusCode};
use domain::access::{Action, Role};
use leptos::server_fn::axum::server_fn_paths;
use server::http::api::ApiDoc;
use utoipa::OpenApi;

/// Endpoints that work without a session, and no others.
const PUBLIC: [&str; 4] = ["confirm_code", "sign_in", "sign_in_step", "sign_out"];

fn guard_of(path: &str) -> Guard {
    let endpoint = path.strip_prefix("/fn/").unwrap_or_else(|| panic!("{path} is not under /fn/"));
    GUARDS.iter().find(|(name, _)| *name == endpoint).unwrap_or_else(|| panic!("{path} has no row in GUARDS")).1
}

#[tokio::test]
async fn every_server_function_asks_for_a_session() {
    let world = World::new().await;
    let mut open = Vec::new();
    for (path, _) in server_fn_paths() {
        if guard_of(path) == Guard::Public {
            open.push(path.trim_start_matches("/fn/"));
            continue;
        }
        let answer = world.browser().call(path, &[]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}: {}", answer.body);
    }
    open.sort_unstable();
    assert_eq!(open, PUBLIC);
}

#[tokio::test]
async fn every_server_function_refuses_a_role_that_may_not() {
    let world = World::new().await;
    let mut tried = 0;
    for role in [Role::Executive, Role::Admin] {
        let mut browser = world.signed_in(role).await;
        for (path, _) in server_fn_paths() {
            let Guard::May(action) = guard_of(path) else { continue };
            if role.may(action) {
                continue;
            }
            let answer = browser.call(path, &[]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{role} at {path}: {}", answer.body);
            tried += 1;
        }
    }
    assert!(tried > 0);
}

#[tokio::test]
async fn every_guard_belongs_to_a_server_function() {
    let paths: Vec<&str> = server_fn_paths().map(|(path, _)| path).collect();
    for (name, _) in GUARDS {
        assert!(paths.contains(&format!("/fn/{name}").as_str()), "{name} is guarded but does not exist");
    }
}

#[tokio::test]
async fn every_api_route_asks_for_a_key_and_for_its_scope() {
    let world = World::new().await;
    world.person("admin@example.com", Role::Admin, false).await;
    // a scope that no route of the finance interface takes
    let wrong = world.key("admin@example.com", Action::ManageKeys).await;
    let document = serde_json::to_value(ApiDoc::openapi()).unwrap();
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace(['{', '}'], "");
        for method in methods.as_object().unwrap().keys().filter(|method| *method != "parameters") {
            let method: Method = method.to_uppercase().parse().unwrap();
            for key in [None, Some("tieout_0000"), Some("nonsense")] {
                let answer = world.call(method.clone(), &path, key).await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} with {key:?}");
                assert_eq!(answer.header("content-type"), "application/problem+json");
            }
            assert_eq!(world.call(method.clone(), &path, Some(&wrong)).await.status, StatusCode::FORBIDDEN, "{method} {path}");
            tried += 1;
        }
    }
    assert!(tried > 0);
}

#[tokio::test]
async fn pages_and_exports_lead_a_visitor_to_sign_in() {
    let world = World::new().await;
    for path in ["/", "/users", "/batches", "/export/access-review.csv", "/no/such/page"] {
        let answer = world.browser().get(path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.location().starts_with("/login"), "{path}: {}", answer.location());
    }
    assert_eq!(world.browser().get("/users?user=1").await.location(), "/login?next=%2Fusers%3Fuser%3D1");
}

#[tokio::test]
async fn a_write_from_another_site_is_refused() {
    let world = World::new().await;
    let mut browser = world.signed_in(Role::Admin).await;
    let answer = browser.post_from("http://evil.example", "/fn/sign_out").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/users").await.status, StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn a_key_is_no_session_and_a_session_no_key() {
    let world = World::new().await;
    let mut browser = world.signed_in(Role::Executive).await;
    assert_eq!(browser.get("/api/v1/entities").await.status, StatusCode::UNAUTHORIZED);
    let key = world.key("executive@example.com", Action::ReadFinance).await;
    assert_eq!(world.call(Method::GET, "/users", Some(&key)).await.status, StatusCode::SEE_OTHER);
}
