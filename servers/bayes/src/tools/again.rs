//! A run's model, bound again: for what needs its statements and not only its draws.

use std::{collections::BTreeMap, sync::Arc};

use bayes_engine::{
    language::{Code, Data, Datum, Diagnostic, Model, Outcome, Part, Replay, Wanted, parse},
    posterior::Posterior,
};
use mcp_core::{Principal, prelude::*};
use serde_json::Value;
use tokio::time::{Duration, Instant};

use super::model::data;
use crate::{Error, Server, run::Run, store::Source};

/// Longest replay; what was replayed until then is used.
const REPLAY_TIME: Duration = Duration::from_secs(40);
/// Longest binding.
const BIND_TIME: Duration = Duration::from_secs(60);
/// Most numbers that replays of one call hold.
const MAX_NUMBERS: usize = 6_000_000;

/// A run of this caller's.
pub(super) async fn run_of(server: &Server, caller: &Principal, id: &str) -> Result<Arc<Run>> {
    server.runs.get(caller, id).await
}

/// Binds a text to data off the async threads.
pub(super) async fn bind(
    code: String,
    given: Data,
    part: Part,
    seed: u64,
    ct: &CancellationToken,
) -> Result<Result<Model, Diagnostic>> {
    let until = Instant::now() + BIND_TIME;
    task::compute(ct, move |cancel| {
        let is_over = || cancel.is_cancelled() || Instant::now() >= until;
        let program = parse(&code)?;
        Model::bind_part(&program, &code, &given, seed, part, &is_over)
    })
    .await
}

/// The model a run was sampled from.
pub(super) async fn model_of(run: &Run, ct: &CancellationToken) -> Result<Arc<Model>> {
    Ok(Arc::new(run.model(ct).await?))
}

/// The same on other data; data with a distribution may be left out.
pub(super) async fn model_on(
    run: &Run,
    changes: BTreeMap<String, Value>,
    outcomes: &[String],
    ct: &CancellationToken,
) -> Result<Arc<Model>> {
    let Source { code, data: mut all } = run.source().await?;
    let is_kept = |name: &String| !changes.contains_key(name);
    let free: Vec<String> = outcomes.iter().filter(|name| is_kept(name)).cloned().collect();
    all.extend(changes);
    let mut given = data(all).map_err(refused)?;
    let bound = bind(code.clone(), given.clone(), Part::Posterior, run.seed, ct).await?;
    let wrong = match bound {
        Ok(model) => return Ok(Arc::new(model)),
        Err(wrong) => wrong,
    };
    if wrong.code != Code::DataSize {
        return Err(refused(wrong).into());
    }
    // outcomes of the old size: any value that their declaration allows stands in for them
    for name in &free {
        if let Some(datum) = given.get_mut(name) {
            *datum = Datum::Fill(first(datum));
        }
    }
    let bound = bind(code, given, Part::Posterior, run.seed, ct).await?;
    Ok(Arc::new(bound.map_err(refused)?))
}

fn first(datum: &Datum) -> f64 {
    match datum {
        Datum::Number(number) | Datum::Fill(number) => *number,
        Datum::List(list) => list.first().map_or(0.0, first),
    }
}

pub(super) fn refused(diagnostic: Diagnostic) -> Error {
    Error::Model(Box::new(diagnostic))
}

/// A draw of a posterior: its chain, its place there, its numbers.
type Draw<'run> = (u32, u32, &'run [f64]);

/// Replays draws spread evenly over all chains, `count` at most; what `keep` makes of the first decides how
/// many fit into memory.
pub(super) fn replays<T>(
    posterior: &Posterior,
    count: usize,
    replay: &dyn Fn(Draw<'_>) -> Result<Option<Replay>, Diagnostic>,
    keep: &dyn Fn(Replay) -> (T, usize),
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Vec<T>, Error> {
    let until = Instant::now() + REPLAY_TIME;
    let width = posterior.width.max(1);
    let draws: Vec<Draw<'_>> = (1..)
        .zip(&posterior.chains)
        .flat_map(|(chain, draws)| {
            (0..).zip(draws.numbers.chunks(width)).map(move |(at, numbers)| (chain, at, numbers))
        })
        .collect();
    let mut found: Vec<T> = Vec::new();
    let mut wanted = count.min(draws.len());
    let mut at = 0;
    while at < wanted {
        if is_cancelled() {
            return Err(bayes_engine::Error::cancelled().into());
        }
        if Instant::now() >= until && found.len() >= 100 {
            break;
        }
        let next = replay(draws[at * draws.len() / wanted]).map_err(refused)?;
        at += 1;
        let Some((next, numbers)) = next.map(keep) else { continue };
        if found.is_empty() {
            wanted = wanted.min((MAX_NUMBERS / numbers.max(1)).max(10));
        }
        found.push(next);
    }
    if found.is_empty() {
        return Err(Error::NoReplay);
    }
    Ok(found)
}

/// All of a replay, and its numbers.
pub(super) fn whole(replay: Replay) -> (Replay, usize) {
    let of = |outcome: &Outcome| {
        outcome.log_lik.len() + outcome.observed.len() + outcome.drawn.len() + outcome.means.len()
    };
    let numbers = replay.outcomes.iter().map(of).sum();
    (replay, numbers)
}

/// Refuses models whose statements do not say what belongs to the data.
pub(super) fn needs_terms(model: &Model) -> Result<(), Error> {
    if let Some(line) = model.mixed_lines().first() {
        return Err(Error::Mixed { line: *line });
    }
    if !model.has_data_terms() {
        return Err(Error::NoOutcome);
    }
    Ok(())
}

/// Draws of every number of an outcome, by number.
pub(super) fn by_place(lists: &[&[f64]]) -> Vec<Vec<f64>> {
    let size = lists.first().map_or(0, |list| list.len());
    (0..size)
        .map(|at| lists.iter().map(|list| list.get(at).copied().unwrap_or(f64::NAN)).collect())
        .collect()
}

/// What replays are made for.
pub(super) const DRAWS: Wanted = Wanted { draws: true, means: false };
