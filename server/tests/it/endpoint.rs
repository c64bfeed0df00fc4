//! The program on a socket, and an account of ours at a simulated gateway that tells it everything.

use crate::world::World;
use domain::{access::Actor, id::GatewayAccountId, settlement::Gateway};
use pipeline::gateways::{Access, GatewayAccount, Pulled, open, pull};
use serde_json::{Value, json};
use server::{config::Settings, http::AppState, serve::router};
use tokio::net::TcpListener;

pub const ACCOUNT: GatewayAccountId = GatewayAccountId(uuid::Uuid::from_u128(77));

pub struct Endpoint<S> {
    pub world: World,
    /// Answers until it is dropped.
    _simulator: S,
    /// Of the simulator.
    gateway_url: String,
    /// Where the program hears webhooks.
    pub url: String,
    _dir: tempfile::TempDir,
}

impl<S> Endpoint<S> {
    /// `secret` signs the webhooks; `dir` holds the simulator's ledger.
    pub async fn around(world: World, dir: tempfile::TempDir, simulator: S, gateway_url: &str, access: Access, secret: &str) -> Self {
        let gateway = access.gateway();
        let (external_id, code, name) = match gateway {
            Gateway::Stripe => ("acct_1", "STRIPE-US", "Stripe"),
            Gateway::Adyen => ("LumenUS", "ADYEN-US", "Adyen"),
        };
        let new = GatewayAccount {
            gateway_account_id: ACCOUNT,
            entity_id: world.us,
            external_id: external_id.into(),
            code: code.into(),
            name: name.into(),
            access,
            bank_words: name.into(),
            since: world.ctx.clock.now(),
            pays_out: Vec::new(),
        };
        open(&world.ctx, &Actor::Cli("test".into()), &new).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks/{gateway}/{ACCOUNT}", listener.local_addr().unwrap());
        let app = router(AppState::new(world.ctx.clone(), Settings::default()));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let endpoint = Self { world, _simulator: simulator, gateway_url: gateway_url.into(), url, _dir: dir };
        endpoint.admin("webhook", &json!({ "url": endpoint.url, "secret": secret })).await;
        endpoint
    }

    pub async fn admin(&self, path: &str, body: &Value) -> Value {
        let answer = reqwest::Client::new().post(format!("{}/admin/{path}", self.gateway_url)).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// The next one of these requests fails so.
    pub async fn fault(&self, kind: &str, on: &str) {
        self.admin("faults", &json!({ "kind": kind, "on": on, "next": 1 })).await;
    }

    pub async fn pull(&self) -> anyhow::Result<Pulled> {
        pull(&self.world.ctx, self.world.us).await
    }

    pub async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(&self.world.db.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}
