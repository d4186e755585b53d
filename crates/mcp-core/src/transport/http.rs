//! HTTP: `/mcp` for clients, health and metrics for operators.

mod direct;
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
    hosts::{self, Hosts},
    rest,
    why::Why,
};
use crate::{
    Principal, StartError,
    audit::Refused,
    auth::{Authenticator, WELL_KNOWN},
    config::CoreConfig,
    health::Health,
    metrics::Reason,
    pipeline::{Guarded, call::RequestId},
    trace::Trace,
};

pub use listener::serve;

/// Sessions of clients of the older revisions, where a server keeps them at all.
const MAX_SESSIONS: usize = 256;

/// What every route can see.
struct Front {
    server: Guarded,
    health: Arc<Health>,
    hosts: Hosts,
    auth: Authenticator,
    /// Whether only this machine reaches the port.
    loopback: bool,
    max_body: usize,
    body_timeout: Duration,
    sessions: Arc<LocalSessionManager>,
    mcp: StreamableHttpService<Guarded, LocalSessionManager>,
    direct: direct::Shared,
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
#[derive(Clone)]
pub struct App {
    front: Arc<Front>,
    routes: Router,
}

impl App {
    /// F2, F4 and F6, for every route; then F3.
    pub async fn answer(&self, mut request: Request) -> Response {
        let id = RequestId::next();
        request.extensions_mut().insert(id.clone());
        let path = request.uri().path();
        let (plain, route) = (rest::is_plain(path), route(path));
        let peer = request.extensions().get::<Peer>().copied();
        let trace = Trace::of_headers(request.headers()).map(|trace| trace.id);
        let mut caller = None;
        let mut response = match self.front.hosts.check(request.headers()) {
            Ok(()) => self.identified(request, &id, &mut caller).await,
            Err(refused) => refuse_host(refused),
        };
        if let Some(Why { reason, tool }) = response.extensions_mut().remove() {
            let (id, status) = (Some(id.clone()), Some(response.status().as_u16()));
            let address = peer.map(|Peer(address)| address.ip());
            let principal = caller;
            self.front.server.refused(Refused {
                id,
                trace,
                principal,
                address,
                route,
                status,
                reason,
                tool,
            });
        }
        if plain {
            response = rest::speak(response).await;
        }
        if let Ok(id) = HeaderValue::from_str(id.as_str()) {
            response.headers_mut().insert("x-request-id", id);
        }
        if self.front.health.is_stopping() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }

    /// Note a connection that was closed unheard.
    fn refused_connection(&self, Peer(peer): Peer) {
        self.front.server.refused(Refused {
            id: None,
            trace: None,
            principal: None,
            address: Some(peer.ip()),
            route: "other",
            status: None,
            reason: Reason::Connections,
            tool: None,
        });
    }

    async fn identified(
        &self,
        mut request: Request,
        id: &RequestId,
        known: &mut Option<Principal>,
    ) -> Response {
        let front = &self.front;
        let peer = request.extensions().get::<Peer>().copied();
        // The one route that is busy goes the short way.
        let mcp = request.uri().path() == "/mcp";
        match front.identify(request.uri().path(), request.headers(), peer).await {
            Ok(caller) => {
                *known = Some(caller.clone());
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
pub fn app(
    server: &Guarded,
    health: Arc<Health>,
    core: &CoreConfig,
    auth: Authenticator,
    stopping: CancellationToken,
) -> App {
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_legacy_session_mode(server.legacy_sessions())
        .with_max_request_body_bytes(core.max_body)
        // The front checks both, for every route.
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_cancellation_token(stopping.clone());
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
        direct: direct::Shared::new(server, stopping),
    });
    let shared = Arc::clone(&front);
    let bridge = rest::router(*server.facts(), core, move |request| {
        let front = Arc::clone(&shared);
        Box::pin(async move { front::mcp(&front, request).await })
    });
    let routes = Router::new()
        .route("/health", get(live))
        .route("/health/ready", get(ready).route_layer(from_fn(operator::look)))
        .route("/metrics", get(metrics).route_layer(from_fn(operator::look)))
        .route("/status", get(operator::status))
        .route("/admin/log-level", put(operator::log_level))
        .merge(bridge)
        .route(WELL_KNOWN, get(metadata))
        .route(&format!("{WELL_KNOWN}/{{*path}}"), get(metadata))
        .fallback(unknown_route)
        .with_state(Arc::clone(&front));
    App { front, routes }
}

/// The path as audit lines tell it: nothing of a stranger's.
fn route(path: &str) -> &'static str {
    const ROUTES: [&str; 8] = [
        "/mcp",
        "/tools",
        "/openapi.json",
        "/status",
        "/admin/log-level",
        "/metrics",
        "/health/ready",
        "/health",
    ];
    let same = |known: &&str| path == *known || (*known == "/tools" && rest::is_tool(path));
    ROUTES.into_iter().find(same).unwrap_or("other")
}

fn refuse_host(refused: hosts::Refused) -> Response {
    let (status, reason, message) = match refused {
        hosts::Refused::MalformedHost => {
            (StatusCode::BAD_REQUEST, Reason::Host, "exactly one Host header is needed")
        }
        hosts::Refused::ForeignHost => (
            StatusCode::FORBIDDEN,
            Reason::Host,
            "this Host is not allowed; MACHINA_ALLOWED_HOSTS adds names",
        ),
        hosts::Refused::ForeignOrigin => (
            StatusCode::FORBIDDEN,
            Reason::Origin,
            "this Origin is not allowed; MACHINA_ALLOWED_ORIGINS adds origins",
        ),
    };
    Why::of(reason).marked(front::refusal(status, -32_600, message, None))
}

async fn live(State(front): State<Arc<Front>>) -> Response {
    axum::Json(front.health.live()).into_response()
}

async fn ready(State(front): State<Arc<Front>>) -> Response {
    let readiness = front.health.ready().await;
    let status = if readiness.accepts() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(readiness)).into_response()
}

async fn metrics(State(front): State<Arc<Front>>) -> Response {
    let text = front.server.metrics().encode();
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn metadata(State(front): State<Arc<Front>>) -> Response {
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
