//! The tools, by family.

mod ab;
mod again;
mod approximate;
mod calibrate;
mod check;
mod compare;
mod conjugate;
mod data;
mod distribution;
mod draws;
mod evidence;
mod fit;
mod fold;
mod model;
mod plan;
mod plot;
mod predict;
mod prior;
mod regression;
mod rule;
mod run;
mod score;
mod summary;

use mcp_core::prelude::*;

use crate::Server;
pub(crate) use fit::SamplerOutput;
pub(crate) use model::data as engine_data;

/// All tools.
pub(crate) fn router() -> ToolRouter<Server> {
    Server::rule_tools()
        + Server::conjugate_tools()
        + Server::ab_tools()
        + Server::plan_tools()
        + Server::compare_tools()
        + Server::distribution_tools()
        + Server::model_tools()
        + Server::fit_tools()
        + Server::summary_tools()
        + Server::draw_tools()
        + Server::run_tools()
        + Server::data_tools()
        + Server::score_tools()
        + Server::check_tools()
        + Server::calibrate_tools()
        + Server::prior_tools()
        + Server::regression_tools()
        + Server::plot_tools()
        + Server::approximate_tools()
        + Server::predict_tools()
}

/// Version of the engine, in every answer.
fn engine_version() -> String {
    bayes_engine::VERSION.to_owned()
}
