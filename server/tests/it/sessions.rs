//! Signing in with plain forms, and how a session ends.

use crate::world::{Browser, PASSWORD, World};
use axum::http::StatusCode;
use chrono::TimeDelta;
use domain::access::Role;
use pipeline::access::users;

async fn is_in(browser: &mut Browser) -> bool {
    browser.get("/users").await.status == StatusCode::OK
}

#[tokio::test]
async fn the_session_cookie_is_guarded_and_its_id_changes_at_sign_in() {
    let world = World::new().await;
    world.person("ann@example.com", Role::Admin, true).await;
    let mut browser = world.browser();
    let answer = browser.post("/fn/sign_in", &[("email", "ann@example.com"), ("password", PASSWORD)]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/login"));
    let set = answer.header("set-cookie");
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
    let before = browser.cookie.clone().unwrap();
    assert!(!is_in(&mut browser).await, "a password alone is not enough");

    let page = browser.get("/login").await;
    let secret = page.body.split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
    let code = code(secret, world.clock_seconds());
    let answer = browser.post("/fn/confirm_code", &[("code", &code)]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"), "{}", answer.body);
    assert_ne!(browser.cookie.as_ref(), Some(&before), "the id is rotated");
    assert!(is_in(&mut browser).await);
    let mut thief = world.browser();
    thief.cookie = Some(before);
    assert!(!is_in(&mut thief).await, "the old id is worth nothing");
}

/// RFC 6238 with an independent reading of the secret.
fn code(secret: &str, time: i64) -> String {
    let bytes = totp_rs::Secret::Encoded(secret.to_owned()).to_bytes().unwrap();
    totp_rs::TOTP::new_unchecked(totp_rs::Algorithm::SHA1, 6, 0, 30, bytes, None, String::new()).generate(time.try_into().unwrap())
}

#[tokio::test]
async fn an_error_comes_back_to_the_form_tied_to_its_field() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.get("/login?next=%2Fusers").await;
    let answer = browser.post("/fn/sign_in", &[("email", "nobody@example.com"), ("password", "wrong")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let back = answer.location().strip_prefix("http://tieout.test").unwrap().to_owned();
    let page = browser.get(&back).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("password-error") && page.body.contains("do not fit together"), "{}", page.body);
    assert!(page.body.contains(r#"name="next" value="/users""#), "{}", page.body);
    // a second failure replaces the first
    let again = browser.post("/fn/sign_in", &[("email", "nobody@example.com"), ("password", "wrong")]).await;
    assert_eq!(again.location().matches("__err").count(), 1, "{}", again.location());
}

#[tokio::test]
async fn after_sign_in_only_pages_of_this_server_are_gone_to() {
    let world = World::new().await;
    world.person("ann@example.com", Role::Admin, false).await;
    for (next, expected) in
        [("/users?user=1", "/users?user=1"), ("//evil.example", "/"), ("/\\evil.example", "/"), ("https://evil.example", "/"), ("", "/")]
    {
        let answer = world.browser().post("/fn/sign_in", &[("email", "ann@example.com"), ("password", PASSWORD), ("next", next)]).await;
        assert_eq!(answer.location(), expected, "{next}");
    }
}

#[tokio::test]
async fn a_session_ends_when_idle_and_in_any_case_after_twelve_hours() {
    let world = World::new().await;
    let mut idle = world.signed_in(Role::Admin).await;
    world.clock.advance(TimeDelta::minutes(29));
    assert!(is_in(&mut idle).await);
    world.clock.advance(TimeDelta::minutes(31));
    assert!(!is_in(&mut idle).await, "idle");
    let mut busy = world.signed_in(Role::Auditor).await;
    for _ in 0..35 {
        world.clock.advance(TimeDelta::minutes(20));
        assert!(is_in(&mut busy).await);
    }
    world.clock.advance(TimeDelta::minutes(20));
    assert!(!is_in(&mut busy).await, "twelve hours");
}

#[tokio::test]
async fn signing_out_and_deactivation_end_the_session_on_the_server() {
    let world = World::new().await;
    let mut browser = world.signed_in(Role::Admin).await;
    let kept = browser.cookie.clone();
    let answer = browser.post("/fn/sign_out", &[]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/login"));
    browser.cookie = kept;
    assert!(!is_in(&mut browser).await, "the cookie is dead");

    let mut browser = world.signed_in(Role::Auditor).await;
    assert!(is_in(&mut browser).await);
    let mut conn = world.db.pool.acquire().await.unwrap();
    let user = store::access::users::credentials_by_email(&mut conn, "auditor@example.com").await.unwrap().unwrap().user_id;
    users::deactivate(&world.ctx, &world.granter(), user).await.unwrap();
    assert!(!is_in(&mut browser).await, "deactivated");
}
