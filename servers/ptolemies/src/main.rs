//! `machina-ptolemies`: durable agent memory and search.
use std::process::ExitCode;

fn main() -> ExitCode {
    mcp_core::main::<machina_ptolemies::Server>()
}
