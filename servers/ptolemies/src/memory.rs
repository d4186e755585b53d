//! What is remembered.

use ulid::Ulid;

use crate::moment::Moment;

/// The context of a memory that names none.
pub(crate) const DEFAULT_CONTEXT: &str = "default";
/// The importance of a memory that names none.
pub(crate) const DEFAULT_IMPORTANCE: u8 = 5;

/// One version of a memory, as stored. Only `retracted_at` ever changes, once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Memory {
    pub(crate) id: Ulid,
    /// Id of the first version of this memory.
    pub(crate) lineage: Ulid,
    /// The version this one replaced.
    pub(crate) supersedes: Option<Ulid>,
    /// Counts from 1.
    pub(crate) version: u32,
    pub(crate) key: Option<String>,
    pub(crate) context: String,
    pub(crate) text: String,
    pub(crate) tags: Vec<String>,
    pub(crate) importance: u8,
    pub(crate) confidence: Option<f64>,
    pub(crate) source: Option<String>,
    /// Invisible from here on.
    pub(crate) expires_at: Moment,
    /// Known to the store in `[recorded_at, retracted_at)`.
    pub(crate) recorded_at: Moment,
    pub(crate) retracted_at: Moment,
    /// The change that wrote it.
    pub(crate) seq: u64,
}

/// A memory to store. What is `None` is taken from the version it replaces, else the default;
/// source and expiry belong to the write and are never inherited.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct NewMemory {
    pub(crate) text: String,
    pub(crate) key: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) importance: Option<u8>,
    pub(crate) confidence: Option<f64>,
    pub(crate) source: Option<String>,
    pub(crate) expiry: Expiry,
    /// The version of the key that must be current; 0: the key must not exist.
    pub(crate) expected_version: Option<u32>,
}

/// When a new memory ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Expiry {
    #[default]
    Never,
    /// Seconds after the write.
    In(u64),
    At(Moment),
}

impl Expiry {
    pub(crate) fn from(self, now: Moment) -> Moment {
        match self {
            Self::Never => Moment::NEVER,
            Self::In(seconds) => now.after_seconds(seconds),
            Self::At(moment) => moment,
        }
    }
}

/// What became of one stored item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    pub(crate) id: Ulid,
    pub(crate) version: u32,
    pub(crate) previous: Option<Ulid>,
}

/// How an item was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Created,
    Superseded,
    Duplicate,
}

impl Status {
    pub(crate) const ALL: [Self; 3] = [Self::Created, Self::Superseded, Self::Duplicate];

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Superseded => "superseded",
            Self::Duplicate => "duplicate",
        }
    }

    pub(crate) fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.label() == label)
    }
}

impl Memory {
    /// Of its texts.
    pub(crate) fn bytes(&self) -> usize {
        let tags: usize = self.tags.iter().map(String::len).sum();
        let labels = [&self.key, &self.source].into_iter().flatten().map(String::len);
        self.text.len() + self.context.len() + tags + labels.sum::<usize>()
    }

    /// What the index holds of it: key and text in one field.
    pub(crate) fn indexed_text(&self) -> String {
        match &self.key {
            Some(key) => format!("{key}\n{}", self.text),
            None => self.text.clone(),
        }
    }
}
