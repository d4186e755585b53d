//! When the current call must have been answered, known to everything below it.
//!
//! The pipeline sets the end of each call; a handler, an upstream client or CPU-bound work asks for
//! it without having it passed along.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

tokio::task_local! {
    static END: Instant;
}

/// When the current call ends; `None` outside one.
pub fn end() -> Option<Instant> {
    END.try_with(|end| *end).ok()
}

/// Time left of the current call; `None` outside one.
pub fn remaining() -> Option<Duration> {
    end().map(|end| end.saturating_duration_since(Instant::now()))
}

/// When to stop waiting, so that `margin` is left to say what happened: before the end of the
/// current call, and after at most `longest`. A call shorter than twice the margin keeps half.
pub fn leaving(margin: Duration, longest: Duration) -> Instant {
    Instant::now() + usable(remaining(), margin, longest)
}

fn usable(left: Option<Duration>, margin: Duration, longest: Duration) -> Duration {
    left.map_or(longest, |left| left.saturating_sub(margin.min(left / 2)).min(longest))
}

/// Run a call that must have been answered at `end`. A call inside a call ends no later than it.
pub async fn within<F: Future>(end: Instant, work: F) -> F::Output {
    END.scope(earlier(end), work).await
}

/// Run work of a call on another thread; `None` leaves it without an end.
pub(crate) fn within_blocking<T>(end: Option<Instant>, work: impl FnOnce() -> T) -> T {
    match end {
        Some(end) => END.sync_scope(end, work),
        None => work(),
    }
}

fn earlier(new: Instant) -> Instant {
    end().map_or(new, |end| end.min(new))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn the_end_is_known_inside_the_call_only() {
        assert_eq!(remaining(), None);
        let (outer, later) = (Instant::now() + 30 * SECOND, Instant::now() + 60 * SECOND);
        within(outer, async {
            assert_eq!(end(), Some(outer));
            assert!(remaining().is_some_and(|left| left <= 30 * SECOND));
            within(later, async {
                assert_eq!(end(), Some(outer), "an inner call ends with the outer one");
            })
            .await;
        })
        .await;
        let over = within(Instant::now(), async { remaining() }).await;
        assert_eq!(over, Some(Duration::ZERO));
        assert_eq!(end(), None);
    }

    #[test]
    fn a_margin_is_kept_to_answer_in() {
        for (left, usable_s) in [(None, 30), (Some(10), 8), (Some(60), 30), (Some(2), 1)] {
            let left = left.map(|seconds| seconds * SECOND);
            assert_eq!(usable(left, 2 * SECOND, 30 * SECOND), usable_s * SECOND, "{left:?}");
        }
    }
}
