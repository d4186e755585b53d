//! `summarize_run` and `diagnose_run`.

use bayes_engine::{
    diagnose::{Reason, energy_fraction},
    posterior::Posterior,
};
use mcp_core::{Principal, prelude::*};

use super::{SamplerOutput, engine_version, fit::prob, model::is_wanted};
use crate::{Error, Server};

/// Which quantities of a run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SummarizeArgs {
    /// The run, from `fit_model`.
    #[schemars(length(max = 64))]
    run_id: String,
    /// Variables (`theta`) or elements (`theta[2]`); default all, generated quantities last.
    #[serde(default)]
    #[schemars(length(max = 100), inner(length(max = 100)))]
    vars: Vec<String>,
    /// Mass of the intervals.
    #[serde(default = "prob")]
    #[schemars(range(min = 0.01, max = 0.9999))]
    prob: f64,
    /// Rows of a page.
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: usize,
    /// `next_cursor` of the page before.
    #[schemars(length(max = 1000))]
    cursor: Option<String>,
}

fn limit() -> usize {
    20
}

/// Rows of a run.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SummarizeOutput {
    /// One for each number.
    rows: Vec<Row>,
    /// Rows of all pages.
    total: usize,
    /// For the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// Whether the run's draws may be used; `diagnose_run` says why not.
    reliable: bool,
    /// Version of the engine.
    engine_version: String,
}

/// A quantity over its draws; what is not finite is absent.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Row {
    /// Its name.
    name: String,
    /// Mean.
    mean: Option<f64>,
    /// Standard deviation.
    sd: Option<f64>,
    /// Monte Carlo error of the mean.
    mcse: Option<f64>,
    /// Median.
    median: Option<f64>,
    /// Narrowest interval.
    hdi: [Option<f64>; 2],
    /// Equal-tailed interval.
    eti: [Option<f64>; 2],
    /// Rank-normalised split R-hat, 1 when chains agree.
    r_hat: Option<f64>,
    /// Effective draws for the centre.
    ess_bulk: Option<f64>,
    /// Effective draws for the tails.
    ess_tail: Option<f64>,
}

/// Which run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiagnoseArgs {
    /// The run, from `fit_model`.
    #[schemars(length(max = 64))]
    run_id: String,
}

/// Whether a run can be trusted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DiagnoseOutput {
    /// Whether the draws may be used.
    reliable: bool,
    /// Why not, and what to do.
    reasons: Vec<ReasonOutput>,
    /// What to look at all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<ReasonOutput>,
    /// Quantities with the fewest effective draws.
    worst: Vec<Row>,
    /// One for each chain.
    chains: Vec<ChainOutput>,
    /// How it was sampled.
    sampler: SamplerOutput,
    /// Version of the engine.
    engine_version: String,
}

/// How a chain went.
#[derive(Debug, Serialize, JsonSchema)]
struct ChainOutput {
    /// Kept draws.
    draws: usize,
    /// Divergent draws among them.
    divergences: usize,
    /// Divergent trajectories while adapting.
    tune_divergences: usize,
    /// Mean acceptance.
    acceptance: Option<f64>,
    /// Energy fraction (E-BFMI).
    energy_fraction: Option<f64>,
    /// Deepest trajectory.
    max_depth: usize,
    /// Draws whose generated quantities the model refused.
    refused: usize,
}

/// A finding of the verdict.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReasonOutput {
    /// Stable word.
    code: &'static str,
    /// What was found, with its bound.
    message: String,
    /// What to do.
    fix: &'static str,
}

/// Worst quantities shown.
const WORST: usize = 5;

#[tool_router(router = summary_tools, vis = "pub(crate)")]
impl Server {
    /// Summarise quantities of a run: mean, sd, Monte Carlo error, median, intervals, R-hat, ESS, page by
    /// page, generated quantities included.
    #[tool(
        title = "Summarise a run",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn summarize_run(
        &self,
        Parameters(args): Parameters<SummarizeArgs>,
        caller: Principal,
        ct: CancellationToken,
    ) -> Result<Json<SummarizeOutput>> {
        let run = self.runs.get(&caller, &args.run_id).await?;
        let filter = (&args.run_id, &args.vars, args.prob.to_bits());
        let from: usize = args
            .cursor
            .as_deref()
            .map(|word| self.rows.decode(&caller, &filter, word))
            .transpose()?
            .unwrap_or(0);
        let mut places = Vec::new();
        for variable in &run.posterior.variables {
            for place in 0..variable.len() {
                let label = variable.label(place);
                if is_wanted(&args.vars, variable, &label) {
                    places.push((label, variable.start + place));
                }
            }
        }
        if places.is_empty() && !args.vars.is_empty() {
            let known = run.posterior.variables.iter().map(|variable| variable.name.clone());
            return Err(Error::Variables { known: known.collect() }.into());
        }
        let total = places.len();
        let next = from.saturating_add(args.limit);
        let page: Vec<_> = places.into_iter().skip(from).take(args.limit).collect();
        let prob = args.prob;
        let (rows, reliable) = task::compute(&ct, move |_| {
            (rows(&run.posterior, &page, prob), run.posterior.verdict().is_reliable)
        })
        .await?;
        let next_cursor =
            (next < total).then(|| self.rows.encode(&caller, &filter, &next)).transpose()?;
        let engine_version = engine_version();
        Ok(Json(SummarizeOutput { rows: rows?, total, next_cursor, reliable, engine_version }))
    }

    /// Say whether a run can be trusted and why: R-hat, ESS, divergences, energy, tree depth, the worst
    /// quantities, each finding with what to do.
    #[tool(
        title = "Diagnose a run",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn diagnose_run(
        &self,
        Parameters(args): Parameters<DiagnoseArgs>,
        caller: Principal,
        ct: CancellationToken,
    ) -> Result<Json<DiagnoseOutput>> {
        let run = self.runs.get(&caller, &args.run_id).await?;
        let sampler = run.sampler.clone();
        let (verdict, chains, worst) = task::compute(&ct, move |_| {
            let posterior = &run.posterior;
            (posterior.verdict(), chains(posterior), worst(posterior))
        })
        .await?;
        Ok(Json(DiagnoseOutput {
            reliable: verdict.is_reliable,
            reasons: said(verdict.reasons),
            warnings: said(verdict.warnings),
            worst: worst?,
            chains,
            sampler,
            engine_version: engine_version(),
        }))
    }
}

impl ReasonOutput {
    pub(super) fn new(code: &'static str, message: String, fix: &'static str) -> Self {
        Self { code, message, fix }
    }
}

pub(super) fn said(reasons: Vec<Reason>) -> Vec<ReasonOutput> {
    let output = |Reason { code, message, fix }| ReasonOutput { code, message, fix };
    reasons.into_iter().map(output).collect()
}

pub(super) fn rows<'place>(
    posterior: &Posterior,
    places: impl IntoIterator<Item = &'place (String, usize)>,
    prob: f64,
) -> Result<Vec<Row>, Error> {
    places.into_iter().map(|(name, place)| Ok(Row::new(name, posterior, *place, prob)?)).collect()
}

impl Row {
    fn new(
        name: &str,
        posterior: &Posterior,
        place: usize,
        prob: f64,
    ) -> bayes_engine::Result<Self> {
        let found = posterior.estimate(place, prob)?;
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        Ok(Self {
            name: name.to_owned(),
            mean: finite(found.mean),
            sd: finite(found.sd),
            mcse: finite(found.mcse_mean),
            median: finite(found.median),
            hdi: found.hdi.map(finite),
            eti: found.eti.map(finite),
            r_hat: finite(found.r_hat),
            ess_bulk: finite(found.ess_bulk),
            ess_tail: finite(found.ess_tail),
        })
    }
}

fn worst(posterior: &Posterior) -> Result<Vec<Row>, Error> {
    let places: Vec<(String, usize)> = posterior.labels(1).collect();
    let mut rows = rows(posterior, &places, prob())?;
    // a quantity without a figure is the worst
    let least = |row: &Row| row.ess_bulk.unwrap_or(0.0).min(row.ess_tail.unwrap_or(0.0));
    rows.sort_by(|a, b| least(a).total_cmp(&least(b)));
    rows.truncate(WORST);
    Ok(rows)
}

fn chains(posterior: &Posterior) -> Vec<ChainOutput> {
    let output = |chain: &bayes_engine::posterior::Chain| {
        let energies: Vec<f64> = chain.steps.iter().map(|step| step.energy).collect();
        #[expect(clippy::cast_precision_loss, reason = "draws are few")]
        let mean =
            chain.steps.iter().map(|step| step.acceptance).sum::<f64>() / chain.steps.len() as f64;
        ChainOutput {
            draws: chain.steps.len(),
            divergences: chain.steps.iter().filter(|step| step.is_divergent).count(),
            tune_divergences: chain.ended.tune_divergences,
            acceptance: Some(mean).filter(|mean| mean.is_finite()),
            energy_fraction: Some(energy_fraction(&energies)).filter(|value| value.is_finite()),
            max_depth: chain.steps.iter().map(|step| step.depth).max().unwrap_or(0),
            refused: chain.refused,
        }
    };
    posterior.chains.iter().map(output).collect()
}
