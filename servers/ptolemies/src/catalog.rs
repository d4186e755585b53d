//! What is known of every stored version without its text.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use recall_engine::{DocId, analyzer::same_text_form};
use serde::Serialize;
use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::{memory::Memory, moment::Moment, text::glob_matches};

/// Digest of the form under which two texts are the same.
pub(crate) type Form = [u8; 16];

pub(crate) fn form_of(text: &str) -> Form {
    let digest = Sha256::digest(same_text_form(text));
    let mut form = Form::default();
    for (to, from) in form.iter_mut().zip(digest) {
        *to = from;
    }
    form
}

/// One version.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) lineage: Ulid,
    pub(crate) version: u32,
    pub(crate) key: Option<Arc<str>>,
    pub(crate) context: Arc<str>,
    pub(crate) tags: Box<[Arc<str>]>,
    pub(crate) importance: u8,
    pub(crate) expires_at: Moment,
    pub(crate) recorded_at: Moment,
    pub(crate) retracted_at: Moment,
    pub(crate) form: Form,
    /// Of its texts.
    pub(crate) bytes: u32,
    /// In the index: those that are not retracted.
    pub(crate) doc: Option<DocId>,
}

impl Entry {
    /// Whether it shows at `now` to a reader who asks what was known at `known_at`. What has
    /// expired shows to nobody.
    pub(crate) fn is_visible(&self, known_at: Moment, now: Moment) -> bool {
        self.recorded_at <= known_at && known_at < self.retracted_at && now < self.expires_at
    }

    /// Whether it is what the store knows now.
    pub(crate) fn is_current(&self, now: Moment) -> bool {
        self.retracted_at == Moment::NEVER && now < self.expires_at
    }
}

/// Which memories a call is about.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Filter {
    pub(crate) context: Option<String>,
    /// All of these.
    pub(crate) tags: Vec<String>,
    pub(crate) key_glob: Option<String>,
    pub(crate) importance_min: Option<u8>,
    pub(crate) importance_max: Option<u8>,
    /// Recorded at or after this.
    pub(crate) recorded_after: Option<Moment>,
    /// Recorded before this.
    pub(crate) recorded_before: Option<Moment>,
}

impl Filter {
    pub(crate) fn accepts(&self, entry: &Entry) -> bool {
        self.context.as_deref().is_none_or(|context| *context == *entry.context)
            && self.tags.iter().all(|tag| entry.tags.iter().any(|held| **held == **tag))
            && self
                .key_glob
                .as_deref()
                .is_none_or(|glob| entry.key.as_deref().is_some_and(|key| glob_matches(glob, key)))
            && self.importance_min.is_none_or(|least| entry.importance >= least)
            && self.importance_max.is_none_or(|most| entry.importance <= most)
            && self.recorded_after.is_none_or(|from| entry.recorded_at >= from)
            && self.recorded_before.is_none_or(|before| entry.recorded_at < before)
    }
}

/// All versions, found by id, key, text and expiry.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    entries: BTreeMap<Ulid, Entry>,
    /// Versions of a key, oldest first.
    by_key: HashMap<Arc<str>, Vec<Ulid>>,
    /// Current memories by context and text.
    by_form: HashMap<(Arc<str>, Form), Vec<Ulid>>,
    /// Versions of memories that have more than one.
    by_lineage: HashMap<Ulid, Vec<Ulid>>,
    by_expiry: BTreeSet<(Moment, Ulid)>,
    bytes: usize,
    words: HashSet<Arc<str>>,
}

impl Catalog {
    /// Versions held.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of the texts of all versions.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn get(&self, id: Ulid) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(crate) fn last_id(&self) -> Option<Ulid> {
        self.entries.last_key_value().map(|(&id, _)| id)
    }

    /// Newest first, those before `before`.
    pub(crate) fn newest(&self, before: Option<Ulid>) -> impl Iterator<Item = (Ulid, &Entry)> {
        let end = before.unwrap_or(Ulid(u128::MAX));
        self.entries.range(..end).rev().map(|(&id, entry)| (id, entry))
    }

    /// The version of a key that is not retracted.
    pub(crate) fn open_version(&self, key: &str) -> Option<(Ulid, &Entry)> {
        let &id = self.by_key.get(key)?.last()?;
        let entry = self.entries.get(&id)?;
        (entry.retracted_at == Moment::NEVER).then_some((id, entry))
    }

    /// The version of a key that shows at `now` to one who asks what was known at `known_at`.
    pub(crate) fn version_at(&self, key: &str, known_at: Moment, now: Moment) -> Option<Ulid> {
        let versions = self.by_key.get(key)?;
        versions
            .iter()
            .rev()
            .copied()
            .find(|id| self.entries.get(id).is_some_and(|entry| entry.is_visible(known_at, now)))
    }

    /// All versions of a key, oldest first.
    pub(crate) fn versions_of_key(&self, key: &str) -> &[Ulid] {
        self.by_key.get(key).map_or(&[], Vec::as_slice)
    }

    /// Current memories of a context with this text, oldest first.
    pub(crate) fn same_text(&self, context: &str, form: Form) -> &[Ulid] {
        let Some(context) = self.words.get(context) else { return &[] };
        self.by_form.get(&(Arc::clone(context), form)).map_or(&[], Vec::as_slice)
    }

    /// All versions of the memory whose first version is `lineage`, oldest first.
    pub(crate) fn versions_of(&self, lineage: Ulid) -> Vec<Ulid> {
        let alone = || self.entries.get(&lineage).map(|_| lineage).into_iter().collect();
        self.by_lineage.get(&lineage).cloned().unwrap_or_else(alone)
    }

    /// All versions of the memory that `id` is a version of.
    pub(crate) fn versions(&self, id: Ulid) -> Vec<Ulid> {
        let Some(entry) = self.entries.get(&id) else { return Vec::new() };
        self.by_lineage.get(&entry.lineage).cloned().unwrap_or_else(|| vec![id])
    }

    /// Versions that have expired by `now`.
    pub(crate) fn expired(&self, now: Moment) -> Vec<Ulid> {
        self.by_expiry.iter().take_while(|(at, _)| *at <= now).map(|&(_, id)| id).collect()
    }

    /// Whether any version has a time to expire at.
    pub(crate) fn awaits_expiry(&self) -> bool {
        !self.by_expiry.is_empty()
    }

    pub(crate) fn insert(&mut self, memory: &Memory, doc: Option<DocId>) {
        let id = memory.id;
        let key = memory.key.as_deref().map(|key| self.word(key));
        let context = self.word(&memory.context);
        let tags = memory.tags.iter().map(|tag| self.word(tag)).collect();
        let form = form_of(&memory.text);
        if let Some(key) = &key {
            ordered_insert(self.by_key.entry(Arc::clone(key)).or_default(), id);
        }
        if memory.retracted_at == Moment::NEVER {
            ordered_insert(self.by_form.entry((Arc::clone(&context), form)).or_default(), id);
        }
        if memory.lineage != id {
            let versions =
                self.by_lineage.entry(memory.lineage).or_insert_with(|| vec![memory.lineage]);
            ordered_insert(versions, id);
        }
        if memory.expires_at != Moment::NEVER {
            self.by_expiry.insert((memory.expires_at, id));
        }
        self.bytes += memory.bytes();
        let before = self.entries.insert(
            id,
            Entry {
                lineage: memory.lineage,
                version: memory.version,
                key,
                context,
                tags,
                importance: memory.importance,
                expires_at: memory.expires_at,
                recorded_at: memory.recorded_at,
                retracted_at: memory.retracted_at,
                form,
                bytes: u32::try_from(memory.bytes()).unwrap_or(u32::MAX),
                doc,
            },
        );
        self.bytes -= before.map_or(0, |entry| entry.bytes as usize);
    }

    /// End the system interval of a version; its place in the index, if it had one.
    pub(crate) fn retract(&mut self, id: Ulid, at: Moment) -> Option<DocId> {
        let entry = self.entries.get_mut(&id)?;
        if entry.retracted_at == Moment::NEVER {
            entry.retracted_at = at;
            remove_from(&mut self.by_form, &(Arc::clone(&entry.context), entry.form), id);
        }
        entry.doc.take()
    }

    /// Forget a version altogether; its place in the index, if it had one.
    pub(crate) fn remove(&mut self, id: Ulid) -> Option<DocId> {
        let entry = self.entries.remove(&id)?;
        if let Some(key) = &entry.key {
            remove_from(&mut self.by_key, key, id);
        }
        remove_from(&mut self.by_form, &(Arc::clone(&entry.context), entry.form), id);
        remove_from(&mut self.by_lineage, &entry.lineage, id);
        self.by_expiry.remove(&(entry.expires_at, id));
        self.bytes -= entry.bytes as usize;
        let Entry { key, context, tags, doc, .. } = entry;
        for word in tags.into_iter().chain(key).chain([context]) {
            // One left in the set, one in our hand: nobody else holds it.
            if Arc::strong_count(&word) == 2 {
                self.words.remove(&word);
            }
        }
        doc
    }

    fn word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.get(word) {
            return Arc::clone(known);
        }
        let word: Arc<str> = word.into();
        self.words.insert(Arc::clone(&word));
        word
    }
}

fn ordered_insert(ids: &mut Vec<Ulid>, id: Ulid) {
    if let Err(at) = ids.binary_search(&id) {
        ids.insert(at, id);
    }
}

fn remove_from<K: std::hash::Hash + Eq>(map: &mut HashMap<K, Vec<Ulid>>, key: &K, id: Ulid) {
    if let Some(ids) = map.get_mut(key) {
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            map.remove(key);
        }
    }
}
