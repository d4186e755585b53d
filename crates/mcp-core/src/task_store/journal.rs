//! Tasks on disk: one file each, in a directory that one process holds.
//!
//! Several processes of a server may share a state directory (a client's stdio beside a service),
//! so each has its own below
//! `tasks/<transport>`, with a lock that the kernel frees when it dies. The next
//! process to start takes over what dead ones left.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rmcp::model::DetailedTask;
use serde::{Deserialize, Serialize};

use crate::{durable, state_key::random_id};

const LOCK: &str = "lock";

/// The files of one process.
pub(super) struct Journal {
    root: PathBuf,
    own: Mutex<Option<Held>>,
}

/// A directory and the lock on it.
struct Held {
    dir: PathBuf,
    _lock: File,
}

/// One task as it is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) owner: String,
    pub(super) tool: String,
    pub(super) created_ms: u64,
    pub(super) task: DetailedTask,
}

impl Journal {
    /// Below a state directory; nothing is made before the first task.
    pub(super) fn new(state: &Path, transport: &str) -> Self {
        Self { root: state.join("tasks").join(transport), own: Mutex::default() }
    }

    /// Write a task and wait until it is on disk.
    pub(super) fn write(&self, line: &Line) -> io::Result<()> {
        let dir = self.own()?;
        let bytes = serde_json::to_vec(line)?;
        durable::replace(&dir.join(format!("{}.json", line.task.task.task_id)), &bytes)
    }

    /// Delete a task, if it is there.
    pub(super) fn remove(&self, id: &str) {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = &*own {
            // One that cannot be deleted is dropped at the next start: it has expired.
            drop(fs::remove_file(held.dir.join(format!("{id}.json"))));
        }
    }

    /// The tasks of processes that have ended; their directories go.
    pub(super) fn adopt(&self) -> io::Result<Vec<Line>> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut lines = Vec::new();
        for entry in entries {
            let dir = entry?.path();
            let Some(lock) = lock(&dir)? else { continue };
            // Written anew before they are deleted here: a crash between leaves both.
            let found = read(&dir)?;
            for line in &found {
                self.write(line)?;
            }
            lines.extend(found);
            fs::remove_dir_all(&dir)?;
            drop(lock);
        }
        Ok(lines)
    }

    /// This process's directory, made and locked at the first need.
    fn own(&self) -> io::Result<PathBuf> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = &*own {
            return Ok(held.dir.clone());
        }
        let dir = self.root.join(random_id().map_err(io::Error::other)?);
        durable::make_dir(&dir)?;
        let file =
            durable::private().write(true).create(true).truncate(false).open(dir.join(LOCK))?;
        file.lock()?;
        durable::sync_dir(&self.root)?;
        *own = Some(Held { dir: dir.clone(), _lock: file });
        Ok(dir)
    }
}

/// The lock of a directory whose process has ended; `None` while it lives.
fn lock(dir: &Path) -> io::Result<Option<File>> {
    let file = match durable::private().read(true).write(true).open(dir.join(LOCK)) {
        Ok(file) => file,
        // Just being made, or no directory of ours.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn read(dir: &Path) -> io::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            match serde_json::from_slice(&fs::read(&path)?) {
                Ok(line) => lines.push(line),
                Err(error) => tracing::warn!(%error, "a task's file cannot be read"),
            }
        }
    }
    Ok(lines)
}
