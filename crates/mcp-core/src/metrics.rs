//! Metrics by the names of the OpenTelemetry conventions for MCP servers, with labels from closed
//! sets: a random tool name creates no series.

use std::{
    fmt,
    sync::{Arc, OnceLock},
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

use crate::{Facts, upstream::Upstreams};

/// Seconds; the buckets of the convention.
const BUCKETS: [f64; 14] =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
/// Seconds; fine enough to see what the pipeline itself costs.
const FINE_BUCKETS: [f64; 12] =
    [50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 200e-3];

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
    registry: Registry,
    operations: Family<Operation, Histogram>,
    fine: Histogram,
    panics: Counter,
    connections: Gauge,
    refused: Family<Refusal, Counter>,
    upstreams: OnceLock<Upstreams>,
    cache: Family<CacheUse, Counter>,
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
        let mut registry = Registry::default();
        let operations =
            Family::<Operation, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let fine = Histogram::new(FINE_BUCKETS);
        let (panics, connections, refused) =
            (Counter::default(), Gauge::default(), Family::<Refusal, Counter>::default());
        registry.register_with_unit(
            "mcp_server_operation_duration",
            "Duration of an MCP operation, from the message read to the answer ready",
            Unit::Seconds,
            operations.clone(),
        );
        registry.register_with_unit(
            "machina_call_duration",
            "Duration of tool calls, in fine buckets",
            Unit::Seconds,
            fine.clone(),
        );
        registry.register("machina_panics", "Panics caught", panics.clone());
        registry.register("machina_connections", "HTTP connections open", connections.clone());
        registry.register("machina_refused", "Messages the front refused", refused.clone());
        let cache = Family::<CacheUse, Counter>::default();
        registry.register("machina_cache", "Answers that may be kept, hit or miss", cache.clone());
        let build = Info::new([("server", facts.member.name), ("version", facts.version)]);
        registry.register("machina_build", "What is running", build);
        let upstreams = OnceLock::new();
        Self { registry, operations, fine, panics, connections, refused, upstreams, cache }
    }

    /// Count one operation.
    pub fn operation(&self, operation: &Operation, took: Duration) {
        let seconds = took.as_secs_f64();
        self.operations.get_or_create(operation).observe(seconds);
        if operation.mcp_method_name == "tools/call" {
            self.fine.observe(seconds);
        }
    }

    /// Count a panic.
    pub fn panic(&self) {
        self.panics.inc();
    }

    /// Count a message that the front refused.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Refusal { reason }).inc();
    }

    /// Count an answer of a known tool that was kept (`hit`) or made (`miss`).
    pub(crate) fn cache(&self, tool: &Arc<str>, result: &'static str) {
        let labels = CacheUse { gen_ai_tool_name: Arc::clone(tool), result };
        self.cache.get_or_create(&labels).inc();
    }

    pub(crate) fn connections(&self) -> &Gauge {
        &self.connections
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
        encode_registry(text, &self.registry)?;
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
