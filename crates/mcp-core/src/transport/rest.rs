//! The tools for programs that speak plain HTTP: `/tools`, `/tools/{name}`, `/openapi.json`.
//!
//! A translator and nothing else: each request becomes one MCP message, goes the way of every message
//! to `/mcp` (F5 to F9, P1 to P8), and its answer is told in HTTP's words. What holds there holds here.

mod openapi;
pub(super) mod problem;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::any,
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json, value::RawValue};

use self::problem::Problem;
use super::{http::front, why::Why};
use crate::{
    Facts,
    config::CoreConfig,
    metrics::Reason,
    pipeline::{
        call::{KindSlot, RequestId},
        document,
    },
};

/// More than any answer of the pipeline has.
const ANSWER_LIMIT: usize = 32 << 20;
const REVISION: &str = "2026-07-28";
const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// What answers a message to `/mcp`.
type Exchange = dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync;

struct Bridge {
    facts: Facts,
    max_body: usize,
    body_timeout: Duration,
    mcp: Box<Exchange>,
}

/// The routes. `mcp` is the handler of `/mcp`.
pub(super) fn router<R: Clone + Send + Sync + 'static>(
    facts: Facts,
    core: &CoreConfig,
    mcp: impl Fn(Request) -> BoxFuture<'static, Response> + Send + Sync + 'static,
) -> Router<R> {
    Router::new()
        .route("/tools", any(tools))
        .route("/tools/{name}", any(tool))
        .route("/openapi.json", any(openapi))
        .with_state(Arc::new(Bridge {
            facts,
            max_body: core.max_body,
            body_timeout: Duration::from_secs(core.body_timeout),
            mcp: Box::new(mcp),
        }))
}

/// Whether these words apply to a path.
pub(super) fn is_plain(path: &str) -> bool {
    ["/tools", "/openapi.json", "/status", "/admin"].iter().any(|known| {
        path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Whether this is the path of one tool.
pub(super) fn is_tool(path: &str) -> bool {
    path.strip_prefix("/tools/").is_some_and(|name| !name.contains('/'))
}

/// Last of all: whatever refused a request to these paths, be it the Host check or a method, says so
/// as a problem and not as a JSON-RPC error.
pub(super) async fn speak(response: Response) -> Response {
    let status = response.status();
    let told = response.headers().get(header::CONTENT_TYPE);
    if status.as_u16() < 400 || told.is_some_and(|kind| kind == problem::MEDIA_TYPE) {
        return response;
    }
    let headers = response.headers().clone();
    let body = json_body(response).await.unwrap_or_default();
    Problem::of_refusal(status, &headers, &body, None).into_response()
}

async fn tools(State(bridge): State<Arc<Bridge>>, request: Request) -> Response {
    if request.method() != Method::GET {
        return not_allowed("GET");
    }
    match bridge.list(request.into_parts().0).await {
        Ok(tools) => axum::Json(json!({"tools": tools})).into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn openapi(State(bridge): State<Arc<Bridge>>, request: Request) -> Response {
    if request.method() != Method::GET {
        return not_allowed("GET");
    }
    match bridge.list(request.into_parts().0).await {
        Ok(tools) => axum::Json(openapi::document(&bridge.facts, &tools)).into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn tool(
    State(bridge): State<Arc<Bridge>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let answer = match parts.method {
        Method::GET => bridge.definition(parts, &name).await.map(json_response),
        Method::POST => bridge.call(parts, body, &name).await,
        _ => return not_allowed("GET, POST"),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

fn json_response(value: Value) -> Response {
    axum::Json(value).into_response()
}

/// Whether the caller takes nothing but an image.
fn wants_image(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|kinds| kinds.as_bytes().starts_with(b"image/"))
}

/// The image of a result as the whole answer, if it has one.
fn image_of(result: &Value) -> Option<Response> {
    let blocks = result["content"].as_array()?;
    let image = blocks.iter().find(|block| block["type"] == "image")?;
    let bytes = BASE64_STANDARD.decode(image["data"].as_str()?).ok()?;
    let kind = HeaderValue::from_str(image["mimeType"].as_str()?).ok()?;
    Some(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}

impl Bridge {
    async fn list(&self, parts: Parts) -> Result<Vec<Value>, Problem> {
        let mut result = self.ask(parts, "tools/list", None, "{}").await?;
        Ok(match result["tools"].take() {
            Value::Array(tools) => tools,
            _ => Vec::new(),
        })
    }

    async fn definition(&self, parts: Parts, name: &str) -> Result<Value, Problem> {
        let id = parts.extensions.get::<RequestId>().cloned();
        let mut tools = self.list(parts).await?.into_iter();
        tools
            .find(|tool| tool["name"] == name)
            .ok_or_else(|| unknown(name).with_request(id.as_ref()))
    }

    async fn call(&self, parts: Parts, body: Body, name: &str) -> Result<Response, Problem> {
        // Other names are no tool's, and not every one fits the header that must repeat it.
        let plain = |c: u8| c.is_ascii_alphanumeric() || b"_-.".contains(&c);
        let id = parts.extensions.get::<RequestId>().cloned();
        if !(1..=128).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(unknown(name).with_request(id.as_ref()));
        }
        let refused = |problem: Problem| problem.with_request(id.as_ref());
        check_media_type(&parts.headers).map_err(refused)?;
        let read = front::read(body, self.max_body, self.body_timeout).await;
        let bytes = read.map_err(|error| refused(error.problem()))?;
        let arguments = arguments(&bytes).map_err(refused)?;
        let params = format!(r#"{{"name":"{name}","arguments":{arguments}}}"#);
        let wants_image = wants_image(&parts.headers);
        let mut result = self.ask(parts, "tools/call", Some(name), &params).await?;
        if wants_image && let Some(image) = image_of(&result) {
            return Ok(image);
        }
        let structured = result["structuredContent"].take();
        // A tool without an output schema answers with content for a model.
        let content = || json!({"content": result["content"]});
        Ok(json_response(if structured.is_null() { content() } else { structured }))
    }

    /// Send one message on the way of all messages; `params` is a JSON object.
    async fn ask(
        &self,
        mut parts: Parts,
        method: &'static str,
        name: Option<&str>,
        params: &str,
    ) -> Result<Value, Problem> {
        let id = parts.extensions.get::<RequestId>().cloned();
        let slot = KindSlot::default();
        parts.extensions.insert(slot.clone());
        address(&mut parts, method, name);
        let params = params.strip_suffix('}').unwrap_or_default();
        let comma = if params.len() > 1 { "," } else { "" };
        let meta = json!({PROTOCOL_VERSION: REVISION, CAPABILITIES: {}});
        let message = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}{comma}"_meta":{meta}}}}}"#
        );
        let response = (self.mcp)(Request::from_parts(parts, Body::from(message))).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let why = response.extensions().get::<Why>().cloned();
        let mut answer = json_body(response).await.unwrap_or_default();
        let result = answer["result"].take();
        if !result.is_object() {
            let refused = Problem::of_refusal(status, &headers, &answer, slot.kind());
            return Err(refused.because(why).with_request(id.as_ref()));
        }
        if result["resultType"].as_str().is_some_and(|kind| kind != "complete") {
            let detail = "this call asks back before it is done, which plain HTTP cannot carry";
            let problem = Problem::new(StatusCode::NOT_IMPLEMENTED, "needs_mcp", detail);
            return Err(problem.with_hint("call it over MCP at /mcp").with_request(id.as_ref()));
        }
        if result["isError"] == true {
            return Err(Problem::of_tool_error(&result, slot.kind()).with_request(id.as_ref()));
        }
        Ok(result)
    }
}

/// Make the head of a request that of a message to `/mcp`: what the caller said of MCP is not heard.
fn address(parts: &mut Parts, method: &'static str, name: Option<&str>) {
    parts.method = Method::POST;
    parts.uri = http::Uri::from_static("/mcp");
    let headers = &mut parts.headers;
    let foreign: Vec<_> = headers
        .keys()
        .filter(|key| key.as_str().starts_with("mcp-") || *key == "last-event-id")
        .cloned()
        .collect();
    for key in foreign.into_iter().chain([header::CONTENT_LENGTH, header::TRANSFER_ENCODING]) {
        headers.remove(key);
    }
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json.clone());
    headers.insert(header::ACCEPT, json);
    headers.insert("mcp-protocol-version", HeaderValue::from_static(REVISION));
    headers.insert("mcp-method", HeaderValue::from_static(method));
    if let Some(name) = name.and_then(|name| HeaderValue::from_str(name).ok()) {
        headers.insert("mcp-name", name);
    }
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let plain = headers.get(header::CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    if front::is_json(headers.get(header::CONTENT_TYPE)) && plain {
        return Ok(());
    }
    let detail = "the body must be uncompressed JSON, and Content-Type say application/json";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
        .because(Why::of(Reason::ContentType)))
}

/// The text of one JSON object. It is not taken apart here: the envelope check bounds its depth, the
/// pipeline checks what it holds.
fn arguments(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok("{}");
    }
    let parsed = serde_json::from_slice::<&RawValue>(bytes).map(RawValue::get);
    match parsed {
        Ok(object) if object.starts_with('{') => Ok(object),
        _ => {
            let detail = "the body must be one JSON object: the tool's arguments";
            Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
                .because(Why::of(Reason::Envelope))
                .with_hint("GET the same path shows their schema"))
        }
    }
}

/// The body of an answer; of a stream, the last event.
async fn json_body(response: Response) -> Option<Value> {
    let bytes = Limited::new(response.into_body(), ANSWER_LIMIT).collect().await.ok()?.to_bytes();
    if let Ok(value) = serde_json::from_slice(&bytes) {
        return Some(value);
    }
    let text = std::str::from_utf8(&bytes).ok()?;
    let last = text.lines().filter_map(|line| line.strip_prefix("data:")).next_back()?;
    serde_json::from_str(last).ok()
}

fn unknown(name: &str) -> Problem {
    let tool = Some(Arc::from(document::short(name)));
    Problem::new(StatusCode::NOT_FOUND, "unknown_tool", "there is no such tool")
        .because(Why { reason: Reason::ToolName, tool })
        .with_hint("GET /tools lists them")
}

fn not_allowed(allow: &'static str) -> Response {
    let detail = format!("this path takes {allow}");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
    ([(header::ALLOW, allow)], problem).into_response()
}
