//! The server: its thread pool and its facts.

use std::{sync::Arc, time::Duration};

use mcp_core::{Cursor, prelude::*};

use crate::{Config, files::Files, pool::Pool, problem::Problems, quota::Quotas, run::Runs, tools};

/// The optimisation server.
#[derive(Debug)]
pub struct Server {
    config: Config,
    pool: Arc<Pool>,
    quotas: Quotas,
    runs: Runs,
    problems: Problems,
    files: Files,
    cursor: Cursor,
    problem_cursor: Cursor,
    population_cursor: Cursor,
}

/// Ten seconds above the longest run.
const RUN_DEADLINE: Duration = Duration::from_secs(120);
/// Ten seconds above the longest wait.
const WAIT_DEADLINE: Duration = Duration::from_secs(70);

impl McpServer for Server {
    const FACTS: Facts =
        Facts::new(&fleet::DARWIN, env!("CARGO_PKG_VERSION"), include_str!("../README.md"));

    type Config = Config;

    async fn start(config: Config, context: StartContext) -> Result<Self, StartError> {
        let files = Files::open(&config.roots)?;
        let pool = Arc::new(Pool::new(config.threads()));
        let quotas = Quotas::new(config.max_evals_per_s);
        let runs = Runs::open(&context, &config, Arc::clone(&pool), quotas.clone());
        runs.adopt();
        let problems = Problems::open(&context, config.max_problems);
        let key = context.state_key()?;
        Ok(Self {
            config,
            pool,
            quotas,
            runs,
            problems,
            files,
            cursor: key.cursor("runs", 1),
            problem_cursor: key.cursor("problems", 1),
            population_cursor: key.cursor("population", 1),
        })
    }

    async fn stop(&self) {
        self.runs.park().await;
    }

    fn tools() -> ToolRouter<Self> {
        tools::router()
    }

    fn toolsets() -> &'static [Toolset] {
        &[
            Toolset {
                name: "core",
                purpose: "Optimise a function in one call, or in a run that is stored",
                tools: &[
                    "ask_trials",
                    "cancel_run",
                    "create_run",
                    "delete_run",
                    "get_run",
                    "get_run_result",
                    "list_algorithms",
                    "list_runs",
                    "optimize_problem",
                    "step_run",
                    "tell_trials",
                    "update_run",
                ],
            },
            Toolset {
                name: "lab",
                purpose: "Store problems and look at them, compare algorithms, fit formulas to data, explain and draw runs",
                tools: &[
                    "analyze_front",
                    "analyze_problem",
                    "compare_algorithms",
                    "define_problem",
                    "delete_problem",
                    "explain_run",
                    "fit_expression",
                    "fork_run",
                    "inject_solutions",
                    "inspect_population",
                    "instantiate_template",
                    "list_problems",
                    "list_templates",
                    "render_plot",
                    "run_benchmark",
                ],
            },
        ]
    }

    fn policy(tool: &str) -> CallPolicy {
        match tool {
            "optimize_problem" | "compare_algorithms" | "fit_expression" | "run_benchmark" => {
                CallPolicy::new().deadline(RUN_DEADLINE).task(TaskSupport::Optional)
            }
            // Those that are no tasks wait a minute at most.
            "create_run" | "fork_run" | "step_run" => {
                CallPolicy::new().deadline(CallPolicy::MAX_DEADLINE).task(TaskSupport::Optional)
            }
            "get_run" => CallPolicy::new().deadline(WAIT_DEADLINE),
            _ => CallPolicy::new(),
        }
    }

    fn instructions() -> &'static str {
        "Minimises or maximises your own expressions, with constraints, over real, whole, \
         logarithmic, boolean and category variables, and permutations; CMA-ES, differential \
         evolution, genetic algorithm, local search. Equal seed, version and evaluation budget give equal results. Runs that are \
         created survive a restart, and may leave the evaluation to the caller."
    }

    fn prompts() -> &'static [Prompt] {
        tools::prompt::ALL
    }

    fn resources() -> &'static [Resource] {
        tools::resource::ALL
    }

    async fn read_resource(&self, uri: &str, _: &Principal) -> Result<Option<String>> {
        tools::resource::read(uri)
    }
}

impl Server {
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Threads for large generations.
    pub(crate) fn pool(&self) -> Option<Arc<rayon::ThreadPool>> {
        self.pool.get()
    }

    pub(crate) fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    pub(crate) fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Of the list of problems.
    pub(crate) fn problem_cursor(&self) -> &Cursor {
        &self.problem_cursor
    }

    /// Of the points of a run.
    pub(crate) fn population_cursor(&self) -> &Cursor {
        &self.population_cursor
    }

    pub(crate) fn problems(&self) -> &Problems {
        &self.problems
    }

    /// Files that callers may name.
    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    pub(crate) fn runs(&self) -> &Runs {
        &self.runs
    }
}
