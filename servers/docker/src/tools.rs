//! The tools, one family per file.

use mcp_core::prelude::*;

use crate::Server;

mod inspect;
mod list;
mod logs;
mod system;

/// All tools.
pub(crate) fn router() -> ToolRouter<Server> {
    Server::list_tools() + Server::inspect_tools() + Server::log_tools() + Server::system_tools()
}
