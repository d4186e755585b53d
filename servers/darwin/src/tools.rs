//! The tools, by family.

mod algorithm;
mod optimize;
mod params;
mod problem;
pub(crate) mod prompt;
pub(crate) mod resource;

use mcp_core::prelude::ToolRouter;

use crate::Server;

pub(crate) fn router() -> ToolRouter<Server> {
    Server::algorithm_tools() + Server::optimize_tools()
}
