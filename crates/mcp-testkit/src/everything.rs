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

use std::sync::{Arc, LazyLock};

use futures_util::future::BoxFuture;
use mcp_core::{
    Facts, McpServer, StartContext, StartError, Toolset, config::NoConfig, extended::Extended,
    fleet::Member,
};
use rmcp::{
    ErrorData, RoleServer,
    handler::server::{
        router::tool::{ToolRoute, ToolRouter},
        tool::ToolCallContext,
    },
    model::{
        CallToolResponse, CallToolResult, ContentBlock, InputResponses, JsonObject,
        RequestStateCodec, Tool, ToolAnnotations,
    },
    service::RequestContext,
};
use serde_json::Value;

use self::{document::Library, job::Jobs};

const MEMBER: Member =
    Member::new("everything", "Everything", 5099, "Every protocol feature, for conformance tests");

const FAMILIES: [&[Fixture]; 4] =
    [content::FIXTURES, legacy::FIXTURES, input::FIXTURES, job::FIXTURES];

/// The fixture server.
pub struct Everything {
    library: Arc<Library>,
    jobs: Jobs,
    codec: RequestStateCodec,
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
        tool.annotations = Some(ToolAnnotations::from_raw(
            None,
            Some(false),
            Some(false),
            Some(false),
            Some(false),
        ));
        ToolRoute::new_dyn(tool, |context: ToolCallContext<'_, Everything>| {
            (self.run)(Call {
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

    async fn start(_config: NoConfig, _context: StartContext) -> Result<Self, StartError> {
        let key = b"a fixture has nothing to hide, and says so".to_vec();
        let codec = RequestStateCodec::try_new(key)
            .map_err(|error| StartError::internal(error.to_string()))?;
        Ok(Self { library: Arc::default(), jobs: Jobs::default(), codec })
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

    fn instructions() -> &'static str {
        "The fixture of the official conformance suite. It offers every feature and no use."
    }

    fn extended(&self) -> Option<Arc<dyn Extended>> {
        Some(Arc::new(document::Features {
            library: Arc::clone(&self.library),
            jobs: self.jobs.clone(),
        }))
    }
}
