//! Runs that outlive the call that began them, and the process.
//!
//! A run is a directory: a journal of what it was told to do, written before that is acknowledged,
//! and a checkpoint of its algorithm, replaced now and then. What an objective of ours gives is not
//! recorded: the algorithm is deterministic, so what a crash took is computed again, to the same
//! bytes. What a caller told is in the journal. One process holds a run, by a lock on its journal
//! that the kernel frees; any may read it.

mod active;
mod checkpoint;
mod core;
mod create;
mod drive;
mod entry;
mod error;
mod inject;
mod journal;
mod look;
mod replay;
mod report;
mod trial;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mcp_core::{folders::Folders, prelude::*, turn::Turns};
use tokio::sync::watch;

pub(crate) use self::{
    active::{Active, TIME},
    checkpoint::Seen,
    core::Core,
    create::NewRun,
    entry::{Entry, Fault, Header, LAYOUT, Origin, Status, StatusEntry, Told, UpdateEntry},
    error::RunError,
    look::{Crew, Looked},
    report::Report,
    trial::Trial,
};
use self::{checkpoint::Checkpoint, journal::Journal};
use crate::{Config, pool::Pool, quota::Quotas, tools::optimize::BudgetArgs};

/// What is left of a run that was being made or deleted, after this, is of a crash.
const LEFT_OVER: Duration = Duration::from_secs(3600);

/// The runs of this server. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Runs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Absent when nothing says where.
    store: Option<Folders>,
    max_runs: u32,
    pool: Arc<Pool>,
    quotas: Quotas,
    rules: Rules,
    context: StartContext,
    turns: Turns,
    held: Mutex<BTreeMap<String, Arc<Active>>>,
    /// One run is opened at a time, so that none is opened twice.
    opening: tokio::sync::Mutex<()>,
    /// Drivers at work.
    drivers: watch::Sender<usize>,
    parking: AtomicBool,
    stopping: CancellationToken,
}

/// What the operator lets runs do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Most threads of one.
    threads: usize,
    /// Whether callers' modules are evaluated.
    wasm: bool,
}

/// What can be told of a run without waiting for it.
#[derive(Debug, Clone)]
pub(crate) struct Overview {
    pub(crate) id: String,
    pub(crate) header: Header,
    pub(crate) last: StatusEntry,
    pub(crate) seen: Seen,
    pub(crate) budget: BudgetArgs,
}

impl Runs {
    /// The runs below the state directory; none are read before they are asked for.
    pub(crate) fn open(
        context: &StartContext,
        config: &Config,
        pool: Arc<Pool>,
        quotas: Quotas,
    ) -> Self {
        let store = match context.state_dir() {
            Ok(dir) => Some(Folders::new(dir.join("runs"), "run")),
            Err(error) => {
                tracing::warn!(%error, "no runs are kept: only optimize_problem works");
                None
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Shared {
            store,
            max_runs: config.max_runs,
            pool,
            quotas,
            rules: Rules { threads: config.threads(), wasm: config.wasm },
            context: context.clone(),
            turns: Turns::new(cores),
            held: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            drivers: watch::Sender::new(0),
            parking: AtomicBool::new(false),
            stopping: context.shutdown.child_token(),
        }))
    }

    /// Go on with what earlier processes left running, in the background.
    pub(crate) fn adopt(&self) {
        let runs = self.clone();
        self.0.context.spawn("adopt runs", async move {
            if let Err(error) = runs.adopt_all().await {
                tracing::warn!(%error, "some earlier runs do not go on");
            }
        });
    }

    async fn adopt_all(&self) -> Result<()> {
        let Some(store) = self.0.store.clone() else { return Ok(()) };
        let found = task::blocking(move || -> std::io::Result<Vec<(String, String)>> {
            let mut found = Vec::new();
            for owner in store.owners()? {
                store.purge(&owner, LEFT_OVER)?;
                found.extend(store.ids(&owner)?.into_iter().map(|id| (owner.clone(), id)));
            }
            Ok(found)
        });
        for (owner, id) in found.await?.map_err(RunError::from)? {
            let wanted = self.0.read(&owner, &id).await;
            if wanted.is_ok_and(|run| run.last.status == Status::Running)
                && let Err(error) = self.0.hold(&owner.into(), &id).await
            {
                tracing::info!(id, %error, "an earlier run does not go on here");
            }
        }
        Ok(())
    }

    /// A run of this caller's that has not ended, held by this process.
    pub(crate) async fn hold(&self, owner: &Principal, id: &str) -> Result<Arc<Active>> {
        self.0.hold(&owner.shared_id(), id).await
    }

    /// Do something with a run between two of its generations; it goes on after that.
    pub(crate) async fn command<T: Send + 'static>(
        &self,
        active: &Arc<Active>,
        work: impl FnOnce(&Active, &mut Core) -> Result<T, RunError> + Send + 'static,
    ) -> Result<T> {
        let (shared, own) = (Arc::clone(&self.0), Arc::clone(active));
        let done = active.command(move |active, core| {
            let done = work(active, core);
            shared.ensure_driven(&own, core);
            done
        });
        let done = done.await;
        if active.overview().last.status.is_final() {
            self.0.release(active).await;
        }
        done
    }

    /// What can be told of a run of this caller's. A run that nobody drives any more goes on.
    pub(crate) async fn overview(&self, owner: &Principal, id: &str) -> Result<Overview> {
        if let Some(active) = self.held(owner, id) {
            return Ok(active.overview());
        }
        let run = self.0.read(owner.id(), id).await?;
        if run.last.status == Status::Running
            && let Ok(active) = self.0.hold(&owner.shared_id(), id).await
        {
            return Ok(active.overview());
        }
        Ok(run)
    }

    /// A run that this process holds.
    pub(crate) fn held(&self, owner: &Principal, id: &str) -> Option<Arc<Active>> {
        self.0.held().get(id).filter(|active| *active.owner == *owner.id()).cloned()
    }

    /// All runs of this caller's, the newest first; what cannot be read comes with the reason.
    pub(crate) async fn list(
        &self,
        owner: &Principal,
    ) -> Result<Vec<(String, Result<Overview, RunError>)>> {
        let (shared, owner) = (Arc::clone(&self.0), owner.shared_id());
        let Some(store) = shared.store.clone() else { return Ok(Vec::new()) };
        let listed = task::blocking(move || -> std::io::Result<Vec<_>> {
            let mut all = Vec::new();
            for id in store.ids(&owner)? {
                let held = shared.held().get(&id).cloned();
                let run = match held {
                    Some(active) => Ok(active.overview()),
                    None => read(&store, &owner, &id),
                };
                // Deleted since.
                if !matches!(run, Err(RunError::NotFound(_))) {
                    all.push((id, run));
                }
            }
            Ok(all)
        });
        let mut all = listed.await?.map_err(RunError::from)?;
        let age =
            |run: &Result<Overview, RunError>| run.as_ref().map_or(0, |one| one.header.created_ms);
        all.sort_by(|a, b| (age(&b.1), &b.0).cmp(&(age(&a.1), &a.0)));
        Ok(all)
    }

    /// Stop and remove a run of this caller's, whatever became of it.
    pub(crate) async fn delete(&self, owner: &Principal, id: &str) -> Result<()> {
        let store = self.0.store.clone().ok_or(RunError::NoStore)?;
        match self.hold(owner, id).await {
            Ok(active) => {
                let stop = |active: &Active, core: &mut Core| {
                    core.ledger.last = StatusEntry::of(Status::Cancelled);
                    active.publish(core);
                    Ok(())
                };
                self.command(&active, stop).await?;
            }
            Err(error) if error.code() == "not_found" => return Err(error),
            // One that ended, or that cannot be read, may go; not another process's.
            Err(error) => {
                let run = self.0.read(owner.id(), id).await;
                if run.is_ok_and(|run| !run.last.status.is_final()) {
                    return Err(error);
                }
            }
        }
        let (owner, id) = (owner.shared_id(), id.to_owned());
        let removed = task::blocking(move || store.remove(&owner, &id));
        Ok(removed.await?.map_err(RunError::from)?)
    }

    /// Let every run rest on disk. Called once.
    pub(crate) async fn park(&self) {
        let shared = &self.0;
        shared.parking.store(true, Ordering::Relaxed);
        shared.stopping.cancel();
        let mut drivers = shared.drivers.subscribe();
        drop(drivers.wait_for(|count| *count == 0).await);
        let held: Vec<_> = std::mem::take(&mut *shared.held()).into_values().collect();
        for active in held {
            let saved = active.command(Active::checkpoint).await;
            if let Err(error) = saved {
                tracing::warn!(%error, "a run's last state is not on disk: it is computed again");
            }
        }
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Active>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_parking(&self) -> bool {
        self.parking.load(Ordering::Relaxed) || self.context.shutdown.is_cancelled()
    }

    async fn read(&self, owner: &str, id: &str) -> Result<Overview> {
        let store = self.store.clone().ok_or(RunError::NoStore)?;
        let (owner, id) = (owner.to_owned(), id.to_owned());
        Ok(task::blocking(move || read(&store, &owner, &id)).await??)
    }

    async fn hold(self: &Arc<Self>, owner: &Arc<str>, id: &str) -> Result<Arc<Active>> {
        let _one_at_a_time = self.opening.lock().await;
        let found = self.held().get(id).cloned();
        if let Some(active) = found.filter(|active| active.owner == *owner) {
            return Ok(active);
        }
        let store = self.store.clone().ok_or(RunError::NoStore)?;
        let unknown = || RunError::NotFound(shown(id));
        let folder = store.folder(owner, id).ok_or_else(unknown)?;
        if !folder.is_dir() {
            return Err(unknown().into());
        }
        let (owner, id, rules) = (Arc::clone(owner), id.to_owned(), self.rules);
        let opened = task::blocking(move || Active::open((owner, id, folder), rules));
        let active = Arc::new(opened.await??);
        self.keep(&active).await;
        Ok(active)
    }

    /// Hold a run, and compute it if it is to be computed.
    async fn keep(self: &Arc<Self>, active: &Arc<Active>) {
        let mut core = active.core().await;
        if core.ledger.status().is_final() {
            return;
        }
        self.held().insert(active.id.clone(), Arc::clone(active));
        self.ensure_driven(active, &mut core);
    }

    /// Let go of a run that has ended.
    async fn release(&self, active: &Arc<Active>) {
        let core = active.core().await;
        if core.ledger.status().is_final() {
            self.held().remove(&active.id);
        }
    }
}

fn read(store: &Folders, owner: &str, id: &str) -> Result<Overview, RunError> {
    let unknown = || RunError::NotFound(shown(id));
    let folder: PathBuf = store.folder(owner, id).ok_or_else(unknown)?;
    if !folder.is_dir() {
        return Err(unknown());
    }
    let ledger = Journal::read(&folder)?;
    let seen = Checkpoint::read(&folder).map(|checkpoint| checkpoint.seen).unwrap_or_default();
    let budget = ledger.budget().clone();
    Ok(Overview { id: id.to_owned(), header: ledger.header, last: ledger.last, seen, budget })
}

/// A caller's word, fit for a message.
fn shown(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(40).collect()
}
