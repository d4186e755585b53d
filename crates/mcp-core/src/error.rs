//! The one error that a tool answers with, and its form on the wire.

use std::{borrow::Cow, fmt, time::Duration};

use rmcp::{
    ErrorData,
    handler::server::tool::IntoCallToolResult,
    model::{CallToolResponse, CallToolResult, ContentBlock},
};
use serde::Serialize;
use serde_json::Value;

use crate::untrusted;

/// What a tool handler returns.
///
/// It is *named* `Result` because rmcp finds the output schema by that word.
pub type Result<T, E = ToolError> = std::result::Result<T, E>;

/// The class of a failure: it alone decides retry advice, metric label and HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The arguments are wrong; the hint says the repair.
    InvalidInput,
    /// The named thing does not exist, or is not the caller's.
    NotFound,
    /// The state does not allow it now (version, duplicate, in use).
    Conflict,
    /// A policy refuses it.
    Refused,
    /// The upstream refused it or answered nonsense.
    Upstream,
    /// A quota is used up; try again after `retry_after`.
    RateLimited,
    /// A deadline passed.
    Timeout,
    /// Something needed is down; try again.
    Unavailable,
    /// The caller cancelled.
    Cancelled,
    /// A fault of the server: answered as a JSON-RPC error without details.
    Internal,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::InvalidInput,
        Self::NotFound,
        Self::Conflict,
        Self::Refused,
        Self::Upstream,
        Self::RateLimited,
        Self::Timeout,
        Self::Unavailable,
        Self::Cancelled,
        Self::Internal,
    ];

    pub(crate) fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.label() == label)
    }

    /// Metric label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Upstream => "upstream",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }
}

/// A failure that the caller can read and repair.
///
/// On the wire: compact JSON text with `isError: true`; absent fields are left out.
#[derive(Debug, Clone)]
pub struct ToolError(Box<Body>);

#[derive(Debug, Clone)]
struct Body {
    kind: Kind,
    code: Cow<'static, str>,
    message: String,
    hint: Option<String>,
    field: Option<String>,
    retry_after: Option<Duration>,
    details: Option<Value>,
    request_id: Option<String>,
}

impl ToolError {
    /// A failure of a class, with its stable code (snake case) and a lowercase message that names
    /// the field and the bound.
    pub fn new(kind: Kind, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self(Box::new(Body {
            kind,
            code: code.into(),
            message: message.into(),
            hint: None,
            field: None,
            retry_after: None,
            details: None,
            request_id: None,
        }))
    }

    /// `invalid_argument` at a JSON pointer into the arguments.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidInput, "invalid_argument", message).with_field(field)
    }

    /// A fault of the server. The message goes to the log, never to the caller.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, "internal", message)
    }

    /// Say how to repair it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Name the argument by JSON pointer (RFC 6901).
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// Say when a repeat may succeed.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Add machine-readable facts.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    pub(crate) fn with_request_id(mut self, id: &str) -> Self {
        self.0.request_id = Some(id.to_owned());
        self
    }

    /// Class of the failure.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Stable code, in snake case.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    pub(crate) fn shared_code(&self) -> Cow<'static, str> {
        self.0.code.clone()
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// How to repair it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// JSON pointer of the argument at fault.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The form on the wire.
    pub fn to_json(&self) -> Value {
        let body = &self.0;
        // A message may repeat a word of the caller's: what acts on a reader stays out of it.
        let hint = body.hint.as_deref().map(untrusted::clean);
        serde_json::to_value(Wire {
            code: &body.code,
            message: &untrusted::clean(&body.message),
            hint: hint.as_deref(),
            field: body.field.as_deref(),
            retry_after_ms: body
                .retry_after
                .map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
            details: body.details.as_ref(),
            request_id: body.request_id.as_deref(),
        })
        .unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)
    }
}

impl std::error::Error for ToolError {}

/// Where the class of a failure crosses rmcp; the pipeline takes it out again.
const KIND_META: &str = "machina/kind";

impl IntoCallToolResult for ToolError {
    fn into_call_tool_result(self) -> std::result::Result<CallToolResponse, ErrorData> {
        let mut result = self.to_result();
        let kind = Value::from(self.kind().label());
        result.meta.get_or_insert_default().0.insert(KIND_META.to_owned(), kind);
        Ok(result.into())
    }
}

impl ToolError {
    /// The failure as a tool result.
    pub(crate) fn to_result(&self) -> CallToolResult {
        CallToolResult::error(vec![ContentBlock::text(self.to_json().to_string())])
    }

    /// Take the typed failure back out of a result that a handler returned.
    pub(crate) fn from_result(result: &mut CallToolResult) -> Option<Self> {
        let label = result.meta.as_mut()?.0.remove(KIND_META)?;
        let text = &result.content.first()?.as_text()?.text;
        let wire: Value = serde_json::from_str(text).ok()?;
        Self::of_wire(Kind::from_label(label.as_str()?)?, &wire)
    }

    /// The failure of a class that was written by [`Self::to_json`].
    pub(crate) fn of_wire(kind: Kind, wire: &Value) -> Option<Self> {
        let part = |name: &str| wire.get(name)?.as_str().map(str::to_owned);
        let mut error = Self::new(kind, Cow::Owned(part("code")?), part("message")?);
        error.0.hint = part("hint");
        error.0.field = part("field");
        error.0.retry_after = wire["retry_after_ms"].as_u64().map(Duration::from_millis);
        error.0.details = wire.get("details").cloned();
        Some(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_form_leaves_absent_fields_out() {
        let error = ToolError::invalid("/trials", "must be >= 1, was 0");
        assert_eq!(
            error.to_json(),
            serde_json::json!({"code": "invalid_argument", "message": "must be >= 1, was 0", "field": "/trials"})
        );
    }

    #[test]
    fn a_failure_survives_the_way_through_rmcp() {
        for kind in Kind::ALL {
            let sent = ToolError::new(kind, "some_code", "message")
                .with_hint("hint")
                .with_retry_after(Duration::from_secs(2));
            let Ok(CallToolResponse::Complete(mut result)) = sent.clone().into_call_tool_result()
            else {
                panic!("a failure is a complete result");
            };
            let got = ToolError::from_result(&mut result).expect("typed failure");
            assert_eq!(got.kind(), kind);
            assert_eq!(got.to_json(), sent.to_json());
            assert_eq!(result.meta.map(|meta| meta.0.len()), Some(0));
        }
    }

    #[test]
    fn what_acts_on_a_reader_stays_out_of_messages() {
        let json =
            ToolError::invalid("/x", "no `\u{202e}txet`\n  ^").with_hint("a\u{1b}[31mb").to_json();
        assert_eq!((&json["message"], &json["hint"]), (&"no `txet`\n  ^".into(), &"ab".into()));
    }

    #[test]
    fn wire_form_carries_everything_that_is_set() {
        let error = ToolError::new(Kind::RateLimited, "rate_limited", "too many calls")
            .with_hint("slow down")
            .with_retry_after(Duration::from_millis(1500))
            .with_details(serde_json::json!({"limit": 10}))
            .with_request_id("r-1");
        let json = error.to_json();
        assert_eq!(json["retry_after_ms"], 1500);
        assert_eq!(json["details"]["limit"], 10);
        assert_eq!(json["request_id"], "r-1");
        assert_eq!(json["hint"], "slow down");
    }
}
