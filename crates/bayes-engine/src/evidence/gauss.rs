//! The normal distribution with mean and covariance of draws.

use super::Points;
use crate::language::{cholesky, solve_lower};
use crate::special::stirling::LN_SQRT_2PI;

/// A normal distribution; its coordinates may stand in another order than the draws'.
#[derive(Debug)]
pub(super) struct Gauss {
    pub(super) mean: Vec<f64>,
    /// Lower factor of the covariance, by columns.
    factor: Vec<f64>,
    /// The draws' coordinate behind each.
    order: Vec<usize>,
}

impl Gauss {
    /// From draws; `last` coordinates come last. None where they do not spread.
    pub(super) fn of(points: &Points, last: &[usize]) -> Option<Self> {
        let all: Vec<&Vec<f64>> = points.iter().flatten().collect();
        let dim = all.first()?.len();
        let mut order: Vec<usize> = (0..dim).filter(|at| !last.contains(at)).collect();
        order.extend(last);
        let n = all.len() as f64;
        let mean: Vec<f64> =
            order.iter().map(|at| all.iter().map(|x| x[*at]).sum::<f64>() / n).collect();
        let mut factor = vec![0.0; dim * dim];
        let mut off = vec![0.0; dim];
        for x in &all {
            for ((slot, at), mean) in off.iter_mut().zip(&order).zip(&mean) {
                *slot = x[*at] - mean;
            }
            for column in 0..dim {
                for row in column..dim {
                    factor[column * dim + row] += off[row] * off[column] / (n - 1.0);
                }
            }
        }
        // covariances of few draws are noise: a little less of them
        let keep = n / (n + dim as f64);
        for column in 0..dim {
            for row in column + 1..dim {
                factor[column * dim + row] *= keep;
            }
        }
        cholesky(&mut factor, dim);
        let gauss = Self { mean, factor, order };
        // below that a spread is rounding
        let spreads = |at: usize| gauss.pivot(at) > 1e-12 * gauss.mean[at].abs().max(1e-280);
        (0..dim).all(spreads).then_some(gauss)
    }

    pub(super) fn dim(&self) -> usize {
        self.mean.len()
    }

    fn pivot(&self, at: usize) -> f64 {
        self.factor[at * (self.dim() + 1)]
    }

    /// Log of the volume of the unit cube of scores.
    pub(super) fn log_volume(&self) -> f64 {
        (0..self.dim()).map(|at| self.pivot(at).ln()).sum()
    }

    /// Scores of a point: standard normal under this distribution.
    pub(super) fn scores(&self, point: &[f64]) -> Vec<f64> {
        let mut z: Vec<f64> =
            self.order.iter().zip(&self.mean).map(|(at, mean)| point[*at] - mean).collect();
        solve_lower(&self.factor, self.dim(), &mut z);
        z
    }

    /// The point with these scores, `sign` times as far from the mean.
    pub(super) fn point(&self, scores: &[f64], sign: f64) -> Vec<f64> {
        let dim = self.dim();
        let mut point = vec![0.0; dim];
        for (row, (at, mean)) in self.order.iter().zip(&self.mean).enumerate() {
            let sum: f64 = (0..=row).map(|k| self.factor[k * dim + row] * scores[k]).sum();
            point[*at] = mean + sign * sum;
        }
        point
    }

    /// Log density of the last `count` coordinates given the others.
    pub(super) fn log_last(&self, scores: &[f64], count: usize) -> f64 {
        let dim = self.dim();
        (dim - count..dim)
            .map(|at| -0.5 * scores[at] * scores[at] - LN_SQRT_2PI - self.pivot(at).ln())
            .sum()
    }
}
