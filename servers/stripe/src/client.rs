//! The HTTP client: one request in Stripe's form, its headers, its retries.

pub(crate) mod cause;
pub(crate) mod failure;
pub(crate) mod reply;

use std::time::Duration;

use mcp_core::{
    StartError, deadline,
    prelude::CancellationToken,
    upstream::{self, Options, Reach, RetryPolicy, Upstream, Upstreams, Url},
};
use serde_json::{Map, Value};
use tokio::time::Instant;

use self::{
    cause::Cause,
    failure::{Failure, Outcome},
    reply::Reply,
};
use crate::{
    Error,
    config::{STRIPE, Settings},
    form::{self, Pairs},
    key::{ApiKey, KeyKind},
};

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// What a call keeps back of its time, to say what became of a write.
const MARGIN: Duration = Duration::from_secs(1);

/// A pooled client bound to one key and API version.
pub(crate) struct Client {
    upstream: Upstream,
    base: String,
    key: ApiKey,
    version: String,
    account: Option<String>,
    budget: Duration,
}

impl Client {
    pub(crate) fn new(
        settings: Settings,
        upstreams: &Upstreams,
        retry: RetryPolicy,
    ) -> Result<Self, StartError> {
        let base = Url::parse(&settings.base)
            .map_err(|error| StartError::internal(format!("STRIPE_API_BASE: {error}")))?;
        // Another base than Stripe's own was chosen by the operator, who may choose a local one.
        let reach = if settings.base == STRIPE { Reach::Public } else { Reach::Private };
        let options = Options::new("stripe", env!("CARGO_PKG_VERSION"));
        Ok(Self {
            upstream: upstreams.add(options.list(&base, reach).retry(retry)),
            base: settings.base,
            key: settings.key,
            version: settings.version,
            account: settings.account,
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
        deadline::leaving(MARGIN, self.budget)
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
        let Some(sent) = self.sent(request, deadline) else {
            return Err(Failure::without_answer(Cause::Refused, Outcome::None));
        };
        let mut retry = self.upstream.retry(&sent);
        let mut doubt = Outcome::None;
        for attempt in 1.. {
            let mut failure = match self.attempt(request, &sent, cancel).await {
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
            if !failure.may_try_again() {
                return Err(failure);
            }
            let Some(delay) = retry.pause(failure.retry_after) else { return Err(failure) };
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
        sent: &upstream::Request,
        cancel: &CancellationToken,
    ) -> Result<Reply, Failure> {
        if cancel.is_cancelled() {
            return Err(Failure::without_answer(Cause::Cancelled, Outcome::None));
        }
        tokio::select! {
            answer = self.upstream.attempt(sent) => match answer {
                Ok(answer) => reply::read(request.is_write(), answer),
                Err(failure) => Err(Failure::unanswered(failure, request.doubt())),
            },
            () = cancel.cancelled() => Err(Failure::without_answer(Cause::Cancelled, request.doubt())),
        }
    }

    /// The request as it goes out. Its idempotency key is what makes a write one that may be
    /// repeated.
    fn sent(&self, request: &Request, deadline: Instant) -> Option<upstream::Request> {
        let body = form::encode(&request.pairs);
        let mut url = Url::parse(&request.url).ok()?;
        let sent = if request.is_write() {
            upstream::Request::post(url, FORM, body).idempotent()
        } else {
            url.set_query(Some(body.as_str()).filter(|query| !query.is_empty()));
            upstream::Request::get(url)
        };
        let headers = request.headers.iter();
        let sent = headers.fold(sent, |sent, (name, value)| sent.header(name, value));
        Some(sent.bearer(self.key.expose()).before(deadline))
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
