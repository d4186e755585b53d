//! Metrics by the names of the OpenTelemetry conventions for MCP servers, with labels from closed
//! sets: a random tool name creates no series.
//!
//! Who counts something else (quotas, logins, a cache, a breaker) keeps its own `Counter`, `Gauge` or
//! `Family` and hands a clone to [`Metrics::add`] once, at start; nothing is looked up by name later.
//! Labels are enums or words of the program, never a caller's text. Names begin with `machina_`, and a
//! unit ends them ([`Registry::register_with_unit`]). What should also show in `/status` is given to
//! [`crate::status::Status::add_part`].

mod calls;
mod process;
mod reason;

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use prometheus_client::{
    encoding::{
        EncodeLabelSet,
        text::{encode_eof, encode_registry},
    },
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

pub use self::reason::Reason;
pub(crate) use self::{
    calls::{Calls, Durations, Failed, ToolCalls},
    process::Process,
};
use crate::{Facts, upstream::Upstreams};

/// Duration of an operation, in the convention's buckets, by method, tool and outcome.
pub const OPERATIONS: &str = "mcp_server_operation_duration_seconds";
/// Duration of tool calls, in fine buckets.
pub const CALLS: &str = "machina_call_duration_seconds";
/// Panics caught.
pub const PANICS: &str = "machina_panics_total";
/// Connections open.
pub const CONNECTIONS: &str = "machina_connections";
/// Messages that the front refused, by reason.
pub const REFUSED: &str = "machina_refused_total";
/// Audit lines of reads that found the queue full.
pub const AUDIT_DROPPED: &str = "machina_audit_dropped_total";
/// Audit lines of refused requests that were left out: too many of one reason.
pub const AUDIT_REFUSALS_DROPPED: &str = "machina_audit_refusals_dropped_total";
/// Failed attempts to write audit lines.
pub const AUDIT_FAILURES: &str = "machina_audit_write_failures_total";
/// Calls in flight.
pub const IN_FLIGHT: &str = "machina_in_flight";
/// Answers of cached tools, by tool and by hit or miss.
pub const CACHE: &str = "machina_cache_total";
/// What the kept answers weigh.
pub const CACHE_BYTES: &str = "machina_cache_bytes";
/// Tasks kept, by state.
pub const TASKS: &str = "machina_tasks";
/// Which server and version runs.
pub const BUILD: &str = "machina_build_info";
/// CPU time of the process.
pub const PROCESS_CPU: &str = "process_cpu_seconds_total";
/// Resident memory of the process.
pub const PROCESS_MEMORY: &str = "process_resident_memory_bytes";
/// Open files of the process.
pub const PROCESS_FILES: &str = "process_open_fds";
/// When the process started, in seconds of Unix time.
pub const PROCESS_START: &str = "process_start_time_seconds";

/// Seconds; the buckets of the convention.
const BUCKETS: [f64; 14] =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// Labels of one operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Operation {
    /// JSON-RPC method.
    pub mcp_method_name: &'static str,
    /// Tool, for `tools/call` of a known one; else empty.
    pub gen_ai_tool_name: Arc<str>,
    /// Class of the failure; empty for a success.
    pub error_type: &'static str,
    /// `pipe` for stdio, `tcp` for HTTP.
    pub network_transport: &'static str,
    /// Protocol revision.
    pub mcp_protocol_version: &'static str,
}

/// The registry of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    operations: Family<Operation, Histogram>,
    calls: Arc<Calls>,
    panics: Counter,
    connections: Gauge,
    refused: Family<Refusal, Counter>,
    upstreams: OnceLock<Upstreams>,
    cache: Family<CacheUse, Counter>,
    audit_dropped: Counter,
    audit_refusals_dropped: Counter,
    audit_failures: Counter,
}

/// Why the front refused a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    reason: &'static str,
}

/// An answer of a tool that opted into the response cache.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CacheUse {
    gen_ai_tool_name: Arc<str>,
    result: &'static str,
}

impl Metrics {
    /// Empty metrics of a server.
    pub fn new(facts: &Facts) -> Self {
        let new = Self {
            registry: Mutex::default(),
            operations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            calls: Arc::default(),
            panics: Counter::default(),
            connections: Gauge::default(),
            refused: Family::default(),
            audit_dropped: Counter::default(),
            audit_refusals_dropped: Counter::default(),
            upstreams: OnceLock::new(),
            cache: Family::default(),
            audit_failures: Counter::default(),
        };
        // There from the start, so that the first of a kind is seen as an increase.
        for reason in Reason::ALL {
            drop(new.refused.get_or_create(&Refusal { reason: reason.label() }));
        }
        new.add(|registry| {
            registry.register_with_unit(
                "mcp_server_operation_duration",
                "Duration of an MCP operation, from the message read to the answer ready",
                Unit::Seconds,
                new.operations.clone(),
            );
            registry.register_collector(Box::new(Arc::clone(&new.calls)));
            registry.register_collector(Box::new(process::Collected));
            registry.register("machina_panics", "Panics caught", new.panics.clone());
            let open = new.connections.clone();
            registry.register("machina_connections", "HTTP connections open", open);
            let refused = new.refused.clone();
            registry.register("machina_refused", "Messages the front refused", refused);
            let cache = new.cache.clone();
            registry.register("machina_cache", "Answers that may be kept, hit or miss", cache);
            let dropped = new.audit_dropped.clone();
            let help = "Audit lines of reads that found the queue full";
            registry.register("machina_audit_dropped", help, dropped);
            let help = "Audit lines of refused requests left out: too many of one reason";
            let dropped = new.audit_refusals_dropped.clone();
            registry.register("machina_audit_refusals_dropped", help, dropped);
            let help = "Failed attempts to write audit lines; they are tried again";
            registry.register("machina_audit_write_failures", help, new.audit_failures.clone());
            let build = Info::new([("server", facts.member.name), ("version", facts.version)]);
            registry.register("machina_build", "What is running", build);
        });
        new
    }

    /// Register metrics of another part of the server, once, at start.
    pub fn add(&self, register: impl FnOnce(&mut Registry)) {
        register(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Count one operation.
    pub fn operation(&self, operation: &Operation, took: Duration) {
        self.operations.get_or_create(operation).observe(took.as_secs_f64());
    }

    /// Count a successful call. `place` tells transport and revision; the labels are made only when
    /// this tool was never called that way before.
    pub(crate) fn succeeded(
        &self,
        tool: &ToolCalls,
        place: usize,
        took: Duration,
        labels: impl FnOnce() -> Operation,
    ) {
        let resolve = || self.operations.get_or_create(&labels()).clone();
        tool.succeeded(place, took, resolve).observe(took.as_secs_f64());
        self.calls.tick();
    }

    /// Count a failed call of a known tool.
    pub(crate) fn failed(
        &self,
        tool: &ToolCalls,
        labels: &Operation,
        failed: Failed,
        took: Duration,
    ) {
        self.operation(labels, took);
        tool.failed(took);
        self.calls.fail(failed);
        self.calls.tick();
    }

    /// What the tools did so far.
    pub(crate) fn calls(&self) -> &Arc<Calls> {
        &self.calls
    }

    /// Count a panic.
    pub fn panic(&self) {
        self.panics.inc();
    }

    /// Count a message that the front refused.
    pub fn refused(&self, reason: Reason) {
        self.refused.get_or_create(&Refusal { reason: reason.label() }).inc();
    }

    /// Messages refused so far for this reason.
    pub(crate) fn refusals(&self, reason: Reason) -> u64 {
        let labels = Refusal { reason: reason.label() };
        self.refused.get(&labels).map_or(0, |count| count.get())
    }

    /// Answers of a tool so far that were kept (`hit`) or made (`miss`).
    pub(crate) fn cache_uses(&self, tool: &Arc<str>, result: &'static str) -> u64 {
        let labels = CacheUse { gen_ai_tool_name: Arc::clone(tool), result };
        self.cache.get(&labels).map_or(0, |count| count.get())
    }

    /// Count an answer of a known tool that was kept (`hit`) or made (`miss`).
    pub(crate) fn cache(&self, tool: &Arc<str>, result: &'static str) {
        let labels = CacheUse { gen_ai_tool_name: Arc::clone(tool), result };
        self.cache.get_or_create(&labels).inc();
    }

    pub(crate) fn connections(&self) -> &Gauge {
        &self.connections
    }

    pub(crate) fn audit_dropped(&self) -> &Counter {
        &self.audit_dropped
    }

    pub(crate) fn audit_refusals_dropped(&self) -> &Counter {
        &self.audit_refusals_dropped
    }

    pub(crate) fn audit_failures(&self) -> &Counter {
        &self.audit_failures
    }

    /// All metrics in the text format of `OpenMetrics`.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        if let Err(error) = self.encode_to(&mut text) {
            tracing::error!(%error, "the metrics cannot be encoded");
        }
        text
    }

    fn encode_to(&self, text: &mut String) -> fmt::Result {
        encode_registry(text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        if let Some(upstreams) = self.upstreams.get() {
            upstreams.encode(text)?;
        }
        encode_eof(text)
    }

    /// Show these upstreams too; the first call counts.
    pub fn watch(&self, upstreams: Upstreams) {
        self.upstreams.get_or_init(|| upstreams);
    }
}
