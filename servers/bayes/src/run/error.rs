//! What can go wrong with a run.

use std::{io, time::Duration};

use mcp_core::prelude::*;

use crate::store::FileError;

/// Why something could not be done with a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RunError {
    /// No such run of this caller's, or it expired.
    #[error("there is no such run")]
    Unknown(Duration),
    /// It has not ended.
    #[error("the run is still being sampled")]
    Running,
    /// Another process of this server samples it.
    #[error("another process samples this run")]
    Held,
    /// It ended before a draw was kept.
    #[error("the run is {0} and has no draws")]
    NoDraws(&'static str),
    /// Too much of this caller's.
    #[error("more than {most} {what} of one caller")]
    Quota {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        most: u64,
    },
    /// Too many at once.
    #[error("more than {0} runs of one caller at once, or too many of all callers")]
    Busy(usize),
    /// The disk space for all callers is used up.
    #[error("the space for runs of all callers is used up")]
    StoreFull,
    /// Nothing says where to keep runs.
    #[error("runs need a state directory")]
    NoStore,
    /// A file is not as it was written.
    #[error("a file of the run is {0}")]
    File(FileError),
    /// The disk refused something.
    #[error("the run could not be written down: {0}")]
    Store(io::ErrorKind),
}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        // The kind says enough; the text may hold a path.
        Self::Store(error.kind())
    }
}

impl From<FileError> for RunError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io(kind) => Self::Store(kind),
            other => Self::File(other),
        }
    }
}

impl From<RunError> for ToolError {
    fn from(error: RunError) -> Self {
        let message = error.to_string();
        let new = |kind, code| Self::new(kind, code, message.clone());
        let run = |kind, code| new(kind, code).with_field("/run_id");
        match error {
            RunError::Unknown(lifetime) => run(Kind::NotFound, "unknown_id").with_hint(format!(
                "list_runs shows your runs; one lives {} hours, and fit_model with equal arguments makes it \
                 again",
                lifetime.as_secs().div_ceil(3600)
            )),
            RunError::Running => run(Kind::Conflict, "conflict")
                .with_hint("call fit_model again with equal arguments to wait for it, or cancel_run")
                .with_retry_after(Duration::from_secs(1)),
            RunError::Held => run(Kind::Conflict, "conflict")
                .with_hint("ask that process, or stop it; reading works here too"),
            RunError::NoDraws(_) => run(Kind::Conflict, "no_draws")
                .with_hint("call fit_model again with equal arguments: it begins the run anew"),
            RunError::Quota { .. } => new(Kind::RateLimited, "quota_exceeded")
                .with_hint("delete_objects those that are of no use any more; see list_runs"),
            RunError::Busy(_) => new(Kind::RateLimited, "too_many_runs")
                .with_hint("wait until one ends, or cancel_run one; see list_runs")
                .with_retry_after(Duration::from_secs(5)),
            RunError::StoreFull => new(Kind::Unavailable, "store_full")
                .with_hint("delete_objects what is of no use, or let the operator raise store_mb"),
            RunError::NoStore => new(Kind::Refused, "not_configured")
                .with_hint("name one with --state-dir or MACHINA_STATE_DIR"),
            RunError::File(FileError::Newer(_)) => run(Kind::Conflict, "run_unreadable")
                .with_hint("a later version of this server wrote it: use that, or delete_objects it"),
            RunError::File(_) => run(Kind::Conflict, "run_damaged")
                .with_hint("call fit_model again with equal arguments: it begins the run anew"),
            RunError::Store(_) => new(Kind::Unavailable, "not_kept").with_hint(
                "look at the state directory: space, permissions; nothing was acknowledged",
            ),
        }
    }
}

impl RunError {
    /// Stable word of what a listing shows.
    pub(crate) fn code(&self) -> String {
        ToolError::from(self.clone()).code().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_code_and_a_way_out() {
        let damaged = FileError::Damaged(7);
        for (error, code) in [
            (RunError::Unknown(Duration::from_secs(86_400)), "unknown_id"),
            (RunError::Running, "conflict"),
            (RunError::Held, "conflict"),
            (RunError::NoDraws("interrupted"), "no_draws"),
            (RunError::Quota { what: "runs", most: 1 }, "quota_exceeded"),
            (RunError::Busy(1), "too_many_runs"),
            (RunError::StoreFull, "store_full"),
            (RunError::NoStore, "not_configured"),
            (damaged.into(), "run_damaged"),
            (FileError::Newer(9).into(), "run_unreadable"),
            (FileError::Io(io::ErrorKind::StorageFull).into(), "not_kept"),
        ] {
            assert_eq!(error.code(), code);
            let answer = ToolError::from(error);
            assert!(answer.hint().is_some_and(|hint| !hint.is_empty()), "{code}");
        }
        let hours = ToolError::from(RunError::Unknown(Duration::from_secs(1)));
        assert!(hours.hint().is_some_and(|hint| hint.contains(" 1 hours")));
    }
}
