//! One request, its answer, and how an exchange can fail.

use std::{error::Error, fmt, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue},
};
use tokio::time::Instant;
use url::Url;

use super::guard::Refusal;
use crate::{Kind, SecretString, ToolError};

/// A request. Its `Debug` shows neither headers nor body.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) idempotent: bool,
    pub(super) deadline: Option<Instant>,
    pub(super) fault: Option<Refusal>,
}

impl Request {
    /// A read: it may be repeated.
    pub fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            idempotent: true,
            deadline: None,
            fault: None,
        }
    }

    /// Anything else: sent once, unless it is said to be [idempotent](Self::idempotent).
    pub fn post(url: Url, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let request = Self { method: Method::POST, idempotent: false, ..Self::get(url) };
        Self { body: body.into(), ..request }
            .with(CONTENT_TYPE.as_str(), HeaderValue::from_str(content_type))
    }

    /// Say that sending it twice does no more than once: it only reads, or carries an idempotency
    /// key.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Give up at this moment, if the call's own deadline is not earlier.
    #[must_use]
    pub fn before(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Add a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(name, HeaderValue::from_str(value))
    }

    /// Add a header that must not follow a redirect to another origin.
    #[must_use]
    pub fn secret_header(self, name: &str, value: &SecretString) -> Self {
        self.with(name, secret(value.expose()))
    }

    /// Add `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.with(AUTHORIZATION.as_str(), secret(&format!("Bearer {token}")))
    }

    fn with(mut self, name: &str, value: Result<HeaderValue, InvalidHeaderValue>) -> Self {
        match (name.parse::<HeaderName>(), value) {
            (Ok(name), Ok(value)) => drop(self.headers.insert(name, value)),
            _ => self.fault = Some(Refusal::Header),
        }
        self
    }
}

fn secret(value: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(value)?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("idempotent", &self.idempotent)
            .finish_non_exhaustive()
    }
}

/// An answer: a status, and what became of its body.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Body,
}

/// What became of the body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// It arrived whole, and is no longer compressed.
    Whole(Vec<u8>),
    /// It broke off.
    Broken,
    /// It took too long.
    Late,
    /// It is larger than the cap, and was not read on.
    TooLarge,
}

/// An exchange that ended before a status came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The guard does not let it out; nothing was sent.
    Refused(Refusal),
    /// The host failed too often of late, and is left alone this long; nothing was sent.
    Open(Duration),
    /// The call's time was over before it began; nothing was sent.
    NoTime,
    /// No connection; nothing was sent.
    Unreachable,
    /// No answer in time; it may have been received.
    Timeout,
    /// The connection broke before an answer; it may have been received.
    Lost,
}

impl Failure {
    /// Whether the upstream may have received the request.
    pub const fn may_have_arrived(self) -> bool {
        matches!(self, Self::Timeout | Self::Lost)
    }

    /// Whether the same request may succeed later.
    pub const fn is_transient(self) -> bool {
        !matches!(self, Self::Refused(_))
    }

    /// Class, stable code, message and repair.
    const fn facts(self) -> (Kind, &'static str, &'static str, &'static str) {
        match self {
            Self::Refused(refusal) => (
                Kind::Refused,
                "address_refused",
                refusal.message(),
                "use a public https address, or have the operator list the host",
            ),
            Self::Open(_) => (
                Kind::Unavailable,
                "upstream_unavailable",
                "the upstream failed repeatedly and is left alone for a while",
                "try again after retry_after_ms",
            ),
            Self::NoTime => (
                Kind::Timeout,
                "deadline_exceeded",
                "the call's time was over before the upstream was asked",
                "ask for less in one call",
            ),
            Self::Unreachable => (
                Kind::Unavailable,
                "upstream_unreachable",
                "no connection to the upstream; nothing was sent",
                "try again later, or have the operator check address, network and TLS",
            ),
            Self::Timeout => (
                Kind::Timeout,
                "upstream_timeout",
                "the upstream did not answer in time",
                "try again, or ask for less",
            ),
            Self::Lost => (
                Kind::Unavailable,
                "connection_lost",
                "the connection to the upstream broke before an answer",
                "try again",
            ),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.facts().2)
    }
}

impl Error for Failure {}

impl From<Failure> for ToolError {
    fn from(failure: Failure) -> Self {
        let (kind, code, message, hint) = failure.facts();
        let error = Self::new(kind, code, message).with_hint(hint);
        match failure {
            Failure::Open(left) => error.with_retry_after(left),
            _ => error,
        }
    }
}
