//! Embedded SurrealDB on SurrealKV.
//!
//! Statements are constants; every value goes in as a parameter.
//!
//! The datastore is built by hand because only its builder takes the sizes of SurrealKV's block
//! cache and memtable: the connection string knows the sync mode alone, and the defaults follow
//! the machine's memory (half of it, and up to 4 GiB). Its maintenance tasks stay off: they serve
//! clusters, changefeeds and SurrealDB's own indexes, none of which is used here, and would write
//! a heartbeat every few seconds.

mod document;
mod generation;
mod graph;
mod journal;
mod merge;
mod query;
mod row;
mod snapshot;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use surrealdb::{
    IndexedResults, Surreal,
    engine::local::Db,
    types::{Object, RecordId, SurrealValue, Value},
};
use surrealdb_cnf::ConfigMap;
use surrealdb_core::kvs::Datastore;
use ulid::Ulid;

use self::{
    document::{ChunkRow, DocumentRow},
    graph::{EntityRow, FactRow, ObservationRow, RuleRow},
    merge::MergeRow,
    row::{ChangeRow, HeadRow, MemoryRow, MetaRow, WrittenRow},
    snapshot::SurrealSnapshot,
};
use super::{Change, CommitError, Head, Store};
use crate::{
    Config, Error,
    document::{Chunk, Document},
    graph::{Entity, Fact, KindRule, Merge, Observation},
    memory::Memory,
    moment::Moment,
};

/// Layout of the tables. A store of a newer one is refused.
const FORMAT: i64 = 4;

const NAMESPACE: &str = "machina";
const DATABASE: &str = "ptolemies";

const MIB: u64 = 1024 * 1024;

const DEFINE_TABLES: &str = "
BEGIN TRANSACTION;
DEFINE TABLE meta TYPE NORMAL SCHEMAFULL PERMISSIONS NONE;
DEFINE FIELD format ON meta TYPE int;
DEFINE FIELD store_id ON meta TYPE string;
DEFINE FIELD created_at ON meta TYPE datetime;
DEFINE TABLE head TYPE NORMAL SCHEMAFULL PERMISSIONS NONE;
DEFINE FIELD seq ON head TYPE int;
DEFINE FIELD at ON head TYPE datetime;
DEFINE FIELD versions ON head TYPE int;
DEFINE TABLE memory TYPE NORMAL SCHEMAFULL PERMISSIONS NONE;
DEFINE FIELD lineage ON memory TYPE string;
DEFINE FIELD supersedes ON memory TYPE option<string>;
DEFINE FIELD version ON memory TYPE int;
DEFINE FIELD key ON memory TYPE option<string>;
DEFINE FIELD context ON memory TYPE string;
DEFINE FIELD text ON memory TYPE string;
DEFINE FIELD tags ON memory TYPE array<string>;
DEFINE FIELD importance ON memory TYPE int;
DEFINE FIELD confidence ON memory TYPE option<float>;
DEFINE FIELD source ON memory TYPE option<string>;
DEFINE FIELD expires_at ON memory TYPE option<datetime>;
DEFINE FIELD recorded_at ON memory TYPE datetime;
DEFINE FIELD retracted_at ON memory TYPE option<datetime>;
DEFINE FIELD seq ON memory TYPE int;
DEFINE TABLE change TYPE NORMAL SCHEMAFULL PERMISSIONS NONE;
DEFINE FIELD op ON change TYPE string;
DEFINE FIELD at ON change TYPE datetime;
DEFINE FIELD added ON change TYPE array<string>;
DEFINE FIELD retracted ON change TYPE array<string>;
DEFINE FIELD deleted ON change TYPE array<string>;
DEFINE FIELD write_id ON change TYPE option<string>;
DEFINE TABLE written TYPE NORMAL SCHEMAFULL PERMISSIONS NONE;
DEFINE FIELD digest ON written TYPE string;
DEFINE FIELD seq ON written TYPE int;
DEFINE FIELD at ON written TYPE datetime;
DEFINE FIELD answer ON written TYPE string;
CREATE $meta_id CONTENT $meta RETURN NONE;
CREATE $head_id CONTENT $head RETURN NONE;
COMMIT TRANSACTION;
";

/// An open store.
pub(crate) struct SurrealStore {
    datastore: Arc<Datastore>,
    db: Surreal<Db>,
    store_id: String,
    dir: PathBuf,
    config: Config,
}

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// Another process has it.
    #[error("it is held by another process")]
    Held,
    /// A newer program wrote it.
    #[error("{0}")]
    Newer(String),
    /// The engine cannot read it, or a fault of ours.
    #[error("{0}")]
    Failed(String),
}

impl SurrealStore {
    /// Open the store in `dir`, made if need be.
    pub(crate) async fn open(dir: &Path, config: &Config, now: Moment) -> Result<Self, OpenError> {
        Self::open_as(dir, config, now, None).await
    }

    /// Open a store; a fresh one gets this name, else one made at random.
    async fn open_as(
        dir: &Path,
        config: &Config,
        now: Moment,
        id: Option<String>,
    ) -> Result<Self, OpenError> {
        let path = dir.to_str().filter(|path| !path.contains('?')).ok_or_else(|| {
            OpenError::Failed("its path must be UTF-8 without a question mark".to_owned())
        })?;
        let datastore = Datastore::builder()
            .with_config(engine_config(config))
            .with_auth(false)
            .with_capabilities(query::capabilities())
            .without_maintenance_tasks()
            .build_with_path(&format!("surrealkv://{path}"))
            .await
            .map_err(|error| engine_error(&format!("{error:#}")))?;
        datastore.check_version().await.map_err(|error| engine_error(&format!("{error:#}")))?;
        let db = Surreal::<Db>::unstable_from_datastore(Arc::clone(&datastore), None)
            .await
            .map_err(|error| engine_error(error.message()))?;
        let (dir, config) = (dir.to_path_buf(), config.clone());
        let mut store = Self { datastore, db, store_id: String::new(), dir, config };
        store.prepare(now, id).await?;
        Ok(store)
    }

    async fn prepare(&mut self, now: Moment, id: Option<String>) -> Result<(), OpenError> {
        let failed = |error: surrealdb::Error| OpenError::Failed(error.message().to_owned());
        self.run("DEFINE NAMESPACE IF NOT EXISTS machina").await.map_err(failed)?;
        self.db.use_ns(NAMESPACE).await.map_err(failed)?;
        self.run("DEFINE DATABASE IF NOT EXISTS ptolemies").await.map_err(failed)?;
        self.db.use_ns(NAMESPACE).use_db(DATABASE).await.map_err(failed)?;
        let meta = match self.meta().await.map_err(failed)? {
            Some(meta) => meta,
            None => self.create(now, id).await?,
        };
        if meta.format > FORMAT {
            return Err(OpenError::Newer(format!(
                "the store has format {}, this binary knows {FORMAT}",
                meta.format
            )));
        }
        if meta.format < FORMAT {
            self.upgrade(meta.format).await?;
        }
        self.store_id = meta.store_id;
        Ok(())
    }

    async fn run(&self, statement: &'static str) -> Result<(), surrealdb::Error> {
        self.db.query(statement).await?.check().map(drop)
    }

    /// The row that says what the store is; `None` in a fresh one, whose tables are not defined.
    async fn meta(&self) -> Result<Option<MetaRow>, surrealdb::Error> {
        let answer =
            self.db.query("SELECT * FROM $id").bind(vars([("id", meta_id().into_value())])).await?;
        let mut answer = match answer.check() {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(answer.take::<Vec<MetaRow>>(0)?.pop())
    }

    /// Bring the layout up to [`FORMAT`], a transaction for each step.
    async fn upgrade(&self, from: i64) -> Result<(), OpenError> {
        let steps = [(2, graph::DEFINE), (3, merge::DEFINE), (4, document::DEFINE)];
        for (format, step) in steps.into_iter().filter(|(format, _)| *format > from) {
            let statements = format!(
                "BEGIN TRANSACTION;{step}UPDATE $meta_id SET format = $format RETURN NONE;\
                 COMMIT TRANSACTION;"
            );
            let bound =
                vars([("meta_id", meta_id().into_value()), ("format", format.into_value())]);
            let answer = self.db.query(statements).bind(bound).await;
            answer
                .and_then(IndexedResults::check)
                .map_err(|error| OpenError::Failed(error.message().to_owned()))?;
            tracing::info!(format, "the layout of the store has changed");
        }
        Ok(())
    }

    async fn create(&self, now: Moment, id: Option<String>) -> Result<MetaRow, OpenError> {
        let failed = |error: &dyn std::fmt::Display| OpenError::Failed(error.to_string());
        let store_id = match id {
            Some(id) => id,
            None => {
                let mut random = [0u8; 16];
                getrandom::fill(&mut random).map_err(|error| failed(&error))?;
                hex::encode(random)
            }
        };
        let meta = MetaRow { format: 1, store_id, created_at: row::datetime(now) };
        let head = graph::FirstHeadRow { seq: 0, at: row::datetime(now), versions: 0 };
        let bound = vars([
            ("meta_id", meta_id().into_value()),
            ("meta", meta.clone().into_value()),
            ("head_id", head_id().into_value()),
            ("head", head.into_value()),
        ]);
        let answer = self.db.query(DEFINE_TABLES).bind(bound).await;
        answer.and_then(IndexedResults::check).map_err(|error| failed(&error))?;
        Ok(meta)
    }

    async fn read<R: SurrealValue>(
        &self,
        statement: &'static str,
        bound: Object,
    ) -> Result<Vec<R>, Error> {
        let answer = self.db.query(statement).bind(bound).await;
        let answer = answer.and_then(IndexedResults::check);
        answer.and_then(|mut answer| answer.take::<Vec<R>>(0)).map_err(|error| broken(&error))
    }

    /// Rows of a table after an id.
    async fn page_of<R: SurrealValue>(
        &self,
        table: &'static str,
        after: Option<Ulid>,
        limit: usize,
    ) -> Result<Vec<R>, Error> {
        let after = after.map(|id| id.to_string());
        let bound = vars([
            ("range", snapshot::after_key(table, after.as_deref()).into_value()),
            ("limit", i64::try_from(limit).unwrap_or(i64::MAX).into_value()),
        ]);
        self.read("SELECT * FROM $range LIMIT $limit", bound).await
    }

    /// Whether a change that failed to commit is there all the same.
    async fn has_change(&self, seq: u64) -> Result<bool, Error> {
        let bound = vars([("id", change_id(seq).into_value())]);
        let rows: Vec<Value> = self.read("SELECT VALUE id FROM $id", bound).await?;
        Ok(!rows.is_empty())
    }

    async fn versions(&self) -> Result<HeadRow, Error> {
        let rows = self.read("SELECT * FROM $id", vars([("id", head_id().into_value())])).await?;
        rows.into_iter()
            .next()
            .ok_or_else(|| Error::StoreCorrupt("the head row is missing".to_owned()))
    }
}

impl Store for SurrealStore {
    type Snapshot = SurrealSnapshot;

    fn id(&self) -> &str {
        &self.store_id
    }

    async fn head(&self, repeatable_since: Moment) -> Result<Head, Error> {
        let head = self.versions().await?;
        let bound = vars([("since", row::datetime(repeatable_since).into_value())]);
        let written: Vec<WrittenRow> =
            self.read("SELECT * FROM written WHERE at > $since", bound).await?;
        Ok(Head {
            seq: head.seq.unsigned_abs(),
            at: Some(Moment::from(head.at.into_inner())),
            versions: usize::try_from(head.versions).unwrap_or(0),
            graph: usize::try_from(head.graph).unwrap_or(0),
            documents: usize::try_from(head.documents).unwrap_or(0),
            writes: written.into_iter().map(WrittenRow::into_record).collect::<Result<_, _>>()?,
        })
    }

    async fn page(&self, after: Option<Ulid>, limit: usize) -> Result<Vec<Memory>, Error> {
        let rows: Vec<MemoryRow> = self.page_of("memory", after, limit).await?;
        rows.into_iter().map(MemoryRow::into_memory).collect()
    }

    async fn rows(&self, ids: &[Ulid]) -> Result<Vec<Memory>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let bound = vars([("ids", memory_ids(ids))]);
        let rows: Vec<MemoryRow> = self.read("SELECT * FROM $ids", bound).await?;
        rows.into_iter().map(MemoryRow::into_memory).collect()
    }

    async fn entities(&self, after: Option<Ulid>, limit: usize) -> Result<Vec<Entity>, Error> {
        let rows: Vec<EntityRow> = self.page_of("entity", after, limit).await?;
        rows.into_iter().map(EntityRow::into_entity).collect()
    }

    async fn observations(
        &self,
        after: Option<Ulid>,
        limit: usize,
    ) -> Result<Vec<Observation>, Error> {
        let rows: Vec<ObservationRow> = self.page_of("observation", after, limit).await?;
        rows.into_iter().map(ObservationRow::into_observation).collect()
    }

    async fn facts(&self, after: Option<Ulid>, limit: usize) -> Result<Vec<Fact>, Error> {
        let rows: Vec<FactRow> = self.page_of("fact", after, limit).await?;
        rows.into_iter().map(FactRow::into_fact).collect()
    }

    async fn documents(&self, after: Option<Ulid>, limit: usize) -> Result<Vec<Document>, Error> {
        let rows: Vec<DocumentRow> = self.page_of("document", after, limit).await?;
        rows.into_iter().map(DocumentRow::into_document).collect()
    }

    async fn chunks(&self, after: Option<Ulid>, limit: usize) -> Result<Vec<Chunk>, Error> {
        let rows: Vec<ChunkRow> = self.page_of("chunk", after, limit).await?;
        rows.into_iter().map(ChunkRow::into_chunk).collect()
    }

    async fn chunk_rows(&self, ids: &[Ulid]) -> Result<Vec<Chunk>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let bound = vars([("ids", ids_in("chunk", ids))]);
        let rows: Vec<ChunkRow> = self.read("SELECT * FROM $ids", bound).await?;
        rows.into_iter().map(ChunkRow::into_chunk).collect()
    }

    async fn merges(&self, after: Option<Ulid>, limit: usize) -> Result<Vec<Merge>, Error> {
        let rows: Vec<MergeRow> = self.page_of("merge", after, limit).await?;
        rows.into_iter().map(MergeRow::into_merge).collect()
    }

    async fn rules(&self) -> Result<Vec<KindRule>, Error> {
        let rows: Vec<RuleRow> = self.read("SELECT * FROM rule", Object::new()).await?;
        rows.into_iter().map(RuleRow::into_rule).collect()
    }

    async fn commit(&self, change: &Change) -> Result<(), CommitError> {
        let (statements, bound) = commit_statements(change);
        let answer = self.db.query(statements).bind(bound).await;
        let Err(error) = answer.and_then(IndexedResults::check) else { return Ok(()) };
        tracing::warn!(seq = change.seq, error = %error, "a commit failed");
        match self.has_change(change.seq).await {
            Ok(false) => Err(CommitError::NotWritten(broken(&error))),
            Ok(true) => Err(CommitError::Unconfirmed),
            Err(error) => Err(CommitError::Unknown(error)),
        }
    }

    async fn snapshot(&self) -> Result<SurrealSnapshot, Error> {
        // A session of its own: what runs in it is apart from the statements of the writer.
        let begun = self.db.clone().begin().await;
        begun.map(SurrealSnapshot).map_err(|error| broken(&error))
    }

    async fn successor(&self, now: Moment) -> Result<Self, Error> {
        self.beside(None, now).await
    }

    async fn compacted(&self, now: Moment) -> Result<Self, Error> {
        let other = self.beside(Some(self.store_id.clone()), now).await?;
        if let Err(error) = self.copy_into(&other, now).await {
            other.remove().await;
            return Err(error);
        }
        Ok(other)
    }

    async fn take_over(&self) -> Result<(), Error> {
        self.become_current().await
    }

    async fn remove(&self) {
        self.close().await;
        self.remove_files().await;
    }

    async fn close(&self) {
        if let Err(error) = self.datastore.shutdown().await {
            tracing::warn!(%error, "the store did not close cleanly");
        }
    }
}

/// One transaction: rows, journal, head.
fn commit_statements(change: &Change) -> (String, Object) {
    let mut statements = String::from("BEGIN TRANSACTION;");
    let mut bound = vars([
        ("at", row::datetime(change.at).into_value()),
        ("change_id", change_id(change.seq).into_value()),
        ("change", ChangeRow::of(change).into_value()),
        ("head_id", head_id().into_value()),
        ("seq", i64::try_from(change.seq).unwrap_or(i64::MAX).into_value()),
        ("more", (signed(change.insert.len()) - signed(change.delete.len())).into_value()),
        ("growth", change.graph.growth().into_value()),
        ("documents_growth", change.documents.growth().into_value()),
    ]);
    if !change.insert.is_empty() {
        statements.push_str("INSERT INTO memory $rows RETURN NONE;");
        let rows: Vec<MemoryRow> = change.insert.iter().map(MemoryRow::of).collect();
        bound.insert("rows".to_owned(), rows.into_value());
    }
    if !change.retract.is_empty() {
        statements.push_str("UPDATE $retract SET retracted_at = $at RETURN NONE;");
        bound.insert("retract".to_owned(), memory_ids(&change.retract));
    }
    if !change.delete.is_empty() {
        statements.push_str("DELETE $delete RETURN NONE;");
        bound.insert("delete".to_owned(), memory_ids(&change.delete));
    }
    graph::statements(&change.graph, &mut statements, &mut bound);
    document::statements(&change.documents, &mut statements, &mut bound);
    if let Some(write) = &change.write {
        statements.push_str("UPSERT $write_id CONTENT $write RETURN NONE;");
        bound.insert("write_id".to_owned(), written_id(&write.write_id).into_value());
        bound.insert("write".to_owned(), WrittenRow::of(write).into_value());
    }
    if !change.forget_writes.is_empty() {
        statements.push_str("DELETE $forget_writes RETURN NONE;");
        let ids: Vec<RecordId> = change.forget_writes.iter().map(|id| written_id(id)).collect();
        bound.insert("forget_writes".to_owned(), ids.into_value());
    }
    statements.push_str(
        "CREATE $change_id CONTENT $change RETURN NONE;
        UPDATE $head_id SET seq = $seq, at = $at, versions += $more, graph += $growth,
            documents += $documents_growth RETURN NONE;
        COMMIT TRANSACTION;",
    );
    (statements, bound)
}

fn engine_config(config: &Config) -> ConfigMap {
    ConfigMap::empty()
        .with_key_value("datastore_sync", "every")
        .with_key_value(
            "surrealkv_block_cache_capacity",
            (u64::from(config.store_cache_mib) * MIB).to_string(),
        )
        .with_key_value(
            "surrealkv_max_memtable_size",
            (u64::from(config.store_buffer_mib) * MIB).to_string(),
        )
}

fn vars<const N: usize>(pairs: [(&str, Value); N]) -> Object {
    let mut object = Object::new();
    for (name, value) in pairs {
        object.insert(name.to_owned(), value);
    }
    object
}

fn memory_ids(ids: &[Ulid]) -> Value {
    ids_in("memory", ids)
}

fn ids_in(table: &'static str, ids: &[Ulid]) -> Value {
    ids.iter().map(|id| RecordId::new(table, id.to_string())).collect::<Vec<_>>().into_value()
}

fn meta_id() -> RecordId {
    RecordId::new("meta", "store")
}

fn head_id() -> RecordId {
    RecordId::new("head", "journal")
}

fn change_id(seq: u64) -> RecordId {
    RecordId::new("change", i64::try_from(seq).unwrap_or(i64::MAX))
}

fn written_id(write_id: &str) -> RecordId {
    RecordId::new("written", write_id.to_owned())
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn broken(error: &surrealdb::Error) -> Error {
    let message = error.message();
    if message.contains("No space left") || message.contains("StorageFull") {
        return Error::StorageFull;
    }
    tracing::error!(%message, "the store failed");
    Error::StoreCorrupt("it answered an error; the log of the server has it".to_owned())
}

fn engine_error(message: &str) -> OpenError {
    if message.contains("already locked") {
        return OpenError::Held;
    }
    if message.contains("version") {
        return OpenError::Newer(message.to_owned());
    }
    OpenError::Failed(message.to_owned())
}

#[cfg(test)]
mod tests;
