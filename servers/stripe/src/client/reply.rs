//! What is read of an answer: first its head, then its body.

use std::time::{Duration, SystemTime};

use mcp_core::http_client::reqwest::{Response, header::HeaderMap};
use serde_json::{Map, Value};

use super::failure::{Body, Failure, parse_error};
use crate::text;

/// No answer of the API comes near this; a larger one is not read to its end.
const MAX_BODY: usize = 16 << 20;

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
                .map(|id| text::clean(id, 100))
                .filter(|id| !id.is_empty()),
            replayed: flag("idempotent-replayed") == Some(true),
            retry_after: text("retry-after")
                .and_then(|value| retry_after(value, SystemTime::now())),
            should_retry: flag("stripe-should-retry"),
        }
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

/// Read an answer to its end.
pub(crate) async fn read(is_write: bool, response: Response) -> Result<Reply, Failure> {
    let head = Head::of(response.status().as_u16(), response.headers());
    let body = match collect(response).await {
        Ok(body) => body,
        Err(broken) => return Err(parse_error(is_write, &head, &broken)),
    };
    if (200..=299).contains(&head.status) {
        if let Ok(Value::Object(body)) = serde_json::from_slice(&body) {
            return Ok(Reply { body, request_id: head.request_id, replayed: head.replayed });
        }
    }
    Err(parse_error(is_write, &head, &Body::Whole(&body)))
}

async fn collect(mut response: Response) -> Result<Vec<u8>, Body<'static>> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_BODY => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => return Err(Body::Broken),
            Ok(None) => return Ok(body),
            Err(error) if error.is_timeout() => return Err(Body::Late),
            Err(_) => return Err(Body::Broken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let table = [
            ("5", Some(5)),
            ("0", Some(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ];
        for (value, seconds) in table {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }

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
