//! All versions of documents, without their texts.

use std::collections::BTreeMap;

use serde::Serialize;
use ulid::Ulid;

use super::{Document, DocumentOutcome, DocumentStatus, NewDocument};
use crate::{memory::DEFAULT_CONTEXT, moment::Moment, text::glob_matches};

/// All versions, found by id, chunk and name.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    rows: BTreeMap<Ulid, Document>,
    /// Versions under a name, oldest first.
    by_uri: BTreeMap<String, Vec<Ulid>>,
    chunks: usize,
    bytes: u64,
}

/// Which documents a call is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Filter {
    pub(crate) uri_glob: Option<String>,
    pub(crate) mime: Option<String>,
    pub(crate) context: Option<String>,
}

impl Filter {
    pub(crate) fn accepts(&self, document: &Document) -> bool {
        self.uri_glob.as_deref().is_none_or(|glob| glob_matches(glob, &document.uri))
            && self.mime.as_deref().is_none_or(|mime| mime == document.mime)
            && self.context.as_deref().is_none_or(|context| context == document.context)
    }
}

impl Documents {
    /// Chunks held, of all versions.
    pub(crate) fn chunks(&self) -> usize {
        self.chunks
    }

    /// Bytes of the texts of all versions.
    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }

    /// Versions held.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn get(&self, id: Ulid) -> Option<&Document> {
        self.rows.get(&id)
    }

    /// The last id that is in use, those of chunks included.
    pub(crate) fn last_id(&self) -> Option<Ulid> {
        let (&id, document) = self.rows.last_key_value()?;
        Some(Ulid(id.0.saturating_add(u128::from(document.chunks))))
    }

    /// The version a chunk is of, and its number there.
    pub(crate) fn of_chunk(&self, chunk: Ulid) -> Option<(&Document, u32)> {
        let (_, document) = self.rows.range(..chunk).next_back()?;
        Some((document, document.number_of(chunk)?))
    }

    /// All versions under a name, oldest first.
    pub(crate) fn under(&self, uri: &str) -> impl Iterator<Item = &Document> {
        self.by_uri.get(uri).into_iter().flatten().filter_map(|id| self.rows.get(id))
    }

    /// Whether none of the ids of a version and its chunks is in use.
    pub(crate) fn has_room_for(&self, document: &Document) -> bool {
        let last = document.id.0.saturating_add(u128::from(document.chunks));
        let before = self.rows.range(..document.id).next_back();
        let behind = |(id, known): (&Ulid, &Document)| {
            id.0.saturating_add(u128::from(known.chunks)) < document.id.0
        };
        self.rows.range(document.id..=Ulid(last)).next().is_none() && before.is_none_or(behind)
    }

    /// The version under a name that the store holds for true.
    pub(crate) fn open(&self, uri: &str) -> Option<&Document> {
        self.get(*self.by_uri.get(uri)?.last()?).filter(|document| document.is_open())
    }

    /// Versions under a name, or of the document that has the id, oldest first.
    pub(crate) fn versions(&self, name: &str) -> Vec<&Document> {
        let by_id = Ulid::from_string(name).ok().and_then(|id| self.get(id));
        let uri = by_id.map_or(name, |document| &document.uri);
        let rows = self.by_uri.get(uri).map_or(&[][..], Vec::as_slice);
        let rows = rows.iter().filter_map(|id| self.rows.get(id));
        let same = |document: &&Document| by_id.is_none_or(|one| one.lineage == document.lineage);
        rows.filter(same).collect()
    }

    /// Newest first, those before `before`.
    pub(crate) fn newest(&self, before: Option<Ulid>) -> impl Iterator<Item = &Document> {
        let end = before.unwrap_or(Ulid(u128::MAX));
        self.rows.range(..end).rev().map(|(_, document)| document)
    }

    /// What storing a document would do.
    pub(crate) fn compare(&self, new: &NewDocument) -> DocumentOutcome {
        let Some(known) = self.open(&new.uri) else {
            return DocumentOutcome {
                status: DocumentStatus::Added,
                id: None,
                version: 1,
                previous: None,
                chunks: count(new),
            };
        };
        let same = known.sha256 == new.sha256
            && known.mime == new.mime
            && known.title == new.title
            && new.context.as_ref().is_none_or(|context| *context == known.context);
        if same {
            return DocumentOutcome {
                status: DocumentStatus::Unchanged,
                id: Some(known.id),
                version: known.version,
                previous: None,
                chunks: known.chunks,
            };
        }
        DocumentOutcome {
            status: DocumentStatus::Updated,
            id: None,
            version: known.version.saturating_add(1),
            previous: Some(known.id),
            chunks: count(new),
        }
    }

    /// The row of a document that is stored under an id.
    pub(crate) fn row(&self, new: &NewDocument, id: Ulid, at: Moment, seq: u64) -> Document {
        let known = self.open(&new.uri);
        let context = new.context.clone().or_else(|| known.map(|known| known.context.clone()));
        Document {
            id,
            lineage: known.map_or(id, |known| known.lineage),
            supersedes: known.map(|known| known.id),
            version: known.map_or(1, |known| known.version.saturating_add(1)),
            uri: new.uri.clone(),
            title: new.title.clone(),
            mime: new.mime.clone(),
            context: context.unwrap_or_else(|| DEFAULT_CONTEXT.to_owned()),
            sha256: new.sha256.clone(),
            bytes: new.bytes,
            chunks: count(new),
            recorded_at: at,
            retracted_at: Moment::NEVER,
            seq,
        }
    }

    pub(crate) fn insert(&mut self, document: Document) {
        let versions = self.by_uri.entry(document.uri.clone()).or_default();
        if let Err(at) = versions.binary_search(&document.id) {
            versions.insert(at, document.id);
        }
        self.chunks += document.chunks as usize;
        self.bytes += document.bytes;
        self.rows.insert(document.id, document);
    }

    /// End the system interval of a version.
    pub(crate) fn retract(&mut self, id: Ulid, at: Moment) {
        if let Some(document) = self.rows.get_mut(&id).filter(|document| document.is_open()) {
            document.retracted_at = at;
        }
    }

    /// Forget a version altogether.
    pub(crate) fn remove(&mut self, id: Ulid) {
        let Some(document) = self.rows.remove(&id) else { return };
        self.chunks -= document.chunks as usize;
        self.bytes -= document.bytes;
        if let Some(versions) = self.by_uri.get_mut(&document.uri) {
            versions.retain(|other| *other != id);
            if versions.is_empty() {
                self.by_uri.remove(&document.uri);
            }
        }
    }
}

fn count(new: &NewDocument) -> u32 {
    u32::try_from(new.pieces.len()).unwrap_or(u32::MAX)
}
