//! One tool on six stacks: `echo_text {text} -> {text}`, served at `POST /mcp` on the port that is the
//! first argument. Every Rust stack has the same allocator, socket options and profile.

use std::net::SocketAddr;

use axum::serve::ListenerExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// Arguments of the tool, bounded as a tool's should be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EchoArgs {
    /// Text to give back.
    #[schemars(length(min = 1, max = 1000))]
    pub text: String,
}

/// What the tool answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Echo {
    /// The text that was given.
    pub text: String,
}

/// Serve a router on the port given on the command line, without Nagle's algorithm.
pub async fn serve(router: axum::Router) {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0_u16);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let listener = TcpListener::bind(address).await.expect("the port is free");
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router).await.expect("serving ends with the process");
}
