//! Tables of documents.

use surrealdb::types::{Datetime, Object, RecordId, RecordIdKey, SurrealValue};
use ulid::Ulid;

use super::{
    ids_in,
    row::{datetime, odd, open_end, ulid},
};
use crate::{
    Error,
    document::{Chunk, Document, DocumentDelta},
    moment::Moment,
};

/// To the layout with documents (4), from any before it.
pub(super) const DEFINE: &str = "
DEFINE FIELD documents ON head TYPE int DEFAULT 0;
UPDATE head:journal SET documents = 0 RETURN NONE;
DEFINE TABLE document TYPE NORMAL SCHEMAFULL PERMISSIONS NONE;
DEFINE FIELD lineage ON document TYPE string;
DEFINE FIELD supersedes ON document TYPE option<string>;
DEFINE FIELD version ON document TYPE int;
DEFINE FIELD uri ON document TYPE string;
DEFINE FIELD title ON document TYPE option<string>;
DEFINE FIELD mime ON document TYPE string;
DEFINE FIELD context ON document TYPE string;
DEFINE FIELD sha256 ON document TYPE string;
DEFINE FIELD bytes ON document TYPE int;
DEFINE FIELD chunks ON document TYPE int;
DEFINE FIELD recorded_at ON document TYPE datetime;
DEFINE FIELD retracted_at ON document TYPE option<datetime>;
DEFINE FIELD seq ON document TYPE int;
DEFINE TABLE chunk TYPE NORMAL SCHEMAFULL PERMISSIONS NONE;
DEFINE FIELD path ON chunk TYPE array<string>;
DEFINE FIELD start ON chunk TYPE int;
DEFINE FIELD text ON chunk TYPE string;
";

/// What of a change concerns documents, in its transaction.
pub(super) fn statements(delta: &DocumentDelta, statements: &mut String, bound: &mut Object) {
    let mut bind = |name: &str, value| bound.insert(name.to_owned(), value);
    if !delta.insert.is_empty() {
        statements.push_str("INSERT INTO document $documents RETURN NONE;");
        let rows: Vec<DocumentRow> = delta.insert.iter().map(DocumentRow::of).collect();
        bind("documents", rows.into_value());
    }
    if !delta.chunks.is_empty() {
        statements.push_str("INSERT INTO chunk $chunks RETURN NONE;");
        let rows: Vec<ChunkRow> = delta.chunks.iter().map(ChunkRow::of).collect();
        bind("chunks", rows.into_value());
    }
    if !delta.retract.is_empty() {
        statements.push_str("UPDATE $documents_retract SET retracted_at = $at RETURN NONE;");
        bind("documents_retract", ids_in("document", &delta.retract));
    }
    if !delta.delete.is_empty() {
        statements
            .push_str("DELETE $chunks_delete RETURN NONE; DELETE $documents_delete RETURN NONE;");
        let chunks: Vec<Ulid> = delta.delete.iter().flat_map(Document::chunk_ids).collect();
        bind("chunks_delete", ids_in("chunk", &chunks));
        let ids: Vec<Ulid> = delta.delete.iter().map(|document| document.id).collect();
        bind("documents_delete", ids_in("document", &ids));
    }
}

#[derive(Debug, SurrealValue)]
pub(super) struct DocumentRow {
    id: RecordId,
    lineage: String,
    supersedes: Option<String>,
    version: i64,
    uri: String,
    title: Option<String>,
    mime: String,
    context: String,
    sha256: String,
    bytes: i64,
    chunks: i64,
    recorded_at: Datetime,
    retracted_at: Option<Datetime>,
    seq: i64,
}

impl DocumentRow {
    fn of(document: &Document) -> Self {
        Self {
            id: RecordId::new("document", document.id.to_string()),
            lineage: document.lineage.to_string(),
            supersedes: document.supersedes.map(|id| id.to_string()),
            version: i64::from(document.version),
            uri: document.uri.clone(),
            title: document.title.clone(),
            mime: document.mime.clone(),
            context: document.context.clone(),
            sha256: document.sha256.clone(),
            bytes: signed(document.bytes),
            chunks: i64::from(document.chunks),
            recorded_at: datetime(document.recorded_at),
            retracted_at: document.retracted_at.known().map(datetime),
            seq: signed(document.seq),
        }
    }

    pub(super) fn into_document(self) -> Result<Document, Error> {
        Ok(Document {
            id: id_of(&self.id)?,
            lineage: ulid(&self.lineage)?,
            supersedes: self.supersedes.as_deref().map(ulid).transpose()?,
            version: u32::try_from(self.version).map_err(|_| odd("a version"))?,
            uri: self.uri,
            title: self.title,
            mime: self.mime,
            context: self.context,
            sha256: self.sha256,
            bytes: self.bytes.unsigned_abs(),
            chunks: u32::try_from(self.chunks).map_err(|_| odd("a number of chunks"))?,
            recorded_at: Moment::from(self.recorded_at.into_inner()),
            retracted_at: open_end(self.retracted_at),
            seq: self.seq.unsigned_abs(),
        })
    }
}

#[derive(Debug, SurrealValue)]
pub(super) struct ChunkRow {
    id: RecordId,
    path: Vec<String>,
    start: i64,
    text: String,
}

impl ChunkRow {
    fn of(chunk: &Chunk) -> Self {
        Self {
            id: RecordId::new("chunk", chunk.id.to_string()),
            path: chunk.path.clone(),
            start: signed(chunk.start),
            text: chunk.text.clone(),
        }
    }

    pub(super) fn into_chunk(self) -> Result<Chunk, Error> {
        Ok(Chunk {
            id: id_of(&self.id)?,
            path: self.path,
            start: self.start.unsigned_abs(),
            text: self.text,
        })
    }
}

fn id_of(id: &RecordId) -> Result<Ulid, Error> {
    let RecordIdKey::String(id) = &id.key else { return Err(odd("an id")) };
    ulid(id)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
