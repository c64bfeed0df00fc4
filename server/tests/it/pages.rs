//! The Users page and what every page says to browsers.

use crate::world::{PASSWORD, World};
use axum::http::StatusCode;
use domain::access::{Grant, Role};

#[tokio::test]
async fn a_page_allows_only_scripts_with_its_nonce() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = browser.get("/login").await;
    let policy = page.header("content-security-policy").to_owned();
    assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
    assert!(policy.contains("style-src 'self';") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    for script in page.body.split("<script").skip(1) {
        assert!(script.split('>').next().unwrap().contains(&format!("nonce=\"{nonce}\"")), "{script}");
    }
    assert!(!page.body.contains(" style=") && !page.body.contains("<style"), "{}", page.body);
    let again = browser.get("/login").await;
    assert!(!again.header("content-security-policy").contains(&nonce), "a nonce is used once");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_queue_that_can_not_be_shown_offers_another_view() {
    let world = World::new().await;
    let page = world.signed_in(Role::Executive).await.get("/exceptions?amount=lots").await;
    assert!(page.body.contains("All exceptions") && page.body.contains("href=\"/exceptions?view=all\""), "{}", page.body);
}

#[tokio::test]
async fn a_page_says_which_late_ones_it_knows() {
    let world = World::new().await;
    world.something_is_rejected("US", "I-1").await;
    let page = world.signed_in(Role::Controller).await.get("/exceptions").await.body;
    // half a minute before the page was made, because a commit may come as late as that
    let live = "/live/exceptions?known=1&amp;after=2026-10-31T11%3A59%3A30";
    assert!(page.contains(live) || page.contains(&live.replace("&amp;", "&")), "{page}");
}

#[tokio::test]
async fn the_first_button_of_the_queues_form_does_nothing() {
    let world = World::new().await;
    world.something_is_rejected("US", "I-1").await;
    let page = world.signed_in(Role::Controller).await.get("/exceptions").await.body;
    let form = page.split("action=\"/fn/assign_exceptions\"").nth(1).unwrap_or_else(|| panic!("no form in {page}"));
    let first = form.split("<button").nth(1).unwrap().split('>').next().unwrap();
    assert!(first.contains("type=\"submit\"") && first.contains("disabled") && first.contains("hidden"), "Enter presses <button{first}>");
    assert!(form.split("<button").nth(2).unwrap().contains("Assign ticked"), "{form}");
}

#[tokio::test]
async fn health_needs_no_session_and_metrics_count_requests() {
    let world = World::new().await;
    let mut browser = world.browser();
    assert_eq!(browser.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(browser.get("/readyz").await.status, StatusCode::OK);
    let metrics = browser.get("/metrics").await.body;
    assert!(metrics.contains(r#"tieout_http_requests_total{method="GET",route="/healthz",status="200"} 1"#), "{metrics}");
    world.db.pool.close().await;
    assert_eq!(browser.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_admin_adds_a_person_and_grants_roles_with_plain_forms() {
    let world = World::new().await;
    let mut admin = world.signed_in(Role::Admin).await;
    let page = admin.get("/users").await;
    assert!(page.body.contains("Add a person"), "{}", page.body);
    let added = admin.post("/fn/create_user", &[("email", "bob@example.com"), ("name", "Bob"), ("password", PASSWORD)]).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    let to = added.location().to_owned();
    let user = to.strip_prefix("/users?user=").unwrap().to_owned();
    let page = admin.get(&to).await;
    assert!(page.body.contains("Access of Bob") && page.body.contains("grants[]"), "{}", page.body);

    let (controller, approver) = (format!("controller:{}", world.us), format!("approver:{}", world.us));
    let granted = admin.post("/fn/set_grants", &[("user_id", &user), ("grants[]", &controller), ("grants[]", &approver)]).await;
    assert_eq!((granted.status, granted.location()), (StatusCode::SEE_OTHER, "/users"), "{}", granted.body);
    let mut conn = world.db.pool.acquire().await.unwrap();
    let caller = store::access::users::caller(&mut conn, user.parse().unwrap()).await.unwrap().unwrap();
    let expected = [Role::Approver, Role::Controller].map(|role| Grant { role, entity_id: world.us });
    assert_eq!(caller.grants, expected);
    assert!(admin.get("/users").await.body.contains("roles in conflict"));

    let review = admin.get("/export/access-review.csv").await;
    let line = review.body.lines().find(|line| line.contains("controller")).unwrap();
    assert!(line.starts_with("bob@example.com,Bob,yes,controller,US,admin@example.com,"), "{line}");
    assert!(line.ends_with("Controller prepares what Approver approves"), "{line}");

    let emptied = admin.post("/fn/set_grants", &[("user_id", &user)]).await;
    assert_eq!(emptied.status, StatusCode::SEE_OTHER, "{}", emptied.body);
    let caller = store::access::users::caller(&mut conn, user.parse().unwrap()).await.unwrap().unwrap();
    assert!(caller.grants.is_empty(), "no box ticked means no role");
}

#[tokio::test]
async fn an_admin_of_one_entity_grants_nothing_in_another() {
    let world = World::new().await;
    let mut admin = world.signed_in(Role::Admin).await;
    let bob = world.person("bob@example.com", Role::Controller, false).await.to_string();
    let beyond = format!("controller:{}", world.de);
    let answer = admin.call("/fn/set_grants", &[("user_id", &bob), ("grants[]", &beyond)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
}

#[tokio::test]
async fn a_short_password_comes_back_with_its_field() {
    let world = World::new().await;
    let mut admin = world.signed_in(Role::Admin).await;
    admin.get("/users").await;
    let answer = admin.post("/fn/create_user", &[("email", "bob@example.com"), ("name", "Bob"), ("password", "short")]).await;
    let back = answer.location().strip_prefix("http://tieout.test").unwrap().to_owned();
    let page = admin.get(&back).await;
    assert!(page.body.contains("password-error") && page.body.contains("at least 12 characters"), "{}", page.body);
    let island = admin.call("/fn/create_user", &[("email", "bob@example.com"), ("name", "Bob"), ("password", "short")]).await;
    assert_eq!(island.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", island.body);
}

#[tokio::test]
async fn an_auditor_reads_and_changes_nothing() {
    let world = World::new().await;
    let mut auditor = world.signed_in(Role::Auditor).await;
    let page = auditor.get("/users").await;
    assert!(page.body.contains("auditor@example.com") && !page.body.contains("Add a person"), "{}", page.body);
    assert_eq!(auditor.get("/export/access-review.csv").await.status, StatusCode::OK);
    let mut executive = world.signed_in(Role::Executive).await;
    assert_eq!(executive.get("/export/access-review.csv").await.status, StatusCode::FORBIDDEN);
}
