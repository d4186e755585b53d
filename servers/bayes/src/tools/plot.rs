//! `plot_run`.

use bayes_engine::{
    diagnose::{self, energy_fraction},
    elpd::{self, Criterion},
    language::{Model, Variable},
    posterior::Posterior,
};
use mcp_core::{
    Principal,
    picture::{self, Format, Pictured, Shown, schema_for_output},
    prelude::*,
};

use super::{
    again::{DRAWS, model_of, needs_terms, replays, run_of, whole},
    engine_version,
    model::is_wanted,
};
use crate::{
    Error, Server,
    plot::{self, Panel},
};

/// A run and what to see of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlotArgs {
    /// The run, from `fit_model`.
    #[schemars(length(max = 64))]
    run_id: String,
    /// `trace` and `rank`: do chains agree; `density`; `forest`: intervals; `pair`: where draws diverge;
    /// `ppc`: data beside replicated data; `energy`; `loo_k`: influential observations.
    kind: PlotKind,
    /// Variables (`theta`) or elements (`theta[2]`); default the first parameters. `ppc`: the outcome.
    #[serde(default)]
    #[schemars(length(max = 30), inner(length(max = 100)))]
    vars: Vec<String>,
    /// `png` (default): an image to look at; `svg`: a document as text.
    #[serde(default)]
    format: Format,
}

/// A kind of chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum PlotKind {
    Trace,
    Rank,
    Forest,
    Density,
    Pair,
    Ppc,
    Energy,
    LooK,
}

/// A chart.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PlotOutput {
    #[serde(flatten)]
    chart: Shown,
    /// What is on it.
    shown: Vec<String>,
    /// What was asked for and did not fit.
    #[serde(skip_serializing_if = "is_zero")]
    left_out: usize,
    /// What to look for.
    reading: &'static str,
    /// Whether the run's draws may be used.
    reliable: bool,
    /// Version of the engine.
    engine_version: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Replicated data sets drawn.
const REPLICATIONS: usize = 30;

impl PlotKind {
    /// Quantities that fit on a chart.
    fn most(self) -> usize {
        match self {
            Self::Forest => 40,
            Self::Pair => 4,
            _ => 5,
        }
    }

    fn reading(self) -> &'static str {
        match self {
            Self::Trace => "chains should overlap and show no trend",
            Self::Rank => "every chain should stay near the dashed line",
            Self::Forest => "dot: median; thick: middle half; thin: 94 % interval",
            Self::Density => "curves of the chains should lie on each other",
            Self::Pair => "divergent draws that crowd in a corner show where the sampler fails",
            Self::Ppc => "the black line should run among the blue ones",
            Self::Energy => "both curves should be alike; a narrow second one means slow mixing",
            Self::LooK => "red observations dominate the fit; their scores are not reliable",
        }
    }
}

#[tool_router(router = plot_tools, vis = "pub(crate)")]
impl Server {
    /// Draw a run: traces, ranks, intervals, densities, pairs with divergences, data beside
    /// replicated data, energies, Pareto k of the observations.
    #[tool(
        title = "Plot a run",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        ),
        output_schema = schema_for_output::<PlotOutput>()
    )]
    async fn plot_run(
        &self,
        Parameters(args): Parameters<PlotArgs>,
        caller: Principal,
        ct: CancellationToken,
    ) -> Result<Pictured<PlotOutput>> {
        let run = run_of(self, &caller, &args.run_id).await?;
        let needs_model = matches!(args.kind, PlotKind::Ppc | PlotKind::LooK);
        let model = if needs_model { Some(model_of(&run, &ct).await?) } else { None };
        let kind = args.kind;
        let found = task::compute(&ct, move |cancel| {
            let posterior = &run.posterior;
            let is_cancelled = || cancel.is_cancelled();
            let drawn = match kind {
                PlotKind::Ppc => replicated(posterior, model.as_deref(), &args.vars, &is_cancelled),
                PlotKind::LooK => influences(posterior, model.as_deref(), &is_cancelled),
                PlotKind::Energy => Ok(energies(posterior)),
                PlotKind::Forest => intervals(posterior, &args.vars),
                _ => panels(posterior, &args.vars, kind),
            };
            let Drawn { svg, shown, left_out } = drawn?;
            let (chart, image) = picture::show(svg, args.format)?;
            let (reading, reliable) = (kind.reading(), posterior.verdict().is_reliable);
            let engine_version = engine_version();
            let facts = PlotOutput { chart, shown, left_out, reading, reliable, engine_version };
            Ok(Pictured(facts, image))
        });
        found.await?
    }
}

/// A chart, what is on it, and how much is not.
struct Drawn {
    svg: String,
    shown: Vec<String>,
    left_out: usize,
}

/// Names and places of what was asked for, or of the first parameters; at most `most`.
fn places(
    posterior: &Posterior,
    vars: &[String],
    most: usize,
) -> Result<(Vec<(String, usize)>, usize), Error> {
    let block = if vars.is_empty() { 0 } else { 2 };
    let own = |variable: &&Variable| variable.block <= block;
    let mut found: Vec<(String, usize)> = posterior
        .variables
        .iter()
        .filter(own)
        .flat_map(|variable| {
            (0..variable.len())
                .map(|place| (variable.label(place), variable.start + place))
                .filter(|(label, _)| is_wanted(vars, variable, label))
        })
        .collect();
    if found.is_empty() {
        let known = posterior.variables.iter().map(|variable| variable.name.clone()).collect();
        return Err(Error::Variables { known });
    }
    let left_out = found.len().saturating_sub(most);
    found.truncate(most);
    Ok((found, left_out))
}

fn panels(posterior: &Posterior, vars: &[String], kind: PlotKind) -> Result<Drawn, Error> {
    let (places, left_out) = places(posterior, vars, kind.most())?;
    if kind == PlotKind::Pair && places.len() < 2 {
        return Err(Error::Lonely);
    }
    let panels: Vec<Panel> = places
        .iter()
        .map(|(name, place)| Panel { name: name.clone(), chains: posterior.column(*place) })
        .collect();
    let svg = match kind {
        PlotKind::Rank => plot::rank(&panels),
        PlotKind::Density => plot::density(&panels),
        PlotKind::Pair => {
            let steps = posterior.chains.iter().flat_map(|chain| &chain.steps);
            let divergent: Vec<bool> = steps.map(|step| step.is_divergent).collect();
            plot::pair(&panels, &divergent)
        }
        _ => plot::trace(&panels),
    };
    Ok(Drawn { svg, shown: places.into_iter().map(|(name, _)| name).collect(), left_out })
}

fn intervals(posterior: &Posterior, vars: &[String]) -> Result<Drawn, Error> {
    let (places, left_out) = places(posterior, vars, PlotKind::Forest.most())?;
    let rows: Vec<(String, [f64; 5])> = places
        .iter()
        .map(|(name, place)| {
            let draws = posterior.column(*place).concat();
            (name.clone(), diagnose::quantiles(&draws, [0.03, 0.25, 0.5, 0.75, 0.97]))
        })
        .collect();
    let svg = plot::forest(&rows, "median, middle half, 94 % interval");
    Ok(Drawn { svg, shown: places.into_iter().map(|(name, _)| name).collect(), left_out })
}

fn energies(posterior: &Posterior) -> Drawn {
    let chains: Vec<Vec<f64>> = posterior
        .chains
        .iter()
        .map(|chain| chain.steps.iter().map(|step| step.energy).collect())
        .collect();
    let fractions: Vec<f64> = chains.iter().map(|chain| energy_fraction(chain)).collect();
    let shown = vec!["energy".to_owned()];
    Drawn { svg: plot::energy(&chains, &fractions), shown, left_out: 0 }
}

fn replicated(
    posterior: &Posterior,
    model: Option<&Model>,
    vars: &[String],
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Drawn, Error> {
    let model = model.ok_or(Error::NoOutcome)?;
    needs_terms(model)?;
    let again = |(chain, at, numbers): (u32, u32, &[f64])| model.replay(chain, at, numbers, DRAWS);
    let list = replays(posterior, REPLICATIONS, &again, &whole, is_cancelled)?;
    let outcomes = &list[0].outcomes;
    let wanted = |name: &String| vars.is_empty() || vars.contains(name);
    let at = outcomes.iter().position(|outcome| wanted(&outcome.name)).ok_or_else(|| {
        Error::Variables { known: outcomes.iter().map(|outcome| outcome.name.clone()).collect() }
    })?;
    let outcome = &outcomes[at];
    if !outcome.is_drawable() {
        return Err(Error::NotDrawable { name: outcome.name.clone() });
    }
    let drawn: Vec<Vec<f64>> = list
        .iter()
        .filter_map(|replay| replay.outcomes.get(at))
        .map(|outcome| outcome.drawn.clone())
        .collect();
    let svg = plot::replications(&outcome.name, &outcome.observed, &drawn);
    Ok(Drawn { svg, shown: vec![outcome.name.clone()], left_out: outcomes.len() - 1 })
}

fn influences(
    posterior: &Posterior,
    model: Option<&Model>,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Drawn, Error> {
    let columns = super::score::pointwise(posterior, model, "log_lik", is_cancelled)?;
    let column = |at: usize| columns[at].clone();
    let efficiency = posterior.efficiency();
    let scored = elpd::score(Criterion::Loo, columns.len(), &column, efficiency, is_cancelled)?;
    let shapes: Vec<f64> = scored.points.iter().map(|point| point.spread).collect();
    let svg = plot::points(&shapes, scored.bound);
    Ok(Drawn { svg, shown: vec!["pareto_k".to_owned()], left_out: 0 })
}
