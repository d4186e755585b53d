//! Waiting for a run.

use std::{sync::Arc, time::Duration};

use mcp_core::{Principal, prelude::*};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use crate::{
    run::{Active, Ended, Overview, Runs},
    store::Status,
};

/// How often a listener hears of a run.
const REPORT_EVERY: Duration = Duration::from_millis(200);
/// How often a run of another process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a cancelled call waits for what the run has.
const GIVE_UP: Duration = Duration::from_millis(1_500);

/// Stops a run whose caller goes away before it was told of it.
struct Guard<'run>(Option<&'run Active>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(active) = self.0 {
            active.stop(Status::Cancelled);
        }
    }
}

/// Wait for a run that this call began: cancelling the call, or leaving it, stops the run, which keeps
/// what it has.
pub(super) async fn own(
    active: &Active,
    until: Instant,
    ct: &CancellationToken,
    told: &Progress,
) -> Option<Arc<Ended>> {
    let mut guard = Guard(Some(active));
    let ended = tokio::select! {
        biased;
        ended = any(active, until, told) => ended,
        () = ct.cancelled() => {
            active.stop(Status::Cancelled);
            active.ended_within(GIVE_UP).await
        }
    };
    guard.0 = None;
    ended
}

/// Wait for a run of this process.
pub(super) async fn any(active: &Active, until: Instant, told: &Progress) -> Option<Arc<Ended>> {
    let mut ticks = interval(REPORT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (ended, over) = (active.ended(), sleep_until(until));
    tokio::pin!(ended, over);
    loop {
        tokio::select! {
            biased;
            ended = &mut ended => return Some(ended),
            () = &mut over => return None,
            _ = ticks.tick(), if told.is_wanted() => {
                let watched = active.watched();
                let message = format!("attempt {}: {} of {} draws", watched.attempt, watched.done, watched.total);
                #[expect(clippy::cast_precision_loss, reason = "draws are few")]
                let (done, total) = (watched.done as f64, watched.total as f64);
                told.report(done, Some(total), &message).await;
            }
        }
    }
}

/// Wait for a run that may be another process's.
pub(super) async fn elsewhere(
    runs: &Runs,
    caller: &Principal,
    id: &str,
    mut run: Overview,
    until: Instant,
) -> Result<Overview> {
    while run.status == Status::Running && Instant::now() < until {
        sleep(LOOK_EVERY.min(until.saturating_duration_since(Instant::now()))).await;
        run = runs.overview(caller, id).await?;
    }
    Ok(run)
}
