//! What a failed exchange with Stripe means: the one place that reads statuses and error bodies.

use std::time::Duration;

use mcp_core::{ToolError, secret, untrusted, upstream};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{cause::Cause, reply::Head};

/// Whether a failed write has happened at Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It has not; a read never does anything.
    None,
    /// It may have.
    Unknown,
    /// It has; only the answer was lost.
    Applied,
}

/// A failed exchange with Stripe.
#[derive(Debug, Clone)]
pub struct Failure {
    pub(crate) cause: Cause,
    pub(crate) outcome: Outcome,
    pub(crate) retryable: bool,
    pub(crate) replayed: bool,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) attempts: u32,
    pub(crate) idempotency_key: Option<String>,
    facts: Box<Map<String, Value>>,
}

impl Failure {
    /// An exchange that brought no status: `outcome` says what became of a write.
    pub(crate) fn without_answer(cause: Cause, outcome: Outcome) -> Self {
        Self {
            cause,
            outcome,
            retryable: cause.is_transient(),
            replayed: false,
            retry_after: None,
            attempts: 1,
            idempotency_key: None,
            facts: Box::default(),
        }
    }

    /// An exchange that ended before a status came; `doubt` is what becomes of a request that may
    /// have arrived.
    pub(crate) fn unanswered(failure: upstream::Failure, doubt: Outcome) -> Self {
        use upstream::Failure as Ended;
        let outcome = if failure.may_have_arrived() { doubt } else { Outcome::None };
        let cause = match failure {
            Ended::Refused(_) => Cause::Refused,
            Ended::Open(_) => Cause::Suspended,
            Ended::Unreachable => Cause::Unreachable,
            Ended::NoTime | Ended::Timeout => Cause::Timeout,
            _ => Cause::Lost,
        };
        let retry_after = if let Ended::Open(left) = failure { Some(left) } else { None };
        Self { retry_after, ..Self::without_answer(cause, outcome) }
    }

    /// Whether to try again within this call.
    pub(crate) fn may_try_again(&self) -> bool {
        self.retryable && self.outcome != Outcome::Applied && self.cause != Cause::Suspended
    }

    /// A read that succeeded with a body the API does not promise; `what` names the oddity.
    pub(crate) fn unreadable(request_id: Option<String>, what: &str) -> Self {
        let mut failure = Self::without_answer(Cause::Unreadable, Outcome::None);
        failure.retryable = false;
        failure.facts.insert("problem".to_owned(), what.into());
        failure.facts.extend(request_id.map(|id| ("request_id".to_owned(), id.into())));
        failure
    }

    /// The exchange brought a status; facts of the head are kept whatever became of the body.
    fn with_head(mut self, head: &Head) -> Self {
        self.facts.insert("http_status".to_owned(), head.status.into());
        if let Some(id) = &head.request_id {
            self.facts.insert("request_id".to_owned(), id.clone().into());
        }
        self.replayed = head.replayed;
        self.retry_after = head.retry_after;
        self.retryable = head.should_retry.unwrap_or(self.retryable);
        self
    }

    /// What went wrong, as a lowercase fragment without foreign text.
    pub fn message(&self) -> &'static str {
        self.cause.message()
    }

    /// A fact of the answer, by its name in `details`.
    #[cfg(test)]
    pub(crate) fn fact(&self, name: &str) -> Option<&Value> {
        self.facts.get(name)
    }

    pub(crate) fn code(&self) -> &'static str {
        self.cause.code()
    }

    pub(crate) fn into_tool_error(self) -> ToolError {
        let cause = self.cause;
        let mut details = *self.facts;
        details.insert("retryable".to_owned(), self.retryable.into());
        details
            .insert("outcome".to_owned(), serde_json::to_value(self.outcome).unwrap_or_default());
        let mut hint = cause.hint().to_owned();
        if let Some(key) = self.idempotency_key {
            if self.outcome != Outcome::None {
                hint = format!(
                    "whether it took effect is {}; repeat with the same arguments and this idempotency_key within 23 hours: it runs at most once",
                    if self.outcome == Outcome::Applied {
                        "certain, only the answer is lost"
                    } else {
                        "unknown"
                    }
                );
            }
            details.insert("idempotency_key".to_owned(), key.into());
        }
        if self.attempts > 1 {
            details.insert("attempts".to_owned(), self.attempts.into());
        }
        let error = ToolError::new(cause.kind(), cause.code(), cause.message())
            .with_hint(hint)
            .with_details(details.into());
        match self.retry_after {
            Some(after) if self.retryable => error.with_retry_after(after),
            _ => error,
        }
    }
}

/// What became of the body of an answer.
pub(crate) enum Body<'a> {
    /// It arrived whole.
    Whole(&'a [u8]),
    /// It broke off.
    Broken,
    /// It took too long.
    Late,
}

/// Read an answer that is not a usable success.
///
/// The status and headers decide; the body only refines, so that a web server's HTML page or a
/// body that broke off still has a meaning. Sources: docs.stripe.com/api/errors,
/// docs.stripe.com/error-low-level (what 409, 429 and `Stripe-Should-Retry` mean) and
/// `docs.stripe.com/api/idempotent_requests` (a replay is the first answer, whatever it was).
pub(crate) fn parse_error(is_write: bool, head: &Head, body: &Body<'_>) -> Failure {
    let parsed = match body {
        Body::Whole(bytes) => serde_json::from_slice::<Value>(bytes).ok(),
        Body::Broken | Body::Late => None,
    };
    let error = parsed.as_ref().and_then(|value| value.get("error")?.as_object());
    let cause = cause_of(head, body, error);
    let outcome = if is_write { outcome_of(head, cause) } else { Outcome::None };
    let mut failure = Failure::without_answer(cause, outcome);
    // Nothing behind a redirect is Stripe; repeating would meet the same page.
    failure.retryable &= !(300..=399).contains(&head.status);
    failure.facts.extend(error.map(facts_of).unwrap_or_default());
    failure.with_head(head)
}

fn cause_of(head: &Head, body: &Body<'_>, error: Option<&Map<String, Value>>) -> Cause {
    let field = |name: &str| error.and_then(|error| error.get(name)?.as_str()).unwrap_or_default();
    let (kind, code) = (field("type"), field("code"));
    match head.status {
        200..=299 if matches!(body, Body::Late) => Cause::Timeout,
        100..=399 => Cause::Unreadable,
        _ if kind == "idempotency_error" && code != "idempotency_key_in_use" => {
            Cause::IdempotencyMismatch
        }
        401 => Cause::Authentication,
        402 => Cause::Card,
        _ if kind == "card_error" => Cause::Card,
        403 => Cause::Permission,
        // No code tells this from a plain 404; a changed wording would only cost the better hint.
        404 if field("message").contains("a similar object exists in") => Cause::ModeMismatch,
        404 => Cause::NotFound,
        409 if code == "idempotency_key_in_use" => Cause::KeyInUse,
        _ if code == "lock_timeout" => Cause::Locked,
        409 => Cause::Conflict,
        429 => Cause::RateLimited,
        424 => Cause::Server,
        500.. if head.replayed => Cause::Saved,
        500.. => Cause::Server,
        _ => Cause::InvalidRequest,
    }
}

fn outcome_of(head: &Head, cause: Cause) -> Outcome {
    match (head.status, cause) {
        // Only Stripe gives a request id: without one, a proxy's page says nothing of the write.
        (200..=299, _) if head.request_id.is_some() => Outcome::Applied,
        (200..=299, _) => Outcome::Unknown,
        (424 | 500.., _) | (_, Cause::KeyInUse) => Outcome::Unknown,
        (100..=399, _) => Outcome::Unknown,
        _ => Outcome::None,
    }
}

/// The facts of Stripe's error object that help a caller, bounded and cleaned.
fn facts_of(error: &Map<String, Value>) -> Map<String, Value> {
    let names = [
        ("type", "type"),
        ("code", "code"),
        ("decline_code", "decline_code"),
        ("advice_code", "advice_code"),
        ("network_decline_code", "network_decline_code"),
        ("param", "param"),
        ("doc_url", "doc_url"),
        ("message", "upstream_message"),
    ];
    let text = |name: &str| error.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    names
        .into_iter()
        .filter_map(|(from, to)| {
            let shown = untrusted::show(text(from)?, 400);
            Some((to.to_owned(), secret::mask(&shown).into()))
        })
        .collect()
}

#[cfg(test)]
mod tests;
