//! Everything that can go wrong between here and the store, in one table.

use super::reply::{Charged, Reply};
use mcp_core::untrusted::line;
use mcp_core::{Kind, ToolError, upstream};
use serde_json::json;
use std::fmt;
use std::time::Duration;

/// A request that came to nothing.
#[derive(Debug, Clone)]
pub struct Failure {
    pub(super) class: Class,
    /// The upstream's own code.
    pub(super) code: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) request_id: Option<String>,
    /// The upstream's own words, cleaned; data, never shown as ours.
    pub(super) message: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) throttle: Option<Charged>,
}

/// What a failure means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    BadRequest,
    Credentials,
    Cursor,
    Forbidden,
    Frozen,
    Graphql,
    GraphqlInvalid,
    Inactive,
    Locked,
    Moved,
    NotFound,
    NotJson,
    RateLimited,
    Refused,
    Scope,
    Security,
    Shape,
    Suspended,
    Timeout,
    TooExpensive,
    TooLarge,
    Truncated,
    Unauthorized,
    Unavailable,
    Unreachable,
    UserErrors,
    Version,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) family: &'static str,
    pub(super) code: &'static str,
    pub(super) kind: Kind,
    pub(super) retryable: bool,
    message: &'static str,
    hint: &'static str,
}

const fn facts(
    family: &'static str,
    code: &'static str,
    kind: Kind,
    retryable: bool,
    message: &'static str,
    hint: &'static str,
) -> Facts {
    Facts { family, code, kind, retryable, message, hint }
}

impl Class {
    /// The meaning of an HTTP status; none for one that carries an answer.
    pub(super) fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            200..=299 => return None,
            300..=399 => Self::Moved,
            401 => Self::Unauthorized,
            402 => Self::Frozen,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            413 => Self::TooExpensive,
            423 => Self::Locked,
            429 => Self::RateLimited,
            430 => Self::Security,
            500.. => Self::Unavailable,
            _ => Self::BadRequest,
        })
    }

    /// The meaning of a GraphQL error on HTTP 200.
    pub(super) fn of_graphql(code: Option<&str>, message: &str) -> Self {
        match code.unwrap_or_default() {
            "THROTTLED" => Self::RateLimited,
            "ACCESS_DENIED" => Self::Scope,
            "MAX_COST_EXCEEDED" => Self::TooExpensive,
            "SHOP_INACTIVE" => Self::Inactive,
            "UNAUTHORIZED" => Self::Unauthorized,
            "FORBIDDEN" => Self::Forbidden,
            "TIMEOUT" | "QUERY_TIMEOUT" => Self::Timeout,
            "INTERNAL_SERVER_ERROR" | "SERVICE_UNAVAILABLE" => Self::Unavailable,
            _ if message.to_ascii_lowercase().contains("invalid cursor") => Self::Cursor,
            "argumentLiteralsIncompatible"
            | "GRAPHQL_VALIDATION_FAILED"
            | "INVALID_VARIABLE"
            | "missingRequiredArguments"
            | "undefinedArgument"
            | "undefinedField"
            | "undefinedType"
            | "variableMismatch" => Self::GraphqlInvalid,
            _ => Self::Graphql,
        }
    }

    #[expect(clippy::too_many_lines, reason = "one table")]
    pub(super) const fn facts(self) -> Facts {
        match self {
            Self::BadRequest => facts(
                "protocol",
                "bad_request",
                Kind::Upstream,
                false,
                "the store did not understand the request",
                "check SHOPIFY_API_VERSION",
            ),
            Self::Credentials => facts(
                "auth",
                "credentials_refused",
                Kind::Refused,
                false,
                "the store refused SHOPIFY_API_KEY and SHOPIFY_API_SECRET",
                "check both, and that the app is installed on the store and of its organization",
            ),
            Self::Cursor => facts(
                "graphql",
                "invalid_cursor",
                Kind::InvalidInput,
                false,
                "the store does not know the cursor any more",
                "leave cursor out to start again",
            ),
            Self::Forbidden => facts(
                "permission",
                "forbidden",
                Kind::Refused,
                false,
                "the store refused the request",
                "check the app's scopes and that its plan has the feature",
            ),
            Self::Frozen => facts(
                "store",
                "shop_frozen",
                Kind::Refused,
                false,
                "the store is frozen for an unpaid bill",
                "the store's owner settles it in the admin",
            ),
            Self::Graphql => facts(
                "graphql",
                "upstream_error",
                Kind::Upstream,
                false,
                "the store answered with an error",
                "details.message has the store's words",
            ),
            Self::GraphqlInvalid => facts(
                "graphql",
                "graphql_invalid",
                Kind::Upstream,
                false,
                "the store's API version does not know the query",
                "leave SHOPIFY_API_VERSION out, or check the id",
            ),
            Self::Inactive => facts(
                "store",
                "shop_inactive",
                Kind::Refused,
                false,
                "the store is not active",
                "the store's owner opens it in the admin",
            ),
            Self::Locked => facts(
                "store",
                "shop_locked",
                Kind::Refused,
                false,
                "the store is locked",
                "the store's owner contacts Shopify's support",
            ),
            Self::Moved => facts(
                "store",
                "store_moved",
                Kind::Upstream,
                false,
                "the store answered with a redirect, which is not followed",
                "set SHOPIFY_STORE_DOMAIN to the store's current myshopify.com domain",
            ),
            Self::NotFound => facts(
                "store",
                "store_not_found",
                Kind::Upstream,
                false,
                "there is no such store or API version",
                "check SHOPIFY_STORE_DOMAIN and SHOPIFY_API_VERSION",
            ),
            Self::NotJson => facts(
                "protocol",
                "invalid_response",
                Kind::Upstream,
                false,
                "the answer is not JSON",
                "check SHOPIFY_STORE_DOMAIN; the store may be in maintenance",
            ),
            Self::RateLimited => facts(
                "throttle",
                "rate_limited",
                Kind::RateLimited,
                true,
                "the store's request budget is used up",
                "try again after retry_after_ms, or ask for less",
            ),
            Self::Refused => facts(
                "network",
                "address_refused",
                Kind::Refused,
                false,
                "the store's address is not one to connect to",
                "check what SHOPIFY_STORE_DOMAIN resolves to; nothing was sent",
            ),
            Self::Scope => facts(
                "permission",
                "missing_scope",
                Kind::Refused,
                false,
                "the app lacks an access scope",
                "grant the scope that details.message names and install the app again",
            ),
            Self::Security => facts(
                "throttle",
                "security_rejection",
                Kind::RateLimited,
                true,
                "the store's protection turned the request away",
                "try again later and less often",
            ),
            Self::Shape => facts(
                "protocol",
                "unexpected_response",
                Kind::Upstream,
                false,
                "the answer is not of the schema's shape",
                "leave SHOPIFY_API_VERSION out",
            ),
            Self::Suspended => facts(
                "network",
                "upstream_unavailable",
                Kind::Unavailable,
                true,
                "the store failed repeatedly and is left alone for a while",
                "try again after retry_after_ms; nothing was sent",
            ),
            Self::Timeout => facts(
                "network",
                "upstream_timeout",
                Kind::Timeout,
                true,
                "the store did not answer in time",
                "try again, or ask for less",
            ),
            Self::TooExpensive => facts(
                "throttle",
                "query_too_expensive",
                Kind::InvalidInput,
                false,
                "the query costs more points than one query may",
                "ask for fewer rows with limit",
            ),
            Self::TooLarge => facts(
                "protocol",
                "response_too_large",
                Kind::Upstream,
                false,
                "the answer is larger than 10 MiB",
                "ask for fewer rows with limit",
            ),
            Self::Truncated => facts(
                "network",
                "truncated_response",
                Kind::Unavailable,
                true,
                "the answer ended in the middle",
                "try again",
            ),
            Self::Unauthorized => facts(
                "auth",
                "unauthorized",
                Kind::Refused,
                false,
                "the store refused the access token",
                "check SHOPIFY_ACCESS_TOKEN and that the app is still installed",
            ),
            Self::Unavailable => facts(
                "network",
                "upstream_unavailable",
                Kind::Unavailable,
                true,
                "the store has an internal failure",
                "try again",
            ),
            Self::Unreachable => facts(
                "network",
                "upstream_unreachable",
                Kind::Unavailable,
                true,
                "the store cannot be reached",
                "check SHOPIFY_STORE_DOMAIN and the network",
            ),
            Self::UserErrors => facts(
                "user_error",
                "user_errors",
                Kind::InvalidInput,
                false,
                "the store refused the values",
                "details.message has the store's words",
            ),
            Self::Version => facts(
                "protocol",
                "api_version_mismatch",
                Kind::Upstream,
                false,
                "the store answered with another API version than asked for",
                "set SHOPIFY_API_VERSION to a supported version, or leave it out",
            ),
        }
    }
}

impl Failure {
    pub(super) fn new(class: Class) -> Self {
        Self {
            class,
            code: None,
            status: None,
            request_id: None,
            message: None,
            retry_after: None,
            throttle: None,
        }
    }

    /// A request without an answer.
    pub(super) fn unanswered(failure: upstream::Failure) -> Box<Self> {
        use upstream::Failure as Ended;
        let class = match failure {
            Ended::Refused(_) => Class::Refused,
            Ended::Open(left) => {
                return Box::new(Self::new(Class::Suspended).with_retry_after(left));
            }
            Ended::NoTime | Ended::Timeout => Class::Timeout,
            _ => Class::Unreachable,
        };
        Box::new(Self::new(class))
    }

    /// Whether to try again within this call.
    pub(super) fn may_try_again(&self) -> bool {
        self.class.facts().retryable && self.class != Class::Suspended
    }

    pub(super) fn with_reply(mut self, reply: &Reply) -> Self {
        self.status = Some(reply.status);
        self.request_id.clone_from(&reply.request_id);
        self.retry_after = reply.retry_after;
        self
    }

    pub(super) fn with_message(mut self, message: &str) -> Self {
        self.message = Some(line(message, 300)).filter(|message| !message.is_empty());
        self
    }

    pub(super) fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Whether fewer rows might succeed.
    pub(crate) fn is_too_expensive(&self) -> bool {
        self.class == Class::TooExpensive
    }

    /// The points that the refused request would have cost.
    fn points_missing(&self) -> Option<Duration> {
        let Charged { requested, throttle, .. } = self.throttle?;
        let missing = (requested - throttle.available) / throttle.restore_rate;
        Duration::try_from_secs_f64(missing.max(0.0)).ok()
    }

    pub(crate) fn into_tool_error(self) -> ToolError {
        let facts = self.class.facts();
        let mut details = json!({
            "type": facts.family,
            "retryable": facts.retryable,
            // Queries change nothing, whatever became of them.
            "outcome": "none",
        });
        let optional = [
            ("code", self.code.clone().map(Into::into)),
            ("http_status", self.status.map(Into::into)),
            ("request_id", self.request_id.clone().map(Into::into)),
            ("message", self.message.clone().map(Into::into)),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                details[key] = value;
            }
        }
        let error = ToolError::new(facts.kind, facts.code, facts.message)
            .with_hint(facts.hint)
            .with_details(details);
        let after = self.retry_after.or_else(|| self.points_missing());
        match after.filter(|_| facts.retryable) {
            Some(after) => error.with_retry_after(after),
            None => error,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class.facts().message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::Class;

    #[test]
    fn every_status_but_success_means_something() {
        for status in (100..=999).filter(|status| !(200..300).contains(status)) {
            assert!(Class::of_status(status).is_some(), "{status}");
        }
    }
}
