//! Conjugate updates: prior and data in, posterior, prediction and evidence out, all in closed form.
//!
//! Parametrisations follow Gelman et al., "Bayesian Data Analysis" (3rd ed.), chapters 2 and 3.

mod categorical;
mod count;
mod gaussian;
mod multivariate;
mod rate;

pub use categorical::{Concentration, update_dirichlet_multinomial};
pub use count::{
    BetaPrior, Counts, Events, GammaPrior, update_beta_binomial, update_gamma_poisson,
};
pub use gaussian::{NigPrior, NormalPrior, Sample, update_nig, update_normal_known_sigma};

pub use multivariate::{MAX_COMPONENTS, NiwPrior, update_niw};
pub use rate::{
    Failures, ParetoPrior, Waits, update_beta_negbin, update_gamma_exponential,
    update_uniform_pareto,
};

use crate::interval::Summary;

/// Most values that one update takes.
pub const MAX_VALUES: usize = 100_000;
/// Most categories of a Dirichlet update.
pub const MAX_CATEGORIES: usize = 100;
/// Most future trials of a beta-binomial prediction.
pub const MAX_FUTURE_TRIALS: u32 = 10_000;

/// What an update found.
#[derive(Debug, Clone, PartialEq)]
pub struct Update<P> {
    /// The posterior, in the prior's own parameters: it can be the next prior.
    pub posterior: P,
    /// One summary for each unknown, in the order of the model.
    pub marginals: Vec<Marginal>,
    /// What the posterior predicts.
    pub predictive: Predictive,
    /// Log probability (density) of the data under the prior, every constant included.
    pub ln_marginal: f64,
}

/// One unknown of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Marginal {
    /// Its name; categories are numbered from 0.
    pub name: String,
    /// What is known about it.
    pub summary: Summary,
}

/// What the posterior predicts about data to come.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictive {
    /// Mean, where it exists.
    pub mean: Option<f64>,
    /// Standard deviation, where it exists.
    pub sd: Option<f64>,
    /// Equal-tailed interval; of counts, the smallest counts that reach either end.
    pub interval: Option<[f64; 2]>,
    /// Probability of each category (categorical families only).
    pub probabilities: Option<Vec<f64>>,
}

impl Predictive {
    fn count(mean: f64, sd: f64, interval: [f64; 2]) -> Self {
        Self { mean: Some(mean), sd: Some(sd), interval: Some(interval), probabilities: None }
    }

    fn value(summary: &Summary) -> Self {
        Self {
            mean: summary.mean,
            sd: summary.sd,
            interval: Some(summary.interval),
            probabilities: None,
        }
    }
}
