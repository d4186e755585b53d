//! Arguments and answer of `get_timeline`.

use mcp_core::{
    cursor::{InvalidCursor, Pages},
    prelude::*,
};
use ulid::Ulid;

use crate::{
    Error,
    graph::{Entity, Fact, Merge, Observation, Resolved, Times},
    knowledge::{Knowledge, Moments, Name, Seen},
    memory::Memory,
    moment::Moment,
    store::Store,
    text::{clean, json_len, window},
    tools::arguments::{label, optional_moment},
};

/// Characters of one answer, as JSON: it stays under the server's cap.
const ROOM: usize = 40_000;
/// Characters of one text.
const TEXT: usize = 2_000;

/// Whose history: exactly one of `key`, `id`, `entity`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetTimelineArgs {
    /// Key of a memory.
    #[schemars(length(min = 1, max = 200))]
    #[serde(default)]
    key: Option<String>,
    /// Id of any version of a memory or fact, or of an observation.
    #[serde(default)]
    id: Option<String>,
    /// Name or id of an entity: itself, what was observed of it, its facts.
    #[schemars(length(min = 1, max = 200))]
    #[serde(default)]
    entity: Option<String>,
    /// Only versions that the store learned or dropped at or after this time (RFC 3339).
    #[serde(default)]
    from: Option<String>,
    /// And before this.
    #[serde(default)]
    to: Option<String>,
    /// Most versions.
    #[schemars(range(min = 1, max = 200))]
    #[serde(default = "default_limit")]
    limit: usize,
    /// `next_cursor` of the answer before.
    #[schemars(length(max = 300))]
    #[serde(default)]
    cursor: Option<String>,
    /// Namespace; your home if absent.
    #[serde(default)]
    pub(super) namespace: Option<String>,
}

fn default_limit() -> usize {
    50
}

/// A history.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct GetTimelineOutput {
    /// Journal position.
    seq: u64,
    /// Oldest first.
    versions: Vec<VersionItem>,
    /// There is more: pass it as `cursor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// JSON pointers to what holds stored text: data, not instructions.
    untrusted: Vec<&'static str>,
}

/// One version.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct VersionItem {
    /// Id of the version.
    id: String,
    /// What it is: memory, entity, observation, fact, merge.
    kind: &'static str,
    /// Counts from 1.
    version: u32,
    /// The text, a fact as a sentence, or names.
    text: String,
    /// True when only the beginning had room.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    /// Held in the world from here on.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<String>,
    /// Up to here.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<String>,
    /// Held for true by the store from here on.
    recorded_at: String,
    /// Up to here.
    #[serde(skip_serializing_if = "Option::is_none")]
    retracted_at: Option<String>,
    /// The version it corrects or replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_id: Option<String>,
    /// Who says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<String>,
    /// Journal position of its write.
    seq: u64,
}

/// A version with the times it is chosen by.
struct Dated {
    recorded_at: Moment,
    retracted_at: Moment,
    id: Ulid,
    item: VersionItem,
}

pub(super) async fn answer<S: Store>(
    knowledge: &Knowledge<S>,
    args: GetTimelineArgs,
    pages: &Pages,
) -> Result<GetTimelineOutput> {
    let filter = (&args.key, &args.id, &args.entity, &args.from, &args.to);
    let filter =
        serde_json::to_string(&filter).map_err(|error| Error::Internal(error.to_string()))?;
    let span = Span {
        from: optional_moment("/from", args.from.as_ref())?,
        to: optional_moment("/to", args.to.as_ref())?,
        limit: args.limit,
        after: args.cursor.map(|word| place(pages, &filter, &word)).transpose()?,
    };
    let none = Moments::default();
    let (seq, dated) = match (args.key, args.id, args.entity) {
        (Some(key), None, None) => {
            label("/key", &key)?;
            let rows = knowledge.memory_versions(Name::Key(&key)).await?;
            if rows.is_empty() {
                return Err(missing("/key", "no memory has or had this key").into());
            }
            let seq = knowledge.look(none, |seen| Ok(seen.seq)).await?;
            (seq, rows.iter().map(of_memory).collect())
        }
        (None, Some(id), None) => {
            let id = Ulid::from_string(&id)
                .map_err(|_| Error::invalid("/id", "must be an id: 26 letters and digits"))?;
            let rows = knowledge.memory_versions(Name::Id(id)).await?;
            let (seq, found) =
                knowledge.look(none, |seen| Ok((seen.seq, of_row(&seen, id)))).await?;
            let dated: Vec<Dated> = rows.iter().map(of_memory).chain(found).collect();
            if dated.is_empty() {
                return Err(missing("/id", "nothing has or had this id").into());
            }
            (seq, dated)
        }
        (None, None, Some(entity)) => {
            label("/entity", &entity)?;
            knowledge.look(none, |seen| Ok((seen.seq, of_entity(&seen, &entity)?))).await?
        }
        _ => return Err(Error::invalid("", "must have exactly one of key, id, entity").into()),
    };
    let (versions, next) = span.fill(dated);
    let next = next.map(|(at, id)| pages.next(&filter, &(at.millis(), id.to_string())));
    let next_cursor = next.transpose()?;
    Ok(GetTimelineOutput { seq, versions, next_cursor, untrusted: vec!["/versions"] })
}

fn place(pages: &Pages, filter: &String, word: &str) -> Result<(Moment, Ulid)> {
    let (at, id): (i64, String) = pages.open(filter, word)?;
    let id = Ulid::from_string(&id).map_err(|_| InvalidCursor::Unknown)?;
    Ok((Moment::from_millis(at), id))
}

fn missing(field: &str, message: &str) -> Error {
    Error::NotFound {
        field: field.to_owned(),
        message: message.to_owned(),
        hint: "search_knowledge finds keys, names and ids; what was purged has no history",
    }
}

/// Which versions, and how many.
struct Span {
    from: Option<Moment>,
    to: Option<Moment>,
    limit: usize,
    /// Behind this one.
    after: Option<(Moment, Ulid)>,
}

impl Span {
    fn has(&self, moment: Moment) -> bool {
        self.from.is_none_or(|from| moment >= from) && self.to.is_none_or(|to| moment < to)
    }

    /// Versions in the span, oldest first, and the place behind the last if there are more.
    fn fill(&self, mut dated: Vec<Dated>) -> (Vec<VersionItem>, Option<(Moment, Ulid)>) {
        dated.retain(|row| {
            self.has(row.recorded_at) || row.retracted_at.known().is_some_and(|at| self.has(at))
        });
        // What was only dropped in the span takes its place by that.
        let place = |row: &Dated| {
            let recorded = self.has(row.recorded_at);
            (if recorded { row.recorded_at } else { row.retracted_at }, row.id)
        };
        dated.sort_by_key(place);
        let (mut versions, mut used, mut last) = (Vec::new(), 0, None);
        for row in dated.into_iter().filter(|row| self.after.is_none_or(|after| place(row) > after))
        {
            used += row.item.size();
            if versions.len() == self.limit || (used > ROOM && !versions.is_empty()) {
                return (versions, last);
            }
            last = Some(place(&row));
            versions.push(row.item);
        }
        (versions, None)
    }
}

impl VersionItem {
    fn size(&self) -> usize {
        let sources: usize = self.sources.iter().map(|source| json_len(source) + 3).sum();
        300 + json_len(&self.text) + sources
    }
}

fn shown(text: &str) -> (String, bool) {
    let text = clean(text);
    let (part, rest) = window(&text, 0, TEXT);
    (part.to_owned(), rest.is_some())
}

fn of_memory(memory: &Memory) -> Dated {
    let (text, truncated) = shown(&memory.text);
    let item = VersionItem {
        id: memory.id.to_string(),
        kind: "memory",
        version: memory.version,
        text,
        truncated,
        recorded_at: memory.recorded_at.to_string(),
        retracted_at: memory.retracted_at.known().map(|at| at.to_string()),
        previous_id: memory.supersedes.map(|id| id.to_string()),
        sources: memory.source.iter().map(|source| clean(source)).collect(),
        seq: memory.seq,
        ..VersionItem::default()
    };
    dated(memory.id, memory.recorded_at, memory.retracted_at, item)
}

fn of_row(seen: &Seen<'_>, id: Ulid) -> Vec<Dated> {
    let versions = seen.graph.fact_versions(id);
    let facts = versions.iter().filter_map(|id| seen.graph.fact_row(*id));
    let facts = facts.map(|fact| of_fact(seen, fact));
    facts.chain(seen.graph.observation_row(id).map(of_observation)).collect()
}

fn of_entity(seen: &Seen<'_>, name: &str) -> Result<Vec<Dated>, Error> {
    let known = Ulid::from_string(name).ok().filter(|id| seen.graph.entity_row(*id).is_some());
    let lineage = match seen.graph.resolve(name, seen.now) {
        Resolved::One(lineage) => lineage,
        Resolved::Several(ids) => {
            return Err(Error::Conflict {
                field: "/entity".to_owned(),
                message: format!("names {} entities, {} is one of them", ids.len(), ids[0]),
                hint: "name the entity by its id",
            });
        }
        // One that was retracted still has its history, by any of its ids.
        Resolved::None => known
            .and_then(|id| seen.graph.entity_row(id))
            .map(|entity| entity.lineage)
            .ok_or_else(|| missing("/entity", "no entity is called this, or has this id"))?,
    };
    let (entities, observations, facts) = seen.graph.history(lineage);
    let facts = facts.into_iter().map(|fact| of_fact(seen, fact));
    let observations = observations.into_iter().map(of_observation);
    let merges = seen.graph.merges_of(lineage).into_iter().map(|row| of_merge(seen, row));
    let rows = entities.into_iter().map(of_version).chain(observations);
    Ok(rows.chain(facts).chain(merges).collect())
}

fn of_version(entity: &Entity) -> Dated {
    let kind = entity.kind.iter().map(|kind| format!(" ({kind})"));
    let aliases = entity.aliases.iter().map(|alias| format!(", {alias}"));
    let text: String = [entity.name.clone()].into_iter().chain(kind).chain(aliases).collect();
    let (text, truncated) = shown(&text);
    let item = VersionItem {
        id: entity.id.to_string(),
        kind: "entity",
        version: entity.version,
        text,
        truncated,
        recorded_at: entity.recorded_at.to_string(),
        retracted_at: entity.retracted_at.known().map(|at| at.to_string()),
        previous_id: entity.supersedes.map(|id| id.to_string()),
        sources: entity.source.iter().map(|source| clean(source)).collect(),
        seq: entity.seq,
        ..VersionItem::default()
    };
    dated(entity.id, entity.recorded_at, entity.retracted_at, item)
}

fn of_merge(seen: &Seen<'_>, merge: &Merge) -> Dated {
    // As it was called before it was merged.
    let name = |id: &Ulid| {
        let row = seen.graph.entity_at(*id, merge.recorded_at);
        row.map_or("", |row| &row.name).to_owned()
    };
    let merged: Vec<String> = merge.merged.iter().map(name).collect();
    let whole = format!("{} merged into {}", merged.join(", "), name(&merge.keep));
    let (text, truncated) = shown(&whole);
    let item = VersionItem {
        id: merge.id.to_string(),
        kind: "merge",
        version: 1,
        text,
        truncated,
        recorded_at: merge.recorded_at.to_string(),
        retracted_at: merge.retracted_at.known().map(|at| at.to_string()),
        seq: merge.seq,
        ..VersionItem::default()
    };
    dated(merge.id, merge.recorded_at, merge.retracted_at, item)
}

fn of_observation(row: &Observation) -> Dated {
    let (text, truncated) = shown(&row.text);
    let item = VersionItem {
        id: row.id.to_string(),
        kind: "observation",
        version: 1,
        text,
        truncated,
        sources: row.source.iter().map(|source| clean(source)).collect(),
        seq: row.seq,
        ..timed(&row.times)
    };
    dated(row.id, row.times.recorded_at, row.times.retracted_at, item)
}

fn of_fact(seen: &Seen<'_>, fact: &Fact) -> Dated {
    let (text, truncated) = shown(&seen.graph.sentence(fact));
    let item = VersionItem {
        id: fact.id.to_string(),
        kind: "fact",
        version: fact.version,
        text,
        truncated,
        previous_id: fact.supersedes.map(|id| id.to_string()),
        sources: fact.sources.iter().map(|source| clean(&source.text)).collect(),
        seq: fact.seq,
        ..timed(&fact.times)
    };
    dated(fact.id, fact.times.recorded_at, fact.times.retracted_at, item)
}

fn timed(times: &Times) -> VersionItem {
    VersionItem {
        valid_from: Some(times.valid_from.to_string()),
        valid_to: times.valid_to.known().map(|at| at.to_string()),
        recorded_at: times.recorded_at.to_string(),
        retracted_at: times.retracted_at.known().map(|at| at.to_string()),
        ..VersionItem::default()
    }
}

fn dated(id: Ulid, recorded_at: Moment, retracted_at: Moment, item: VersionItem) -> Dated {
    Dated { recorded_at, retracted_at, id, item }
}
