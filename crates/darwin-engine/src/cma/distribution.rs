//! One run of CMA-ES: a normal distribution that follows the better half of its samples.

use std::collections::VecDeque;

use super::{eigen, weights::Weights};
use crate::{
    Result, Seed,
    codec::{Reader, Writer},
    method::ranking,
    normal::standard_normal,
    stream::Stream,
};

/// Largest condition of the covariance matrix, and largest growth of the step, before a restart.
const MAX_CONDITION: f64 = 1e14;
const MAX_GROWTH: f64 = 1e4;
/// Spread of the best values of late generations, of these and the last generation together, and
/// size of the distribution relative to the first step, that end a run.
const MIN_HISTORY_SPREAD: f64 = 1e-12;
const MIN_SPREAD: f64 = 1e-11;
const MIN_SIZE: f64 = 1e-12;

/// A normal distribution in the unbounded space behind the unit cube.
#[derive(Debug)]
pub(super) struct Distribution {
    n: usize,
    diagonal: bool,
    population: usize,
    weights: Weights,
    first_sigma: f64,
    max_iterations: u64,
    // From here on: what a checkpoint holds.
    iteration: u64,
    decomposed_at: u64,
    sigma: f64,
    mean: Vec<f64>,
    path_sigma: Vec<f64>,
    path_c: Vec<f64>,
    /// Row after row; the diagonal only when `diagonal`.
    covariance: Vec<f64>,
    /// Eigenvectors as columns, of the last decomposition; empty when `diagonal`.
    basis: Vec<f64>,
    /// Roots of the eigenvalues.
    axes: Vec<f64>,
    best_values: VecDeque<f64>,
    spread: f64,
    flat: bool,
    broken: bool,
    // Samples of the generation that is asked, remade at will.
    normal: Vec<f64>,
    steps: Vec<f64>,
}

impl Distribution {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thousands at most"
    )]
    pub(super) fn new(mean: Vec<f64>, sigma: f64, population: usize, diagonal: bool) -> Self {
        let n = mean.len();
        let size = n as f64 + 3.0;
        let patience = 100.0 + 150.0 * size * size / (population as f64).sqrt();
        let identity = |entry: usize| f64::from(u8::from(entry.is_multiple_of(n + 1)));
        Self {
            n,
            diagonal,
            population,
            weights: Weights::new(n, population, diagonal),
            first_sigma: sigma,
            max_iterations: patience as u64,
            iteration: 0,
            decomposed_at: 0,
            sigma,
            mean,
            path_sigma: vec![0.0; n],
            path_c: vec![0.0; n],
            covariance: if diagonal { vec![1.0; n] } else { (0..n * n).map(identity).collect() },
            basis: if diagonal { Vec::new() } else { (0..n * n).map(identity).collect() },
            axes: vec![1.0; n],
            best_values: VecDeque::new(),
            spread: f64::INFINITY,
            flat: false,
            broken: false,
            normal: Vec::new(),
            steps: Vec::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn population(&self) -> usize {
        self.population
    }

    /// Sample a generation; gives each point.
    pub(super) fn sample(&mut self, seed: Seed, generation: u64, mut point: impl FnMut(&[f64])) {
        let n = self.n;
        self.normal.clear();
        self.steps.clear();
        let mut x = vec![0.0; n];
        for individual in 0..self.population {
            let mut stream = Stream::new(seed, generation, individual as u64);
            let from = self.normal.len();
            self.normal.extend((0..n).map(|_| standard_normal(&mut stream)));
            let step = self.stretch(&self.normal[from..]);
            for ((x, mean), step) in x.iter_mut().zip(&self.mean).zip(&step) {
                *x = mean + self.sigma * step;
            }
            self.steps.extend(step);
            point(&x);
        }
    }

    /// B D z
    fn stretch(&self, z: &[f64]) -> Vec<f64> {
        let scaled: Vec<f64> = z.iter().zip(&self.axes).map(|(z, axis)| z * axis).collect();
        if self.diagonal {
            return scaled;
        }
        let row = |row: &[f64]| row.iter().zip(&scaled).map(|(b, s)| b * s).sum();
        self.basis.chunks_exact(self.n).map(row).collect()
    }

    /// C^(-1/2) y, where y is a combination of steps whose normal numbers combine to z: B z.
    fn rotate(&self, z: &[f64]) -> Vec<f64> {
        if self.diagonal {
            return z.to_vec();
        }
        let row = |row: &[f64]| row.iter().zip(z).map(|(b, z)| b * z).sum();
        self.basis.chunks_exact(self.n).map(row).collect()
    }

    /// Learn the costs of the samples.
    pub(super) fn learn(&mut self, costs: &[f64]) {
        let order = ranking(costs);
        self.remember(costs, &order);
        let (n, weights) = (self.n, self.weights.clone());
        let (mut step, mut normal) = (vec![0.0; n], vec![0.0; n]);
        for (weight, individual) in weights.all.iter().zip(&order).take(weights.parents) {
            add_scaled(&mut step, *weight, &self.steps[individual * n..][..n]);
            add_scaled(&mut normal, *weight, &self.normal[individual * n..][..n]);
        }
        add_scaled(&mut self.mean, self.sigma, &step);
        let fading = (weights.c_sigma * (2.0 - weights.c_sigma) * weights.effective).sqrt();
        let white = self.rotate(&normal);
        blend(&mut self.path_sigma, 1.0 - weights.c_sigma, fading, &white);
        self.iteration += 1;
        let length = norm(&self.path_sigma);
        let settled = 1.0 - libm::pow(1.0 - weights.c_sigma, 2.0 * count(self.iteration));
        let dimension = count(n as u64);
        let moving = length / settled.sqrt() / weights.chi < 1.4 + 2.0 / (dimension + 1.0);
        let gain = (weights.c_c * (2.0 - weights.c_c) * weights.effective).sqrt();
        blend(&mut self.path_c, 1.0 - weights.c_c, if moving { gain } else { 0.0 }, &step);
        self.adapt(&weights, &order, moving);
        let factor = weights.c_sigma / weights.d_sigma * (length / weights.chi - 1.0);
        self.sigma *= libm::exp(factor.min(1.0));
        self.decompose_if_due();
    }

    /// Rank-one and rank-mu update of the covariance matrix.
    fn adapt(&mut self, weights: &Weights, order: &[usize], moving: bool) {
        let n = self.n;
        let lost = if moving { 0.0 } else { weights.c_c * (2.0 - weights.c_c) };
        let total: f64 = weights.all.iter().sum();
        let keep = 1.0 + weights.c_1 * lost - weights.c_1 - weights.c_mu * total;
        let mut scaled = Vec::with_capacity(self.population + 1);
        for (weight, individual) in weights.all.iter().zip(order) {
            let z = &self.normal[individual * n..][..n];
            let squares: f64 = z.iter().map(|z| z * z).sum();
            // A bad step counts by its direction only, so that the matrix stays positive.
            let weight = if *weight < 0.0 {
                weight * count(n as u64) / squares.max(1e-300)
            } else {
                *weight
            };
            scaled.push((weights.c_mu * weight, &self.steps[individual * n..][..n]));
        }
        scaled.push((weights.c_1, &self.path_c));
        if self.diagonal {
            for (j, entry) in self.covariance.iter_mut().enumerate() {
                *entry = keep * *entry
                    + scaled.iter().map(|(weight, y)| weight * y[j] * y[j]).sum::<f64>();
            }
            return;
        }
        for (i, row) in self.covariance.chunks_exact_mut(n).enumerate() {
            let row = &mut row[..=i];
            for entry in row.iter_mut() {
                *entry *= keep;
            }
            for (weight, y) in &scaled {
                add_scaled(row, weight * y[i], y);
            }
        }
        for i in 0..n {
            for j in 0..i {
                self.covariance[j * n + i] = self.covariance[i * n + j];
            }
        }
    }

    /// The axes follow the matrix after a tenth of the time in which it changes.
    fn decompose_if_due(&mut self) {
        let n = self.n;
        if self.diagonal {
            for (axis, entry) in self.axes.iter_mut().zip(&self.covariance) {
                *axis = entry.max(0.0).sqrt();
            }
        } else {
            let rate = (self.weights.c_1 + self.weights.c_mu) * count(n as u64) * 10.0;
            if count(self.iteration - self.decomposed_at) * rate < 1.0 {
                return;
            }
            self.decomposed_at = self.iteration;
            let mut basis = self.covariance.clone();
            match eigen::decompose(&mut basis, n) {
                Some(values) => {
                    self.basis = basis;
                    self.axes = values.iter().map(|value| value.max(0.0).sqrt()).collect();
                }
                None => self.broken = true,
            }
        }
        let [least, most] = self.extremes();
        self.broken |= least <= 0.0 || most * most > MAX_CONDITION * least * least;
    }

    fn extremes(&self) -> [f64; 2] {
        let least = self.axes.iter().copied().fold(f64::INFINITY, f64::min);
        [least, self.axes.iter().copied().fold(0.0, f64::max)]
    }

    fn remember(&mut self, costs: &[f64], order: &[usize]) {
        let at = |rank: usize| order.get(rank).map_or(f64::INFINITY, |place| costs[*place]);
        let (best, worst) = (at(0), at(order.len().saturating_sub(1)));
        let kept = 10 + (30 * self.n).div_ceil(self.population);
        self.best_values.push_back(best);
        if self.best_values.len() > kept {
            self.best_values.pop_front();
        }
        let low = self.best_values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.best_values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let full = self.best_values.len() >= kept;
        self.spread = if full { (high - low).max(worst - best) } else { f64::INFINITY };
        self.flat = full && high - low < MIN_HISTORY_SPREAD;
    }

    /// Whether going on is of no use.
    pub(super) fn is_exhausted(&self) -> bool {
        let [_, most] = self.extremes();
        let size = self.sigma * most.max(self.path_c.iter().fold(0.0, |m, p| p.abs().max(m)));
        self.broken
            || self.flat
            || self.iteration >= self.max_iterations
            || self.spread < MIN_SPREAD
            || size < MIN_SIZE * self.first_sigma
            || self.sigma.is_nan()
            || self.sigma * most > MAX_GROWTH * self.first_sigma
    }

    pub(super) fn save(&self, writer: &mut Writer) {
        writer.size(self.population);
        writer.real(self.first_sigma);
        writer.int(self.iteration);
        writer.int(self.decomposed_at);
        writer.real(self.sigma);
        writer.real(self.spread);
        writer.int(u64::from(self.flat) + 2 * u64::from(self.broken));
        for list in
            [&self.mean, &self.path_sigma, &self.path_c, &self.covariance, &self.basis, &self.axes]
        {
            writer.reals(list);
        }
        writer.size(self.best_values.len());
        for value in &self.best_values {
            writer.real(*value);
        }
    }

    pub(super) fn load(n: usize, diagonal: bool, reader: &mut Reader<'_>) -> Result<Self> {
        let (population, first_sigma) = (reader.size()?, reader.real()?);
        reader.check((2..=super::MAX_POPULATION).contains(&population))?;
        let mut state = Self::new(vec![0.0; n], first_sigma, population, diagonal);
        (state.iteration, state.decomposed_at) = (reader.int()?, reader.int()?);
        reader.check(state.decomposed_at <= state.iteration)?;
        (state.sigma, state.spread) = (reader.real()?, reader.real()?);
        let flags = reader.int()?;
        (state.flat, state.broken) = (flags & 1 == 1, flags & 2 == 2);
        for list in [
            &mut state.mean,
            &mut state.path_sigma,
            &mut state.path_c,
            &mut state.covariance,
            &mut state.basis,
            &mut state.axes,
        ] {
            *list = reader.exactly(list.len())?;
        }
        state.best_values = reader.reals()?.into();
        Ok(state)
    }
}

fn add_scaled(to: &mut [f64], factor: f64, from: &[f64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}

fn blend(to: &mut [f64], keep: f64, factor: f64, from: &[f64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = keep * *to + factor * from;
    }
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn count(n: u64) -> f64 {
    n as f64
}
