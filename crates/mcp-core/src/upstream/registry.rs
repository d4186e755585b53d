//! What the operator sees of the upstreams: metrics and readiness probes, one of each by name.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode_registry},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::breaker::{Breaker, Position};
use crate::{ProbeReport, ProbeState};

/// Hosts that one upstream keeps a breaker for.
const MAX_HOSTS: usize = 256;

/// How an attempt can end: the values of the metric's label.
pub(super) const OUTCOMES: [&str; 10] = [
    "client_error",
    "lost",
    "ok",
    "open",
    "rate_limited",
    "refused",
    "server_error",
    "timeout",
    "too_large",
    "unreachable",
];

/// The upstreams of one process.
#[derive(Debug, Clone, Default)]
pub struct Upstreams(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    watched: Mutex<Vec<Arc<Watched>>>,
    requests: Family<Outcome, Counter>,
    breakers: Family<Name, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Name {
    upstream: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    upstream: &'static str,
    outcome: &'static str,
}

/// One upstream's breakers and counters.
#[derive(Debug)]
pub(super) struct Watched {
    name: &'static str,
    hosts: Mutex<HashMap<String, Breaker>>,
    requests: Family<Outcome, Counter>,
}

impl Upstreams {
    /// Watch an upstream; its name becomes a metric label and the name of its probe.
    #[cfg(feature = "http-client")]
    pub(super) fn watch(&self, name: &'static str) -> Arc<Watched> {
        let requests = self.0.requests.clone();
        let watched = Arc::new(Watched { name, hosts: Mutex::default(), requests });
        lock(&self.0.watched).push(Arc::clone(&watched));
        watched
    }

    /// The state of each upstream's breakers. Asks no upstream.
    pub fn probes(&self) -> Vec<ProbeReport> {
        lock(&self.0.watched).iter().map(|watched| watched.probe(Instant::now())).collect()
    }

    /// Each upstream's breaker and attempts, for a report; null without any.
    pub(crate) fn figures(&self) -> Value {
        let now = Instant::now();
        let figures = |watched: &Arc<Watched>| {
            let count = |outcome: &&'static str| {
                let labels = Outcome { upstream: watched.name, outcome };
                let count = self.0.requests.get(&labels).map_or(0, |count| count.get());
                (count > 0).then(|| ((*outcome).to_owned(), count.into()))
            };
            let requests: Map<String, Value> = OUTCOMES.iter().filter_map(count).collect();
            let (breaker, _) = word(watched.position(now));
            (watched.name.to_owned(), json!({"breaker": breaker, "requests": requests}))
        };
        let watched = lock(&self.0.watched);
        let all: Map<String, Value> = watched.iter().map(figures).collect();
        if all.is_empty() { Value::Null } else { all.into() }
    }

    /// Add the upstreams' metrics to a text in the format of `OpenMetrics`, without its end mark.
    ///
    /// # Errors
    /// When the text cannot be written to.
    pub(crate) fn encode(&self, text: &mut String) -> fmt::Result {
        let mut registry = Registry::default();
        let inner = &self.0;
        for watched in lock(&inner.watched).iter() {
            let gauge = inner.breakers.get_or_create(&Name { upstream: watched.name });
            gauge.set(word(watched.position(Instant::now())).1);
        }
        registry.register(
            "machina_upstream_requests",
            "Attempts at an upstream, by how they ended",
            inner.requests.clone(),
        );
        registry.register(
            "machina_upstream_breaker",
            "Circuit breaker of an upstream: 0 closed, 1 half-open, 2 open",
            inner.breakers.clone(),
        );
        encode_registry(text, &registry)
    }
}

impl Watched {
    /// The breaker of a host.
    #[cfg(feature = "http-client")]
    pub(super) fn breaker(&self, host: &str, now: Instant) -> Breaker {
        let mut hosts = lock(&self.hosts);
        if let Some(breaker) = hosts.get(host) {
            return breaker.clone();
        }
        if hosts.len() >= MAX_HOSTS {
            hosts.retain(|_, breaker| !breaker.is_idle(now));
        }
        if hosts.len() >= MAX_HOSTS {
            // All of them failed of late: one more without a memory harms less than a larger map.
            return Breaker::default();
        }
        hosts.entry(host.to_owned()).or_default().clone()
    }

    /// Count an attempt.
    #[cfg(feature = "http-client")]
    pub(super) fn count(&self, outcome: &'static str) {
        self.requests.get_or_create(&Outcome { upstream: self.name, outcome }).inc();
    }

    /// The worst position of its breakers.
    fn position(&self, now: Instant) -> Position {
        let hosts = lock(&self.hosts);
        hosts.values().map(|breaker| breaker.position(now)).max().unwrap_or(Position::Closed)
    }

    fn probe(&self, now: Instant) -> ProbeReport {
        let (state, detail) = match self.position(now) {
            Position::Closed => (ProbeState::Up, "breaker closed".to_owned()),
            Position::HalfOpen => (ProbeState::Up, "breaker half-open".to_owned()),
            Position::Open(left) => {
                let left = left.as_secs() + 1;
                (ProbeState::Down, format!("breaker open: next attempt in {left} s"))
            }
        };
        ProbeReport { name: self.name, required: false, state, detail: Some(detail) }
    }
}

/// A position in a report, and in the metric.
fn word(position: Position) -> (&'static str, i64) {
    match position {
        Position::Closed => ("closed", 0),
        Position::HalfOpen => ("half_open", 1),
        Position::Open(_) => ("open", 2),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
