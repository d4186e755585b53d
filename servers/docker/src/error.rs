//! What can go wrong between the caller and the engine.

use std::time::Duration;

use mcp_core::{Kind, ToolError};

/// A failure of this server; [`ToolError`] is its form on the wire.
///
/// No variant's message carries the engine's own words: those are foreign text and travel in
/// `details` only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing answers at the address.
    #[error("no engine answers at {address}: {reason}")]
    Unavailable {
        /// Address tried.
        address: String,
        /// What the connection attempt ended with.
        reason: String,
        /// The way out.
        hint: &'static str,
    },
    /// The engine accepted the connection and then kept silent.
    #[error("the engine at {address} did not answer {what} within {seconds} s")]
    Timeout {
        /// Address tried.
        address: String,
        /// What was asked.
        what: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// A proxy before the engine, or its authorization plug-in, refused the read.
    #[error("the engine or a proxy before it refuses {what}")]
    Denied {
        /// What was asked.
        what: &'static str,
    },
    /// No container of that name or id.
    #[error("no container is called `{container}`")]
    NotFound {
        /// The name as given.
        container: String,
    },
    /// An argument breaks a rule that the schema cannot express.
    #[error("{message}")]
    Invalid {
        /// JSON pointer of the argument.
        field: &'static str,
        /// The rule.
        message: String,
    },
    /// The engine answered a failure.
    #[error("the engine answered {status} to {what}")]
    Engine {
        /// What was asked.
        what: &'static str,
        /// HTTP status.
        status: u16,
        /// The engine's words, cleaned and cut.
        message: String,
    },
    /// The engine's answer cannot be read.
    #[error("the answer to {what} cannot be read: {reason}")]
    BadAnswer {
        /// What was asked.
        what: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// The engine's answer is larger than this server accepts.
    #[error("the answer to {what} is larger than {limit} bytes")]
    TooLarge {
        /// What was asked.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The engine cannot do it.
    #[error("{message}")]
    Unsupported {
        /// What it cannot do.
        message: String,
        /// The way out.
        hint: &'static str,
    },
    /// The caller cancelled.
    #[error("the call was cancelled")]
    Cancelled,
}

impl Error {
    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }

    /// Stable code on the wire.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "daemon_unavailable",
            Self::Timeout { .. } => "daemon_timeout",
            Self::Denied { .. } => "policy_denied",
            Self::NotFound { .. } => "not_found",
            Self::Invalid { .. } => "invalid_argument",
            Self::Engine { .. } => "engine_error",
            Self::BadAnswer { .. } => "bad_engine_answer",
            Self::TooLarge { .. } => "too_large",
            Self::Unsupported { .. } => "unsupported_by_engine",
            Self::Cancelled => "cancelled",
        }
    }
}

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        let tool_error = |kind| Self::new(kind, error.code(), error.to_string());
        match &error {
            Error::Unavailable { hint, .. } => tool_error(Kind::Unavailable)
                .with_hint(*hint)
                .with_retry_after(Duration::from_secs(5)),
            Error::Timeout { .. } => tool_error(Kind::Timeout)
                .with_hint("see whether the engine is overloaded or hung; MACHINA_DOCKER_READ_TIMEOUT_S sets the limit")
                .with_retry_after(Duration::from_secs(5)),
            Error::Denied { .. } => tool_error(Kind::Refused)
                .with_hint("a socket proxy has to allow PING, VERSION, INFO and CONTAINERS (and SYSTEM for disk usage)"),
            Error::NotFound { .. } => tool_error(Kind::NotFound)
                .with_hint("list_containers shows names and ids; an id prefix has to be unique"),
            Error::Invalid { field, .. } => tool_error(Kind::InvalidInput).with_field(*field),
            Error::Engine { status, message, .. } => tool_error(Kind::Upstream)
                .with_details(serde_json::json!({"status": status, "engine_message": message})),
            Error::BadAnswer { .. } => tool_error(Kind::Upstream)
                .with_hint("see whether the address is really a container engine's"),
            Error::TooLarge { .. } => tool_error(Kind::Upstream)
                .with_hint("ask for less: narrower filters or fewer sections"),
            Error::Unsupported { hint, .. } => tool_error(Kind::Upstream).with_hint(*hint),
            Error::Cancelled => tool_error(Kind::Cancelled),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_has_its_code_kind_and_repair() {
        let what = "the container list";
        let cases = [
            (
                Error::Unavailable {
                    address: "unix:///x".into(),
                    reason: "gone".into(),
                    hint: "start it",
                },
                Kind::Unavailable,
                "daemon_unavailable",
            ),
            (
                Error::Timeout { address: "unix:///x".into(), what, seconds: 30 },
                Kind::Timeout,
                "daemon_timeout",
            ),
            (Error::Denied { what }, Kind::Refused, "policy_denied"),
            (Error::NotFound { container: "web".into() }, Kind::NotFound, "not_found"),
            (Error::invalid("/since", "must be a time"), Kind::InvalidInput, "invalid_argument"),
            (
                Error::Engine { what, status: 500, message: "boom".into() },
                Kind::Upstream,
                "engine_error",
            ),
            (Error::BadAnswer { what, reason: "not JSON" }, Kind::Upstream, "bad_engine_answer"),
            (Error::TooLarge { what, limit: 1 }, Kind::Upstream, "too_large"),
            (
                Error::Unsupported { message: "too old".into(), hint: "upgrade" },
                Kind::Upstream,
                "unsupported_by_engine",
            ),
            (Error::Cancelled, Kind::Cancelled, "cancelled"),
        ];
        for (error, kind, code) in cases {
            let message = error.to_string();
            let tool_error = ToolError::from(error);
            assert_eq!((tool_error.kind(), tool_error.code()), (kind, code));
            assert_eq!(tool_error.message(), message);
            assert!(!message.contains("boom"), "the engine's words stay in details");
        }
    }

    #[test]
    fn the_engines_words_travel_in_details() {
        let error = Error::Engine { what: "x", status: 500, message: "boom".into() };
        assert_eq!(ToolError::from(error).to_json()["details"]["engine_message"], "boom");
    }
}
