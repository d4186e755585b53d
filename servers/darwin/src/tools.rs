//! The tools, by family.

mod algorithm;
mod control;
pub(crate) mod found;
pub(crate) mod optimize;
pub(crate) mod params;
pub(crate) mod problem;
pub(crate) mod prompt;
pub(crate) mod resource;
mod run;
mod trial;

use mcp_core::prelude::ToolRouter;

use crate::Server;

pub(crate) fn router() -> ToolRouter<Server> {
    Server::algorithm_tools()
        + Server::optimize_tools()
        + Server::run_tools()
        + Server::control_tools()
        + Server::trial_tools()
}
