//! Entities of a batch: attached by equality of a name alone, never by likeness.

use ulid::Ulid;

use super::Draft;
use crate::{
    Error,
    graph::{
        Candidate, End, Entity, EntityOutcome, EntityStatus, NewEntity, Observation, Times, names,
    },
    moment::Moment,
};

/// Likeness from which an entity is shown as a candidate.
const LIKE: f64 = 0.85;
/// Candidates shown for an item.
const CANDIDATES: usize = 5;
/// Names one entity may have beside its own.
const MAX_ALIASES: usize = 200;

impl Draft<'_> {
    pub(super) fn entity(&mut self, index: usize, item: NewEntity) -> Result<EntityOutcome, Error> {
        let field = format!("/items/{index}/name");
        let mut aliases = item.aliases;
        let found = match self.find(&field, &item.name, item.kind.as_deref())? {
            Some(found) => Some(found),
            None => self.find_by_alias(&item.name, item.kind.as_deref(), &mut aliases),
        };
        let (status, lineage) = match found {
            Some(lineage) => {
                let update = Update { kind: item.kind, aliases: &aliases, props: item.props };
                self.update(index, lineage, update, item.source.as_ref())?;
                (EntityStatus::Matched, lineage)
            }
            None => {
                let id = self.create(index, item.name.clone(), item.kind, &aliases)?;
                if let Some(entity) = self.delta.entities.insert.last_mut() {
                    entity.props = item.props;
                    entity.source.clone_from(&item.source);
                }
                (EntityStatus::Created, id)
            }
        };
        let observed = self.observe(lineage, item.observations, item.source.as_ref());
        let entity = self.open_entity(lineage);
        let candidates = entity.as_ref().map_or_else(Vec::new, |entity| self.candidates(entity));
        let version = entity.map_or(1, |entity| entity.version);
        Ok(EntityOutcome { status, id: lineage.to_string(), version, observed, candidates })
    }

    /// The entity at an end of a fact, made if it is missing and may be.
    pub(super) fn end(&mut self, field: &str, end: &End, create: bool) -> Result<Ulid, Error> {
        if let Some(lineage) = self.found(field, end)? {
            return Ok(lineage);
        }
        if !create {
            return Err(Error::NotFound {
                field: field.to_owned(),
                message: format!(
                    "no entity is called {}",
                    mcp_core::untrusted::line(&end.name, 80)
                ),
                hint: "give an id or name of get_entities, or leave create_missing out",
            });
        }
        self.create(0, end.name.clone(), end.kind.clone(), &[])
    }

    /// The entity of an id or name.
    pub(super) fn found(&self, field: &str, end: &End) -> Result<Option<Ulid>, Error> {
        match self.by_id(&end.name) {
            Some(lineage) => Ok(Some(lineage)),
            None => self.find(field, &end.name, end.kind.as_deref()),
        }
    }

    fn by_id(&self, text: &str) -> Option<Ulid> {
        let id = Ulid::from_string(text).ok()?;
        let known = self.graph.entity_row(id).map_or(id, |entity| entity.lineage);
        self.open_entity(self.root(known)).map(|entity| entity.lineage)
    }

    /// The entity of a name: of its type if one is given, of no type yet else.
    fn find(&self, field: &str, name: &str, kind: Option<&str>) -> Result<Option<Ulid>, Error> {
        let key = names::key(name);
        let rows: Vec<Entity> =
            self.named(&key).into_iter().filter_map(|id| self.open_entity(id)).collect();
        let wanted = kind.map(names::kind);
        let same = |entity: &&Entity| {
            wanted.is_none() || entity.kind.as_deref().map(names::kind) == wanted
        };
        let mut fitting: Vec<&Entity> = rows.iter().filter(same).collect();
        if fitting.is_empty() {
            fitting = rows.iter().filter(|entity| entity.kind.is_none()).collect();
        }
        if fitting.len() > 1 {
            // Who bears the name comes before who is also called so.
            let bears = |entity: &&&Entity| names::key(&entity.name) == key;
            if fitting.iter().filter(bears).count() == 1 {
                fitting.retain(|entity| names::key(&entity.name) == key);
            }
        }
        // What was merged is one.
        let mut roots = Vec::new();
        fitting.retain(|entity| {
            let root = self.root(entity.lineage);
            let first = !roots.contains(&root);
            roots.push(root);
            first
        });
        match fitting[..] {
            [] => Ok(None),
            [entity] => Ok(Some(self.root(entity.lineage))),
            [one, other, ..] => Err(Error::Conflict {
                field: field.to_owned(),
                message: format!(
                    "names {} entities: {} and {} are two of them",
                    fitting.len(),
                    told(one),
                    told(other)
                ),
                hint: "give the type, or name the entity by its id",
            }),
        }
    }

    /// The one entity that all known aliases belong to; the new name becomes an alias of it.
    fn find_by_alias(
        &self,
        name: &str,
        kind: Option<&str>,
        aliases: &mut Vec<String>,
    ) -> Option<Ulid> {
        let found = aliases.iter().filter_map(|alias| self.find("", alias, kind).ok().flatten());
        let mut found: Vec<Ulid> = found.collect();
        found.sort_unstable();
        found.dedup();
        let [lineage] = found[..] else { return None };
        aliases.push(name.to_owned());
        Some(lineage)
    }

    fn create(
        &mut self,
        index: usize,
        name: String,
        kind: Option<String>,
        aliases: &[String],
    ) -> Result<Ulid, Error> {
        let id = (self.new_id)();
        let mut entity = Entity {
            id,
            lineage: id,
            supersedes: None,
            version: 1,
            name,
            kind,
            aliases: Vec::new(),
            props: None,
            source: None,
            recorded_at: self.at,
            retracted_at: Moment::NEVER,
            seq: self.seq,
        };
        add_aliases(index, &mut entity, aliases)?;
        self.enter(entity);
        Ok(id)
    }

    /// Put a new version in the delta, or in the place of the one that this batch made.
    fn enter(&mut self, entity: Entity) {
        for key in entity.keys() {
            self.named.entry(key).or_default().push(entity.lineage);
        }
        if let Some(&place) = self.entities.get(&entity.lineage) {
            if let Some(row) = self.delta.entities.insert.get_mut(place) {
                *row = entity;
            }
            return;
        }
        self.entities.insert(entity.lineage, self.delta.entities.insert.len());
        self.delta.entities.insert.push(entity);
    }

    fn update(
        &mut self,
        index: usize,
        lineage: Ulid,
        update: Update<'_>,
        source: Option<&String>,
    ) -> Result<(), Error> {
        let Some(known) = self.open_entity(lineage) else { return Ok(()) };
        let mut entity = known.clone();
        if entity.kind.is_none() {
            entity.kind = update.kind;
        }
        let merged = self.group(lineage).into_iter().skip(1);
        let merged = merged.filter_map(|member| self.open_entity(member));
        let theirs: Vec<String> =
            merged.flat_map(|member| member.keys().collect::<Vec<_>>()).collect();
        // Names of what was merged stay its own: parting them again must take them along.
        let fresh = update.aliases.iter().filter(|alias| !theirs.contains(&names::key(alias)));
        add_aliases(index, &mut entity, &fresh.cloned().collect::<Vec<_>>())?;
        if update.props.is_some() {
            entity.props = update.props;
        }
        if entity == known {
            return Ok(());
        }
        entity.source = source.cloned();
        if !self.entities.contains_key(&lineage) {
            self.delta.entities.retract.push(known.id);
            entity.id = (self.new_id)();
            entity.supersedes = Some(known.id);
            entity.version += 1;
            entity.recorded_at = self.at;
            entity.seq = self.seq;
        }
        self.enter(entity);
        Ok(())
    }

    fn observe(&mut self, entity: Ulid, texts: Vec<String>, source: Option<&String>) -> usize {
        let mut count = 0;
        for text in texts {
            if self.observes(entity, &text) {
                continue;
            }
            self.observed.insert((entity, crate::catalog::form_of(&text)));
            count += 1;
            let id = (self.new_id)();
            self.delta.observations.insert.push(Observation {
                id,
                entity,
                text,
                source: source.cloned(),
                times: Times {
                    valid_from: self.at,
                    valid_to: Moment::NEVER,
                    recorded_at: self.at,
                    retracted_at: Moment::NEVER,
                },
                seq: self.seq,
            });
        }
        count
    }

    /// Entities of the store that are like this one, the likest first. They are only shown.
    fn candidates(&self, entity: &Entity) -> Vec<Candidate> {
        let key = names::key(&entity.name);
        let mut near: Vec<Ulid> = self.graph.resembling(&key);
        near.extend(entity.keys().flat_map(|key| self.named(&key)));
        let near = self.graph.roots(near, self.at);
        let mut found: Vec<Candidate> = near
            .into_iter()
            .filter(|&lineage| lineage != entity.lineage)
            .filter_map(|lineage| self.open_entity(lineage))
            .filter_map(|other| {
                let shared = entity.keys().any(|key| other.keys().any(|theirs| theirs == key));
                let neighbours = self.graph.shared_neighbours(entity.lineage, other.lineage);
                let mut likeness = names::likeness(&key, &names::key(&other.name), neighbours);
                if shared {
                    likeness = 1.0;
                }
                (likeness >= LIKE).then(|| Candidate {
                    id: other.lineage.to_string(),
                    name: other.name,
                    likeness: (likeness * 1_000.0).round() / 1_000.0,
                })
            })
            .collect();
        found.sort_by(|a, b| b.likeness.total_cmp(&a.likeness).then_with(|| a.id.cmp(&b.id)));
        found.truncate(CANDIDATES);
        found
    }
}

/// What an item says of an entity that is known.
struct Update<'a> {
    kind: Option<String>,
    aliases: &'a [String],
    props: Option<String>,
}

fn told(entity: &Entity) -> String {
    let kind = entity.kind.as_deref().map_or("without type", |kind| kind);
    format!("{} ({})", entity.lineage, mcp_core::untrusted::line(kind, 40))
}

/// Add the aliases that are not there in another spelling.
fn add_aliases(index: usize, entity: &mut Entity, aliases: &[String]) -> Result<(), Error> {
    for alias in aliases {
        let key = names::key(alias);
        if entity.keys().all(|known| known != key) {
            entity.aliases.push(alias.clone());
        }
    }
    if entity.aliases.len() > MAX_ALIASES {
        return Err(Error::TooLarge {
            field: format!("/items/{index}/aliases"),
            message: format!(
                "an entity has at most {MAX_ALIASES} aliases, this one would have {}",
                entity.aliases.len()
            ),
            hint: "leave aliases out that no text uses",
        });
    }
    Ok(())
}
