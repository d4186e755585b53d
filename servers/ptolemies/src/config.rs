//! Settings.

use mcp_core::prelude::*;

/// Settings of ptolemies. The store lies under the state directory.
#[non_exhaustive]
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Cache of the store in MiB, 8-65,536. Default 64.
    #[schemars(range(min = 8, max = 65_536))]
    pub store_cache_mib: u32,
    /// Write buffer of the store in MiB, 16-4,096. Default 32.
    #[schemars(range(min = 16, max = 4_096))]
    pub store_buffer_mib: u32,
    /// Most memories kept, all versions counted, 1-10,000,000. Default 1,000,000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_memories: u32,
    /// Most MiB of entities, observations and facts kept in memory, all versions counted, 1-65,536.
    /// Default 512.
    #[schemars(range(min = 1, max = 65_536))]
    pub max_graph_mib: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            store_cache_mib: 64,
            store_buffer_mib: 32,
            max_memories: 1_000_000,
            max_graph_mib: 512,
        }
    }
}

impl ServerConfig for Config {}
