//! Arguments and answer of `store_memory`.

use mcp_core::prelude::*;

use crate::{
    Error,
    knowledge::{Stored, WriteId},
    memory::{self, Expiry, NewMemory},
    tools::arguments::{label, labels, moment, write_id},
};

/// Bytes of one text.
const MAX_TEXT: usize = 64 * 1024;
/// Bytes of all texts of a batch: one transaction has to fit the store's write buffer.
const MAX_BATCH: usize = 4 * 1024 * 1024;

/// Memories to store.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreMemoryArgs {
    /// The memories; together at most 4 MiB.
    #[schemars(length(min = 1, max = 500))]
    items: Vec<Item>,
    /// Name of this write: a repeat within 24 h returns the first answer.
    #[schemars(length(min = 1, max = 100))]
    #[serde(default)]
    write_id: Option<String>,
    /// Namespace; your home if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
}

/// One memory to store.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Item {
    /// What to remember, at most 64 KiB.
    #[schemars(length(min = 1, max = 65_536))]
    text: String,
    /// Unique name; storing it again replaces its value.
    #[schemars(length(min = 1, max = 200))]
    #[serde(default)]
    key: Option<String>,
    /// Group; `default` if absent.
    #[schemars(length(min = 1, max = 100))]
    #[serde(default)]
    context: Option<String>,
    /// Labels.
    #[schemars(length(max = 20), inner(length(min = 1, max = 64)))]
    #[serde(default)]
    tags: Option<Vec<String>>,
    /// 5 if absent.
    #[schemars(range(min = 1, max = 10))]
    #[serde(default)]
    importance: Option<u8>,
    /// How sure it is.
    #[schemars(range(min = 0, max = 1))]
    #[serde(default)]
    confidence: Option<f64>,
    /// Where it comes from.
    #[schemars(length(min = 1, max = 500))]
    #[serde(default)]
    source: Option<String>,
    /// Forget after seconds.
    #[schemars(range(min = 1, max = 3_153_600_000u64))]
    #[serde(default)]
    ttl_s: Option<u64>,
    /// Forget at this time (RFC 3339); instead of `ttl_s`.
    #[serde(default)]
    expires_at: Option<String>,
    /// Store only if this is the version of the key; 0: no such key.
    #[serde(default)]
    expected_version: Option<u32>,
}

impl StoreMemoryArgs {
    pub(super) fn into_parts(mut self) -> Result<(Vec<NewMemory>, Option<WriteId>), Error> {
        let write_id = write_id(self.write_id.take(), &self)?;
        let bytes: usize = self.items.iter().map(|item| item.text.len()).sum();
        if bytes > MAX_BATCH {
            return Err(Error::TooLarge {
                field: "/items".to_owned(),
                message: format!(
                    "texts of a batch must be <= {MAX_BATCH} bytes together, were {bytes}"
                ),
                hint: "store them in several calls",
            });
        }
        let items = self.items.into_iter().enumerate().map(|(index, item)| item.into_memory(index));
        Ok((items.collect::<Result<_, _>>()?, write_id))
    }
}

impl Item {
    fn into_memory(self, index: usize) -> Result<NewMemory, Error> {
        let field = |name: &str| format!("/items/{index}/{name}");
        if self.text.len() > MAX_TEXT {
            return Err(Error::TooLarge {
                field: field("text"),
                message: format!("must be <= {MAX_TEXT} bytes, was {}", self.text.len()),
                hint: "split the text into several memories",
            });
        }
        if self.text.trim().is_empty() || self.text.contains('\0') {
            return Err(Error::invalid(
                field("text"),
                "must hold more than white space, and no NUL",
            ));
        }
        for (name, text) in
            [("key", &self.key), ("context", &self.context), ("source", &self.source)]
        {
            if let Some(text) = text {
                label(&field(name), text)?;
            }
        }
        let mut tags = self.tags;
        if let Some(tags) = &mut tags {
            labels(&field("tags"), tags)?;
            tags.sort_unstable();
            tags.dedup();
        }
        if self.expected_version.is_some() && self.key.is_none() {
            return Err(Error::invalid(
                field("expected_version"),
                "needs a key: only a key has a current version",
            ));
        }
        let expiry = match (self.ttl_s, self.expires_at) {
            (None, None) => Expiry::Never,
            (Some(seconds), None) => Expiry::In(seconds),
            (None, Some(time)) => Expiry::At(moment(&field("expires_at"), &time)?),
            (Some(_), Some(_)) => {
                return Err(Error::invalid(field("expires_at"), "must be absent beside ttl_s"));
            }
        };
        Ok(NewMemory {
            text: self.text,
            key: self.key,
            context: self.context,
            tags,
            importance: self.importance,
            confidence: self.confidence,
            source: self.source,
            expiry,
            expected_version: self.expected_version,
        })
    }
}

/// What became of the items.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StoreMemoryOutput {
    /// Journal position.
    seq: u64,
    /// One per item, in order.
    results: Vec<ItemResult>,
    /// True when this is the answer of an earlier call with the same `write_id`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeated: bool,
}

/// What became of one item.
#[derive(Debug, Serialize, JsonSchema)]
struct ItemResult {
    /// What happened.
    status: Status,
    /// Id of the version that holds now.
    id: String,
    /// Its number.
    version: u32,
    /// The version it replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_id: Option<String>,
}

/// What happened to an item.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// It is new.
    Created,
    /// It replaced an older version.
    Superseded,
    /// It was there already.
    Duplicate,
}

impl From<Stored> for StoreMemoryOutput {
    fn from(stored: Stored) -> Self {
        let results = stored.outcomes.into_iter().map(|outcome| ItemResult {
            status: match outcome.status {
                memory::Status::Created => Status::Created,
                memory::Status::Superseded => Status::Superseded,
                memory::Status::Duplicate => Status::Duplicate,
            },
            id: outcome.id.to_string(),
            version: outcome.version,
            previous_id: outcome.previous.map(|id| id.to_string()),
        });
        Self { seq: stored.seq, results: results.collect(), repeated: stored.repeated }
    }
}
