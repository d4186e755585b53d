//! What the tools did: the one source of the fine histogram, of `/status` and of its tool.
//!
//! A call costs a handful of relaxed atomic additions; only a failure takes a lock.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::{MetricType, histogram::Histogram},
    registry::Unit,
};
use tokio::time::Instant;

/// Seconds; fine enough to see what the pipeline itself costs, wide enough for a long search.
const FINE: [f64; 18] = [
    50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 0.1, 0.2, 0.5, 1.0, 2.0,
    5.0, 10.0, 30.0,
];
/// Combinations of transport and protocol revision.
pub(crate) const PLACES: usize = 12;
/// Failures remembered one by one.
const RECENT: usize = 100;
/// Error codes counted by name; beyond them they are `other`. Codes are the servers' own words, but
/// some hand on an upstream's.
const CODES: usize = 64;
/// Length of the window of [`Calls::per_second`], in seconds.
const WINDOW: u8 = 60;

/// All tools of one server.
pub(crate) struct Calls {
    started: Instant,
    tools: Mutex<Vec<Arc<ToolCalls>>>,
    /// Calls by second: the second in the upper half, the count in the lower.
    seconds: [AtomicU64; WINDOW as usize],
    failures: Mutex<Failures>,
}

#[derive(Default)]
struct Failures {
    by_code: BTreeMap<Cow<'static, str>, u64>,
    recent: VecDeque<Failed>,
}

/// One failed call: its shape, nothing of what was said.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    pub(crate) at: SystemTime,
    pub(crate) tool: Arc<str>,
    pub(crate) code: Cow<'static, str>,
    pub(crate) request_id: Arc<str>,
}

/// One tool.
pub(crate) struct ToolCalls {
    pub(crate) name: Arc<str>,
    buckets: [AtomicU64; FINE.len() + 1],
    nanos: AtomicU64,
    longest: AtomicU64,
    failed: AtomicU64,
    /// The convention's histogram of successes, by place: found once, not at each call.
    resolved: [OnceLock<Histogram>; PLACES],
}

/// Durations, summed over one tool or all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Durations {
    buckets: [u64; FINE.len() + 1],
    pub(crate) count: u64,
    pub(crate) failed: u64,
    pub(crate) seconds: f64,
    pub(crate) longest: f64,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            tools: Mutex::default(),
            seconds: [const { AtomicU64::new(0) }; WINDOW as usize],
            failures: Mutex::default(),
        }
    }
}

impl Calls {
    /// Begin to count a tool.
    pub(crate) fn tool(&self, name: Arc<str>) -> Arc<ToolCalls> {
        let tool = Arc::new(ToolCalls {
            name,
            buckets: [const { AtomicU64::new(0) }; FINE.len() + 1],
            nanos: AtomicU64::new(0),
            longest: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            resolved: [const { OnceLock::new() }; PLACES],
        });
        self.tools.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&tool));
        tool
    }

    /// The durations of each tool.
    pub(crate) fn by_tool(&self) -> Vec<(Arc<str>, Durations)> {
        let tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        tools.iter().map(|tool| (Arc::clone(&tool.name), tool.durations())).collect()
    }

    pub(super) fn tick(&self) {
        self.tick_at(self.started.elapsed().as_secs());
    }

    fn tick_at(&self, now: u64) {
        let Some(cell) = self.seconds.get(usize::try_from(now % u64::from(WINDOW)).unwrap_or(0))
        else {
            return;
        };
        let next = |held: u64| if held >> 32 == now { held + 1 } else { now << 32 | 1 };
        // Never refused: `next` always gives a value.
        cell.fetch_update(Relaxed, Relaxed, |held| Some(next(held))).unwrap_or_default();
    }

    /// Calls a second, over the last minute.
    pub(crate) fn per_second(&self) -> f64 {
        self.per_second_at(self.started.elapsed().as_secs())
    }

    fn per_second_at(&self, now: u64) -> f64 {
        let recent = self.seconds.iter().map(|cell| cell.load(Relaxed));
        let recent = recent.filter(|held| now.saturating_sub(held >> 32) < u64::from(WINDOW));
        let calls: u64 = recent.map(|held| held & u64::from(u32::MAX)).sum();
        let window = u32::try_from(now.clamp(1, WINDOW.into())).unwrap_or(1);
        u32::try_from(calls).map_or(f64::MAX, f64::from) / f64::from(window)
    }

    /// Time since the start.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn fail(&self, failed: Failed) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let known = failures.by_code.len() < CODES || failures.by_code.contains_key(&failed.code);
        let code = if known { failed.code.clone() } else { Cow::Borrowed("other") };
        *failures.by_code.entry(code).or_default() += 1;
        if failures.recent.len() == RECENT {
            failures.recent.pop_front();
        }
        failures.recent.push_back(failed);
    }

    /// Failures by code.
    pub(crate) fn by_code(&self) -> BTreeMap<String, u64> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.by_code.iter().map(|(code, count)| (code.to_string(), *count)).collect()
    }

    /// The last failures, the newest first.
    pub(crate) fn recent(&self, most: usize) -> Vec<Failed> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.recent.iter().rev().take(most).cloned().collect()
    }
}

impl ToolCalls {
    pub(super) fn succeeded(
        &self,
        place: usize,
        took: Duration,
        resolve: impl FnOnce() -> Histogram,
    ) -> &Histogram {
        self.observe(took);
        // The last place is that of whatever has none.
        let place = place.min(PLACES - 1);
        self.resolved[place].get_or_init(resolve)
    }

    pub(super) fn failed(&self, took: Duration) {
        self.failed.fetch_add(1, Relaxed);
        self.observe(took);
    }

    fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = FINE.partition_point(|bound| *bound < seconds);
        self.buckets[bucket].fetch_add(1, Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Relaxed);
        if nanos > self.longest.load(Relaxed) {
            self.longest.fetch_max(nanos, Relaxed);
        }
    }

    fn durations(&self) -> Durations {
        let buckets = self.buckets.each_ref().map(|bucket| bucket.load(Relaxed));
        Durations {
            count: buckets.iter().sum(),
            buckets,
            failed: self.failed.load(Relaxed),
            seconds: Duration::from_nanos(self.nanos.load(Relaxed)).as_secs_f64(),
            longest: Duration::from_nanos(self.longest.load(Relaxed)).as_secs_f64(),
        }
    }
}

impl Durations {
    /// Over all of them.
    pub(crate) fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        all.into_iter().fold(Self::default(), |mut sum, one| {
            for (sum, one) in sum.buckets.iter_mut().zip(one.buckets) {
                *sum += one;
            }
            sum.count += one.count;
            sum.failed += one.failed;
            sum.seconds += one.seconds;
            sum.longest = sum.longest.max(one.longest);
            sum
        })
    }

    /// The duration that this share of the calls did not exceed, in seconds: linear within a bucket,
    /// never above the longest.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let float = |count: u64| u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
        let (mut rank, mut below) = (share * float(self.count), 0.0);
        for (count, bound) in self.buckets.iter().zip(FINE) {
            if rank <= float(*count) && *count > 0 {
                let value = below + (bound - below) * rank / float(*count);
                return Some(value.min(self.longest));
            }
            rank -= float(*count);
            below = bound;
        }
        Some(self.longest)
    }
}

impl Collector for Calls {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let sum = Durations::sum(self.by_tool().iter().map(|(_, durations)| durations));
        let bounds = FINE.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(sum.buckets).collect();
        encoder
            .encode_descriptor(
                "machina_call_duration",
                "Duration of tool calls, in fine buckets",
                Some(&Unit::Seconds),
                MetricType::Histogram,
            )?
            .encode_histogram::<NoLabelSet>(sum.seconds, sum.count, &buckets, None)
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("by_tool", &self.by_tool()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: String) -> Failed {
        let (tool, request_id) = (Arc::from("t"), Arc::from("1"));
        Failed { at: SystemTime::now(), tool, code: code.into(), request_id }
    }

    #[test]
    fn quantiles_lie_within_a_bucket_of_the_truth() {
        let calls = Calls::default();
        let tool = calls.tool(Arc::from("t"));
        assert_eq!(tool.durations().quantile(0.5), None);
        for millis in 1..=1000 {
            tool.observe(Duration::from_millis(millis));
        }
        let durations = tool.durations();
        for (share, truth) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99), (1.0, 1.0)] {
            let got = durations.quantile(share).expect("calls were made");
            assert!((got - truth).abs() < 0.02, "{share}: {got}");
        }
        assert_eq!(durations.count, 1000);
        assert!((durations.seconds - 500.5).abs() < 1e-6);
        tool.observe(Duration::from_secs(100));
        assert_eq!(tool.durations().quantile(1.0), Some(100.0));
    }

    #[test]
    fn a_flood_of_codes_and_failures_is_bounded() {
        let calls = Calls::default();
        for index in 0..10_000 {
            calls.fail(failed(format!("code_{index}")));
        }
        assert_eq!(calls.by_code().len(), CODES + 1);
        assert_eq!(calls.by_code()["other"], 10_000 - 64);
        let recent = calls.recent(1_000);
        assert_eq!(recent.len(), RECENT);
        assert_eq!(recent[0].code, "code_9999");
    }

    #[test]
    fn the_rate_forgets_what_is_older_than_a_minute() {
        let calls = Calls::default();
        for _ in 0..60 {
            calls.tick_at(0);
        }
        let is = |second, rate: f64| (calls.per_second_at(second) - rate).abs() < 1e-9;
        assert!(is(0, 60.0) && is(59, 60.0 / 59.0) && is(61, 0.0));
        calls.tick_at(60);
        assert!(is(61, 1.0 / 60.0), "the cell of second 0 is used again");
    }
}
