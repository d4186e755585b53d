//! `machina-scaffold`: plans and writes MCP server projects in Rust, Python and TypeScript.
use std::process::ExitCode;

fn main() -> ExitCode {
    mcp_core::main::<machina_scaffold::Server>()
}
