//! What `fit_model` answers.

use std::time::Duration;

use bayes_engine::posterior::Posterior;
use mcp_core::prelude::*;

use crate::{
    Error,
    run::{Active, Ended, Run, Watched},
    store::{Head, State, Status},
    tools::{
        engine_version,
        run::ProgressOutput,
        summary::{ReasonOutput, Row, rows, said},
    },
};

/// A sampled model.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FitOutput {
    /// Names the run for `summarize_run` and `diagnose_run`, for 24 hours.
    run_id: String,
    /// `complete`; `partial`: its time ended; `running`: an equal call waits for its end.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    sampler: Option<SamplerOutput>,
    /// How far it is, while it runs here.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressOutput>,
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

/// How a run was sampled.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct SamplerOutput {
    /// Free parameters.
    pub(crate) dimension: usize,
    /// Chains with draws.
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

impl SamplerOutput {
    pub(crate) fn new(dimension: usize, posterior: &Posterior, state: &State) -> Self {
        Self {
            dimension,
            chains: posterior.chains.len(),
            draws: posterior.draws(),
            divergences: posterior.divergent(),
            target_accept: state.target_accept,
            attempts: state.attempts,
            gradients: posterior.chains.iter().map(|chain| chain.ended.gradients).sum(),
            step_sizes: posterior.chains.iter().map(|chain| chain.ended.step).collect(),
        }
    }
}

impl FitOutput {
    pub(super) fn new(run_id: String, run: &Run, prob: f64, elapsed: Duration) -> Result<Self> {
        let verdict = run.posterior.verdict();
        let places: Vec<(String, usize)> = run.posterior.labels(1).collect();
        let summary = rows(&run.posterior, places.iter().take(SHOWN), prob)?;
        Ok(Self {
            run_id,
            status: run.status,
            reliable: verdict.is_reliable,
            reasons: said(verdict.reasons),
            warnings: said(verdict.warnings),
            summary,
            rows_total: places.len(),
            sampler: Some(run.sampler.clone()),
            progress: None,
            printed: run.printed.clone(),
            seed: run.seed,
            engine_version: engine_version(),
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// Of a run that ended while it was waited for.
    pub(super) fn ended(
        (run_id, active): (String, &Active),
        ended: &Ended,
        prob: f64,
        elapsed: Duration,
    ) -> Result<Json<Self>> {
        if let Some(diagnostic) = &ended.refused {
            return Err(Error::Model(Box::new(diagnostic.clone())).into());
        }
        if let Some(fault) = &ended.state.error {
            let kind = if fault.code == "internal" { Kind::Internal } else { Kind::Unavailable };
            return Err(ToolError::new(kind, fault.code.clone(), fault.message.clone())
                .with_hint(fault.fix.clone()));
        }
        match &ended.run {
            Some(run) => Ok(Json(Self::new(run_id, run, prob, elapsed)?)),
            None => {
                let message = format!("the run is {} and has no draws", ended.state.status.word());
                let status = ended.state.status;
                let fix = if status == Status::Partial { LONGER } else { AGAIN };
                let reason = ReasonOutput::new("no_draws", message, fix);
                let output = Self::without_draws(run_id, &active.head, status, reason);
                Ok(Json(output))
            }
        }
    }

    /// Of a run that is being sampled.
    pub(super) fn running(run_id: String, head: &Head, watched: Option<Watched>) -> Self {
        let message = match watched {
            Some(Watched { done, total, .. }) => format!("{done} of {total} draws are made"),
            None => "another process of this server samples it".to_owned(),
        };
        let reason = ReasonOutput::new("running", message, WAIT);
        let progress = watched.map(|watched| ProgressOutput {
            draws: watched.done,
            total: watched.total,
            attempt: watched.attempt,
        });
        Self { progress, ..Self::without_draws(run_id, head, Status::Running, reason) }
    }

    fn without_draws(run_id: String, head: &Head, status: Status, reason: ReasonOutput) -> Self {
        Self {
            run_id,
            status,
            reliable: false,
            reasons: vec![reason],
            warnings: Vec::new(),
            summary: Vec::new(),
            rows_total: 0,
            sampler: None,
            progress: None,
            printed: head.printed.clone(),
            seed: head.seed,
            engine_version: engine_version(),
            elapsed_ms: 0,
        }
    }
}

/// What to do with a run that is being sampled.
const WAIT: &str = "call fit_model again with equal arguments: it waits and answers with this run";
/// What to do with a run whose time was up before its first draw.
const LONGER: &str = "call fit_model with a larger max_time_s, or look at a part of the data or a simpler model first";
/// What to do with a run that gave nothing.
const AGAIN: &str = "call fit_model again with equal arguments: it begins the run anew";
