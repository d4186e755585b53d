//! Settings of this server.

use std::path::Path;

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
    /// Evaluate modules of WebAssembly that callers give (`define_problem`); default: no. They get
    /// bounded fuel and memory, and nothing else of this machine.
    pub wasm: bool,
    /// Absolute directories below which callers may name files of data and modules; default: none.
    #[schemars(length(max = 32))]
    pub roots: Vec<String>,
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
            wasm: false,
            roots: Vec::new(),
        }
    }
}

impl ServerConfig for Config {
    fn validate(&self) -> Result<(), ConfigError> {
        for root in &self.roots {
            if !Path::new(root).is_absolute() {
                let message = format!("{root:?} is not an absolute path");
                return Err(ConfigError::new("roots", message));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_must_be_absolute() {
        let with = |root: &str| Config { roots: vec![root.to_owned()], ..Config::default() };
        assert!(Config::default().validate().is_ok() && with("/srv/data").validate().is_ok());
        let error = with("data").validate().expect_err("refused");
        assert_eq!(error.to_string(), "roots: \"data\" is not an absolute path");
    }
}
