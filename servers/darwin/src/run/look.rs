//! The whole of what a run has found, without changing it.

use std::sync::Arc;

use darwin_engine::{Outcome, Run, Seed, StopReason};
use mcp_core::prelude::*;

use super::{
    Active, Core, Overview, RunError, Runs, TIME, checkpoint::Checkpoint, entry::Status, shown,
};
use crate::{Error, job::Job};

/// A run, and all it found up to now.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) run: Overview,
    pub(crate) job: Arc<Job>,
    pub(crate) outcome: Outcome,
    /// The last generation in which something better was found.
    pub(crate) improved_at: u64,
}

impl Looked {
    fn new(run: Overview, job: Arc<Job>, state: &Run<'_>) -> Self {
        let (outcome, improved_at) = (state.finish(StopReason::Cancelled), state.improved_at());
        Self { run, job, outcome, improved_at }
    }
}

impl Runs {
    /// Look at a run of this caller's that has not failed; one that computes goes on.
    pub(crate) async fn look(&self, owner: &Principal, id: &str) -> Result<Looked> {
        let run = self.overview(owner, id).await?;
        if !run.last.status.is_final() {
            let active = self.hold(owner, id).await?;
            let look = |active: &Active, core: &mut Core| {
                Ok(Looked::new(active.overview(), Arc::clone(&active.job), &core.run))
            };
            let mut looked = self.command(&active, look).await?;
            // It may have ended meanwhile.
            looked.run = active.overview();
            return Ok(looked);
        }
        if run.last.status == Status::Failed {
            return Err(RunError::Unfit { is: Status::Failed, wanted: "has no state" }.into());
        }
        let store = self.0.store.clone().ok_or(RunError::NoStore)?;
        let folder = store.folder(owner.id(), id).ok_or_else(|| RunError::NotFound(shown(id)))?;
        let threads = self.0.threads;
        let looked = task::blocking(move || -> Result<Looked, RunError> {
            let wanted = "has no state to look at";
            let missing = RunError::Unfit { is: run.last.status, wanted };
            let last = Checkpoint::read(&folder).ok_or(missing)?;
            let header = &run.header;
            let seed = Seed::new(header.spec.seed.unwrap_or_default()).map_err(Error::from)?;
            let mut job = header.spec.job(seed, threads, TIME, true)?;
            if header.revision != job.settings.algorithm().revision {
                let by = header.engine.clone();
                return Err(RunError::Revision { by, is: job.engine_version() });
            }
            job.budget = run.budget.build(job.problem.bounds().dimension(), TIME, 0)?;
            let job = Arc::new(job);
            let problem = Arc::clone(&job.problem);
            let (settings, budget, points) = (job.settings, job.budget, job.points);
            let state = Run::resume(problem, settings, budget, job.seed, points, &last.state)
                .map_err(Error::from)?;
            Ok(Looked::new(run, job, &state))
        });
        Ok(looked.await??)
    }
}
