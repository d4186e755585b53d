//! The tools, by family.

mod account;
mod customer;
mod object;
pub(crate) mod prompt;

use mcp_core::prelude::ToolRouter;

use crate::Server;

pub(crate) fn router() -> ToolRouter<Server> {
    Server::account_tools() + Server::object_tools() + Server::customer_tools()
}
