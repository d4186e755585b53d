//! When to try again, and after how long.

use std::time::Duration;

use super::failure::{Failure, Outcome};

/// Bounds of repeated attempts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    /// Attempts in all.
    pub(crate) attempts: u32,
    /// First delay; it doubles with each attempt.
    pub(crate) base: Duration,
    /// Longest delay of our own; `Retry-After` may ask for more.
    pub(crate) cap: Duration,
}

impl Policy {
    /// 0.25 s doubling to 8 s, four attempts.
    pub(crate) const STRIPE: Self =
        Self { attempts: 4, base: Duration::from_millis(250), cap: Duration::from_secs(8) };

    /// The pause before the next attempt, or nothing if there should be none.
    ///
    /// `random` is uniform over all values; half of the delay is jitter, so that callers that
    /// failed together do not come back together. Never shorter than `Retry-After`, never beyond
    /// `remaining`.
    pub(crate) fn delay(
        &self,
        failure: &Failure,
        attempt: u32,
        random: u32,
        remaining: Duration,
    ) -> Option<Duration> {
        if !failure.retryable || attempt >= self.attempts || failure.outcome == Outcome::Applied {
            return None;
        }
        let full = self.base.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(self.cap);
        let jittered = full / 2 + full.mul_f64(f64::from(random) / f64::from(u32::MAX)) / 2;
        let delay = jittered.max(failure.retry_after.unwrap_or_default());
        (delay < remaining).then_some(delay)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::cause::Cause;

    const LONG: Duration = Duration::from_secs(3600);

    fn failure(retry_after: Option<u64>) -> Failure {
        let mut failure = Failure::without_answer(Cause::RateLimited, Outcome::None);
        failure.retry_after = retry_after.map(Duration::from_secs);
        failure
    }

    #[test]
    fn doubles_up_to_the_cap_and_ends() {
        let policy = Policy { attempts: 9, ..Policy::STRIPE };
        let millis =
            |attempt| policy.delay(&failure(None), attempt, u32::MAX, LONG).map(|d| d.as_millis());
        let delays: Vec<_> = (1..=9).map(millis).collect();
        let expected = [250, 500, 1000, 2000, 4000, 8000, 8000, 8000].map(Some);
        assert_eq!(delays, [&expected[..], &[None]].concat());
    }

    #[test]
    fn a_final_failure_is_not_repeated() {
        let mut refused = failure(None);
        refused.retryable = false;
        assert_eq!(Policy::STRIPE.delay(&refused, 1, 0, LONG), None);
        let mut applied = failure(None);
        applied.outcome = Outcome::Applied;
        assert_eq!(Policy::STRIPE.delay(&applied, 1, 0, LONG), None);
    }

    proptest! {
        #[test]
        fn never_inside_retry_after_never_beyond_the_deadline(
            attempt in 1_u32..6, random: u32, after in prop::option::of(0_u64..20), remaining in 0_u64..40_000,
        ) {
            let remaining = Duration::from_millis(remaining);
            if let Some(delay) = Policy::STRIPE.delay(&failure(after), attempt, random, remaining) {
                prop_assert!(delay < remaining && attempt < 4);
                prop_assert!(delay >= Duration::from_secs(after.unwrap_or(0)));
                prop_assert!(after.is_some() || (Duration::from_millis(125)..=Duration::from_secs(8)).contains(&delay));
            }
        }
    }
}
