//! A server without a socket, and a browser without a screen.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use domain::{
    access::{Action, Actor, Grant, Role, Scope},
    clock::FixedClock,
    id::{EntityId, UserId},
    view::ImportOutcome,
};
use pipeline::{
    Context,
    access::{Granter, keys, users},
    secret::Cipher,
};
use serde_json::json;
use server::{config::Settings, http::AppState, serve::router};
use std::sync::Arc;
use store::testing::{TestDatabase, database};
use tower::ServiceExt;

pub const PASSWORD: &str = "correct horse battery";
const HOST: &str = "tieout.test";

pub struct World {
    pub db: TestDatabase,
    pub ctx: Context,
    pub clock: FixedClock,
    pub us: EntityId,
    pub de: EntityId,
    router: Router,
}

impl World {
    pub async fn new() -> Self {
        let db = database().await;
        let clock = FixedClock::at("2026-10-31T12:00:00Z".parse().unwrap());
        let ctx = Context { pool: db.pool.clone(), clock: Arc::new(clock.clone()), secrets: Arc::new(Cipher::new([7; 32])) };
        let (us, de) = (db.entity("US", "USD").await, db.entity("DE", "EUR").await);
        let router = router(AppState::new(ctx.clone(), Settings::default()));
        Self { db, ctx, clock, us, de, router }
    }

    pub fn granter(&self) -> Granter {
        Granter { actor: Actor::Cli("test".into()), scope: Scope::of_system(vec![self.us, self.de]) }
    }

    /// A person with one role in the US entity and, without `totp`, no second factor.
    pub async fn person(&self, email: &str, role: Role, totp: bool) -> UserId {
        let grants = vec![Grant { role, entity_id: self.us }];
        let new = users::NewPerson { email: email.into(), name: "Ann".into(), password: PASSWORD.into(), totp_required: totp, grants };
        users::create(&self.ctx, &self.granter(), new).await.unwrap()
    }

    /// An API key of this person in the US entity.
    pub async fn key(&self, owner: &str, scope: Action) -> String {
        let expires_at = self.ctx.clock.now() + chrono::TimeDelta::days(30);
        let new = keys::NewKey {
            name: format!("{owner} {scope}"),
            owner_email: owner.into(),
            scopes: vec![scope],
            entities: vec![self.us],
            expires_at,
        };
        keys::create(&self.ctx, &self.granter(), &new).await.unwrap()
    }

    /// One invoice of 110.00 USD without a customer: an exception in its entity.
    pub async fn something_is_rejected(&self, entity: &str, number: &str) {
        let file = json!({
            "format": "tieout.invoice-batch/1", "source": "billing", "batch": number, "entity": entity, "period": "2026-10",
            "manifest": [{"currency": "USD", "kind": "invoice", "count": 1, "total": "110.00", "tax": "10.00"}],
            "documents": [{
                "kind": "invoice", "number": number, "customer": {"code": "", "name": "Acme"}, "currency": "USD", "amount": "110.00", "tax": "10.00",
                "issue_date": "2026-10-30", "due_date": "2026-11-29",
                "lines": [{"item": "API", "description": "", "quantity": "1", "unit_price": "100", "net": "100.00", "tax": "10.00", "tax_code": "CA"}]
            }]
        });
        let (actor, scope) = (Actor::Cli("test".into()), Scope::of_system(vec![self.us, self.de]));
        let file = std::io::Cursor::new(file.to_string().into_bytes());
        let report = pipeline::import::import_file(&self.ctx, &actor, &scope, "batch.json", file).await.unwrap();
        assert_eq!((report.outcome, report.rejected), (ImportOutcome::Imported, 1), "{report:?}");
    }

    pub fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookie: None, at: "/".into() }
    }

    /// A browser in which a person of this role is signed in.
    pub async fn signed_in(&self, role: Role) -> Browser {
        self.signed_in_as(&format!("{role}@example.com"), role).await
    }

    pub async fn signed_in_as(&self, email: &str, role: Role) -> Browser {
        self.person(email, role, false).await;
        let mut browser = self.browser();
        let answer = browser.post("/fn/sign_in", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"), "{}", answer.body);
        browser
    }

    /// A request of a program.
    pub async fn call(&self, method: Method, path: &str, bearer: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, HOST);
        if let Some(key) = bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        answer(&self.router, request.body(Body::empty()).unwrap()).await
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn location(&self) -> &str {
        self.header("location")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A request that never ends fails its test, and says which it was.
async fn in_time<T>(asked: &str, answer: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(std::time::Duration::from_secs(60), answer).await;
    ended.unwrap_or_else(|_| panic!("{asked} was not answered within a minute"))
}

/// Keeps the session cookie and where it is.
pub struct Browser {
    router: Router,
    pub cookie: Option<String>,
    at: String,
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Answer {
        self.at = path.to_owned();
        let request = Request::get(path).header(header::ACCEPT, "text/html");
        self.send(request, Body::empty()).await
    }

    /// Submits a plain form of the page that was loaded last.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = format!("http://{HOST}");
        let request = Request::post(path)
            .header(header::ACCEPT, "text/html")
            .header(header::ORIGIN, &origin)
            .header(header::REFERER, format!("{origin}{}", self.at))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Body::from(form(fields))).await
    }

    /// Submits a form with one file, as a browser encodes it.
    pub async fn upload(&mut self, path: &str, file_name: &str, content: &str) -> Answer {
        let request = Request::post(path)
            .header(header::ACCEPT, "text/html")
            .header(header::ORIGIN, format!("http://{HOST}"))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge");
        let head =
            format!("Content-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\nContent-Type: application/octet-stream");
        self.send(request, Body::from(format!("--edge\r\n{head}\r\n\r\n{content}\r\n--edge--\r\n"))).await
    }

    /// Calls a server function as an island does.
    pub async fn call(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::post(path)
            .header(header::ACCEPT, "application/json")
            .header(header::ORIGIN, format!("http://{HOST}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Body::from(form(fields))).await
    }

    /// A form that another site makes the browser submit.
    pub async fn post_from(&mut self, origin: &str, path: &str) -> Answer {
        let request = Request::post(path).header(header::ACCEPT, "text/html").header(header::ORIGIN, origin);
        self.send(request, Body::empty()).await
    }

    async fn send(&mut self, mut request: axum::http::request::Builder, body: Body) -> Answer {
        request = request.header(header::HOST, HOST);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let answer = answer(&self.router, request.body(body).unwrap()).await;
        if let Some(set) = answer.headers.get(header::SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            self.cookie = Some(pair.to_owned()).filter(|pair| !pair.ends_with('='));
        }
        answer
    }
}

async fn answer(router: &Router, request: Request<Body>) -> Answer {
    let asked = format!("{} {}", request.method(), request.uri());
    let response = in_time(&asked, router.clone().oneshot(request)).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = String::from_utf8(in_time(&asked, to_bytes(body, usize::MAX)).await.unwrap().to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// As browsers encode a form: brackets and all.
fn form(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        text.bytes()
            .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect::<String>()
    };
    fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect::<Vec<_>>().join("&")
}

impl World {
    pub fn clock_seconds(&self) -> i64 {
        self.ctx.clock.now().timestamp()
    }
}
