//! When to try again, and after how long.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio::time::Instant;

/// Longest pause that an upstream can ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// Bounds of repeated attempts.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Attempts in all.
    pub attempts: u32,
    /// First pause; it doubles with each attempt, and up to as much again is added at random, so
    /// that callers that failed together do not come back together.
    pub first: Duration,
    /// The pause, before the random part, grows to this at most. `Retry-After` may ask for more.
    pub longest: Duration,
}

impl Default for RetryPolicy {
    /// Four attempts, with pauses of 0.125 s doubling to 4 s, and the random part.
    fn default() -> Self {
        Self { attempts: 4, first: Duration::from_millis(125), longest: Duration::from_secs(4) }
    }
}

/// The pauses of one request.
#[derive(Debug)]
pub struct Retry {
    pauses: Option<ExponentialBackoff>,
    deadline: Instant,
}

impl Retry {
    /// The pauses of a request that must be answered at `deadline`: none unless it is idempotent.
    pub fn new(policy: RetryPolicy, idempotent: bool, deadline: Instant) -> Self {
        let again = policy.attempts.saturating_sub(1);
        let builder = ExponentialBuilder::new()
            .with_min_delay(policy.first)
            .with_max_delay(policy.longest)
            .with_max_times(usize::try_from(again).unwrap_or(usize::MAX))
            .with_jitter();
        Self { pauses: idempotent.then(|| builder.build()), deadline }
    }

    /// How long to wait before the next attempt: never shorter than `after`, which the upstream
    /// asked for. `None`: there is to be none, or its time would be past the deadline.
    pub fn pause(&mut self, after: Option<Duration>) -> Option<Duration> {
        let pause = self.pauses.as_mut()?.next()?.max(after.unwrap_or_default());
        let left = self.deadline.saturating_duration_since(Instant::now());
        (pause < left).then_some(pause)
    }
}

/// `Retry-After` in seconds, whole or not, or as a date (RFC 9110, section 10.2.3); an hour at
/// most.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let after = match value.parse::<f64>() {
        Ok(seconds) if seconds.is_nan() || seconds < 0.0 => return None,
        Ok(seconds) => Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_RETRY_AFTER),
        Err(_) => {
            let until = httpdate::parse_http_date(value).ok()?;
            until.duration_since(now).unwrap_or_default()
        }
    };
    Some(after.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let seconds = Duration::from_secs;
        let table = [
            ("5", Some(seconds(5))),
            (" 0 ", Some(seconds(0))),
            ("1.5", Some(Duration::from_millis(1_500))),
            ("99999999999999999999999", Some(LONGEST_RETRY_AFTER)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(seconds(10))),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(seconds(0))),
            ("soon", None),
            ("-1", None),
            ("NaN", None),
        ];
        for (value, after) in table {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), after, "{value}");
        }
    }

    #[test]
    fn what_is_not_idempotent_is_not_repeated() {
        let deadline = Instant::now() + Duration::from_secs(60);
        assert_eq!(Retry::new(RetryPolicy::default(), false, deadline).pause(None), None);
    }

    proptest! {
        #[test]
        fn pauses_double_obey_the_upstream_and_end_before_the_deadline(
            after in prop::option::of(0_u64..20), left in 1_u64..40_000,
        ) {
            let deadline = Instant::now() + Duration::from_millis(left);
            let mut retry = Retry::new(RetryPolicy::default(), true, deadline);
            let mut full = 125;
            for _ in 0..3 {
                if let Some(pause) = retry.pause(after.map(Duration::from_secs)) {
                    prop_assert!(pause < Duration::from_millis(left));
                    prop_assert!(pause >= Duration::from_secs(after.unwrap_or(0)));
                    let own = Duration::from_millis(full)..Duration::from_millis(2 * full);
                    prop_assert!(after.is_some() || own.contains(&pause));
                }
                full *= 2;
            }
            prop_assert_eq!(retry.pause(None), None, "four attempts in all");
        }
    }
}
