//! Tables of the graph. A fact is an edge record between the first versions of its entities, so
//! that arrows of queries run along it.

use surrealdb::types::{Datetime, Object, RecordId, RecordIdKey, SurrealValue};
use ulid::Ulid;

use super::{
    ids_in,
    merge::MergeRow,
    row::{datetime, odd, open_end, ulid},
};
use crate::{
    Error,
    graph::{Cardinality, Delta, Entity, Fact, KindRule, Observation, Rows, Source, Times},
    moment::Moment,
};

/// From the layout of memories alone (1) to that with the graph (2).
pub(super) const DEFINE: &str = "
DEFINE FIELD graph ON head TYPE int DEFAULT 0;
UPDATE head:journal SET graph = 0 RETURN NONE;
DEFINE TABLE entity TYPE NORMAL SCHEMAFULL PERMISSIONS NONE;
DEFINE FIELD lineage ON entity TYPE string;
DEFINE FIELD supersedes ON entity TYPE option<string>;
DEFINE FIELD version ON entity TYPE int;
DEFINE FIELD name ON entity TYPE string;
DEFINE FIELD kind ON entity TYPE option<string>;
DEFINE FIELD aliases ON entity TYPE array<string>;
DEFINE FIELD props ON entity TYPE option<string>;
DEFINE FIELD source ON entity TYPE option<string>;
DEFINE FIELD recorded_at ON entity TYPE datetime;
DEFINE FIELD retracted_at ON entity TYPE option<datetime>;
DEFINE FIELD seq ON entity TYPE int;
DEFINE TABLE observation TYPE NORMAL SCHEMAFULL PERMISSIONS NONE;
DEFINE FIELD entity ON observation TYPE string;
DEFINE FIELD text ON observation TYPE string;
DEFINE FIELD source ON observation TYPE option<string>;
DEFINE FIELD valid_from ON observation TYPE datetime;
DEFINE FIELD valid_to ON observation TYPE option<datetime>;
DEFINE FIELD recorded_at ON observation TYPE datetime;
DEFINE FIELD retracted_at ON observation TYPE option<datetime>;
DEFINE FIELD seq ON observation TYPE int;
DEFINE TABLE fact TYPE RELATION IN entity OUT entity SCHEMAFULL PERMISSIONS NONE;
DEFINE FIELD lineage ON fact TYPE string;
DEFINE FIELD supersedes ON fact TYPE option<string>;
DEFINE FIELD version ON fact TYPE int;
DEFINE FIELD kind ON fact TYPE string;
DEFINE FIELD text ON fact TYPE option<string>;
DEFINE FIELD props ON fact TYPE option<string>;
DEFINE FIELD weight ON fact TYPE float;
DEFINE FIELD confidence ON fact TYPE option<float>;
DEFINE FIELD sources ON fact TYPE array<string>;
DEFINE FIELD sourced_at ON fact TYPE array<datetime>;
DEFINE FIELD valid_from ON fact TYPE datetime;
DEFINE FIELD valid_to ON fact TYPE option<datetime>;
DEFINE FIELD recorded_at ON fact TYPE datetime;
DEFINE FIELD retracted_at ON fact TYPE option<datetime>;
DEFINE FIELD seq ON fact TYPE int;
DEFINE TABLE rule TYPE NORMAL SCHEMAFULL PERMISSIONS NONE;
DEFINE FIELD one ON rule TYPE bool;
";

/// What of a change concerns the graph, in its transaction.
pub(super) fn statements(delta: &Delta, statements: &mut String, bound: &mut Object) {
    let mut bind = |name: &str, value| bound.insert(name.to_owned(), value);
    if !delta.entities.insert.is_empty() {
        statements.push_str("INSERT INTO entity $entities RETURN NONE;");
        let rows: Vec<EntityRow> = delta.entities.insert.iter().map(EntityRow::of).collect();
        bind("entities", rows.into_value());
    }
    if !delta.observations.insert.is_empty() {
        statements.push_str("INSERT INTO observation $observations RETURN NONE;");
        let rows = delta.observations.insert.iter().map(ObservationRow::of);
        bind("observations", rows.collect::<Vec<_>>().into_value());
    }
    if !delta.facts.insert.is_empty() {
        statements.push_str("INSERT RELATION INTO fact $facts RETURN NONE;");
        let rows: Vec<FactRow> = delta.facts.insert.iter().map(FactRow::of).collect();
        bind("facts", rows.into_value());
    }
    let mut ids = Vec::new();
    for (delete, name, statement) in [
        (false, "graph_retract", "UPDATE $graph_retract SET retracted_at = $at RETURN NONE;"),
        (true, "graph_delete", "DELETE $graph_delete RETURN NONE;"),
    ] {
        ids.clear();
        // Facts first: a record that goes takes the edges at it along.
        gather("fact", &delta.facts, delete, &mut ids);
        gather("observation", &delta.observations, delete, &mut ids);
        gather("entity", &delta.entities, delete, &mut ids);
        gather("merge", &delta.merges, delete, &mut ids);
        if !ids.is_empty() {
            statements.push_str(statement);
            bind(name, ids.clone().into_value());
        }
    }
    for (number, (fact, source)) in delta.sources.iter().enumerate() {
        let (id, text) = (format!("sourced_{number}"), format!("source_{number}"));
        statements.push_str(&format!(
            "UPDATE ${id} SET sources += ${text}, sourced_at += $at RETURN NONE;"
        ));
        bind(&id, ids_in("fact", &[*fact]));
        bind(&text, source.text.clone().into_value());
    }
    if !delta.merges.insert.is_empty() {
        statements.push_str("INSERT INTO merge $merges RETURN NONE;");
        let rows: Vec<MergeRow> = delta.merges.insert.iter().map(MergeRow::of).collect();
        bind("merges", rows.into_value());
    }
    if !delta.rules.is_empty() {
        statements.push_str("FOR $rule IN $rules { UPSERT $rule.id CONTENT $rule RETURN NONE; };");
        let rows: Vec<RuleRow> = delta.rules.iter().map(RuleRow::of).collect();
        bind("rules", rows.into_value());
    }
}

fn gather<T>(table: &'static str, rows: &Rows<T>, delete: bool, ids: &mut Vec<RecordId>) {
    let chosen = if delete { &rows.delete } else { &rows.retract };
    ids.extend(chosen.iter().map(|id| RecordId::new(table, id.to_string())));
}

/// The head of a store of the first layout.
#[derive(Debug, SurrealValue)]
pub(super) struct FirstHeadRow {
    pub(super) seq: i64,
    pub(super) at: Datetime,
    pub(super) versions: i64,
}

#[derive(Debug, SurrealValue)]
pub(super) struct EntityRow {
    id: RecordId,
    lineage: String,
    supersedes: Option<String>,
    version: i64,
    name: String,
    kind: Option<String>,
    aliases: Vec<String>,
    props: Option<String>,
    source: Option<String>,
    recorded_at: Datetime,
    retracted_at: Option<Datetime>,
    seq: i64,
}

impl EntityRow {
    fn of(entity: &Entity) -> Self {
        Self {
            id: RecordId::new("entity", entity.id.to_string()),
            lineage: entity.lineage.to_string(),
            supersedes: entity.supersedes.map(|id| id.to_string()),
            version: i64::from(entity.version),
            name: entity.name.clone(),
            kind: entity.kind.clone(),
            aliases: entity.aliases.clone(),
            props: entity.props.clone(),
            source: entity.source.clone(),
            recorded_at: datetime(entity.recorded_at),
            retracted_at: entity.retracted_at.known().map(datetime),
            seq: signed(entity.seq),
        }
    }

    pub(super) fn into_entity(self) -> Result<Entity, Error> {
        Ok(Entity {
            id: id_of(&self.id)?,
            lineage: ulid(&self.lineage)?,
            supersedes: self.supersedes.as_deref().map(ulid).transpose()?,
            version: u32::try_from(self.version).map_err(|_| odd("a version"))?,
            name: self.name,
            kind: self.kind,
            aliases: self.aliases,
            props: self.props,
            source: self.source,
            recorded_at: Moment::from(self.recorded_at.into_inner()),
            retracted_at: open_end(self.retracted_at),
            seq: self.seq.unsigned_abs(),
        })
    }
}

#[derive(Debug, SurrealValue)]
pub(super) struct ObservationRow {
    id: RecordId,
    entity: String,
    text: String,
    source: Option<String>,
    valid_from: Datetime,
    valid_to: Option<Datetime>,
    recorded_at: Datetime,
    retracted_at: Option<Datetime>,
    seq: i64,
}

impl ObservationRow {
    fn of(row: &Observation) -> Self {
        Self {
            id: RecordId::new("observation", row.id.to_string()),
            entity: row.entity.to_string(),
            text: row.text.clone(),
            source: row.source.clone(),
            valid_from: datetime(row.times.valid_from),
            valid_to: row.times.valid_to.known().map(datetime),
            recorded_at: datetime(row.times.recorded_at),
            retracted_at: row.times.retracted_at.known().map(datetime),
            seq: signed(row.seq),
        }
    }

    pub(super) fn into_observation(self) -> Result<Observation, Error> {
        Ok(Observation {
            id: id_of(&self.id)?,
            entity: ulid(&self.entity)?,
            text: self.text,
            source: self.source,
            times: times(self.valid_from, self.valid_to, self.recorded_at, self.retracted_at),
            seq: self.seq.unsigned_abs(),
        })
    }
}

#[derive(Debug, SurrealValue)]
pub(super) struct FactRow {
    id: RecordId,
    #[surreal(rename = "in")]
    from: RecordId,
    #[surreal(rename = "out")]
    to: RecordId,
    lineage: String,
    supersedes: Option<String>,
    version: i64,
    kind: String,
    text: Option<String>,
    props: Option<String>,
    weight: f64,
    confidence: Option<f64>,
    sources: Vec<String>,
    sourced_at: Vec<Datetime>,
    valid_from: Datetime,
    valid_to: Option<Datetime>,
    recorded_at: Datetime,
    retracted_at: Option<Datetime>,
    seq: i64,
}

impl FactRow {
    fn of(fact: &Fact) -> Self {
        Self {
            id: RecordId::new("fact", fact.id.to_string()),
            from: RecordId::new("entity", fact.from.to_string()),
            to: RecordId::new("entity", fact.to.to_string()),
            lineage: fact.lineage.to_string(),
            supersedes: fact.supersedes.map(|id| id.to_string()),
            version: i64::from(fact.version),
            kind: fact.kind.clone(),
            text: fact.text.clone(),
            props: fact.props.clone(),
            weight: fact.weight,
            confidence: fact.confidence,
            sources: fact.sources.iter().map(|source| source.text.clone()).collect(),
            sourced_at: fact.sources.iter().map(|source| datetime(source.at)).collect(),
            valid_from: datetime(fact.times.valid_from),
            valid_to: fact.times.valid_to.known().map(datetime),
            recorded_at: datetime(fact.times.recorded_at),
            retracted_at: fact.times.retracted_at.known().map(datetime),
            seq: signed(fact.seq),
        }
    }

    pub(super) fn into_fact(self) -> Result<Fact, Error> {
        if self.sources.len() != self.sourced_at.len() {
            return Err(odd("the sources of a fact"));
        }
        let sourced = self.sourced_at.into_iter().map(|time| Moment::from(time.into_inner()));
        Ok(Fact {
            id: id_of(&self.id)?,
            lineage: ulid(&self.lineage)?,
            supersedes: self.supersedes.as_deref().map(ulid).transpose()?,
            version: u32::try_from(self.version).map_err(|_| odd("a version"))?,
            from: id_of(&self.from)?,
            to: id_of(&self.to)?,
            kind: self.kind,
            text: self.text,
            props: self.props,
            weight: self.weight,
            confidence: self.confidence,
            sources: self
                .sources
                .into_iter()
                .zip(sourced)
                .map(|(text, at)| Source { text, at })
                .collect(),
            times: times(self.valid_from, self.valid_to, self.recorded_at, self.retracted_at),
            seq: self.seq.unsigned_abs(),
        })
    }
}

#[derive(Debug, SurrealValue)]
pub(super) struct RuleRow {
    id: RecordId,
    one: bool,
}

impl RuleRow {
    fn of(rule: &KindRule) -> Self {
        let id = RecordId::new("rule", rule.kind.clone());
        Self { id, one: rule.cardinality == Cardinality::One }
    }

    pub(super) fn into_rule(self) -> Result<KindRule, Error> {
        let RecordIdKey::String(kind) = self.id.key else { return Err(odd("a type of fact")) };
        let cardinality = if self.one { Cardinality::One } else { Cardinality::Many };
        Ok(KindRule { kind, cardinality })
    }
}

pub(super) fn id_of(id: &RecordId) -> Result<Ulid, Error> {
    let RecordIdKey::String(id) = &id.key else { return Err(odd("an id")) };
    ulid(id)
}

fn times(
    valid_from: Datetime,
    valid_to: Option<Datetime>,
    recorded_at: Datetime,
    retracted_at: Option<Datetime>,
) -> Times {
    Times {
        valid_from: Moment::from(valid_from.into_inner()),
        valid_to: open_end(valid_to),
        recorded_at: Moment::from(recorded_at.into_inner()),
        retracted_at: open_end(retracted_at),
    }
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
