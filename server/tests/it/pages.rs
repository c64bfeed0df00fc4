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
async fn a_cause_and_its_exception_say_that_they_block_the_close_of_a_period_that_is_closing() {
    for (days_before, blocks) in [(0, true), (10, false)] {
        let world = World::new().await;
        world.clock.advance(chrono::TimeDelta::days(-days_before));
        world.something_is_rejected("US", "I-1").await;
        let mut controller = world.signed_in(Role::Controller).await;
        let queue = controller.get("/exceptions").await.body;
        let causes = queue.split("aria-label=\"Causes\"").nth(1).unwrap().split("</nav>").next().unwrap().to_owned();
        assert_eq!(causes.contains("blocks close"), blocks, "{days_before} days before the end of October: {causes}");
        let (_, after) = queue.split_once("href=\"/exceptions/").unwrap();
        let page = controller.get(&format!("/exceptions/{}", after.split(['"', '?']).next().unwrap())).await.body;
        let says = page.contains("2026-10 of US is closing and cannot be complete without it.");
        assert_eq!(says, blocks, "{days_before} days before the end of October: {page}");
    }
}

#[tokio::test]
async fn an_admin_says_when_people_of_his_entities_work() {
    let world = World::new().await;
    let mut admin = world.signed_in(Role::Admin).await;
    // a Saturday at noon
    let page = admin.get("/calendars?calendar=US").await.body;
    assert!(page.contains("closed until Mon 2 Nov, 09:00") && page.contains("Monday to Friday"), "{page}");
    let hours = |opens, closes| [("entity", "US"), ("days[]", "sat"), ("opens_at", opens), ("closes_at", closes), ("back", "/calendars")];
    let saved = admin.post("/fn/set_working_hours", &hours("08:00", "23:00")).await;
    assert_eq!(saved.location(), "/calendars?done=working%20hours%20saved", "{}", saved.body);
    assert!(admin.get("/calendars").await.body.contains("open until 23:00"));
    let refused = admin.call("/fn/set_working_hours", &hours("18:00", "09:00")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    assert!(refused.body.contains("09:00 is not after 18:00"), "{}", refused.body);
    let holiday = [("entity", "US"), ("day", "2026-10-31"), ("name", "Halloween"), ("back", "/calendars")];
    assert_eq!(admin.post("/fn/add_holiday", &holiday).await.status, StatusCode::SEE_OTHER);
    let page = admin.get("/calendars?calendar=US").await.body;
    assert!(page.contains("Remove Halloween on 2026-10-31") && page.contains("closed until Sat 7 Nov, 08:00"), "{page}");
    let beyond = [("entity", "DE"), ("day", "2026-10-31"), ("name", "Reformation"), ("back", "/calendars")];
    assert_eq!(admin.call("/fn/add_holiday", &beyond).await.status, StatusCode::NOT_FOUND, "not his entity");
    let mut controller = world.signed_in(Role::Controller).await;
    assert_eq!(controller.call("/fn/add_holiday", &holiday).await.status, StatusCode::FORBIDDEN);
    assert!(controller.get("/calendars?calendar=US").await.body.contains("needs Admin role for US"));
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
    let asked = admin.post("/fn/set_grants", &[("user_id", &user), ("grants[]", &controller), ("grants[]", &approver)]).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.body);
    assert!(asked.location().starts_with("/users?done=what%20was%20given%20waits"), "{}", asked.location());
    let mut conn = world.db.pool.acquire().await.unwrap();
    let caller = store::access::users::caller(&mut conn, user.parse().unwrap()).await.unwrap().unwrap();
    assert!(caller.grants.is_empty(), "nothing holds before a second administrator let it in");
    let page = admin.get("/approvals").await;
    assert!(page.body.contains("bob@example.com") && page.body.contains("you gave it"), "{}", page.body);

    let mut second = world.signed_in_as("second@example.com", Role::Admin).await;
    for role in ["Controller", "Approver"] {
        let page = second.get("/approvals").await.body;
        let line = page.split("<tr").find(|line| line.contains(&format!(">{role}<"))).unwrap().to_owned();
        assert_eq!(line.contains("Controller prepares what Approver approves"), role == "Approver", "{line}");
        let (request, shown) = (hidden(&line, "request"), hidden(&line, "shown"));
        let fields = [("request", request.as_str()), ("shown", &shown), ("approve", "true"), ("back", "/approvals")];
        let own = admin.call("/fn/decide_grant", &fields).await;
        assert_eq!(own.status, StatusCode::CONFLICT, "{}", own.body);
        let decided = second.post("/fn/decide_grant", &fields).await;
        assert_eq!(decided.location(), "/approvals?done=approved", "{}", decided.body);
    }
    let caller = store::access::users::caller(&mut conn, user.parse().unwrap()).await.unwrap().unwrap();
    let expected = [Role::Approver, Role::Controller].map(|role| Grant { role, entity_id: world.us });
    assert_eq!(caller.grants, expected);
    let page = admin.get(&to).await;
    assert!(page.body.contains("roles in conflict") && page.body.contains("second@example.com"), "{}", page.body);

    let review = admin.get("/export/access-review.csv").await;
    let line = review.body.lines().find(|line| line.contains(",controller,")).unwrap();
    assert!(line.starts_with("bob@example.com,Bob,yes,controller,US,admin@example.com,"), "{line}");
    assert!(
        line.contains(",second@example.com,2026-10-31T12:00:00+00:00,") && line.ends_with("Controller prepares what Approver approves"),
        "{line}"
    );
    let line = review.body.lines().find(|line| line.starts_with("second@example.com")).unwrap();
    assert!(line.contains(",cli:test,2026-10-31T12:00:00+00:00,command line,,"), "{line}");

    let emptied = admin.post("/fn/set_grants", &[("user_id", &user)]).await;
    assert_eq!(emptied.status, StatusCode::SEE_OTHER, "{}", emptied.body);
    let caller = store::access::users::caller(&mut conn, user.parse().unwrap()).await.unwrap().unwrap();
    assert!(caller.grants.is_empty(), "no box ticked means no role");
}

/// The value of a hidden field in a piece of a page.
fn hidden(html: &str, name: &str) -> String {
    let (_, after) = html.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    after.split('"').next().unwrap().to_owned()
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
