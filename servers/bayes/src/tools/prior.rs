//! `check_prior`.

use std::{collections::BTreeMap, sync::Arc};

use bayes_engine::{
    check::sensitivity,
    diagnose::{self, Reason},
    language::{Model, Outcome, Part, Replay, Wanted},
    posterior::{Posterior, run_chain},
    sampler::Settings,
};
use mcp_core::{Principal, prelude::*};
use serde_json::Value;
use tokio::time::{Duration, Instant};

use super::{
    again::{DRAWS, bind, model_of, needs_terms, refused, replays, run_of, whole},
    check::{Stat, StatOutput, checks},
    engine_version,
    model::data,
    summary::{ReasonOutput, Row, rows, said},
};
use crate::{Error, Server, run::Run, store::Source};

/// A model before it meets its data, or a run after.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckPriorArgs {
    /// The model in Stan's language, if there is no run yet.
    #[schemars(length(min = 1, max = 65_536))]
    code: Option<String>,
    /// Its data; outcomes are needed for their number and for comparison only.
    #[serde(default)]
    data: BTreeMap<String, Value>,
    /// A run instead, from `fit_model`: adds how much each parameter depends on prior and data.
    #[schemars(length(max = 64))]
    run_id: Option<String>,
    /// Values of the outcome that could occur at all, `[lowest, highest]`.
    possible: Option<[f64; 2]>,
    /// What data sets are compared by.
    #[serde(default = "stats")]
    #[schemars(length(min = 1, max = 10))]
    stats: Vec<Stat>,
    /// Equal seeds give equal draws.
    #[serde(default)]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    seed: u64,
}

fn stats() -> Vec<Stat> {
    vec![Stat::Mean, Stat::Sd, Stat::Min, Stat::Max]
}

/// What a prior says.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CheckPriorOutput {
    /// First parameters under the prior alone.
    parameters: Vec<Row>,
    /// Data that the prior foretells.
    outcomes: Vec<ForetoldOutput>,
    /// For a run: what moves its parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sensitivity: Vec<SensitivityOutput>,
    /// What to think about.
    findings: Vec<ReasonOutput>,
    /// Whether these figures can be used.
    reliable: bool,
    /// Why not.
    reasons: Vec<ReasonOutput>,
    /// Seed used.
    seed: u64,
    /// Version of the engine.
    engine_version: String,
}

/// An outcome under the prior.
#[derive(Debug, Serialize, JsonSchema)]
struct ForetoldOutput {
    /// Its name.
    name: String,
    /// 1 %, 5 %, 50 %, 95 % and 99 % quantiles of single observations.
    quantiles: [f64; 5],
    /// Share of observations outside of what is possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    share_impossible: Option<f64>,
    /// Statistics of the data beside those of foretold data.
    checks: Vec<StatOutput>,
}

/// How much a parameter moves when prior or likelihood are scaled by a power.
#[derive(Debug, Serialize, JsonSchema)]
struct SensitivityOutput {
    /// The parameter.
    name: String,
    /// By the prior; above 0.05 it matters.
    prior: f64,
    /// By the likelihood.
    likelihood: f64,
    /// `data` (they rule), `conflict` (prior and data pull), `prior` (it rules), `none`.
    diagnosis: &'static str,
}

/// Sensitivity from which a component matters.
const MATTERS: f64 = 0.05;
/// Parameters shown.
const SHOWN: usize = 20;
/// Chains, adapting and kept draws from a prior.
const CHAINS: u32 = 4;
const PRIOR_DRAWS: usize = 500;
/// Draws of each chain that are made whatever their width, and most numbers of all beyond those.
const LEAST_DRAWS: usize = 100;
const MAX_NUMBERS: usize = 8_000_000;
/// Longest sampling of a prior.
pub(super) const SAMPLE_TIME: Duration = Duration::from_secs(40);
/// Share of impossible data from which a prior is too wide.
const TOO_WIDE: f64 = 0.05;

#[tool_router(router = prior_tools, vis = "pub(crate)")]
impl Server {
    /// Check what a prior says before (or after) it meets the data: draws parameters and data from the
    /// prior alone, names priors that are improper, data that are impossible or far from the observed.
    /// With a run: how much each parameter depends on prior and likelihood (power scaling).
    #[tool(
        title = "Check a prior",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn check_prior(
        &self,
        Parameters(args): Parameters<CheckPriorArgs>,
        caller: Principal,
        ct: CancellationToken,
    ) -> Result<Json<CheckPriorOutput>> {
        let run = match &args.run_id {
            Some(id) => Some(run_of(self, &caller, id).await?),
            None => None,
        };
        let given = if run.is_some() == args.code.is_some() {
            let given = if run.is_some() { "both" } else { "none" };
            return Err(Error::OneOf { given, first: "code", second: "run_id", path: "" }.into());
        } else if let Some(run) = &run {
            let Source { code, data } = run.source().await?;
            (code, data)
        } else {
            (args.code.clone().unwrap_or_default(), args.data.clone())
        };
        let given = (given.0, data(given.1).map_err(refused)?);
        let model = bind(given.0, given.1, Part::Prior, args.seed, &ct).await?.map_err(refused)?;
        needs_terms(&model)?;
        let mut output = CheckPriorOutput::new(args.seed);
        let improper = model.improper();
        if improper.is_empty() {
            output.foretell(model, &args, &ct).await?;
        } else {
            output.reasons.extend(said(vec![Reason {
                code: "improper",
                message: format!("{} have no proper prior", improper.join(", ")),
                fix: "give each a prior that falls on both sides; nothing can be drawn before",
            }]));
        }
        if let Some(run) = run {
            output.scale(run, &ct).await?;
        }
        output.reliable = output.reasons.is_empty();
        Ok(Json(output))
    }
}

impl CheckPriorOutput {
    fn new(seed: u64) -> Self {
        Self {
            parameters: Vec::new(),
            outcomes: Vec::new(),
            sensitivity: Vec::new(),
            findings: Vec::new(),
            reliable: false,
            reasons: Vec::new(),
            seed,
            engine_version: engine_version(),
        }
    }

    /// Draws parameters, then data.
    async fn foretell(
        &mut self,
        model: Model,
        args: &CheckPriorArgs,
        ct: &CancellationToken,
    ) -> Result<()> {
        let (seed, stats, possible) = (args.seed, args.stats.clone(), args.possible);
        let until = Instant::now() + SAMPLE_TIME;
        let found = task::compute(ct, move |cancel| {
            let is_over = || cancel.is_cancelled() || Instant::now() >= until;
            let prior = sampled(&model, PRIOR_DRAWS, seed, &is_over)?;
            let again =
                |(chain, at, numbers): (u32, u32, &[f64])| model.replay(chain, at, numbers, DRAWS);
            let is_cancelled = || cancel.is_cancelled();
            let list = replays(&prior, PRIOR_DRAWS, &again, &whole, &is_cancelled)?;
            let places: Vec<(String, usize)> = prior.labels(0).take(SHOWN).collect();
            let parameters = rows(&prior, &places, super::fit::prob())?;
            Ok::<_, Error>((foretold(&list, &stats, possible), parameters, prior.verdict()))
        });
        let ((outcomes, findings), parameters, verdict) = found.await??;
        self.outcomes = outcomes;
        self.findings.extend(said(findings));
        self.parameters = parameters;
        self.reasons.extend(said(verdict.reasons));
        Ok(())
    }

    /// What moves the parameters of a run.
    async fn scale(&mut self, run: Arc<Run>, ct: &CancellationToken) -> Result<()> {
        let model = model_of(&run, ct).await?;
        let found = task::compute(ct, move |cancel| {
            let posterior = &run.posterior;
            let again = |(chain, at, numbers): (u32, u32, &[f64])| {
                model.replay(chain, at, numbers, Wanted::default())
            };
            let all = posterior.draws();
            let list = replays(posterior, all, &again, &sums, &|| cancel.is_cancelled())?;
            Ok::<_, Error>((list.len() == all).then(|| scaled(posterior, &list)))
        });
        match found.await?? {
            Some(list) => {
                let conflicts: Vec<&str> = list
                    .iter()
                    .filter(|entry| entry.diagnosis == "conflict")
                    .map(|entry| entry.name.as_str())
                    .collect();
                if !conflicts.is_empty() {
                    self.findings.extend(said(vec![Reason {
                        code: "conflict",
                        message: format!("prior and data pull {} apart", conflicts.join(", ")),
                        fix: "ask whether the prior means what was intended: its scale, its unit",
                    }]));
                }
                self.sensitivity = list;
            }
            None => self.reasons.extend(said(vec![Reason {
                code: "incomplete",
                message: "not every draw could be replayed in time; no sensitivity".to_owned(),
                fix: "fit with fewer draws, and write vectorised statements",
            }])),
        }
        Ok(())
    }
}

/// Draws of a model in a few chains, one after another.
pub(super) fn sampled(
    model: &Model,
    draws: usize,
    seed: u64,
    is_over: &dyn Fn() -> bool,
) -> Result<Posterior, Error> {
    let most = MAX_NUMBERS / (CHAINS as usize * model.width().max(1));
    let settings = Settings {
        tune: PRIOR_DRAWS,
        draws: draws.min(most.max(LEAST_DRAWS)),
        target_accept: 0.9,
        seed,
        ..Settings::default()
    };
    let chains = (0..CHAINS)
        .map(|number| run_chain(model, &settings, number, &mut |_| {}, is_over))
        .collect::<Result<Vec<_>, _>>()
        .map_err(refused)?;
    Ok(Posterior::new(model, &settings, chains))
}

fn foretold(
    list: &[Replay],
    stats: &[Stat],
    possible: Option<[f64; 2]>,
) -> (Vec<ForetoldOutput>, Vec<Reason>) {
    let (mut outputs, mut findings) = (Vec::new(), Vec::new());
    for at in 0..list.first().map_or(0, |replay| replay.outcomes.len()) {
        let same: Vec<&Outcome> =
            list.iter().filter_map(|replay| replay.outcomes.get(at)).collect();
        let mut all: Vec<f64> =
            same.iter().flat_map(|outcome| outcome.drawn.iter().copied()).collect();
        all.retain(|x| x.is_finite());
        if all.is_empty() {
            continue;
        }
        let name = same[0].name.clone();
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let share_impossible = possible.map(|[low, high]| {
            all.iter().filter(|x| !(low..=high).contains(x)).count() as f64 / all.len() as f64
        });
        if let Some(share) = share_impossible.filter(|share| *share > TOO_WIDE) {
            findings.push(Reason {
                code: "too_wide",
                message: format!("{:.0} % of `{name}` under the prior cannot occur", 100.0 * share),
                fix: "narrow the priors of scales and slopes; think in the unit of the outcome",
            });
        }
        let checks = checks(&same, stats);
        for check in checks.iter().filter(|check| check.is_beyond()) {
            findings.push(check.surprise(&name));
        }
        let quantiles = diagnose::quantiles(&all, [0.01, 0.05, 0.5, 0.95, 0.99]);
        outputs.push(ForetoldOutput { name, quantiles, share_impossible, checks });
    }
    (outputs, findings)
}

/// Log prior and log likelihood of a draw.
#[expect(clippy::needless_pass_by_value, reason = "what a replay is kept as takes it")]
fn sums(replay: Replay) -> ([f64; 2], usize) {
    let likelihood = replay.outcomes.iter().flat_map(|outcome| &outcome.log_lik).sum();
    ([replay.log_prior, likelihood], 2)
}

fn scaled(posterior: &Posterior, list: &[[f64; 2]]) -> Vec<SensitivityOutput> {
    let [prior, likelihood] =
        [0, 1].map(|at| list.iter().map(|sums| sums[at]).collect::<Vec<f64>>());
    let of = |(name, place): (String, usize)| {
        let draws = posterior.column(place).concat();
        let (prior, likelihood) = (sensitivity(&draws, &prior), sensitivity(&draws, &likelihood));
        if !prior.is_finite() || !likelihood.is_finite() {
            return None;
        }
        let diagnosis = match (prior >= MATTERS, likelihood >= MATTERS) {
            (true, true) => "conflict",
            (true, false) => "prior",
            (false, true) => "data",
            (false, false) => "none",
        };
        Some(SensitivityOutput { name, prior, likelihood, diagnosis })
    };
    posterior.labels(0).take(SHOWN).filter_map(of).collect()
}
