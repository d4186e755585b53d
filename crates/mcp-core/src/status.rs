//! How a server is doing: `GET /status`, the document `machina://status` and the tool
//! `get_server_status` give the same report.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::future::BoxFuture;
use rmcp::{
    ErrorData, RoleServer,
    handler::server::common::schema_for_output,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, JsonObject, Tool, ToolAnnotations,
    },
    service::RequestContext,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Facts, Resource,
    declared::{Handler, Written},
    metrics::{Calls, Durations, Metrics, Process},
};

/// Name of the tool: in the toolset `all` of every server, or when `tools` names it.
pub const TOOL: &str = "get_server_status";
/// The same as a document.
pub const RESOURCE: Resource = Resource {
    uri: "machina://status",
    name: "status",
    title: "Status",
    description: "Calls, durations, errors and process figures of this server, as of now",
    mime_type: "application/json",
};

/// Failures that the tool shows unless asked for more: each costs a model some forty tokens.
const SHOWN: usize = 10;
/// Failures that operators see.
const ALL: usize = 100;
/// Tools listed as slowest.
const SLOWEST: usize = 5;

/// How a server is doing.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Report {
    /// Server name.
    pub server: String,
    /// Version.
    pub version: String,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// Tool calls since the start.
    pub calls: CallFigures,
    /// Failed calls by error code.
    pub errors: BTreeMap<String, u64>,
    /// The tools that took longest on average, at most 5.
    pub slowest_tools: Vec<ToolFigures>,
    /// The last failed calls, the newest first.
    pub recent_errors: Vec<RecentError>,
    /// The process, where the system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessFigures>,
    /// Other parts of the server by name, such as cache, limits or upstreams.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Value>,
}

/// Tool calls since the start.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CallFigures {
    /// All calls of known tools.
    pub total: u64,
    /// Those that failed.
    pub failed: u64,
    /// Calls per second over the last minute.
    pub per_second: f64,
    /// Half of the calls took no longer; absent before the first call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// 95 of 100 calls took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
    /// 99 of 100 calls took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
}

/// One tool's calls.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ToolFigures {
    /// Tool name.
    pub tool: String,
    /// Calls.
    pub calls: u64,
    /// Those that failed.
    pub failed: u64,
    /// Mean duration.
    pub mean_ms: f64,
    /// 95 of 100 calls took no longer.
    pub p95_ms: f64,
    /// The longest call.
    pub max_ms: f64,
}

/// One failed call: its shape, nothing of what was said.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RecentError {
    /// When it ended, RFC 3339 in UTC.
    pub time: String,
    /// Tool name.
    pub tool: String,
    /// Error code.
    pub code: String,
    /// The id in the answer, the log and the audit line.
    pub request_id: String,
}

/// The process.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProcessFigures {
    /// CPU time used, in seconds.
    pub cpu_seconds: f64,
    /// Memory in RAM, in bytes.
    pub resident_bytes: u64,
    /// Open files and sockets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
}

type Part = Box<dyn Fn() -> Value + Send + Sync>;

/// Makes reports on one server.
pub struct Status {
    facts: Facts,
    metrics: Arc<Metrics>,
    parts: Mutex<BTreeMap<&'static str, Part>>,
}

impl Status {
    /// Reports on what these metrics count.
    pub fn new(facts: Facts, metrics: Arc<Metrics>) -> Self {
        Self { facts, metrics, parts: Mutex::default() }
    }

    /// Let another part of the server add its figures under a name of its own: no secret, no caller's
    /// text, bounded. Null leaves it out.
    pub fn add_part(
        &self,
        name: &'static str,
        figures: impl Fn() -> Value + Send + Sync + 'static,
    ) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.insert(name, Box::new(figures));
    }

    /// The report of an operator.
    pub fn report(&self) -> Report {
        self.with_errors(ALL)
    }

    fn with_errors(&self, most: usize) -> Report {
        let calls = self.metrics.calls();
        let by_tool = calls.by_tool();
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        Report {
            server: self.facts.member.name.to_owned(),
            version: self.facts.version.to_owned(),
            uptime_s: calls.uptime().as_secs(),
            calls: call_figures(calls, &Durations::sum(by_tool.iter().map(|(_, one)| one))),
            errors: calls.by_code(),
            slowest_tools: slowest(&by_tool),
            recent_errors: calls.recent(most).iter().map(recent_error).collect(),
            process: Process::read().map(|process| ProcessFigures {
                cpu_seconds: process.cpu_seconds,
                resident_bytes: process.resident_bytes,
                open_files: process.open_files,
            }),
            parts: parts.iter().filter_map(figures_of).collect(),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status").field("facts", &self.facts).finish_non_exhaustive()
    }
}

fn figures_of((name, part): (&&'static str, &Part)) -> Option<(String, Value)> {
    let figures = part();
    (!figures.is_null()).then(|| ((*name).to_owned(), figures))
}

fn call_figures(calls: &Calls, all: &Durations) -> CallFigures {
    let quantile = |share| all.quantile(share).map(millis);
    CallFigures {
        total: all.count,
        failed: all.failed,
        per_second: round(calls.per_second()),
        p50_ms: quantile(0.5),
        p95_ms: quantile(0.95),
        p99_ms: quantile(0.99),
    }
}

fn slowest(by_tool: &[(Arc<str>, Durations)]) -> Vec<ToolFigures> {
    let called = by_tool.iter().filter(|(_, durations)| durations.count > 0);
    let mut tools: Vec<ToolFigures> = called
        .map(|(name, durations)| ToolFigures {
            tool: name.to_string(),
            calls: durations.count,
            failed: durations.failed,
            mean_ms: millis(
                durations.seconds / u32::try_from(durations.count).map_or(f64::MAX, f64::from),
            ),
            p95_ms: durations.quantile(0.95).map(millis).unwrap_or_default(),
            max_ms: millis(durations.longest),
        })
        .collect();
    tools.sort_by(|a, b| b.mean_ms.total_cmp(&a.mean_ms));
    tools.truncate(SLOWEST);
    tools
}

fn recent_error(failed: &crate::metrics::Failed) -> RecentError {
    RecentError {
        time: DateTime::<Utc>::from(failed.at).to_rfc3339_opts(SecondsFormat::Millis, true),
        tool: failed.tool.to_string(),
        code: failed.code.to_string(),
        request_id: failed.request_id.to_string(),
    }
}

fn millis(seconds: f64) -> f64 {
    round(seconds * 1e3)
}

/// Three decimals: more would be noise.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// The tool that every server has besides its own.
pub(crate) fn tool(status: Option<Arc<Status>>) -> Written {
    let handler = status.map(|status| -> Arc<dyn Handler> { Arc::new(Shown(status)) });
    Written { tool: definition(), handler }
}

struct Shown(Arc<Status>);

impl Handler for Shown {
    fn call(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> BoxFuture<'_, Result<CallToolResponse, ErrorData>> {
        let asked = request.arguments.as_ref().and_then(|given| given.get("errors")?.as_u64());
        let most = asked.map_or(SHOWN, |asked| usize::try_from(asked).unwrap_or(ALL).min(ALL));
        let report = serde_json::to_value(self.0.with_errors(most)).unwrap_or_default();
        Box::pin(std::future::ready(Ok(CallToolResult::structured(report).into())))
    }
}

fn definition() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {"errors": {
            "type": "integer", "minimum": 0, "maximum": ALL, "default": SHOWN,
            "description": "How many of the last failed calls to list.",
        }},
        "additionalProperties": false,
    });
    let input: JsonObject = input.as_object().cloned().unwrap_or_default();
    let description = "Calls, durations, error codes, slowest tools, last failed calls, CPU and \
                       memory of this server process since its start.";
    let mut tool = Tool::new(TOOL, description, Arc::new(input));
    tool.title = Some("Server status".to_owned());
    tool.output_schema = Some(schema_for_output::<Report>());
    tool.annotations =
        Some(ToolAnnotations::from_raw(None, Some(true), Some(false), Some(true), Some(false)));
    tool
}
