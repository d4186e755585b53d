//! tower-mcp without layers.

use bench_core::EchoArgs;
// mcp-core brings mimalloc as the allocator of every program that links it; so do all of these.
use mcp_core as _;
use serde_json::json;
use tower_mcp::{CallToolResult, HttpTransport, McpRouter, ToolBuilder};

#[tokio::main]
async fn main() {
    let echo = ToolBuilder::new("echo_text")
        .description("Give a text back")
        .read_only()
        .handler(
            |args: EchoArgs| async move { Ok(CallToolResult::json(json!({"text": args.text}))) },
        )
        .build();
    let router = McpRouter::new().server_info("tower-mcp-echo", "1.0.0").tool(echo);
    bench_core::serve(HttpTransport::new(router).into_router_at("/mcp")).await;
}
