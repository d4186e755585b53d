//! Rows from elsewhere, judged against what is known before they are written.
//!
//! A row keeps its id and its times, so that taking in the same rows again changes nothing. What
//! would contradict what is there is refused by its line, and the others go on.

mod bundle;

use std::collections::{BTreeMap, HashMap, HashSet};

use tokio::sync::oneshot;
use ulid::Ulid;

use super::{Command, Knowledge, State};
use crate::{
    Error,
    catalog::form_of,
    document::{Chunk, Document},
    graph::{Cardinality, Draft, Entity, Fact, KindRule, LATEST, Merge, Observation, Times, names},
    memory::Memory,
    moment::Moment,
    record::{Incoming, Record, Refused, Table},
    store::Store,
};

pub(super) use bundle::Bundle;

/// How far the clock of the store that a row comes from may be ahead.
const AHEAD_S: u64 = 24 * 60 * 60;

/// What became of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Intake {
    pub(crate) seq: u64,
    /// Rows by table; of documents without their chunks.
    pub(crate) added: BTreeMap<Table, usize>,
    /// Rows that are there.
    pub(crate) duplicates: usize,
    /// By line.
    pub(crate) refused: Vec<(usize, Refused)>,
}

impl<S: Store> Knowledge<S> {
    /// Take rows in: durable and searchable when this returns.
    ///
    /// # Errors
    /// A quota that is reached, or a store that fails: what was written before it stays.
    pub(crate) async fn import(&self, rows: Vec<Incoming>) -> Result<Intake, Error> {
        self.ready().await?;
        let (answer, wait) = oneshot::channel();
        self.send(Command::Import { rows, answer }, wait, true).await?
    }

    /// What taking rows in would do, after those that the judge has seen.
    pub(crate) async fn judge(
        &self,
        judge: &mut Judge,
        rows: &[Incoming],
    ) -> Result<Intake, Error> {
        self.ready().await?;
        let state = self.shared.read();
        judge.now = self.shared.now(&state);
        let mut intake = Intake { seq: state.seq, ..Intake::default() };
        for row in rows {
            let verdict = judge.judge(&state, row);
            intake.note(row, verdict);
        }
        Ok(intake)
    }
}

/// Whether a row is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    New,
    /// It is there.
    Known,
}

impl Intake {
    pub(super) fn note(&mut self, row: &Incoming, verdict: Result<Verdict, Refused>) {
        match verdict {
            Ok(Verdict::New) => *self.added.entry(row.record.table()).or_default() += 1,
            Ok(Verdict::Known) => self.duplicates += 1,
            Err(refused) => self.refused.push((row.line, refused)),
        }
    }
}

/// What versions belong together: at most one of them is open, and that is the last.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Chain {
    Entity(Ulid),
    Memory(Ulid),
    Key(String),
    Uri(String),
}

/// Judges rows by the state and the rows taken in so far.
#[derive(Debug)]
pub(crate) struct Judge {
    now: Moment,
    /// Rows are of this store's own: their times are what they are.
    trusting: bool,
    ids: HashSet<Ulid>,
    chains: HashMap<Chain, Vec<(Ulid, bool)>>,
    /// Numbers of versions, by first version.
    versions: HashSet<(Ulid, u32)>,
    entities: HashSet<Ulid>,
    rules: HashMap<String, Cardinality>,
    /// Times of facts that are said, by start and type.
    slots: HashMap<(Ulid, String), Vec<Times>>,
    /// Of merges that hold.
    redirects: HashMap<Ulid, Ulid>,
    /// Ids that documents and their chunks take, by the first.
    spans: BTreeMap<Ulid, Ulid>,
}

impl Judge {
    pub(crate) fn new(now: Moment) -> Self {
        Self {
            now,
            trusting: false,
            ids: HashSet::new(),
            chains: HashMap::new(),
            versions: HashSet::new(),
            entities: HashSet::new(),
            rules: HashMap::new(),
            slots: HashMap::new(),
            redirects: HashMap::new(),
            spans: BTreeMap::new(),
        }
    }

    /// For rows of a backup, whatever the clock says.
    pub(super) fn trusting(now: Moment) -> Self {
        Self { trusting: true, ..Self::new(now) }
    }

    pub(super) fn judge(&mut self, state: &State, row: &Incoming) -> Result<Verdict, Refused> {
        if let Record::Rule(rule) = &row.record {
            return self.rule(state, rule);
        }
        let Some(id) = row.record.id() else { return Err(Refused::invalid("has no id")) };
        self.timely(id, &row.record)?;
        if self.ids.contains(&id) || self.in_span(id) {
            return Err(Refused::conflict("its id stands in an earlier line"));
        }
        if let Some(same) = state.holds(&row.record) {
            return if same {
                Ok(Verdict::Known)
            } else {
                Err(Refused::conflict("another row has its id"))
            };
        }
        if state.uses(id) {
            return Err(Refused::conflict("another row has its id"));
        }
        match &row.record {
            Record::Entity(entity) => self.entity(state, entity),
            Record::Observation(observation) => self.observation(state, observation),
            Record::Fact(fact) => self.fact(state, fact),
            Record::Merge(merge) => self.merge(state, merge),
            Record::Memory(memory) => self.memory(state, memory),
            Record::Document(document) => self.document(state, document, &row.chunks),
            Record::Chunk(_) => Err(Refused::missing("its document is not in the lines before")),
            Record::Rule(_) => Ok(()),
        }?;
        self.ids.insert(id);
        Ok(Verdict::New)
    }

    /// Ids are made from times: one far ahead would take those of later writes.
    fn timely(&self, id: Ulid, record: &Record) -> Result<(), Refused> {
        if self.trusting {
            return Ok(());
        }
        let latest = self.now.after_seconds(AHEAD_S);
        let made = i64::try_from(id.timestamp_ms()).unwrap_or(i64::MAX);
        let ahead = record.known_from_to().is_some_and(|(from, to)| {
            from > self.now || to.known().is_some_and(|to| to > self.now)
        });
        if Moment::from_millis(made) > latest || ahead {
            return Err(Refused::invalid("its id and system times must not lie in the future"));
        }
        Ok(())
    }

    fn in_span(&self, id: Ulid) -> bool {
        self.spans.range(..=id).next_back().is_some_and(|(_, last)| id <= *last)
    }

    fn rule(&mut self, state: &State, rule: &KindRule) -> Result<Verdict, Refused> {
        let key = names::kind(&rule.kind);
        let known = self.cardinality(state, &key);
        if known == rule.cardinality {
            return Ok(Verdict::Known);
        }
        let mut unused = || Ulid::nil();
        let mut draft = Draft::new(&state.graph, self.now, 0, &mut unused);
        let declared = draft.upsert_facts(vec![(key.clone(), rule.cardinality)], Vec::new(), false);
        declared.map_err(|error| Refused::conflict(error.to_string()))?;
        self.rules.insert(key, rule.cardinality);
        Ok(Verdict::New)
    }

    fn cardinality(&self, state: &State, key: &str) -> Cardinality {
        self.rules.get(key).copied().unwrap_or_else(|| state.graph.cardinality(key))
    }

    /// Enter a version into its chain.
    fn chain(
        &mut self,
        chain: Chain,
        known: impl Iterator<Item = (Ulid, bool)>,
        (id, open): (Ulid, bool),
    ) -> Result<(), Refused> {
        let what = match chain {
            Chain::Key(_) => "key",
            Chain::Uri(_) => "uri",
            Chain::Entity(_) | Chain::Memory(_) => "versions",
        };
        let links = self.chains.entry(chain).or_insert_with(|| known.collect());
        let fits = links.iter().all(|&(other, other_open)| match (open, other_open) {
            (true, true) => false,
            (true, false) => other < id,
            (false, true) => id < other,
            (false, false) => true,
        });
        if !fits {
            return Err(Refused::conflict(format!(
                "its {what} would have two current values, or a current one before an old one"
            )));
        }
        links.push((id, open));
        Ok(())
    }

    fn version(&mut self, taken: bool, lineage: Ulid, version: u32) -> Result<(), Refused> {
        if taken || self.versions.contains(&(lineage, version)) {
            return Err(Refused::conflict(format!("there is another version {version} of it")));
        }
        self.versions.insert((lineage, version));
        Ok(())
    }

    fn entity(&mut self, state: &State, row: &Entity) -> Result<(), Refused> {
        let taken =
            state.graph.entity_versions(row.lineage).any(|known| known.version == row.version);
        let links = state.graph.entity_versions(row.lineage);
        let links = links.map(|known| (known.id, known.is_open()));
        self.chain(Chain::Entity(row.lineage), links, (row.id, row.is_open()))?;
        self.version(taken, row.lineage, row.version)?;
        self.entities.insert(row.lineage);
        Ok(())
    }

    fn knows(&self, state: &State, entity: Ulid) -> Result<(), Refused> {
        if self.entities.contains(&entity) || state.graph.knows(entity) {
            return Ok(());
        }
        Err(Refused::missing(format!("there is no entity {entity}")))
    }

    fn observation(&self, state: &State, row: &Observation) -> Result<(), Refused> {
        self.knows(state, row.entity)
    }

    fn fact(&mut self, state: &State, row: &Fact) -> Result<(), Refused> {
        self.knows(state, row.from)?;
        self.knows(state, row.to)?;
        let key = names::kind(&row.kind);
        if !row.times.is_open() || self.cardinality(state, &key) == Cardinality::Many {
            return Ok(());
        }
        let root = self.root(state, row.from);
        let overlaps = |times: &Times| times.overlaps(row.times.valid_from, row.times.valid_to);
        let group = state.graph.group(root, LATEST);
        let said = group.iter().flat_map(|from| state.graph.slot(*from, &key));
        let said = said.filter_map(|id| state.graph.fact_row(*id));
        let slot = self.slots.entry((root, key.clone())).or_default();
        if said.map(|fact| &fact.times).chain(&*slot).any(overlaps) {
            return Err(Refused::conflict(format!(
                "{} has one value at a time, and another one holds then",
                mcp_core::untrusted::line(&row.kind, 64)
            )));
        }
        slot.push(row.times);
        Ok(())
    }

    /// What an entity is part of, by the rows taken in so far.
    fn root(&self, state: &State, lineage: Ulid) -> Ulid {
        let mut root = state.graph.root(lineage, LATEST);
        for _ in 0..=self.redirects.len() {
            let Some(next) = self.redirects.get(&root) else { break };
            root = state.graph.root(*next, LATEST);
        }
        root
    }

    fn merge(&mut self, state: &State, row: &Merge) -> Result<(), Refused> {
        for entity in [row.keep].iter().chain(&row.merged) {
            self.knows(state, *entity)?;
        }
        if row.retracted_at != Moment::NEVER {
            return Ok(());
        }
        let root = self.root(state, row.keep);
        let free = |entity: &Ulid| self.root(state, *entity) == *entity && *entity != root;
        if !row.merged.iter().all(free) {
            return Err(Refused::conflict("one of its entities is merged already"));
        }
        let mut unused = || Ulid::nil();
        let draft = Draft::new(&state.graph, self.now, 0, &mut unused);
        draft.fits(row.keep, &row.merged).map_err(|error| Refused::conflict(error.to_string()))?;
        self.redirects.extend(row.merged.iter().map(|merged| (*merged, row.keep)));
        Ok(())
    }

    fn memory(&mut self, state: &State, row: &Memory) -> Result<(), Refused> {
        if row.expires_at <= self.now {
            return Err(Refused::invalid("has expired"));
        }
        let open = row.retracted_at == Moment::NEVER;
        let links = |ids: &[Ulid]| -> Vec<(Ulid, bool)> {
            let entries = ids.iter().filter_map(|id| state.catalog.get(*id).map(|e| (*id, e)));
            entries.map(|(id, entry)| (id, entry.retracted_at == Moment::NEVER)).collect()
        };
        let versions = state.catalog.versions_of(row.lineage);
        let taken = versions.iter().filter_map(|id| state.catalog.get(*id));
        let taken = taken.into_iter().any(|entry| entry.version == row.version);
        let known = links(&versions);
        self.chain(Chain::Memory(row.lineage), known.into_iter(), (row.id, open))?;
        if let Some(key) = &row.key {
            let known = links(state.catalog.versions_of_key(key));
            self.chain(Chain::Key(key.clone()), known.into_iter(), (row.id, open))?;
        }
        self.version(taken, row.lineage, row.version)
    }

    fn document(&mut self, state: &State, row: &Document, chunks: &[Chunk]) -> Result<(), Refused> {
        let whole = chunks.iter().map(|chunk| chunk.id).eq(row.chunk_ids());
        let mut end = 0;
        let joined = chunks.iter().all(|chunk| {
            let joins = chunk.start == end;
            end += chunk.text.len() as u64;
            joins
        });
        if !whole || !joined || end != row.bytes {
            return Err(Refused::invalid(format!(
                "its {} chunks of together {} bytes must follow it, whole and in order",
                row.chunks, row.bytes
            )));
        }
        let last = Ulid(row.id.0.saturating_add(u128::from(row.chunks)));
        let clear = self.spans.range(row.id..=last).next().is_none()
            && !row.chunk_ids().any(|id| self.ids.contains(&id) || state.uses(id));
        if !clear || !state.documents.has_room_for(row) {
            return Err(Refused::conflict("another row has the id of one of its chunks"));
        }
        let under = state.documents.under(&row.uri);
        let taken = under
            .filter(|known| known.lineage == row.lineage)
            .any(|known| known.version == row.version);
        let links = state.documents.under(&row.uri).map(|known| (known.id, known.is_open()));
        self.chain(Chain::Uri(row.uri.clone()), links, (row.id, row.is_open()))?;
        self.version(taken, row.lineage, row.version)?;
        self.spans.insert(row.id, last);
        Ok(())
    }
}

impl State {
    /// Whether this row is there: as it is, but for what the store learned of it since. `None` when
    /// no row of its table has its id.
    fn holds(&self, record: &Record) -> Option<bool> {
        match record {
            Record::Entity(row) => self.graph.entity_row(row.id).map(|known| {
                (&known.name, &known.kind, &known.aliases, &known.props)
                    == (&row.name, &row.kind, &row.aliases, &row.props)
                    && (known.lineage, known.version, known.recorded_at)
                        == (row.lineage, row.version, row.recorded_at)
            }),
            Record::Observation(row) => self.graph.observation_row(row.id).map(|known| {
                (known.entity, &known.text, known.times.valid_from)
                    == (row.entity, &row.text, row.times.valid_from)
            }),
            Record::Fact(row) => self.graph.fact_row(row.id).map(|known| {
                (known.from, &known.kind, known.to) == (row.from, &row.kind, row.to)
                    && (known.lineage, &known.text, &known.props)
                        == (row.lineage, &row.text, &row.props)
                    && (known.times.valid_from, known.times.valid_to)
                        == (row.times.valid_from, row.times.valid_to)
            }),
            Record::Merge(row) => self
                .graph
                .merge_row(row.id)
                .map(|known| (known.keep, &known.merged) == (row.keep, &row.merged)),
            Record::Memory(row) => self.catalog.get(row.id).map(|known| {
                known.form == form_of(&row.text)
                    && known.key.as_deref() == row.key.as_deref()
                    && *known.context == *row.context
                    && (known.lineage, known.version) == (row.lineage, row.version)
            }),
            Record::Document(row) => self.documents.get(row.id).map(|known| {
                (&known.uri, &known.sha256, known.version) == (&row.uri, &row.sha256, row.version)
            }),
            Record::Rule(_) | Record::Chunk(_) => None,
        }
    }

    /// Whether a row of any table has the id.
    fn uses(&self, id: Ulid) -> bool {
        self.graph.entity_row(id).is_some()
            || self.graph.observation_row(id).is_some()
            || self.graph.fact_row(id).is_some()
            || self.graph.merge_row(id).is_some()
            || self.catalog.get(id).is_some()
            || self.documents.get(id).is_some()
            || self.documents.of_chunk(id).is_some()
    }
}
