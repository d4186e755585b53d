//! `machina-shopify`: one store's Shopify Admin API for agents.
use std::process::ExitCode;

fn main() -> ExitCode {
    mcp_core::main::<machina_shopify::Server>()
}
