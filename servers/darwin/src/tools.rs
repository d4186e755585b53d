//! The tools, by family.

mod algorithm;
mod analyze;
mod compare;
mod control;
mod fork;
pub(crate) mod found;
pub(crate) mod optimize;
pub(crate) mod params;
mod plot;
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
        + Server::analyze_tools()
        + Server::compare_tools()
        + Server::plot_tools()
        + Server::fork_tools()
}
