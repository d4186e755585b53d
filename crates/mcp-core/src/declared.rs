//! A server without its type: pipeline, transports and command line work on this, so that they are
//! compiled once and not in each binary.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rmcp::{
    ErrorData, RoleServer,
    handler::server::{
        router::tool::ToolRouter,
        tool::{DynCallToolHandler, ToolCallContext},
    },
    model::{CallToolRequestParams, CallToolResponse, JsonObject, Tool},
    service::RequestContext,
};
use serde_json::Value;

use crate::{
    CallPolicy, Facts, McpServer, Preview, Principal, ProbeReport, Prompt, Resource, Result,
    Toolset, config,
};

/// What a server's type says of it.
#[derive(Clone, Copy)]
pub(crate) struct Declared {
    pub(crate) facts: Facts,
    pub(crate) verbatim_schemas: bool,
    pub(crate) legacy_sessions: bool,
    pub(crate) toolsets: &'static [Toolset],
    pub(crate) policy: fn(&str) -> CallPolicy,
    pub(crate) instructions: &'static str,
    pub(crate) prompts: &'static [Prompt],
    pub(crate) resources: &'static [Resource],
    pub(crate) config_schema: fn() -> Value,
}

impl Declared {
    pub(crate) fn of<S: McpServer>() -> Self {
        Self {
            facts: S::FACTS,
            verbatim_schemas: S::VERBATIM_SCHEMAS,
            legacy_sessions: S::LEGACY_SESSIONS,
            toolsets: S::toolsets(),
            policy: S::policy,
            instructions: S::instructions(),
            prompts: S::prompts(),
            resources: S::resources(),
            config_schema: config::schema_of_server::<S>,
        }
    }
}

/// What a server does once it has started, besides its tools.
pub(crate) trait Started: Send + Sync {
    fn preview<'a>(
        &'a self,
        tool: &'a str,
        arguments: &'a JsonObject,
        principal: &'a Principal,
    ) -> BoxFuture<'a, Result<Preview>>;

    fn read_resource<'a>(
        &'a self,
        uri: &'a str,
        principal: &'a Principal,
    ) -> BoxFuture<'a, Result<Option<String>>>;

    fn probes(&self) -> BoxFuture<'_, Vec<ProbeReport>>;

    fn stop(&self) -> BoxFuture<'_, ()>;
}

impl<S: McpServer> Started for S {
    fn preview<'a>(
        &'a self,
        tool: &'a str,
        arguments: &'a JsonObject,
        principal: &'a Principal,
    ) -> BoxFuture<'a, Result<Preview>> {
        Box::pin(McpServer::preview(self, tool, arguments, principal))
    }

    fn read_resource<'a>(
        &'a self,
        uri: &'a str,
        principal: &'a Principal,
    ) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(McpServer::read_resource(self, uri, principal))
    }

    fn probes(&self) -> BoxFuture<'_, Vec<ProbeReport>> {
        Box::pin(McpServer::probes(self))
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(McpServer::stop(self))
    }
}

/// Answers the calls of one tool.
pub(crate) trait Handler: Send + Sync {
    fn call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> BoxFuture<'_, Result<CallToolResponse, ErrorData>>;
}

/// A tool as its author wrote it.
pub(crate) struct Written {
    pub(crate) tool: Tool,
    /// None where the tools are only listed.
    pub(crate) handler: Option<Arc<dyn Handler>>,
}

/// The tools of a router: bound to a server that runs, or only to be listed.
pub(crate) fn written<S: McpServer>(
    router: ToolRouter<S>,
    server: Option<&Arc<S>>,
) -> Vec<Written> {
    let bind = |call: Arc<DynCallToolHandler<S>>| -> Option<Arc<dyn Handler>> {
        let server = Arc::clone(server?);
        Some(Arc::new(Bound { server, call }))
    };
    let routes = router.map.into_values();
    routes.map(|route| Written { tool: route.attr, handler: bind(route.call) }).collect()
}

struct Bound<S> {
    server: Arc<S>,
    call: Arc<DynCallToolHandler<S>>,
}

impl<S: McpServer> Handler for Bound<S> {
    fn call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> BoxFuture<'_, Result<CallToolResponse, ErrorData>> {
        (self.call)(ToolCallContext::new(&*self.server, request, context))
    }
}
