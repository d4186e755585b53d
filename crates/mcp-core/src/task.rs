//! The only place where work is spawned: every task has a name and is waited for.

use std::{
    future::Future,
    panic::resume_unwind,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use crate::{Kind, Result, ToolError, deadline};

/// Named background tasks, joined at shutdown.
#[derive(Debug, Clone, Default)]
pub struct Tasks(TaskTracker);

impl Tasks {
    pub(crate) fn new(tracker: TaskTracker) -> Self {
        Self(tracker)
    }

    /// Run a task. A panic in it is logged and ends that task only.
    pub fn spawn<F>(&self, name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // At debug level: entered at every poll, a span costs more than a small call.
        let task = self.0.track_future(future).instrument(tracing::debug_span!("task", name));
        #[expect(clippy::disallowed_methods, reason = "this is the door")]
        let handle = tokio::spawn(task);
        drop(handle);
    }

    /// Wait until all tasks have ended, at most `grace`; whether they have.
    pub async fn join(&self, grace: Duration) -> bool {
        self.0.close();
        tokio::time::timeout(grace, self.0.wait()).await.is_ok()
    }
}

/// Asks running work to stop. Cheap to poll: one atomic load.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Whether to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Sets the flag when the waiting side goes away: deadline, cancellation, disconnect.
struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// CPU-bound work may use every core, but never queues behind itself without bound.
static COMPUTE: LazyLock<Semaphore> = LazyLock::new(|| {
    Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from).max(2))
});

/// Run CPU-bound work off the async threads. At most one job per core runs; the others wait.
///
/// The work should poll [`Cancel::is_cancelled`] every few milliseconds: the flag is set when
/// `token` is cancelled and when the returned future is dropped (deadline, client gone).
///
/// # Errors
/// `cancelled` when the token fires first. A panic of the work continues in the caller.
pub async fn compute<T, F>(token: &CancellationToken, work: F) -> Result<T>
where
    F: FnOnce(&Cancel) -> T + Send + 'static,
    T: Send + 'static,
{
    let cancel = Cancel::default();
    let _on_drop = CancelOnDrop(cancel.clone());
    let cancelled = || ToolError::new(Kind::Cancelled, "cancelled", "the call was cancelled");
    let end = deadline::end();
    let job = async move {
        let permit = COMPUTE.acquire().await;
        let span = tracing::Span::current();
        #[expect(clippy::disallowed_methods, reason = "this is the door")]
        let handle = tokio::task::spawn_blocking(move || {
            deadline::within_blocking(end, || span.in_scope(|| work(&cancel)))
        });
        let outcome = handle.await;
        drop(permit);
        outcome
    };
    tokio::select! {
        outcome = job => match outcome {
            Ok(value) => Ok(value),
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(_) => Err(cancelled()),
        },
        () = token.cancelled() => Err(cancelled()),
    }
}

/// Run blocking I/O off the async threads, to its end: dropping the future does not stop it.
///
/// # Errors
/// `internal` when the runtime is shutting down. A panic of the work continues in the caller.
pub async fn blocking<T, F>(work: F) -> Result<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let end = deadline::end();
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    let handle = tokio::task::spawn_blocking(move || deadline::within_blocking(end, work));
    match handle.await {
        Ok(value) => Ok(value),
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => Err(ToolError::internal("the runtime is shutting down")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn compute_returns_the_value() {
        let token = CancellationToken::new();
        assert_eq!(compute(&token, |_| 21 * 2).await.unwrap(), 42);
    }

    #[tokio::test]
    async fn work_on_other_threads_knows_the_end_of_its_call() {
        let end = tokio::time::Instant::now() + Duration::from_secs(3);
        let call = async {
            let token = CancellationToken::new();
            let computing = compute(&token, |_| deadline::end()).await.unwrap();
            (computing, blocking(deadline::end).await.unwrap())
        };
        assert_eq!(deadline::within(end, call).await, (Some(end), Some(end)));
        assert_eq!(blocking(deadline::end).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_cancelled_token_stops_the_work() {
        let token = CancellationToken::new();
        let (ended, wait) = std::sync::mpsc::channel();
        let (started, has_started) = tokio::sync::oneshot::channel();
        let job = compute(&token, move |cancel| {
            started.send(()).unwrap();
            while !cancel.is_cancelled() {
                std::hint::spin_loop();
            }
            ended.send(()).unwrap();
        });
        let stop = async {
            has_started.await.unwrap();
            token.cancel();
        };
        let (outcome, ()) = tokio::join!(job, stop);
        assert_eq!(outcome.unwrap_err().kind(), Kind::Cancelled);
        assert!(wait.recv_timeout(Duration::from_secs(5)).is_ok());
    }
}
