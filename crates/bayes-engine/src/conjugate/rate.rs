//! Waiting times, failures before successes, and the end of a uniform range.

use super::count::size;
use super::{BetaPrior, GammaPrior, Marginal, Predictive, Update};
use crate::distribution::{Beta, Distribution, Gamma, Moments};
use crate::error::{self, Error, ErrorKind, Result};
use crate::interval::{Summary, equal_tails};
use crate::special::beta::ln_kernel as beta_kernel;
use crate::special::gamma::ln_kernel as gamma_kernel;
use crate::special::{Mass, Unit};

/// Waiting times of events, all complete.
#[derive(Debug, Clone, PartialEq)]
pub enum Waits {
    /// Each of them.
    Values(Vec<f64>),
    /// How many, and their sum.
    Total {
        /// Number of waiting times.
        n: u64,
        /// Their sum.
        total: f64,
    },
}

impl Waits {
    fn total(&self) -> Result<(f64, f64)> {
        match self {
            Self::Values(values) => {
                size("/data/values", values.len())?;
                let mut sum = 0.0;
                for (index, value) in values.iter().enumerate() {
                    sum += not_negative(&format!("/data/values/{index}"), *value)?;
                }
                Ok((values.len() as f64, error::finite("/data/values", sum)?))
            }
            Self::Total { n, total } => Ok((*n as f64, not_negative("/data/exposure", *total)?)),
        }
    }
}

fn not_negative(path: &str, value: f64) -> Result<f64> {
    if error::finite(path, value)? >= 0.0 {
        return Ok(value);
    }
    Err(Error::new(ErrorKind::Constraint, path, format!("{value} is below 0"))
        .with_hint("waiting times and sizes are not negative"))
}

/// Gamma prior on the rate of exponential waiting times. The evidence is that of each waiting time; the
/// prediction is the next one's.
pub fn update_gamma_exponential(
    prior: GammaPrior,
    data: &Waits,
    level: f64,
) -> Result<Update<GammaPrior>> {
    error::shape("/prior/shape", prior.shape)?;
    error::positive("/prior/rate", prior.rate)?;
    error::level("/level", level)?;
    let (n, total) = data.total()?;
    let posterior = GammaPrior { shape: prior.shape + n, rate: prior.rate + total };
    let rate = Gamma::new(posterior.shape, posterior.rate)?;
    // likelihood times prior over posterior, at the posterior mean; densities are of the log rate
    let at = posterior.shape / posterior.rate;
    let ln_marginal = n * at.ln() - total * at + gamma_kernel(prior.shape, prior.rate * at)
        - gamma_kernel(posterior.shape, posterior.shape);
    let next = Distribution::new(
        "pareto_type_2",
        [("mu", 0.0), ("lambda", posterior.rate), ("alpha", posterior.shape)],
    )?;
    Ok(Update {
        posterior,
        marginals: vec![Marginal { name: "rate".into(), summary: rate.summary(level) }],
        predictive: predicted(&next, level)?,
        ln_marginal,
    })
}

fn predicted(next: &Distribution, level: f64) -> Result<Predictive> {
    let Moments { mean, sd, .. } = next.moments();
    Ok(Predictive { mean, sd, interval: Some(next.interval(level)?), probabilities: None })
}

/// Failures seen before a fixed number of successes.
#[derive(Debug, Clone, PartialEq)]
pub struct Failures {
    /// Successes at which each series stopped.
    pub successes: f64,
    /// Failures of each series.
    pub counts: Vec<u64>,
}

/// Beta prior on the rate of success in series that stop at a fixed number of successes. The evidence is
/// that of each count; the prediction is the failures of the next series.
pub fn update_beta_negbin(
    prior: BetaPrior,
    data: &Failures,
    level: f64,
) -> Result<Update<BetaPrior>> {
    let prior = prior.checked("/prior")?;
    let r = error::shape("/data/r", data.successes)?;
    size("/data/counts", data.counts.len())?;
    error::level("/level", level)?;
    let series = data.counts.len() as f64;
    let failures: f64 = data.counts.iter().map(|count| *count as f64).sum();
    let posterior = BetaPrior { alpha: prior.alpha + r * series, beta: prior.beta + failures };
    let rate = Beta::new(posterior.alpha, posterior.beta)?;
    let total = posterior.alpha + posterior.beta;
    let at = Unit { x: posterior.alpha / total, y: posterior.beta / total };
    let ln_likelihood: f64 = data
        .counts
        .iter()
        .map(|count| match *count as f64 {
            k if k > 0.0 => beta_kernel(r, k, at) - k.ln(),
            _ => r * if at.y < 0.5 { (-at.y).ln_1p() } else { at.x.ln() },
        })
        .sum();
    let ln_marginal = ln_likelihood + beta_kernel(prior.alpha, prior.beta, at)
        - beta_kernel(posterior.alpha, posterior.beta, at);
    let next = Distribution::new(
        "beta_neg_binomial",
        [("r", r), ("alpha", posterior.alpha), ("beta", posterior.beta)],
    )
    .map_err(|error| Error { path: "/prior".to_owned(), ..error })?;
    Ok(Update {
        posterior,
        marginals: vec![Marginal { name: "rate".into(), summary: rate.summary(level) }],
        predictive: predicted(&next, level)?,
        ln_marginal,
    })
}

/// Pareto(`scale`, `shape`) belief about the upper end of a uniform range that starts at 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParetoPrior {
    /// The end is at least this.
    pub scale: f64,
    /// How many observations the belief is worth.
    pub shape: f64,
}

/// Pareto prior on the upper end of a uniform range from 0, values of that range. The evidence is that of
/// all values; the prediction is the next one.
pub fn update_uniform_pareto(
    prior: ParetoPrior,
    values: &[f64],
    level: f64,
) -> Result<Update<ParetoPrior>> {
    error::positive("/prior/scale", prior.scale)?;
    error::shape("/prior/shape", prior.shape)?;
    size("/data/values", values.len())?;
    error::level("/level", level)?;
    let mut highest = prior.scale;
    for (index, value) in values.iter().enumerate() {
        highest = highest.max(not_negative(&format!("/data/values/{index}"), *value)?);
    }
    let n = values.len() as f64;
    let posterior = ParetoPrior { scale: highest, shape: prior.shape + n };
    let end =
        Distribution::new("pareto", [("y_min", posterior.scale), ("alpha", posterior.shape)])?;
    let Moments { mean, sd, .. } = end.moments();
    let summary = Summary {
        mean,
        sd,
        median: end.quantile(Mass::below(0.5)),
        interval: end.interval(level)?,
        hdi: end.hdi(level)?,
    };
    Ok(Update {
        posterior,
        marginals: vec![Marginal { name: "end".into(), summary }],
        predictive: next_uniform(posterior, level),
        ln_marginal: -(n / prior.shape).ln_1p()
            - n * highest.ln()
            - prior.shape * (highest / prior.scale).ln(),
    })
}

/// The next value: flat up to the scale with mass `shape / (shape + 1)`, a power tail above.
fn next_uniform(ParetoPrior { scale, shape }: ParetoPrior, level: f64) -> Predictive {
    let flat = shape / (shape + 1.0);
    let quantile = |mass: Mass| {
        if mass.lower <= flat {
            return scale * (mass.lower / flat);
        }
        // above the scale P(X > x) = (x / scale)^-shape / (shape + 1)
        scale * (mass.upper * (shape + 1.0)).powf(-1.0 / shape)
    };
    let mean = (shape > 1.0).then(|| 0.5 * scale * (shape / (shape - 1.0)));
    let sd = mean
        .filter(|_| shape > 2.0)
        .map(|mean| (scale * scale / 3.0 * (shape / (shape - 2.0)) - mean * mean).sqrt());
    Predictive { mean, sd, interval: Some(equal_tails(level).map(quantile)), probabilities: None }
}
