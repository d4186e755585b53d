//! Counts of categories.

use super::{MAX_CATEGORIES, Marginal, Predictive, Update};
use crate::distribution::{Beta, ln_beta_binomial};
use crate::error::{self, Error, ErrorKind, Result};

/// Dirichlet belief about the shares of categories: one pseudo-count each.
#[derive(Debug, Clone, PartialEq)]
pub struct Concentration(pub Vec<f64>);

/// Dirichlet prior, multinomial data: one count for each category (2..=100).
///
/// The evidence is that of the counts, the multinomial coefficient included. The prediction is the
/// probability that the next observation falls into each category.
pub fn update_dirichlet_multinomial(
    prior: &Concentration,
    counts: &[u64],
    level: f64,
) -> Result<Update<Concentration>> {
    let prior = check(prior, counts)?;
    error::level("/level", level)?;
    let posterior: Vec<f64> =
        prior.iter().zip(counts).map(|(alpha, count)| alpha + *count as f64).collect();
    let total: f64 = posterior.iter().sum();
    let mut marginals = Vec::with_capacity(posterior.len());
    for (index, alpha) in posterior.iter().enumerate() {
        // summed, not subtracted: a dominant category leaves little
        let others: f64 =
            posterior.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, a)| a).sum();
        let summary = Beta::new(*alpha, others)?.summary(level);
        marginals.push(Marginal { name: index.to_string(), summary });
    }
    let probabilities = posterior.iter().map(|alpha| alpha / total).collect();
    let ln_marginal = ln_marginal(prior, counts);
    Ok(Update {
        posterior: Concentration(posterior),
        marginals,
        predictive: Predictive {
            mean: None,
            sd: None,
            interval: None,
            probabilities: Some(probabilities),
        },
        ln_marginal,
    })
}

fn check<'prior>(prior: &'prior Concentration, counts: &[u64]) -> Result<&'prior [f64]> {
    let len = counts.len();
    if !(2..=MAX_CATEGORIES).contains(&len) {
        return Err(Error::new(
            ErrorKind::Limit,
            "/data/counts",
            format!("{len} categories are outside 2..{MAX_CATEGORIES}"),
        )
        .with_hint("give one count for each category; merge rare categories"));
    }
    if prior.0.len() != len {
        return Err(Error::new(
            ErrorKind::Constraint,
            "/prior/concentration",
            format!("{} pseudo-counts for {len} categories", prior.0.len()),
        )
        .with_hint("give one pseudo-count for each count, in the same order"));
    }
    for (index, alpha) in prior.0.iter().enumerate() {
        error::shape(&format!("/prior/concentration/{index}"), *alpha)?;
    }
    Ok(&prior.0)
}

/// The first category against all others, then the second against the rest, and so on.
fn ln_marginal(prior: &[f64], counts: &[u64]) -> f64 {
    let mut rest: f64 = 0.0;
    let mut left = 0.0;
    let mut sum = 0.0;
    for (alpha, count) in prior.iter().zip(counts).rev() {
        let count = *count as f64;
        if rest > 0.0 {
            sum += ln_beta_binomial(count, count + left, *alpha, rest);
        }
        rest += alpha;
        left += count;
    }
    sum
}
