//! What can go wrong with data.

use std::{io, time::Duration};

use mcp_core::prelude::*;
use serde_json::{Value, json};

use crate::store::FileError;

/// Why something could not be done with data.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum DataError {
    /// No such dataset of this caller's, or it expired.
    #[error("there is no such dataset")]
    Unknown(Duration),
    /// The text is not what it should be.
    #[error("{message}")]
    Wrong {
        /// Stable word.
        code: &'static str,
        /// What is wrong, and where.
        message: String,
        /// What repairs it.
        fix: String,
        /// Line, where it is known.
        line: Option<u64>,
    },
    /// Too much of this caller's.
    #[error("more than {most} {what} of one caller")]
    Quota {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        most: u64,
    },
    /// Nothing says where to keep data.
    #[error("data need a state directory")]
    NoStore,
    /// The file is not as it was written.
    #[error("the file of the dataset is {0}")]
    File(FileError),
    /// The disk refused something.
    #[error("the data could not be written down: {0}")]
    Store(io::ErrorKind),
}

impl DataError {
    pub(super) fn wrong(code: &'static str, message: String, fix: impl Into<String>) -> Self {
        Self::Wrong { code, message, fix: fix.into(), line: None }
    }

    /// Stable word of what a listing shows.
    pub(crate) fn code(&self) -> String {
        ToolError::from(self.clone()).code().to_owned()
    }
}

impl From<io::Error> for DataError {
    fn from(error: io::Error) -> Self {
        // The kind says enough; the text may hold a path.
        Self::Store(error.kind())
    }
}

impl From<FileError> for DataError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io(kind) => Self::Store(kind),
            other => Self::File(other),
        }
    }
}

impl From<DataError> for ToolError {
    fn from(error: DataError) -> Self {
        let message = error.to_string();
        let new = |kind, code| Self::new(kind, code, message.clone());
        match error {
            DataError::Unknown(lifetime) => new(Kind::NotFound, "unknown_id")
                .with_field("/data_id")
                .with_hint(format!(
                    "list_data shows your datasets; one lives {} hours, and register_data makes it again",
                    lifetime.as_secs().div_ceil(3600)
                )),
            DataError::Wrong { code, fix, line, .. } => {
                let error = new(Kind::InvalidInput, code).with_field("/content").with_hint(fix);
                let with_line = |line: u64| -> Value { json!({"line": line}) };
                match line {
                    Some(line) => error.with_details(with_line(line)),
                    None => error,
                }
            }
            DataError::Quota { .. } => new(Kind::RateLimited, "quota_exceeded")
                .with_hint("delete_objects those that are of no use any more; see list_data"),
            DataError::NoStore => new(Kind::Refused, "not_configured")
                .with_hint("name one with --state-dir or MACHINA_STATE_DIR"),
            DataError::File(_) => new(Kind::Conflict, "data_damaged")
                .with_field("/data_id")
                .with_hint("register_data with the same content makes it again"),
            DataError::Store(_) => new(Kind::Unavailable, "not_kept").with_hint(
                "look at the state directory: space, permissions; nothing was acknowledged",
            ),
        }
    }
}
