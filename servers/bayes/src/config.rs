//! Settings of this server: none yet, for nothing of it depends on its place.

use mcp_core::prelude::*;

/// No settings of its own.
#[expect(clippy::empty_structs_with_brackets, reason = "a section of settings is a map")]
#[non_exhaustive]
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {}

impl ServerConfig for Config {}
