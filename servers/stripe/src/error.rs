//! Every way a call can fail, and its form on the wire.

use mcp_core::{Kind, ToolError};
use serde_json::json;

use crate::{
    client::failure::{Failure, Outcome},
    resource::Resource,
};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no API key.
    #[error("no Stripe API key is configured")]
    NotConfigured,
    /// A live key may only read.
    #[error("writes with a live key are switched off")]
    LiveWritesDisabled,
    /// Personal data was asked for but is not released.
    #[error("include_pii is not allowed by the configuration")]
    PiiNotAllowed,
    /// An organization key needs to know the account.
    #[error("an organization key reaches no account by itself")]
    AccountRequired,
    /// Test clocks do not exist in live mode.
    #[error("test clocks exist in test mode only")]
    TestModeOnly,
    /// An id whose prefix names no readable resource.
    #[error("`{prefix}` is not the id prefix of an object this server reads")]
    ObjectType {
        /// What the id begins with; letters and underscores only.
        prefix: String,
    },
    /// A cursor that this listing did not hand out.
    #[error("the cursor does not belong to this listing")]
    Cursor,
    /// Arguments that contradict each other or a rule of the API.
    #[error("{message}")]
    Argument {
        /// JSON pointer into the arguments.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// A parameter the API does not know, or a wrong value of one.
    #[error("{message}")]
    Parameter {
        /// JSON pointer into the arguments.
        field: String,
        /// What is wrong with it.
        message: String,
        /// How to repair it.
        hint: Option<String>,
    },
    /// A single object that is larger than an answer may be.
    #[error("the object is larger than an answer may be ({limit} characters)")]
    TooLarge {
        /// The limit, in characters of JSON.
        limit: usize,
    },
    /// Stripe refused, failed or could not be reached.
    #[error("{}", .0.message())]
    Upstream(Box<Failure>),
}

impl Error {
    /// A success whose body is not what the API promises.
    pub(crate) fn unreadable(request_id: Option<String>, what: &str) -> Self {
        Failure::unreadable(request_id, what).into()
    }

    /// A wrong parameter without a special hint.
    pub(crate) fn parameter(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Parameter { field: field.into(), message: message.into(), hint: None }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Upstream(Box::new(failure))
    }
}

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::NotConfigured => Self::new(Kind::Refused, "not_configured", message)
                .with_hint("set STRIPE_API_KEY, preferably to a restricted test key (rk_test_…), and restart the server"),
            Error::LiveWritesDisabled => Self::new(Kind::Refused, "live_writes_disabled", message)
                .with_hint("use a test key, or have the operator set both STRIPE_ALLOW_LIVE=1 and STRIPE_ALLOW_WRITES=1")
                .with_details(json!({"outcome": Outcome::None, "retryable": false})),
            Error::PiiNotAllowed => Self::new(Kind::Refused, "pii_not_allowed", message)
                .with_field("/include_pii")
                .with_hint("leave include_pii out for masked data, or have the operator set STRIPE_ALLOW_PII=1"),
            Error::AccountRequired => Self::new(Kind::InvalidInput, "account_required", message)
                .with_field("/account")
                .with_hint("name the account (acct_…), or have the operator set STRIPE_ACCOUNT"),
            Error::TestModeOnly => Self::new(Kind::Refused, "test_mode_only", message)
                .with_field("/test_clock")
                .with_hint("leave test_clock out, or use a test key"),
            Error::ObjectType { .. } => {
                let known = Resource::ALL.map(|r| format!("{} ({})", r.prefix(), r.name())).join(", ");
                Self::new(Kind::InvalidInput, "wrong_object_type", message).with_field("/id").with_hint(format!(
                    "readable: {known}; a product with an id of its own is found by list_objects with filters {{\"ids\": [..]}}"
                ))
            }
            Error::Cursor => Self::new(Kind::InvalidInput, "invalid_cursor", message)
                .with_field("/cursor")
                .with_hint("repeat the listing with the same resource, filters and account, and pass next_cursor unchanged; or leave cursor out to begin anew"),
            Error::Argument { field, .. } => Self::invalid(field, message),
            Error::Parameter { field, hint, .. } => {
                let error = Self::new(Kind::InvalidInput, "invalid_parameter", message).with_field(field);
                match hint {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                }
            }
            Error::TooLarge { .. } => Self::new(Kind::InvalidInput, "output_too_large", message)
                .with_field("/fields")
                .with_hint("name the fields you need instead of `*`, or expand less"),
            Error::Upstream(failure) => failure.into_tool_error(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_code_and_a_way_out() {
        let table = [
            (Error::NotConfigured, Kind::Refused, "not_configured", None),
            (Error::LiveWritesDisabled, Kind::Refused, "live_writes_disabled", None),
            (Error::PiiNotAllowed, Kind::Refused, "pii_not_allowed", Some("/include_pii")),
            (Error::AccountRequired, Kind::InvalidInput, "account_required", Some("/account")),
            (Error::TestModeOnly, Kind::Refused, "test_mode_only", Some("/test_clock")),
            (
                Error::ObjectType { prefix: "ch_".into() },
                Kind::InvalidInput,
                "wrong_object_type",
                Some("/id"),
            ),
            (Error::Cursor, Kind::InvalidInput, "invalid_cursor", Some("/cursor")),
            (Error::TooLarge { limit: 9 }, Kind::InvalidInput, "output_too_large", Some("/fields")),
        ];
        for (error, kind, code, field) in table {
            let error = ToolError::from(error);
            assert_eq!((error.kind(), error.code(), error.field()), (kind, code, field));
            assert!(error.hint().is_some_and(|hint| hint.len() > 20), "{code}");
            assert!(error.message().starts_with(|c: char| c.is_lowercase() || c == '`'), "{code}");
        }
        let error = ToolError::from(Error::Argument { field: "/x", message: "must be y".into() });
        assert_eq!(
            (error.code(), error.field(), error.message()),
            ("invalid_argument", Some("/x"), "must be y")
        );
        let error = ToolError::from(Error::parameter("/filters/x", "is unknown"));
        assert_eq!(
            (error.code(), error.field(), error.hint()),
            ("invalid_parameter", Some("/filters/x"), None)
        );
    }
}
