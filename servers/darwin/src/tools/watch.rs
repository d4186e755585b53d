//! Waiting for stored runs.

use std::{sync::Arc, time::Duration};

use darwin_engine::StopReason;
use mcp_core::{deadline, prelude::*};
use tokio::time::{Instant, timeout_at};

use crate::{
    Server,
    run::{Active, Core, Status, StatusEntry},
};

/// What becomes of a run when the task that waits for it is cancelled. A call that is no task leaves
/// it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnCancel {
    /// It goes on.
    GoOn,
    /// It pauses after this generation.
    Pause,
    /// It ends with what it found.
    Stop,
}

/// How often a listener hears of a run.
const REPORT_EVERY: Duration = Duration::from_millis(200);
/// Left of a task's time to say where its run is.
const MARGIN: Duration = Duration::from_secs(5);

impl Server {
    /// Wait until a run does not compute any more, or the time is over; tell a listener how far it is.
    /// Nobody waits for the answer of a task: it comes with the end of the run.
    pub(super) async fn watch(
        &self,
        active: &Arc<Active>,
        wait_ms: u32,
        (ct, on_cancel): (&CancellationToken, OnCancel),
        progress: &Progress,
    ) {
        let end = if progress.is_task() {
            deadline::leaving(MARGIN, CallPolicy::MAX_DEADLINE)
        } else if wait_ms == 0 {
            return;
        } else {
            Instant::now() + Duration::from_millis(wait_ms.into())
        };
        let mut ticks = tokio::time::interval(REPORT_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut settled = std::pin::pin!(active.settled());
        loop {
            tokio::select! {
                biased;
                () = &mut settled => return,
                () = ct.cancelled() => break,
                over = timeout_at(end, ticks.tick()) => {
                    if over.is_err() {
                        return;
                    }
                    if progress.is_wanted() {
                        report(active, progress).await;
                    }
                }
            }
        }
        if progress.is_task() && on_cancel != OnCancel::GoOn {
            self.halt(active, on_cancel).await;
        }
    }

    /// Keep what a run whose task was cancelled has found.
    async fn halt(&self, active: &Arc<Active>, how: OnCancel) {
        let halt = move |active: &Active, core: &mut Core| match core.ledger.status() {
            is if is.is_final() => Ok(()),
            _ if how == OnCancel::Stop => active.finish(core, StopReason::Cancelled),
            Status::Running => active.set_status(core, StatusEntry::of(Status::Paused)),
            _ => Ok(()),
        };
        if let Err(error) = self.runs().command(active, halt).await {
            tracing::warn!(%error, "the run of a cancelled task goes on");
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "evaluations are at most 1e9")]
async fn report(active: &Active, progress: &Progress) {
    let run = active.overview();
    let best = run.seen.best_f.map_or_else(|| "none".to_owned(), |f| format!("{f:.6e}"));
    let message = format!("generation {}, best {best}", run.seen.generation);
    let total = run.budget.max_evals.map(|evals| evals as f64);
    progress.report(run.seen.evals as f64, total, &message).await;
}
