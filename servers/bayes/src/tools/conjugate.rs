//! `update_conjugate`.

mod argument;
mod request;

use bayes_engine::conjugate::{Marginal, Predictive};
use mcp_core::prelude::*;

use self::{
    argument::{Family, Parameters as Belief, UpdateArgs},
    request::{Answer, Request},
};
use super::engine_version;
use crate::Server;

/// What was learnt.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UpdateOutput {
    /// The family.
    family: Family,
    /// Posterior parameters; usable as the next `prior`.
    posterior: Belief,
    /// Each unknown: rate, mean, sigma2, or the categories by index.
    marginals: Vec<MarginalOutput>,
    /// What the next data will look like.
    predictive: PredictiveOutput,
    /// Natural log of the probability of the data under the prior, constants included.
    log_marginal: f64,
    /// Whether the figures can be used as they are.
    reliable: bool,
    /// What to be careful about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    /// Version of the algorithms.
    engine_version: String,
}

/// One unknown.
#[derive(Debug, Serialize, JsonSchema)]
struct MarginalOutput {
    /// Its name.
    name: String,
    /// Mean, where it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    /// Standard deviation, where it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    sd: Option<f64>,
    /// Median.
    median: f64,
    /// Equal-tailed interval.
    interval: [f64; 2],
    /// Shortest interval; absent if the density has two peaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    hdi: Option<[f64; 2]>,
}

/// Prediction.
#[derive(Debug, Serialize, JsonSchema)]
struct PredictiveOutput {
    /// Mean, where it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    /// Standard deviation, where it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    sd: Option<f64>,
    /// Equal-tailed interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<[f64; 2]>,
    /// Probability of each category.
    #[serde(skip_serializing_if = "Option::is_none")]
    probabilities: Option<Vec<f64>>,
}

#[tool_router(router = conjugate_tools, vis = "pub(crate)")]
impl Server {
    /// Update a conjugate prior with data in closed form: posterior, intervals, prediction and log
    /// marginal likelihood. `beta_binomial`: successes among trials; `gamma_poisson`: events in an exposure;
    /// `gamma_exponential`: waiting times; `normal_known_sigma`: a mean; nig: mean and variance of normal data;
    /// niw: the same of vectors; `dirichlet_multinomial`: shares of categories; `beta_negbin`: failures before
    /// r successes; `uniform_pareto`: the end of a range.
    #[tool(
        title = "Update a conjugate prior",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn update_conjugate(
        &self,
        Parameters(args): Parameters<UpdateArgs>,
        ct: CancellationToken,
    ) -> Result<Json<UpdateOutput>> {
        let request = Request::try_from(args)?;
        let answer = task::compute(&ct, move |_cancel| request.answer()).await??;
        Ok(Json(answer.into()))
    }
}

impl From<Answer> for UpdateOutput {
    fn from(answer: Answer) -> Self {
        Self {
            family: answer.family,
            posterior: answer.posterior,
            marginals: answer.marginals.into_iter().map(MarginalOutput::from).collect(),
            predictive: answer.predictive.into(),
            log_marginal: answer.ln_marginal,
            reliable: answer.reasons.is_empty(),
            reasons: answer.reasons,
            engine_version: engine_version(),
        }
    }
}

impl From<Marginal> for MarginalOutput {
    fn from(Marginal { name, summary }: Marginal) -> Self {
        Self {
            name,
            mean: summary.mean,
            sd: summary.sd,
            median: summary.median,
            interval: summary.interval,
            hdi: summary.hdi,
        }
    }
}

impl From<Predictive> for PredictiveOutput {
    fn from(predictive: Predictive) -> Self {
        let Predictive { mean, sd, interval, probabilities } = predictive;
        Self { mean, sd, interval, probabilities }
    }
}
