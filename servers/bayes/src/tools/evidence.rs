//! `compare_models` by evidence: bridge sampling, and the Savage-Dickey ratio.

use std::{collections::BTreeMap, sync::Arc};

use bayes_engine::{
    ErrorKind,
    diagnose::Reason,
    evidence::{self, Estimated, Points},
    language::{Model, Part, Wanted},
    posterior::Posterior,
};
use mcp_core::prelude::*;

use super::{
    again::{bind, model_of, needs_terms, refused},
    check::unreliable_run,
    model::data,
    prior::{SAMPLE_TIME, sampled},
};
use crate::{Error, run::Run, store::Source};

/// Most draws that are used, and most numbers in them.
const MAX_DRAWS: usize = 20_000;
const MAX_NUMBERS: usize = 4_000_000;
/// Draws of each chain from a prior.
const PRIOR_DRAWS: usize = 1000;

/// A model's evidence.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct EvidenceOutput {
    /// Its run.
    run_id: String,
    /// Log marginal likelihood of the data, the prior normalised over the declared bounds.
    log_ml: Option<f64>,
    /// Its standard error.
    error: Option<f64>,
    /// Log Bayes factor of the best model against it.
    log_bf: Option<f64>,
    /// Probability of the model if all are equally probable before.
    probability: Option<f64>,
    /// Log of the prior's integral as written; ln(1/2) for a half normal.
    log_prior_mass: Option<f64>,
    /// Whether that follows from the text, or from draws.
    prior_mass: &'static str,
}

/// A null hypothesis within a model.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct NullOutput {
    /// Its run.
    run_id: String,
    /// Log Bayes factor of the null value against the model.
    log_bf01: Option<f64>,
    /// Bayes factor of the model against the null value; absent beyond 1e300.
    bf10: Option<f64>,
    /// Standard error of the log.
    error: Option<f64>,
    /// P(null value) if it and the model are equally probable before.
    probability: Option<f64>,
}

/// What was found of all models, with doubts.
#[derive(Debug)]
pub(super) struct Found<T> {
    pub(super) list: Vec<T>,
    pub(super) observations: usize,
    pub(super) reasons: Vec<Reason>,
}

/// A run with its model and, where it is needed, its prior.
struct Pair {
    run: Arc<Run>,
    model: Arc<Model>,
    prior: Option<Model>,
}

/// Log marginal likelihoods, the best first.
pub(super) async fn bridged(
    ids: &[String],
    runs: Vec<Arc<Run>>,
    seed: u64,
    ct: &CancellationToken,
) -> Result<Found<EvidenceOutput>> {
    let pairs = pairs(runs, seed, false, ct).await?;
    let found = task::compute(ct, move |cancel| {
        let is_over = || cancel.is_cancelled();
        let observations = same_data(&pairs)?;
        let of = |(at, pair): (usize, &Pair)| {
            weighed(pair, seed, &is_over).map_err(|error| placed(error, at))
        };
        let list = pairs.iter().enumerate().map(of).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, Error>((list, observations))
    });
    let (list, observations) = found.await??;
    let best = list.iter().map(|(found, ..)| found.log).fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = list.iter().map(|(found, ..)| (found.log - best).exp()).sum();
    let mut reasons = Vec::new();
    let mut outputs: Vec<EvidenceOutput> = Vec::with_capacity(list.len());
    for (at, ((found, mass, is_shown, own), id)) in list.into_iter().zip(ids).enumerate() {
        let what = format!("run_ids[{at}]: the log marginal likelihood");
        reasons.extend(found.reason(&what));
        reasons.extend(named(own, at));
        let finite = |x: f64| Some(x).filter(|x| x.is_finite());
        outputs.push(EvidenceOutput {
            run_id: id.clone(),
            log_ml: finite(found.log),
            error: finite(found.error),
            log_bf: finite(best - found.log),
            probability: finite((found.log - best).exp() / total),
            log_prior_mass: finite(mass),
            prior_mass: if is_shown { "text" } else { "draws" },
        });
    }
    let key = |output: &EvidenceOutput| output.log_bf.unwrap_or(f64::INFINITY);
    outputs.sort_by(|a, b| key(a).total_cmp(&key(b)));
    Ok(Found { list: outputs, observations, reasons })
}

/// The null value in each model.
pub(super) async fn tested(
    ids: &[String],
    runs: Vec<Arc<Run>>,
    null: BTreeMap<String, f64>,
    seed: u64,
    ct: &CancellationToken,
) -> Result<Found<NullOutput>> {
    if null.is_empty() {
        return Err(Error::NoNull.into());
    }
    let pairs = pairs(runs, seed, true, ct).await?;
    let found = task::compute(ct, move |cancel| {
        let is_over = || cancel.is_cancelled();
        let observations = same_data(&pairs)?;
        let of = |(at, pair): (usize, &Pair)| {
            ratio(pair, &null, seed, &is_over).map_err(|error| placed(error, at))
        };
        let list = pairs.iter().enumerate().map(of).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, Error>((list, observations))
    });
    let (list, observations) = found.await??;
    let mut reasons = Vec::new();
    let mut outputs = Vec::with_capacity(list.len());
    for (at, ((posterior, prior, own), id)) in list.into_iter().zip(ids).enumerate() {
        for (found, which) in [(&posterior, "posterior"), (&prior, "prior")] {
            reasons.extend(found.reason(&format!("run_ids[{at}]: the {which} density at null")));
        }
        reasons.extend(named(own, at));
        let log = posterior.log - prior.log;
        let finite = |x: f64| Some(x).filter(|x| x.is_finite());
        outputs.push(NullOutput {
            run_id: id.clone(),
            log_bf01: finite(log),
            bf10: finite((-log).exp()),
            error: finite(posterior.error.hypot(prior.error)),
            probability: finite(1.0 / (1.0 + (-log).exp())),
        });
    }
    Ok(Found { list: outputs, observations, reasons })
}

/// Binds models, and priors whose integral or draws are needed.
async fn pairs(
    runs: Vec<Arc<Run>>,
    seed: u64,
    needs_priors: bool,
    ct: &CancellationToken,
) -> Result<Vec<Pair>> {
    let mut pairs = Vec::with_capacity(runs.len());
    for (at, run) in runs.into_iter().enumerate() {
        let model = model_of(&run, ct).await?;
        needs_terms(&model)?;
        let mut prior = None;
        if needs_priors || model.log_prior_mass().is_none() {
            let Source { code, data: given } = run.source().await?;
            let given = data(given).map_err(refused)?;
            let bound = bind(code, given, Part::Prior, seed, ct).await?.map_err(refused)?;
            let improper = bound.improper();
            if !improper.is_empty() {
                let message =
                    format!("{} have no proper prior: there is no evidence", improper.join(", "));
                let path = format!("/run_ids/{at}");
                let error = bayes_engine::Error::new(ErrorKind::Improper, path, message)
                    .with_hint("give every parameter a prior that falls on both sides, fit again");
                return Err(Error::from(error).into());
            }
            prior = Some(bound);
        }
        pairs.push(Pair { run, model, prior });
    }
    Ok(pairs)
}

/// Log marginal likelihood, log mass of the prior and whether its text shows it, doubts.
type Weighed = (Estimated, f64, bool, Vec<Reason>);

fn weighed(pair: &Pair, seed: u64, is_over: &dyn Fn() -> bool) -> Result<Weighed, Error> {
    let mut reasons = doubts(&pair.run.posterior);
    let mut found = bridge(&pair.model, &pair.run.posterior, seed, is_over)?;
    let (mass, is_shown) = match (pair.model.log_prior_mass(), &pair.prior) {
        (Some(mass), _) => (mass, true),
        (None, None) => (f64::NAN, false),
        (None, Some(model)) => {
            let prior = drawn(model, seed, is_over, &mut reasons)?;
            let mass = bridge(model, &prior, seed, is_over)?;
            reasons.extend(mass.reason("the integral of the prior"));
            found.error = found.error.hypot(mass.error);
            (mass.log, false)
        }
    };
    found.log -= mass;
    Ok((found, mass, is_shown, reasons))
}

/// Log densities of posterior and prior at the null value, doubts.
fn ratio(
    pair: &Pair,
    null: &BTreeMap<String, f64>,
    seed: u64,
    is_over: &dyn Fn() -> bool,
) -> Result<(Estimated, Estimated, Vec<Reason>), Error> {
    let mut reasons = doubts(&pair.run.posterior);
    let at = coordinates(&pair.model, &pair.run.posterior, null)?;
    let density = |model: &Model, posterior: &Posterior| {
        let points = points(model, posterior)?;
        Ok::<_, Error>(evidence::ordinate(&mut model.density(), &points, &at, is_over)?)
    };
    let posterior = density(&pair.model, &pair.run.posterior)?;
    let Some(model) = &pair.prior else { return Err(Error::NoNull) };
    let prior = drawn(model, seed, is_over, &mut reasons)?;
    Ok((posterior, density(model, &prior)?, reasons))
}

/// Free coordinates of the null value.
fn coordinates(
    model: &Model,
    posterior: &Posterior,
    null: &BTreeMap<String, f64>,
) -> Result<Vec<(usize, f64)>, Error> {
    let width = posterior.width.max(1);
    let draws: Vec<&[f64]> =
        posterior.chains.iter().flat_map(|chain| chain.numbers.chunks(width)).collect();
    let some = [0, draws.len() / 2, draws.len().saturating_sub(1)];
    let mut found = Vec::with_capacity(null.len());
    for (name, value) in null {
        let Some((place, free)) = model.coordinate(name) else {
            let known = posterior.labels(0).map(|(label, _)| label).take(20).collect();
            return Err(Error::NoParameter { name: name.clone(), known });
        };
        let moved = |at: &usize| {
            let mut numbers = draws.get(*at)?.to_vec();
            *numbers.get_mut(place)? = *value;
            model.free_point(&numbers)?.get(free).copied()
        };
        let values: Vec<f64> = some.iter().filter_map(moved).collect();
        let is_same = values.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 1e-9);
        match values.first() {
            Some(first) if is_same && values.len() == some.len() => found.push((free, *first)),
            _ => return Err(Error::NullOutside { name: name.clone(), value: *value }),
        }
    }
    Ok(found)
}

fn bridge(
    model: &Model,
    posterior: &Posterior,
    seed: u64,
    is_over: &dyn Fn() -> bool,
) -> Result<Estimated, Error> {
    let points = points(model, posterior)?;
    Ok(evidence::bridge(&mut model.density(), &points, seed, is_over)?)
}

/// Free points of draws, thinned if there are very many.
fn points(model: &Model, posterior: &Posterior) -> Result<Points, Error> {
    let most = MAX_DRAWS.min(MAX_NUMBERS / model.dim().max(1)).max(1);
    let step = posterior.draws().div_ceil(most).max(1);
    let of = |chain: &bayes_engine::posterior::Chain| {
        let draws = chain.numbers.chunks(posterior.width.max(1)).step_by(step);
        draws.map(|numbers| model.free_point(numbers)).collect::<Option<Vec<_>>>()
    };
    posterior.chains.iter().map(of).collect::<Option<_>>().ok_or(Error::NoFreePoint)
}

fn drawn(
    model: &Model,
    seed: u64,
    is_over: &dyn Fn() -> bool,
    reasons: &mut Vec<Reason>,
) -> Result<Posterior, Error> {
    let until = tokio::time::Instant::now() + SAMPLE_TIME;
    let is_late = || is_over() || tokio::time::Instant::now() >= until;
    let prior = sampled(model, PRIOR_DRAWS, seed, &is_late)?;
    if let Some(first) = prior.verdict().reasons.into_iter().next() {
        reasons.push(Reason {
            code: "prior_draws",
            message: format!("draws of the prior are not reliable: {}", first.message),
            fix: "reparametrise groups as mu + tau * z with z ~ std_normal(), use lighter tails",
        });
    }
    Ok(prior)
}

fn doubts(posterior: &Posterior) -> Vec<Reason> {
    if posterior.verdict().is_reliable { Vec::new() } else { vec![unreliable_run()] }
}

/// Refuses models of different data; the number of observations.
fn same_data(pairs: &[Pair]) -> Result<usize, Error> {
    let mut first: Option<Vec<f64>> = None;
    for (at, pair) in pairs.iter().enumerate() {
        let posterior = &pair.run.posterior;
        let numbers = posterior
            .chains
            .first()
            .and_then(|chain| chain.numbers.chunks(posterior.width.max(1)).next());
        let numbers = numbers.ok_or(Error::NoReplay)?;
        let replay = pair.model.replay(1, 0, numbers, Wanted::default()).map_err(refused)?;
        let outcomes = replay.ok_or(Error::NoReplay)?.outcomes;
        let mut own: Vec<f64> =
            outcomes.iter().flat_map(|outcome| outcome.observed.iter().copied()).collect();
        own.sort_by(f64::total_cmp);
        let first = first.get_or_insert_with(|| own.clone());
        if first.len() != own.len() || first.iter().zip(&own).any(|(a, b)| a.total_cmp(b).is_ne()) {
            let message = "this model gives other data a distribution than the first";
            let error =
                bayes_engine::Error::new(ErrorKind::Constraint, format!("/run_ids/{at}"), message)
                    .with_hint(
                        "evidence compares models of the same data only: the same observations, on \
                         the same scale",
                    );
            return Err(error.into());
        }
    }
    Ok(first.map_or(0, |list| list.len()))
}

/// The same error at the run it came from.
fn placed(error: Error, at: usize) -> Error {
    match error {
        Error::Analysis(error) if error.path == "/run_ids" => {
            Error::Analysis(bayes_engine::Error::within(
                bayes_engine::Error::new(error.kind, format!("/{at}"), error.message)
                    .with_hint(error.hint),
                "/run_ids",
            ))
        }
        error => error,
    }
}

fn named(reasons: Vec<Reason>, at: usize) -> impl Iterator<Item = Reason> {
    reasons.into_iter().map(move |reason| Reason {
        message: format!("run_ids[{at}]: {}", reason.message),
        ..reason
    })
}
