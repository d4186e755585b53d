//! Runs that outlive the call that began them, and the process.
//!
//! A run is a directory: how it was begun and its model, written before the run is acknowledged; a file
//! for each chain that has ended; how it ended. Its name follows from its caller and arguments, so that an
//! equal call finds it. The process that samples it holds a lock that the kernel frees: a run without an
//! end and without a holder was interrupted.

mod active;
mod error;
mod keep;
mod load;
mod sweep;

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bayes_engine::{language::Model, posterior::Posterior};
use mcp_core::{StateKey, folders::Folders, prelude::*, turn::Turns};
use quick_cache::{Weighter, sync::Cache};

pub(crate) use self::{
    active::{Active, Ended, Watched},
    error::RunError,
    load::{Overview, mark_incomplete},
};
use crate::{
    Config,
    job::Job,
    store::{Head, Source, State, Status},
};

/// Most bytes of draws of one run.
pub(crate) const MAX_RUN: usize = 64 << 20;
/// Most bytes of draws of all runs that are being sampled.
const MAX_SAMPLED: usize = 512 << 20;
/// Bytes of draws that are kept at hand.
const MAX_HELD: u64 = 256 << 20;
/// Most runs of one caller that are being sampled, or wait for it.
const RUNNING_EACH: usize = 8;
/// Most of all callers.
const RUNNING: usize = 32;

/// A sampled model.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) posterior: Posterior,
    /// What sampling it cost, as the answer of `fit_model` says it.
    pub(crate) sampler: super::tools::SamplerOutput,
    pub(crate) seed: u64,
    pub(crate) status: Status,
    /// What the model printed while it was bound.
    pub(crate) printed: String,
    folder: PathBuf,
}

/// What is to be sampled.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) head: Head,
    pub(crate) source: Source,
    pub(crate) job: Job,
    /// Bytes of its draws.
    pub(crate) bytes: usize,
}

/// A run that an equal call finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// This process samples it.
    Active(Arc<Active>),
    /// It lies on disk.
    Stored(Box<Overview>),
}

/// The runs of this server. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Runs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Absent when nothing says where.
    folders: Option<Folders>,
    key: StateKey,
    lifetime: Duration,
    max_runs: u32,
    quota: u64,
    /// Bytes of all callers when they were last counted, and those begun since.
    total: AtomicU64,
    max_total: u64,
    context: StartContext,
    turns: Turns,
    held: Mutex<BTreeMap<String, Arc<Active>>>,
    loaded: Cache<String, Arc<Run>, Bytes>,
    /// Memory for draws of runs that are being sampled.
    taken: Arc<AtomicUsize>,
    /// One run is begun at a time, so that none is begun twice.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<String, Arc<Run>> for Bytes {
    fn weight(&self, _id: &String, run: &Arc<Run>) -> u64 {
        let numbers: usize = run.posterior.chains.iter().map(|chain| chain.numbers.len()).sum();
        (numbers as u64 * 8).max(1)
    }
}

/// Bytes taken from the memory for draws until it is dropped.
#[derive(Debug)]
struct Share {
    bytes: usize,
    taken: Arc<AtomicUsize>,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Run {
    /// What it was fitted from.
    pub(crate) async fn source(&self) -> Result<Source> {
        let folder = self.folder.clone();
        Ok(task::blocking(move || Source::read(&folder)).await?.map_err(RunError::from)?)
    }

    /// The model it was sampled from, bound to its data again.
    pub(crate) async fn model(&self, token: &CancellationToken) -> Result<Model> {
        let source = self.source().await?;
        let refuse = |diagnostic| crate::Error::Model(Box::new(diagnostic));
        let data = crate::tools::engine_data(source.data).map_err(refuse)?;
        let until = tokio::time::Instant::now() + crate::job::BIND_TIME;
        let bound = crate::job::try_bind(source.code, data, self.seed, until, token).await?;
        Ok(bound.map_err(refuse)?)
    }
}

impl Runs {
    /// The runs below the state directory; none are read before they are asked for.
    pub(crate) fn open(context: &StartContext, config: &Config) -> Result<Self, StartError> {
        let folders = match context.state_dir() {
            Ok(dir) => Some(Folders::new(dir.join("runs"), "run")),
            Err(error) => {
                tracing::warn!(%error, "no runs are kept: models cannot be fitted");
                None
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self(Arc::new(Shared {
            folders,
            key: context.state_key()?,
            lifetime: Duration::from_secs(config.lifetime_s),
            max_runs: config.max_runs,
            quota: u64::from(config.quota_mb) << 20,
            total: AtomicU64::new(0),
            max_total: u64::from(config.store_mb) << 20,
            context: context.clone(),
            turns: Turns::new(cores),
            held: Mutex::default(),
            loaded: Cache::with_weighter(1_000, MAX_HELD, Bytes),
            taken: Arc::default(),
            opening: tokio::sync::Mutex::default(),
        })))
    }

    /// The name of this caller's run of these arguments.
    pub(crate) fn name(&self, owner: &Principal, digest: &[u8]) -> String {
        self.0.key.name("run", owner, digest)
    }

    /// The run that answers an equal call, if there is one.
    pub(crate) async fn equal(&self, owner: &Principal, id: &str) -> Result<Option<Found>> {
        if let Some(active) = self.held(owner, id) {
            return Ok(Some(Found::Active(active)));
        }
        match self.overview(owner, id).await {
            Ok(run) if run.status.answers() => Ok(Some(Found::Stored(Box::new(run)))),
            Ok(_) => Ok(None),
            Err(error) => match error.code() {
                // One that cannot be read gives way.
                "unknown_id" | "run_damaged" => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Write a run down and sample it in the background. One of that name that does not answer an
    /// equal call gives way.
    pub(crate) async fn begin(&self, owner: &Principal, id: &str, plan: Plan) -> Result<Found> {
        let _one_at_a_time = self.0.opening.lock().await;
        if let Some(found) = self.equal(owner, id).await? {
            return Ok(found);
        }
        let share = self.0.admit(owner, plan.bytes)?;
        let (shared, owner_id, id) = (Arc::clone(&self.0), owner.shared_id(), id.to_owned());
        let made = task::blocking(move || shared.create(owner_id, id, plan, share));
        let (active, job) = made.await??;
        let active = Arc::new(active);
        self.0.held().insert(active.id.clone(), Arc::clone(&active));
        let (shared, own) = (Arc::clone(&self.0), Arc::clone(&active));
        self.0.context.spawn("run", async move { shared.drive(&own, job).await });
        Ok(Found::Active(active))
    }

    /// The draws of a run of this caller's that has ended.
    pub(crate) async fn get(&self, owner: &Principal, id: &str) -> Result<Arc<Run>> {
        if self.held(owner, id).is_some() {
            return Err(RunError::Running.into());
        }
        let overview = self.overview(owner, id).await?;
        if overview.status == Status::Running {
            return Err(RunError::Running.into());
        }
        let key = overview.folder.to_string_lossy().into_owned();
        let draws = overview.state.as_ref().map_or(0, |state| state.draws);
        let same = |run: &Arc<Run>| run.status == overview.status && run.sampler.draws == draws;
        // Another process may have begun it anew.
        if let Some(run) = self.0.loaded.get(&key).filter(same) {
            return Ok(run);
        }
        let run = Arc::new(task::blocking(move || overview.load()).await??);
        self.0.loaded.insert(key, Arc::clone(&run));
        Ok(run)
    }

    /// What can be told of a run of this caller's.
    pub(crate) async fn overview(&self, owner: &Principal, id: &str) -> Result<Overview> {
        let (shared, owner, id) = (Arc::clone(&self.0), owner.shared_id(), id.to_owned());
        Ok(task::blocking(move || shared.read(&owner, &id)).await??)
    }

    /// A run that this process samples.
    pub(crate) fn held(&self, owner: &Principal, id: &str) -> Option<Arc<Active>> {
        self.0.held().get(id).filter(|active| *active.owner == *owner.id()).cloned()
    }

    /// All runs of this caller's, the newest first; what cannot be read comes with the reason.
    pub(crate) async fn list(
        &self,
        owner: &Principal,
    ) -> Result<Vec<(String, Result<Overview, RunError>)>> {
        let (shared, owner) = (Arc::clone(&self.0), owner.shared_id());
        let listed = task::blocking(move || -> io::Result<Vec<_>> {
            let Some(folders) = &shared.folders else { return Ok(Vec::new()) };
            let runs = folders.ids(&owner)?.into_iter().map(|id| (shared.read(&owner, &id), id));
            let there =
                |run: &Result<Overview, RunError>| !matches!(run, Err(RunError::Unknown(_)));
            Ok(runs.filter(|(run, _)| there(run)).map(|(run, id)| (id, run)).collect())
        });
        let mut all = listed.await?.map_err(RunError::from)?;
        let age =
            |run: &Result<Overview, RunError>| run.as_ref().map_or(0, |one| one.head.created_ms);
        all.sort_by(|a, b| (age(&b.1), &b.0).cmp(&(age(&a.1), &a.0)));
        Ok(all)
    }

    /// Stop a run of this caller's and wait, a short while, for what it has; one that has ended stays
    /// as it is.
    pub(crate) async fn cancel(&self, owner: &Principal, id: &str) -> Result<Overview> {
        if let Some(active) = self.held(owner, id) {
            active.stop(Status::Cancelled);
            active.ended_within(active::STOPPING).await;
        } else if self.overview(owner, id).await?.status == Status::Running {
            return Err(RunError::Held.into());
        }
        self.overview(owner, id).await
    }

    /// Stop and remove a run of this caller's, whatever became of it; its bytes.
    pub(crate) async fn delete(&self, owner: &Principal, id: &str) -> Result<u64> {
        match self.cancel(owner, id).await {
            Ok(run) if run.status == Status::Running => return Err(RunError::Running.into()),
            Ok(_) => {}
            // One that cannot be read may go.
            Err(error) if error.code() == "run_damaged" => {}
            Err(error) => return Err(error),
        }
        let (shared, owner, id) = (Arc::clone(&self.0), owner.shared_id(), id.to_owned());
        Ok(task::blocking(move || shared.remove(&owner, &id)).await??)
    }

    /// Bytes of a run of this caller's, whatever became of it.
    pub(crate) async fn bytes(&self, owner: &Principal, id: &str) -> Result<u64> {
        let (shared, owner, id) = (Arc::clone(&self.0), owner.shared_id(), id.to_owned());
        let bytes = task::blocking(move || -> Result<u64, RunError> {
            match shared.read(&owner, &id) {
                Err(error @ (RunError::Unknown(_) | RunError::NoStore)) => Err(error),
                _ => Ok(shared.folders()?.bytes_of(&owner, &id)?),
            }
        });
        Ok(bytes.await??)
    }

    /// Stop all runs and keep what they have. Called once.
    pub(crate) async fn park(&self) {
        let held: Vec<_> = self.0.held().values().cloned().collect();
        for active in &held {
            active.stop(Status::Interrupted);
        }
        for active in &held {
            active.ended_within(active::PARKING).await;
        }
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Active>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folders(&self) -> Result<&Folders, RunError> {
        self.folders.as_ref().ok_or(RunError::NoStore)
    }
}

impl State {
    /// Of a run that was not sampled to an end.
    fn without_draws(status: Status) -> Self {
        Self {
            status,
            draws: 0,
            attempt: 1,
            attempts: 0,
            target_accept: 0.8,
            first_divergent: 0.0,
            error: None,
        }
    }
}

#[cfg(test)]
mod tests;
