//! Container logs: decoded, searched and cut while they are read.

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

pub(crate) mod collect;
pub(crate) mod frame;
pub(crate) mod merge;
pub(crate) mod read;
pub(crate) mod track;

/// The stream that a line was written to. A container with a terminal has `Stdout` only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) enum Channel {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How far a source has been read: `ordinal` of the lines since `at`, in the log's order, and all
/// that lie before those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(from = "(i64, u32)", into = "(i64, u32)")]
pub(crate) struct Position {
    pub(crate) at: Timestamp,
    pub(crate) ordinal: u32,
}

impl From<(i64, u32)> for Position {
    fn from((nanos, ordinal): (i64, u32)) -> Self {
        Self { at: Timestamp(nanos), ordinal }
    }
}

impl From<Position> for (i64, u32) {
    fn from(position: Position) -> Self {
        (position.at.0, position.ordinal)
    }
}

/// A line that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at: Timestamp,
    /// Where its source goes on behind it.
    pub(crate) position: Position,
    /// Index of its source.
    pub(crate) source: usize,
    /// Its number among all lines read from its source.
    pub(crate) number: u64,
    pub(crate) channel: Channel,
    pub(crate) text: String,
    /// `false` for a line that only surrounds a match.
    pub(crate) is_match: bool,
}

impl Entry {
    /// What its text takes in a reply, escapes included.
    pub(crate) fn text_cost(&self) -> usize {
        let escaped = |byte: &u8| matches!(byte, b'"' | b'\\' | b'\t');
        self.text.len() + self.text.as_bytes().iter().filter(|byte| escaped(byte)).count()
    }
}

/// What to keep of the lines read.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// Lines to keep; all when absent.
    pub(crate) pattern: Option<Regex>,
    /// Keep the lines that do not match instead.
    pub(crate) invert: bool,
    /// Lines around each match.
    pub(crate) context: usize,
    /// One stream only.
    pub(crate) channel: Option<Channel>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    /// Newest matches to keep per source; `None` reads forward until `max_bytes`.
    pub(crate) newest: Option<usize>,
    /// Bytes of all lines together in the reply.
    pub(crate) max_bytes: usize,
    /// Bytes of a reply's line beside its text.
    pub(crate) overhead: usize,
}

impl Query {
    /// What a line takes in the reply.
    pub(crate) fn cost(&self, entry: &Entry) -> usize {
        entry.text_cost() + self.overhead
    }

    /// Whether the engine's own `tail` gives the same lines: it counts before it filters.
    pub(crate) fn engine_can_tail(&self) -> bool {
        self.pattern.is_none() && self.channel.is_none() && self.until.is_none()
    }
}
