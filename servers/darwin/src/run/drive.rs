//! Computing a run in slices, so that all runs go on and none keeps a core.

use std::{sync::Arc, time::Duration};

use darwin_engine::{Controls, StopReason};
use mcp_core::prelude::*;
use tokio::time::Instant;

use super::{
    RunError, Shared,
    active::Active,
    core::Core,
    entry::{Status, StatusEntry},
};
use crate::controls::Surroundings;

/// How long a run keeps its turn, rounded up to whole generations.
const SLICE: Duration = Duration::from_millis(40);
/// What a crash may cost of a run's computing: then it is done again, to the same bytes.
const SAVE_EVERY: Duration = Duration::from_millis(50);
/// Saving takes at most one part in so many of the time.
const SAVE_SHARE: u32 = 20;

/// Why a slice ended.
enum End {
    Again,
    Goal,
    Stop(StopReason),
}

/// When to save next.
#[derive(Debug)]
struct Saving {
    last: Instant,
    every: Duration,
}

impl Shared {
    /// Compute a run, if it is to be computed and nobody does.
    pub(super) fn ensure_driven(self: &Arc<Self>, active: &Arc<Active>, core: &mut Core) {
        if core.ledger.status() == Status::Running && !core.driven && !self.is_parking() {
            core.driven = true;
            self.drivers.send_modify(|count| *count += 1);
            let (shared, active) = (Arc::clone(self), Arc::clone(active));
            let driving = Driving(Arc::clone(self));
            self.context.spawn("run", async move {
                shared.drive(&active).await;
                drop(driving);
            });
        }
    }

    async fn drive(&self, active: &Arc<Active>) {
        let mut saving = Saving { last: Instant::now(), every: SAVE_EVERY };
        loop {
            let turn = async {
                // Whoever owes evaluations keeps no core from others.
                self.quotas.settle(&active.owner).await;
                self.turns.take(&active.owner).await
            };
            let turn = tokio::select! {
                turn = turn => turn,
                () = self.context.shutdown.cancelled() => return,
            };
            let mut core = active.core().await;
            if core.ledger.status() != Status::Running || self.is_parking() {
                core.driven = false;
                break;
            }
            let pool = active.job.gains_from_threads().then(|| self.pool.get()).flatten();
            let own = Arc::clone(active);
            let (shared, token) = (self.stopping.clone(), CancellationToken::new());
            let quotas = self.quotas.clone();
            let slice = task::compute(&token, move |_| {
                let stopping = || own.is_wanted() || shared.is_cancelled();
                let before = core.run.status().evals;
                own.slice(&mut core, pool.as_deref(), &stopping, &mut saving);
                quotas.add(&own.owner, core.run.status().evals.saturating_sub(before));
                saving
            });
            match slice.await {
                Ok(after) => saving = after,
                // The runtime is going: the last checkpoint stands.
                Err(_) => return,
            }
            drop(turn);
        }
        self.release(active).await;
    }
}

/// Counts a driver until it ends.
struct Driving(Arc<Shared>);

impl Drop for Driving {
    fn drop(&mut self) {
        self.0.drivers.send_modify(|count| *count -= 1);
    }
}

impl Active {
    fn slice(
        &self,
        core: &mut Core,
        pool: Option<&rayon::ThreadPool>,
        stopping: &(dyn Fn() -> bool + Sync),
        saving: &mut Saving,
    ) {
        let done = match self.compute(core, pool, stopping) {
            Ok(End::Again) => self.save(core, saving),
            Ok(End::Goal) => self.set_status(core, StatusEntry::of(Status::Paused)),
            Ok(End::Stop(stop)) => self.finish(core, stop),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::error!(%error, "a run cannot go on");
            self.fail(core, &error);
        }
        self.publish(core);
    }

    fn compute(
        &self,
        core: &mut Core,
        pool: Option<&rayon::ThreadPool>,
        stopping: &(dyn Fn() -> bool + Sync),
    ) -> Result<End, RunError> {
        let (threads, points) = (self.job.threads, self.job.points);
        let around = Surroundings { pool, threads, points, before: core.active };
        around.with(stopping, None, |controls| self.go_on(core, controls))
    }

    fn go_on(&self, core: &mut Core, controls: &mut Controls<'_>) -> Result<End, RunError> {
        // A crash may have come between its last generation and the word that it has ended.
        core.take_updates(&self.job)?;
        if let Some(stop) = core.run.ended(controls) {
            return Ok(End::Stop(stop));
        }
        let (started, before) = (Instant::now(), core.active);
        let end = loop {
            core.take_updates(&self.job)?;
            let generation = core.run.status().generation;
            if core.ledger.last.until.is_some_and(|until| generation >= until) {
                break End::Goal;
            }
            match core.run.step(controls) {
                Some(StopReason::Cancelled) => break End::Again,
                Some(stop) => break End::Stop(stop),
                None if started.elapsed() >= SLICE => break End::Again,
                None => {}
            }
        };
        core.active = before + started.elapsed();
        Ok(end)
    }

    fn save(&self, core: &mut Core, saving: &mut Saving) -> Result<(), RunError> {
        let begun = Instant::now();
        if begun - saving.last >= saving.every {
            self.checkpoint(core)?;
            saving.every = SAVE_EVERY.max(SAVE_SHARE * begun.elapsed());
            saving.last = Instant::now();
        }
        Ok(())
    }
}
