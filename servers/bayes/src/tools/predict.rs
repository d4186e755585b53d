//! `predict_outcome`.

use std::collections::BTreeMap;

use bayes_engine::{
    diagnose,
    language::{Model, Outcome, Wanted},
    posterior::Posterior,
};
use mcp_core::{Principal, prelude::*};
use serde_json::Value;

use super::{
    again::{by_place, model_of, model_on, needs_terms, replays, run_of, whole},
    check::unreliable_run,
    engine_version,
    fit::prob,
    summary::{ReasonOutput, said},
};
use crate::{Error, Server};

/// A run and where to foretell.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictArgs {
    /// The run, from `fit_model`.
    #[schemars(length(max = 64))]
    run_id: String,
    /// Values of the data block that differ from the fit: sizes, predictors. Outcomes may be left out.
    #[serde(default)]
    data: BTreeMap<String, Value>,
    /// `mean`: the mean of the outcome's distribution; `outcome`: a new observation.
    #[serde(default)]
    kind: Kind,
    /// Draws used.
    #[serde(default = "draws")]
    #[schemars(range(min = 100, max = 4000))]
    draws: usize,
    /// Mass of the intervals.
    #[serde(default = "prob")]
    #[schemars(range(min = 0.01, max = 0.9999))]
    prob: f64,
    /// Rows of the table.
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = 500))]
    limit: usize,
}

fn draws() -> usize {
    1000
}

fn limit() -> usize {
    100
}

/// What is foretold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Kind {
    Mean,
    #[default]
    Outcome,
}

/// What the model foretells.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PredictOutput {
    /// One for each number of an outcome, in its order.
    rows: Vec<PredictRow>,
    /// Rows there are.
    rows_total: usize,
    /// What is foretold.
    kind: Kind,
    /// Draws used.
    draws: usize,
    /// Whether these figures can be used.
    reliable: bool,
    /// Why not.
    reasons: Vec<ReasonOutput>,
    /// Seed used.
    seed: u64,
    /// Version of the engine.
    engine_version: String,
}

/// One foretold number.
#[derive(Debug, Serialize, JsonSchema)]
struct PredictRow {
    /// Which: `y[3]`, in the order of the model's statements.
    name: String,
    /// Mean.
    mean: f64,
    /// Standard deviation.
    sd: f64,
    /// Median.
    median: f64,
    /// Equal-tailed interval.
    interval: [f64; 2],
}

#[tool_router(router = predict_tools, vis = "pub(crate)")]
impl Server {
    /// Foretell outcomes of a fitted model for other data (new predictors, other sizes) or for its own:
    /// new observations or the means of their distribution, with intervals that carry the uncertainty
    /// of the parameters. Uses the model's own `~` statements; nothing is fitted again.
    #[tool(
        title = "Predict outcomes",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn predict_outcome(
        &self,
        Parameters(args): Parameters<PredictArgs>,
        caller: Principal,
        ct: CancellationToken,
    ) -> Result<Json<PredictOutput>> {
        let run = run_of(self, &caller, &args.run_id).await?;
        let fitted = model_of(&run, &ct).await?;
        needs_terms(&fitted)?;
        let names = outcome_names(&fitted, &run.posterior)?;
        let model = model_on(&run, args.data, &names, &ct).await?;
        same_parameters(&fitted, &model)?;
        let (kind, seed) = (args.kind, run.seed);
        let wanted = Wanted { draws: kind == Kind::Outcome, means: kind == Kind::Mean };
        let found = task::compute(&ct, move |cancel| {
            let again = |(chain, at, numbers): (u32, u32, &[f64])| {
                model.foretell(chain, at, numbers, wanted)
            };
            let is_over = || cancel.is_cancelled();
            let list = replays(&run.posterior, args.draws, &again, &whole, &is_over)?;
            let mut rows = Vec::new();
            for at in 0..list.first().map_or(0, |replay| replay.outcomes.len()) {
                let same: Vec<&Outcome> =
                    list.iter().filter_map(|replay| replay.outcomes.get(at)).collect();
                rows.extend(table(&same, kind, args.prob)?);
            }
            Ok::<_, Error>((rows, list.len(), run.posterior.verdict().is_reliable))
        });
        let (mut rows, draws, is_reliable) = found.await??;
        let rows_total = rows.len();
        rows.truncate(args.limit);
        let reasons = if is_reliable { Vec::new() } else { vec![unreliable_run()] };
        Ok(Json(PredictOutput {
            rows,
            rows_total,
            kind,
            draws,
            reliable: reasons.is_empty(),
            reasons: said(reasons),
            seed,
            engine_version: engine_version(),
        }))
    }
}

/// Data with a distribution, by one draw.
fn outcome_names(model: &Model, posterior: &Posterior) -> Result<Vec<String>, Error> {
    let again = |(chain, at, numbers): (u32, u32, &[f64])| {
        model.replay(chain, at, numbers, Wanted::default())
    };
    let first = replays(posterior, 1, &again, &whole, &|| false)?;
    let outcomes = first.into_iter().flat_map(|replay| replay.outcomes);
    Ok(outcomes.map(|outcome| outcome.name).collect())
}

/// Refuses data that change the number of parameters: no draws speak of new ones.
fn same_parameters(fitted: &Model, model: &Model) -> Result<(), Error> {
    let own = |model: &Model| -> Vec<(String, Vec<usize>)> {
        let block = model.variables().iter().filter(|variable| variable.block == 0);
        block.map(|variable| (variable.name.clone(), variable.dims.clone())).collect()
    };
    let changed = own(fitted).into_iter().zip(own(model)).find(|(before, after)| before != after);
    changed.map_or(Ok(()), |((name, _), _)| Err(Error::OtherParameters { name }))
}

fn table(same: &[&Outcome], kind: Kind, prob: f64) -> Result<Vec<PredictRow>, Error> {
    let of = |outcome: &&&Outcome| -> usize {
        if kind == Kind::Mean { outcome.means.len() } else { outcome.drawn.len() }
    };
    let Some(first) = same.first() else { return Ok(Vec::new()) };
    let lists: Vec<&[f64]> = same
        .iter()
        .filter(|outcome| of(outcome) == of(&first))
        .map(|outcome| if kind == Kind::Mean { &outcome.means[..] } else { &outcome.drawn[..] })
        .collect();
    let name = &first.name;
    let is_single = first.observed.len() == 1;
    let rows = by_place(&lists).into_iter().enumerate().map(|(at, draws)| {
        if draws.iter().any(|draw| !draw.is_finite()) {
            return Err(Error::NotDrawable { name: name.clone() });
        }
        let found = diagnose::estimate(&[&draws], prob)?;
        let name = if is_single { name.clone() } else { format!("{name}[{}]", at + 1) };
        let (mean, sd, median, interval) = (found.mean, found.sd, found.median, found.eti);
        Ok(PredictRow { name, mean, sd, median, interval })
    });
    rows.collect()
}
