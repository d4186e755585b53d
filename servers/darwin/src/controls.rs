//! What a search asks of this server, set up in one place: a clock, threads, ears.

use std::time::Duration;

use darwin_engine::{Controls, Executor, Status};
use tokio::time::Instant;

/// Where and how a search runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// Threads for large generations, and most of them.
    pub(crate) pool: Option<&'a rayon::ThreadPool>,
    pub(crate) threads: usize,
    /// Most points of the history.
    pub(crate) points: usize,
    /// Time that it has had before.
    pub(crate) before: Duration,
}

impl Surroundings<'_> {
    /// Let a search work, its clock running from now on.
    pub(crate) fn with<T>(
        self,
        cancelled: &(dyn Fn() -> bool + Sync),
        tell: Option<&dyn Fn(Status)>,
        work: impl FnOnce(&mut Controls<'_>) -> T,
    ) -> T {
        let started = Instant::now();
        let elapsed = || self.before + started.elapsed();
        let mut listener = |status| {
            if let Some(tell) = tell {
                tell(status);
            }
        };
        let executor =
            self.pool.map_or_else(Executor::default, |pool| Executor::pool(pool, self.threads));
        work(&mut Controls {
            cancelled,
            elapsed: &elapsed,
            progress: Some(&mut listener),
            executor,
            points: self.points,
        })
    }
}
