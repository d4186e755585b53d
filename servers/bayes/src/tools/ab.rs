//! `analyze_ab_test`.

use bayes_engine::{
    ab::{self, Action, Analysis, Question},
    conjugate::{BetaPrior, Counts},
};
use mcp_core::prelude::*;

use super::engine_version;
use crate::{Error, Server, label::label};

/// How far probabilities of being best may be from 1 in sum.
const MAX_DEFECT: f64 = 1e-9;

/// Counts of each arm and what matters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AbArgs {
    /// What is measured: binary = successes among trials.
    #[serde(default)]
    metric: Metric,
    /// The control first, then its variants.
    #[schemars(length(min = 2, max = 20))]
    arms: Vec<ArmArg>,
    /// Beta prior of every arm's rate; uniform by default, Jeffreys is 0.5, 0.5.
    #[serde(default)]
    prior: PriorArg,
    /// Differences from the control that do not matter, e.g. [-0.001, 0.001].
    #[schemars(inner(range(min = -1.0, max = 1.0)))]
    rope: Option<[f64; 2]>,
    /// Expected loss of rate up to which an arm may be chosen.
    #[serde(default = "loss_threshold")]
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0))]
    loss_threshold: f64,
    /// Mass of the intervals.
    #[serde(default = "level")]
    #[schemars(range(min = 0.01, max = 0.9999))]
    level: f64,
}

fn loss_threshold() -> f64 {
    0.001
}

fn level() -> f64 {
    0.95
}

/// What is measured.
#[derive(Debug, Default, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Metric {
    #[default]
    Binary,
}

/// One arm.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ArmArg {
    /// Default: control, `variant_1`, ..
    #[schemars(length(max = 64))]
    name: Option<String>,
    /// Successes among the trials.
    #[schemars(range(max = 1_000_000_000))]
    successes: u64,
    /// Trials, successes included.
    #[schemars(range(max = 1_000_000_000))]
    trials: u64,
}

/// A beta prior.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PriorArg {
    /// Pseudo-successes, 0.1 to 1e9.
    pub(super) alpha: f64,
    /// Pseudo-failures, 0.1 to 1e9.
    pub(super) beta: f64,
}

impl Default for PriorArg {
    fn default() -> Self {
        Self { alpha: 1.0, beta: 1.0 }
    }
}

/// What the data say, lists in the order of the arms.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AbOutput {
    /// What to do.
    decision: DecisionOutput,
    /// P(rate is the highest).
    p_best: Vec<f64>,
    /// Expected shortfall from the highest rate if this arm is chosen.
    expected_loss: Vec<f64>,
    /// Rate of each arm.
    rates: Vec<RateOutput>,
    /// Each variant against the control.
    lift: Vec<LiftOutput>,
    /// P(difference from the control lies in rope), for each variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    p_in_rope: Option<Vec<f64>>,
    /// Prior used.
    prior: PriorArg,
    /// Whether the figures can be used as they are.
    reliable: bool,
    /// What to be careful about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    /// Version of the algorithms.
    engine_version: String,
}

/// What to do.
#[derive(Debug, Serialize, JsonSchema)]
struct DecisionOutput {
    /// ship = take the variant `arm`; keep = the control; equivalent = either; continue = undecided.
    action: ActionWord,
    /// Index of the arm with the least expected loss.
    arm: usize,
    /// Its name.
    name: String,
    /// The rule that led there.
    reason: String,
}

/// What to do, in a word.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ActionWord {
    Ship,
    Keep,
    Equivalent,
    Continue,
}

/// Posterior of one arm's rate.
#[derive(Debug, Serialize, JsonSchema)]
struct RateOutput {
    /// Its name.
    name: String,
    /// Mean.
    mean: f64,
    /// Equal-tailed interval.
    interval: [f64; 2],
}

/// One variant against the control.
#[derive(Debug, Serialize, JsonSchema)]
struct LiftOutput {
    /// Its name.
    name: String,
    /// P(rate above the control's).
    p_better: f64,
    /// Mean of variant - control.
    absolute: f64,
    /// Equal-tailed interval of variant - control.
    absolute_interval: [f64; 2],
    /// Mean of variant / control - 1; absent where infinite.
    #[serde(skip_serializing_if = "Option::is_none")]
    relative: Option<f64>,
    /// Equal-tailed interval of variant / control - 1.
    relative_interval: [f64; 2],
}

#[tool_router(router = ab_tools, vis = "pub(crate)")]
impl Server {
    /// Compare success rates of 2 to 20 arms exactly: probability of being best, expected loss, lift
    /// against the first arm with intervals, practical equivalence, and a decision by expected loss.
    #[tool(
        title = "Analyze an A/B test",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn analyze_ab_test(
        &self,
        Parameters(args): Parameters<AbArgs>,
        ct: CancellationToken,
    ) -> Result<Json<AbOutput>> {
        let (names, prior, question) = args.question();
        let (question, analysis) = task::compute(&ct, move |cancel| {
            let analysis = ab::analyze(&question, &|| cancel.is_cancelled());
            (question, analysis)
        })
        .await?;
        let analysis = analysis.map_err(Error::from)?;
        Ok(Json(present(names, prior, &question, analysis)))
    }
}

impl AbArgs {
    fn question(self) -> (Vec<String>, PriorArg, Question) {
        let Metric::Binary = self.metric;
        let (names, arms) = self
            .arms
            .into_iter()
            .enumerate()
            .map(|(index, ArmArg { name, successes, trials })| {
                (label(name, || default_name(index)), Counts { successes, trials })
            })
            .unzip();
        let PriorArg { alpha, beta } = self.prior;
        let question = Question {
            arms,
            prior: BetaPrior { alpha, beta },
            rope: self.rope,
            loss_threshold: self.loss_threshold,
            level: self.level,
        };
        (names, self.prior, question)
    }
}

fn default_name(index: usize) -> String {
    if index == 0 { "control".to_owned() } else { format!("variant_{index}") }
}

fn present(
    names: Vec<String>,
    prior: PriorArg,
    question: &Question,
    analysis: Analysis,
) -> AbOutput {
    let (reliable, reasons) = caution(&names, question, &analysis);
    let p_in_rope =
        question.rope.map(|_| analysis.lift.iter().filter_map(|lift| lift.p_in_rope).collect());
    let lift = names
        .iter()
        .skip(1)
        .zip(&analysis.lift)
        .map(|(name, lift)| LiftOutput {
            name: name.clone(),
            p_better: lift.p_better,
            absolute: lift.difference,
            absolute_interval: lift.difference_interval,
            relative: lift.relative,
            relative_interval: lift.relative_interval,
        })
        .collect();
    AbOutput {
        decision: decision(&names, question, &analysis),
        p_best: analysis.p_best,
        expected_loss: analysis.expected_loss,
        rates: names
            .into_iter()
            .zip(analysis.rates)
            .map(|(name, rate)| RateOutput { name, mean: rate.mean, interval: rate.interval })
            .collect(),
        lift,
        p_in_rope,
        prior,
        reliable,
        reasons,
        engine_version: engine_version(),
    }
}

fn decision(names: &[String], question: &Question, analysis: &Analysis) -> DecisionOutput {
    let ab::Decision { action, arm, expected_loss } = analysis.decision;
    let threshold = question.loss_threshold;
    let (action, reason) = match action {
        Action::Ship => (
            ActionWord::Ship,
            format!("expected loss {expected_loss:.2e} <= threshold {threshold}"),
        ),
        Action::Keep => (
            ActionWord::Keep,
            format!("expected loss of the control {expected_loss:.2e} <= threshold {threshold}"),
        ),
        Action::Equivalent => (
            ActionWord::Equivalent,
            format!("P(difference from the control lies in rope) >= {}", ab::EQUIVALENT),
        ),
        Action::Continue => (
            ActionWord::Continue,
            format!("least expected loss {expected_loss:.2e} > threshold {threshold}"),
        ),
    };
    DecisionOutput { action, arm, name: names[arm].clone(), reason }
}

fn caution(names: &[String], question: &Question, analysis: &Analysis) -> (bool, Vec<String>) {
    let mut reasons = Vec::new();
    for (name, arm) in names.iter().zip(&question.arms) {
        if arm.trials == 0 {
            reasons.push(format!("empty_group: {name} has no trials, its figures are the prior's"));
        }
    }
    if analysis.defect > MAX_DEFECT {
        reasons.push(format!("numeric: p_best sums to 1 only within {:.1e}", analysis.defect));
    }
    let reliable = reasons.is_empty();
    for (name, arm) in names.iter().zip(&question.arms) {
        if arm.trials > 0 && (arm.successes == 0 || arm.successes == arm.trials) {
            let all = if arm.successes == 0 { "no" } else { "every" };
            reasons.push(format!(
                "constant_outcome: {all} trial of {name} is a success, the prior weighs on its rate"
            ));
        }
    }
    (reliable, reasons)
}
