//! rmcp as its documentation says, with its fastest settings: JSON answers, no sessions, a router made
//! once. None of the protections.

use std::sync::Arc;

use bench_core::{Echo, EchoArgs};
// mcp-core brings mimalloc as the allocator of every program that links it; so do all of these.
use mcp_core as _;
use rmcp::{
    Json, ServerHandler,
    handler::server::{router::tool::ToolRouter, wrapper::Parameters},
    model::{ServerCapabilities, ServerConfig},
    tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};

#[derive(Clone)]
struct Server {
    tools: Arc<ToolRouter<Self>>,
}

#[tool_router]
impl Server {
    #[tool(description = "Give a text back", annotations(read_only_hint = true))]
    async fn echo_text(
        &self,
        Parameters(args): Parameters<EchoArgs>,
    ) -> Result<Json<Echo>, String> {
        Ok(Json(Echo { text: args.text }))
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

#[tokio::main]
async fn main() {
    let server = Server { tools: Arc::new(Server::tool_router()) };
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_legacy_session_mode(false);
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(server.clone()), sessions, config);
    bench_core::serve(axum::Router::new().nest_service("/mcp", service)).await;
}
