//! The least that an HTTP server in Rust costs: read JSON, answer JSON, no protocol.

use axum::{Json, Router, routing::post};
use serde_json::{Value, json};

// mcp-core brings mimalloc as the allocator of every program that links it; so do all of these.
use mcp_core as _;

#[tokio::main]
async fn main() {
    bench_core::serve(Router::new().route("/mcp", post(echo))).await;
}

async fn echo(Json(message): Json<Value>) -> Json<Value> {
    let echoed = json!({"text": message["params"]["arguments"]["text"]});
    let content = json!([{"type": "text", "text": echoed.to_string()}]);
    let result = json!({"content": content, "structuredContent": echoed, "isError": false, "resultType": "complete"});
    Json(json!({"jsonrpc": "2.0", "id": message["id"], "result": result}))
}
