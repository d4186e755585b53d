//! Care of the store: back it up, put a backup in its place, check it, make it small. One at a time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::{Command, Knowledge, Shared, State};
use crate::{
    Error,
    backup::{Backups, Manifest, Origin},
    store::{Snapshot as _, Store},
};

/// How long readers of an old store may go on before it is left to the next start.
const READERS: Duration = Duration::from_secs(10);

/// What is to be done by the writer, while writes wait.
pub(crate) enum Upkeep {
    /// Compare the store with what is known of it.
    Verify,
    /// Read everything anew.
    Rebuild,
    /// Copy what is there into a new store, and remove the old one.
    Vacuum,
    /// Put a backup in the place of all there is.
    Restore { backups: Backups, manifest: Box<Manifest>, replace: bool },
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) seq: u64,
    /// Rows looked at, by table.
    pub(crate) rows: BTreeMap<String, usize>,
    /// What is wrong, up to some.
    pub(crate) findings: Vec<Finding>,
    /// How much is.
    pub(crate) wrong: usize,
    /// The backup of what was there before.
    pub(crate) previous: Option<String>,
}

/// A row that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) table: String,
    pub(crate) id: String,
    pub(crate) what: &'static str,
}

/// Told how many rows are done; answers whether to go on.
pub(crate) type Tell = Box<dyn FnMut(usize) -> bool + Send>;

impl<S: Store> Knowledge<S> {
    /// Write a backup while reads and writes go on; `None` when `tell` said to stop.
    pub(crate) async fn back_up(
        &self,
        backups: &Backups,
        mut tell: Tell,
    ) -> Result<Option<Manifest>, Error> {
        self.ready().await?;
        let _turn = self.turn()?;
        self.shared.back_up(backups, &mut *tell).await
    }

    /// Have the writer see to the store.
    pub(crate) async fn keep_up(&self, upkeep: Upkeep, tell: Tell) -> Result<Kept, Error> {
        self.ready().await?;
        let _turn = self.turn()?;
        let (answer, wait) = oneshot::channel();
        self.send(Command::Upkeep { upkeep, tell, answer }, wait, true).await?
    }

    /// How many rows there are; whether there is anything at all.
    pub(crate) async fn is_empty(&self) -> Result<bool, Error> {
        self.ready().await?;
        Ok(self.shared.read().is_empty())
    }

    fn turn(&self) -> Result<tokio::sync::OwnedMutexGuard<()>, Error> {
        Arc::clone(&self.shared.upkeep).try_lock_owned().map_err(|_| Error::Conflict {
            field: String::new(),
            message: "a backup, a restore or other maintenance is under way".to_owned(),
            hint: "repeat the call when it has ended, seen by list_jobs",
        })
    }
}

impl State {
    pub(super) fn is_empty(&self) -> bool {
        self.catalog.len() == 0 && self.graph.bytes() == 0 && self.documents.chunks() == 0
    }
}

impl<S: Store> Shared<S> {
    pub(super) async fn back_up(
        &self,
        backups: &Backups,
        tell: &mut (dyn FnMut(usize) -> bool + Send),
    ) -> Result<Option<Manifest>, Error> {
        let store = self.store();
        let now = self.now(&self.read());
        let snapshot = store.snapshot().await?;
        let done = match snapshot.stand().await {
            Ok((seq, _)) => {
                let origin = Origin { store: store.id().to_owned(), seq, now };
                backups.write(&snapshot, origin, tell).await
            }
            Err(error) => Err(error),
        };
        snapshot.release().await;
        done
    }

    /// Put a store in the place of the present one, with what is known of it if that differs.
    pub(super) async fn succeed(&self, store: S, state: Option<State>) -> Result<(), Error> {
        if let Err(error) = store.take_over().await {
            store.remove().await;
            return Err(error);
        }
        let old = {
            let mut held = self.store.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(state) = state {
                self.replace(state);
            }
            std::mem::replace(&mut *held, Arc::new(store))
        };
        let gone = async {
            while Arc::strong_count(&old) > 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(READERS, gone).await.is_ok() {
            old.remove().await;
        } else {
            tracing::warn!("an old store is still read: the next start removes it");
        }
        Ok(())
    }

    /// Put what is known anew in the place of what was known.
    pub(super) fn replace(&self, mut state: State) {
        let mut held = self.write();
        // A model of meaning that was begun on the old one is not for this one.
        state.generation = held.generation + 1;
        *held = state;
        drop(held);
        self.changed.notify_one();
        self.journal.notify_one();
    }

    /// The same store, to be read into a state of its own.
    pub(super) fn fresh(&self) -> Self {
        Self {
            store: std::sync::RwLock::new(self.store()),
            state: std::sync::RwLock::default(),
            clock: Arc::clone(&self.clock),
            answered: std::sync::atomic::AtomicI64::new(i64::MIN),
            limits: std::sync::RwLock::new(self.limits()),
            changed: tokio::sync::Notify::new(),
            journal: tokio::sync::Notify::new(),
            closing: std::sync::atomic::AtomicBool::new(false),
            upkeep: Arc::default(),
        }
    }
}
