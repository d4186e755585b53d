//! `machina-stripe`: the Stripe API for agents, with honest errors.
use std::process::ExitCode;

fn main() -> ExitCode {
    mcp_core::main::<machina_stripe::Server>()
}
