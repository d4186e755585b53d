//! `machina-everything`: the fixture server of the official conformance suite.
use std::process::ExitCode;

fn main() -> ExitCode {
    mcp_core::main::<mcp_testkit::everything::Everything>()
}
