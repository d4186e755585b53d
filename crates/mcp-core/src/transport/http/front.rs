//! F5 and F7 of `/mcp`, and the last look at what rmcp answers.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Value, json};

use super::{Front, MAX_SESSIONS, direct::Direct, gate::Refused};
use crate::{
    Principal,
    envelope::{self, Envelope},
    metrics::Reason,
    transport::why::Why,
};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
/// What clients of the specification send.
const BOTH: &str = "application/json, text/event-stream";

/// One message to `/mcp`.
pub(super) async fn mcp(front: &Front, request: Request) -> Response {
    match admit(front, request).await {
        Ok(Admitted::Direct(call, parts)) => call.answer(front, parts).await,
        Ok(Admitted::Other(request, message)) => {
            // Boxed: else every caller up the line holds and moves its state.
            let response = Box::pin(front.mcp.handle(request)).await.map(Body::new);
            present(response, message).await
        }
        Err(refused) => refused,
    }
}

fn refuse<T>(reason: Reason, status: StatusCode, code: i32, message: &str) -> Result<T, Response> {
    Err(Why::of(reason).marked(refusal(status, code, message, None)))
}

/// A refusal in the form of JSON-RPC.
pub(super) fn refusal(
    status: StatusCode,
    code: i32,
    message: &str,
    id: Option<&Value>,
) -> Response {
    let body = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}});
    (status, axum::Json(body)).into_response()
}

/// The id of the message that rmcp will answer.
type Message = Option<Value>;

/// What may go on, and by which way.
enum Admitted {
    Direct(Direct, Parts),
    Other(Request<Body>, Message),
}

async fn admit(front: &Front, request: Request) -> Result<Admitted, Response> {
    if request.method() != Method::POST {
        // rmcp serves GET and DELETE to sessions, else it answers 405.
        return Ok(Admitted::Other(request, None));
    }
    let (mut parts, body) = request.into_parts();
    refuse_doubled(&parts.headers)?;
    let json_only = content_types(&mut parts.headers)?;
    let read = read(body, front.max_body, front.body_timeout).await;
    let bytes = read.map_err(|refused| refused.json_rpc(None))?;
    let envelope = envelope::parse(&bytes).map_err(|fault| {
        let response = (StatusCode::BAD_REQUEST, axum::Json(fault.to_json())).into_response();
        Why::of(Reason::Envelope).marked(response)
    })?;
    if front.server.legacy_sessions() && envelope.method.as_deref() == Some("initialize") {
        refuse_too_many_sessions(front).await?;
    }
    let message = envelope.id.clone();
    let caller = parts.extensions.get::<Principal>().cloned();
    let caller = caller.unwrap_or_else(Principal::nobody);
    let admitted = front.admit(&caller, &envelope).await;
    let slot = admitted.map_err(|refused| refused.json_rpc(message.as_ref()))?;
    // Held until the SDK drops the request: after the handler's end.
    parts.extensions.insert(slot);
    if let Some(call) = Direct::of(&front.server, &parts.headers, &envelope) {
        return Ok(Admitted::Direct(call, parts));
    }
    let bytes = if json_only { keep_json(&envelope, &bytes)? } else { None }.unwrap_or(bytes);
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Admitted::Other(Request::from_parts(parts, Body::from(bytes)), message))
}

/// A header that two readers could read differently: one the first value, one the last.
fn refuse_doubled(headers: &HeaderMap) -> Result<(), Response> {
    // All different: the common case costs one comparison.
    if headers.len() == headers.keys_len() {
        return Ok(());
    }
    for name in ["mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id", "content-type"]
    {
        if headers.get_all(name).iter().nth(1).is_some() {
            let message = format!("header mismatch: {name} occurs twice");
            return refuse(Reason::Headers, StatusCode::BAD_REQUEST, -32_020, &message);
        }
    }
    Ok(())
}

/// F5. Clients that ask for anything, or for JSON alone, get JSON; whether it is JSON alone.
fn content_types(headers: &mut HeaderMap) -> Result<bool, Response> {
    let unsupported = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    if !is_json(headers.get(header::CONTENT_TYPE)) {
        return refuse(
            Reason::ContentType,
            unsupported,
            -32_600,
            "Content-Type must be application/json",
        );
    }
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return refuse(
            Reason::ContentType,
            unsupported,
            -32_600,
            "a compressed body is not accepted",
        );
    }
    if headers.get(header::ACCEPT).is_some_and(|accept| accept == BOTH) {
        return Ok(false);
    }
    let accepted = accepted(headers);
    let admits = |kind: &str| {
        let (family, _) = kind.split_once('/').unwrap_or((kind, ""));
        accepted.iter().any(|entry| {
            entry == kind || entry == "*/*" || entry.strip_suffix("/*") == Some(family)
        })
    };
    let (json, events) =
        (accepted.is_empty() || admits(JSON), accepted.is_empty() || admits(EVENTS));
    if !json {
        return refuse(
            Reason::Accept,
            StatusCode::NOT_ACCEPTABLE,
            -32_600,
            "Accept must admit application/json and, for streams, text/event-stream",
        );
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static(BOTH));
    Ok(!events)
}

pub(in crate::transport) fn is_json(value: Option<&HeaderValue>) -> bool {
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(JSON)
}

/// The media types a client accepts, in lower case, without those of zero weight.
fn accepted(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let essence = parts.next()?.to_ascii_lowercase();
            let zero = |part: &str| {
                part.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0_f32))
            };
            (!essence.is_empty() && !parts.any(zero)).then_some(essence)
        })
        .collect()
}

/// F7, the size.
pub(in crate::transport) async fn read(
    body: Body,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, Refused> {
    let too_large = || {
        let message = format!("the body is larger than {limit} bytes");
        Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, (Reason::Size, "too_large"), message))
    };
    // What tells its length need not be waited for.
    if usize::try_from(body.size_hint().lower()).map_or(true, |length| length > limit) {
        return too_large();
    }
    let collected = tokio::time::timeout(patience, Limited::new(body, limit).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => too_large(),
        Ok(Err(_)) => {
            let labels = (Reason::Body, "invalid_request");
            let mut refused = Refused::new(StatusCode::BAD_REQUEST, labels, "the body ended early");
            refused.code = -32_700;
            Err(refused)
        }
        Err(_) => Err(Refused::new(
            StatusCode::REQUEST_TIMEOUT,
            (Reason::Body, "request_timeout"),
            "the body came too slowly",
        )),
    }
}

/// A client that takes JSON alone cannot be sent progress: rmcp would turn the answer into a
/// stream. Such a request goes on without its progress token.
fn keep_json(envelope: &Envelope<'_>, bytes: &Bytes) -> Result<Option<Bytes>, Response> {
    if envelope.method.as_deref() == Some("subscriptions/listen") {
        return refuse(
            Reason::Accept,
            StatusCode::NOT_ACCEPTABLE,
            -32_600,
            "subscriptions/listen needs Accept: text/event-stream",
        );
    }
    if !envelope.wants_progress {
        return Ok(None);
    }
    let mut message: Value = serde_json::from_slice(bytes).unwrap_or_default();
    if let Some(meta) = message.pointer_mut("/params/_meta").and_then(Value::as_object_mut) {
        meta.remove("progressToken");
    }
    Ok(Some(Bytes::from(message.to_string())))
}

async fn refuse_too_many_sessions(front: &Front) -> Result<(), Response> {
    if front.sessions.sessions.read().await.len() < MAX_SESSIONS {
        return Ok(());
    }
    let mut response =
        refusal(StatusCode::SERVICE_UNAVAILABLE, 1503, "too many sessions are open", None);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    Err(Why::of(Reason::Sessions).marked(response))
}

/// rmcp answers some faults with plain text, and server faults with what went wrong inside:
/// replace those bodies.
async fn present(response: Response, message: Message) -> Response {
    let message = message.as_ref();
    let status = response.status();
    let json = is_json(response.headers().get(header::CONTENT_TYPE));
    if status.is_success() || (json && !status.is_server_error()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    if status.is_server_error() {
        log_fault(status, body).await;
        return refusal(status, -32_603, "internal error", message);
    }
    let (status, code, text) = match status {
        // A well-formed message whose parameters no method takes.
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (StatusCode::BAD_REQUEST, -32_602, "invalid params"),
        StatusCode::NOT_FOUND => (status, -32_600, "there is no such session"),
        StatusCode::METHOD_NOT_ALLOWED => (status, -32_600, "only POST is served here"),
        StatusCode::BAD_REQUEST => {
            (status, -32_600, "invalid request: check the MCP-Protocol-Version and session headers")
        }
        _ => (status, -32_600, "invalid request"),
    };
    let mut replaced = refusal(status, code, text, message);
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        replaced.headers_mut().insert(header::ALLOW, allow.clone());
    }
    replaced
}

async fn log_fault(status: StatusCode, body: Body) {
    let text = Limited::new(body, 4 << 10).collect().await.map(http_body_util::Collected::to_bytes);
    let text = text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    tracing::error!(status = status.as_u16(), text, "the SDK answered a server fault");
}
