//! The way of a message, and the only `ServerHandler` of the fleet.
//!
//! One list, outermost first. Both transports pass it; a server adds nothing to it.
//!
//! | Stage | What | Where |
//! |---|---|---|
//! | F1 | connections, header and body time limits, no Nagle | [`crate::transport::http`] |
//! | F2 | request id | [`crate::transport::http`], [`call`] |
//! | F3 | routes | [`crate::transport::http`] |
//! | F4 | Host and Origin | [`crate::transport::hosts`] |
//! | F5 | content type, accepted types | [`crate::transport::http`] |
//! | F6 | who calls | [`crate::auth`], `transport::http::gate` |
//! | F7 | size, JSON-RPC envelope | [`crate::envelope`], both transports |
//! | F8, F9 | scope, quotas, calls in flight | `transport::http::gate`, [`crate::limits`] |
//! | P1 | panic isolation | [`call`] |
//! | P2 | capability gate: undeclared is -32601 | `pipeline::handler` |
//! | P3 | principal, scope, per-tool quota | [`call`] |
//! | P4 | arguments against the advertised schema | [`call`], [`crate::validation`] |
//! | P5 | confirmation, tasks, response cache | `pipeline::{confirmed, background, cached}` |
//! | P6 | deadline, cancellation | [`call`] |
//! | P7 | output cap, cache hints, serverInfo | [`present`] |
//! | P8 | metrics, one log line, one audit line; refusals of the front | [`call`], [`crate::audit`] |

mod background;
mod cached;
pub mod call;
pub mod catalogue;
mod confirmed;
pub mod document;
mod figures;
mod handler;
pub mod present;
mod shown;
mod way;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures_util::future::BoxFuture;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::model::{Implementation, ServerCapabilities, ServerConfig as ServerInfo};

use tokio_util::sync::CancellationToken;

use self::{catalogue::Catalogue, document::Documents, figures::Sources};
#[cfg(feature = "otlp")]
use crate::upstream::Upstreams;
use crate::{
    Facts, McpServer, ProbeReport, StartContext, StateKey,
    audit::{self, Audit},
    cache::ResponseCache,
    config::{ConfigError, CoreConfig},
    confirm::Confirmations,
    declared::{self, Declared, Started, Written},
    extended::Extended,
    health::Health,
    limits::Limits,
    metrics::Metrics,
    status::{self, Status},
    task_store::TaskStore,
};

/// A server behind the guards. Cheap to clone; one value serves all requests.
#[derive(Clone)]
pub struct Guarded(Arc<Inner>);

struct Inner {
    declared: Declared,
    server: Arc<dyn Started>,
    catalogue: Catalogue,
    documents: Documents,
    extended: Option<Arc<dyn Extended>>,
    info: ServerInfo,
    /// Name and version, as results carry them.
    stamp: serde_json::Value,
    metrics: Arc<Metrics>,
    limits: Arc<Limits>,
    status: Arc<Status>,
    audit: OnceLock<Audit>,
    #[cfg(feature = "otlp")]
    spans: OnceLock<crate::otlp::Spans>,
    deadline: Duration,
    max_result: usize,
    confirmations: Confirmations,
    cache: Arc<ResponseCache>,
    tasks: Arc<OnceLock<TaskStore>>,
}

impl Guarded {
    /// Put a server behind the guards.
    ///
    /// # Errors
    /// An unknown toolset or tool in the configuration; in debug builds a tool schema that does not compile.
    pub fn new<S: McpServer>(server: S, core: &CoreConfig) -> Result<Self, ConfigError> {
        Self::with_tools(server, core, S::tools())
    }

    /// The same with other tools than the server's: tests add one that panics, one that hangs.
    ///
    /// # Errors
    /// As [`Guarded::new`].
    pub fn with_tools<S: McpServer>(
        server: S,
        core: &CoreConfig,
        tools: ToolRouter<S>,
    ) -> Result<Self, ConfigError> {
        let (extended, server) = (server.extended(), Arc::new(server));
        let tools = declared::written(tools, Some(&server));
        Self::around(server, extended, Declared::of::<S>(), tools, core)
    }

    fn around(
        server: Arc<dyn Started>,
        extended: Option<Arc<dyn Extended>>,
        declared: Declared,
        mut tools: Vec<Written>,
        core: &CoreConfig,
    ) -> Result<Self, ConfigError> {
        let facts = declared.facts;
        let metrics = Arc::new(Metrics::new(&facts));
        let status = Arc::new(Status::new(facts, Arc::clone(&metrics)));
        tools.push(status::tool(Some(Arc::clone(&status))));
        let catalogue = Catalogue::of(&declared, tools, core, &metrics)?;
        let sources = Sources {
            limits: Arc::new(Limits::new(core)),
            cache: Arc::new(ResponseCache::new(core.cache_bytes, &core.toolset)),
            tasks: Arc::default(),
        };
        sources.show(&catalogue, &metrics, &status);
        let documents = Documents::new(&declared);
        let base = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_completions();
        let base = if catalogue.has_tasks() { base.enable_tasks() } else { base }.build();
        let key = StateKey::of(core.state_key.as_ref())?;
        let capabilities = match &extended {
            Some(extended) => extended.capabilities(base),
            None => base,
        };
        let mut implementation = Implementation::new(facts.member.binary(), facts.version);
        implementation.title = Some(facts.member.title.to_owned());
        let stamp = serde_json::json!({
            "name": implementation.name,
            "version": implementation.version,
        });
        let info = ServerInfo::new(capabilities)
            .with_server_info(implementation)
            .with_instructions(declared.instructions);
        Ok(Self(Arc::new(Inner {
            declared,
            server,
            catalogue,
            documents,
            extended,
            info,
            stamp,
            metrics,
            limits: sources.limits,
            status,
            audit: OnceLock::new(),
            #[cfg(feature = "otlp")]
            spans: OnceLock::new(),
            deadline: Duration::from_secs(core.deadline),
            max_result: core.max_result,
            confirmations: Confirmations::new(key, facts.member.name)?,
            cache: sources.cache,
            tasks: sources.tasks,
        })))
    }

    /// Keep tasks in the state directory, where a tool on offer may become one. Those of an earlier
    /// process are taken over from the same `transport` only: on another their owners are others.
    #[must_use]
    pub fn keep_tasks(self, context: &StartContext, transport: &'static str) -> Self {
        if self.0.catalogue.has_tasks() {
            self.0.tasks.get_or_init(|| TaskStore::open(context, transport));
        }
        self
    }

    /// Wait for the tasks that the server's stop has cancelled, so that each has its audit line.
    pub(crate) async fn tasks_ended(&self, grace: Duration) {
        if let Some(tasks) = self.0.tasks.get() {
            tasks.ended(grace).await;
        }
    }

    /// Who the server is.
    pub fn facts(&self) -> &Facts {
        &self.0.declared.facts
    }

    /// Whether it keeps sessions for clients of the older revisions.
    pub(crate) fn legacy_sessions(&self) -> bool {
        self.0.declared.legacy_sessions
    }

    /// Whether a call of this tool needs nothing of the SDK's service: no features beyond tools, no
    /// arguments that headers repeat.
    pub(crate) fn takes_direct(&self, tool: &str) -> bool {
        self.0.extended.is_none()
            && self.0.catalogue.find(tool).is_some_and(|entry| !entry.in_headers)
    }

    /// The server's own readiness checks.
    pub(crate) fn probes(&self) -> BoxFuture<'_, Vec<ProbeReport>> {
        self.0.server.probes()
    }

    /// The health of this server, from now on.
    pub fn health(&self, stopping: CancellationToken) -> Health {
        Health::new(self.clone(), stopping)
    }

    /// Flush and close, after the last call has ended.
    pub async fn stop(&self) {
        self.0.server.stop().await;
    }

    /// The tools on offer.
    pub fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    /// The limits of this server.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The metrics of this server.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// The reports on this server.
    pub fn status(&self) -> &Arc<Status> {
        &self.0.status
    }

    /// Write each call down from now on. The first target stays.
    pub fn keep_audit(&self, audit: Audit) {
        self.0.audit.get_or_init(|| audit);
    }

    /// Count a request that the front refused, and write it down.
    pub(crate) fn refused(&self, refused: audit::Refused) {
        self.0.metrics.refused(refused.reason);
        if let Some(audit) = self.0.audit.get() {
            audit.refused(refused);
        }
    }

    /// Send the spans of calls to the collector that the configuration names.
    ///
    /// # Errors
    /// When that is no URL.
    #[cfg(feature = "otlp")]
    pub(crate) fn record(
        &self,
        core: &CoreConfig,
        tasks: &crate::task::Tasks,
        upstreams: &Upstreams,
    ) -> Result<(), ConfigError> {
        let spans =
            crate::otlp::Spans::start(core, self.facts(), tasks, upstreams, &self.0.metrics)?;
        if let Some(spans) = spans {
            self.0.spans.get_or_init(|| spans);
        }
        Ok(())
    }

    /// Send the last spans.
    #[cfg(feature = "otlp")]
    pub(crate) async fn recorded(&self) {
        if let Some(spans) = self.0.spans.get() {
            spans.close().await;
        }
    }

    /// Where calls are written down.
    pub fn audit(&self) -> Option<&Audit> {
        self.0.audit.get()
    }
}
