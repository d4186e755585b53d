//! The tools, by family.

mod algorithm;
mod analyze;
mod benchmark;
mod compare;
mod control;
mod define;
mod explain;
mod fit;
mod fork;
pub(crate) mod found;
mod front;
mod list;
pub(crate) mod optimize;
pub(crate) mod params;
mod plot;
mod population;
pub(crate) mod problem;
pub(crate) mod prompt;
pub(crate) mod resource;
mod run;
mod template;
mod trial;
mod watch;

use mcp_core::prelude::ToolRouter;

use crate::Server;

pub(crate) fn router() -> ToolRouter<Server> {
    Server::algorithm_tools()
        + Server::optimize_tools()
        + Server::run_tools()
        + Server::list_tools()
        + Server::control_tools()
        + Server::trial_tools()
        + Server::analyze_tools()
        + Server::compare_tools()
        + Server::plot_tools()
        + Server::fork_tools()
        + Server::define_tools()
        + Server::explain_tools()
        + Server::fit_tools()
        + Server::benchmark_tools()
        + Server::population_tools()
        + Server::front_tools()
        + Server::template_tools()
}
