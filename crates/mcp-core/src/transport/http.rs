//! HTTP: `/mcp` for clients, health and metrics for operators.

pub(super) mod front;
pub(super) mod gate;
mod listener;
mod operator;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::{get, put},
};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use self::listener::Peer;
use super::{
    hosts::{Hosts, Refused},
    rest,
};
use crate::{
    McpServer, StartError,
    auth::{Authenticator, WELL_KNOWN},
    config::CoreConfig,
    health::Health,
    pipeline::{Guarded, call::RequestId},
};

pub use listener::serve;

/// Sessions of clients of the older revisions, where a server keeps them at all.
const MAX_SESSIONS: usize = 256;

/// What every route can see.
struct Front<S: McpServer> {
    server: Guarded<S>,
    health: Arc<Health<S>>,
    hosts: Hosts,
    auth: Authenticator,
    /// Whether only this machine reaches the port.
    loopback: bool,
    max_body: usize,
    body_timeout: Duration,
    sessions: Arc<LocalSessionManager>,
    mcp: StreamableHttpService<Guarded<S>, LocalSessionManager>,
}

/// Bind the address of the configuration.
///
/// # Errors
/// When it is taken (names the port), or not ours.
pub async fn bind(core: &CoreConfig, default_port: u16) -> Result<TcpListener, StartError> {
    let address = SocketAddr::new(core.bind, core.port.unwrap_or(default_port));
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => StartError::unavailable(format!(
            "port {} on {} is in use by another process",
            address.port(),
            address.ip()
        ))
        .with_hint("stop that process, or choose another with --port or MACHINA_PORT"),
        _ => StartError::config(format!("{address} cannot be bound: {error}"))
            .with_hint("choose an address of this machine with --bind"),
    })
}

/// A server's HTTP side. Cheap to clone.
pub struct App<S: McpServer> {
    front: Arc<Front<S>>,
    routes: Router,
}

impl<S: McpServer> Clone for App<S> {
    fn clone(&self) -> Self {
        Self { front: Arc::clone(&self.front), routes: self.routes.clone() }
    }
}

impl<S: McpServer> App<S> {
    /// F2, F4 and F6, for every route; then F3.
    pub async fn answer(&self, mut request: Request) -> Response {
        let id = RequestId::next();
        request.extensions_mut().insert(id.clone());
        let plain = rest::is_plain(request.uri().path());
        let mut response = match self.front.hosts.check(request.headers()) {
            Ok(()) => self.identified(request, &id).await,
            Err(refused) => refuse_host(&self.front, refused),
        };
        if plain {
            response = rest::speak(response).await;
        }
        if let Ok(id) = HeaderValue::from_str(id.as_str()) {
            response.headers_mut().insert("x-request-id", id);
        }
        response
    }

    async fn identified(&self, mut request: Request, id: &RequestId) -> Response {
        let front = &self.front;
        let peer = request.extensions().get::<Peer>().copied();
        // The one route that is busy goes the short way.
        let mcp = request.uri().path() == "/mcp";
        match front.identify(request.uri().path(), request.headers(), peer).await {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                if mcp {
                    return front::mcp(front, request).await;
                }
                match self.routes.clone().oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            }
            Err(refused) => {
                front.server.metrics().refused(refused.reason);
                if mcp {
                    refused.json_rpc(None)
                } else {
                    refused.problem().with_request(Some(id)).into_response()
                }
            }
        }
    }
}

/// The HTTP side of a server.
pub fn app<S: McpServer>(
    server: &Guarded<S>,
    health: Arc<Health<S>>,
    core: &CoreConfig,
    auth: Authenticator,
    stopping: CancellationToken,
) -> App<S> {
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_legacy_session_mode(S::LEGACY_SESSIONS)
        .with_max_request_body_bytes(core.max_body)
        // The front checks both, for every route.
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_cancellation_token(stopping);
    let sessions = Arc::new(LocalSessionManager::default());
    let factory = server.clone();
    let mcp =
        StreamableHttpService::new(move || Ok(factory.clone()), Arc::clone(&sessions), config);
    let front = Arc::new(Front {
        server: server.clone(),
        health,
        hosts: Hosts::new(core),
        auth,
        loopback: core.bind.is_loopback(),
        max_body: core.max_body,
        body_timeout: Duration::from_secs(core.body_timeout),
        sessions,
        mcp,
    });
    let shared = Arc::clone(&front);
    let bridge = rest::router(S::FACTS, core, move |request| {
        let front = Arc::clone(&shared);
        Box::pin(async move { front::mcp(&front, request).await })
    });
    let routes = Router::new()
        .route("/health", get(live::<S>))
        .route("/health/ready", get(ready::<S>).route_layer(from_fn(operator::look)))
        .route("/metrics", get(metrics::<S>).route_layer(from_fn(operator::look)))
        .route("/status", get(operator::status::<S>))
        .route("/admin/log-level", put(operator::log_level))
        .merge(bridge)
        .route(WELL_KNOWN, get(metadata::<S>))
        .route(&format!("{WELL_KNOWN}/{{*path}}"), get(metadata::<S>))
        .fallback(unknown_route)
        .with_state(Arc::clone(&front));
    App { front, routes }
}

fn refuse_host<S: McpServer>(front: &Front<S>, refused: Refused) -> Response {
    let (status, reason, message) = match refused {
        Refused::MalformedHost => {
            (StatusCode::BAD_REQUEST, "host", "exactly one Host header is needed")
        }
        Refused::ForeignHost => (
            StatusCode::FORBIDDEN,
            "host",
            "this Host is not allowed; MACHINA_ALLOWED_HOSTS adds names",
        ),
        Refused::ForeignOrigin => (
            StatusCode::FORBIDDEN,
            "origin",
            "this Origin is not allowed; MACHINA_ALLOWED_ORIGINS adds origins",
        ),
    };
    front.server.metrics().refused(reason);
    front::refusal(status, -32_600, message, None)
}

async fn live<S: McpServer>(State(front): State<Arc<Front<S>>>) -> Response {
    axum::Json(front.health.live()).into_response()
}

async fn ready<S: McpServer>(State(front): State<Arc<Front<S>>>) -> Response {
    let readiness = front.health.ready().await;
    let status = if readiness.accepts() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(readiness)).into_response()
}

async fn metrics<S: McpServer>(State(front): State<Arc<Front<S>>>) -> Response {
    let text = front.server.metrics().encode();
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn metadata<S: McpServer>(State(front): State<Arc<Front<S>>>) -> Response {
    match front.auth.metadata() {
        Some(document) => axum::Json(document).into_response(),
        None => unknown_route(HeaderMap::new()).await,
    }
}

async fn unknown_route(_headers: HeaderMap) -> Response {
    let body = json!({
        "code": "not_found",
        "message": "there is nothing at this path",
        "hint": "MCP is at POST /mcp, plain HTTP at GET /tools; operators find GET /health, /health/ready, /metrics and /status",
    });
    (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
}
