//! Successes among trials, events in an exposure.

use super::{MAX_FUTURE_TRIALS, MAX_VALUES, Marginal, Predictive, Update};
use crate::distribution::{Beta, BetaBinomial, Gamma, NegativeBinomial};
use crate::error::{self, Error, ErrorKind, Result};
use crate::special::gamma::ln_kernel;

/// Beta(`alpha`, `beta`) belief about a rate in 0..1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaPrior {
    /// Pseudo-count of successes.
    pub alpha: f64,
    /// Pseudo-count of failures.
    pub beta: f64,
}

/// Successes among trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Successes.
    pub successes: u64,
    /// Trials, successes included.
    pub trials: u64,
}

impl BetaPrior {
    pub(crate) fn checked(self, path: &str) -> Result<Self> {
        error::shape(&format!("{path}/alpha"), self.alpha)?;
        error::shape(&format!("{path}/beta"), self.beta)?;
        Ok(self)
    }

    pub(crate) fn with(self, data: Counts) -> Self {
        Self {
            alpha: self.alpha + data.successes as f64,
            beta: self.beta + (data.trials - data.successes) as f64,
        }
    }
}

/// Beta prior, binomial data. `future` (1..=10000) is the number of trials to predict. The evidence is
/// that of the counts, the binomial coefficient included.
pub fn update_beta_binomial(
    prior: BetaPrior,
    data: Counts,
    future: u32,
    level: f64,
) -> Result<Update<BetaPrior>> {
    let prior = prior.checked("/prior")?;
    error::successes("/data", data.successes, data.trials)?;
    error::level("/level", level)?;
    if !(1..=MAX_FUTURE_TRIALS).contains(&future) {
        return Err(Error::new(
            ErrorKind::Limit,
            "/future",
            format!("future = {future} trials is outside 1..{MAX_FUTURE_TRIALS}"),
        ));
    }
    let posterior = prior.with(data);
    let rate = Beta::new(posterior.alpha, posterior.beta)?;
    let next = BetaBinomial::new(future, posterior.alpha, posterior.beta);
    let (k, n) = (data.successes as f64, data.trials as f64);
    Ok(Update {
        posterior,
        marginals: vec![Marginal { name: "rate".into(), summary: rate.summary(level) }],
        predictive: Predictive::count(next.mean(), next.sd(), next.interval(level)),
        ln_marginal: crate::distribution::ln_beta_binomial(k, n, prior.alpha, prior.beta),
    })
}

/// Gamma(`shape`, `rate`) belief about an event rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GammaPrior {
    /// Pseudo-count of events.
    pub shape: f64,
    /// Exposure those pseudo-events took.
    pub rate: f64,
}

/// Events seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Events {
    /// One count for each unit of exposure.
    Each(Vec<u64>),
    /// A total within an exposure.
    Total {
        /// Events in all.
        events: u64,
        /// Exposure in all, above 0.
        exposure: f64,
    },
}

impl Events {
    fn total(&self) -> Result<(f64, f64)> {
        match self {
            Self::Each(counts) => {
                size("/data/counts", counts.len())?;
                Ok((counts.iter().map(|count| *count as f64).sum(), counts.len() as f64))
            }
            Self::Total { events, exposure } => {
                Ok((*events as f64, error::positive("/data/exposure", *exposure)?))
            }
        }
    }

    /// Log probability at event rate `rate`.
    fn ln_likelihood(&self, rate: f64) -> f64 {
        match self {
            Self::Each(counts) => counts.iter().map(|k| ln_poisson(*k as f64, rate)).sum(),
            Self::Total { events, exposure } => ln_poisson(*events as f64, rate * exposure),
        }
    }
}

/// Refuses empty and oversized lists.
pub(super) fn size(path: &str, len: usize) -> Result<()> {
    if len == 0 {
        return Err(Error::new(ErrorKind::Missing, path, "the list is empty")
            .with_hint("give at least one observation"));
    }
    if len > MAX_VALUES {
        return Err(Error::new(
            ErrorKind::Limit,
            path,
            format!("{len} values exceed the limit of {MAX_VALUES}"),
        )
        .with_hint("give sufficient statistics instead of single values"));
    }
    Ok(())
}

fn ln_poisson(k: f64, mean: f64) -> f64 {
    if k <= 0.0 { -mean } else { ln_kernel(k, mean) - k.ln() }
}

/// Gamma prior, Poisson data. `future` is the exposure to predict, above 0. The evidence is that of the
/// data as given: of each count, or of the total.
pub fn update_gamma_poisson(
    prior: GammaPrior,
    data: &Events,
    future: f64,
    level: f64,
) -> Result<Update<GammaPrior>> {
    error::shape("/prior/shape", prior.shape)?;
    error::positive("/prior/rate", prior.rate)?;
    error::positive("/future", future)?;
    error::level("/level", level)?;
    let (events, exposure) = data.total()?;
    let posterior = GammaPrior { shape: prior.shape + events, rate: prior.rate + exposure };
    let rate = Gamma::new(posterior.shape, posterior.rate)?;
    let next = NegativeBinomial::new(posterior.shape, posterior.rate, future);
    // likelihood times prior over posterior, at the posterior mean
    let at = posterior.shape / posterior.rate;
    let ln_marginal = data.ln_likelihood(at) + ln_kernel(prior.shape, prior.rate * at)
        - ln_kernel(posterior.shape, posterior.shape);
    Ok(Update {
        posterior,
        marginals: vec![Marginal { name: "rate".into(), summary: rate.summary(level) }],
        predictive: Predictive::count(next.mean(), next.sd(), next.interval(level)),
        ln_marginal,
    })
}
