//! What can go wrong, and what a caller reads of it.

use mcp_core::{
    Kind, ToolError,
    path_root::{PathError, PathRefused},
};
use serde_json::json;

/// A failure of this server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The spec breaks a rule that its schema cannot say.
    #[error("{message}")]
    InvalidSpec {
        /// JSON pointer into the arguments.
        pointer: String,
        /// What is wrong there.
        message: String,
    },
    /// A name means something else to the language, its registry or a file system.
    #[error("name `{name}` is reserved: {reason}")]
    NameReserved {
        /// JSON pointer into the arguments.
        pointer: String,
        /// The name.
        name: String,
        /// To whom.
        reason: &'static str,
    },
    /// Two things have one name.
    #[error("name `{name}` is used twice")]
    NameCollision {
        /// JSON pointer of the second.
        pointer: String,
        /// The name.
        name: String,
    },
    /// A path breaks a rule, or meets a link.
    #[error("path {path:?} is refused: {reason}")]
    PathOutsideRoot {
        /// The path, cut.
        path: String,
        /// The rule.
        reason: String,
    },
    /// The target holds something else than the plan.
    #[error("target {target:?} is not empty and differs from the plan in {} entries", differing.len())]
    TargetNotEmpty {
        /// The target.
        target: String,
        /// Up to 20 paths that differ, are missing or are too many.
        differing: Vec<String>,
    },
    /// No plan of this id was made by this process.
    #[error("no plan has this id")]
    PlanNotFound,
    /// The plan was dropped: 30 minutes old, or pushed out by 64 newer ones.
    #[error("the plan is no longer kept")]
    PlanStale,
    /// No root is configured, so nothing can be written.
    #[error("no root directory is configured")]
    NotConfigured,
    /// The root is none of the configured ones.
    #[error("root {root:?} is not configured")]
    UnknownRoot {
        /// What was asked for.
        root: String,
        /// What there is.
        roots: Vec<String>,
    },
    /// Something exceeds its bound.
    #[error("{what} exceeds {bound}")]
    TooLarge {
        /// What.
        what: String,
        /// The bound with its unit.
        bound: &'static str,
    },
    /// The file system failed.
    #[error("failed to {action}: {source}")]
    Write {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A template is wrong: a fault of this server.
    #[error("template failed: {0}")]
    Template(#[from] minijinja::Error),
}

impl Error {
    pub(crate) fn invalid_spec(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::InvalidSpec { pointer: pointer.into(), message: message.into() }
    }

    pub(crate) fn write(action: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Write { action, source }
    }
}

impl From<PathRefused> for Error {
    fn from(PathRefused { path, reason }: PathRefused) -> Self {
        Self::PathOutsideRoot { path, reason }
    }
}

impl From<PathError> for Error {
    fn from(error: PathError) -> Self {
        match error {
            PathError::Refused(refused) => refused.into(),
            PathError::Io(source) => Self::Write { action: "open the target", source },
        }
    }
}

const REPLAN: &str =
    "call plan_project again with the same spec: the same plan has the same plan_id";

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::InvalidSpec { pointer, .. } => {
                Self::new(Kind::InvalidInput, "invalid_spec", message).with_field(pointer)
            }
            Error::NameReserved { pointer, .. } => {
                Self::new(Kind::InvalidInput, "name_reserved", message)
                    .with_field(pointer)
                    .with_hint("choose another name, for example with the suffix -server")
            }
            Error::NameCollision { pointer, .. } => {
                Self::new(Kind::InvalidInput, "name_collision", message).with_field(pointer)
            }
            Error::PathOutsideRoot { .. } => Self::new(Kind::Refused, "path_outside_root", message)
                .with_field("/target")
                .with_hint("give a path relative to the root, without links, such as servers/weather"),
            Error::TargetNotEmpty { differing, .. } => {
                Self::new(Kind::Conflict, "target_not_empty", message)
                    .with_field("/target")
                    .with_hint("choose another target: existing files are never overwritten")
                    .with_details(json!({ "differing": differing }))
            }
            Error::PlanNotFound => Self::new(Kind::NotFound, "plan_not_found", message)
                .with_field("/plan_id")
                .with_hint(REPLAN),
            Error::PlanStale => Self::new(Kind::NotFound, "plan_stale", message)
                .with_field("/plan_id")
                .with_hint(REPLAN),
            Error::NotConfigured => Self::new(Kind::Refused, "not_configured", message)
                .with_hint("set MACHINA_SCAFFOLD_ROOTS to absolute directories that projects may be written to"),
            Error::UnknownRoot { roots, .. } => Self::invalid("/root", message)
                .with_hint("leave root out to use the first one")
                .with_details(json!({ "roots": roots })),
            Error::TooLarge { .. } => Self::new(Kind::InvalidInput, "too_large", message),
            Error::Write { .. } => Self::new(Kind::Unavailable, "write_failed", message)
                .with_hint("check space and permissions of the root; nothing was left behind"),
            Error::Template(_) => Self::internal(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_code_and_kind() {
        let pointer = || "/spec/name".to_owned();
        let table = [
            (Error::invalid_spec("/spec", "x"), "invalid_spec", Kind::InvalidInput),
            (
                Error::NameReserved { pointer: pointer(), name: "fn".into(), reason: "r" },
                "name_reserved",
                Kind::InvalidInput,
            ),
            (
                Error::NameCollision { pointer: pointer(), name: "a".into() },
                "name_collision",
                Kind::InvalidInput,
            ),
            (PathRefused::new("../x", "r").into(), "path_outside_root", Kind::Refused),
            (
                Error::TargetNotEmpty { target: "t".into(), differing: vec!["a".into()] },
                "target_not_empty",
                Kind::Conflict,
            ),
            (Error::PlanNotFound, "plan_not_found", Kind::NotFound),
            (Error::PlanStale, "plan_stale", Kind::NotFound),
            (Error::NotConfigured, "not_configured", Kind::Refused),
            (
                Error::UnknownRoot { root: "/x".into(), roots: vec!["/y".into()] },
                "invalid_argument",
                Kind::InvalidInput,
            ),
            (
                Error::TooLarge { what: "the plan".into(), bound: "8 MiB" },
                "too_large",
                Kind::InvalidInput,
            ),
            (
                Error::write("make a file")(std::io::Error::other("full")),
                "write_failed",
                Kind::Unavailable,
            ),
            (
                minijinja::Error::new(minijinja::ErrorKind::BadEscape, "x").into(),
                "internal",
                Kind::Internal,
            ),
        ];
        for (error, code, kind) in table {
            let answer = ToolError::from(error);
            assert_eq!((answer.code(), answer.kind()), (code, kind));
        }
    }
}
