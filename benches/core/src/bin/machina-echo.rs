//! The same tool as a server author of this repository writes it, with every guard on.

use std::process::ExitCode;

use bench_core::{Echo, EchoArgs};
use mcp_core::{ServerConfig, prelude::*};

static MEMBER: fleet::Member = fleet::Member::new("echo", "Echo", 5999, "Gives a text back");

struct Server;

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Config {}

impl ServerConfig for Config {}

#[tool_router(router = echo_tools)]
impl Server {
    /// Give a text back.
    #[tool(
        title = "Echo",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn echo_text(&self, Parameters(args): Parameters<EchoArgs>) -> Result<Json<Echo>> {
        Ok(Json(Echo { text: args.text }))
    }
}

impl McpServer for Server {
    const FACTS: Facts = Facts::new(&MEMBER, env!("CARGO_PKG_VERSION"), "Gives a text back.");
    type Config = Config;

    async fn start(_config: Config, _context: StartContext) -> Result<Self, StartError> {
        Ok(Self)
    }

    fn tools() -> ToolRouter<Self> {
        Self::echo_tools()
    }

    fn toolsets() -> &'static [Toolset] {
        &[Toolset { name: "core", purpose: "The one tool", tools: &["echo_text"] }]
    }

    fn instructions() -> &'static str {
        "Gives a text back."
    }
}

fn main() -> ExitCode {
    mcp_core::main::<Server>()
}
