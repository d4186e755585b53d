//! Draws from a log density: the no-U-turn sampler, its adaptation, one chain at a time.
//!
//! A chain is a function of the density, the [`Settings`] and its number: it may run on any thread, beside
//! any others, and gives the same bits. Nothing here starts threads; the caller spreads [`chain`] as it likes.

mod adapt;
mod metric;
mod nuts;
mod start;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use adapt::Adaptation;
use nuts::{Places, Trajectory};

/// A log density on free parameters.
pub trait LogDensity {
    /// How many parameters.
    fn dim(&self) -> usize;
    /// The value at a point and its gradient; `None` where the density has none.
    fn gradient(&mut self, point: &[f64], gradient: &mut [f64]) -> Option<f64>;
}

impl LogDensity for crate::language::Density<'_> {
    fn dim(&self) -> usize {
        Self::dim(self)
    }

    fn gradient(&mut self, point: &[f64], gradient: &mut [f64]) -> Option<f64> {
        Self::gradient(self, point, gradient)
    }
}

/// What the mass matrix may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Metric {
    /// A diagonal; [`Self::LowRank`] where trajectories are still long after the first part of tuning.
    #[default]
    Auto,
    /// A variance for each free parameter.
    Diagonal,
    /// Those, and directions along which free parameters are correlated; of more than 1000, the diagonal alone.
    LowRank,
}

/// How to sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Draws that only adapt.
    pub tune: usize,
    /// Draws that are kept.
    pub draws: usize,
    /// Wanted mean acceptance.
    pub target_accept: f64,
    /// Most doublings of a trajectory.
    pub max_depth: usize,
    /// Half the width of the uniform start in free parameters.
    pub radius: f64,
    /// What the mass matrix may hold.
    pub metric: Metric,
    /// Equal seeds give equal draws.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tune: 1000,
            draws: 1000,
            target_accept: 0.8,
            max_depth: 10,
            radius: 2.0,
            metric: Metric::Auto,
            seed: 0,
        }
    }
}

/// One kept draw as the caller sees it.
#[derive(Debug, Clone, Copy)]
pub struct Draw<'chain> {
    /// Free parameters.
    pub point: &'chain [f64],
    /// Log density with the log Jacobian.
    pub log_density: f64,
    /// Energy at the start of its trajectory.
    pub energy: f64,
    /// Doublings of its trajectory.
    pub depth: usize,
    /// Whether the trajectory went off.
    pub is_divergent: bool,
    /// Mean acceptance along the trajectory.
    pub acceptance: f64,
}

/// What became of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Ended {
    /// Kept draws.
    pub draws: usize,
    /// Divergent trajectories while adapting.
    pub tune_divergences: usize,
    /// Gradients computed.
    pub gradients: u64,
    /// Step size after adaptation.
    pub step: f64,
    /// Whether every wanted draw was made.
    pub is_complete: bool,
}

/// Runs chain `number`; `observe` sees every kept draw, `is_cancelled` is asked at every gradient.
///
/// `None` if no start with a finite log density and gradient was found.
pub fn chain(
    density: &mut dyn LogDensity,
    settings: &Settings,
    number: u32,
    observe: &mut dyn FnMut(Draw<'_>),
    is_cancelled: &dyn Fn() -> bool,
) -> Option<Ended> {
    let mut random = Random::new(settings.seed, number);
    let mut density = Counted { density, gradients: 0, is_cancelled };
    let start = start::start(&mut density, settings, &mut random)?;
    let mut ended = Ended::default();
    let mut at = start;
    let mut places = Places::new(at.q.len());
    let mut adaptation = Adaptation::new(settings, &at, &mut density, &mut places, &mut random);
    for iteration in 0..settings.tune + settings.draws {
        let is_tuning = iteration < settings.tune;
        let step = adaptation.step(is_tuning);
        let (mass, depth) = (adaptation.mass(), settings.max_depth);
        let mut trajectory = Trajectory::new(&mut density, mass, &mut places, step, depth);
        let outcome = trajectory.run(&at, &mut random);
        if density.is_cancelled() {
            break;
        }
        if is_tuning {
            ended.tune_divergences += usize::from(outcome.is_divergent);
            adaptation.learn(iteration, &outcome);
            at = outcome.point;
            continue;
        }
        at = outcome.point;
        observe(Draw {
            point: &at.q,
            log_density: at.value,
            energy: outcome.energy,
            depth: outcome.depth,
            is_divergent: outcome.is_divergent,
            acceptance: outcome.acceptance,
        });
        ended.draws += 1;
    }
    ended.is_complete = ended.draws == settings.draws;
    ended.step = adaptation.step(false);
    ended.gradients = density.gradients;
    Some(ended)
}

/// Where chain `number` starts: a point, its log density and gradient.
pub(crate) fn first_point(
    density: &mut dyn LogDensity,
    settings: &Settings,
    number: u32,
    is_cancelled: &dyn Fn() -> bool,
) -> Option<(Vec<f64>, f64, Vec<f64>)> {
    let mut random = Random::new(settings.seed, number);
    let mut density = Counted { density, gradients: 0, is_cancelled };
    let start = start::start(&mut density, settings, &mut random)?;
    Some((start.q, start.value, start.gradient))
}

/// A density that counts its gradients and ends when the caller gave up.
struct Counted<'run> {
    density: &'run mut dyn LogDensity,
    gradients: u64,
    is_cancelled: &'run dyn Fn() -> bool,
}

impl Counted<'_> {
    fn dim(&self) -> usize {
        self.density.dim()
    }

    fn is_cancelled(&self) -> bool {
        (self.is_cancelled)()
    }

    fn gradient(&mut self, point: &[f64], gradient: &mut [f64]) -> Option<f64> {
        self.gradients += 1;
        if self.is_cancelled() {
            return None;
        }
        self.density.gradient(point, gradient)
    }
}

/// The random numbers of one chain.
pub(crate) struct Random {
    source: ChaCha8Rng,
    /// Normal numbers are made by twos.
    spare: Option<f64>,
}

impl Random {
    pub(crate) fn new(seed: u64, chain: u32) -> Self {
        let mut source = ChaCha8Rng::seed_from_u64(seed);
        source.set_stream(u64::from(chain) + 1);
        Self { source, spare: None }
    }

    /// Strictly within 0..1, and never a half.
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.source.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// By the polar method of Marsaglia and Bray, a third of the cost of a quantile.
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 {
                let scale = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(y * scale);
                return x * scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments and tails of many numbers, and that neighbours are not related.
    #[test]
    fn normal_numbers_are_normal() {
        let (mut random, count) = (Random::new(1, 0), 400_000);
        let numbers: Vec<f64> = (0..count).map(|_| random.normal()).collect();
        let mean = |of: &dyn Fn(f64) -> f64| {
            numbers.iter().map(|x| of(*x)).sum::<f64>() / f64::from(count)
        };
        // bounds are about five standard errors
        assert!(mean(&|x| x).abs() < 0.008);
        assert!((mean(&|x| x * x) - 1.0).abs() < 0.012);
        assert!(mean(&|x| x.powi(3)).abs() < 0.031);
        assert!((mean(&|x| x.powi(4)) - 3.0).abs() < 0.08);
        let beyond = |edge: f64| mean(&|x| f64::from(u8::from(x > edge)));
        assert!((beyond(1.0) - 0.158_655).abs() < 0.003);
        assert!((beyond(3.0) - 0.001_350).abs() < 0.000_3);
        let pairs = numbers.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>();
        assert!((pairs / f64::from(count)).abs() < 0.008);
    }
}
