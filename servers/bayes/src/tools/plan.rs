//! `design_ab_test`.

use bayes_engine::{
    ab::design::{self, Chances, Design, Plan, Rule},
    conjugate::BetaPrior,
    diagnose::Reason,
};
use mcp_core::prelude::*;

use super::{
    ab::PriorArg,
    engine_version,
    summary::{ReasonOutput, said},
};
use crate::{Error, Server};

/// What is expected of a test, and what it must show.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DesignArgs {
    /// Expected success rate of the control.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0))]
    baseline: f64,
    /// Trials that knowledge of it is worth; default: it is known.
    #[schemars(range(min = 2.0, max = 1e9))]
    baseline_trials: Option<f64>,
    /// Expected rate of the variant less that of the control: 5 % to 6 % is 0.01.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0))]
    effect: f64,
    /// Its uncertainty, a standard deviation; 0 gives the power at exactly `effect`.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    effect_sd: f64,
    /// What ships the variant: `loss` as in `analyze_ab_test`, or its probability of being better.
    #[serde(default)]
    rule: RuleArg,
    /// For `loss`: expected loss of rate up to which it is shipped.
    #[serde(default = "loss_threshold")]
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0))]
    loss_threshold: f64,
    /// For `probability`: the least probability.
    #[serde(default = "threshold")]
    #[schemars(range(min = 0.5, max = 0.9999))]
    threshold: f64,
    /// Beta prior of both rates in the analysis to come.
    #[serde(default)]
    prior: PriorArg,
    /// Wanted chance that the variant is shipped.
    #[serde(default = "assurance")]
    #[schemars(range(min = 0.01, max = 0.999))]
    assurance: f64,
    /// Most trials of one arm.
    #[serde(default = "max_n")]
    #[schemars(range(min = 1, max = 10_000_000))]
    max_n: u64,
}

fn loss_threshold() -> f64 {
    0.001
}

fn threshold() -> f64 {
    0.95
}

fn assurance() -> f64 {
    0.8
}

fn max_n() -> u64 {
    1_000_000
}

/// What ships a variant.
#[derive(Debug, Default, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum RuleArg {
    #[default]
    Loss,
    Probability,
}

/// How large the test must be.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DesignOutput {
    /// The least number of trials in each of the two arms; absent beyond `max_n`.
    #[serde(skip_serializing_if = "Option::is_none")]
    n_per_arm: Option<u64>,
    /// Chances with these trials.
    #[serde(skip_serializing_if = "Option::is_none")]
    chances: Option<ChancesOutput>,
    /// Chances with fewer and more.
    curve: Vec<ChancesOutput>,
    /// P(the variant is better at all) under what is expected: no number of trials exceeds it much.
    p_better: f64,
    /// Whether there is such a number.
    reliable: bool,
    /// Why not, and what to do.
    reasons: Vec<ReasonOutput>,
    /// What to look at all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<ReasonOutput>,
    /// Version of the engine.
    engine_version: String,
}

/// Chances of a test.
#[derive(Debug, Serialize, JsonSchema)]
struct ChancesOutput {
    /// Trials of one arm.
    n: u64,
    /// That the variant is shipped.
    p_ship: f64,
    /// That it is shipped although both are equal.
    p_ship_if_equal: f64,
    /// That it is shipped although it is worse by `effect`.
    p_ship_if_worse: f64,
}

impl From<Chances> for ChancesOutput {
    fn from(chances: Chances) -> Self {
        Self {
            n: chances.n,
            p_ship: chances.ship,
            p_ship_if_equal: chances.ship_if_equal,
            p_ship_if_worse: chances.ship_if_worse,
        }
    }
}

/// Chance of shipping an equal variant from which that is said.
const LOOSE: f64 = 0.1;

#[tool_router(router = plan_tools, vis = "pub(crate)")]
impl Server {
    /// Plan an A/B test of success rates: the least number of trials in each arm with which a variant as
    /// good as expected is shipped with the wanted chance (power, or assurance if baseline or effect are
    /// uncertain), what an equal or worse variant would do, and a curve. Sums over outcomes; no simulation.
    #[tool(
        title = "Plan an A/B test",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn design_ab_test(
        &self,
        Parameters(args): Parameters<DesignArgs>,
        ct: CancellationToken,
    ) -> Result<Json<DesignOutput>> {
        let plan = args.plan();
        let found =
            task::compute(&ct, move |cancel| design::design(&plan, &|| cancel.is_cancelled()));
        let design = found.await?.map_err(Error::from)?;
        Ok(Json(output(&plan, &design)))
    }
}

impl DesignArgs {
    fn plan(&self) -> Plan {
        Plan {
            baseline: self.baseline,
            baseline_trials: self.baseline_trials,
            effect: self.effect,
            effect_sd: self.effect_sd,
            rule: match self.rule {
                RuleArg::Loss => Rule::Loss(self.loss_threshold),
                RuleArg::Probability => Rule::Probability(self.threshold),
            },
            prior: BetaPrior { alpha: self.prior.alpha, beta: self.prior.beta },
            assurance: self.assurance,
            max_n: self.max_n,
        }
    }
}

fn output(plan: &Plan, design: &Design) -> DesignOutput {
    let reasons = beyond(plan, design).into_iter().collect::<Vec<_>>();
    let warnings = design.found.and_then(|found| loose(&found)).into_iter().collect();
    DesignOutput {
        n_per_arm: design.found.map(|found| found.n),
        chances: design.found.map(ChancesOutput::from),
        curve: design.curve.iter().copied().map(ChancesOutput::from).collect(),
        p_better: design.better,
        reliable: reasons.is_empty(),
        reasons: said(reasons),
        warnings: said(warnings),
        engine_version: engine_version(),
    }
}

/// Why there is no number.
fn beyond(plan: &Plan, design: &Design) -> Option<Reason> {
    if design.found.is_some() {
        return None;
    }
    let reached = design.curve.last().map_or(0.0, |last| last.ship);
    let message = format!(
        "with {} trials an arm the variant is shipped in {:.1} % of tests, less than {:.1} %",
        plan.max_n,
        100.0 * reached,
        100.0 * plan.assurance
    );
    let fix = if design.better < plan.assurance {
        "no number of trials suffices: the variant is not that likely to be better; ask for less assurance than \
         p_better, or for the power at a fixed effect (effect_sd 0)"
    } else {
        "ask for a larger effect, a larger loss_threshold or lower threshold, less assurance, or allow more trials"
    };
    Some(Reason { code: "out_of_reach", message, fix })
}

/// A rule that ships what is no better.
fn loose(found: &Chances) -> Option<Reason> {
    (found.ship_if_equal > LOOSE).then(|| Reason {
        code: "loose_rule",
        message: format!(
            "a variant that is equal is shipped in {:.0} % of tests",
            100.0 * found.ship_if_equal
        ),
        fix: "right if a change costs nothing; else lower loss_threshold, or use rule probability",
    })
}
