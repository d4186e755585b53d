//! `machina-bayes`: exact Bayesian updates, tests and A/B decisions.
use std::process::ExitCode;

fn main() -> ExitCode {
    mcp_core::main::<machina_bayes::Server>()
}
