//! Rows on their way out and in: one type over all tables, and its form as a line of JSON.

mod check;
mod gather;
mod line;

use ulid::Ulid;

use crate::{
    document::{Chunk, Document},
    graph::{Entity, Fact, KindRule, Merge, Observation},
    memory::Memory,
    moment::Moment,
};

pub(crate) use gather::{Gather, Incoming};
pub(crate) use line::{line_of, parse, write};

/// The tables, in an order in which no row names one that comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Table {
    Rule,
    Entity,
    Observation,
    Fact,
    Merge,
    Memory,
    Document,
    Chunk,
}

impl Table {
    pub(crate) const ALL: [Self; 8] = [
        Self::Rule,
        Self::Entity,
        Self::Observation,
        Self::Fact,
        Self::Merge,
        Self::Memory,
        Self::Document,
        Self::Chunk,
    ];

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Entity => "entity",
            Self::Observation => "observation",
            Self::Fact => "fact",
            Self::Merge => "merge",
            Self::Memory => "memory",
            Self::Document => "document",
            Self::Chunk => "chunk",
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Record {
    Rule(KindRule),
    Entity(Entity),
    Observation(Observation),
    Fact(Fact),
    Merge(Merge),
    Memory(Memory),
    Document(Document),
    Chunk(Chunk),
}

/// Why a row is not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refused {
    /// A line that is no row.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { code: "invalid_line", message: message.into() }
    }

    /// A row that contradicts what is there.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self { code: "conflict", message: message.into() }
    }

    /// A row about something that is not there.
    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self { code: "not_found", message: message.into() }
    }
}

impl Record {
    pub(crate) const fn table(&self) -> Table {
        match self {
            Self::Rule(_) => Table::Rule,
            Self::Entity(_) => Table::Entity,
            Self::Observation(_) => Table::Observation,
            Self::Fact(_) => Table::Fact,
            Self::Merge(_) => Table::Merge,
            Self::Memory(_) => Table::Memory,
            Self::Document(_) => Table::Document,
            Self::Chunk(_) => Table::Chunk,
        }
    }

    /// Its place in its table: they are read in this order.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Rule(rule) => rule.kind.clone(),
            _ => self.id().unwrap_or_default().to_string(),
        }
    }

    pub(crate) fn id(&self) -> Option<Ulid> {
        match self {
            Self::Rule(_) => None,
            Self::Entity(row) => Some(row.id),
            Self::Observation(row) => Some(row.id),
            Self::Fact(row) => Some(row.id),
            Self::Merge(row) => Some(row.id),
            Self::Memory(row) => Some(row.id),
            Self::Document(row) => Some(row.id),
            Self::Chunk(row) => Some(row.id),
        }
    }

    /// When the store dropped it.
    fn end(&mut self) -> Option<&mut Moment> {
        match self {
            Self::Rule(_) | Self::Chunk(_) => None,
            Self::Entity(row) => Some(&mut row.retracted_at),
            Self::Observation(row) => Some(&mut row.times.retracted_at),
            Self::Fact(row) => Some(&mut row.times.retracted_at),
            Self::Merge(row) => Some(&mut row.retracted_at),
            Self::Memory(row) => Some(&mut row.retracted_at),
            Self::Document(row) => Some(&mut row.retracted_at),
        }
    }

    /// When the store learned and dropped it.
    pub(crate) fn known_from_to(&self) -> Option<(Moment, Moment)> {
        match self {
            Self::Rule(_) | Self::Chunk(_) => None,
            Self::Entity(row) => Some((row.recorded_at, row.retracted_at)),
            Self::Observation(row) => Some((row.times.recorded_at, row.times.retracted_at)),
            Self::Fact(row) => Some((row.times.recorded_at, row.times.retracted_at)),
            Self::Merge(row) => Some((row.recorded_at, row.retracted_at)),
            Self::Memory(row) => Some((row.recorded_at, row.retracted_at)),
            Self::Document(row) => Some((row.recorded_at, row.retracted_at)),
        }
    }

    /// The row as it was known then; `None` when it came later, or has expired by `now`.
    pub(crate) fn known_at(mut self, then: Moment, now: Moment) -> Option<Self> {
        if self.known_from_to().is_some_and(|(recorded_at, _)| recorded_at > then) {
            return None;
        }
        if let Some(end) = self.end().filter(|end| **end > then) {
            *end = Moment::NEVER;
        }
        match &mut self {
            Self::Memory(row) if row.expires_at <= now => return None,
            Self::Fact(row) => row.sources.retain(|source| source.at <= then),
            _ => {}
        }
        Some(self)
    }

    /// Say which change writes it.
    pub(crate) fn set_seq(&mut self, seq: u64) {
        match self {
            Self::Rule(_) | Self::Chunk(_) => {}
            Self::Entity(row) => row.seq = seq,
            Self::Observation(row) => row.seq = seq,
            Self::Fact(row) => row.seq = seq,
            Self::Merge(row) => row.seq = seq,
            Self::Memory(row) => row.seq = seq,
            Self::Document(row) => row.seq = seq,
        }
    }
}
