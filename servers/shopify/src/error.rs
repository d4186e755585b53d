//! What can go wrong, and what a caller is told of it.

use crate::client::Failure;
use crate::gid::ObjectType;
use mcp_core::{Kind, ToolError};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server has no store to talk to.
    #[error("no store is configured")]
    NotConfigured,
    /// The cursor is not one of this tool's, or belongs to another question.
    #[error("cursor is not one that this question returned")]
    InvalidCursor,
    /// The id names a type that the tool does not read.
    #[error("id names a {0}, which this tool does not read")]
    WrongObjectType(String),
    /// The store has no such object.
    #[error("the store has no {of} `{name}`", of = .0.label(), name = .1)]
    NotFound(ObjectType, String),
    /// The store, or the way to it, failed.
    #[error(transparent)]
    Upstream(#[from] Box<Failure>),
}

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::NotConfigured => Self::new(Kind::Unavailable, "not_configured", message)
                .with_hint(
                    "set SHOPIFY_STORE_DOMAIN with SHOPIFY_ACCESS_TOKEN, or with SHOPIFY_API_KEY \
                     and SHOPIFY_API_SECRET, and start the server again",
                ),
            Error::InvalidCursor => Self::new(Kind::InvalidInput, "invalid_cursor", message)
                .with_field("/cursor")
                .with_hint("leave cursor out to start again, or repeat the other arguments"),
            Error::WrongObjectType(_) => {
                Self::new(Kind::InvalidInput, "wrong_object_type", message)
                    .with_field("/id")
                    .with_hint("give the id of a Product or a ProductVariant")
            }
            Error::NotFound(..) => Self::new(Kind::NotFound, "not_found", message)
                .with_hint("find the id with search_products"),
            Error::Upstream(failure) => failure.into_tool_error(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Error;
    use crate::gid::ObjectType;
    use mcp_core::{Kind, ToolError};

    #[test]
    fn every_error_has_a_code_and_a_way_out() {
        for (error, kind, code) in [
            (Error::NotConfigured, Kind::Unavailable, "not_configured"),
            (Error::InvalidCursor, Kind::InvalidInput, "invalid_cursor"),
            (Error::WrongObjectType("Order".into()), Kind::InvalidInput, "wrong_object_type"),
            (Error::NotFound(ObjectType::Product, "x".into()), Kind::NotFound, "not_found"),
        ] {
            let error = ToolError::from(error);
            assert_eq!((error.kind(), error.code()), (kind, code));
            assert!(error.hint().is_some());
        }
    }
}
