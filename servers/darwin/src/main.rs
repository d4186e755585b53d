//! `machina-darwin`: evolutionary and black-box optimisation, reproducible by seed.
use std::process::ExitCode;

fn main() -> ExitCode {
    mcp_core::main::<machina_darwin::Server>()
}
