//! `machina-everything`: every feature of the protocol, for the official conformance suite.
//!
//! What the fixture must offer is the suite's to say; it runs on the same pipeline as the fleet, so
//! that a green suite speaks for the pipeline.
#![expect(
    clippy::unnecessary_wraps,
    reason = "every fixture answers alike, also those that cannot fail"
)]

mod content;
mod document;
mod input;
mod job;
mod legacy;
mod register;

use std::sync::{Arc, LazyLock};

use futures_util::future::BoxFuture;
use mcp_core::{
    CallPolicy, Facts, McpServer, Preview, Principal, StartContext, StartError, StateKey,
    ToolError, Toolset, config::NoConfig, extended::Extended, fleet::Member,
};
use rmcp::{
    ErrorData, RoleServer,
    handler::server::{
        router::tool::{ToolRoute, ToolRouter},
        tool::ToolCallContext,
    },
    model::{CallToolResponse, CallToolResult, ContentBlock, InputResponses, JsonObject, Tool},
    service::RequestContext,
};
use serde_json::Value;

use self::{document::Library, register::Register};

const MEMBER: Member =
    Member::new("everything", "Everything", 5099, "Every protocol feature, for conformance tests");

const FAMILIES: [&[Fixture]; 5] =
    [content::FIXTURES, legacy::FIXTURES, input::FIXTURES, job::FIXTURES, register::FIXTURES];

/// The fixture server.
pub struct Everything {
    library: Arc<Library>,
    register: Register,
    key: StateKey,
}

/// One fixture: a tool of the suite.
struct Fixture {
    name: &'static str,
    description: &'static str,
    schema: fn() -> Value,
    run: for<'s> fn(Call<'s>) -> BoxFuture<'s, Answer>,
}

type Answer = Result<CallToolResponse, ErrorData>;

/// What a fixture gets.
struct Call<'s> {
    name: &'static str,
    server: &'s Everything,
    context: RequestContext<RoleServer>,
    arguments: JsonObject,
    responses: Option<InputResponses>,
    state: Option<String>,
}

impl Call<'_> {
    fn text(&self, name: &str) -> String {
        self.arguments.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// A tool without arguments.
fn no_arguments() -> Value {
    serde_json::json!({"type": "object", "properties": {}})
}

fn said(text: impl Into<String>) -> Answer {
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
}

impl Fixture {
    fn route(&'static self) -> ToolRoute<Everything> {
        let Value::Object(schema) = (self.schema)() else { return Self::never() };
        let mut tool = Tool::new(self.name, self.description, Arc::new(schema));
        tool.title = Some(self.name.replace('_', " "));
        tool.annotations = Some(register::annotations(self.name));
        ToolRoute::new_dyn(tool, |context: ToolCallContext<'_, Everything>| {
            (self.run)(Call {
                name: self.name,
                server: context.service,
                arguments: context.arguments.unwrap_or_default(),
                responses: context.input_responses,
                state: context.request_state,
                context: context.request_context,
            })
        })
    }

    fn never() -> ToolRoute<Everything> {
        unreachable!("a fixture's schema is an object")
    }
}

impl McpServer for Everything {
    const FACTS: Facts =
        Facts::new(&MEMBER, env!("CARGO_PKG_VERSION"), include_str!("../README.md"));
    const VERBATIM_SCHEMAS: bool = true;
    const LEGACY_SESSIONS: bool = true;

    type Config = NoConfig;

    async fn start(_config: NoConfig, context: StartContext) -> Result<Self, StartError> {
        let key = context.state_key()?;
        Ok(Self { library: Arc::default(), register: Register::default(), key })
    }

    fn tools() -> ToolRouter<Self> {
        let mut router = ToolRouter::new();
        for fixture in FAMILIES.into_iter().flatten() {
            router.add_route(fixture.route());
        }
        router
    }

    fn toolsets() -> &'static [Toolset] {
        static SETS: LazyLock<Vec<Toolset>> = LazyLock::new(|| {
            let names: Vec<&'static str> =
                FAMILIES.into_iter().flatten().map(|fixture| fixture.name).collect();
            vec![Toolset { name: "core", purpose: "All fixtures", tools: names.leak() }]
        });
        &SETS
    }

    fn policy(tool: &str) -> CallPolicy {
        register::policy(tool).unwrap_or_else(|| job::policy(tool))
    }

    async fn preview(
        &self,
        tool: &str,
        _arguments: &JsonObject,
        _principal: &Principal,
    ) -> Result<Preview, ToolError> {
        Ok(self.register.preview(tool))
    }

    fn instructions() -> &'static str {
        "The fixture of the official conformance suite. It offers every feature and no use."
    }

    fn extended(&self) -> Option<Arc<dyn Extended>> {
        Some(Arc::new(document::Features { library: Arc::clone(&self.library) }))
    }
}
