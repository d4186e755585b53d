//! Why a call fails.

use std::time::Duration;

use mcp_core::prelude::{Kind, ToolError};
use serde_json::json;

use crate::guard::Refusal;

/// A failure of a tool.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument breaks a rule that its schema cannot say.
    #[error("{message}")]
    Invalid {
        /// JSON pointer of the argument.
        field: String,
        /// The rule.
        message: String,
    },
    /// More than a bound allows.
    #[error("{message}")]
    TooLarge {
        /// JSON pointer of the argument.
        field: String,
        /// The bound.
        message: String,
        /// The way around it.
        hint: &'static str,
    },
    /// The namespace is full.
    #[error("{0}")]
    QuotaExceeded(Quota),
    /// A namespace that the caller may read only.
    #[error("namespace {name} is open to you for reading only")]
    NamespaceReadOnly {
        /// JSON pointer of the argument.
        field: String,
        /// The namespace.
        name: String,
    },
    /// Something that is named is not there.
    #[error("{message}")]
    NotFound {
        /// JSON pointer of the argument.
        field: String,
        /// What is not there.
        message: String,
        /// The repair.
        hint: &'static str,
    },
    /// A path that is not read.
    #[error("{message}")]
    PathDenied {
        /// JSON pointer of the argument.
        field: String,
        /// Why.
        message: String,
        /// The repair.
        hint: &'static str,
    },
    /// A URL that is not read.
    #[error("{message}")]
    UrlDenied {
        /// JSON pointer of the argument.
        field: String,
        /// Why.
        message: String,
        /// The repair.
        hint: &'static str,
    },
    /// A document that is no text of a known format.
    #[error("{message}")]
    UnsupportedFormat {
        /// JSON pointer of the argument.
        field: String,
        /// Why.
        message: String,
        /// The repair.
        hint: &'static str,
    },
    /// The state is not what the caller expects.
    #[error("{message}")]
    Conflict {
        /// JSON pointer of the argument.
        field: String,
        /// What differs.
        message: String,
        /// The repair.
        hint: &'static str,
    },
    /// A raw query that does more than read, as far as can be seen.
    #[error("{message}")]
    QueryRefused {
        /// What was found, and where.
        message: String,
        /// Code of the rule.
        rule: &'static str,
        /// The repair.
        hint: &'static str,
        /// Byte of the query.
        offset: usize,
        /// Counted from 1.
        line: usize,
        /// In characters, counted from 1.
        column: usize,
    },
    /// The engine does not understand a raw query, or fails at it.
    #[error("the query did not run: {0}")]
    QueryFailed(String),
    /// Something that is asked for is not set up.
    #[error("{message}")]
    NotConfigured {
        /// What.
        message: &'static str,
        /// How to set it up.
        hint: &'static str,
    },
    /// Something beside the store does not answer.
    #[error("{0}")]
    BackendUnavailable(String),
    /// A raw query took too long.
    #[error("the query took longer than {} s", .0.as_secs())]
    QueryTimeout(Duration),
    /// The index is being rebuilt from the store.
    #[error("the index is being built from the store: {done} of {total} memories read")]
    IndexBuilding {
        /// Memories read.
        done: usize,
        /// Memories to read, as far as known.
        total: usize,
    },
    /// No room on the disk; nothing was written.
    #[error("no space is left for the store; nothing was written")]
    StorageFull,
    /// The store cannot be read, or an earlier write left it in doubt.
    #[error("the store cannot be trusted: {0}")]
    StoreCorrupt(String),
    /// The write may or may not last.
    #[error("the store did not confirm the write")]
    OutcomeUnknown {
        /// Whether the caller gave a `write_id`.
        repeatable: bool,
    },
    /// A backup that is not restored, or could not be written.
    #[error("the backup cannot be used: {0}")]
    BackupInvalid(String),
    /// The work was asked to stop.
    #[error("the work was cancelled; nothing was changed")]
    Cancelled,
    /// The server is stopping.
    #[error("the server is stopping; nothing was written")]
    Stopping,
    /// No process that has the store answers; nothing was done.
    #[error("{0}")]
    OwnerUnavailable(String),
    /// The process that has the store is of another version; nothing was done.
    #[error(
        "process {process} has the store and is of version {theirs}, this one is {}",
        env!("CARGO_PKG_VERSION")
    )]
    OwnerVersion {
        /// Its number.
        process: u32,
        /// Its version.
        theirs: String,
    },
    /// A fault of ours; nothing was written.
    #[error("{0}")]
    Internal(String),
}

/// A setting that bounds what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Quota {
    /// `max_memories`.
    #[error("the store keeps at most {limit} memories, all versions counted, and has {held}")]
    Memories {
        /// The setting.
        limit: u32,
        /// Versions held.
        held: usize,
    },
    /// `max_graph_mib`.
    #[error(
        "the graph keeps at most {limit} bytes of entities, observations and facts, all versions \
         counted, has {held}, and this would add {more}"
    )]
    Graph {
        /// The setting, in bytes.
        limit: usize,
        /// Bytes held.
        held: usize,
        /// Bytes of the call.
        more: usize,
    },
    /// `max_chunks`.
    #[error(
        "the store keeps at most {limit} chunks of documents, all versions counted, has {held}, and \
         this would add {more}"
    )]
    Chunks {
        /// The setting.
        limit: u32,
        /// Chunks held.
        held: usize,
        /// Chunks of the document.
        more: usize,
    },
    /// `items` of the quota of a namespace.
    #[error(
        "the namespace keeps at most {limit} items (memories, entities, observations, facts, merges, \
         documents, chunks; all versions counted), has {held}, and this would add {more}"
    )]
    Items {
        /// The bound.
        limit: usize,
        /// Items held.
        held: usize,
        /// Items of the call.
        more: usize,
    },
    /// `bytes` of the quota of a namespace.
    #[error(
        "the namespace keeps at most {limit} bytes of texts and properties, all versions counted, has \
         {held}, and this would add {more}"
    )]
    Bytes {
        /// The bound.
        limit: usize,
        /// Bytes held.
        held: usize,
        /// Bytes of the call.
        more: usize,
    },
    /// `max_namespaces`.
    #[error("the server keeps at most {limit} namespaces")]
    Namespaces {
        /// The setting.
        limit: usize,
    },
    /// Namespaces below one home.
    #[error("a home has at most {limit} namespaces below it")]
    Below {
        /// The bound.
        limit: usize,
    },
}

impl Error {
    pub(crate) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        let Refusal { rule, offset, line, column, .. } = refusal;
        Self::QueryRefused { message, rule: rule.code(), hint: rule.fix(), offset, line, column }
    }
}

impl Quota {
    const fn hint(self) -> &'static str {
        match self {
            Self::Memories { .. } => {
                "forget_items with mode purge frees room; the operator's setting is max_memories"
            }
            Self::Graph { .. } => {
                "forget_items with mode purge frees room; the operator's setting is max_graph_mib"
            }
            Self::Chunks { .. } => {
                "forget_items with mode purge frees room; the operator's setting is max_chunks"
            }
            Self::Items { .. } | Self::Bytes { .. } => {
                "forget_items with mode purge frees room; get_schema tells the quota, the operator's \
                 setting is quotas"
            }
            Self::Namespaces { .. } => "the operator's setting is max_namespaces",
            Self::Below { .. } => "use one of those that get_schema names",
        }
    }
}

const READ_ONLY_HINT: &str = "write where get_schema tells the access rw, such as your home";

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Invalid { field, .. } => Self::invalid(field, message),
            Error::TooLarge { field, hint, .. } => {
                placed(Kind::InvalidInput, "too_large", message, field, hint)
            }
            Error::QuotaExceeded(quota) => {
                Self::new(Kind::Refused, "quota_exceeded", message).with_hint(quota.hint())
            }
            Error::NamespaceReadOnly { field, .. } => {
                placed(Kind::Refused, "namespace_read_only", message, field, READ_ONLY_HINT)
            }
            Error::NotFound { field, hint, .. } => {
                placed(Kind::NotFound, "not_found", message, field, hint)
            }
            Error::PathDenied { field, hint, .. } => {
                placed(Kind::Refused, "path_denied", message, field, hint)
            }
            Error::UrlDenied { field, hint, .. } => {
                placed(Kind::Refused, "url_denied", message, field, hint)
            }
            Error::UnsupportedFormat { field, hint, .. } => {
                placed(Kind::InvalidInput, "unsupported_format", message, field, hint)
            }
            Error::Conflict { field, hint, .. } => {
                placed(Kind::Conflict, "conflict", message, field, hint)
            }
            Error::QueryRefused { .. }
            | Error::QueryFailed(_)
            | Error::QueryTimeout(_)
            | Error::NotConfigured { .. }
            | Error::BackendUnavailable(_) => of_query(&error, message),
            Error::IndexBuilding { .. } => Self::new(Kind::Unavailable, "index_building", message)
                .with_hint("repeat the call")
                .with_retry_after(Duration::from_secs(2)),
            Error::StorageFull => Self::new(Kind::Unavailable, "storage_full", message)
                .with_hint("free space on the disk of the state directory, then repeat the call"),
            Error::StoreCorrupt(_) => Self::new(Kind::Unavailable, "store_corrupt", message)
                .with_hint("restart the server: it reads the store anew and says what it finds"),
            Error::OutcomeUnknown { repeatable } => {
                Self::new(Kind::Unavailable, "outcome_unknown", message)
                    .with_hint(repeat_hint(repeatable))
            }
            Error::BackupInvalid(_) => Self::new(Kind::Refused, "backup_invalid", message)
                .with_hint("restore another backup, seen by list_jobs; the store is as it was"),
            Error::Cancelled => Self::new(Kind::Cancelled, "cancelled", message),
            Error::Stopping => Self::new(Kind::Unavailable, "backend_unavailable", message)
                .with_hint("repeat the call when the server is up again"),
            Error::OwnerUnavailable(_) | Error::OwnerVersion { .. } => of_owner(&error, message),
            Error::Internal(_) => Self::internal(message),
        }
    }
}

/// Of the process that has the store.
fn of_owner(error: &Error, message: String) -> ToolError {
    let of = |code, hint| ToolError::new(Kind::Unavailable, code, message).with_hint(hint);
    if matches!(error, Error::OwnerVersion { .. }) {
        return of(
            "owner_version_mismatch",
            "restart the client of the older one, so that all on this directory are alike",
        );
    }
    of("owner_unavailable", "repeat the call; if it stays so, continue or end that process")
        .with_retry_after(Duration::from_secs(1))
}

/// One that is about an argument.
fn placed(
    kind: Kind,
    code: &'static str,
    message: String,
    field: String,
    hint: &'static str,
) -> ToolError {
    ToolError::new(kind, code, message).with_field(field).with_hint(hint)
}

/// How to find out whether a write took place.
const fn repeat_hint(repeatable: bool) -> &'static str {
    if repeatable {
        "repeat the call with the same write_id: a write that took place is not done twice"
    } else {
        "read the memory back before repeating; give a write_id to make repeats safe"
    }
}

/// Of raw reads.
fn of_query(error: &Error, message: String) -> ToolError {
    match error {
        Error::QueryRefused { rule, hint, offset, line, column, .. } => {
            let place = json!({"rule": rule, "offset": offset, "line": line, "column": column});
            ToolError::new(Kind::Refused, "query_rejected", message)
                .with_field("/query")
                .with_hint(*hint)
                .with_details(place)
        }
        Error::QueryFailed(_) => ToolError::invalid("/query", message)
            .with_hint("mend the query; get_schema shows what there is"),
        Error::NotConfigured { hint, .. } => {
            ToolError::new(Kind::Refused, "not_configured", message).with_hint(*hint)
        }
        Error::BackendUnavailable(_) => {
            ToolError::new(Kind::Unavailable, "backend_unavailable", message)
                .with_hint("repeat the call later; all that does not need it works without it")
                .with_retry_after(Duration::from_secs(5))
        }
        Error::QueryTimeout(_) => ToolError::new(Kind::Timeout, "query_timeout", message)
            .with_hint("narrow the query, bound its rows and paths, or raise timeout_s up to 30"),
        _ => ToolError::internal(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn every_error_has_its_code() {
        let field = || "/items/0/text".to_owned();
        let table = [
            (Error::invalid("/k", "must be 1-100"), "invalid_argument", Kind::InvalidInput),
            (
                Error::TooLarge { field: field(), message: "m".into(), hint: "h" },
                "too_large",
                Kind::InvalidInput,
            ),
            (
                Error::QuotaExceeded(Quota::Memories { limit: 1, held: 1 }),
                "quota_exceeded",
                Kind::Refused,
            ),
            (
                Error::QuotaExceeded(Quota::Graph { limit: 1, held: 1, more: 1 }),
                "quota_exceeded",
                Kind::Refused,
            ),
            (
                Error::QuotaExceeded(Quota::Chunks { limit: 1, held: 1, more: 1 }),
                "quota_exceeded",
                Kind::Refused,
            ),
            (
                Error::QuotaExceeded(Quota::Items { limit: 1, held: 1, more: 1 }),
                "quota_exceeded",
                Kind::Refused,
            ),
            (
                Error::QuotaExceeded(Quota::Bytes { limit: 1, held: 1, more: 1 }),
                "quota_exceeded",
                Kind::Refused,
            ),
            (Error::QuotaExceeded(Quota::Namespaces { limit: 1 }), "quota_exceeded", Kind::Refused),
            (Error::QuotaExceeded(Quota::Below { limit: 1 }), "quota_exceeded", Kind::Refused),
            (
                Error::NamespaceReadOnly { field: field(), name: "n".into() },
                "namespace_read_only",
                Kind::Refused,
            ),
            (
                Error::PathDenied { field: field(), message: "m".into(), hint: "h" },
                "path_denied",
                Kind::Refused,
            ),
            (
                Error::UrlDenied { field: field(), message: "m".into(), hint: "h" },
                "url_denied",
                Kind::Refused,
            ),
            (
                Error::UnsupportedFormat { field: field(), message: "m".into(), hint: "h" },
                "unsupported_format",
                Kind::InvalidInput,
            ),
            (
                Error::NotFound { field: field(), message: "m".into(), hint: "h" },
                "not_found",
                Kind::NotFound,
            ),
            (
                Error::Conflict { field: field(), message: "m".into(), hint: "h" },
                "conflict",
                Kind::Conflict,
            ),
            (Error::IndexBuilding { done: 1, total: 2 }, "index_building", Kind::Unavailable),
            (Error::from(Refusal::whole("x")), "query_rejected", Kind::Refused),
            (Error::QueryFailed("x".into()), "invalid_argument", Kind::InvalidInput),
            (Error::QueryTimeout(Duration::from_secs(5)), "query_timeout", Kind::Timeout),
            (Error::NotConfigured { message: "m", hint: "h" }, "not_configured", Kind::Refused),
            (Error::BackendUnavailable("x".into()), "backend_unavailable", Kind::Unavailable),
            (Error::StorageFull, "storage_full", Kind::Unavailable),
            (Error::StoreCorrupt("x".into()), "store_corrupt", Kind::Unavailable),
            (Error::OutcomeUnknown { repeatable: true }, "outcome_unknown", Kind::Unavailable),
            (Error::BackupInvalid("x".into()), "backup_invalid", Kind::Refused),
            (Error::Cancelled, "cancelled", Kind::Cancelled),
            (Error::Stopping, "backend_unavailable", Kind::Unavailable),
            (Error::OwnerUnavailable("x".into()), "owner_unavailable", Kind::Unavailable),
            (
                Error::OwnerVersion { process: 1, theirs: "0".into() },
                "owner_version_mismatch",
                Kind::Unavailable,
            ),
            (Error::Internal("x".into()), "internal", Kind::Internal),
        ];
        for (error, code, kind) in table {
            let shown = error.to_string();
            let tool = ToolError::from(error);
            assert_eq!((tool.code(), tool.kind()), (code, kind), "{shown}");
            assert_eq!(tool.message(), shown);
            assert!(
                tool.hint().is_some()
                    || matches!(code, "invalid_argument" | "internal" | "cancelled")
            );
        }
    }
}
