//! What is read of an answer: first its head, then its body.

use std::time::{Duration, SystemTime};

use mcp_core::{
    untrusted,
    upstream::{self, Answer, header::HeaderMap, retry_after},
};
use serde_json::{Map, Value};

use super::failure::{Body, Failure, parse_error};

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) body: Map<String, Value>,
    pub(crate) request_id: Option<String>,
    /// Stripe gave back the saved answer of an earlier call with the same idempotency key.
    pub(crate) replayed: bool,
}

/// Status and headers of an answer, known before its body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) request_id: Option<String>,
    pub(crate) replayed: bool,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) should_retry: Option<bool>,
}

impl Head {
    pub(crate) fn of(status: u16, headers: &HeaderMap) -> Self {
        let text =
            |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let flag = |name: &str| match text(name) {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        Self {
            status,
            request_id: text("request-id")
                .map(|id| untrusted::line(id, 100))
                .filter(|id| !id.is_empty()),
            replayed: flag("idempotent-replayed") == Some(true),
            retry_after: retry_after(headers, SystemTime::now()),
            should_retry: flag("stripe-should-retry"),
        }
    }
}

/// What an answer says.
pub(crate) fn read(is_write: bool, answer: Answer) -> Result<Reply, Failure> {
    let head = Head::of(answer.status, &answer.headers);
    let body = match answer.body {
        upstream::Body::Whole(body) => body,
        upstream::Body::Late => return Err(parse_error(is_write, &head, &Body::Late)),
        // No answer of the API comes near the cap.
        upstream::Body::Broken | upstream::Body::TooLarge => {
            return Err(parse_error(is_write, &head, &Body::Broken));
        }
    };
    if (200..=299).contains(&head.status) {
        if let Ok(Value::Object(body)) = serde_json::from_slice(&body) {
            return Ok(Reply { body, request_id: head.request_id, replayed: head.replayed });
        }
    }
    Err(parse_error(is_write, &head, &Body::Whole(&body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_read_whatever_the_case_of_its_names() {
        let mut headers = HeaderMap::new();
        headers.insert("Request-Id", "req_1".parse().unwrap());
        headers.insert("Idempotent-Replayed", "true".parse().unwrap());
        headers.insert("Stripe-Should-Retry", "false".parse().unwrap());
        let head = Head::of(500, &headers);
        assert_eq!(
            (head.request_id.as_deref(), head.replayed, head.should_retry),
            (Some("req_1"), true, Some(false))
        );
    }
}
