//! Settings of this server.

use mcp_core::prelude::*;

/// Settings of this server.
#[non_exhaustive]
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Threads that evaluate large generations, in all runs together; default: one per core.
    #[schemars(range(min = 1, max = 256))]
    pub threads: Option<u16>,
    /// Time limit, in seconds, of a run that names none; default 50.
    #[schemars(range(min = 0.01, max = 110.0))]
    pub max_time_s: f64,
    /// Most stored runs of one caller, ended ones too until they are deleted; default 100.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_runs: u32,
    /// Most stored problems of one caller; default 100.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_problems: u32,
    /// Evaluations that one caller may have made per second, on average; default: no limit.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max_evals_per_s: Option<u32>,
}

impl Config {
    /// Threads of the pool.
    pub(crate) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(cores, usize::from)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            threads: None,
            max_time_s: 50.0,
            max_runs: 100,
            max_problems: 100,
            max_evals_per_s: None,
        }
    }
}

impl ServerConfig for Config {}
