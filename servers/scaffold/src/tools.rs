//! The tools, by family.

mod project;
mod template;

use mcp_core::prelude::*;

use crate::Server;

/// All tools.
pub(crate) fn router() -> ToolRouter<Server> {
    Server::project_tools() + Server::template_tools()
}

/// The text of a resource.
pub(crate) fn resource(uri: &str) -> Option<String> {
    match uri {
        "scaffold://schema/project-spec" => Some(project::spec_schema()),
        "scaffold://versions" => Some(template::versions()),
        _ => None,
    }
}
