//! Arguments and answer of `forget_items`.

use mcp_core::prelude::*;

use crate::{
    Error, catalog,
    knowledge::{self, Target},
    receipt::Receipt,
    server::Server,
    space::Space,
    text::is_zero,
    tools::arguments::{ids, label, labels, optional_moment, write_id},
};

/// What to forget: exactly one of `ids`, `keys`, `filter`, `document`, `expired`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForgetItemsArgs {
    /// Ids of memories, entities, observations, facts, documents.
    #[schemars(length(min = 1, max = 500))]
    #[serde(default)]
    ids: Option<Vec<String>>,
    /// Keys to forget.
    #[schemars(length(min = 1, max = 500))]
    #[serde(default)]
    keys: Option<Vec<String>>,
    /// Forget what fits all of these.
    #[serde(default)]
    filter: Option<ForgetFilter>,
    /// A document, by uri or id.
    #[schemars(length(min = 1, max = 1_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    /// Purge what has expired now; else it is purged within a minute.
    #[serde(default)]
    expired: bool,
    /// `retract` hides, `purge` deletes (at most 100 items a call).
    #[serde(default)]
    mode: Mode,
    /// Only count.
    #[serde(default)]
    dry_run: bool,
    /// Name of this write: a repeat within 24 h returns the first answer.
    #[schemars(length(min = 1, max = 100))]
    #[serde(default)]
    write_id: Option<String>,
    /// Namespace; your home if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
}

/// Which memories.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ForgetFilter {
    /// In this context.
    #[serde(default)]
    context: Option<String>,
    /// With all these tags.
    #[schemars(length(max = 20))]
    #[serde(default)]
    tags: Vec<String>,
    /// Keys like this.
    #[schemars(length(min = 1, max = 200))]
    #[serde(default)]
    key_glob: Option<String>,
    /// At most this important.
    #[schemars(range(min = 1, max = 10))]
    #[serde(default)]
    importance_max: Option<u8>,
    /// Recorded before (RFC 3339).
    #[serde(default)]
    recorded_before: Option<String>,
}

/// How to forget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Retract,
    Purge,
}

/// What was forgotten.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ForgetItemsOutput {
    /// Journal position.
    seq: u64,
    /// What was done.
    mode: Mode,
    /// True when nothing was changed.
    dry_run: bool,
    /// Memories.
    memories: usize,
    /// Versions of them.
    versions: usize,
    /// Entities, observations and facts.
    #[serde(skip_serializing_if = "is_zero")]
    graph: usize,
    /// Documents.
    #[serde(skip_serializing_if = "is_zero")]
    documents: usize,
    /// Ids, keys or document for which there was nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    /// What was deleted, signed: `run_maintenance` with `verify_receipt` looks for it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
    /// True when this is the answer of an earlier call with the same `write_id`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeated: bool,
}

pub(super) async fn answer(
    server: &Server,
    space: &Space,
    mut args: ForgetItemsArgs,
) -> Result<ForgetItemsOutput> {
    let write = write_id(args.write_id.take(), &args)?;
    let (dry_run, mut mode) = (args.dry_run, args.mode);
    let names = args.ids.clone().or_else(|| args.keys.clone());
    let names = names.unwrap_or_else(|| args.document.clone().into_iter().collect());
    let target = args.into_target()?;
    if target == Target::Expired {
        mode = Mode::Purge;
    }
    let how = match mode {
        Mode::Retract => knowledge::Mode::Retract,
        Mode::Purge => knowledge::Mode::Purge,
    };
    let done = space.knowledge().forget(target, how, dry_run, write).await?;
    let receipt = server.seal().receipt(space, done.seq, &done.purged).await;
    Ok(ForgetItemsOutput {
        seq: done.seq,
        mode,
        dry_run,
        memories: done.counts.memories,
        versions: done.counts.versions,
        graph: done.counts.graph,
        documents: done.counts.documents,
        missing: done.missing.into_iter().filter_map(|at| names.get(at).cloned()).collect(),
        receipt,
        repeated: done.repeated,
    })
}

impl ForgetItemsArgs {
    fn into_target(self) -> Result<Target, Error> {
        if let (Some(document), None, None, None, false) =
            (&self.document, &self.ids, &self.keys, &self.filter, self.expired)
        {
            label("/document", document)?;
            return Ok(Target::Document(document.clone()));
        }
        let documents = self.document.is_some();
        match (self.ids, self.keys, self.filter, self.expired || documents) {
            (Some(given), None, None, false) => Ok(Target::Ids(ids("/ids", &given)?)),
            (None, Some(keys), None, false) => {
                labels("/keys", &keys)?;
                Ok(Target::Keys(keys))
            }
            (None, None, Some(filter), false) => Ok(Target::Filter(filter.into_filter()?)),
            (None, None, None, true) if !documents => Ok(Target::Expired),
            _ => Err(Error::invalid(
                "",
                "must have exactly one of ids, keys, filter, document, expired",
            )),
        }
    }
}

impl ForgetFilter {
    fn into_filter(self) -> Result<catalog::Filter, Error> {
        if let Some(context) = &self.context {
            label("/filter/context", context)?;
        }
        labels("/filter/tags", &self.tags)?;
        let filter = catalog::Filter {
            context: self.context,
            tags: self.tags,
            key_glob: self.key_glob,
            importance_max: self.importance_max,
            recorded_before: optional_moment(
                "/filter/recorded_before",
                self.recorded_before.as_ref(),
            )?,
            ..catalog::Filter::default()
        };
        if filter == catalog::Filter::default() {
            return Err(Error::invalid(
                "/filter",
                "must name a condition: an empty filter is every memory",
            ));
        }
        Ok(filter)
    }
}
