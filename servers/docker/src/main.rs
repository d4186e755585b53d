//! `machina-docker`: containers, their logs and their engine, read only.
use std::process::ExitCode;

fn main() -> ExitCode {
    mcp_core::main::<machina_docker::Server>()
}
