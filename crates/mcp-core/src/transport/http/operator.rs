//! What an operator may see and set: `/status`, `/admin/log-level`, and who may look.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Extensions, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::Front;
use crate::{
    Principal, Scope,
    metrics::Reason,
    pipeline::call::RequestId,
    telemetry::{self, LevelError},
    transport::{rest::problem::Problem, why::Why},
};

/// More than a list of log directives needs.
const MAX_BODY: usize = 4 << 10;

/// `/metrics` and `/health/ready` need read scope; on this machine the front lets everyone have it.
pub(super) async fn look(request: Request, next: Next) -> Response {
    match need(Scope::Read, request.extensions()) {
        Ok(_) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

/// The scope that an operator's request needs.
fn need(scope: Scope, extensions: &Extensions) -> Result<Principal, Problem> {
    let principal = extensions.get::<Principal>();
    if let Some(principal) = principal.filter(|principal| principal.holds(scope)) {
        return Ok(principal.clone());
    }
    let status = if principal.is_none() { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
    let detail = format!("this needs the scope {}", scope.label());
    Err(Problem::new(status, "insufficient_scope", detail)
        .because(Why::of(Reason::Scope))
        .with_request(extensions.get::<RequestId>()))
}

/// `GET /status`.
pub(super) async fn status(State(front): State<Arc<Front>>, request: Request) -> Response {
    match need(Scope::Read, request.extensions()) {
        Ok(_) => axum::Json(front.server.status().report()).into_response(),
        Err(refused) => refused.into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    level: String,
}

/// `PUT /admin/log-level` with `{"level": "debug"}`.
pub(super) async fn log_level(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let outcome = match need(Scope::Admin, &parts.extensions) {
        Ok(principal) => set_level(&principal, body).await,
        Err(refused) => Err(refused),
    };
    let id = parts.extensions.get::<RequestId>();
    outcome.unwrap_or_else(|refused| refused.with_request(id).into_response())
}

async fn set_level(principal: &Principal, body: Body) -> Result<Response, Problem> {
    let bytes = to_bytes(body, MAX_BODY).await.map_err(|_| {
        let detail = format!("the body is larger than {MAX_BODY} bytes or ended early");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
            .because(Why::of(Reason::Size))
    })?;
    let wanted: Wanted = serde_json::from_slice(&bytes).map_err(|_| {
        let detail = r#"the body must be {"level": "…"}"#;
        Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    })?;
    match telemetry::set_level(&wanted.level) {
        Ok(change) => {
            let (old, new) = (change.old, change.new);
            tracing::warn!(old, new, principal = principal.id(), "the log level was changed");
            Ok(axum::Json(json!({"old": old, "new": new})).into_response())
        }
        Err(LevelError::Invalid(error)) => {
            let hint = error.hint().unwrap_or_default().to_owned();
            let problem =
                Problem::new(StatusCode::BAD_REQUEST, "invalid_argument", error.to_string());
            Err(problem.with_hint(hint))
        }
        Err(LevelError::NoLog) => {
            let detail = "this process does not log through the server's own subscriber";
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail))
        }
    }
}
