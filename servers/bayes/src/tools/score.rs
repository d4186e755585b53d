//! `compare_models`.

use std::{collections::BTreeMap, sync::Arc};

use bayes_engine::{
    diagnose::Reason,
    elpd::{self, Elpd, Ranked},
    language::{Model, Replay, Wanted},
    posterior::Posterior,
};
use mcp_core::{Principal, prelude::*};

use super::{
    again::{by_place, model_of, needs_terms, replays, run_of},
    check::unreliable_run,
    engine_version,
    evidence::{self, EvidenceOutput, Found, NullOutput},
    fold,
    summary::{ReasonOutput, said},
};
use crate::{Error, Server, run::Run};

/// Fitted models and how to score them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScoreArgs {
    /// Runs on the same observations, from `fit_model`; one alone is scored.
    #[schemars(length(min = 1, max = 20), inner(length(max = 64)))]
    run_ids: Vec<String>,
    /// `loo`, `waic`, `kfold` (fits again): how well an observation left out is foretold. `bridge`: how probable the data were
    /// (Bayes factors). `savage_dickey`: the same for `null` within each model.
    #[serde(default)]
    criterion: Criterion,
    /// For `kfold`: parts; observation i is left out by the fit i modulo k.
    #[serde(default = "k")]
    #[schemars(range(min = 2, max = 20))]
    k: usize,
    /// For `savage_dickey`: parameters, or elements, and their values under the null hypothesis.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 10))]
    null: BTreeMap<String, f64>,
    /// The generated quantity with one log density for each observation; default `log_lik`, else
    /// the statements.
    #[serde(default = "log_lik")]
    #[schemars(length(min = 1, max = 100))]
    var: String,
    /// Equal seeds give equal figures.
    #[serde(default)]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    seed: u64,
}

/// The usual name of pointwise log densities.
const LOG_LIK: &str = "log_lik";

fn log_lik() -> String {
    LOG_LIK.to_owned()
}

fn k() -> usize {
    10
}

/// A criterion.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Criterion {
    #[default]
    Loo,
    Waic,
    Kfold,
    Bridge,
    SavageDickey,
}

/// Models by how well they foretell or how probable they made the data, the best first.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct ScoreOutput {
    /// The best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    models: Vec<ModelOutput>,
    /// For `bridge`, the best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<EvidenceOutput>,
    /// For `savage_dickey`, in the order of the runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nulls: Vec<NullOutput>,
    /// Observations they were scored on.
    observations: usize,
    /// Largest Pareto k (variance for `waic`) of an observation that is trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound: Option<f64>,
    /// Whether every score holds.
    reliable: bool,
    /// Why not, and what to do.
    reasons: Vec<ReasonOutput>,
    /// What to look at all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<ReasonOutput>,
    /// Seed used.
    seed: u64,
    /// Version of the engine.
    engine_version: String,
}

/// One model.
#[derive(Debug, Serialize, JsonSchema)]
struct ModelOutput {
    /// Its run.
    run_id: String,
    /// Expected log predictive density of all observations; higher is better.
    elpd: f64,
    /// Its standard error.
    se: f64,
    /// Effective number of parameters.
    p: f64,
    /// Score of the best model less its own.
    diff: f64,
    /// Standard error of the difference.
    dse: f64,
    /// Weight in the mixture of the models that foretells best.
    stacking: f64,
    /// Weight by its own score and its uncertainty (pseudo-BMA+).
    pseudo_bma: f64,
    /// Observations above the bound.
    flagged: usize,
    /// The worst of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    worst: Vec<PointOutput>,
}

/// An observation whose score is doubtful.
#[derive(Debug, Serialize, JsonSchema)]
struct PointOutput {
    /// Its number, from 1.
    observation: usize,
    /// Pareto k (variance for `waic`); absent where the weights have no tail to fit.
    k: Option<f64>,
    /// Its log score.
    elpd: f64,
}

/// Doubtful observations shown.
const SHOWN: usize = 10;
/// Difference of scores below which models count as equal (Sivula et al., arXiv 2008.10296).
const SMALL: f64 = 4.0;
/// Observations below which the error of a difference is too small.
const FEW: usize = 100;

#[tool_router(router = score_tools, vis = "pub(crate)")]
impl Server {
    /// Compare fitted models by how well they foretell an observation left out: PSIS-LOO or WAIC with
    /// errors, differences, stacking and pseudo-BMA+ weights, Pareto k with what to do, or k-fold; or by evidence:
    /// marginal likelihoods (bridge sampling) and Bayes factors, Savage-Dickey for a null value. Uses the generated
    /// quantity `log_lik` if there is one, else the model's own `~` statements on data.
    #[tool(
        title = "Compare models",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn compare_models(
        &self,
        Parameters(args): Parameters<ScoreArgs>,
        caller: Principal,
        ct: CancellationToken,
        told: Progress,
    ) -> Result<Json<ScoreOutput>> {
        let mut runs: Vec<Arc<Run>> = Vec::with_capacity(args.run_ids.len());
        for id in &args.run_ids {
            runs.push(run_of(self, &caller, id).await?);
        }
        let (seed, ids) = (args.seed, args.run_ids.clone());
        match args.criterion {
            Criterion::Bridge => {
                let found = evidence::bridged(&ids, runs, seed, &ct).await?;
                let Found { list, observations, reasons } = found;
                let output = ScoreOutput { evidence: list, ..ScoreOutput::default() };
                return Ok(Json(output.ended(observations, reasons, seed)));
            }
            Criterion::SavageDickey => {
                let found = evidence::tested(&ids, runs, args.null, seed, &ct).await?;
                let Found { list, observations, reasons } = found;
                let output = ScoreOutput { nulls: list, ..ScoreOutput::default() };
                return Ok(Json(output.ended(observations, reasons, seed)));
            }
            Criterion::Kfold => {
                let (scores, doubts) = fold::scores(&runs, (args.k, seed), &ct, &told).await?;
                let ranked = elpd::rank(&scores, seed).map_err(Error::from)?;
                let unreliable: Vec<bool> =
                    runs.iter().map(|run| !run.posterior.verdict().is_reliable).collect();
                let output = output(&ids, &scores, &ranked, &unreliable, doubts, seed);
                return Ok(Json(ScoreOutput { bound: None, ..output }));
            }
            Criterion::Loo | Criterion::Waic => {}
        }
        let mut models = Vec::with_capacity(runs.len());
        for run in &runs {
            let own = &run.posterior.variables;
            let is_there = own.iter().any(|variable| variable.name == args.var);
            models.push(if is_there { None } else { Some(model_of(run, &ct).await?) });
        }
        let found = task::compute(&ct, move |cancel| {
            let scores: Vec<Elpd> = runs
                .iter()
                .zip(&models)
                .map(|(run, model)| score(run, model.as_deref(), &args, &|| cancel.is_cancelled()))
                .collect::<Result<_, Error>>()?;
            let ranked = elpd::rank(&scores, args.seed)?;
            let doubts: Vec<bool> =
                runs.iter().map(|run| !run.posterior.verdict().is_reliable).collect();
            Ok::<_, Error>((scores, ranked, doubts))
        });
        let (scores, ranked, doubts) = found.await??;
        Ok(Json(output(&ids, &scores, &ranked, &doubts, Vec::new(), seed)))
    }
}

fn score(
    run: &Run,
    model: Option<&Model>,
    args: &ScoreArgs,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Elpd, Error> {
    let posterior = &run.posterior;
    let columns = pointwise(posterior, model, &args.var, is_cancelled)?;
    let column = |at: usize| columns[at].clone();
    let criterion = match args.criterion {
        Criterion::Waic => elpd::Criterion::Waic,
        _ => elpd::Criterion::Loo,
    };
    let efficiency = posterior.efficiency();
    Ok(elpd::score(criterion, columns.len(), &column, efficiency, is_cancelled)?)
}

/// Log densities of every observation by draw: of the generated quantity, else of the model's statements.
pub(super) fn pointwise(
    posterior: &Posterior,
    model: Option<&Model>,
    var: &str,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Vec<Vec<f64>>, Error> {
    let variable = posterior.variables.iter().find(|variable| variable.name == var);
    if let Some(variable) = variable.filter(|variable| !variable.is_empty()) {
        let places = variable.start..variable.start + variable.len();
        return Ok(places.map(|place| posterior.column(place).concat()).collect());
    }
    let Some(model) = model.filter(|_| var == LOG_LIK) else {
        return Err(Error::NoPointwise { var: var.to_owned() });
    };
    needs_terms(model)?;
    replayed(posterior, model, is_cancelled)
}

/// The same of the model's statements, whatever generated quantities there are.
pub(super) fn replayed(
    posterior: &Posterior,
    model: &Model,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Vec<Vec<f64>>, Error> {
    let again = |(chain, at, numbers): (u32, u32, &[f64])| {
        model.replay(chain, at, numbers, Wanted::default())
    };
    let keep = |replay: Replay| {
        let logs: Vec<f64> =
            replay.outcomes.into_iter().flat_map(|outcome| outcome.log_lik).collect();
        let count = logs.len();
        (logs, count)
    };
    let list = replays(posterior, posterior.draws(), &again, &keep, is_cancelled)?;
    let lists: Vec<&[f64]> = list.iter().map(Vec::as_slice).collect();
    Ok(by_place(&lists))
}

fn output(
    ids: &[String],
    scores: &[Elpd],
    ranked: &[Ranked],
    doubts: &[bool],
    mut reasons: Vec<Reason>,
    seed: u64,
) -> ScoreOutput {
    let models = ranked.iter().map(|rank| ModelOutput::new(ids, scores, rank)).collect();
    let mut warnings = Vec::new();
    for (at, (elpd, is_doubtful)) in scores.iter().zip(doubts).enumerate() {
        let named = |reason: Reason| Reason {
            message: format!("run_ids[{at}]: {}", reason.message),
            ..reason
        };
        reasons.extend(elpd.reason().map(named));
        warnings.extend(elpd.warning().map(named));
        if *is_doubtful {
            reasons.push(named(unreliable_run()));
        }
    }
    let observations = scores.first().map_or(0, |elpd| elpd.points.len());
    warnings.extend(undecided(ranked, observations));
    ScoreOutput {
        models,
        bound: scores.first().map(|elpd| elpd.bound),
        warnings: said(warnings),
        ..ScoreOutput::default()
    }
    .ended(observations, reasons, seed)
}

impl ScoreOutput {
    fn ended(self, observations: usize, reasons: Vec<Reason>, seed: u64) -> Self {
        Self {
            observations,
            reliable: reasons.is_empty(),
            reasons: said(reasons),
            seed,
            engine_version: engine_version(),
            ..self
        }
    }
}

/// Whether the first two models differ at all.
fn undecided(ranked: &[Ranked], observations: usize) -> Option<Reason> {
    let second = ranked.get(1)?;
    let (difference, error) = (second.difference, second.error);
    let found = if difference < SMALL {
        "below 4: the models foretell alike"
    } else if difference < 2.0 * error {
        "less than two errors: which is better is not decided"
    } else if observations < FEW {
        "and its error is taken from fewer than 100 observations: it may be twice as large"
    } else {
        return None;
    };
    Some(Reason {
        code: "undecided",
        message: format!("the first two differ by {difference:.1} (error {error:.1}), {found}"),
        fix: "choose by purpose and simplicity, or mix the models by their stacking weights",
    })
}

impl ModelOutput {
    fn new(ids: &[String], scores: &[Elpd], rank: &Ranked) -> Self {
        let elpd = &scores[rank.place];
        let flagged = elpd.flagged();
        let point = |place: &usize| {
            let point = elpd.points[*place];
            let k = Some(point.spread).filter(|k| k.is_finite());
            PointOutput { observation: place + 1, k, elpd: point.elpd }
        };
        Self {
            run_id: ids[rank.place].clone(),
            elpd: elpd.total,
            se: elpd.error,
            p: elpd.parameters,
            diff: rank.difference,
            dse: rank.error,
            stacking: rank.stacking,
            pseudo_bma: rank.pseudo_bma,
            flagged: flagged.len(),
            worst: flagged.iter().take(SHOWN).map(point).collect(),
        }
    }
}
