//! A circuit breaker: a host that keeps failing is left alone for a while.
//!
//! Ten failures within 30 s open it for 15 s; then one attempt is let through, and its outcome
//! closes it or opens it again. Time is an argument, so that tests need not wait.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Failures that open it.
pub(super) const FAILURES: usize = 10;
/// The span in which they count.
pub(super) const WINDOW: Duration = Duration::from_secs(30);
/// How long it stays open.
pub(super) const OPEN: Duration = Duration::from_secs(15);

/// The breaker of one host.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// When the latest attempts failed, oldest first; at most [`FAILURES`].
    failures: VecDeque<Instant>,
    /// Until when no attempt is made. Kept, in the past, until a probe succeeds.
    open_until: Option<Instant>,
    probing: bool,
}

/// What a breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Position {
    Closed,
    HalfOpen,
    Open(Duration),
}

/// What an attempt says of its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Works,
    Fails,
}

/// Leave for one attempt. Dropped without a verdict (refused before sending, cancelled), it counts
/// for nothing and lets the next probe through.
#[derive(Debug)]
pub(super) struct Permit {
    breaker: Breaker,
    is_probe: bool,
}

impl Breaker {
    /// Leave to try, or how long there will be none.
    pub(super) fn admit(&self, now: Instant) -> Result<Permit, Duration> {
        let mut state = self.state();
        match state.position(now) {
            Position::Open(left) => Err(left),
            Position::HalfOpen if state.probing => Err(Duration::from_secs(1)),
            position => {
                let is_probe = position == Position::HalfOpen;
                state.probing |= is_probe;
                Ok(Permit { breaker: self.clone(), is_probe })
            }
        }
    }

    pub(super) fn position(&self, now: Instant) -> Position {
        self.state().position(now)
    }

    /// Whether forgetting it loses nothing.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        let state = self.state();
        state.open_until.is_none() && state.failures.back().is_none_or(|at| now - *at > WINDOW)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn position(&self, now: Instant) -> Position {
        match self.open_until {
            None => Position::Closed,
            Some(until) if now < until => Position::Open(until - now),
            Some(_) => Position::HalfOpen,
        }
    }

    fn failed(&mut self, now: Instant) {
        while self.failures.front().is_some_and(|at| now.duration_since(*at) > WINDOW) {
            self.failures.pop_front();
        }
        self.failures.push_back(now);
        if self.failures.len() >= FAILURES {
            self.open(now);
        }
    }

    fn open(&mut self, now: Instant) {
        self.failures.clear();
        self.open_until = Some(now + OPEN);
    }
}

impl Permit {
    /// Say how the attempt went.
    pub(super) fn settle(self, verdict: Verdict, now: Instant) {
        let mut state = self.breaker.state();
        match (self.is_probe, verdict) {
            (true, Verdict::Works) => state.open_until = None,
            (true, Verdict::Fails) => state.open(now),
            // What was sent before it opened says nothing about the host now.
            (false, _) if state.open_until.is_some() => {}
            (false, Verdict::Works) => {}
            (false, Verdict::Fails) => state.failed(now),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.state().probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, now: Instant) {
        breaker.admit(now).unwrap().settle(Verdict::Fails, now);
    }

    /// A breaker that opened now.
    fn opened(now: Instant) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            fail(&breaker, now);
        }
        breaker
    }

    #[test]
    fn ten_failures_in_thirty_seconds_open_it_for_fifteen() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 1..FAILURES {
            fail(&breaker, start);
        }
        assert_eq!(breaker.position(start), Position::Closed);
        let last = start + WINDOW;
        fail(&breaker, last);
        assert_eq!(breaker.position(last), Position::Open(OPEN));
        assert_eq!(breaker.admit(last + OPEN / 3).unwrap_err(), OPEN / 3 * 2);
        assert_eq!(breaker.position(last + OPEN), Position::HalfOpen);
    }

    #[test]
    fn failures_that_are_far_apart_open_nothing() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for number in 0..100 {
            let now = start + WINDOW / 9 * number + Duration::from_millis(u64::from(number));
            fail(&breaker, now);
            breaker.admit(now).unwrap().settle(Verdict::Works, now);
        }
        let later = start + WINDOW * 20;
        assert_eq!(breaker.position(later), Position::Closed);
        assert!(breaker.is_idle(later));
    }

    #[test]
    fn half_open_lets_one_probe_through_and_obeys_it() {
        let start = Instant::now();
        let breaker = opened(start);
        let then = start + OPEN;
        let probe = breaker.admit(then).unwrap();
        assert!(breaker.admit(then).is_err(), "one probe at a time");
        probe.settle(Verdict::Fails, then);
        assert_eq!(breaker.position(then), Position::Open(OPEN));
        let then = then + OPEN;
        breaker.admit(then).unwrap().settle(Verdict::Works, then);
        assert_eq!(breaker.position(then), Position::Closed);
        fail(&breaker, then);
        assert_eq!(breaker.position(then), Position::Closed, "it starts anew");
    }

    #[test]
    fn a_probe_that_comes_to_nothing_makes_room_for_the_next() {
        let start = Instant::now();
        let breaker = opened(start);
        let then = start + OPEN;
        drop(breaker.admit(then).unwrap());
        assert_eq!(breaker.position(then), Position::HalfOpen);
        assert!(breaker.admit(then).is_ok());
    }

    #[test]
    fn attempts_from_before_it_opened_change_nothing() {
        let start = Instant::now();
        let breaker = Breaker::default();
        let (works, fails) = (breaker.admit(start).unwrap(), breaker.admit(start).unwrap());
        for _ in 0..FAILURES {
            fail(&breaker, start);
        }
        let later = start + OPEN / 2;
        works.settle(Verdict::Works, later);
        fails.settle(Verdict::Fails, later);
        assert_eq!(breaker.position(later), Position::Open(OPEN / 2));
    }
}
