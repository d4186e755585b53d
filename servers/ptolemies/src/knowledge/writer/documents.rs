//! Documents taken in and forgotten.

use ulid::Ulid;

use super::{Part, Writer, next_id};
use crate::{
    Error,
    document::{Chunk, Document, DocumentDelta, DocumentStatus, Documents, NewDocument},
    knowledge::{Ingested, Mode, Target},
    store::{Change, Op, Store},
};

/// Versions of documents that are forgotten.
#[derive(Debug, Default)]
pub(super) struct Doomed {
    /// Documents, versions aside.
    pub(super) items: usize,
    pub(super) versions: Vec<Document>,
}

impl<S: Store> Writer<'_, S> {
    /// Take a document in, in one change.
    pub(super) async fn ingest(&mut self, new: NewDocument) -> Result<Ingested, Error> {
        let at = self.next_moment();
        let mut last_id = self.last_id;
        let (seq, outcome, documents) = {
            let state = self.shared.read();
            let mut outcome = state.documents.compare(&new);
            if outcome.status == DocumentStatus::Unchanged {
                return Ok(Ingested { seq: state.seq, outcome });
            }
            let more = new.pieces.len();
            let (id, seq) = (next_id(&mut last_id, at), state.seq + 1);
            let document = state.documents.row(&new, id, at, seq);
            outcome.id = Some(id);
            last_id = Some(Ulid(id.0.saturating_add(more as u128)));
            let chunks = (0..).zip(new.pieces).map(|(number, piece)| Chunk {
                id: document.chunk_id(number),
                path: piece.path,
                start: piece.start,
                text: piece.text,
            });
            let delta = DocumentDelta {
                chunks: chunks.collect(),
                retract: document.supersedes.into_iter().collect(),
                insert: vec![document],
                delete: Vec::new(),
            };
            (seq, outcome, delta)
        };
        let change = Change { documents, ..self.change(seq, at, Op::Store) };
        self.last_id = last_id;
        // A repeat finds what is there unchanged.
        self.commit(change, true).await?;
        Ok(Ingested { seq, outcome })
    }
}

/// Which versions go. Retracting takes what is still known; purging takes every version. What is not
/// there is told by its position.
pub(super) fn doomed(documents: &Documents, target: &Target, mode: Mode) -> (Doomed, Vec<usize>) {
    let names: Vec<String> = match target {
        Target::Document(name) => vec![name.clone()],
        Target::Ids(ids) => ids.iter().map(Ulid::to_string).collect(),
        _ => return Default::default(),
    };
    let (mut doomed, mut missing) = (Doomed::default(), Vec::new());
    for (position, name) in names.iter().enumerate() {
        let mut versions = documents.versions(name);
        let by_id = Ulid::from_string(name).ok();
        let by_id = by_id.filter(|id| versions.iter().any(|document| document.id == *id));
        // An id names its version: one of the past is hidden already.
        versions.retain(|document| {
            let named = by_id.is_none_or(|id| id == document.id);
            mode == Mode::Purge || (document.is_open() && named)
        });
        let new =
            |document: &&Document| !doomed.versions.iter().any(|other| other.id == document.id);
        let fresh: Vec<Document> = versions.iter().copied().filter(new).cloned().collect();
        if versions.is_empty() {
            missing.push(position);
        }
        let mut lineages: Vec<Ulid> = fresh.iter().map(|document| document.lineage).collect();
        lineages.dedup();
        doomed.items += lineages.len();
        doomed.versions.extend(fresh);
    }
    (doomed, missing)
}

/// Changes that forget versions of documents: one each, whole.
pub(super) fn parts(doomed: Doomed, retract: bool) -> impl Iterator<Item = Part> {
    doomed.versions.into_iter().map(move |document| {
        let documents = if retract {
            DocumentDelta { retract: vec![document.id], ..DocumentDelta::default() }
        } else {
            DocumentDelta { delete: vec![document], ..DocumentDelta::default() }
        };
        Part { documents, ..Part::default() }
    })
}
