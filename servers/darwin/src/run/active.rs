//! A run that this process holds: its algorithm, its journal, and who waits for it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use darwin_engine::{Outcome, Run, StopReason};
use mcp_core::prelude::*;
use serde_json::Value;
use tokio::sync::{Mutex, watch};

use super::{
    Overview, Rules, RunError,
    checkpoint::Checkpoint,
    core::{Core, View},
    entry::{Entry, Fault, Header, Ledger, Status, StatusEntry},
    journal::Journal,
    report::Report,
};
use crate::{
    Error,
    job::Job,
    tools::{found::Stop, optimize::TimeRule},
};

/// A run may compute for a day, and ends by its evaluations when no time is given.
pub(crate) const TIME: TimeRule = TimeRule { default: None, longest: 86_400.0 };

/// A run that this process holds.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) id: String,
    pub(crate) owner: Arc<str>,
    pub(crate) job: Arc<Job>,
    dir: PathBuf,
    header: Header,
    journal: Journal,
    /// Callers that wait for the run to pause between generations.
    waiting: AtomicUsize,
    core: Arc<Mutex<Core>>,
    view: watch::Sender<View>,
}

/// Counts a caller that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Active {
    /// A run that was just written down.
    pub(crate) fn new(
        (owner, id, dir): (Arc<str>, String, PathBuf),
        journal: Journal,
        ledger: Ledger,
        job: Arc<Job>,
    ) -> Self {
        let core = Core::new(&job, ledger);
        let (view, _) = watch::channel(core.view());
        let header = core.ledger.header.clone();
        let (waiting, core) = (AtomicUsize::new(0), Arc::new(Mutex::new(core)));
        Self { id, owner, job, dir, header, journal, waiting, core, view }
    }

    /// Take over a run that has not ended, where it stood.
    ///
    /// # Errors
    /// [`RunError::Unfit`] when it has ended; it fails when another revision of its algorithm began
    /// it.
    pub(crate) fn open(
        (owner, id, dir): (Arc<str>, String, PathBuf),
        rules: Rules,
    ) -> Result<Self, RunError> {
        let (journal, ledger) = Journal::open(&dir)?;
        let is = ledger.status();
        if is.is_final() {
            return Err(RunError::Unfit { is, wanted: "has ended" });
        }
        let header = &ledger.header;
        let job = Arc::new(header.job(rules)?);
        let revision = header.revision;
        let by = header.engine.clone();
        let active = Self::new((owner, id, dir), journal, ledger, job);
        if revision != active.job.settings.algorithm().revision {
            let error = RunError::Revision { by, is: active.job.engine_version() };
            if let Ok(mut core) = active.core.try_lock() {
                core.active = Checkpoint::read(&active.dir)
                    .map_or(Duration::ZERO, |last| Duration::from_millis(last.seen.active_ms));
                active.fail(&mut core, &error);
            }
            return Err(error);
        }
        if let Ok(mut core) = active.core.try_lock() {
            active.restore(&mut core)?;
        }
        Ok(active)
    }

    /// The same, before anyone else has it.
    pub(crate) fn begin_alone(&self) -> Result<(), RunError> {
        match self.core.try_lock() {
            Ok(mut core) => self.begin(&mut core),
            Err(_) => Ok(()),
        }
    }

    /// A fork begins where the other run was.
    pub(crate) fn begin(&self, core: &mut Core) -> Result<(), RunError> {
        if self.header.origin.is_none() {
            return Ok(());
        }
        let (job, origin) = (&self.job, Checkpoint::read_origin(&self.dir)?);
        let problem = Arc::clone(&job.problem);
        let state = &origin.state;
        core.run = Run::fork(problem, job.settings, job.budget, job.seed, job.points, state)
            .map_err(Error::from)?;
        self.publish(core);
        Ok(())
    }

    /// Take the last checkpoint, then what was told since.
    fn restore(&self, core: &mut Core) -> Result<(), RunError> {
        self.begin(core)?;
        if let Some(last) = Checkpoint::read(&self.dir) {
            let job = &self.job;
            let budget = core.budget_at(last.seen.evals, job)?;
            let resumed = Run::resume(
                Arc::clone(&job.problem),
                job.settings,
                budget,
                job.seed,
                job.points,
                &last.state,
            );
            match resumed {
                Ok(run) => {
                    core.run = run;
                    core.resumed(&last.seen);
                }
                Err(error) => tracing::warn!(%error, "a run is computed anew"),
            }
        }
        core.take_updates(&self.job)?;
        if core.ledger.status() == Status::WaitingTell
            && let Some(stop) = self.close_generations(core)?
        {
            self.finish(core, stop)?;
        }
        self.publish(core);
        Ok(())
    }

    /// Do something between two generations; a generation that is being computed is dropped.
    pub(crate) async fn command<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self, &mut Core) -> Result<T, RunError> + Send + 'static,
    ) -> Result<T> {
        let waiting = Waiting::new(&self.waiting);
        let mut core = Arc::clone(&self.core).lock_owned().await;
        drop(waiting);
        let own = Arc::clone(self);
        let done = task::blocking(move || {
            let done = work(&own, &mut core);
            own.publish(&core);
            done
        });
        Ok(done.await??)
    }

    /// What moves, for the driver.
    pub(crate) async fn core(&self) -> tokio::sync::OwnedMutexGuard<Core> {
        Arc::clone(&self.core).lock_owned().await
    }

    /// Whether someone waits for the generation to be dropped.
    pub(crate) fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Write a record; acknowledged when this returns.
    pub(crate) fn append(&self, core: &mut Core, entry: Entry) -> Result<(), RunError> {
        self.journal.append(&entry)?;
        core.ledger.apply(entry);
        Ok(())
    }

    /// Put the state on disk, unless it is there.
    pub(crate) fn checkpoint(&self, core: &mut Core) -> Result<(), RunError> {
        let seen = core.seen();
        if core.is_saved(&seen) {
            return Ok(());
        }
        let checkpoint = Checkpoint { seen, state: core.run.save() };
        checkpoint.write(&self.dir, self.journal.len())?;
        core.saved(&checkpoint.seen);
        Ok(())
    }

    /// Do something else from here on; the state is on disk before that is.
    pub(crate) fn set_status(&self, core: &mut Core, entry: StatusEntry) -> Result<(), RunError> {
        self.checkpoint(core)?;
        self.append(core, Entry::Status(Box::new(entry)))
    }

    /// End it with what it found.
    pub(crate) fn finish(&self, core: &mut Core, stop: StopReason) -> Result<(), RunError> {
        let result = self.result(core, stop)?;
        let status = StatusEntry {
            stop_reason: Stop::of(stop),
            result: Some(result),
            ..StatusEntry::of(if Stop::of(stop).is_some() {
                Status::Done
            } else {
                Status::Cancelled
            })
        };
        self.set_status(core, status)
    }

    /// End it with a reason that is no result.
    pub(crate) fn fail(&self, core: &mut Core, error: &RunError) {
        let fault = Fault { code: error.code().to_owned(), message: error.to_string() };
        let status = StatusEntry { fault: Some(fault), ..StatusEntry::of(Status::Failed) };
        if let Err(error) = self.append(core, Entry::Status(Box::new(status.clone()))) {
            tracing::error!(%error, "the end of a run could not be written down");
            core.ledger.last = status;
        }
    }

    /// What was found so far, as it is kept.
    pub(crate) fn result(&self, core: &Core, stop: StopReason) -> Result<Value, RunError> {
        let outcome: Outcome = core.run.finish(stop);
        let report = Report::new(&self.job, &core.ledger, outcome);
        serde_json::to_value(report).map_err(|error| RunError::Store(error.to_string()))
    }

    /// Show where it is.
    pub(crate) fn publish(&self, core: &Core) {
        self.view.send_replace(core.view());
    }

    /// What can be told without waiting for it.
    pub(crate) fn overview(&self) -> Overview {
        let view = self.view.borrow().clone();
        Overview {
            id: self.id.clone(),
            header: self.header.clone(),
            last: view.last,
            seen: view.seen,
            budget: view.budget,
        }
    }

    /// Wait until it does not compute any more.
    pub(crate) async fn settled(&self) {
        let mut view = self.view.subscribe();
        // The sender lives as long as `self`.
        drop(view.wait_for(|view| view.last.status != Status::Running).await);
    }
}
