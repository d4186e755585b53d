//! New runs, and forks of old ones.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use mcp_core::prelude::*;

use super::{
    Header, LAYOUT, Origin, Overview, RunError, Runs, Status, StatusEntry,
    active::Active,
    checkpoint::Checkpoint,
    entry::{Ledger, PLAIN},
    journal::Journal,
    replay::replay,
    shown,
};
use crate::{job::Job, tools::optimize::OptimizeProblemArgs};

/// What a new run is.
#[derive(Debug)]
pub(crate) struct NewRun {
    pub(crate) name: Option<String>,
    /// With nothing left to a default.
    pub(crate) spec: OptimizeProblemArgs,
    pub(crate) job: Job,
    pub(crate) first: Status,
    /// Of a fork.
    pub(crate) origin: Option<(Origin, Checkpoint)>,
}

impl Runs {
    /// Write a new run down.
    pub(crate) async fn create(&self, owner: &Principal, new: NewRun) -> Result<Overview> {
        let (shared, owner) = (Arc::clone(&self.0), owner.shared_id());
        let store = shared.store.clone().ok_or(RunError::NoStore)?;
        let NewRun { name, spec, job, first, origin } = new;
        let (origin, state) = origin.unzip();
        let header = Header {
            layout: if origin.is_some() { LAYOUT } else { PLAIN },
            name,
            created_ms: now_ms(),
            engine: job.engine_version(),
            revision: job.settings.algorithm().revision,
            reason: job.reason.map(str::to_owned),
            spec,
            origin,
        };
        let (id, most) = (new_id()?, shared.max_runs);
        let made = task::blocking(move || -> Result<Active, RunError> {
            if store.ids(&owner)?.len() >= most as usize {
                return Err(RunError::Quota(most));
            }
            let ledger = Ledger::new(header, StatusEntry::of(first));
            let folder = store.folder(&owner, &id).ok_or(RunError::NoStore)?;
            let entries = ledger.entries();
            let journal = store.create(&owner, &id, |dir| {
                state.map_or(Ok(()), |state| state.write_origin(dir))?;
                Journal::create(dir, &entries)
            })?;
            let active = Active::new((owner, id, folder), journal, ledger, Arc::new(job));
            active.begin_alone()?;
            Ok(active)
        });
        let active = Arc::new(made.await??);
        self.0.keep(&active).await;
        Ok(active.overview())
    }

    /// The state of a run of this caller's between two generations, the latest or an earlier one, and
    /// where that is.
    pub(crate) async fn state(
        &self,
        owner: &Principal,
        id: &str,
        generation: Option<u64>,
        ct: &CancellationToken,
    ) -> Result<(Origin, Checkpoint)> {
        let run = self.overview(owner, id).await?;
        if !run.last.status.is_final() {
            let active = self.hold(owner, id).await?;
            self.command(&active, Active::checkpoint).await?;
        }
        let store = self.0.store.clone().ok_or(RunError::NoStore)?;
        let folder = store.folder(owner.id(), id).ok_or_else(|| RunError::NotFound(shown(id)))?;
        let missing = RunError::Unfit { is: run.last.status, wanted: "has no state to begin with" };
        let shared = Arc::clone(&self.0);
        let found = task::compute(ct, move |cancel| -> Result<Checkpoint, RunError> {
            let last = Checkpoint::read(&folder).ok_or(missing)?;
            let Some(wanted) = generation.filter(|wanted| *wanted != last.seen.generation) else {
                return Ok(last);
            };
            if wanted > last.seen.generation {
                return Err(RunError::Generation { is: last.seen.generation, first: 0 });
            }
            let pool = shared.pool.get();
            let workers = (shared.rules, pool.as_deref());
            replay(&folder, wanted, workers, &|| cancel.is_cancelled(), &mut |_| {})
        });
        let found = found.await??;
        let (generation, evals) = (found.seen.generation, found.seen.evals);
        Ok((Origin { run_id: id.to_owned(), generation, evals }, found))
    }
}

fn new_id() -> Result<String> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)
        .map_err(|error| ToolError::internal(format!("no random id: {error}")))?;
    Ok(format!("run_{}", hex::encode(bits)))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
