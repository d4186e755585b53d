//! A failure as RFC 9457 has it, with the same `code` that MCP clients see.

use std::time::Duration;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::{Kind, pipeline::call::RequestId, transport::why::Why};

pub(in crate::transport) const MEDIA_TYPE: &str = "application/problem+json";
/// What a client must also hear of a refusal.
const KEPT: [HeaderName; 4] = [
    header::ALLOW,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("x-request-id"),
];

/// One problem.
#[derive(Debug)]
pub(in crate::transport) struct Problem {
    status: StatusCode,
    headers: HeaderMap,
    body: Map<String, Value>,
    why: Option<Why>,
}

/// The status of a failed call.
fn status_of(kind: Kind) -> u16 {
    match kind {
        Kind::InvalidInput => 400,
        Kind::NotFound => 404,
        Kind::Conflict => 409,
        Kind::Refused => 403,
        Kind::Upstream => 502,
        Kind::RateLimited => 429,
        Kind::Timeout => 504,
        Kind::Unavailable => 503,
        // Of nginx: nobody is there to read it.
        Kind::Cancelled => 499,
        Kind::Internal => 500,
    }
}

fn status(kind: Option<Kind>) -> Option<StatusCode> {
    kind.and_then(|kind| StatusCode::from_u16(status_of(kind)).ok())
}

impl Problem {
    /// A problem of this path's own.
    pub(in crate::transport) fn new(
        status: StatusCode,
        code: &str,
        detail: impl Into<String>,
    ) -> Self {
        let body = json!({"code": code, "message": detail.into()});
        Self::told(status, body.as_object().cloned().unwrap_or_default())
    }

    /// From the error object that MCP clients see: `code`, `message`, `hint`, …
    fn told(status: StatusCode, mut told: Map<String, Value>) -> Self {
        let title = status.canonical_reason().unwrap_or("Client Closed Request");
        let mut body = Map::new();
        body.insert("type".to_owned(), "about:blank".into());
        body.insert("title".to_owned(), title.into());
        body.insert("status".to_owned(), status.as_u16().into());
        body.insert("detail".to_owned(), told.remove("message").unwrap_or_default());
        let mut headers = HeaderMap::new();
        if let Some(millis) = told.get("retry_after_ms").and_then(Value::as_u64) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(millis.div_ceil(1_000)));
        }
        body.extend(told);
        Self { status, headers, body, why: None }
    }

    /// From the result of a call that failed.
    pub(super) fn of_tool_error(result: &Value, kind: Option<Kind>) -> Self {
        let text = result["content"][0]["text"].as_str().unwrap_or_default();
        let status = status(kind).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
        match serde_json::from_str(text) {
            Ok(Value::Object(told)) if told.contains_key("code") => Self::told(status, told),
            // A tool that words its failures itself.
            _ => Self::new(status, "tool_error", text),
        }
    }

    /// From whatever refused a message before or behind the call.
    pub(super) fn of_refusal(
        status_told: StatusCode,
        headers: &HeaderMap,
        body: &Value,
        kind: Option<Kind>,
    ) -> Self {
        let error = &body["error"];
        let (own, fallback) = match error["code"].as_i64() {
            Some(-32_603) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            Some(-32_602) => (StatusCode::BAD_REQUEST, "invalid_params"),
            Some(-32_601) => (StatusCode::NOT_FOUND, "not_found"),
            _ if status_told.as_u16() < 400 => (StatusCode::BAD_GATEWAY, "no_answer"),
            Some(1_403) => (status_told, "insufficient_scope"),
            Some(1_503) => (status_told, "overloaded"),
            _ => (status_told, word(status_told)),
        };
        let refused = if status_told.as_u16() < 400 { own } else { status_told };
        let status = status(kind).unwrap_or(refused);
        let fallback = if status == StatusCode::NOT_FOUND && kind.is_some() {
            "unknown_tool"
        } else {
            fallback
        };
        let mut told = match &error["data"] {
            Value::Object(data) => data.clone(),
            _ => body.as_object().filter(|_| error.is_null()).cloned().unwrap_or_default(),
        };
        told.retain(|key, _| {
            ["code", "hint", "field", "retry_after_ms", "details", "request_id", "message"]
                .contains(&key.as_str())
        });
        if !told.get("code").is_some_and(Value::is_string) {
            told.insert("code".to_owned(), fallback.into());
        }
        if let Some(message) = error["message"].as_str() {
            told.insert("message".to_owned(), message.into());
        }
        told.entry("message").or_insert_with(|| fallback.replace('_', " ").into());
        let mut problem = Self::told(status, told);
        for name in KEPT {
            if let Some(value) = headers.get(&name) {
                problem.headers.insert(name, value.clone());
            }
        }
        problem
    }

    pub(in crate::transport) fn with_retry_after(mut self, after: Duration) -> Self {
        let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        self.body.insert("retry_after_ms".to_owned(), millis.into());
        self.with_header(header::RETRY_AFTER, HeaderValue::from(millis.div_ceil(1_000)))
    }

    pub(in crate::transport) fn with_header(
        mut self,
        name: HeaderName,
        value: HeaderValue,
    ) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Say for what it is to be counted and written down.
    pub(in crate::transport) fn because(mut self, why: impl Into<Option<Why>>) -> Self {
        self.why = why.into();
        self
    }

    pub(in crate::transport) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.body.insert("hint".to_owned(), hint.into().into());
        self
    }

    /// Name the request, unless the failure already does.
    pub(in crate::transport) fn with_request(mut self, id: Option<&RequestId>) -> Self {
        if let Some(id) = id {
            self.body.entry("request_id").or_insert_with(|| id.as_str().into());
        }
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body)).into_response();
        let kind = HeaderValue::from_static(MEDIA_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.headers_mut().extend(self.headers);
        if let Some(why) = self.why {
            why.mark(&mut response);
        }
        response
    }
}

/// The code of a refusal that names none.
fn word(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        406 => "not_acceptable",
        408 => "request_timeout",
        413 => "too_large",
        415 => "unsupported_media_type",
        429 => "rate_limited",
        503 => "unavailable",
        500..=599 => "internal",
        _ => "invalid_request",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_error_keeps_its_words_and_gets_its_status() {
        let text = r#"{"code":"slow_down","message":"too many","hint":"wait","retry_after_ms":1500,"request_id":"r"}"#;
        let result = json!({"isError": true, "content": [{"type": "text", "text": text}]});
        let problem = Problem::of_tool_error(&result, Some(Kind::RateLimited));
        assert_eq!(problem.headers[header::RETRY_AFTER], "2");
        assert_eq!(
            Value::Object(problem.body),
            json!({"type": "about:blank", "title": "Too Many Requests", "status": 429,
                "detail": "too many", "code": "slow_down", "hint": "wait",
                "retry_after_ms": 1500, "request_id": "r"})
        );
    }

    #[test]
    fn a_refusal_keeps_status_challenge_and_message() {
        let mut headers = HeaderMap::new();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        let body =
            json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "no"}});
        let problem = Problem::of_refusal(StatusCode::UNAUTHORIZED, &headers, &body, None);
        assert_eq!(problem.status, 401);
        assert_eq!(problem.headers[header::WWW_AUTHENTICATE], "Bearer");
        assert_eq!(
            (&problem.body["code"], &problem.body["detail"]),
            (&json!("unauthorized"), &json!("no"))
        );
        let lost = Problem::of_refusal(StatusCode::OK, &headers, &Value::Null, None);
        assert_eq!((lost.status.as_u16(), &lost.body["code"]), (502, &json!("no_answer")));
    }
}
