//! Adaptation while tuning: step size by dual averaging (Hoffman and Gelman 2014), a diagonal mass matrix
//! from draws and gradients (the minimiser of the Fisher divergence, Seyboldt et al., arXiv 2603.18845).

use super::nuts::{Point, Trajectory};
use super::{Counted, Random, Settings};

/// Share of tuning in which short windows forget the way from the start.
const EARLY: f64 = 0.3;
/// Share of tuning at its end that sets the step size on a fixed mass matrix.
const FINAL: f64 = 0.15;
/// Draws in an early and a late window.
const WINDOW: [usize; 2] = [10, 80];

pub(super) struct Adaptation {
    variance: Vec<f64>,
    step: Averaging,
    /// The window in use, and the one that will follow it.
    windows: [Window; 2],
    early: usize,
    last: usize,
}

impl Adaptation {
    pub(super) fn new(
        settings: &Settings,
        at: &Point,
        density: &mut Counted<'_>,
        random: &mut Random,
    ) -> Self {
        let dim = at.q.len();
        let share = |share: f64| share * settings.tune as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count"
        )]
        let (early, last) = (share(EARLY) as usize, share(1.0 - FINAL) as usize);
        let variance = vec![1.0; dim];
        let step = first_step(at, &variance, density, random);
        let windows = [Window::new(dim), Window::new(dim)];
        let step = Averaging::new(step, settings.target_accept);
        Self { variance, step, windows, early, last }
    }

    /// Diagonal of the inverse mass matrix.
    pub(super) fn variance(&self) -> &[f64] {
        &self.variance
    }

    /// The step to take next.
    pub(super) fn step(&self, is_tuning: bool) -> f64 {
        if is_tuning { self.step.now() } else { self.step.mean() }
    }

    pub(super) fn learn(
        &mut self,
        iteration: usize,
        at: &Point,
        acceptance: f64,
        is_divergent: bool,
    ) {
        self.step.learn(acceptance);
        if iteration == self.last || iteration == self.early {
            self.step.restart();
        }
        if iteration >= self.last {
            return;
        }
        // a trajectory that diverges at once says nothing about the scale
        if !(is_divergent && acceptance == 0.0) {
            self.windows.iter_mut().for_each(|window| window.add(at));
        }
        let length = WINDOW[usize::from(iteration >= self.early)];
        if self.windows[1].count >= length {
            self.windows.swap(0, 1);
            self.windows[1] = Window::new(at.q.len());
        }
        if self.windows[0].count >= WINDOW[0] {
            self.windows[0].variance(&mut self.variance);
        }
    }
}

/// The largest power of 2 whose single step is accepted with about 0.8.
fn first_step(at: &Point, variance: &[f64], density: &mut Counted<'_>, random: &mut Random) -> f64 {
    let mut step = 1.0;
    let mut direction = 0;
    for _ in 0..60 {
        let outcome = Trajectory::new(density, variance, step, 1).run(at, random);
        let wanted = if outcome.acceptance > 0.8 { 1 } else { -1 };
        if direction != 0 && wanted != direction {
            break;
        }
        direction = wanted;
        step *= if wanted > 0 { 2.0 } else { 0.5 };
        if density.is_cancelled() {
            break;
        }
    }
    step
}

/// Dual averaging of the log step.
struct Averaging {
    target: f64,
    centre: f64,
    count: f64,
    error: f64,
    now: f64,
    mean: f64,
}

impl Averaging {
    fn new(step: f64, target: f64) -> Self {
        let log = step.ln();
        Self { target, centre: (10.0 * step).ln(), count: 0.0, error: 0.0, now: log, mean: log }
    }

    fn learn(&mut self, acceptance: f64) {
        self.count += 1.0;
        let weight = 1.0 / (self.count + 10.0);
        self.error = (1.0 - weight) * self.error + weight * (self.target - acceptance);
        self.now = self.centre - self.count.sqrt() / 0.05 * self.error;
        let share = self.count.powf(-0.75);
        self.mean = share * self.now + (1.0 - share) * self.mean;
    }

    /// Forgets the past but for the step it led to.
    fn restart(&mut self) {
        *self = Self::new(self.mean(), self.target);
    }

    fn now(&self) -> f64 {
        self.now.exp()
    }

    fn mean(&self) -> f64 {
        self.mean.exp()
    }
}

/// Running variances of draws and gradients.
struct Window {
    count: usize,
    mean: [Vec<f64>; 2],
    square: [Vec<f64>; 2],
}

impl Window {
    fn new(dim: usize) -> Self {
        let zeros = || [vec![0.0; dim], vec![0.0; dim]];
        Self { count: 0, mean: zeros(), square: zeros() }
    }

    fn add(&mut self, at: &Point) {
        self.count += 1;
        let count = self.count as f64;
        for (which, values) in [&at.q, &at.gradient].into_iter().enumerate() {
            let (means, squares) = (&mut self.mean[which], &mut self.square[which]);
            for ((mean, square), value) in means.iter_mut().zip(squares).zip(values) {
                let off = value - *mean;
                *mean += off / count;
                *square += off * (value - *mean);
            }
        }
    }

    /// The estimate; a coordinate that says nothing keeps its own.
    fn variance(&self, to: &mut [f64]) {
        for ((slot, draws), slopes) in to.iter_mut().zip(&self.square[0]).zip(&self.square[1]) {
            let estimate = (draws / slopes).sqrt();
            if estimate.is_finite() && estimate > 0.0 {
                *slot = estimate.clamp(1e-20, 1e20);
            }
        }
    }
}
