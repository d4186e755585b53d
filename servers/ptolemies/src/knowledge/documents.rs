//! Documents: taking them in, reading them, and their chunks in the index.

use std::collections::BTreeMap;

use tokio::sync::oneshot;
use ulid::Ulid;

use super::{BUILD_PAGE, Command, Item, Knowledge, Needle, Shared, State};
use crate::{
    Error,
    document::{Chunk, Document, DocumentDelta, DocumentOutcome, Filter, NewDocument},
    moment::Moment,
    store::Store,
};

/// What a document that was taken in answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ingested {
    pub(crate) seq: u64,
    pub(crate) outcome: DocumentOutcome,
}

/// One page of documents, newest first.
#[derive(Debug)]
pub(crate) struct DocumentPage {
    pub(crate) seq: u64,
    pub(crate) rows: Vec<Document>,
    /// There is more behind the last row, as it was known then.
    pub(crate) next: Option<(Ulid, Moment)>,
}

/// A version of a document, and how many there are.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) seq: u64,
    pub(crate) document: Document,
    pub(crate) versions: usize,
}

impl<S: Store> Knowledge<S> {
    /// Take a document in: durable and searchable when this returns.
    pub(crate) async fn ingest(&self, document: NewDocument) -> Result<Ingested, Error> {
        self.ready().await?;
        let (answer, wait) = oneshot::channel();
        self.send(Command::Ingest { document: Box::new(document), answer }, wait, true).await?
    }

    /// What taking a document in would do.
    pub(crate) async fn compare(&self, document: &NewDocument) -> Result<Ingested, Error> {
        self.ready().await?;
        let state = self.shared.read();
        Ok(Ingested { seq: state.seq, outcome: state.documents.compare(document) })
    }

    /// Documents known at a time, newest first, after a place.
    pub(crate) async fn documents(
        &self,
        filter: &Filter,
        known_at: Option<Moment>,
        after: Option<(Ulid, Moment)>,
        limit: usize,
    ) -> Result<DocumentPage, Error> {
        self.ready().await?;
        let state = self.shared.read();
        let now = self.shared.now(&state);
        let known_at = after.map(|(_, at)| at).or(known_at).unwrap_or(now);
        self.pinned(known_at, now)?;
        let found = state.documents.newest(after.map(|(id, _)| id));
        let found = found.filter(|row| row.is_known_at(known_at) && filter.accepts(row));
        let mut rows: Vec<Document> = found.take(limit + 1).cloned().collect();
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| (row.id, known_at));
        Ok(DocumentPage { seq: state.seq, rows, next })
    }

    /// The version of a document, by name or by the id of any version, that was known at a time; or
    /// the one that has a number.
    pub(crate) async fn version(
        &self,
        (field, name): (&str, &str),
        number: Option<u32>,
        known_at: Option<Moment>,
    ) -> Result<Version, Error> {
        self.ready().await?;
        let state = self.shared.read();
        let now = self.shared.now(&state);
        self.pinned(known_at.unwrap_or(now), now)?;
        let rows = state.documents.versions(name);
        let by_id = Ulid::from_string(name).ok().filter(|id| rows.iter().any(|row| row.id == *id));
        let found = rows.iter().rev().find(|row| match (number, known_at, by_id) {
            (Some(number), ..) => row.version == number,
            (None, Some(known_at), _) => row.is_known_at(known_at),
            // An id names its version, also one of the past.
            (None, None, Some(id)) => row.id == id,
            (None, None, None) => row.is_known_at(now),
        });
        let Some(document) = found else { return Err(no_version(field, rows.len(), number)) };
        Ok(Version { seq: state.seq, document: (*document).clone(), versions: rows.len() })
    }

    /// Chunks of a document by number, in order; those that were purged meanwhile are left out.
    pub(crate) async fn chunks(
        &self,
        document: &Document,
        numbers: std::ops::Range<u32>,
    ) -> Result<Vec<(u32, Chunk)>, Error> {
        let end = numbers.end.min(document.chunks);
        let ids: Vec<Ulid> = (numbers.start..end).map(|number| document.chunk_id(number)).collect();
        let mut rows = self.shared.store().chunk_rows(&ids).await?;
        rows.sort_unstable_by_key(|row| row.id);
        let number = |row: Chunk| document.number_of(row.id).map(|number| (number, row));
        Ok(rows.into_iter().filter_map(number).collect())
    }

    /// Writes that come later are recorded later than an answer about this moment.
    pub(super) fn pinned(&self, known_at: Moment, now: Moment) -> Result<(), Error> {
        if known_at > now {
            return Err(Error::invalid(
                "/known_at",
                format!("must not lie in the future: it is {now}"),
            ));
        }
        self.shared.answer_for(known_at);
        Ok(())
    }
}

impl<S: Store> Shared<S> {
    /// Put the chunks of documents that are about to be known into the index, some at a time: readers
    /// come in between, and find none of them before their document is there.
    pub(super) fn list_ahead(&self, delta: &DocumentDelta) {
        /// A millisecond or two of work.
        const SLICE: usize = 16;
        let open = delta.insert.iter().filter(|document| document.is_open());
        let open: BTreeMap<Ulid, &Document> =
            open.map(|document| (document.id, document)).collect();
        for slice in delta.chunks.chunks(SLICE) {
            let mut state = self.write();
            for chunk in slice {
                let document = open.range(..chunk.id).next_back();
                let document = document.filter(|(_, row)| row.number_of(chunk.id).is_some());
                if let Some((_, document)) = document {
                    let text = chunk.indexed_text(document.title.as_deref());
                    state.list_chunk(document.id, chunk.id, &text);
                }
            }
        }
    }

    /// Read documents and chunks into the state; how many rows they have.
    pub(super) async fn read_documents(
        &self,
        tell: &mut impl FnMut(usize),
    ) -> Result<usize, Error> {
        let store = self.store();
        let documents = self.read_in(
            |after| store.documents(after, BUILD_PAGE),
            |row| row.id,
            State::add_document,
            tell,
        );
        let documents = documents.await?;
        let chunks = self.read_in(
            |after| store.chunks(after, BUILD_PAGE),
            |row| row.id,
            State::add_chunk,
            tell,
        );
        Ok(documents + chunks.await?)
    }
}

fn no_version(field: &str, versions: usize, number: Option<u32>) -> Error {
    let message = match (versions, number) {
        (0, _) => "no document has this name".to_owned(),
        (_, Some(number)) => format!("this document has no version {number}"),
        _ => "this document was not known then: it was forgotten, or came later".to_owned(),
    };
    Error::NotFound {
        field: field.to_owned(),
        message,
        hint: "list_documents shows what there is; with known_at, what there was",
    }
}

impl State {
    /// Take what a change does to documents in.
    pub(super) fn apply_documents(&mut self, delta: &DocumentDelta, at: Moment) {
        for &id in &delta.retract {
            self.unlist_document(id);
            self.documents.retract(id, at);
        }
        for document in &delta.delete {
            self.unlist_document(document.id);
            self.documents.remove(document.id);
        }
        for document in &delta.insert {
            self.add_document(document);
        }
        for chunk in &delta.chunks {
            self.add_chunk(chunk);
        }
    }

    pub(super) fn add_document(&mut self, document: &Document) {
        self.documents.insert(document.clone());
    }

    /// Put a chunk into the index if its document is still known.
    pub(super) fn add_chunk(&mut self, chunk: &Chunk) {
        let Some((document, _)) = self.documents.of_chunk(chunk.id) else { return };
        if document.is_open() && !self.docs.contains_key(&chunk.id) {
            let (id, text) = (document.id, chunk.indexed_text(document.title.as_deref()));
            self.list_chunk(id, chunk.id, &text);
        }
    }

    fn list_chunk(&mut self, id: Ulid, chunk: Ulid, text: &str) {
        let parent = match self.parents.get(&id) {
            Some(&parent) => parent,
            None => {
                let parent = self.index.open_parent();
                self.parents.insert(id, parent);
                parent
            }
        };
        self.items.push(Item::Chunk(chunk));
        let doc = self.index.insert(text, Some(parent));
        self.docs.insert(chunk, doc);
    }

    fn unlist_document(&mut self, id: Ulid) {
        let Some(parent) = self.parents.remove(&id) else { return };
        let chunks = self.documents.get(id).map(Document::chunk_ids);
        for chunk in chunks.into_iter().flatten() {
            let doc = self.docs.remove(&chunk);
            if let Some(item) = doc.and_then(|doc| self.items.get_mut(doc as usize)) {
                *item = Item::None;
            }
        }
        self.index.remove_parent(parent);
    }

    /// Whether a chunk may be found; of one version alone if one is named.
    pub(super) fn accepts_chunk(&self, needle: &Needle, of: Option<Ulid>, chunk: Ulid) -> bool {
        let Some((document, _)) = self.documents.of_chunk(chunk) else { return false };
        if of.is_some_and(|id| id != document.id) {
            return false;
        }
        let memories = &needle.filter;
        let in_context =
            memories.context.as_ref().is_none_or(|context| *context == document.context);
        // What is no memory has no tags.
        document.is_open() && in_context && memories.tags.is_empty()
    }
}
