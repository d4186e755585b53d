//! `check_fit`.

use bayes_engine::{
    check::{self, Statistic},
    diagnose::Reason,
    language::{Outcome, Replay},
    psis,
};
use mcp_core::{Principal, prelude::*};

use super::{
    again::{DRAWS, by_place, model_of, needs_terms, replays, run_of, whole},
    engine_version,
    summary::{ReasonOutput, said},
};
use crate::{Error, Server};

/// A run and what to look at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckFitArgs {
    /// The run, from `fit_model`.
    #[schemars(length(max = 64))]
    run_id: String,
    /// What data sets are compared by.
    #[serde(default = "stats")]
    #[schemars(length(min = 1, max = 10))]
    stats: Vec<Stat>,
    /// Replicated data sets.
    #[serde(default = "replications")]
    #[schemars(range(min = 100, max = 4000))]
    n_rep: usize,
}

fn stats() -> Vec<Stat> {
    vec![Stat::Mean, Stat::Sd, Stat::Min, Stat::Max]
}

fn replications() -> usize {
    1000
}

/// A number that a data set is summed up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Stat {
    Mean,
    Sd,
    Min,
    Max,
    Median,
    Q05,
    Q95,
    Skewness,
    Zeros,
    Lag1,
}

impl From<Stat> for Statistic {
    fn from(stat: Stat) -> Self {
        match stat {
            Stat::Mean => Self::Mean,
            Stat::Sd => Self::Sd,
            Stat::Min => Self::Min,
            Stat::Max => Self::Max,
            Stat::Median => Self::Median,
            Stat::Q05 => Self::Q05,
            Stat::Q95 => Self::Q95,
            Stat::Skewness => Self::Skewness,
            Stat::Zeros => Self::Zeros,
            Stat::Lag1 => Self::Lag1,
        }
    }
}

/// Whether the model could have made its data.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CheckFitOutput {
    /// Whether nothing speaks against it.
    fits: bool,
    /// Where data and model disagree, and what to try.
    misfits: Vec<ReasonOutput>,
    /// One for each variable of data that the model gives a distribution.
    outcomes: Vec<OutcomeOutput>,
    /// Replicated data sets used.
    n_rep: usize,
    /// Whether these figures can be used.
    reliable: bool,
    /// Why not.
    reasons: Vec<ReasonOutput>,
    /// Seed used.
    seed: u64,
    /// Version of the engine.
    engine_version: String,
}

/// A variable of data beside its replications.
#[derive(Debug, Serialize, JsonSchema)]
struct OutcomeOutput {
    /// Its name.
    name: String,
    /// Its observations.
    observations: usize,
    /// One for each statistic.
    checks: Vec<StatOutput>,
    /// Ranks of the observations under the posterior without them; absent for multivariate outcomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    loo_pit: Option<PitOutput>,
}

/// A statistic.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StatOutput {
    /// Which.
    stat: Stat,
    /// Of the data.
    observed: f64,
    /// 5 %, 50 % and 95 % quantiles of the replications.
    quantiles: [f64; 3],
    /// Share of the replications above the data, ties by half; near 0 or 1 is a misfit.
    tail_p: f64,
}

/// Whether ranks are uniform.
#[derive(Debug, Serialize, JsonSchema)]
struct PitOutput {
    /// Largest gap to the uniform distribution function.
    gap: f64,
    /// Probability of a gap as large.
    p: f64,
    /// Share of the ranks below 0.05 and above 0.95 together; 0.1 is expected.
    tails: f64,
    /// Observations whose rank is doubtful for their Pareto k.
    flagged: usize,
}

/// Probability of a tail on either side below which a statistic is a misfit.
const TAIL: f64 = 0.025;
/// Probability below which ranks are not uniform.
const UNIFORM: f64 = 0.01;
/// Observations from which ranks are judged.
const RANKED: usize = 20;

#[tool_router(router = check_tools, vis = "pub(crate)")]
impl Server {
    /// Check whether a fitted model could have made its data: statistics of replicated data beside the
    /// observed, ranks of each observation under the posterior without it (LOO-PIT). Replications
    /// come from the model's own `~` statements; no generated quantities are needed.
    #[tool(
        title = "Check a fit",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn check_fit(
        &self,
        Parameters(args): Parameters<CheckFitArgs>,
        caller: Principal,
        ct: CancellationToken,
    ) -> Result<Json<CheckFitOutput>> {
        let run = run_of(self, &caller, &args.run_id).await?;
        let model = model_of(&run, &ct).await?;
        needs_terms(&model)?;
        let seed = run.seed;
        let found = task::compute(&ct, move |cancel| {
            let posterior = &run.posterior;
            let again =
                |(chain, at, numbers): (u32, u32, &[f64])| model.replay(chain, at, numbers, DRAWS);
            let list = replays(posterior, args.n_rep, &again, &whole, &|| cancel.is_cancelled())?;
            let efficiency = posterior.efficiency();
            let verdict = posterior.verdict();
            Ok::<_, Error>((outcomes(&list, &args.stats, efficiency, seed), list.len(), verdict))
        });
        let ((outcomes, misfits, doubts), n_rep, verdict) = found.await??;
        let mut reasons = doubts;
        if !verdict.is_reliable {
            reasons.push(unreliable_run());
        }
        Ok(Json(CheckFitOutput {
            fits: misfits.is_empty(),
            misfits: said(misfits),
            outcomes,
            n_rep,
            reliable: reasons.is_empty(),
            reasons: said(reasons),
            seed,
            engine_version: engine_version(),
        }))
    }
}

pub(super) fn unreliable_run() -> Reason {
    Reason {
        code: "unreliable_run",
        message: "the draws themselves are not reliable".to_owned(),
        fix: "see diagnose_run, and fit it again",
    }
}

/// Outcomes, misfits, doubts.
fn outcomes(
    list: &[Replay],
    stats: &[Stat],
    efficiency: f64,
    seed: u64,
) -> (Vec<OutcomeOutput>, Vec<Reason>, Vec<Reason>) {
    let (mut outputs, mut misfits, mut doubts) = (Vec::new(), Vec::new(), Vec::new());
    let count = list.first().map_or(0, |replay| replay.outcomes.len());
    for at in 0..count {
        let same: Vec<&Outcome> =
            list.iter().filter_map(|replay| replay.outcomes.get(at)).collect();
        let name = same[0].name.clone();
        if !same.iter().all(|outcome| outcome.is_drawable()) {
            doubts.push(Reason {
                code: "not_drawable",
                message: format!("the distribution of `{name}` cannot be drawn from"),
                fix: "define the same distribution as a function that ends in _rng",
            });
            continue;
        }
        let checks = checks(&same, stats);
        misfits.extend(checks.iter().filter_map(|check| misfit(&name, check)));
        let is_single = same[0].log_lik.len() == same[0].observed.len();
        let loo_pit = is_single.then(|| ranks(&same, efficiency, seed));
        if let Some(pit) = &loo_pit {
            misfits.extend(crowded(&name, pit, same[0].observed.len()));
        }
        let observations = same[0].log_lik.len();
        outputs.push(OutcomeOutput { name, observations, checks, loo_pit });
    }
    (outputs, misfits, doubts)
}

/// Statistics of an outcome beside those of its replications; those without a value are left out.
pub(super) fn checks(same: &[&Outcome], stats: &[Stat]) -> Vec<StatOutput> {
    let of = |stat: &Stat| {
        let statistic = Statistic::from(*stat);
        let replicated: Vec<f64> =
            same.iter().map(|outcome| statistic.of(&outcome.drawn)).collect();
        let found = check::place(statistic.of(&same[0].observed), &replicated);
        let is_known = found.observed.is_finite() && found.count > 0;
        is_known.then_some(StatOutput {
            stat: *stat,
            observed: found.observed,
            quantiles: found.quantiles,
            tail_p: found.tail,
        })
    };
    stats.iter().filter_map(of).collect()
}

impl StatOutput {
    /// Whether foretold data never come near the observed.
    pub(super) fn is_beyond(&self) -> bool {
        !(0.005..=0.995).contains(&self.tail_p)
    }

    /// Words on that.
    pub(super) fn surprise(&self, name: &str) -> Reason {
        let [low, _, high] = self.quantiles;
        Reason {
            code: "surprise",
            message: format!(
                "{:?} of `{name}` is {:.4}; under the prior it is {low:.4} to {high:.4}",
                self.stat, self.observed
            ),
            fix: "the prior all but excludes data like these: check its centre, scale and unit",
        }
    }
}

fn misfit(name: &str, check: &StatOutput) -> Option<Reason> {
    let is_off = check.tail_p < TAIL || check.tail_p > 1.0 - TAIL;
    let [low, _, high] = check.quantiles;
    let fix = match check.stat {
        Stat::Mean | Stat::Median => "add the predictor or the group that moves the centre",
        Stat::Sd | Stat::Q05 | Stat::Q95 => {
            "let the scale be free, or differ by group; for counts try neg_binomial_2"
        }
        Stat::Min | Stat::Max => {
            "use heavier tails (student_t), or look at the extreme observations"
        }
        Stat::Skewness => "model the outcome on a log scale, or by a skewed family",
        Stat::Zeros => "give zeros a probability of their own",
        Stat::Lag1 => "neighbours depend on each other: add a trend or an autoregression",
    };
    is_off.then(|| Reason {
        code: "misfit",
        message: format!(
            "{:?} of `{name}` is {:.4}, that of replicated data {low:.4} to {high:.4}",
            check.stat, check.observed
        ),
        fix,
    })
}

fn ranks(same: &[&Outcome], efficiency: f64, seed: u64) -> PitOutput {
    let drawn: Vec<&[f64]> = same.iter().map(|outcome| outcome.drawn.as_slice()).collect();
    let logs: Vec<&[f64]> = same.iter().map(|outcome| outcome.log_lik.as_slice()).collect();
    let observed = &same[0].observed;
    let ties = check::uniforms(seed, observed.len());
    let bound = psis::max_shape(same.len());
    let mut flagged = 0;
    let mut found = Vec::with_capacity(observed.len());
    let places = by_place(&drawn).into_iter().zip(by_place(&logs));
    for ((drawn, logs), (y, tie)) in places.zip(observed.iter().zip(ties)) {
        let (rank, shape) = check::left_out_rank(*y, &drawn, &logs, efficiency, tie);
        flagged += usize::from(shape > bound);
        found.push(rank);
    }
    let (gap, p) = check::uniformity(&found);
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let tails = found.iter().filter(|rank| **rank < 0.05 || **rank > 0.95).count() as f64
        / found.len().max(1) as f64;
    PitOutput { gap, p, tails, flagged }
}

fn crowded(name: &str, pit: &PitOutput, count: usize) -> Option<Reason> {
    (count >= RANKED && pit.p < UNIFORM).then(|| Reason {
        code: "calibration",
        message: format!(
            "ranks of `{name}` under the posterior without each observation are not uniform (p {:.2e}, {:.0} % in \
             the outer tenth)",
            pit.p,
            100.0 * pit.tails
        ),
        fix: if pit.tails > 0.15 {
            "predictions are too narrow: heavier tails, or a scale that differs by group"
        } else if pit.tails < 0.06 {
            "predictions are too wide: a likelihood with lighter tails, or predictors that explain more"
        } else {
            "predictions lean to one side: look for a missing predictor or a skewed outcome"
        },
    })
}
