//! `get_draws`.

use bayes_engine::posterior::{Posterior, Step};
use mcp_core::{Principal, prelude::*, suggest::did_you_mean};

use super::engine_version;
use crate::{Error, Server, store::Status};

/// Which draws of a run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrawsArgs {
    /// The run, from `fit_model`.
    #[schemars(length(max = 64))]
    run_id: String,
    /// Variables (`theta`), elements (`theta[2]`), or `lp__`, `accept_stat__`, `treedepth__`,
    /// `energy__`, `divergent__`; default all parameters.
    #[serde(default)]
    #[schemars(length(max = 100), inner(length(max = 100)))]
    vars: Vec<String>,
    /// Take every so many of a chain's draws.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 20_000))]
    thin: usize,
    /// Rows of a page; fewer when they are wide.
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = 1000))]
    limit: usize,
    /// `next_cursor` of the page before.
    #[schemars(length(max = 1000))]
    cursor: Option<String>,
}

fn one() -> usize {
    1
}

fn limit() -> usize {
    100
}

/// Draws of a run.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DrawsOutput {
    /// `chain` and `draw` (both from 1), then what was asked for.
    columns: Vec<String>,
    /// One for each draw, chain after chain; what is not finite is null.
    rows: Vec<Vec<Option<f64>>>,
    /// Rows of all pages.
    total: usize,
    /// For the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// How the run ended; draws are missing unless `complete`.
    status: Status,
    /// Version of the engine.
    engine_version: String,
}

/// Most numbers of a page: an answer holds 50,000 characters.
const MAX_CELLS: usize = 2_000;
/// Most columns.
const MAX_COLUMNS: usize = 200;

/// A number of a draw's trajectory.
type OfStep = fn(&Step) -> f64;

/// Where a column's numbers come from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Place(usize),
    Step(OfStep),
}

/// What is known of the trajectory of each draw, by Stan's names.
#[expect(clippy::cast_precision_loss, reason = "depths are small")]
const STEPS: [(&str, OfStep); 5] = [
    ("lp__", |step| step.log_density),
    ("accept_stat__", |step| step.acceptance),
    ("treedepth__", |step| step.depth as f64),
    ("energy__", |step| step.energy),
    ("divergent__", |step| if step.is_divergent { 1.0 } else { 0.0 }),
];

#[tool_router(router = draw_tools, vis = "pub(crate)")]
impl Server {
    /// Read draws of a run page by page: chosen columns, thinned. For figures use `summarize_run`.
    #[tool(
        title = "Get draws",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn get_draws(
        &self,
        Parameters(args): Parameters<DrawsArgs>,
        caller: Principal,
    ) -> Result<Json<DrawsOutput>> {
        let run = self.runs.get(&caller, &args.run_id).await?;
        let columns = columns(&run.posterior, &args.vars)?;
        let filter = (&args.run_id, &args.vars, args.thin);
        let pages = self.draws.of(caller);
        let from: usize = match &args.cursor {
            Some(word) => pages.open(&filter, word)?,
            None => 0,
        };
        let places: Vec<(usize, usize)> = places(&run.posterior, args.thin).collect();
        let limit = args.limit.min(MAX_CELLS / columns.len().max(1)).max(1);
        let next = from.saturating_add(limit);
        let page = places.iter().skip(from).take(limit);
        let rows = page.map(|place| row(&run.posterior, *place, &columns)).collect();
        let next_cursor = (next < places.len()).then(|| pages.next(&filter, &next)).transpose()?;
        let names = columns.into_iter().map(|(name, _)| name);
        Ok(Json(DrawsOutput {
            columns: ["chain".to_owned(), "draw".to_owned()].into_iter().chain(names).collect(),
            rows,
            total: places.len(),
            next_cursor,
            status: run.status,
            engine_version: engine_version(),
        }))
    }
}

/// What was asked for, in its order.
fn columns(posterior: &Posterior, wanted: &[String]) -> Result<Vec<(String, Source)>, Error> {
    let place = |(name, place)| (name, Source::Place(place));
    let columns: Vec<_> = if wanted.is_empty() {
        posterior.labels(0).map(place).take(MAX_COLUMNS + 1).collect()
    } else {
        let mut columns = Vec::new();
        for name in wanted {
            columns.extend(of_name(posterior, name)?);
        }
        columns
    };
    if columns.len() > MAX_COLUMNS {
        return Err(Error::Columns { found: columns.len(), most: MAX_COLUMNS });
    }
    Ok(columns)
}

fn of_name(posterior: &Posterior, name: &str) -> Result<Vec<(String, Source)>, Error> {
    if let Some((name, of)) = STEPS.iter().find(|(known, _)| *known == name) {
        return Ok(vec![((*name).to_owned(), Source::Step(*of))]);
    }
    let base = name.split_once('[').map_or(name, |(base, _)| base);
    let variable = posterior.variables.iter().find(|variable| variable.name == base);
    let labels = variable.into_iter().flat_map(|variable| {
        (0..variable.len()).map(|place| (variable.label(place), variable.start + place))
    });
    let found: Vec<_> = labels
        .filter(|(label, _)| base == name || label == name)
        .map(|(label, place)| (label, Source::Place(place)))
        .collect();
    // A variable of size zero has no columns, and is no mistake.
    if found.is_empty() && !(variable.is_some() && base == name) {
        let known = posterior.variables.iter().map(|variable| variable.name.as_str());
        let near = did_you_mean(base, known.clone().chain(STEPS.map(|(name, _)| name)));
        return Err(Error::Variable {
            name: name.chars().filter(|c| !c.is_control()).take(64).collect(),
            known: variable.map_or_else(
                || format!("it has {}{near}", known.collect::<Vec<_>>().join(", ")),
                |variable| format!("{} is {}, counted from 1", variable.name, variable.shown()),
            ),
        });
    }
    Ok(found)
}

/// Chain and draw of each row.
fn places(posterior: &Posterior, thin: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    posterior.chains.iter().enumerate().flat_map(move |(at, chain)| {
        (0..chain.steps.len()).step_by(thin.max(1)).map(move |draw| (at, draw))
    })
}

fn row(
    posterior: &Posterior,
    (at, draw): (usize, usize),
    columns: &[(String, Source)],
) -> Vec<Option<f64>> {
    #[expect(clippy::cast_precision_loss, reason = "draws are few")]
    let mut row = vec![Some((at + 1) as f64), Some((draw + 1) as f64)];
    row.extend(columns.iter().map(|(_, source)| {
        let chain = posterior.chains.get(at)?;
        let value = match source {
            Source::Place(place) => *chain.numbers.get(draw * posterior.width + place)?,
            Source::Step(of) => of(chain.steps.get(draw)?),
        };
        Some(value).filter(|value| value.is_finite())
    }));
    row
}
