//! The tools, one file per family.

mod arguments;
mod documents;
mod graph;
mod memory;
mod network;
mod search;

use mcp_core::prelude::ToolRouter;

use crate::Server;

pub(crate) use network::{RESOURCES, document};

pub(crate) fn router() -> ToolRouter<Server> {
    Server::memory_tools()
        + Server::search_tools()
        + Server::graph_tools()
        + Server::network_tools()
        + Server::document_tools()
}
