//! The classes of failed exchanges: for each its kind, code, message and repair.

use mcp_core::Kind;

/// The class of a failed exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A parameter is missing, unknown or wrong.
    InvalidRequest,
    /// The key belongs to other parameters.
    IdempotencyMismatch,
    /// The API key is not accepted.
    Authentication,
    /// The payment method was declined.
    Card,
    /// The API key may not do this.
    Permission,
    /// There is no such object.
    NotFound,
    /// The object is in the other environment.
    ModeMismatch,
    /// A call with the same idempotency key is running.
    KeyInUse,
    /// The object's state does not allow it.
    Conflict,
    /// Another request holds the object.
    Locked,
    /// Too many requests.
    RateLimited,
    /// A server error.
    Server,
    /// A server error that the idempotency key will bring again.
    Saved,
    /// An answer that is none.
    Unreadable,
    /// No answer in time.
    Timeout,
    /// No connection; nothing was sent.
    Unreachable,
    /// The connection broke before an answer.
    Lost,
    /// Stripe failed too often of late; nothing was sent.
    Suspended,
    /// The address is not one to connect to; nothing was sent.
    Refused,
    /// The caller gave up.
    Cancelled,
}

impl Cause {
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::InvalidRequest => Kind::InvalidInput,
            Self::IdempotencyMismatch | Self::KeyInUse | Self::Conflict => Kind::Conflict,
            Self::Authentication | Self::Permission | Self::Refused => Kind::Refused,
            Self::Card | Self::Saved | Self::Unreadable => Kind::Upstream,
            Self::NotFound | Self::ModeMismatch => Kind::NotFound,
            Self::Locked | Self::RateLimited => Kind::RateLimited,
            Self::Server | Self::Unreachable | Self::Lost | Self::Suspended => Kind::Unavailable,
            Self::Timeout => Kind::Timeout,
            Self::Cancelled => Kind::Cancelled,
        }
    }

    /// Stable code on the wire.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::Authentication => "authentication_failed",
            Self::Card => "card_error",
            Self::Permission => "permission_denied",
            Self::NotFound => "not_found",
            Self::ModeMismatch => "mode_mismatch",
            Self::KeyInUse => "idempotency_key_in_use",
            Self::Conflict => "conflict",
            Self::Locked => "lock_timeout",
            Self::RateLimited => "rate_limited",
            Self::Server => "upstream_error",
            Self::Saved => "server_error_saved",
            Self::Unreadable => "upstream_unreadable",
            Self::Timeout => "upstream_timeout",
            Self::Unreachable => "upstream_unreachable",
            Self::Lost => "connection_lost",
            Self::Suspended => "upstream_unavailable",
            Self::Refused => "address_refused",
            Self::Cancelled => "cancelled",
        }
    }

    /// What went wrong, without foreign text.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::InvalidRequest => "Stripe refused the parameters",
            Self::IdempotencyMismatch => {
                "the idempotency key was used before with other parameters"
            }
            Self::Authentication => "Stripe does not accept the API key",
            Self::Card => "the payment method was declined",
            Self::Permission => "the API key may not do this",
            Self::NotFound => "Stripe has no such object",
            Self::ModeMismatch => "the object exists in the other environment (test or live)",
            Self::KeyInUse => "a call with this idempotency key is still running",
            Self::Conflict => "the state of the object does not allow it",
            Self::Locked => "another request is changing the object",
            Self::RateLimited => "Stripe limits the request rate",
            Self::Server => "Stripe failed to answer",
            Self::Saved => "Stripe saved a server error under this idempotency key",
            Self::Unreadable => "the answer of Stripe could not be read",
            Self::Timeout => "Stripe did not answer in time",
            Self::Unreachable => "no connection to Stripe",
            Self::Lost => "the connection to Stripe broke",
            Self::Suspended => "Stripe failed repeatedly and is left alone for a while",
            Self::Refused => "the address of the API is not one to connect to",
            Self::Cancelled => "the call was cancelled",
        }
    }

    /// How to repair it.
    pub(crate) const fn hint(self) -> &'static str {
        match self {
            Self::InvalidRequest => {
                "details.param and details.upstream_message say which parameter and why"
            }
            Self::IdempotencyMismatch => {
                "repeat the parameters of the first call, or use a new key for a new operation"
            }
            Self::Authentication => {
                "have the operator check STRIPE_API_KEY: it may be revoked, expired or bound to other addresses"
            }
            Self::Card => {
                "details.decline_code says why; ask the customer for another payment method"
            }
            Self::Permission => {
                "have the operator grant the permission to the restricted key, or check the account"
            }
            Self::NotFound => {
                "check the id, the account, and the key's environment (get_account shows it)"
            }
            Self::ModeMismatch => "use an id of the key's own environment (get_account shows it)",
            Self::KeyInUse => "wait, then repeat with the same key to read its result",
            Self::Conflict => "read the object again, then decide",
            Self::Locked => "repeat later, one call at a time for this object",
            Self::RateLimited => "repeat later: after retry_after_ms, if that is given",
            Self::Server => "repeat later",
            Self::Saved => {
                "read back whether the object exists before trying again under a new key"
            }
            Self::Unreadable => {
                "repeat; if it persists, check STRIPE_API_BASE and what stands between"
            }
            Self::Timeout => "repeat, or ask for less",
            Self::Unreachable => "check the network, TLS and STRIPE_API_BASE; nothing was sent",
            Self::Lost => "repeat",
            Self::Suspended => "repeat after retry_after_ms; nothing was sent",
            Self::Refused => {
                "have the operator check STRIPE_API_BASE and what its name resolves to; nothing was sent"
            }
            Self::Cancelled => "repeat if it is still wanted",
        }
    }

    /// Whether the same request may succeed later, when Stripe itself does not say.
    pub(crate) const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::KeyInUse
                | Self::Locked
                | Self::RateLimited
                | Self::Server
                | Self::Unreadable
                | Self::Timeout
                | Self::Unreachable
                | Self::Lost
                | Self::Suspended
        )
    }
}
