//! Normal approximations along the way up; the one nearest to the posterior is drawn from.
//!
//! Zhang, Carpenter, Gelman and Vehtari 2022 (JMLR 23(306)). The inverse curvature along the way is a diagonal
//! and a matrix of low rank from the last steps.

use std::collections::VecDeque;

use super::climb::{MEMORY, Pair, Place, add, climb, dot};
use super::pool::Cloud;
use crate::language::cholesky;
use crate::sampler::{LogDensity, Random};
use crate::special::stirling::LN_SQRT_2PI;

/// Draws that judge one approximation.
const JUDGES: usize = 10;
/// Most approximations that are judged.
const JUDGED: usize = 400;

/// One way up.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) cloud: Cloud,
    /// Evidence lower bound of the approximation chosen.
    pub(super) bound: f64,
    pub(super) is_converged: bool,
    pub(super) gradients: u64,
}

/// A normal distribution `scale^(1/2) (I + Q (L L' - I) Q') scale^(1/2)` about a centre.
#[derive(Debug)]
struct Normal {
    centre: Vec<f64>,
    root: Vec<f64>,
    /// Orthonormal columns.
    q: Vec<Vec<f64>>,
    /// Lower factor, by columns.
    factor: Vec<f64>,
    log_scale: f64,
}

/// Climbs and draws `count` points from the best approximation met; none if none could be judged.
pub(super) fn path(
    density: &mut dyn LogDensity,
    from: Place,
    count: usize,
    random: &mut Random,
    is_cancelled: &dyn Fn() -> bool,
) -> Option<Path> {
    let mut alpha = vec![1.0; from.x.len()];
    let mut pairs: VecDeque<Pair> = VecDeque::new();
    let mut met: Vec<(Place, Vec<f64>, VecDeque<Pair>)> = Vec::new();
    let mut observe = |place: &Place, pair: Option<&Pair>| {
        let Some(pair) = pair else { return };
        update(&mut alpha, pair);
        if pairs.len() == MEMORY {
            pairs.pop_front();
        }
        pairs.push_back(pair.clone());
        if met.len() < JUDGED {
            met.push((place.clone(), alpha.clone(), pairs.clone()));
        }
    };
    let climbed = climb(density, from, &mut observe, is_cancelled);
    let mut gradients = climbed.gradients;
    let mut best: Option<(Normal, f64)> = None;
    for (place, alpha, pairs) in &met {
        if is_cancelled() {
            break;
        }
        let Some(normal) = normal(place, alpha, pairs) else { continue };
        let judges = normal.draw(density, JUDGES, random);
        gradients += JUDGES as u64;
        let bound =
            judges.log_p.iter().zip(&judges.log_q).map(|(p, q)| p - q).sum::<f64>() / JUDGES as f64;
        if bound.is_finite() && best.as_ref().is_none_or(|(_, most)| bound > *most) {
            best = Some((normal, bound));
        }
    }
    let (normal, bound) = best?;
    let cloud = normal.draw(density, count, random);
    gradients += count as u64;
    Some(Path { cloud, bound, is_converged: climbed.is_converged, gradients })
}

/// The diagonal of the inverse curvature after one more step.
fn update(alpha: &mut [f64], Pair { s, y }: &Pair) {
    let a: f64 = alpha.iter().zip(y).map(|(alpha, y)| alpha * y * y).sum();
    let b = dot(s, y);
    let c: f64 = alpha.iter().zip(s).map(|(alpha, s)| s * s / alpha).sum();
    for (alpha, (s, y)) in alpha.iter_mut().zip(s.iter().zip(y)) {
        let inverse = a / (b * *alpha) + y * y / b - a * s * s / (b * c * *alpha * *alpha);
        if inverse.is_finite() && inverse > 0.0 {
            *alpha = 1.0 / inverse;
        }
    }
}

/// The normal approximation at a place; none where its matrix is not positive definite.
fn normal(place: &Place, alpha: &[f64], pairs: &VecDeque<Pair>) -> Option<Normal> {
    let root: Vec<f64> = alpha.iter().map(|alpha| alpha.sqrt()).collect();
    // columns of alpha^(-1/2) [alpha Y, S]
    let mut columns: Vec<Vec<f64>> = pairs
        .iter()
        .map(|pair| pair.y.iter().zip(&root).map(|(y, root)| y * root).collect())
        .collect();
    columns.extend(
        pairs
            .iter()
            .map(|pair| pair.s.iter().zip(&root).map(|(s, root)| s / root).collect::<Vec<f64>>()),
    );
    let gamma = middle(alpha, pairs)?;
    let (q, r) = orthonormal(&columns);
    // I + R gamma R'
    let (rank, width) = (q.len(), columns.len());
    let mut factor = vec![0.0; rank * rank];
    for one in 0..rank {
        for other in 0..rank {
            let mut sum = if one == other { 1.0 } else { 0.0 };
            for a in 0..width {
                for b in 0..width {
                    sum += r[one][a] * gamma[a][b] * r[other][b];
                }
            }
            factor[other * rank + one] = sum;
        }
    }
    cholesky(&mut factor, rank);
    if !(0..rank).all(|at| factor[at * (rank + 1)] > 0.0) {
        return None;
    }
    let log_scale = root.iter().map(|root| root.ln()).sum::<f64>()
        + (0..rank).map(|at| factor[at * (rank + 1)].ln()).sum::<f64>();
    let mut normal = Normal { centre: place.x.clone(), root, q, factor, log_scale };
    let step = normal.spread(&normal.gathered(&place.gradient));
    add(&mut normal.centre, 1.0, &step);
    normal.centre.iter().all(|x| x.is_finite()).then_some(normal)
}

/// The small matrix between the columns and themselves.
fn middle(alpha: &[f64], pairs: &VecDeque<Pair>) -> Option<Vec<Vec<f64>>> {
    let m = pairs.len();
    // upper triangle of S'Y and its inverse
    let mut inverse = vec![vec![0.0; m]; m];
    for column in 0..m {
        for row in (0..=column).rev() {
            let mut sum = if row == column { 1.0 } else { 0.0 };
            for (k, line) in inverse.iter().enumerate().take(column + 1).skip(row + 1) {
                sum -= dot(&pairs[row].s, &pairs[k].y) * line[column];
            }
            inverse[row][column] = sum / dot(&pairs[row].s, &pairs[row].y);
        }
    }
    let mut inner = vec![vec![0.0; m]; m];
    for (row, line) in inner.iter_mut().enumerate() {
        for (column, slot) in line.iter_mut().enumerate() {
            *slot = alpha
                .iter()
                .zip(pairs[row].y.iter().zip(&pairs[column].y))
                .map(|(alpha, (one, other))| alpha * one * other)
                .sum();
        }
        line[row] += dot(&pairs[row].s, &pairs[row].y);
    }
    let mut gamma = vec![vec![0.0; 2 * m]; 2 * m];
    for row in 0..m {
        for column in 0..m {
            gamma[row][m + column] = -inverse[row][column];
            gamma[m + column][row] = -inverse[row][column];
            let mut sum = 0.0;
            for (a, line) in inner.iter().enumerate() {
                for (b, value) in line.iter().enumerate() {
                    sum += inverse[a][row] * value * inverse[b][column];
                }
            }
            gamma[m + row][m + column] = sum;
        }
    }
    gamma.iter().flatten().all(|x| x.is_finite()).then_some(gamma)
}

/// Gram and Schmidt, twice over; columns that add nothing are left out.
fn orthonormal(columns: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let mut q: Vec<Vec<f64>> = Vec::new();
    let mut r: Vec<Vec<f64>> = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let mut rest = column.clone();
        for _ in 0..2 {
            for (axis, line) in q.iter().zip(r.iter_mut()) {
                let share = dot(axis, &rest);
                line[at] += share;
                add(&mut rest, -share, axis);
            }
        }
        let length = dot(&rest, &rest).sqrt();
        if length > 1e-10 * dot(column, column).sqrt() {
            for x in &mut rest {
                *x /= length;
            }
            let mut line = vec![0.0; columns.len()];
            line[at] = length;
            q.push(rest);
            r.push(line);
        }
    }
    (q, r)
}

impl Normal {
    /// Half of the covariance times a vector: `F' scale^(1/2) x` where the covariance is `scale^(1/2) F F' ..`.
    fn gathered(&self, x: &[f64]) -> Vec<f64> {
        let scaled: Vec<f64> = x.iter().zip(&self.root).map(|(x, root)| x * root).collect();
        self.turned(scaled, true)
    }

    /// The other half: `scale^(1/2) F u`.
    fn spread(&self, u: &[f64]) -> Vec<f64> {
        let turned = self.turned(u.to_vec(), false);
        turned.iter().zip(&self.root).map(|(x, root)| x * root).collect()
    }

    /// `Q L Q'u + u - Q Q'u`, or with the factor transposed.
    fn turned(&self, mut u: Vec<f64>, is_transposed: bool) -> Vec<f64> {
        let rank = self.q.len();
        let shares: Vec<f64> = self.q.iter().map(|axis| dot(axis, &u)).collect();
        for (row, axis) in self.q.iter().enumerate() {
            let mut share = -shares[row];
            for (column, other) in shares.iter().enumerate() {
                let (a, b) = if is_transposed { (row, column) } else { (column, row) };
                // the factor's column `a`, row `b`
                if b >= a {
                    share += self.factor[a * rank + b] * other;
                }
            }
            add(&mut u, share, axis);
        }
        u
    }

    fn draw(&self, density: &mut dyn LogDensity, count: usize, random: &mut Random) -> Cloud {
        let dim = self.centre.len();
        let mut cloud = Cloud::default();
        let mut gradient = vec![0.0; dim];
        for _ in 0..count {
            let u: Vec<f64> = (0..dim).map(|_| random.normal()).collect();
            let log_q = -self.log_scale - 0.5 * dot(&u, &u) - dim as f64 * LN_SQRT_2PI;
            let mut x = self.spread(&u);
            add(&mut x, 1.0, &self.centre);
            let log_p = density.gradient(&x, &mut gradient).unwrap_or(f64::NEG_INFINITY);
            cloud.push(x, log_p, log_q);
        }
        cloud
    }
}
