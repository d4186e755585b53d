//! Adaptation while tuning: step size by dual averaging (Hoffman and Gelman 2014), a mass matrix from draws
//! and gradients (the minimiser of the Fisher divergence, Seyboldt et al., arXiv 2603.18845).

use super::metric::{self, Mass};
use super::nuts::{Outcome, Places, Point, Trajectory};
use super::{Counted, Metric, Random, Settings};

/// Share of tuning in which short windows forget the way from the start.
const EARLY: f64 = 0.3;
/// Share of tuning at its end that sets the step size on a fixed mass matrix.
const FINAL: f64 = 0.15;
/// Draws in an early window, and in the first late one.
const WINDOW: [usize; 2] = [10, 80];
/// By what late windows grow: the mass matrix that stays comes of the longest.
const GROWTH: f64 = 1.5;
/// Mean depth from which on trajectories are long, and the weight of the last in that mean.
const DEEP: [f64; 2] = [7.0, 0.05];
/// Draws after which the directions of the mass matrix are looked for anew.
const PAUSE: usize = 20;

pub(super) struct Adaptation {
    mass: Mass,
    metric: Metric,
    /// Whether the mass matrix has directions besides its diagonal.
    is_low_rank: bool,
    depth: f64,
    step: Averaging,
    /// The window in use, and the one that will follow it.
    windows: [Window; 2],
    /// Draws in the late window that fills.
    length: usize,
    early: usize,
    last: usize,
}

impl Adaptation {
    pub(super) fn new(
        settings: &Settings,
        at: &Point,
        density: &mut Counted<'_>,
        places: &mut Places,
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
        let mass = Mass::diagonal(vec![1.0; dim]);
        let step = first_step(at, &mass, density, places, random);
        let metric = if dim > metric::MAX_DIM { Metric::Diagonal } else { settings.metric };
        let windows = [Window::new(dim), Window::new(dim)];
        let step = Averaging::new(step, settings.target_accept);
        let (is_low_rank, depth) = (false, 0.0);
        let length = WINDOW[1];
        Self { mass, metric, is_low_rank, depth, step, windows, length, early, last }
    }

    /// The inverse mass matrix.
    pub(super) fn mass(&self) -> &Mass {
        &self.mass
    }

    /// The step to take next.
    pub(super) fn step(&self, is_tuning: bool) -> f64 {
        if is_tuning { self.step.now() } else { self.step.mean() }
    }

    pub(super) fn learn(&mut self, iteration: usize, outcome: &Outcome) {
        self.step.learn(outcome.acceptance);
        self.depth += DEEP[1] * (outcome.depth as f64 - self.depth);
        if iteration >= self.last {
            return;
        }
        // a trajectory that diverges at once says nothing about the scale
        if !(outcome.is_divergent && outcome.acceptance == 0.0) {
            let keeps = self.is_low_rank
                || match self.metric {
                    Metric::Auto => self.depth >= DEEP[0],
                    metric => metric == Metric::LowRank,
                };
            self.windows.iter_mut().for_each(|window| window.add(&outcome.point, keeps));
        }
        self.turn_over(iteration, outcome.point.q.len());
        if self.windows[0].count >= WINDOW[0] {
            self.renew(iteration);
        }
    }

    /// Takes the next window for the one in use once it is full, and time is left to fill another.
    fn turn_over(&mut self, iteration: usize, dim: usize) {
        let is_late = iteration >= self.early;
        let length = if is_late { self.length } else { WINDOW[0] };
        if self.windows[1].count < length {
            return;
        }
        if is_late {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a count"
            )]
            let next = (length as f64 * GROWTH) as usize;
            if iteration + next > self.last {
                return;
            }
            self.length = next;
        }
        self.windows.swap(0, 1);
        self.windows[1] = Window::new(dim);
    }

    /// Takes the mass matrix from the window.
    fn renew(&mut self, iteration: usize) {
        let window = &self.windows[0];
        let is_wanted = match self.metric {
            Metric::Diagonal => false,
            Metric::LowRank => 3 * iteration >= self.early,
            Metric::Auto => self.is_low_rank || iteration >= self.early && self.depth >= DEEP[0],
        };
        if !is_wanted || window.kept.len() < WINDOW[0] {
            window.variance(&mut self.mass.variance);
            return;
        }
        // the directions are in units of the diagonal: both change together
        if iteration.is_multiple_of(PAUSE) || !self.is_low_rank {
            window.variance(&mut self.mass.variance);
            self.mass.learn(&window.kept);
        }
        if !self.is_low_rank {
            self.is_low_rank = true;
            self.step = Averaging::new(1.0, self.step.target);
        }
    }
}

/// The largest power of 2 whose single step is accepted with about 0.8.
fn first_step(
    at: &Point,
    mass: &Mass,
    density: &mut Counted<'_>,
    places: &mut Places,
    random: &mut Random,
) -> f64 {
    let mut step = 1.0;
    let mut direction = 0;
    for _ in 0..60 {
        let outcome = Trajectory::new(density, mass, places, step, 1).run(at, random);
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
    /// The draws, where more than variances is asked of them.
    kept: Vec<Point>,
    mean: [Vec<f64>; 2],
    square: [Vec<f64>; 2],
}

impl Window {
    fn new(dim: usize) -> Self {
        let zeros = || [vec![0.0; dim], vec![0.0; dim]];
        Self { count: 0, kept: Vec::new(), mean: zeros(), square: zeros() }
    }

    fn add(&mut self, at: &Point, keeps: bool) {
        if keeps {
            self.kept.push(at.clone());
        }
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
