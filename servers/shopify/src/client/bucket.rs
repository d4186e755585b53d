//! The store's leaky bucket of cost points, as this process knows it.
//!
//! Each answer tells the true state (`extensions.cost.throttleStatus`); between answers the bucket
//! refills at its rate and every request in flight is counted as paid. A request that the bucket
//! cannot pay waits exactly (cost - available) / rate seconds: reservations are handed out at once
//! and may go below zero, so that waiters keep their order without a queue.

use super::reply::Charged;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Cost of a query that was never sent.
const FIRST_GUESS: f64 = 10.0;

#[derive(Debug, Default)]
pub(super) struct Bucket(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    level: Option<Level>,
    in_flight: f64,
    /// Last requested cost of each query and page size.
    costs: HashMap<(&'static str, i64), f64>,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    available: f64,
    maximum: f64,
    rate: f64,
    at: Instant,
}

/// Points set aside for one request; given back when dropped.
#[derive(Debug)]
pub(super) struct Reservation<'a> {
    bucket: &'a Bucket,
    query: (&'static str, i64),
    cost: f64,
    /// How long to wait before sending.
    pub(super) wait: Duration,
    settled: bool,
}

impl Bucket {
    pub(super) fn reserve(&self, query: (&'static str, i64), now: Instant) -> Reservation<'_> {
        let mut state = self.state();
        let cost = state.guess(query);
        state.in_flight += cost;
        let wait = state.level.as_mut().map_or(0.0, |level| level.pay(cost, now));
        Reservation { bucket: self, query, cost, wait: seconds(wait), settled: false }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What a query will cost: as last time, or in proportion to another page size of it.
    fn guess(&self, query: (&'static str, i64)) -> f64 {
        if let Some(cost) = self.costs.get(&query) {
            return *cost;
        }
        let (name, size) = query;
        let others = self.costs.iter().filter(|((other, _), _)| *other == name);
        let scaled = others.map(|((_, other), cost)| cost * as_size(size) / as_size(*other));
        scaled.reduce(f64::max).map_or(FIRST_GUESS, |cost| cost.max(FIRST_GUESS))
    }
}

impl Level {
    /// Pay, below zero if need be; the seconds until the level is back at zero.
    fn pay(&mut self, cost: f64, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        self.available = (self.available + gained).min(self.maximum) - cost;
        self.at = now;
        if self.available >= 0.0 || self.rate <= 0.0 { 0.0 } else { -self.available / self.rate }
    }
}

impl Reservation<'_> {
    /// Take over what the answer said of the bucket.
    pub(super) fn settle(&mut self, charged: Option<&Charged>, now: Instant) {
        let Some(charged) = charged else { return };
        let mut state = self.bucket.state();
        state.in_flight -= self.cost;
        self.settled = true;
        state.costs.insert(self.query, charged.requested);
        let throttle = charged.throttle;
        state.level = Some(Level {
            // The others' requests may not have arrived when this was measured.
            available: throttle.available - state.in_flight,
            maximum: throttle.maximum,
            rate: throttle.restore_rate,
            at: now,
        });
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let mut state = self.bucket.state();
        state.in_flight -= self.cost;
        if let Some(level) = &mut state.level {
            level.available = (level.available + self.cost).min(level.maximum);
        }
    }
}

fn as_size(size: i64) -> f64 {
    u32::try_from(size.max(1)).map_or(f64::MAX, f64::from)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::reply::{Charged, Throttle};
    use super::{Bucket, FIRST_GUESS};
    use std::time::Duration;
    use tokio::time::Instant;

    fn charged(requested: f64, available: f64) -> Charged {
        let throttle = Throttle { available, maximum: 2_000.0, restore_rate: 100.0 };
        Charged { requested, actual: Some(requested), throttle }
    }

    #[test]
    fn waits_exactly_for_what_is_missing() {
        let (bucket, now) = (Bucket::default(), Instant::now());
        let query = ("Q", 20);
        let mut first = bucket.reserve(query, now);
        assert_eq!(first.wait, Duration::ZERO);
        first.settle(Some(&charged(120.0, 20.0)), now);
        let second = bucket.reserve(query, now);
        assert_eq!(second.wait, Duration::from_secs(1));
        // The next in line also waits for its predecessor's share.
        assert_eq!(bucket.reserve(query, now).wait, Duration::from_millis(2_200));
        drop(second);
        let later = now + Duration::from_secs(1);
        assert_eq!(bucket.reserve(query, later).wait, Duration::ZERO);
        // Another page size costs in proportion, another query what nobody knows.
        assert!((bucket.reserve(("Q", 5), now).cost - 30.0).abs() < 1e-9);
        assert!((bucket.reserve(("R", 5), now).cost - FIRST_GUESS).abs() < 1e-9);
    }

    #[test]
    fn requests_in_flight_count_as_paid() {
        let (bucket, now) = (Bucket::default(), Instant::now());
        let mut first = bucket.reserve(("Q", 0), now);
        first.settle(Some(&charged(100.0, 150.0)), now);
        let (mut one, two) = (bucket.reserve(("Q", 0), now), bucket.reserve(("Q", 0), now));
        assert_eq!((one.wait, two.wait), (Duration::ZERO, Duration::from_millis(500)));
        one.settle(Some(&charged(100.0, 50.0)), now);
        drop(two);
        assert_eq!(bucket.reserve(("Q", 0), now).wait, Duration::from_millis(500));
    }
}
