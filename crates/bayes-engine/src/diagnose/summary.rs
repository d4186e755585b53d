//! What is reported about one quantity.

use super::{ess, ess_bulk, ess_tail, mean, quantile, r_hat, sorted, split, variance};
use crate::error::{Result, level};

/// A quantity summarised over its draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
    /// Monte Carlo error of the mean.
    pub mcse_mean: f64,
    /// Monte Carlo error of the standard deviation.
    pub mcse_sd: f64,
    /// Median.
    pub median: f64,
    /// Equal-tailed interval.
    pub eti: [f64; 2],
    /// Narrowest interval.
    pub hdi: [f64; 2],
    /// Rank-normalised split R-hat.
    pub r_hat: f64,
    /// Effective draws for the centre.
    pub ess_bulk: f64,
    /// Effective draws for the tails.
    pub ess_tail: f64,
}

/// Summarises draws by chain; intervals hold `prob`.
pub fn estimate(chains: &[&[f64]], prob: f64) -> Result<Estimate> {
    level("/prob", prob)?;
    let all: Vec<f64> = chains.iter().flat_map(|chain| chain.iter().copied()).collect();
    let order = sorted(&all);
    let (mcse_mean, mcse_sd) = errors(chains, &all);
    let tail = 0.5 * (1.0 - prob);
    Ok(Estimate {
        mean: mean(&all),
        sd: variance(&all).sqrt(),
        mcse_mean,
        mcse_sd,
        median: quantile(&order, 0.5),
        eti: [quantile(&order, tail), quantile(&order, 1.0 - tail)],
        hdi: narrowest(&order, prob),
        r_hat: r_hat(chains),
        ess_bulk: ess_bulk(chains),
        ess_tail: ess_tail(chains),
    })
}

/// Monte Carlo errors of mean and standard deviation.
fn errors(chains: &[&[f64]], all: &[f64]) -> (f64, f64) {
    let Some(parts) = split(chains) else { return (f64::NAN, f64::NAN) };
    let of_mean = variance(all).sqrt() / ess(&parts).sqrt();
    let centre = mean(all);
    let squares: Vec<Vec<f64>> = chains
        .iter()
        .map(|chain| chain.iter().map(|x| (x - centre) * (x - centre)).collect())
        .collect();
    let lists: Vec<&[f64]> = squares.iter().map(Vec::as_slice).collect();
    let flat: Vec<f64> = squares.iter().flatten().copied().collect();
    let first = mean(&flat);
    let second = mean(&flat.iter().map(|u| u * u).collect::<Vec<_>>());
    let effective = super::ess_mean(&lists);
    let of_sd = ((second - first * first) / (4.0 * first * effective)).sqrt();
    (of_mean, of_sd)
}

/// The narrowest interval between draws that holds `prob` of them.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
fn narrowest(sorted: &[f64], prob: f64) -> [f64; 2] {
    let steps = (prob * sorted.len() as f64).floor() as usize;
    let wide = (0..sorted.len().saturating_sub(steps)).map(|at| [sorted[at], sorted[at + steps]]);
    wide.min_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0]))).unwrap_or([f64::NAN; 2])
}
