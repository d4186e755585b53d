//! The server: stateless, every answer is a function of its arguments.

use std::time::Duration;

use mcp_core::prelude::*;

use crate::{Config, tools};

/// Exact Bayesian updates, tests and A/B decisions.
#[derive(Debug)]
#[non_exhaustive]
pub struct Server;

impl McpServer for Server {
    const FACTS: Facts =
        Facts::new(&fleet::BAYES, env!("CARGO_PKG_VERSION"), include_str!("../README.md"));

    type Config = Config;

    async fn start(_config: Config, _context: StartContext) -> Result<Self, StartError> {
        Ok(Self)
    }

    fn tools() -> ToolRouter<Self> {
        tools::router()
    }

    fn toolsets() -> &'static [Toolset] {
        &[Toolset {
            name: "core",
            purpose: "exact answers: Bayes' rule, conjugate updates, A/B and group tests, distributions, priors",
            tools: &[
                "analyze_ab_test",
                "apply_bayes_rule",
                "compare_groups",
                "elicit_prior",
                "evaluate_distribution",
                "update_conjugate",
            ],
        }]
    }

    fn policy(tool: &str) -> CallPolicy {
        match tool {
            // Half a millisecond and more of quadrature or search; the others cost what a look-up does.
            "analyze_ab_test" | "compare_groups" | "elicit_prior" => CallPolicy::new().cache(KEPT),
            _ => CallPolicy::new(),
        }
    }

    fn instructions() -> &'static str {
        "Exact Bayesian answers without simulation: Bayes' rule for hypotheses and diagnostic tests, \
         conjugate updates with prediction and evidence, A/B tests of success rates, Bayes factors of \
         group comparisons, 50 distributions and priors elicited from quantiles. Figures are computed to \
         about 12 digits; `reliable` and `reasons` say where to be careful."
    }

    fn prompts() -> &'static [Prompt] {
        PROMPTS
    }
}

/// How long an answer is kept. It stays right; memory is what it costs.
const KEPT: Duration = Duration::from_secs(600);

const PROMPTS: &[Prompt] = &[Prompt {
    name: "ab_decision",
    title: "Decide an A/B test",
    description: "From counts to a decision that names its risk: analyse, check, recommend.",
    arguments: &[
        PromptArgument {
            name: "results",
            description: "Successes and trials of each arm, control first: A 120/2400, B 156/2380.",
            required: true,
            values: &[],
        },
        PromptArgument {
            name: "goal",
            description: "What a success is, and what the change costs.",
            required: false,
            values: &[],
        },
        PromptArgument {
            name: "tolerable_loss",
            description: "Rate one can afford to lose by a wrong choice, as a fraction.",
            required: false,
            values: &["0.0001", "0.0005", "0.001", "0.005", "0.01"],
        },
    ],
    template: "Decide this A/B test.\n\nResults (successes/trials, control first): {results}\nGoal: \
        {goal}\nTolerable loss: {tolerable_loss} (0.001 if this is empty)\n\n1. Check the counts: \
        successes never exceed trials; ask if it is unclear which arm is the control or whether the \
        same person was counted twice.\n2. Call analyze_ab_test with metric binary, the arms in that \
        order, loss_threshold = the tolerable loss and, if a difference too small to matter is known, \
        rope = [-that, that].\n3. Report in this order: the decision and its expected loss; the \
        probability that each arm is best; the lift against the control with its interval, absolute \
        in percentage points and relative; every entry of reasons.\n4. Repeat the call with prior \
        alpha = beta = 0.5 and say whether the decision depends on the prior.\n5. If the action \
        is continue, say which arm leads, what is still at risk and that further data may change it; \
        do not call a difference real because its probability exceeds 95 %.",
}];
