//! The HTTP client: one request in Stripe's form, its headers, its retries.

pub(crate) mod cause;
pub(crate) mod failure;
pub(crate) mod reply;
pub(crate) mod retry;

use std::time::Duration;

use mcp_core::{
    StartError,
    http_client::{
        ClientOptions, client,
        reqwest::{self, header::CONTENT_TYPE},
    },
    prelude::CancellationToken,
};
use serde_json::{Map, Value};
use tokio::time::Instant;

use self::{
    cause::Cause,
    failure::{Failure, Outcome},
    reply::Reply,
    retry::Policy,
};
use crate::{
    Error,
    config::Settings,
    form::{self, Pairs},
    key::{ApiKey, KeyKind},
};

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// A pooled client bound to one key and API version.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    key: ApiKey,
    version: String,
    account: Option<String>,
    retry: Policy,
    budget: Duration,
}

impl Client {
    pub(crate) fn new(settings: Settings, retry: Policy) -> Result<Self, StartError> {
        let options = ClientOptions::new("stripe", env!("CARGO_PKG_VERSION"));
        Ok(Self {
            http: client(options)?,
            base: settings.base,
            key: settings.key,
            version: settings.version,
            account: settings.account,
            retry,
            budget: settings.timeout,
        })
    }

    pub(crate) fn key(&self) -> &ApiKey {
        &self.key
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The account a call acts for: its own choice, else the configured one, else the key's own.
    pub(crate) fn acting_for<'a>(&'a self, account: Option<&'a str>) -> Option<&'a str> {
        account.or(self.account.as_deref())
    }

    /// When a call that begins now must have ended, retries included.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.budget
    }

    /// A read.
    ///
    /// # Errors
    /// Parameters that have no form encoding; an organization key without an account.
    pub(crate) fn get(
        &self,
        path: impl Into<String>,
        parameters: &Map<String, Value>,
        account: Option<&str>,
    ) -> Result<Request, Error> {
        self.request(&path.into(), parameters, account, None)
    }

    /// A write. It is sent at most once per idempotency key, as far as Stripe keeps the key.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) fn post(
        &self,
        path: impl Into<String>,
        parameters: &Map<String, Value>,
        account: Option<&str>,
        idempotency_key: String,
    ) -> Result<Request, Error> {
        self.request(&path.into(), parameters, account, Some(idempotency_key))
    }

    fn request(
        &self,
        path: &str,
        parameters: &Map<String, Value>,
        account: Option<&str>,
        idempotency_key: Option<String>,
    ) -> Result<Request, Error> {
        let account = self.acting_for(account).map(str::to_owned);
        let mut headers = vec![("Stripe-Version", self.version.clone())];
        match (account, self.key.kind) {
            // docs.stripe.com/keys/organization-api-keys: such a key always needs the context.
            (Some(account), KeyKind::Organization) => headers.push(("Stripe-Context", account)),
            (Some(account), _) => headers.push(("Stripe-Account", account)),
            (None, KeyKind::Organization) => return Err(Error::AccountRequired),
            (None, _) => {}
        }
        headers.extend(idempotency_key.clone().map(|key| ("Idempotency-Key", key)));
        let url = format!("{}{path}", self.base);
        Ok(Request { url, headers, pairs: form::pairs(parameters)?, idempotency_key })
    }

    /// Send a request until it is answered, refused for good, or `deadline` is near.
    ///
    /// # Errors
    /// The last failure. Its outcome is the worst of all attempts: once an attempt may have taken
    /// effect, a later refusal does not make that unsaid.
    pub(crate) async fn send(
        &self,
        request: &Request,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<Reply, Failure> {
        let mut doubt = Outcome::None;
        for attempt in 1.. {
            let mut failure = match self.attempt(request, deadline, cancel).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            // A replay is Stripe's word on the first attempt, so it settles the doubt.
            if !failure.replayed {
                doubt = doubt.max(failure.outcome);
                failure.outcome = doubt;
            }
            failure.attempts = attempt;
            failure.idempotency_key.clone_from(&request.idempotency_key);
            let remaining = deadline.saturating_duration_since(Instant::now());
            let random = getrandom::u32().unwrap_or(u32::MAX);
            let Some(delay) = self.retry.delay(&failure, attempt, random, remaining) else {
                return Err(failure);
            };
            tracing::debug!(
                code = failure.code(),
                attempt,
                delay_ms = delay.as_millis(),
                "will try again"
            );
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = cancel.cancelled() => return Err(failure),
            }
        }
        unreachable!("the loop ends by returning")
    }

    async fn attempt(
        &self,
        request: &Request,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<Reply, Failure> {
        if cancel.is_cancelled() {
            return Err(Failure::without_answer(Cause::Cancelled, Outcome::None));
        }
        tokio::select! {
            answer = self.exchange(request, deadline) => answer,
            () = cancel.cancelled() => Err(Failure::without_answer(Cause::Cancelled, request.doubt())),
        }
    }

    async fn exchange(&self, request: &Request, deadline: Instant) -> Result<Reply, Failure> {
        let remaining = deadline.saturating_duration_since(Instant::now());
        let body = form::encode(&request.pairs);
        let builder = if request.is_write() {
            self.http.post(&request.url).header(CONTENT_TYPE, FORM).body(body)
        } else if body.is_empty() {
            self.http.get(&request.url)
        } else {
            self.http.get(format!("{}?{body}", request.url))
        };
        let builder = request
            .headers
            .iter()
            .fold(builder, |builder, (name, value)| builder.header(*name, value));
        let sent = builder.bearer_auth(self.key.expose()).timeout(remaining).send().await;
        match sent {
            Ok(response) => reply::read(request.is_write(), response).await,
            Err(error) => Err(unanswered(request, &error)),
        }
    }
}

/// An exchange that ended before a status came. The error's own text is never used: it holds the
/// URL, and with it the caller's data.
fn unanswered(request: &Request, error: &reqwest::Error) -> Failure {
    if error.is_connect() {
        Failure::without_answer(Cause::Unreachable, Outcome::None)
    } else if error.is_timeout() {
        Failure::without_answer(Cause::Timeout, request.doubt())
    } else {
        Failure::without_answer(Cause::Lost, request.doubt())
    }
}

/// A request, ready to be sent or shown.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) url: String,
    /// All but `Authorization`.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) pairs: Pairs,
    pub(crate) idempotency_key: Option<String>,
}

impl Request {
    pub(crate) fn is_write(&self) -> bool {
        self.idempotency_key.is_some()
    }

    /// What becomes of it when it is sent and no answer comes.
    fn doubt(&self) -> Outcome {
        if self.is_write() { Outcome::Unknown } else { Outcome::None }
    }

    pub(crate) fn method(&self) -> &'static str {
        if self.is_write() { "POST" } else { "GET" }
    }
}

/// A fresh idempotency key: 122 random bits in the shape of a UUID version 4 (RFC 9562, section 5.4).
///
/// # Errors
/// When the system has no randomness to give; a guessable key must not be sent.
pub(crate) fn fresh_key() -> Result<String, Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| Error::Argument {
        field: "/idempotency_key",
        message: "the system has no random bytes; give a key of your own".to_owned(),
    })?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let value = u128::from_be_bytes(bytes);
    Ok(format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        value >> 96,
        (value >> 80) & 0xffff,
        (value >> 64) & 0xffff,
        (value >> 48) & 0xffff,
        value & 0xffff_ffff_ffff
    ))
}

#[cfg(test)]
#[path = "../tests/it/fake.rs"]
mod fake;
#[cfg(test)]
mod tests;
