//! The journal of one run on disk: one process writes it, and what it acknowledges is synced.

use std::{
    fs::{File, TryLockError},
    io::{self, Write},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use darwin_engine::journal::{encode, scan};
use mcp_core::durable;

use super::{
    RunError,
    entry::{Entry, Ledger},
};

const FILE: &str = "journal";

/// A journal that this process holds: the lock ends with the file.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    end: Mutex<End>,
    /// Records up to here are on disk.
    synced: Mutex<u64>,
}

#[derive(Debug)]
struct End {
    /// Number of the next record.
    next: u64,
    length: u64,
    /// What is on disk is not known: nothing may be acknowledged any more.
    broken: bool,
}

impl Journal {
    /// Begin one in an empty directory, on disk when this returns.
    pub(crate) fn create(dir: &Path, entries: &[Entry]) -> io::Result<Self> {
        let file = durable::private().create_new(true).append(true).open(dir.join(FILE))?;
        file.lock()?;
        let (mut bytes, mut next) = (Vec::new(), 0);
        for entry in entries {
            let (kind, payload) = entry.encode()?;
            bytes.extend(encode(kind, next, &payload));
            next += 1;
        }
        (&file).write_all(&bytes)?;
        file.sync_all()?;
        let end = End { next, length: bytes.len() as u64, broken: false };
        Ok(Self { file, end: Mutex::new(end), synced: Mutex::new(next) })
    }

    /// Take over one that no process holds; what a crash cut off is removed.
    ///
    /// # Errors
    /// [`RunError::Held`] by another process, [`RunError::Damaged`], [`RunError::Store`].
    pub(crate) fn open(dir: &Path) -> Result<(Self, Ledger), RunError> {
        let file = durable::private().read(true).append(true).open(dir.join(FILE))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(RunError::Held),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let bytes = std::fs::read(dir.join(FILE))?;
        let found = scan(&bytes, 0).map_err(|error| RunError::damaged(&error))?;
        let ledger = Ledger::of(&found.records)?;
        let (next, length) = (found.records.len() as u64, found.whole as u64);
        if found.whole < bytes.len() {
            file.set_len(length)?;
            file.sync_all()?;
        }
        let end = End { next, length, broken: false };
        Ok((Self { file, end: Mutex::new(end), synced: Mutex::new(next) }, ledger))
    }

    /// Read one, whoever writes it.
    ///
    /// # Errors
    /// [`RunError::Damaged`], [`RunError::Store`].
    pub(crate) fn read(dir: &Path) -> Result<Ledger, RunError> {
        let bytes = std::fs::read(dir.join(FILE))?;
        let found = scan(&bytes, 0).map_err(|error| RunError::damaged(&error))?;
        Ledger::of(&found.records)
    }

    /// Write a record and wait until it is on disk. Of several callers at once one waits for the
    /// disk, for all.
    pub(crate) fn append(&self, entry: &Entry) -> io::Result<()> {
        let (kind, payload) = entry.encode()?;
        let mine = {
            let mut end = self.end();
            if end.broken {
                return Err(io::Error::other("an earlier write did not reach the disk"));
            }
            let bytes = encode(kind, end.next, &payload);
            if let Err(error) = (&self.file).write_all(&bytes) {
                end.broken = self.file.set_len(end.length).is_err();
                return Err(error);
            }
            end.length += bytes.len() as u64;
            end.next += 1;
            end.next
        };
        self.sync(mine)
    }

    /// Number of records.
    pub(crate) fn len(&self) -> u64 {
        self.end().next
    }

    fn sync(&self, wanted: u64) -> io::Result<()> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced >= wanted {
            return Ok(());
        }
        let written = self.end().next;
        if let Err(error) = self.file.sync_data() {
            // The kernel may have dropped the pages: a second attempt would say nothing.
            self.end().broken = true;
            return Err(error);
        }
        *synced = written;
        Ok(())
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
