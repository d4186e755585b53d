//! Models side by side: differences, stacking and pseudo-BMA+ weights.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Elpd, sum_error};
use crate::error::{Error, ErrorKind, Result};
use crate::optimize::solve;

/// Replications of the Bayesian bootstrap.
const BOOTSTRAPS: usize = 1000;
/// Weights below this are 0 where that costs nothing.
const NO_WEIGHT: f64 = 1e-7;

/// One model among others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Its place in the list that was given.
    pub place: usize,
    /// Log score of the best model less its own.
    pub difference: f64,
    /// Standard error of the difference.
    pub error: f64,
    /// Weight in the mixture that foretells best (Yao et al. 2018).
    pub stacking: f64,
    /// Weight by its own score, its uncertainty averaged over a Bayesian bootstrap (pseudo-BMA+).
    pub pseudo_bma: f64,
}

/// Ranks models scored on the same observations, the best first.
pub fn rank(models: &[Elpd], seed: u64) -> Result<Vec<Ranked>> {
    let rows = models.first().map_or(0, |model| model.points.len());
    if let Some(at) = models.iter().position(|model| model.points.len() != rows) {
        let message = format!(
            "the models have {rows} and {} observations; scores of different data do not compare",
            models[at].points.len()
        );
        return Err(Error::new(ErrorKind::Constraint, format!("/run_ids/{at}"), message)
            .with_hint("fit all models to the same observations, in the same order"));
    }
    let mut order: Vec<usize> = (0..models.len()).collect();
    order.sort_by(|a, b| models[*b].total.total_cmp(&models[*a].total));
    let scores: Vec<Vec<f64>> =
        models.iter().map(|model| model.points.iter().map(|point| point.elpd).collect()).collect();
    let (stacking, pseudo_bma) = (stack(&scores), bootstrap(&scores, seed));
    let best = order.first().copied().unwrap_or(0);
    Ok(order
        .iter()
        .map(|&place| {
            let off: Vec<f64> =
                scores[best].iter().zip(&scores[place]).map(|(best, own)| best - own).collect();
            Ranked {
                place,
                difference: off.iter().sum(),
                error: sum_error(&off),
                stacking: stacking[place],
                pseudo_bma: pseudo_bma[place],
            }
        })
        .collect())
}

/// Weights that maximise the log score of the mixture: Newton steps on a log barrier that vanishes.
fn stack(scores: &[Vec<f64>]) -> Vec<f64> {
    let models = scores.len();
    let rows = scores.first().map_or(0, Vec::len);
    // densities relative to the best of each row: the optimum is the same
    let shares: Vec<Vec<f64>> = (0..rows)
        .map(|row| {
            let top = scores.iter().map(|list| list[row]).fold(f64::NEG_INFINITY, f64::max);
            scores.iter().map(|list| (list[row] - top).exp()).collect()
        })
        .collect();
    let mut weights = vec![1.0 / models as f64; models];
    if models < 2 || rows == 0 {
        return weights;
    }
    let mut barrier = rows as f64 * 0.1;
    while barrier > 1e-12 {
        for _ in 0..50 {
            if newton(&shares, &mut weights, barrier) < 1e-14 * rows as f64 {
                break;
            }
        }
        barrier *= 0.1;
    }
    cleaned(&shares, &weights)
}

/// One damped step in the simplex; how much the barrier function gained.
fn newton(shares: &[Vec<f64>], weights: &mut Vec<f64>, barrier: f64) -> f64 {
    let models = weights.len();
    let mut slope: Vec<f64> = weights.iter().map(|weight| barrier / weight).collect();
    let mut system = vec![vec![0.0; models + 2]; models + 1];
    for (at, weight) in weights.iter().enumerate() {
        system[at][at] = barrier / (weight * weight);
        (system[at][models], system[models][at]) = (1.0, 1.0);
    }
    for row in shares {
        let total = mixed(row, weights);
        for (a, one) in row.iter().enumerate() {
            slope[a] += one / total;
            for (b, other) in row.iter().enumerate() {
                system[a][b] += one * other / (total * total);
            }
        }
    }
    for (line, slope) in system.iter_mut().zip(&slope) {
        line[models + 1] = *slope;
    }
    let solution = solve(system);
    let step = &solution[..models];
    let value = |weights: &[f64]| {
        shares.iter().map(|row| mixed(row, weights).ln()).sum::<f64>()
            + barrier * weights.iter().map(|weight| weight.ln()).sum::<f64>()
    };
    let here = value(weights);
    let mut size = weights
        .iter()
        .zip(step)
        .filter(|(_, step)| **step < 0.0)
        .map(|(weight, step)| -0.99 * weight / step)
        .fold(1.0, f64::min);
    for _ in 0..40 {
        let next: Vec<f64> = weights.iter().zip(step).map(|(w, step)| w + size * step).collect();
        let gain = value(&next) - here;
        if gain > 0.0 {
            *weights = next;
            return gain;
        }
        size *= 0.5;
    }
    0.0
}

fn mixed(row: &[f64], weights: &[f64]) -> f64 {
    row.iter().zip(weights).map(|(share, weight)| share * weight).sum()
}

/// Without the traces that the barrier leaves, where the score does not mind.
fn cleaned(shares: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let scaled = |list: &[f64]| {
        let total: f64 = list.iter().sum();
        list.iter().map(|weight| weight / total).collect::<Vec<f64>>()
    };
    let rounded: Vec<f64> =
        weights.iter().map(|weight| if *weight < NO_WEIGHT { 0.0 } else { *weight }).collect();
    let (weights, rounded) = (scaled(weights), scaled(&rounded));
    let score = |list: &[f64]| shares.iter().map(|row| mixed(row, list).ln()).sum::<f64>();
    if score(&rounded) >= score(&weights) - 1e-10 { rounded } else { weights }
}

/// Mean of the weights over reweighted observations (Rubin 1981).
fn bootstrap(scores: &[Vec<f64>], seed: u64) -> Vec<f64> {
    let rows = scores.first().map_or(0, Vec::len);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut sums = vec![0.0; scores.len()];
    for _ in 0..BOOTSTRAPS {
        let waits: Vec<f64> = (0..rows)
            .map(|_| -(((random.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64).ln())
            .collect();
        let scale = rows as f64 / waits.iter().sum::<f64>();
        let totals: Vec<f64> = scores
            .iter()
            .map(|list| {
                scale * list.iter().zip(&waits).map(|(score, wait)| score * wait).sum::<f64>()
            })
            .collect();
        let top = totals.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let parts: Vec<f64> = totals.iter().map(|total| (total - top).exp()).collect();
        let whole: f64 = parts.iter().sum();
        for (sum, part) in sums.iter_mut().zip(parts) {
            *sum += part / whole;
        }
    }
    let whole: f64 = sums.iter().sum();
    sums.iter().map(|sum| (sum / whole).min(1.0)).collect()
}
