//! The tools, one file per family.

pub(crate) mod arguments;
mod documents;
mod graph;
mod memory;
mod network;
mod operate;
mod query;
mod search;
mod transfer;

use mcp_core::prelude::ToolRouter;

use crate::server::Server;

pub(crate) use network::{RESOURCES, document};
pub(crate) use operate::preview;

pub(crate) fn router() -> ToolRouter<Server> {
    Server::memory_tools()
        + Server::search_tools()
        + Server::graph_tools()
        + Server::network_tools()
        + Server::document_tools()
        + Server::transfer_tools()
        + Server::operate_tools()
        + Server::query_tools()
}
