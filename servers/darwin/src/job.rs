//! One run of the engine beside the async threads, with progress and cancellation.

use std::{pin::pin, sync::Arc, time::Duration};

use darwin_engine::{
    Budget, MIN_PARALLEL_GENES, Outcome, Plan, Problem, Run, Seed, Settings, Status, optimize,
};
use mcp_core::prelude::*;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{Error, controls::Surroundings, quota::Spending};

/// The longest run; the deadline of the call lies above it, so that a result is not lost.
pub(crate) const MAX_TIME: Duration = Duration::from_secs(110);
/// The shortest time limit.
pub(crate) const MIN_TIME: Duration = Duration::from_millis(10);
/// How often a listener hears of a run.
const REPORT_EVERY: Duration = Duration::from_millis(200);

/// All that fixes a run, and the threads, which do not.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) problem: Arc<Problem>,
    pub(crate) settings: Plan,
    /// Why this algorithm, when the choice was ours.
    pub(crate) reason: Option<&'static str>,
    pub(crate) budget: Budget,
    pub(crate) seed: Seed,
    pub(crate) points: usize,
    pub(crate) threads: usize,
}

impl Job {
    /// Whether a generation can be large enough for threads to help.
    pub(crate) fn gains_from_threads(&self) -> bool {
        let dimension = self.problem.bounds().dimension();
        let islands = self.settings.islands.map_or(1, |one| u64::from(one.islands));
        let largest = match self.settings.settings {
            Settings::Ga(settings) => u64::from(settings.population),
            Settings::Lshade(settings) => u64::from(settings.population),
            Settings::Front(settings) => u64::from(settings.population),
            Settings::Pso(settings) => u64::from(settings.population),
            Settings::Es(settings) => u64::from(settings.population),
            Settings::Umda(settings) => u64::from(settings.population),
            Settings::Design(settings) => u64::from(settings.block),
            Settings::Elites(settings) => u64::from(settings.batch.max(settings.first)),
            // One chunk at a time.
            Settings::Memetic(_) | Settings::Simplex(_) | Settings::Tpe(_) => 1,
            // Restarts double the population.
            _ => self.budget.max_evals(),
        };
        self.threads > 1
            && largest.saturating_mul(islands * dimension as u64) >= MIN_PARALLEL_GENES as u64
    }

    /// Whether a run may begin from such a state.
    pub(crate) fn fits(&self, state: &[u8]) -> Result<(), Error> {
        let problem = Arc::clone(&self.problem);
        Run::fork(problem, self.settings, self.budget, self.seed, self.points, state)
            .map(|_| ())
            .map_err(|_| Error::Fork)
    }

    /// Version of the engine, and revision of the algorithm.
    pub(crate) fn engine_version(&self) -> String {
        let algorithm = self.settings.algorithm();
        format!("{} {}-{}", darwin_engine::VERSION, algorithm.name, algorithm.revision)
    }

    /// Run to the end of the budget.
    ///
    /// # Errors
    /// `cancelled` when the token fires.
    pub(crate) async fn run(
        self: &Arc<Self>,
        pool: Option<Arc<rayon::ThreadPool>>,
        token: &CancellationToken,
        progress: Option<&Progress>,
        spending: &Spending,
    ) -> Result<Outcome> {
        let (job, called_at) = (Arc::clone(self), Instant::now());
        let spending = spending.clone();
        let (told, status) = watch::channel(None);
        let work = task::compute(token, move |cancel| {
            // Time spent waiting for a core counts towards the longest run only.
            let left = MAX_TIME.saturating_sub(called_at.elapsed()).max(MIN_TIME);
            let cancelled = || cancel.is_cancelled();
            let outcome = job.optimize(left, &cancelled, pool.as_deref(), &|status| {
                told.send_replace(Some(status));
            });
            spending.add(outcome.evals);
            outcome
        });
        followed(work, &status, progress, self.budget.max_evals()).await
    }

    fn optimize(
        &self,
        time_left: Duration,
        cancelled: &(dyn Fn() -> bool + Sync),
        pool: Option<&rayon::ThreadPool>,
        tell: &dyn Fn(Status),
    ) -> Outcome {
        let limit = self.budget.max_time().map_or(time_left, |limit| limit.min(time_left));
        // The limit is at least MIN_TIME, which is the one thing that could be wrong with it.
        let budget = self.budget.with_max_time(limit).unwrap_or(self.budget);
        let (threads, points) = (self.threads, self.points);
        let around = Surroundings { pool, threads, points, before: Duration::ZERO };
        around.with(cancelled, Some(tell), |controls| {
            optimize(&self.problem, self.settings, &budget, self.seed, controls)
        })
    }
}

/// Wait for work, and tell a listener meanwhile how far it is.
pub(crate) async fn followed<T>(
    work: impl Future<Output = Result<T>>,
    status: &watch::Receiver<Option<Status>>,
    progress: Option<&Progress>,
    max_evals: u64,
) -> Result<T> {
    let mut work = pin!(work);
    let Some(progress) = progress.filter(|one| one.is_wanted()) else { return work.await };
    let mut ticks = interval(REPORT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            outcome = &mut work => return outcome,
            _ = ticks.tick() => {
                let latest: Option<Status> = *status.borrow();
                if let Some(latest) = latest {
                    report(progress, latest, max_evals).await;
                }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "evaluations are at most 1e9")]
async fn report(progress: &Progress, status: Status, max_evals: u64) {
    let best = status.best_f.map_or_else(|| "none".to_owned(), |f| format!("{f:.6e}"));
    let message = format!("generation {}, best {best}", status.generation);
    progress.report(status.evals as f64, Some(max_evals as f64), &message).await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use darwin_engine::{Bounds, Function, GaOptions, Sense, StopReason};

    use super::*;

    #[test]
    fn a_cancelled_run_ends_at_the_next_chunk() {
        let bounds = Bounds::cube(3, -1.0, 1.0).unwrap();
        let objective = Box::new(Function::Sphere.on(3).unwrap());
        let job = Job {
            problem: Arc::new(Problem::new(objective, bounds, Sense::Min).unwrap()),
            settings: GaOptions::default().resolve(3).unwrap().into(),
            reason: None,
            budget: Budget::evals(1_000_000_000).unwrap(),
            seed: Seed::new(1).unwrap(),
            points: 2,
            threads: 1,
        };
        let stop = AtomicBool::new(false);
        let tell = |status: Status| stop.store(status.generation == 4, Ordering::Relaxed);
        let outcome = job.optimize(MAX_TIME, &|| stop.load(Ordering::Relaxed), None, &tell);
        assert_eq!((outcome.stop, outcome.generations), (StopReason::Cancelled, 4));
    }
}
