//! The tools, by family.

mod ab;
mod compare;
mod conjugate;
mod distribution;
mod rule;

use mcp_core::prelude::*;

use crate::Server;

/// All tools.
pub(crate) fn router() -> ToolRouter<Server> {
    Server::rule_tools()
        + Server::conjugate_tools()
        + Server::ab_tools()
        + Server::compare_tools()
        + Server::distribution_tools()
}

/// Version of the engine, in every answer.
fn engine_version() -> String {
    bayes_engine::VERSION.to_owned()
}
