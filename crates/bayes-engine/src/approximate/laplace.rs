//! The normal distribution with the curvature of the density at its top.

use super::climb::{Place, add};
use super::pool::Cloud;
use crate::language::{cholesky, solve_upper_transposed};
use crate::sampler::{LogDensity, Random};
use crate::special::stirling::LN_SQRT_2PI;

/// Most free parameters: the curvature is a full matrix.
pub(super) const MAX_DIM: usize = 1000;
/// Steps that correct the top by the curvature.
const POLISH: usize = 4;

/// The normal approximation about a top.
#[derive(Debug)]
pub(super) struct Normal {
    pub(super) top: Place,
    /// Lower factor of the precision matrix, by columns.
    factor: Vec<f64>,
    pub(super) gradients: u64,
}

/// Finds the curvature, and the top itself to the last digits; none where it is no top.
pub(super) fn normal(density: &mut dyn LogDensity, from: Place) -> Option<Normal> {
    let mut top = from;
    let mut gradients = 0;
    let mut factor = precision(density, &top, &mut gradients)?;
    for _ in 0..POLISH {
        let step = solved(&factor, &top.gradient);
        let x: Vec<f64> = top.x.iter().zip(&step).map(|(x, step)| x + step).collect();
        let mut gradient = vec![0.0; x.len()];
        gradients += 1;
        let Some(value) = density.gradient(&x, &mut gradient) else { break };
        // away from the top, the climb has seen better
        if value < top.value - 1e-9 * (1.0 + top.value.abs()) {
            break;
        }
        let moved = step.iter().zip(&top.x).map(|(step, x)| step.abs() / (1.0 + x.abs()));
        let is_done = moved.fold(0.0, f64::max) < 1e-12;
        top = Place { x, value, gradient };
        if is_done {
            break;
        }
        if let Some(better) = precision(density, &top, &mut gradients) {
            factor = better;
        }
    }
    Some(Normal { top, factor, gradients })
}

/// The factor of minus the matrix of second derivatives, by differences of gradients.
fn precision(density: &mut dyn LogDensity, at: &Place, gradients: &mut u64) -> Option<Vec<f64>> {
    let dim = at.x.len();
    let mut matrix = vec![0.0; dim * dim];
    for column in 0..dim {
        // a rough curvature first: the step should be a thousandth of the spread
        let rough = 1e-5 * at.x[column].abs().max(1.0);
        let curvature = slopes(density, at, column, rough, gradients)?[column];
        let step = if curvature > 0.0 { (1e-3 / curvature.sqrt()).min(10.0) } else { rough };
        let found = slopes(density, at, column, step, gradients)?;
        matrix[column * dim..(column + 1) * dim].copy_from_slice(&found);
    }
    for column in 0..dim {
        for row in 0..column {
            let mean = 0.5 * (matrix[column * dim + row] + matrix[row * dim + column]);
            (matrix[column * dim + row], matrix[row * dim + column]) = (mean, mean);
        }
    }
    cholesky(&mut matrix, dim);
    (0..dim).all(|at| matrix[at * (dim + 1)] > 0.0).then_some(matrix)
}

/// Minus one column of the second derivatives.
fn slopes(
    density: &mut dyn LogDensity,
    at: &Place,
    column: usize,
    step: f64,
    gradients: &mut u64,
) -> Option<Vec<f64>> {
    let mut sides = [vec![0.0; at.x.len()], vec![0.0; at.x.len()]];
    for (gradient, sign) in sides.iter_mut().zip([1.0, -1.0]) {
        let mut x = at.x.clone();
        x[column] += sign * step;
        *gradients += 1;
        density.gradient(&x, gradient)?;
    }
    let [up, down] = sides;
    Some(up.iter().zip(&down).map(|(up, down)| (down - up) / (2.0 * step)).collect())
}

/// Inverse of the precision times a vector.
fn solved(factor: &[f64], x: &[f64]) -> Vec<f64> {
    let dim = x.len();
    let mut x = x.to_vec();
    for row in 0..dim {
        let sum: f64 = (0..row).map(|k| factor[k * dim + row] * x[k]).sum();
        x[row] = (x[row] - sum) / factor[row * dim + row];
    }
    solve_upper_transposed(factor, dim, &mut x);
    x
}

impl Normal {
    /// Draws with their log densities under the model and under the approximation.
    pub(super) fn draw(
        &self,
        density: &mut dyn LogDensity,
        count: usize,
        random: &mut Random,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Cloud {
        let dim = self.top.x.len();
        let log_scale: f64 = (0..dim).map(|at| self.factor[at * (dim + 1)].ln()).sum();
        let mut cloud = Cloud::default();
        let mut gradient = vec![0.0; dim];
        for _ in 0..count {
            if is_cancelled() {
                break;
            }
            let z: Vec<f64> = (0..dim).map(|_| random.normal()).collect();
            let square: f64 = z.iter().map(|z| z * z).sum();
            let mut x = z;
            solve_upper_transposed(&self.factor, dim, &mut x);
            add(&mut x, 1.0, &self.top.x);
            let log_p = density.gradient(&x, &mut gradient);
            let log_q = log_scale - 0.5 * square - dim as f64 * LN_SQRT_2PI;
            cloud.push(x, log_p.unwrap_or(f64::NEG_INFINITY), log_q);
        }
        cloud
    }
}
