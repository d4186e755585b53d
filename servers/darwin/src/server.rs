//! The server: its thread pool and its facts.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use mcp_core::prelude::*;

use crate::{Config, tools};

/// The optimisation server.
#[derive(Debug)]
pub struct Server {
    config: Config,
    /// Made with the first run that gains from it; `None` inside when the system has no threads.
    pool: OnceLock<Option<Arc<rayon::ThreadPool>>>,
}

/// Ten seconds above the longest run.
const RUN_DEADLINE: Duration = Duration::from_secs(120);

impl McpServer for Server {
    const FACTS: Facts =
        Facts::new(&fleet::DARWIN, env!("CARGO_PKG_VERSION"), include_str!("../README.md"));

    type Config = Config;

    async fn start(config: Config, _context: StartContext) -> Result<Self, StartError> {
        Ok(Self { config, pool: OnceLock::new() })
    }

    fn tools() -> ToolRouter<Self> {
        tools::router()
    }

    fn toolsets() -> &'static [Toolset] {
        &[Toolset {
            name: "core",
            purpose: "Optimise a function in one call; see which algorithms there are",
            tools: &["optimize_problem", "list_algorithms"],
        }]
    }

    fn policy(tool: &str) -> CallPolicy {
        match tool {
            "optimize_problem" => CallPolicy::new().deadline(RUN_DEADLINE),
            _ => CallPolicy::new(),
        }
    }

    fn instructions() -> &'static str {
        "Minimises or maximises your own expressions, with constraints, over real, whole, \
         logarithmic, boolean and category variables; CMA-ES, differential evolution, genetic \
         algorithm. Equal seed, version and evaluation budget give equal results."
    }

    fn prompts() -> &'static [Prompt] {
        tools::prompt::ALL
    }

    fn resources() -> &'static [Resource] {
        tools::resource::ALL
    }

    async fn read_resource(&self, uri: &str) -> Result<Option<String>> {
        tools::resource::read(uri)
    }
}

impl Server {
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Threads for large generations; without them a run takes longer and ends the same.
    pub(crate) fn pool(&self) -> Option<Arc<rayon::ThreadPool>> {
        let build = || {
            let threads = self.config.threads();
            let name = |number| format!("darwin-{number}");
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(name);
            match pool.build() {
                Ok(pool) => Some(Arc::new(pool)),
                Err(error) => {
                    tracing::warn!(%error, threads, "no thread pool: runs use one thread each");
                    None
                }
            }
        };
        self.pool.get_or_init(build).clone()
    }
}
