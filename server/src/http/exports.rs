//! Files for people: CSV that opens in a spreadsheet.

use super::AppState;
use anyhow::Context as _;
use axum::{
    Extension, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::access::{Action, Caller, Grant, conflicts};
use store::access::users::{self, ReviewRow};

pub fn router() -> Router<AppState> {
    Router::new().route("/export/access-review.csv", get(access_review))
}

/// The access review: user, role, entity, granted by, last use, conflicts.
async fn access_review(State(state): State<AppState>, Extension(caller): Extension<Caller>) -> Response {
    let scope = caller.scope(Action::ReadUsers);
    if scope.is_empty() {
        return (StatusCode::FORBIDDEN, "Your roles do not allow this.").into_response();
    }
    let written = async {
        let mut conn = state.context.pool.acquire().await?;
        csv_of(&users::review(&mut conn, scope.entities()).await?)
    };
    match written.await {
        Ok(csv) => {
            let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=access-review.csv")];
            (headers, csv).into_response()
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "access review failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn csv_of(rows: &[ReviewRow]) -> anyhow::Result<String> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(["user", "name", "active", "role", "entity", "granted_by", "granted_at", "last_use", "conflicts"])?;
    for row in rows {
        let of_user = rows.iter().filter(|other| other.email == row.email);
        let grants: Vec<Grant> = of_user.map(|other| Grant { role: other.role, entity_id: other.entity_id }).collect();
        out.write_record([
            safe(&row.email),
            safe(&row.name),
            if row.active { "yes" } else { "no" }.to_owned(),
            row.role.to_string(),
            row.entity_code.clone(),
            safe(&row.granted_by),
            row.granted_at.to_rfc3339(),
            row.last_login_at.map(|at| at.to_rfc3339()).unwrap_or_default(),
            conflicts(&grants, row.entity_id).join("; "),
        ])?;
    }
    String::from_utf8(out.into_inner().context("csv")?).context("csv")
}

/// A spreadsheet runs what begins like a formula.
fn safe(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_a_formula() {
        assert_eq!(safe("=cmd()"), "'=cmd()");
        assert_eq!(safe("Ann"), "Ann");
    }
}
