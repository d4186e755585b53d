//! Stores beside each other: which one is opened, and how another takes its place.
//!
//! `CURRENT` in the state directory names the directory of the store; without it that is `store`. A
//! new one is filled under a name of its own, and the file replaced at once: after a crash either
//! store is whole, and what is not named is removed at the next start.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use mcp_core::{durable, prelude::task};
use surrealdb::{
    IndexedResults,
    types::{Object, RecordIdKey, SurrealValue, Value},
};

use super::{OpenError, SurrealStore, broken, head_id, meta_id, row, snapshot, vars};
use crate::{Config, Error, moment::Moment};

const CURRENT: &str = "CURRENT";
/// The first one.
const FIRST: &str = "store";
/// Tables that are copied whole, with how rows are put in.
const TABLES: &[(&str, &str)] = &[
    ("rule", "INSERT INTO rule $rows RETURN NONE"),
    ("entity", "INSERT INTO entity $rows RETURN NONE"),
    ("observation", "INSERT INTO observation $rows RETURN NONE"),
    ("fact", "INSERT RELATION INTO fact $rows RETURN NONE"),
    ("merge", "INSERT INTO merge $rows RETURN NONE"),
    ("memory", "INSERT INTO memory $rows RETURN NONE"),
    ("document", "INSERT INTO document $rows RETURN NONE"),
    ("chunk", "INSERT INTO chunk $rows RETURN NONE"),
    ("written", "INSERT INTO written $rows RETURN NONE"),
];
/// Rows copied at a time.
const COPIED: i64 = 1_000;
/// How long entries of the journal are kept: a reader of it that lags more starts anew.
const JOURNAL_S: u64 = 24 * 60 * 60;

impl SurrealStore {
    /// Open the store of a state directory, made if need be; remove what others left there.
    pub(crate) async fn open_current(
        home: &Path,
        config: &Config,
        now: Moment,
    ) -> Result<Self, OpenError> {
        let failed = |error: &io::Error| OpenError::Failed(error.to_string());
        let name = current(home).map_err(|error| failed(&error))?;
        let dir = home.join(name.as_deref().unwrap_or(FIRST));
        if name.is_some() && !dir.is_dir() {
            return Err(OpenError::Failed(format!(
                "{CURRENT} names {}, which is not there",
                dir.display()
            )));
        }
        let store = Self::open(&dir, config, now).await?;
        if let Err(error) = sweep(home, &dir) {
            tracing::warn!(%error, "what an interrupted copy left was not removed");
        }
        Ok(store)
    }

    /// Make a store with a name of its own.
    pub(super) async fn beside(&self, id: Option<String>, now: Moment) -> Result<Self, Error> {
        let dir = self.home().join(format!("{FIRST}-{}", now.millis()));
        let made = Self::open_as(&dir, &self.config, now, id).await;
        made.map_err(|error| Error::StoreCorrupt(format!("no store was made beside it: {error}")))
    }

    fn home(&self) -> PathBuf {
        self.dir.parent().map_or_else(PathBuf::new, Path::to_path_buf)
    }

    pub(super) async fn become_current(&self) -> Result<(), Error> {
        let name = self.dir.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| Error::Internal("a store without a name".to_owned()))?;
        let path = self.home().join(CURRENT);
        let asked = name.clone();
        let written =
            task::blocking(move || durable::replace(&path, format!("{name}\n").as_bytes()));
        let written = written.await.map_err(|error| Error::Internal(error.message().to_owned()))?;
        if let Err(error) = &written
            && current(&self.home()).ok().flatten() == Some(asked)
        {
            // Only the directory could not be synced: it is this one that is opened.
            tracing::warn!(%error, "{CURRENT} was written, but may not outlive a power failure");
            return Ok(());
        }
        written.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull => Error::StorageFull,
            _ => Error::StoreCorrupt(format!("{CURRENT} was not written: {}", error.kind())),
        })
    }

    pub(super) async fn remove_files(&self) {
        let dir = self.dir.clone();
        match task::blocking(move || fs::remove_dir_all(dir)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "an old store was not removed"),
            Err(error) => tracing::warn!(error = error.message(), "an old store was not removed"),
        }
    }

    /// Copy every row into an empty store of the same layout.
    pub(super) async fn copy_into(&self, other: &Self, now: Moment) -> Result<(), Error> {
        for (table, insert) in TABLES {
            let mut after = None;
            while let Some(last) = self.copy_page(other, (table, insert), after, None).await? {
                after = Some(last);
            }
        }
        let since = Moment::from_millis(now.millis() - JOURNAL_S.cast_signed() * 1_000);
        let journal = ("change", "INSERT INTO change $rows RETURN NONE");
        let mut after = None;
        while let Some(last) = self.copy_page(other, journal, after, Some(since)).await? {
            after = Some(last);
        }
        // Last of all: until the head is there, the journal counts nothing.
        for id in [meta_id(), head_id()] {
            let bound = vars([("id", id.clone().into_value())]);
            let rows: Vec<Value> = self.read("SELECT * FROM $id", bound).await?;
            let row = rows
                .into_iter()
                .next()
                .ok_or_else(|| Error::StoreCorrupt("the head row is missing".to_owned()))?;
            let bound = vars([("id", id.into_value()), ("row", row)]);
            other.put("UPSERT $id CONTENT $row RETURN NONE", bound).await?;
        }
        Ok(())
    }

    /// Copy some rows; the key of the last one.
    async fn copy_page(
        &self,
        other: &Self,
        (table, insert): (&'static str, &'static str),
        after: Option<RecordIdKey>,
        since: Option<Moment>,
    ) -> Result<Option<RecordIdKey>, Error> {
        let mut bound = vars([
            ("range", snapshot::range(table, after).into_value()),
            ("limit", COPIED.into_value()),
        ]);
        let statement = match since {
            None => "SELECT * FROM $range LIMIT $limit",
            Some(since) => {
                bound.insert("since".to_owned(), row::datetime(since).into_value());
                "SELECT * FROM $range WHERE at > $since LIMIT $limit"
            }
        };
        let rows: Vec<Object> = self.read(statement, bound).await?;
        let last = rows.last().and_then(|row| match row.get("id") {
            Some(Value::RecordId(id)) => Some(id.key.clone()),
            _ => None,
        });
        if let Some(last) = &last {
            tracing::debug!(table, rows = rows.len(), key = ?last, "rows are copied");
            other.put(insert, vars([("rows", rows.into_value())])).await?;
        }
        Ok(last)
    }

    async fn put(&self, statement: &'static str, bound: Object) -> Result<(), Error> {
        let answer = self.db.query(statement).bind(bound).await;
        answer.and_then(IndexedResults::check).map(drop).map_err(|error| broken(&error))
    }
}

/// The name that the file has.
fn current(home: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(home.join(CURRENT)) {
        Ok(text) => {
            let name = text.trim();
            if is_ours(name) {
                return Ok(Some(name.to_owned()));
            }
            Err(io::Error::other(format!("{CURRENT} does not name a store")))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_ours(name: &str) -> bool {
    let number = name.strip_prefix(FIRST).map(|rest| rest.strip_prefix('-').unwrap_or(rest));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Remove stores other than this one.
fn sweep(home: &Path, kept: &Path) -> io::Result<()> {
    for entry in fs::read_dir(home)? {
        let entry = entry?;
        let path = entry.path();
        let ours = entry.file_name().to_str().is_some_and(is_ours);
        if ours && path != kept && entry.file_type()?.is_dir() {
            fs::remove_dir_all(&path)?;
            tracing::info!(dir = %path.display(), "removed a store that is not in use");
        }
    }
    Ok(())
}
