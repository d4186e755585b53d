//! The two routes, their headers, and the faults between.

use crate::execute::{Ground, Request, execute, failure};
use crate::fault::Fault;
use crate::schema::API_VERSION;
use crate::twin::{RecordedRequest, Shared, State as Inner};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// The routes of one store.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/admin/api/{version}/graphql.json", post(graphql))
        .route("/admin/oauth/access_token", post(access_token))
        .fallback(|| async { plain(StatusCode::NOT_FOUND, &json!({"errors": "Not Found"})) })
        .with_state(shared)
}

/// Counts what it accepts.
pub(crate) struct CountingListener {
    pub(crate) inner: TcpListener,
    pub(crate) count: Arc<AtomicUsize>,
}

impl axum::serve::Listener for CountingListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let accepted = axum::serve::Listener::accept(&mut self.inner).await;
        self.count.fetch_add(1, Ordering::SeqCst);
        accepted
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

async fn graphql(
    State(shared): State<Arc<Shared>>,
    Path(version): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (fault, number) = {
        let mut state = shared.state();
        (state.faults.pop_front(), state.requests.len() + 1)
    };
    if let Some(Fault::Delay(millis)) = fault {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    let request = serde_json::from_slice::<Request>(&body);
    let (status, answer) = answer(&shared, fault.as_ref(), &headers, request.as_ref().ok());
    record(&shared, &version, request.unwrap_or_default(), status, &answer);
    let version = if fault == Some(Fault::WrongVersion) { "2020-01" } else { API_VERSION };
    let mut response = spoiled(fault.as_ref(), status, &answer);
    let set = response.headers_mut();
    set.insert("x-shopify-api-version", header::HeaderValue::from_static(version));
    if let Ok(id) = format!("twin-{number:06}").parse() {
        set.insert("x-request-id", id);
    }
    response
}

fn answer(
    shared: &Shared,
    fault: Option<&Fault>,
    headers: &HeaderMap,
    request: Option<&Request>,
) -> (StatusCode, Value) {
    let mut state = shared.state();
    if fault == Some(&Fault::ExpiredToken) {
        state.tokens.clear();
    }
    let token = headers.get("x-shopify-access-token").and_then(|value| value.to_str().ok());
    if !token.is_some_and(|token| state.tokens.iter().any(|known| known == token)) {
        let message =
            "[API] Invalid API key or access token (unrecognized login or wrong password)";
        return (StatusCode::UNAUTHORIZED, json!({ "errors": message }));
    }
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|of| of.as_bytes().starts_with(b"application/json"));
    let Some(request) = request.filter(|_| is_json) else {
        return (StatusCode::BAD_REQUEST, json!({"errors": "Bad Request"}));
    };
    match fault {
        Some(Fault::Status(status, _)) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
            (status, json!({"errors": status.canonical_reason().unwrap_or("error")}))
        }
        Some(Fault::Graphql(code)) => (StatusCode::OK, failure(code, code)),
        _ => {
            let Inner { store, bucket, .. } = &mut *state;
            if fault == Some(&Fault::Throttled) {
                // The request is then refused for what it really costs.
                bucket.empty(Instant::now());
            }
            let ground = Ground { store, scopes: &shared.options.scopes, bucket };
            (StatusCode::OK, execute(request, ground))
        }
    }
}

/// The answer as the fault leaves it.
fn spoiled(fault: Option<&Fault>, status: StatusCode, answer: &Value) -> Response {
    let text = answer.to_string();
    let half = || text.bytes().take(text.len() / 2).collect::<Vec<u8>>();
    match fault {
        Some(Fault::Html) => {
            let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (html, "<!DOCTYPE html><title>Something went wrong</title>").into_response()
        }
        Some(Fault::Truncated) => as_json(status, Body::from(half())),
        Some(Fault::Reset) => {
            let parts = [Ok(Bytes::from(half())), Err(io::Error::other("reset by fault"))];
            as_json(status, Body::from_stream(futures_util::stream::iter(parts)))
        }
        Some(Fault::Status(_, Some(seconds))) => {
            let mut response = plain(status, answer);
            response.headers_mut().insert(header::RETRY_AFTER, (*seconds).into());
            response
        }
        _ => as_json(status, Body::from(text)),
    }
}

fn record(shared: &Shared, version: &str, request: Request, status: StatusCode, answer: &Value) {
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    shared.state().requests.push(RecordedRequest {
        operation: request.operation_name,
        document: request.query,
        variables: request.variables.into(),
        version: version.to_owned(),
        status: status.as_u16(),
        errors,
        cost: answer["extensions"]["cost"]["requestedQueryCost"].as_u64(),
    });
}

async fn access_token(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let form: std::collections::HashMap<_, _> = url::form_urlencoded::parse(&body).collect();
    let field = |name: &str| form.get(name).map_or("", |value| value.as_ref());
    let (id, secret) = &shared.options.client;
    if field("grant_type") != "client_credentials" {
        return plain(StatusCode::BAD_REQUEST, &json!({"error": "unsupported_grant_type"}));
    }
    if field("client_id") != id || field("client_secret") != secret {
        return plain(StatusCode::UNAUTHORIZED, &json!({"error": "invalid_client"}));
    }
    let mut state = shared.state();
    state.issued += 1;
    let token = format!("shpat_twin_{}", state.issued);
    state.tokens.push(token.clone());
    let answer = json!({"access_token": token, "scope": shared.options.scopes.join(","),
        "expires_in": shared.options.token_lifetime});
    plain(StatusCode::OK, &answer)
}

fn plain(status: StatusCode, answer: &Value) -> Response {
    as_json(status, Body::from(answer.to_string()))
}

fn as_json(status: StatusCode, body: Body) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}
