//! The tools, one file per family.

mod object;
mod product;
mod shop;

use crate::Server;
use mcp_core::prelude::*;

/// All tools.
pub(crate) fn router() -> ToolRouter<Server> {
    Server::shop_tools() + Server::product_tools() + Server::object_tools()
}
