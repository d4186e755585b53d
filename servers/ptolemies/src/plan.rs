//! What a batch of new memories changes: decided on what is known, before anything is written.

use std::collections::{HashMap, HashSet};

use ulid::Ulid;

use crate::{
    Error,
    catalog::{Catalog, Form, form_of},
    memory::{DEFAULT_CONTEXT, DEFAULT_IMPORTANCE, Memory, NewMemory, Outcome, Status},
    moment::Moment,
};

/// Rows to add, versions to end, and the answer.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) insert: Vec<Memory>,
    pub(crate) retract: Vec<Ulid>,
    pub(crate) outcomes: Vec<Outcome>,
}

/// Where and when a plan takes place.
pub(crate) struct Scene<'a> {
    pub(crate) catalog: &'a Catalog,
    /// Full rows of every version that [`touched`] named.
    pub(crate) rows: &'a HashMap<Ulid, Memory>,
    pub(crate) at: Moment,
    pub(crate) seq: u64,
}

/// Versions whose rows a plan for `items` compares with.
pub(crate) fn touched(catalog: &Catalog, items: &[NewMemory], now: Moment) -> Vec<Ulid> {
    let ids = items.iter().flat_map(|item| counterparts(catalog, item, form_of(&item.text), now));
    ids.collect::<HashSet<_>>().into_iter().collect()
}

/// The current versions that an item may be about, the likeliest first: that of its key; else the
/// memories of the same text in its context that have no key; last, for an item without a key,
/// those with one.
fn counterparts(catalog: &Catalog, item: &NewMemory, form: Form, now: Moment) -> Vec<Ulid> {
    if let Some((id, entry)) = item.key.as_deref().and_then(|key| catalog.open_version(key)) {
        return if entry.is_current(now) { vec![id] } else { Vec::new() };
    }
    let context = item.context.as_deref().unwrap_or(DEFAULT_CONTEXT);
    let current = catalog.same_text(context, form).iter().filter_map(|&id| {
        let entry = catalog.get(id).filter(|entry| entry.is_current(now))?;
        Some((id, entry.key.is_some()))
    });
    let (keyed, free): (Vec<_>, Vec<_>) = current.partition(|&(_, keyed)| keyed);
    let keyed = keyed.into_iter().filter(|_| item.key.is_none());
    free.into_iter().chain(keyed).map(|(id, _)| id).collect()
}

/// What an item repeats or replaces. One without a key never replaces the value of a key: it could
/// end it, by its expiry.
fn counterpart<'a>(
    scene: &Scene<'a>,
    item: &NewMemory,
    form: Form,
    replaced: &HashSet<Ulid>,
) -> Option<&'a Memory> {
    let candidates = counterparts(scene.catalog, item, form, scene.at);
    let known = candidates.into_iter().filter(|id| !replaced.contains(id));
    known.filter_map(|id| scene.rows.get(&id)).find(|known| {
        known.key == item.key
            || known.key.is_none()
            || says_nothing_new(item, form, known, scene.at)
    })
}

/// Plan a batch.
///
/// # Errors
/// `invalid_argument` when two items share a key; `conflict` when an expected version is not the
/// current one. Nothing is changed then.
pub(crate) fn plan(
    scene: &Scene<'_>,
    items: Vec<NewMemory>,
    mut new_id: impl FnMut() -> Ulid,
) -> Result<Plan, Error> {
    let mut plan = Plan::default();
    let mut keys: HashMap<String, usize> = HashMap::new();
    // Texts of this batch, so that a repeat within it is a duplicate of the first.
    let mut fresh: HashMap<(String, Form), Outcome> = HashMap::new();
    let mut replaced: HashSet<Ulid> = HashSet::new();
    for (index, item) in items.into_iter().enumerate() {
        claim_key(&mut keys, item.key.as_deref(), index)?;
        check_version(scene, &item, index)?;
        let form = form_of(&item.text);
        let asked = item.context.clone().unwrap_or_else(|| DEFAULT_CONTEXT.to_owned());
        let repeated = fresh.get(&(asked, form)).filter(|_| item.key.is_none());
        let outcome = match (counterpart(scene, &item, form, &replaced), repeated) {
            (Some(known), _) if says_nothing_new(&item, form, known, scene.at) => Outcome {
                status: Status::Duplicate,
                id: known.id,
                version: known.version,
                previous: None,
            },
            (None, Some(&first)) => Outcome { status: Status::Duplicate, previous: None, ..first },
            (known, _) => {
                end_open_version(scene, &item, known, &mut plan);
                replaced.extend(known.map(|known| known.id));
                add(scene, item, known, new_id(), &mut plan)
            }
        };
        if let Some(memory) = plan.insert.last().filter(|memory| memory.id == outcome.id) {
            fresh.entry((memory.context.clone(), form)).or_insert(outcome);
        }
        plan.outcomes.push(outcome);
    }
    Ok(plan)
}

/// A batch holds a key once: which of two values would be the last is nobody's guess.
fn claim_key(
    keys: &mut HashMap<String, usize>,
    key: Option<&str>,
    index: usize,
) -> Result<(), Error> {
    let Some(first) = key.and_then(|key| keys.insert(key.to_owned(), index)) else { return Ok(()) };
    Err(Error::invalid(
        format!("/items/{index}/key"),
        format!("must differ within a batch: items {first} and {index} are versions of one key"),
    ))
}

fn check_version(scene: &Scene<'_>, item: &NewMemory, index: usize) -> Result<(), Error> {
    let (Some(expected), Some(key)) = (item.expected_version, &item.key) else { return Ok(()) };
    let current = scene.catalog.open_version(key).filter(|(_, entry)| entry.is_current(scene.at));
    let version = current.map_or(0, |(_, entry)| entry.version);
    if version == expected {
        return Ok(());
    }
    let message = if version == 0 {
        format!("must be 0: the key of item {index} does not exist, expected version {expected}")
    } else {
        format!("must be {version}, the current version of the key of item {index}, was {expected}")
    };
    Err(Error::Conflict {
        field: format!("/items/{index}/expected_version"),
        message,
        hint: "read the key with list_memories, decide anew, and give the version found; nothing of the batch was stored",
    })
}

/// Whether an item repeats a version: same text, and nothing given that differs.
fn says_nothing_new(item: &NewMemory, form: Form, known: &Memory, at: Moment) -> bool {
    fn agrees<T: PartialEq>(given: Option<&T>, held: &T) -> bool {
        given.is_none_or(|given| given == held)
    }
    let same_option =
        |given: &Option<String>, held: &Option<String>| given.is_none() || given == held;
    form_of(&known.text) == form
        && same_option(&item.key, &known.key)
        && same_option(&item.source, &known.source)
        && agrees(item.context.as_ref(), &known.context)
        && agrees(item.tags.as_ref(), &known.tags)
        && agrees(item.importance.as_ref(), &known.importance)
        && (item.confidence.is_none() || item.confidence == known.confidence)
        && item.expiry.from(at) == known.expires_at
}

/// End what the item replaces. A version that has expired, but was not purged yet, ends too: a key
/// never has two open versions.
fn end_open_version(scene: &Scene<'_>, item: &NewMemory, known: Option<&Memory>, plan: &mut Plan) {
    if let Some(known) = known {
        plan.retract.push(known.id);
    }
    let open = item.key.as_deref().and_then(|key| scene.catalog.open_version(key));
    if let Some((id, _)) = open.filter(|&(id, _)| known.is_none_or(|known| known.id != id)) {
        plan.retract.push(id);
    }
}

fn add(
    scene: &Scene<'_>,
    item: NewMemory,
    known: Option<&Memory>,
    id: Ulid,
    plan: &mut Plan,
) -> Outcome {
    let version = known.map_or(1, |known| known.version + 1);
    let inherited = |field: fn(&Memory) -> String| known.map(field);
    plan.insert.push(Memory {
        id,
        lineage: known.map_or(id, |known| known.lineage),
        supersedes: known.map(|known| known.id),
        version,
        key: item.key.or_else(|| known.and_then(|known| known.key.clone())),
        context: item
            .context
            .or_else(|| inherited(|known| known.context.clone()))
            .unwrap_or_else(|| DEFAULT_CONTEXT.to_owned()),
        text: item.text,
        tags: item.tags.or_else(|| known.map(|known| known.tags.clone())).unwrap_or_default(),
        importance: item
            .importance
            .or_else(|| known.map(|known| known.importance))
            .unwrap_or(DEFAULT_IMPORTANCE),
        confidence: item.confidence.or_else(|| known.and_then(|known| known.confidence)),
        source: item.source,
        expires_at: item.expiry.from(scene.at),
        recorded_at: scene.at,
        retracted_at: Moment::NEVER,
        seq: scene.seq,
    });
    Outcome {
        status: if known.is_some() { Status::Superseded } else { Status::Created },
        id,
        version,
        previous: known.map(|known| known.id),
    }
}
