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
use tokio::time::Instant;

use super::breaker::{Breaker, Position};
use crate::{ProbeReport, ProbeState};

/// Hosts that one upstream keeps a breaker for.
const MAX_HOSTS: usize = 256;

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

    /// Add the upstreams' metrics to a text in the format of `OpenMetrics`, without its end mark.
    ///
    /// # Errors
    /// When the text cannot be written to.
    pub(crate) fn encode(&self, text: &mut String) -> fmt::Result {
        let mut registry = Registry::default();
        let inner = &self.0;
        for watched in lock(&inner.watched).iter() {
            let gauge = inner.breakers.get_or_create(&Name { upstream: watched.name });
            gauge.set(number(watched.position(Instant::now())));
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

fn number(position: Position) -> i64 {
    match position {
        Position::Closed => 0,
        Position::HalfOpen => 1,
        Position::Open(_) => 2,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
