//! The REST interface: bearer API keys, described by OpenAPI. A route is added with [`guarded`], which names what its
//! caller must be allowed to do, and with its `utoipa::path` in [`ApiDoc`]; a test walks the description and calls each.

use super::{AppState, error::Problem, invoice_batches, statements};
use axum::{
    Extension, Json, Router,
    extract::{Request, State},
    http::header,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use domain::access::{Action, KeyCaller, Scope};
use pipeline::access::keys;
use serde::Serialize;
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Tieout", description = "The control plane for revenue.", license(name = "MIT OR Apache-2.0")),
    paths(entities, invoice_batches::create, invoice_batches::list, statements::create, statements::list),
    components(schemas(Problem)),
    modifiers(&BearerKey),
    security(("api_key" = []))
)]
pub struct ApiDoc;

struct BearerKey;

impl Modify for BearerKey {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("api_key", scheme);
    }
}

pub fn router(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/api/v1/entities", guarded(state, Action::ReadFinance, get(entities)))
        .route(
            "/api/v1/invoice-batches",
            guarded(state, Action::ImportBatch, post(invoice_batches::create)).merge(guarded(
                state,
                Action::ReadFinance,
                get(invoice_batches::list),
            )),
        )
        .route(
            "/api/v1/statements",
            guarded(state, Action::ImportBatch, post(statements::create)).merge(guarded(state, Action::ReadFinance, get(statements::list))),
        )
        .route("/api/v1/openapi.json", get(async || Json(ApiDoc::openapi())))
        .route("/api/{*rest}", axum::routing::any(async || Problem::not_found()))
}

/// A program whose key was checked: who it is, and the entities in which it may do what the route does.
#[derive(Debug, Clone)]
pub struct ApiCaller {
    pub key: KeyCaller,
    pub scope: Scope,
}

/// Lets in only keys that may do this, and hands the handler an [`ApiCaller`] as an `Extension`.
pub fn guarded(state: &AppState, action: Action, routes: MethodRouter<AppState>) -> MethodRouter<AppState> {
    routes.route_layer(from_fn_with_state((state.clone(), action), authenticate))
}

async fn authenticate(State((state, action)): State<(AppState, Action)>, mut request: Request, next: Next) -> Response {
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.split_once(' '));
    let Some(key) = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, key)| key.trim()) else {
        return Problem::unauthenticated().into_response();
    };
    let key = match keys::authenticate(&state.context, key).await {
        Ok(Some(key)) => key,
        Ok(None) => return Problem::unauthenticated().into_response(),
        Err(error) => return Problem::from(error).into_response(),
    };
    let scope = key.scope(action);
    if scope.is_empty() {
        return Problem::forbidden().because(format!("It needs the scope {action} in at least one entity.")).into_response();
    }
    request.extensions_mut().insert(ApiCaller { key, scope });
    next.run(request).await
}

/// A legal entity.
#[derive(Debug, Serialize, ToSchema)]
struct Entity {
    /// Short name, used in files.
    #[schema(example = "DE")]
    code: String,
    name: String,
    /// ISO 4217.
    #[schema(example = "EUR")]
    functional_currency: String,
    /// IANA name.
    time_zone: String,
}

/// The legal entities that the key may read.
#[utoipa::path(get, path = "/api/v1/entities", responses(
    (status = 200, body = Vec<Entity>),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
async fn entities(State(state): State<AppState>, Extension(caller): Extension<ApiCaller>) -> Result<Json<Vec<Entity>>, Problem> {
    let mut conn = state.context.pool.acquire().await.map_err(store::Error::from)?;
    let all = store::entities::list(&mut conn).await?;
    let readable = all.into_iter().filter(|entity| caller.scope.contains(entity.entity_id));
    let entity = |entity: domain::view::EntityView| Entity {
        code: entity.code,
        name: entity.name,
        functional_currency: entity.functional_currency,
        time_zone: entity.time_zone,
    };
    Ok(Json(readable.map(entity).collect()))
}
