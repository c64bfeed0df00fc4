//! Pages that stand open: what is told to them, and when it ends. Files of what a page shows.

use crate::world::{Browser, World};
use axum::{
    Router,
    body::{Body, BodyDataStream},
    http::{Request, StatusCode, header},
};
use domain::access::Role;
use futures::StreamExt;
use server::{
    config::Settings,
    http::{AppState, live::Live},
    serve::router,
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const SINCE: &str = "/live/exceptions?after=2026-10-31T00%3A00%3A00Z~ffffffff-ffff-ffff-ffff-ffffffffffff";

/// A server that listens to its database.
fn listening(world: &World, stop: &CancellationToken) -> Router {
    let live = Live::start(world.ctx.pool.clone(), stop.clone());
    router(AppState { live, ..AppState::new(world.ctx.clone(), Settings::default()) })
}

async fn open(router: &Router, browser: &Browser, since: &str) -> BodyDataStream {
    let cookie = browser.cookie.clone().unwrap();
    let request = Request::get(since).header(header::COOKIE, cookie).body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    assert_eq!((answer.status(), answer.headers()[header::CONTENT_TYPE].to_str().unwrap()), (StatusCode::OK, "text/event-stream"));
    answer.into_body().into_data_stream()
}

/// What is told until it says this, while something opens all the time: until the listener is there, what is told goes nowhere.
async fn told_until(world: &World, stream: BodyDataStream, word: &str) -> String {
    let mut heard = String::new();
    let mut stream = stream;
    let listening = async {
        while !heard.contains(word) {
            let part = stream.next().await.expect("the stream goes on").unwrap();
            heard.push_str(std::str::from_utf8(&part).unwrap());
        }
        heard
    };
    let opening = async {
        loop {
            something_opens(world).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let heard = async {
        tokio::select! { heard = listening => heard, () = opening => String::new() }
    };
    tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap_or_else(|_| panic!("{word} was never told"))
}

/// Everything that is told until the stream ends.
async fn told(stream: BodyDataStream) -> String {
    let parts = stream.map(|part| String::from_utf8(part.unwrap().to_vec()).unwrap()).collect::<Vec<_>>();
    tokio::time::timeout(Duration::from_secs(30), parts).await.expect("the stream ends").concat()
}

/// As a worker does that opens an exception.
async fn something_opens(world: &World) {
    sqlx::query("select pg_notify('exception_opened', '')").execute(&world.ctx.pool).await.unwrap();
}

#[tokio::test]
async fn a_stream_ends_when_its_reader_signs_out() {
    let (world, stop) = (World::new().await, CancellationToken::new());
    let router = listening(&world, &stop);
    let mut browser = world.signed_in(Role::Executive).await;
    let reading = tokio::spawn(told(open(&router, &browser, SINCE).await));
    browser.post("/fn/sign_out", &[]).await;
    // until the listener is there, what is told goes nowhere
    while !reading.is_finished() {
        something_opens(&world).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(reading.await.unwrap().contains("event: end"));
}

#[tokio::test]
async fn a_stream_that_ends_with_its_server_does_not_keep_the_browser_away() {
    let (world, stop) = (World::new().await, CancellationToken::new());
    let router = listening(&world, &stop);
    let browser = world.signed_in(Role::Executive).await;
    let stream = open(&router, &browser, SINCE).await;
    stop.cancel();
    assert!(!told(stream).await.contains("event: end"), "it comes back to the server that follows");
}

#[tokio::test]
async fn a_reader_is_told_what_came_in_his_entities_beside_what_his_page_knows() {
    let (world, stop) = (World::new().await, CancellationToken::new());
    let router = listening(&world, &stop);
    let browser = world.signed_in(Role::Executive).await;
    for (entity, number) in [("US", "I-1"), ("DE", "D-1")] {
        world.something_is_rejected(entity, number).await;
    }
    let heard = told_until(&world, open(&router, &browser, SINCE).await, "\n\n").await;
    assert_eq!(heard, "event: new\ndata: 1\n\n", "not the other entity's");
    let known = open(&router, &browser, &format!("{SINCE}&known=1")).await;
    world.something_is_rejected("US", "I-2").await;
    assert_eq!(told_until(&world, known, "\n\n").await, "event: new\ndata: 1\n\n", "the first one is on the page");
}

#[tokio::test]
async fn a_stream_goes_on_after_a_question_that_failed() {
    let (world, stop) = (World::new().await, CancellationToken::new());
    let router = listening(&world, &stop);
    let browser = world.signed_in(Role::Executive).await;
    world.something_is_rejected("US", "I-1").await;
    sqlx::query("alter table exception rename to exception_away").execute(&world.ctx.pool).await.unwrap();
    let mut stream = open(&router, &browser, SINCE).await;
    assert!(tokio::time::timeout(Duration::from_millis(500), stream.next()).await.is_err(), "nothing is told yet");
    sqlx::query("alter table exception_away rename to exception").execute(&world.ctx.pool).await.unwrap();
    assert!(told_until(&world, stream, "\n\n").await.contains("event: new\ndata: 1"));
}

#[tokio::test]
async fn streams_and_files_are_for_those_who_read_the_books() {
    let world = World::new().await;
    let files = ["/export/exceptions.csv", "/export/exceptions.xlsx"];
    for path in [files[0], files[1], SINCE] {
        let answer = world.browser().get(path).await;
        assert!(answer.status == StatusCode::SEE_OTHER && answer.location().starts_with("/login"), "{path}");
    }
    let mut admin = world.signed_in(Role::Admin).await;
    for path in files {
        assert_eq!(admin.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let mut reader = world.signed_in(Role::Executive).await;
    for (entity, number) in [("US", "I-1"), ("DE", "D-1")] {
        world.something_is_rejected(entity, number).await;
    }
    let csv = reader.get(files[0]).await;
    assert!(csv.status == StatusCode::OK && csv.body.starts_with("exception_id,number,"), "{}", csv.body);
    assert!(csv.body.contains(",I-1,invoice,Acme,US,") && !csv.body.contains("D-1"), "his entities: {}", csv.body);
    assert!(csv.body.contains("total,1 exceptions,invoice,,,,,USD,110.0000,"), "{}", csv.body);
    let unreadable = reader.get("/export/exceptions.csv?amount=lots").await;
    assert_eq!(unreadable.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", unreadable.body);
}
