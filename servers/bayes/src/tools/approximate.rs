//! `approximate_model`.

use std::collections::BTreeMap;

use bayes_engine::{
    approximate::{self, approximate},
    language::Part,
    posterior::Posterior,
    sampler::Settings,
};
use mcp_core::prelude::*;
use serde_json::Value;
use tokio::time::{Duration, Instant};

use super::{
    again::{bind, refused},
    engine_version,
    fit::prob,
    model::data,
    summary::{ReasonOutput, said},
};
use crate::{Error, Server, run::MAX_RUN};

/// A model, its data and how to approximate it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproximateArgs {
    /// The model in Stan's language.
    #[schemars(length(min = 1, max = 65_536))]
    code: String,
    /// Values of the data block by name; matrices as lists of rows.
    #[serde(default)]
    data: BTreeMap<String, Value>,
    /// `map`: the mode; `laplace`: a normal distribution about it; `pathfinder`: the best normal
    /// distributions on several ways up.
    method: Method,
    /// Whether `map` looks for the mode of the free parameters instead of the declared ones.
    #[serde(default)]
    jacobian: bool,
    /// Starts.
    #[serde(default = "paths")]
    #[schemars(range(min = 1, max = 20))]
    paths: u32,
    /// Draws.
    #[serde(default = "draws")]
    #[schemars(range(min = 100, max = 10_000))]
    draws: usize,
    /// Half the width of the uniform start of the free parameters.
    #[serde(default = "radius")]
    #[schemars(range(min = 0.0, max = 10.0))]
    init_radius: f64,
    /// Equal seeds give equal draws.
    #[serde(default)]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    seed: u64,
    /// Mass of the intervals.
    #[serde(default = "prob")]
    #[schemars(range(min = 0.01, max = 0.9999))]
    prob: f64,
    /// Rows of the summary.
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = 200))]
    limit: usize,
}

fn paths() -> u32 {
    4
}

fn draws() -> usize {
    1000
}

fn radius() -> f64 {
    2.0
}

fn limit() -> usize {
    50
}

/// How to approximate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Method {
    Map,
    Laplace,
    Pathfinder,
}

/// An approximated model.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApproximateOutput {
    /// Whether the figures may be used as the posterior's.
    reliable: bool,
    /// Why not, and what to do.
    reasons: Vec<ReasonOutput>,
    /// Parameters, transformed parameters, generated quantities.
    summary: Vec<ApproximateRow>,
    /// Rows there are.
    rows_total: usize,
    /// Method used.
    method: Method,
    /// Pareto k of the weights; absent for a mode, and where all weights are equal (an exact fit).
    #[serde(skip_serializing_if = "Option::is_none")]
    pareto_k: Option<f64>,
    /// Effective draws by the weights; absent for a mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_draws: Option<f64>,
    /// Highest log density met (pathfinder: best evidence bound).
    log_density: f64,
    /// Starts that ended at a top.
    converged: usize,
    /// Starts.
    paths: usize,
    /// Gradients computed.
    gradients: u64,
    /// Seed used.
    seed: u64,
    /// Version of the engine.
    engine_version: String,
    /// Milliseconds it took.
    elapsed_ms: u64,
}

/// A quantity; what is not finite is absent.
#[derive(Debug, Serialize, JsonSchema)]
struct ApproximateRow {
    /// Its name.
    name: String,
    /// Mean, or the value at the mode.
    mean: Option<f64>,
    /// Standard deviation.
    #[serde(skip_serializing_if = "Option::is_none")]
    sd: Option<f64>,
    /// Median.
    #[serde(skip_serializing_if = "Option::is_none")]
    median: Option<f64>,
    /// Equal-tailed interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<[f64; 2]>,
}

/// Longest search.
const TIME: Duration = Duration::from_secs(90);

#[tool_router(router = approximate_tools, vis = "pub(crate)")]
impl Server {
    /// Approximate a model in Stan's language in a fraction of the time of `fit_model`: its mode, a
    /// Laplace approximation or multi-path Pathfinder. Draws are weighed by the model's density; `reliable`
    /// is false unless the tail of the weights (Pareto k) is short. For first looks; keeps no run.
    #[tool(
        title = "Approximate a model",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn approximate_model(
        &self,
        Parameters(args): Parameters<ApproximateArgs>,
        ct: CancellationToken,
    ) -> Result<Json<ApproximateOutput>> {
        let started = Instant::now();
        let is_plain = args.method == Method::Map && !args.jacobian;
        let part = if is_plain { Part::Plain } else { Part::Posterior };
        let given = data(args.data).map_err(refused)?;
        let model = bind(args.code, given, part, args.seed, &ct).await?.map_err(refused)?;
        let method = match args.method {
            Method::Map => approximate::Method::Map,
            Method::Laplace => approximate::Method::Laplace,
            Method::Pathfinder => approximate::Method::Pathfinder,
        };
        let (seed, draws, radius) = (args.seed, args.draws, args.init_radius);
        let bytes = model.width().saturating_mul(draws).saturating_mul(8);
        if bytes > MAX_RUN {
            let (found, most) = (bytes >> 20, MAX_RUN >> 20);
            return Err(Error::Limit { what: "the draws", found, most }.into());
        }
        let (paths, prob, limit) = (args.paths, args.prob, args.limit);
        let found = task::compute(&ct, move |cancel| {
            let is_over = || cancel.is_cancelled() || started.elapsed() >= TIME;
            let settings = Settings { seed, draws, radius, ..Settings::default() };
            let found = approximate(&model, method, &settings, paths, &is_over).map_err(refused)?;
            let summary = summary(&found.posterior, prob, limit)?;
            Ok::<_, Error>((found, summary))
        });
        let (found, (summary, rows_total)) = found.await??;
        let finite = |x: f64| Some(x).filter(|x| x.is_finite());
        Ok(Json(ApproximateOutput {
            reliable: found.verdict.is_reliable,
            reasons: said(found.verdict.reasons),
            summary,
            rows_total,
            method: args.method,
            pareto_k: finite(found.shape),
            effective_draws: finite(found.effective),
            log_density: found.log_density,
            converged: found.converged[0],
            paths: found.converged[1],
            gradients: found.gradients,
            seed,
            engine_version: engine_version(),
            elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }))
    }
}

/// Rows, and how many there are.
fn summary(
    posterior: &Posterior,
    prob: f64,
    limit: usize,
) -> Result<(Vec<ApproximateRow>, usize), Error> {
    let places: Vec<(String, usize)> = posterior.labels(2).collect();
    let is_mode = posterior.draws() == 1;
    let rows = places.iter().take(limit).map(|(name, place)| {
        let name = name.clone();
        let finite = |x: f64| Some(x).filter(|x| x.is_finite());
        if is_mode {
            let mean = posterior.column(*place).concat().first().copied().and_then(finite);
            return Ok(ApproximateRow { name, mean, sd: None, median: None, interval: None });
        }
        let found = posterior.estimate(*place, prob)?;
        let interval = Some(found.eti).filter(|ends| ends.iter().all(|end| end.is_finite()));
        let (mean, sd, median) = (finite(found.mean), finite(found.sd), finite(found.median));
        Ok(ApproximateRow { name, mean, sd, median, interval })
    });
    Ok((rows.collect::<Result<_, Error>>()?, places.len()))
}
