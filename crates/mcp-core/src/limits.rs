//! How often and how much at once: quotas of each caller, slots for calls in flight.
//!
//! Quotas are GCRA buckets (`governor`), one for each class of call and caller, in a bounded map.
//! A caller that is dropped from the map begins with a full bucket; only authenticated callers have
//! an entry of their own, so that no stranger can push others out.

use std::{borrow::Cow, fmt, num::NonZeroU32, str::FromStr, sync::Arc, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use quick_cache::sync::Cache;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Principal, Scope, config::CoreConfig};

/// Callers remembered at once.
const CALLERS: usize = 4_096;
/// Pairs of caller and tool remembered at once.
const TOOLS: usize = 16_384;

/// Calls a second, and how many may come at once. Zero is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    per_second: u32,
    burst: u32,
}

impl Rate {
    /// So many a second, in bursts of at most `burst`.
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst }
    }

    fn quota(self) -> Option<Quota> {
        let per_second = NonZeroU32::new(self.per_second)?;
        let burst = NonZeroU32::new(self.burst).unwrap_or(per_second);
        Some(Quota::per_second(per_second).allow_burst(burst))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.per_second, self.burst)
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no rate: write N or N:BURST, calls a second; 0 is none");
        let (rate, burst) = text.split_once(':').unwrap_or((text, text));
        let per_second = rate.trim().parse().map_err(|_| wrong())?;
        let burst = burst.trim().parse().map_err(|_| wrong())?;
        if per_second > 0 && burst == 0 {
            return Err(format!("`{text}`: a burst of 0 would let nothing pass"));
        }
        Ok(Self { per_second, burst })
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Rate {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9]{1,9}(:[0-9]{1,9})?$"})
    }
}

/// A caller's rates, by the scope that a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Calls that change nothing.
    pub read: Rate,
    /// Calls that change something.
    pub write: Rate,
    /// Calls that destroy something.
    pub admin: Rate,
}

impl Rates {
    fn of(&self, class: Scope) -> Rate {
        match class {
            Scope::Read => self.read,
            Scope::Write => self.write,
            Scope::Admin => self.admin,
        }
    }
}

type Limiter = RateLimiter<
    NotKeyed,
    InMemoryState,
    MonotonicClock,
    NoOpMiddleware<<MonotonicClock as Clock>::Instant>,
>;

/// What one caller has left.
struct Caller {
    quotas: [Option<Limiter>; 3],
    slots: Arc<Semaphore>,
}

/// The limits of one server.
pub struct Limits {
    rates: Rates,
    callers: Cache<Arc<str>, Arc<Caller>>,
    tools: Cache<(Arc<str>, Arc<str>), Arc<Limiter>>,
    slots: Arc<Semaphore>,
    slots_all: usize,
    slots_each: usize,
    queue: Duration,
}

/// Why a call must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// The caller's quota is used up; again after this.
    Quota(Duration),
    /// Too many calls are in flight; again after this.
    Full(Duration),
}

/// The right to be in flight; ends when dropped.
#[derive(Debug)]
pub struct Slot {
    _all: Option<OwnedSemaphorePermit>,
    _own: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").field("rates", &self.rates).finish_non_exhaustive()
    }
}

impl Limits {
    /// Limits as configured.
    pub fn new(core: &CoreConfig) -> Self {
        Self {
            rates: Rates { read: core.rate_read, write: core.rate_write, admin: core.rate_admin },
            callers: Cache::new(CALLERS),
            tools: Cache::new(TOOLS),
            slots: Arc::new(Semaphore::new(core.max_in_flight)),
            slots_all: core.max_in_flight,
            slots_each: core.max_in_flight_each,
            queue: Duration::from_millis(core.queue_ms),
        }
    }

    /// Count a call of a class against its caller's quota. The user of this machine has none.
    ///
    /// # Errors
    /// How long the caller has to wait.
    pub fn count(&self, caller: &Principal, class: Scope, weight: NonZeroU32) -> Result<(), Busy> {
        if caller.is_local() {
            return Ok(());
        }
        let known = self.caller(caller);
        let [read, write, admin] = &known.quotas;
        let quota = match class {
            Scope::Read => read,
            Scope::Write => write,
            Scope::Admin => admin,
        };
        quota.as_ref().map_or(Ok(()), |quota| take(quota, weight))
    }

    /// Count a call against the rate that its tool sets for each caller.
    ///
    /// # Errors
    /// How long the caller has to wait.
    pub fn count_tool(&self, caller: &Principal, tool: &Arc<str>, rate: Rate) -> Result<(), Busy> {
        let Some(quota) = rate.quota().filter(|_| !caller.is_local()) else { return Ok(()) };
        let key = (caller.shared_id(), Arc::clone(tool));
        let limiter = self.tools.get_or_insert_with(&key, || Ok::<_, ()>(Arc::new(limiter(quota))));
        limiter.map_or(Ok(()), |limiter| take(&limiter, NonZeroU32::MIN))
    }

    /// Wait for a slot, a short while; the user of this machine waits as long as it takes.
    ///
    /// # Errors
    /// When none came free in time.
    pub async fn enter(&self, caller: &Principal) -> Result<Slot, Busy> {
        if caller.is_local() {
            return Ok(Slot { _all: acquire(&self.slots).await, _own: None });
        }
        let own = Arc::clone(&self.caller(caller).slots);
        let both = async {
            // Its own first: who fills its share waits without holding one of all.
            let own = acquire(&own).await;
            Slot { _all: acquire(&self.slots).await, _own: own }
        };
        tokio::time::timeout(self.queue, both).await.map_err(|_| Busy::Full(Duration::from_secs(1)))
    }

    /// Calls in flight.
    pub fn in_flight(&self) -> usize {
        self.slots_all.saturating_sub(self.slots.available_permits())
    }

    /// How many may be.
    pub fn most_in_flight(&self) -> usize {
        self.slots_all
    }

    /// Callers whose quotas are kept.
    pub fn callers(&self) -> usize {
        self.callers.len()
    }

    fn caller(&self, principal: &Principal) -> Arc<Caller> {
        let make = || {
            let rates = principal.rates().unwrap_or(self.rates);
            let quotas = Scope::ALL.map(|class| rates.of(class).quota().map(limiter));
            Ok::<_, ()>(Arc::new(Caller {
                quotas,
                slots: Arc::new(Semaphore::new(self.slots_each)),
            }))
        };
        match self.callers.get_or_insert_with(&principal.shared_id(), make) {
            Ok(caller) => caller,
            Err(()) => unreachable!("making a caller does not fail"),
        }
    }
}

async fn acquire(slots: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    // The semaphore is never closed.
    Arc::clone(slots).acquire_owned().await.ok()
}

fn limiter(quota: Quota) -> Limiter {
    RateLimiter::direct_with_clock(quota, MonotonicClock)
}

fn take(limiter: &Limiter, weight: NonZeroU32) -> Result<(), Busy> {
    match limiter.check_n(weight) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(until)) => Err(Busy::Quota(until.wait_time_from(MonotonicClock.now()))),
        // Heavier than a whole burst: it takes what a burst has.
        Err(burst) => match NonZeroU32::new(burst.0).map(|burst| limiter.check_n(burst)) {
            Some(Ok(Err(until))) => Err(Busy::Quota(until.wait_time_from(MonotonicClock.now()))),
            _ => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(core: &CoreConfig) -> Limits {
        Limits::new(core)
    }

    fn caller(name: &str) -> Principal {
        Principal::new(name, Some(Scope::Admin), None)
    }

    #[test]
    fn a_rate_is_a_number_and_a_burst() {
        assert_eq!("5".parse(), Ok(Rate::new(5, 5)));
        assert_eq!("5:20".parse(), Ok(Rate::new(5, 20)));
        assert_eq!(Rate::new(5, 20).to_string().parse(), Ok(Rate::new(5, 20)));
        for text in ["", "x", "1:", ":1", "-1", "1.5", "5:0", "1:2:3"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_caller_and_class_has_a_quota_of_its_own() {
        let limits = limits(&CoreConfig {
            rate_read: Rate::new(1, 3),
            rate_write: Rate::new(1, 1),
            rate_admin: Rate::new(0, 0),
            ..CoreConfig::default()
        });
        let one = NonZeroU32::MIN;
        let (a, b) = (caller("a"), caller("b"));
        for _ in 0..3 {
            assert_eq!(limits.count(&a, Scope::Read, one), Ok(()));
        }
        let Err(Busy::Quota(wait)) = limits.count(&a, Scope::Read, one) else {
            panic!("the quota is used up");
        };
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
        assert_eq!(limits.count(&a, Scope::Write, one), Ok(()));
        assert!(limits.count(&a, Scope::Write, one).is_err());
        assert_eq!(limits.count(&b, Scope::Read, one), Ok(()));
        for _ in 0..1_000 {
            assert_eq!(limits.count(&a, Scope::Admin, one), Ok(()));
            assert_eq!(limits.count(&Principal::local(), Scope::Read, one), Ok(()));
        }
    }

    #[test]
    fn a_heavy_call_counts_for_several_and_one_heavier_than_all_for_a_burst() {
        let core = CoreConfig { rate_read: Rate::new(1, 10), ..CoreConfig::default() };
        let ten = NonZeroU32::new(10).unwrap();
        let limits = limits(&core);
        assert_eq!(limits.count(&caller("a"), Scope::Read, ten), Ok(()));
        assert!(limits.count(&caller("a"), Scope::Read, NonZeroU32::MIN).is_err());
        let hundred = NonZeroU32::new(100).unwrap();
        assert_eq!(limits.count(&caller("b"), Scope::Read, hundred), Ok(()));
        assert!(limits.count(&caller("b"), Scope::Read, hundred).is_err());
    }

    #[test]
    fn a_tool_may_have_a_rate() {
        let limits = limits(&CoreConfig::default());
        let (tool, rate) = (Arc::from("slow"), Rate::new(1, 1));
        assert_eq!(limits.count_tool(&caller("a"), &tool, rate), Ok(()));
        assert!(limits.count_tool(&caller("a"), &tool, rate).is_err());
        assert_eq!(limits.count_tool(&caller("b"), &tool, rate), Ok(()));
        assert_eq!(limits.count_tool(&caller("a"), &Arc::from("other"), rate), Ok(()));
    }

    #[tokio::test]
    async fn slots_are_shared_and_each_caller_has_its_part() {
        let limits = limits(&CoreConfig {
            max_in_flight: 3,
            max_in_flight_each: 2,
            queue_ms: 0,
            ..CoreConfig::default()
        });
        let (a, b) = (caller("a"), caller("b"));
        let first = limits.enter(&a).await.unwrap();
        let _second = limits.enter(&a).await.unwrap();
        assert!(matches!(limits.enter(&a).await, Err(Busy::Full(_))));
        let _third = limits.enter(&b).await.unwrap();
        assert!(limits.enter(&b).await.is_err());
        drop(first);
        assert!(limits.enter(&b).await.is_ok());
    }
}
