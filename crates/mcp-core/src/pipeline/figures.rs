//! Limits, cache and tasks as an operator sees them. `/status` and `/metrics` read the same sources
//! when somebody asks; between two readings this costs nothing.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};
use serde_json::{Map, Value, json};

use super::{Guarded, catalogue::Catalogue};
use crate::{
    cache::ResponseCache,
    limits::Limits,
    metrics::{CACHE_BYTES, IN_FLIGHT, Metrics, Reason, TASKS},
    status::Status,
    task_store::{self, TaskStore},
    upstream::Upstreams,
};

/// Where the figures are read.
#[derive(Clone)]
pub(super) struct Sources {
    pub(super) limits: Arc<Limits>,
    pub(super) cache: Arc<ResponseCache>,
    pub(super) tasks: Arc<OnceLock<TaskStore>>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sources")
    }
}

impl Sources {
    /// Show them in both places. Parts that a server does not have are left out of its report.
    pub(super) fn show(&self, catalogue: &Catalogue, metrics: &Arc<Metrics>, status: &Status) {
        metrics.add(|registry| registry.register_collector(Box::new(self.clone())));
        let (limits, counts) = (Arc::clone(&self.limits), Arc::clone(metrics));
        status.add_part("limits", move || limits_part(&limits, &counts));
        let cached: Vec<Arc<str>> = catalogue.cached().collect();
        if !cached.is_empty() {
            let (cache, counts) = (Arc::clone(&self.cache), Arc::clone(metrics));
            status.add_part("cache", move || cache_part(&cache, &counts, &cached));
        }
        if catalogue.has_tasks() {
            let tasks = Arc::clone(&self.tasks);
            status.add_part("tasks", move || tasks_part(&tasks));
        }
    }
}

impl Guarded {
    /// Show these upstreams in the metrics and the reports.
    pub fn watch(&self, upstreams: Upstreams) {
        self.0.metrics.watch(upstreams.clone());
        self.0.status.add_part("upstreams", move || upstreams.figures());
    }
}

fn limits_part(limits: &Limits, metrics: &Metrics) -> Value {
    let refused = Reason::ALL.into_iter().filter_map(|reason| {
        let count = metrics.refusals(reason);
        (count > 0).then(|| (reason.label().to_owned(), count.into()))
    });
    json!({
        "in_flight": limits.in_flight(),
        "max_in_flight": limits.most_in_flight(),
        "callers": limits.callers(),
        "refused": refused.collect::<Map<String, Value>>(),
    })
}

fn cache_part(cache: &ResponseCache, metrics: &Metrics, cached: &[Arc<str>]) -> Value {
    let tools = cached.iter().map(|tool| {
        let [hits, misses] = ["hit", "miss"].map(|result| metrics.cache_uses(tool, result));
        (tool.to_string(), json!({"hits": hits, "misses": misses}))
    });
    let (entries, bytes) = cache.size();
    json!({
        "entries": entries,
        "bytes": bytes,
        "max_bytes": cache.most(),
        "tools": tools.collect::<Map<String, Value>>(),
    })
}

fn tasks_part(tasks: &OnceLock<TaskStore>) -> Value {
    let counts = tasks.get().map(TaskStore::counts).unwrap_or_default();
    json!({
        "working": counts.working,
        "input_required": counts.asking,
        "ended": counts.ended,
        "max": task_store::TOTAL,
        "max_each": task_store::PER_OWNER,
    })
}

impl Collector for Sources {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (entries, bytes) = self.cache.size();
        for (name, help, value) in [
            (IN_FLIGHT, "Calls in flight", number(self.limits.in_flight())),
            ("machina_callers", "Callers whose quotas are kept", number(self.limits.callers())),
            ("machina_cache_entries", "Answers kept", number(entries)),
            (CACHE_BYTES, "What the kept answers weigh", number(bytes)),
        ] {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let Some(tasks) = self.tasks.get() else { return Ok(()) };
        let counts = tasks.counts();
        let help = "Tasks kept, by state";
        let mut family = encoder.encode_descriptor(TASKS, help, None, MetricType::Gauge)?;
        for (state, count) in [
            ("working", counts.working),
            ("input_required", counts.asking),
            ("ended", counts.ended),
        ] {
            let gauge = ConstGauge::new(number(count));
            gauge.encode(family.encode_family(&[("state", state)])?)?;
        }
        Ok(())
    }
}

fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
