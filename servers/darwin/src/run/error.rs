//! What can go wrong with a run.

use std::time::Duration;

use mcp_core::prelude::*;

use super::entry::Status;
use crate::Error;

/// Why something could not be done with a run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum RunError {
    /// No such run of this caller's.
    #[error("there is no run `{0}`")]
    NotFound(String),
    /// Another process of this server drives it.
    #[error("another process drives this run")]
    Held,
    /// What is asked for does not go with what it does.
    #[error("the run is {}: it {wanted}", .is.name())]
    Unfit {
        /// What it does.
        is: Status,
        /// What it would have to be, as a verb.
        wanted: &'static str,
    },
    /// The caller expected another generation.
    #[error("the run is at generation {is}, not {expected}")]
    Stale {
        /// Expected.
        expected: u64,
        /// Reached.
        is: u64,
    },
    /// A generation that the run never had.
    #[error("the run has the generations {first} to {is}")]
    Generation {
        /// The last it can be taken to.
        is: u64,
        /// The first, of a fork.
        first: u64,
    },
    /// The caller cancelled.
    #[error("the call was cancelled")]
    Cancelled,
    /// Too many runs of this caller.
    #[error("more than {0} runs of one caller")]
    Quota(u32),
    /// Nothing says where to keep runs.
    #[error("runs need a state directory")]
    NoStore,
    /// A record in the middle of the journal is not as it was written.
    #[error("the journal of the run is damaged at byte {0}")]
    Damaged(u64),
    /// The journal is not of this version.
    #[error("the journal of the run is of a version that this one does not know")]
    Unreadable,
    /// The algorithm is not the one that began the run.
    #[error("the run was begun by {by}, and this version has {is}")]
    Revision {
        /// Version and revision that began it.
        by: String,
        /// Those of this binary.
        is: String,
    },
    /// The disk refused something.
    #[error("the run could not be written down: {0}")]
    Store(String),
    /// A trial that was never handed out.
    #[error("trial {id} was not handed out")]
    UnknownTrial {
        /// Its place in the call.
        place: usize,
        /// Its number.
        id: u64,
    },
    /// A trial that was told something else before.
    #[error("trial {id} was told other values before")]
    ToldBefore {
        /// Its place in the call.
        place: usize,
        /// Its number.
        id: u64,
    },
    /// Values that are none.
    #[error("trial {id} needs {wanted}")]
    Values {
        /// Its place in the call.
        place: usize,
        /// Its number.
        id: u64,
        /// What is missing.
        wanted: String,
    },
    /// The run itself is not well-formed.
    #[error(transparent)]
    Spec(#[from] Error),
}

impl RunError {
    /// What reading a journal says.
    pub(super) fn damaged(error: &darwin_engine::Error) -> Self {
        match error {
            darwin_engine::Error::DamagedJournal { offset } => Self::Damaged(*offset),
            other => Self::Store(other.to_string()),
        }
    }
}

impl From<std::io::Error> for RunError {
    fn from(error: std::io::Error) -> Self {
        // The kind says enough; the text may hold a path.
        Self::Store(error.kind().to_string())
    }
}

impl From<RunError> for ToolError {
    fn from(error: RunError) -> Self {
        let message = error.to_string();
        let new = |kind, code| Self::new(kind, code, message.clone());
        let trial = |kind, code, place: usize, part: &str| {
            new(kind, code).with_field(format!("/trials/{place}/{part}"))
        };
        match error {
            RunError::NotFound(_) => new(Kind::NotFound, "not_found")
                .with_field("/run_id")
                .with_hint("list_runs shows your runs"),
            RunError::Held => new(Kind::Conflict, "conflict")
                .with_hint("ask that process, or stop it; reading works here too"),
            RunError::Unfit { .. } => new(Kind::Conflict, "conflict")
                .with_field("/run_id")
                .with_hint("get_run shows what it does; create_run begins another"),
            RunError::Stale { .. } => new(Kind::Conflict, "conflict")
                .with_field("/expected_generation")
                .with_hint("look at get_run, then step from there"),
            RunError::Generation { .. } => new(Kind::InvalidInput, "invalid_argument")
                .with_field("/generation")
                .with_hint("give one of these, or leave it out for the latest"),
            RunError::Cancelled => new(Kind::Cancelled, "cancelled"),
            RunError::Quota(_) => new(Kind::RateLimited, "quota_exceeded")
                .with_retry_after(Duration::from_secs(60))
                .with_hint("delete_run those that are of no use any more; see list_runs"),
            RunError::NoStore => new(Kind::Refused, "not_configured").with_hint(
                "name one with --state-dir or MACHINA_STATE_DIR; optimize_problem works without",
            ),
            RunError::Damaged(_) | RunError::Unreadable | RunError::Revision { .. } => {
                new(Kind::Conflict, error.code())
                    .with_field("/run_id")
                    .with_hint("create_run with the same arguments and seed begins it anew")
            }
            RunError::Store(_) => new(Kind::Unavailable, "not_kept").with_hint(
                "look at the state directory: space, permissions; nothing was acknowledged",
            ),
            RunError::UnknownTrial { place, .. } => trial(Kind::NotFound, "not_found", place, "id")
                .with_hint("tell only what ask_trials gave"),
            RunError::ToldBefore { place, .. } => {
                trial(Kind::Conflict, "conflict", place, "values")
                    .with_hint("what was told stays; telling the same again is fine")
            }
            RunError::Values { place, .. } => {
                trial(Kind::InvalidInput, "invalid_argument", place, "values")
                    .with_hint("one finite number for each objective; or status failed")
            }
            RunError::Spec(error) => error.into(),
        }
    }
}

impl RunError {
    /// Stable code of a failure that ends a run.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Damaged(_) => "run_damaged",
            Self::Unreadable => "run_unreadable",
            Self::Revision { .. } => "revision_changed",
            _ => "run_failed",
        }
    }
}
