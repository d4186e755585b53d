//! Chunks of documents among the hits, and documents in their place.

use std::collections::HashMap;

use recall_engine::{Ranked, RankedParent};
use ulid::Ulid;

use super::{Candidate, Hit, Item, Needle, Shares};
use crate::{
    Error,
    document::Chunk,
    knowledge::{Knowledge, State},
    store::Store,
};

impl<S: Store> Knowledge<S> {
    /// Rows of the chunks among candidates.
    pub(super) async fn chunks_of(
        &self,
        candidates: &[Candidate],
    ) -> Result<HashMap<Ulid, Chunk>, Error> {
        let chunk = |candidate: &Candidate| match candidate.item {
            Item::Chunk(id) => Some(id),
            _ => None,
        };
        let ids: Vec<Ulid> = candidates.iter().filter_map(chunk).collect();
        let rows = self.shared.store().chunk_rows(&ids).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl State {
    /// The version of the document that is asked for.
    pub(super) fn documents_asked(&self, needle: &Needle) -> Result<Option<Ulid>, Error> {
        let Some(name) = &needle.document else { return Ok(None) };
        let versions = self.documents.versions(name);
        let open = versions.iter().rev().find(|document| document.is_open());
        let missing = || Error::NotFound {
            field: "/document".to_owned(),
            message: "no document has this name or id now".to_owned(),
            hint: "list_documents shows what there is; search covers what is known now",
        };
        Ok(Some(open.ok_or_else(missing)?.id))
    }

    /// Each document by its best chunk, the best document first.
    pub(super) fn best_chunks(
        &self,
        parents: &[RankedParent],
        hits: &[Ranked],
        named: &[Item],
        min_score: f64,
    ) -> Vec<Candidate> {
        let document_of = |item: Item| match item {
            Item::Chunk(id) => self.documents.of_chunk(id).map(|(document, _)| document.id),
            _ => None,
        };
        let first: Vec<Ulid> = named.iter().filter_map(|item| document_of(*item)).collect();
        let best = parents.first().map_or(1.0, |parent| parent.score);
        let of = |parent: &RankedParent| {
            let hit = hits.iter().find(|hit| hit.parent == Some(parent.parent))?;
            let shares = Shares {
                words: parent.words / best,
                meaning: parent.meaning / best,
                best: parent.best / best,
                ..Shares::default()
            };
            let item = self.item_of(hit.doc);
            if document_of(item).is_some_and(|id| first.contains(&id)) {
                return None;
            }
            Some(Candidate { item, score: parent.score / best, shares, key_match: false })
        };
        let found = parents.iter().filter_map(of);
        found.filter(|candidate| candidate.score >= min_score).collect()
    }

    /// A chunk as a hit, or its document.
    pub(super) fn shown_chunk(&self, row: Chunk, is_parent: bool) -> Option<(Ulid, String, Hit)> {
        let (document, number) = self.documents.of_chunk(row.id)?;
        let id = if is_parent { document.id } else { row.id };
        let document = Box::new(document.clone());
        let hit = Hit::Chunk { document, number, path: row.path, is_parent };
        Some((id, row.text.trim_end().to_owned(), hit))
    }
}
