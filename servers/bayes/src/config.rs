//! Settings of this server.

use mcp_core::prelude::*;

/// Settings of this server.
#[non_exhaustive]
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long runs and data are kept, in seconds; default 86400.
    #[schemars(range(min = 1, max = 2_592_000))]
    pub lifetime_s: u64,
    /// Most stored runs of one caller; default 100.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_runs: u32,
    /// Most datasets of one caller; default 100.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_data: u32,
    /// Most megabytes of one caller's runs; default 512.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub quota_mb: u32,
    /// Most megabytes of all callers' runs; default 4096.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub store_mb: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { lifetime_s: 86_400, max_runs: 100, max_data: 100, quota_mb: 512, store_mb: 4096 }
    }
}

impl ServerConfig for Config {}
