//! Threads for large generations, shared by all runs.

use std::sync::{Arc, OnceLock};

/// Made with the first run that gains from it; `None` inside when the system has no threads.
#[derive(Debug)]
pub(crate) struct Pool {
    threads: usize,
    made: OnceLock<Option<Arc<rayon::ThreadPool>>>,
}

impl Pool {
    pub(crate) fn new(threads: usize) -> Self {
        Self { threads, made: OnceLock::new() }
    }

    /// The pool; without it a run takes longer and ends the same.
    pub(crate) fn get(&self) -> Option<Arc<rayon::ThreadPool>> {
        let build = || {
            let name = |number| format!("darwin-{number}");
            let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).thread_name(name);
            match pool.build() {
                Ok(pool) => Some(Arc::new(pool)),
                Err(error) => {
                    let threads = self.threads;
                    tracing::warn!(%error, threads, "no thread pool: runs use one thread each");
                    None
                }
            }
        };
        self.made.get_or_init(build).clone()
    }
}
