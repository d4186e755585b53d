//! The evidence for a model: its marginal likelihood by bridge sampling, and the density of a marginal at a
//! point, from which the Savage-Dickey ratio follows.
//!
//! Both need nothing but draws on free parameters and the density there. Both say how far they can be off.

mod bridge;
mod gauss;
mod ordinate;

pub use bridge::bridge;
pub use ordinate::ordinate;

use crate::diagnose::Reason;
use crate::error::{Error, ErrorKind, Result};

/// Most free parameters: a full covariance is learnt.
pub const MAX_DIM: usize = 500;
/// Fewest draws of each half of the chains, beyond twice the parameters.
const LEAST_DRAWS: usize = 100;
/// Error of a log from which it is not trusted: a Bayes factor may be 20 % off.
const MAX_ERROR: f64 = 0.2;

/// Draws on free parameters: chains of points.
pub type Points = Vec<Vec<Vec<f64>>>;

/// The log of an integral, or of a density, that was estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimated {
    /// The log.
    pub log: f64,
    /// Its standard error: the relative error of the integral.
    pub error: f64,
    /// How far two halves of the draws disagree.
    pub gap: f64,
    /// Shape of the tail of the weights; 0 where they are bounded.
    pub shape: f64,
    /// Draws it rests on.
    pub draws: usize,
}

impl Estimated {
    /// Why it must not be used, if it must not; `what` names it.
    pub fn reason(&self, what: &str) -> Option<Reason> {
        let off = !self.log.is_finite() || !self.error.is_finite() || self.error > MAX_ERROR;
        if off {
            return Some(Reason {
                code: "imprecise",
                message: format!("{what} is known within a factor of e^{:.2} only", self.error),
                fix: "fit with more draws; if that does not help, the draws are far from normal even on free \
                      parameters: reparametrise",
            });
        }
        // two halves of equal worth differ by more than 4 errors in 1 of 16,000 cases
        if self.gap > 0.05 && self.gap > 4.0 * self.error {
            return Some(Reason {
                code: "inconsistent",
                message: format!(
                    "two halves of the draws disagree on {what} by {:.2} (error {:.2})",
                    self.gap, self.error
                ),
                fix: "the chains do not mix, or the posterior has several peaks: see diagnose_run, run longer chains",
            });
        }
        (self.shape > 0.7).then(|| Reason {
            code: "pareto_k",
            message: format!("the weights behind {what} have a tail of k {:.2}, above 0.7", self.shape),
            fix: "the value lies where the draws say little: fit with more draws, or compare two models by \
                  criterion bridge",
        })
    }
}

/// Draws of all chains, the first halves and the second.
fn halves(points: &Points) -> Result<[Points; 2]> {
    let dim = points.iter().flatten().next().map_or(0, Vec::len);
    if !(1..=MAX_DIM).contains(&dim) {
        let message = format!("{dim} free parameters are outside 1..{MAX_DIM}");
        return Err(Error::new(ErrorKind::Limit, "/run_ids", message)
            .with_hint("compare models of this size by criterion loo"));
    }
    let half = |is_first: bool| -> Points {
        let of = |chain: &Vec<Vec<f64>>| {
            let middle = chain.len() / 2;
            if is_first { chain[..middle].to_vec() } else { chain[middle..].to_vec() }
        };
        points.iter().map(of).collect()
    };
    let found = [half(true), half(false)];
    let least = LEAST_DRAWS.max(2 * dim);
    let count = found[0].iter().map(Vec::len).sum::<usize>();
    if count < least {
        let message = format!("{count} draws in half of the chains are fewer than {least}");
        return Err(Error::new(ErrorKind::Limit, "/run_ids", message)
            .with_hint(format!("fit the model with at least {} draws in all", 2 * least + 2)));
    }
    Ok(found)
}

/// A log density as a number: minus infinity where there is none.
fn log_at(density: &mut dyn crate::sampler::LogDensity, point: &[f64], scratch: &mut [f64]) -> f64 {
    density.gradient(point, scratch).unwrap_or(f64::NEG_INFINITY)
}
