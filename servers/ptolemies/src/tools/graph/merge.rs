//! Arguments and answer of `merge_entities`.

use mcp_core::prelude::*;
use ulid::Ulid;

use crate::{
    Error,
    graph::MergeOutcome,
    knowledge::{GraphDone, GraphWork, WriteId},
    store::Answer,
    tools::arguments::{label, labels, write_id},
};

/// What to merge, or to part: either `keep` and `merge`, or `undo`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeEntitiesArgs {
    /// Name, alias or id of the entity whose name and type stay.
    #[schemars(length(min = 1, max = 200))]
    #[serde(default)]
    keep: Option<String>,
    /// Names, aliases or ids of those that are the same.
    #[schemars(length(max = 50), inner(length(min = 1, max = 200)))]
    #[serde(default)]
    merge: Vec<String>,
    /// Id of a merge to undo.
    #[serde(default)]
    undo: Option<String>,
    /// Name of this write: a repeat within 24 h returns the first answer.
    #[schemars(length(min = 1, max = 100))]
    #[serde(default)]
    write_id: Option<String>,
    /// Namespace; your home if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
}

impl MergeEntitiesArgs {
    pub(super) fn into_parts(mut self) -> Result<(GraphWork, Option<WriteId>), Error> {
        let write = write_id(self.write_id.take(), &self)?;
        let work = match (self.keep, self.undo) {
            (Some(keep), None) => {
                label("/keep", &keep)?;
                labels("/merge", &self.merge)?;
                if self.merge.is_empty() {
                    return Err(Error::invalid("/merge", "must name what becomes one with keep"));
                }
                GraphWork::Merge { keep, merge: self.merge }
            }
            (None, Some(undo)) if self.merge.is_empty() => {
                let id = Ulid::from_string(&undo)
                    .map_err(|_| Error::invalid("/undo", "must be an id: 26 letters and digits"))?;
                GraphWork::Undo(id)
            }
            _ => {
                let message = "must have either keep and merge, or undo";
                return Err(Error::invalid("", message));
            }
        };
        Ok((work, write))
    }
}

/// What became of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MergeEntitiesOutput {
    /// Journal position.
    seq: u64,
    /// The merge.
    merge: MergeOutcome,
    /// True when this is the answer of an earlier call with the same `write_id`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeated: bool,
}

impl TryFrom<GraphDone> for MergeEntitiesOutput {
    type Error = Error;

    fn try_from(done: GraphDone) -> Result<Self, Error> {
        match done.answer {
            Answer::Merged(merge) => Ok(Self { seq: done.seq, merge, repeated: done.repeated }),
            Answer::Stored(_)
            | Answer::Said(_)
            | Answer::Forgotten(_)
            | Answer::Entities(_)
            | Answer::Facts(..) => {
                Err(Error::Internal("the answer of a merge is another's".to_owned()))
            }
        }
    }
}
