//! How well a model foretells an observation it has not seen: LOO by PSIS, WAIC.
//!
//! Vehtari, Gelman and Gabry 2017 (10.1007/s11222-016-9696-4), in the conventions of ArviZ: log scores, variances
//! with divisor `n`.

mod rank;

pub use rank::{Ranked, rank};

use crate::diagnose::Reason;
use crate::error::{Error, ErrorKind, Result};
use crate::psis::{self, log_sum_exp};

/// Posterior variance of a log density above which WAIC starts to fail.
const MAX_VARIANCE: f64 = 0.4;

/// How the density of what was left out is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// Leave-one-out by Pareto smoothed importance sampling.
    Loo,
    /// The widely applicable information criterion.
    Waic,
    /// Fits without each part of the observations.
    Fold,
}

/// One observation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Expected log predictive density.
    pub elpd: f64,
    /// Shape of the tail of its weights (LOO), or posterior variance of its log density (WAIC).
    pub spread: f64,
}

/// All observations of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Elpd {
    /// How it was estimated.
    pub criterion: Criterion,
    /// One for each observation.
    pub points: Vec<Point>,
    /// Sum over the observations.
    pub total: f64,
    /// Its standard error.
    pub error: f64,
    /// Effective number of parameters.
    pub parameters: f64,
    /// Largest `spread` that is not flagged.
    pub bound: f64,
    /// Draws it rests on.
    pub draws: usize,
}

/// Scores a model by its pointwise log likelihood.
///
/// `column(i)` gives the log densities of observation `i` under all draws; `efficiency` is the mean of effective
/// draws by draws of the parameters.
pub fn score(
    criterion: Criterion,
    observations: usize,
    column: &dyn Fn(usize) -> Vec<f64>,
    efficiency: f64,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Elpd> {
    let mut points = Vec::with_capacity(observations);
    let (mut parameters, mut draws) = (0.0, 0);
    for at in 0..observations {
        if is_cancelled() {
            return Err(Error::cancelled());
        }
        let logs = column(at);
        draws = logs.len();
        check(&logs, at)?;
        let full = log_sum_exp(&logs) - (draws as f64).ln();
        let (point, share) = match criterion {
            Criterion::Loo => {
                let point = left_out(&logs, efficiency);
                (point, full - point.elpd)
            }
            Criterion::Waic | Criterion::Fold => {
                let spread = variance(&logs);
                (Point { elpd: full - spread, spread }, spread)
            }
        };
        points.push(point);
        parameters += share;
    }
    let scores: Vec<f64> = points.iter().map(|point| point.elpd).collect();
    let bound = if criterion == Criterion::Loo { psis::max_shape(draws) } else { MAX_VARIANCE };
    Ok(Elpd {
        criterion,
        total: scores.iter().sum(),
        error: sum_error(&scores),
        points,
        parameters,
        bound,
        draws,
    })
}

/// The score of fits without each part of the observations: `left_out(i)` are the log densities of observation `i`
/// under the fit without it, `full(i)` under the fit of all.
pub fn folded(
    observations: usize,
    left_out: &dyn Fn(usize) -> Vec<f64>,
    full: &dyn Fn(usize) -> Vec<f64>,
) -> Result<Elpd> {
    let mean = |logs: &[f64]| log_sum_exp(logs) - (logs.len() as f64).ln();
    let mut points = Vec::with_capacity(observations);
    let (mut parameters, mut draws) = (0.0, 0);
    for at in 0..observations {
        let (logs, all) = (left_out(at), full(at));
        check(&logs, at)?;
        check(&all, at)?;
        draws = logs.len();
        let elpd = mean(&logs);
        parameters += mean(&all) - elpd;
        points.push(Point { elpd, spread: 0.0 });
    }
    let scores: Vec<f64> = points.iter().map(|point| point.elpd).collect();
    let (total, error) = (scores.iter().sum(), sum_error(&scores));
    Ok(Elpd { criterion: Criterion::Fold, points, total, error, parameters, bound: 0.0, draws })
}

fn left_out(logs: &[f64], efficiency: f64) -> Point {
    let ratios: Vec<f64> = logs.iter().map(|log| -log).collect();
    let smoothed = psis::smooth(&ratios, efficiency);
    let joint: Vec<f64> =
        smoothed.log_weights.iter().zip(logs).map(|(weight, log)| weight + log).collect();
    Point { elpd: log_sum_exp(&joint), spread: smoothed.shape }
}

fn check(logs: &[f64], at: usize) -> Result<()> {
    if logs.len() < 10 {
        let message = format!("{} draws are too few", logs.len());
        return Err(Error::new(ErrorKind::Limit, "/run_ids", message)
            .with_hint("fit the model with at least 100 draws"));
    }
    if logs.iter().all(|log| log.is_finite()) {
        return Ok(());
    }
    let message =
        format!("the log likelihood of observation {} is not finite in every draw", at + 1);
    Err(Error::new(ErrorKind::NonFinite, "/var", message).with_hint(
        "look for outcomes outside the support, logs of 0 and elements of it that are never assigned",
    ))
}

/// With divisor `n`.
pub(crate) fn variance(x: &[f64]) -> f64 {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n
}

/// Standard error of a sum of terms that vary alike.
pub(crate) fn sum_error(terms: &[f64]) -> f64 {
    (terms.len() as f64 * variance(terms)).sqrt()
}

impl Elpd {
    /// Observations above the bound, the worst first.
    pub fn flagged(&self) -> Vec<usize> {
        let is_good = |place: &usize| self.points[*place].spread <= self.bound;
        let mut places: Vec<usize> =
            (0..self.points.len()).filter(|place| !is_good(place)).collect();
        places.sort_by(|a, b| self.points[*b].spread.total_cmp(&self.points[*a].spread));
        places
    }

    /// Why the sum must not be used, if it must not.
    pub fn reason(&self) -> Option<Reason> {
        let flagged = self.flagged();
        let worst = self.points.get(*flagged.first()?)?.spread;
        let (count, all) = (flagged.len(), self.points.len());
        let which: Vec<String> =
            flagged.iter().take(5).map(|place| (place + 1).to_string()).collect();
        let places = which.join(", ");
        Some(match self.criterion {
            Criterion::Loo => Reason {
                code: "pareto_k",
                message: format!(
                    "Pareto k of {count} of {all} observations is above {:.2} (worst {worst:.2}; observations \
                     {places}): the posterior without them differs so much that its estimate can be far off",
                    self.bound
                ),
                fix: shape_fix(worst),
            },
            Criterion::Waic | Criterion::Fold => Reason {
                code: "waic_variance",
                message: format!(
                    "the log density of {count} of {all} observations varies by more than {MAX_VARIANCE} (worst \
                     {worst:.2}; observations {places}): WAIC is biased there"
                ),
                fix: "use criterion loo, which tells whether its own estimate holds",
            },
        })
    }

    /// What to look at even where the estimate holds.
    pub fn warning(&self) -> Option<Reason> {
        let count = self.points.len() as f64;
        (self.parameters > 0.2 * count).then(|| Reason {
            code: "flexible",
            message: format!(
                "the effective number of parameters is {:.1} for {count} observations",
                self.parameters
            ),
            fix: "some observations have a parameter nearly of their own: leave out groups instead of single \
                  observations, or tighten the priors",
        })
    }
}

fn shape_fix(worst: f64) -> &'static str {
    if psis::draws_for(worst).is_some() {
        "ask for more draws; if k stays, look at these observations: outliers, errors of recording, or groups of \
         their own"
    } else {
        "more draws will not help: check these observations for errors, use a likelihood with heavier tails \
         (student_t, neg_binomial_2), or fit without them and score them by log_lik there"
    }
}
