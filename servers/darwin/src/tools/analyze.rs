//! A look at a problem before it is optimised.

use std::sync::Arc;

use darwin_engine::{Analysis, Seed, analyze};
use mcp_core::prelude::*;
use serde_json::{Map, Value};

use crate::{Error, Server};

/// What to look at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnalyzeProblemArgs {
    /// As in `optimize_problem`; told objectives cannot be probed.
    problem: Map<String, Value>,
    /// Evaluations, at least 50 and at most 50 per variable, which is the default.
    #[schemars(range(min = 50, max = 50_000))]
    max_evals: Option<u64>,
    /// Of the random points (default 1).
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    seed: Option<u64>,
}

/// What was seen, of the first objective.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AnalyzeProblemOutput {
    /// Evaluations made.
    evals: u64,
    /// Share of random points whose values are finite.
    finite: f64,
    /// Share of random points that break no constraint.
    feasible: f64,
    /// Least, median and largest finite value of random points.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<[f64; 3]>,
    /// Share of pairs of variables that act together; 0: each could be set by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    interacting: Option<f64>,
    /// Minima on a random line through the box, on average; 1: one valley.
    #[serde(skip_serializing_if = "Option::is_none")]
    minima_on_lines: Option<f64>,
    /// Largest bend along an axis as a multiple of the smallest.
    #[serde(skip_serializing_if = "Option::is_none")]
    axis_conditioning: Option<f64>,
    /// Mean distance of the best tenth as a share of that of all; near 1: good points lie anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    dispersion: Option<f64>,
    /// Algorithm to try first.
    recommended: &'static str,
    /// Why.
    reason: String,
}

impl From<Analysis> for AnalyzeProblemOutput {
    fn from(seen: Analysis) -> Self {
        Self {
            evals: seen.evals,
            finite: seen.finite,
            feasible: seen.feasible,
            values: seen.values,
            interacting: seen.interacting,
            minima_on_lines: seen.minima_on_lines,
            axis_conditioning: seen.axis_conditioning,
            dispersion: seen.dispersion,
            recommended: seen.recommended.0.name,
            reason: seen.recommended.1,
        }
    }
}

/// Evaluations for each variable.
const EVALS: u64 = 50;

#[tool_router(router = analyze_tools, vis = "pub(crate)")]
impl Server {
    /// Probe a problem with few evaluations: feasible share, whether variables act together, how many
    /// minima lines meet, conditioning, where good points lie, and which algorithm that suggests.
    #[tool(
        title = "Analyse a problem",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn analyze_problem(
        &self,
        Parameters(args): Parameters<AnalyzeProblemArgs>,
        principal: Principal,
        ct: CancellationToken,
    ) -> Result<Json<AnalyzeProblemOutput>> {
        let given = self.problem_of(&principal, args.problem).await?;
        let problem = Arc::new(given.build(false)?);
        let seed = Seed::new(args.seed.unwrap_or(1)).map_err(Error::from)?;
        let most = (EVALS * problem.bounds().dimension() as u64).max(EVALS);
        let max_evals = args.max_evals.unwrap_or(most).min(most);
        let spending = self.spend(&principal)?;
        let seen = task::compute(&ct, move |_| {
            let seen = analyze(&problem, max_evals, seed);
            spending.add(seen.as_ref().map_or(0, |seen| seen.evals));
            seen
        })
        .await?;
        Ok(Json(seen.map_err(Error::from)?.into()))
    }
}
