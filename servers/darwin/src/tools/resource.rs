//! Documents of this server.

use mcp_core::prelude::*;

use super::algorithm;

const ALGORITHMS_URI: &str = "darwin://algorithms";

pub(crate) const ALL: &[Resource] = &[Resource {
    uri: ALGORITHMS_URI,
    name: "algorithms",
    title: "Algorithms",
    description: "What list_algorithms answers without filters",
    mime_type: "application/json",
}];

pub(crate) fn read(uri: &str) -> Result<Option<String>> {
    if uri != ALGORITHMS_URI {
        return Ok(None);
    }
    serde_json::to_string(&algorithm::all())
        .map(Some)
        .map_err(|error| ToolError::internal(error.to_string()))
}
