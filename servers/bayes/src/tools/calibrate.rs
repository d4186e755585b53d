//! `calibrate_model`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bayes_engine::{
    calibrate::{DRAWS, Simulation, Study},
    diagnose::Reason,
    language::{Data, Model, Part, ast::Program, parse},
};
use futures_util::future::try_join_all;
use mcp_core::{Principal, prelude::*};
use serde_json::Value;
use tokio::time::{Duration, Instant};

use super::{
    again::{bind, needs_terms, refused},
    engine_version,
    model::data,
    prior::{SAMPLE_TIME, sampled},
    summary::{ReasonOutput, said},
};
use crate::{Error, Server};

mod verdict;

/// A model that is tried on data of its own making.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalibrateArgs {
    /// The model in Stan's language.
    #[schemars(length(min = 1, max = 65_536))]
    code: String,
    /// Its data: sizes and predictors are used, outcomes replaced by simulated ones.
    #[serde(default)]
    data: BTreeMap<String, Value>,
    /// From `register_data`; `data` wins.
    #[schemars(length(max = 64))]
    data_id: Option<String>,
    /// Another model with the same data block that draws parameters and data; default: the model itself.
    #[schemars(length(min = 1, max = 65_536))]
    simulator: Option<String>,
    /// Parameters or elements that are ranked; default the first 10 numbers.
    #[serde(default)]
    #[schemars(length(max = 20), inner(length(max = 100)))]
    vars: Vec<String>,
    /// Simulations, each with a fit.
    #[serde(default = "n_sims")]
    #[schemars(range(min = 100, max = 2000))]
    n_sims: u32,
    /// Longest work in seconds; simulations done until then are judged.
    #[serde(default = "time")]
    #[schemars(range(min = 1.0, max = 900.0))]
    max_time_s: f64,
    /// Equal seeds give equal ranks.
    #[serde(default)]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    seed: u64,
}

fn n_sims() -> u32 {
    500
}

fn time() -> f64 {
    120.0
}

/// Whether model and sampler agree with each other.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CalibrateOutput {
    /// Whether ranks are uniform.
    calibrated: bool,
    /// One for each quantity, the least uniform first.
    quantities: Vec<QuantityOutput>,
    /// Simulations that were ranked.
    n_sims: usize,
    /// Simulations without a rank: the simulator refused its draw, or no chain could run.
    failed: usize,
    /// Simulations with divergent draws.
    divergent: usize,
    /// Where it fails, and what that means.
    findings: Vec<ReasonOutput>,
    /// Whether the figures can be used.
    reliable: bool,
    /// Why not.
    reasons: Vec<ReasonOutput>,
    /// What to look at all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<ReasonOutput>,
    /// Seed used.
    seed: u64,
    /// Version of the engine.
    engine_version: String,
}

/// The ranks of one quantity.
#[derive(Debug, Serialize, JsonSchema)]
struct QuantityOutput {
    /// Its name; `log_lik` is the log density of the data.
    name: String,
    /// Probability of ranks as far from uniform (ECDF, exact), times the number of quantities.
    ecdf_p: f64,
    /// Share of true values in central 50 % and 90 % intervals.
    coverage: [f64; 2],
    /// Simulations by tenth of the rank.
    histogram: [usize; 10],
}

/// What all simulations share.
struct Shared {
    simulator: Model,
    program: Program,
    code: String,
    data: Data,
    quantities: Vec<String>,
    truths: Vec<Vec<f64>>,
    seed: u64,
    next: AtomicU32,
    done: AtomicU32,
}

/// Quantities ranked by default.
const SHOWN: usize = 10;
/// Work after which a core is offered to other callers.
const SLICE: Duration = Duration::from_millis(250);
/// Simulations that run beside each other.
const BESIDE: usize = 2;

#[tool_router(router = calibrate_tools, vis = "pub(crate)")]
impl Server {
    /// Calibrate a model by simulation (SBC): draw parameters from its prior and data from its statements,
    /// fit, rank the truth among the draws; ranks are uniform if model and sampler are right. Finds wrong
    /// densities, wrong `_rng` functions, funnels and biased samplers. Costs one short fit a simulation.
    #[tool(
        title = "Calibrate a model",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn calibrate_model(
        &self,
        Parameters(args): Parameters<CalibrateArgs>,
        caller: Principal,
        ct: CancellationToken,
        told: Progress,
    ) -> Result<Json<CalibrateOutput>> {
        let until = Instant::now() + Duration::from_secs_f64(args.max_time_s);
        let (n_sims, seed) = (args.n_sims, args.seed);
        let mut warnings = Vec::new();
        let shared = Arc::new(self.study(args, &caller, &ct, &mut warnings).await?);
        let mut found = Vec::new();
        loop {
            let slices = (0..BESIDE).map(|_| slice(Arc::clone(&shared), n_sims, until, &ct));
            let slices: Vec<Vec<_>> = try_join_all(slices).await?;
            let before = found.len();
            found.extend(slices.into_iter().flatten());
            let done = shared.done.load(Ordering::Relaxed);
            let words = format!("{done} of {n_sims} simulations");
            told.report(f64::from(done), Some(f64::from(n_sims)), &words).await;
            if found.len() == before || done >= n_sims || Instant::now() >= until {
                break;
            }
        }
        found.sort_by_key(|(number, _)| *number);
        let found: Vec<Simulation> = found.into_iter().map(|(_, simulation)| simulation).collect();
        Ok(Json(verdict::output(&shared.quantities, &found, n_sims, warnings, seed)))
    }

    /// Binds the simulator and names what is ranked.
    async fn study(
        &self,
        args: CalibrateArgs,
        caller: &Principal,
        ct: &CancellationToken,
        warnings: &mut Vec<Reason>,
    ) -> Result<Shared> {
        let code = args.code;
        let values = self.values_for((&code, args.data), args.data_id.as_deref(), caller).await?;
        let given = data(values).map_err(refused)?;
        // the model's own faults are told with their place before anything runs
        let own = bind(code.clone(), given.clone(), Part::Posterior, args.seed, ct);
        let own = own.await?.map_err(refused)?;
        let source = args.simulator.as_deref().unwrap_or(&code).to_owned();
        let simulator = bind(source.clone(), given.clone(), Part::Posterior, args.seed, ct);
        let simulator = simulator.await?.map_err(refused)?;
        needs_terms(&simulator)?;
        let quantities = quantities(&own, &simulator, &args.vars)?;
        let mut truths = Vec::new();
        if simulator.draw_prior(0).is_none() {
            truths = from_chains((source, given.clone()), args.n_sims, args.seed, ct).await?;
            warnings.push(Reason {
                code: "prior_by_chains",
                message: "the prior could not be drawn parameter by parameter; chains drew it"
                    .to_owned(),
                fix: "give every parameter one `~` statement of its own, outside of loops",
            });
        }
        let program = parse(&code).map_err(refused)?;
        let (next, done) = (AtomicU32::new(0), AtomicU32::new(0));
        let (data, seed) = (given, args.seed);
        Ok(Shared { simulator, program, code, data, quantities, truths, seed, next, done })
    }
}

/// Labels of what is ranked: parameters that both models have.
fn quantities(own: &Model, simulator: &Model, wanted: &[String]) -> Result<Vec<String>, Error> {
    let labels = |model: &Model| -> Vec<(String, String)> {
        let parameters = model.variables().iter().filter(|variable| variable.block == 0);
        parameters
            .flat_map(|variable| {
                (0..variable.len()).map(|at| (variable.name.clone(), variable.label(at)))
            })
            .collect()
    };
    let there: BTreeSet<(String, String)> = labels(simulator).into_iter().collect();
    let mut both = labels(own);
    both.retain(|label| there.contains(label));
    let known = || both.iter().map(|(_, label)| label.clone()).take(20).collect::<Vec<_>>();
    let mut found = Vec::new();
    for name in wanted {
        let before = found.len();
        found.extend(
            both.iter()
                .filter(|(variable, label)| variable == name || label == name)
                .map(|(_, label)| label.clone()),
        );
        if found.len() == before {
            return Err(Error::Variables { known: known() });
        }
    }
    if wanted.is_empty() {
        found = both.iter().map(|(_, label)| label.clone()).take(SHOWN).collect();
    }
    found.truncate(2 * SHOWN);
    if found.is_empty() { Err(Error::Variables { known: known() }) } else { Ok(found) }
}

/// Parameters from long chains on the prior.
async fn from_chains(
    (code, given): (String, Data),
    n_sims: u32,
    seed: u64,
    ct: &CancellationToken,
) -> Result<Vec<Vec<f64>>> {
    let model = bind(code, given, Part::Prior, seed, ct).await?.map_err(refused)?;
    let improper = model.improper();
    if !improper.is_empty() {
        let message = format!("{} have no proper prior to draw from", improper.join(", "));
        let error = bayes_engine::Error::new(bayes_engine::ErrorKind::Improper, "/code", message)
            .with_hint("give every parameter a prior that falls on both sides");
        return Err(Error::from(error).into());
    }
    let until = Instant::now() + SAMPLE_TIME;
    let prior = task::compute(ct, move |cancel| {
        let is_over = || cancel.is_cancelled() || Instant::now() >= until;
        sampled(&model, 4 * n_sims as usize, seed, &is_over)
    });
    let prior = prior.await??;
    let own = prior.variables.iter().filter(|variable| variable.block == 0);
    let size: usize = own.map(bayes_engine::language::Variable::len).sum();
    let draws = prior.chains.iter().flat_map(|chain| chain.numbers.chunks(prior.width.max(1)));
    let step = (prior.draws() / n_sims as usize).max(1);
    Ok(draws.step_by(step).map(|numbers| numbers[..size].to_vec()).collect())
}

/// Simulations for a moment.
async fn slice(
    shared: Arc<Shared>,
    n_sims: u32,
    until: Instant,
    ct: &CancellationToken,
) -> Result<Vec<(u32, Simulation)>> {
    let found = task::compute(ct, move |cancel| {
        let study = Study {
            simulator: &shared.simulator,
            fitted: (&shared.program, &shared.code),
            data: &shared.data,
            quantities: &shared.quantities,
            truths: &shared.truths,
            seed: shared.seed,
        };
        let is_over = || cancel.is_cancelled() || Instant::now() >= until;
        let since = Instant::now();
        let mut found = Vec::new();
        while !is_over() && (found.is_empty() || since.elapsed() < SLICE) {
            let number = shared.next.fetch_add(1, Ordering::Relaxed);
            if number >= n_sims {
                break;
            }
            let Some(simulation) = study.simulate(number, &is_over).map_err(refused)? else {
                break;
            };
            shared.done.fetch_add(1, Ordering::Relaxed);
            found.push((number, simulation));
        }
        Ok::<_, Error>(found)
    });
    Ok(found.await??)
}
