//! `fit_model`.

use std::{collections::BTreeMap, sync::Arc};

use bayes_engine::{language::Model, sampler::Settings};
use mcp_core::{Principal, prelude::*};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::{Duration, Instant};

use super::{
    engine_version,
    model::data,
    summary::{ReasonOutput, Row, rows, said},
};
use crate::{
    Error, Server,
    job::{self, Job, Sampled},
    run::{Run, Source},
};

/// A model, its data and how to sample.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FitArgs {
    /// The model in Stan's language.
    #[schemars(length(min = 1, max = 65_536))]
    code: String,
    /// Values of the data block by name; matrices as lists of rows.
    #[serde(default)]
    data: BTreeMap<String, Value>,
    /// Chains.
    #[serde(default = "chains")]
    #[schemars(range(min = 1, max = 16))]
    chains: u32,
    /// Draws of each chain that adapt and are not kept.
    #[serde(default = "draws")]
    #[schemars(range(min = 100, max = 10_000))]
    tune: usize,
    /// Kept draws of each chain.
    #[serde(default = "draws")]
    #[schemars(range(min = 100, max = 20_000))]
    draws: usize,
    /// Wanted acceptance; default 0.8, then 0.95 and 0.99 if draws diverge.
    #[schemars(range(min = 0.5, max = 0.999))]
    target_accept: Option<f64>,
    /// Most doublings of a trajectory.
    #[serde(default = "depth")]
    #[schemars(range(min = 1, max = 15))]
    max_treedepth: usize,
    /// Half the width of the uniform start of the free parameters.
    #[serde(default = "radius")]
    #[schemars(range(min = 0.0, max = 10.0))]
    init_radius: f64,
    /// Equal seeds give equal draws; default: from the arguments.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    seed: Option<u64>,
    /// Longest sampling in seconds; what was drawn until then is kept.
    #[serde(default = "time")]
    #[schemars(range(min = 1.0, max = 110.0))]
    max_time_s: f64,
    /// Mass of the intervals.
    #[serde(default = "prob")]
    #[schemars(range(min = 0.01, max = 0.9999))]
    prob: f64,
}

fn chains() -> u32 {
    4
}

fn draws() -> usize {
    1000
}

fn depth() -> usize {
    10
}

fn radius() -> f64 {
    2.0
}

fn time() -> f64 {
    60.0
}

pub(super) fn prob() -> f64 {
    0.94
}

/// A sampled model.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FitOutput {
    /// Names the run for `summarize_run` and `diagnose_run`, for 24 hours or until the server ends.
    run_id: String,
    /// Whether all wanted draws were made.
    status: Status,
    /// Whether the draws may be used.
    reliable: bool,
    /// Why not, and what to do.
    reasons: Vec<ReasonOutput>,
    /// What to look at all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<ReasonOutput>,
    /// The first parameters, then transformed parameters; generated quantities by `summarize_run`.
    summary: Vec<Row>,
    /// Rows there are of these.
    rows_total: usize,
    /// How it was sampled.
    sampler: SamplerOutput,
    /// What the model printed while it was bound.
    #[serde(skip_serializing_if = "String::is_empty")]
    printed: String,
    /// Seed used.
    seed: u64,
    /// Version of the engine.
    engine_version: String,
    /// Milliseconds it took; 0 for the answer of an equal earlier call.
    elapsed_ms: u64,
}

/// State of a run.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Status {
    Complete,
    Partial,
}

/// How a run was sampled.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct SamplerOutput {
    /// Free parameters.
    pub(crate) dimension: usize,
    /// Chains.
    pub(crate) chains: usize,
    /// Kept draws of all chains.
    pub(crate) draws: usize,
    /// Divergent draws among them.
    pub(crate) divergences: usize,
    /// Wanted acceptance of the attempt that is kept.
    pub(crate) target_accept: f64,
    /// Attempts with smaller and smaller steps.
    pub(crate) attempts: usize,
    /// Gradients of the kept attempt.
    pub(crate) gradients: u64,
    /// Step size of each chain.
    pub(crate) step_sizes: Vec<f64>,
}

/// Rows of the summary in the answer of `fit_model`.
const SHOWN: usize = 20;

#[tool_router(router = fit_tools, vis = "pub(crate)")]
impl Server {
    /// Fit a model in Stan's language by NUTS, without a compiler: adapts, reruns with smaller steps if
    /// draws diverge, judges itself. Answers `reliable` with reasons, a summary of the parameters and a
    /// `run_id` (24 h). Equal arguments give equal draws. Refused models name line, column and fix.
    #[tool(
        title = "Fit a model",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    pub(super) async fn fit_model(
        &self,
        Parameters(args): Parameters<FitArgs>,
        caller: Principal,
        ct: CancellationToken,
        progress: Progress,
    ) -> Result<Json<FitOutput>> {
        let started = Instant::now();
        let digest = args.digest();
        let prob = args.prob;
        if let Some((run_id, run)) = self.runs.equal(&caller, digest) {
            return Ok(Json(FitOutput::new(run_id, &run, prob, String::new(), 0)?));
        }
        let seed = args.seed.unwrap_or_else(|| from_digest(digest));
        let settings = args.settings(seed);
        let until = started + Duration::from_secs_f64(args.max_time_s).min(job::MAX_TIME);
        let refuse = |diagnostic| Error::Model(Box::new(diagnostic));
        let (count, is_adaptive) = (args.chains, args.target_accept.is_none());
        let source = Source { code: args.code.clone(), data: args.data.clone() };
        let given = data(args.data).map_err(refuse)?;
        let model = job::try_bind(args.code, given, seed, until, &ct).await?.map_err(refuse)?;
        let bytes = size(&model, &settings, count);
        let share = self.runs.share(bytes)?;
        let printed = model.printed().to_owned();
        let job = Job { model: Arc::new(model), settings, chains: count, is_adaptive, until };
        let dimension = job.model.dim();
        let sampled = job.run(&ct, &progress).await?;
        let sampler = SamplerOutput::new(dimension, &sampled);
        let run = Arc::new(Run::new(sampled.posterior, sampler, seed, source, share));
        let run_id = self.runs.keep(&caller, digest, Arc::clone(&run))?;
        let elapsed = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Json(FitOutput::new(run_id, &run, prob, printed, elapsed)?))
    }
}

impl FitArgs {
    /// What tells equal calls.
    fn digest(&self) -> [u8; 32] {
        let text = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(text).into()
    }

    fn settings(&self, seed: u64) -> Settings {
        Settings {
            tune: self.tune,
            draws: self.draws,
            target_accept: self.target_accept.unwrap_or(0.8),
            max_depth: self.max_treedepth,
            radius: self.init_radius,
            seed,
        }
    }
}

/// A seed below 2^53.
fn from_digest(digest: [u8; 32]) -> u64 {
    let first = digest.first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(first) >> 11
}

/// Bytes of the draws of a run.
fn size(model: &Model, settings: &Settings, chains: u32) -> usize {
    let numbers = model.width() + model.dim() + 8;
    numbers.saturating_mul(settings.draws).saturating_mul(chains as usize).saturating_mul(8)
}

impl SamplerOutput {
    fn new(dimension: usize, sampled: &Sampled) -> Self {
        let posterior = &sampled.posterior;
        Self {
            dimension,
            chains: posterior.chains.len(),
            draws: posterior.draws(),
            divergences: posterior.divergent(),
            target_accept: sampled.target_accept,
            attempts: sampled.attempts,
            gradients: posterior.chains.iter().map(|chain| chain.ended.gradients).sum(),
            step_sizes: posterior.chains.iter().map(|chain| chain.ended.step).collect(),
        }
    }
}

impl FitOutput {
    fn new(run_id: String, run: &Run, prob: f64, printed: String, elapsed_ms: u64) -> Result<Self> {
        let verdict = run.posterior.verdict();
        let places: Vec<(String, usize)> = run.posterior.labels(1).collect();
        let summary = rows(&run.posterior, places.iter().take(SHOWN), prob)?;
        let is_complete = run.posterior.chains.iter().all(|chain| chain.ended.is_complete);
        Ok(Self {
            run_id,
            status: if is_complete { Status::Complete } else { Status::Partial },
            reliable: verdict.is_reliable,
            reasons: said(verdict.reasons),
            warnings: said(verdict.warnings),
            summary,
            rows_total: places.len(),
            sampler: run.sampler.clone(),
            printed,
            seed: run.seed,
            engine_version: engine_version(),
            elapsed_ms,
        })
    }
}
