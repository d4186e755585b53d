//! The server: its runs, and its facts.

use std::time::Duration;

use mcp_core::{cursor::Cursor, prelude::*};

use crate::{Config, data::Datasets, prompt, resource, run::Runs, tools};

/// Exact Bayesian answers and sampled models.
#[derive(Debug)]
pub struct Server {
    pub(crate) runs: Runs,
    pub(crate) data: Datasets,
    /// Cursors of `summarize_run`.
    pub(crate) rows: Cursor,
    /// Cursors of `get_draws`.
    pub(crate) draws: Cursor,
    /// Cursors of `list_runs`.
    pub(crate) listed_runs: Cursor,
    /// Cursors of `list_data`.
    pub(crate) listed_data: Cursor,
}

/// Above the longest time that binding a model takes.
const BIND_DEADLINE: Duration = Duration::from_secs(70);
/// Binding, and then replays of draws or an approximation.
const RUN_DEADLINE: Duration = Duration::from_secs(120);

impl McpServer for Server {
    const FACTS: Facts =
        Facts::new(&fleet::BAYES, env!("CARGO_PKG_VERSION"), include_str!("../README.md"));

    type Config = Config;

    async fn start(config: Config, context: StartContext) -> Result<Self, StartError> {
        let (runs, data) = (Runs::open(&context, &config)?, Datasets::open(&context, &config)?);
        runs.sweep(&data);
        let key = context.state_key()?;
        Ok(Self {
            runs,
            data,
            rows: key.cursor("summarize_run", 1),
            draws: key.cursor("get_draws", 1),
            listed_runs: key.cursor("list_runs", 1),
            listed_data: key.cursor("list_data", 1),
        })
    }

    async fn stop(&self) {
        self.runs.park().await;
    }

    fn tools() -> ToolRouter<Self> {
        tools::router()
    }

    fn toolsets() -> &'static [Toolset] {
        const CORE: Toolset = Toolset {
            name: "core",
            purpose: "exact answers (Bayes' rule, conjugate updates, A/B and group tests), regression by formula, and \
                      models in Stan's language",
            tools: &[
                "analyze_ab_test",
                "apply_bayes_rule",
                "check_model",
                "compare_groups",
                "diagnose_run",
                "fit_model",
                "fit_regression",
                "summarize_run",
                "update_conjugate",
            ],
        };
        const RUNS: Toolset = Toolset {
            name: "runs",
            purpose: "models with data that stay, long runs, their draws: check, fit, watch, stop, delete",
            tools: &[
                "cancel_run",
                "check_model",
                "delete_objects",
                "diagnose_run",
                "fit_model",
                "get_draws",
                "list_data",
                "list_runs",
                "register_data",
                "summarize_run",
            ],
        };
        const WORKFLOW: Toolset = Toolset {
            name: "workflow",
            purpose: "priors drawn up; models compared, checked and looked at; tests planned",
            tools: &[
                "approximate_model",
                "calibrate_model",
                "check_fit",
                "check_prior",
                "compare_models",
                "design_ab_test",
                "elicit_prior",
                "evaluate_distribution",
                "fit_regression",
                "plot_run",
                "predict_outcome",
            ],
        };
        &[CORE, RUNS, WORKFLOW]
    }

    fn policy(tool: &str) -> CallPolicy {
        match tool {
            // Half a millisecond and more of quadrature or search; the others cost what a look-up does.
            "analyze_ab_test" | "compare_groups" | "elicit_prior" => CallPolicy::new().cache(KEPT),
            "check_model" => CallPolicy::new().deadline(BIND_DEADLINE),
            "approximate_model" | "check_fit" | "check_prior" | "plot_run" | "predict_outcome" => {
                CallPolicy::new().deadline(RUN_DEADLINE)
            }
            "design_ab_test" => CallPolicy::new().deadline(RUN_DEADLINE).cache(KEPT),
            "calibrate_model" | "compare_models" | "fit_model" => CallPolicy::new()
                .deadline(CallPolicy::MAX_DEADLINE)
                .weight(5)
                .task(TaskSupport::Optional),
            "fit_regression" => CallPolicy::new().deadline(CallPolicy::MAX_DEADLINE).weight(5),
            _ => CallPolicy::new(),
        }
    }

    fn instructions() -> &'static str {
        "Bayesian answers. Exact where a closed form exists: Bayes' rule, conjugate updates, A/B tests, \
         Bayes factors of group comparisons, 50 distributions, priors from quantiles. Any other model: \
         write it in Stan's language, check_model, fit_model (NUTS, no compiler), then summarize_run and \
         diagnose_run. Use no figure whose `reliable` is false before its `reasons` are dealt with."
    }

    fn prompts() -> &'static [Prompt] {
        prompt::ALL
    }

    fn resources() -> &'static [Resource] {
        resource::ALL
    }

    async fn read_resource(&self, uri: &str, _: &Principal) -> Result<Option<String>> {
        Ok(resource::read(uri))
    }
}

/// How long an answer is kept. It stays right; memory is what it costs.
const KEPT: Duration = Duration::from_secs(600);
