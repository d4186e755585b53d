//! CMA-ES with restarts: Hansen (2016), arXiv 1604.00772; IPOP: Auger & Hansen (2005), "A restart
//! CMA evolution strategy with increasing population size"; BIPOP: Hansen (2009), "Benchmarking a
//! BI-population CMA-ES on the BBOB-2009 function testbed".

mod distribution;
mod eigen;
mod options;
mod weights;

use distribution::Distribution;
pub(crate) use options::{ALGORITHM, MAX_POPULATION};
pub use options::{CmaOptions, CmaSettings, Restarts};
use weights::default_population;

use crate::{
    Result, Seed,
    codec::{Reader, Writer},
    method::Method,
    stream::Stream,
};

/// Number of the stream that draws what belongs to a restart rather than to an individual.
const RESTART: u64 = u64::MAX;
/// Part of each side of the unit cube that is bent so that its face can be reached from inside.
const MARGIN: f64 = 0.05;

/// CMA-ES in the unit cube.
#[derive(Debug)]
pub(crate) struct Cma {
    dimension: usize,
    settings: CmaSettings,
    seed: Seed,
    generation: u64,
    plan: Plan,
    state: Distribution,
    finished: bool,
}

/// Which run this is, and what the two regimes of BIPOP have used.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Plan {
    runs: u64,
    /// Doublings of the population so far.
    doublings: u64,
    is_small: bool,
    evals_here: u64,
    evals_large: u64,
    evals_small: u64,
    /// Most evaluations of a small run; 0 is no limit.
    limit: u64,
}

impl Cma {
    pub(crate) fn new(dimension: usize, settings: CmaSettings, seed: Seed) -> Self {
        let population = settings.population.map_or(default_population(dimension), |p| p as usize);
        let plan = Plan { runs: 1, ..Plan::default() };
        let mut stream = Stream::new(seed, 0, RESTART);
        let state = start(dimension, &settings, population, settings.sigma, &mut stream);
        Self { dimension, settings, seed, generation: 0, plan, state, finished: false }
    }

    /// Runs begun so far.
    pub(crate) fn runs(&self) -> u64 {
        self.plan.runs
    }

    fn restart(&mut self) {
        let plan = &mut self.plan;
        if plan.is_small {
            plan.evals_small += plan.evals_here;
        } else {
            plan.evals_large += plan.evals_here;
        }
        let last_large = plan.evals_here.max(1);
        plan.runs += 1;
        let mut stream = Stream::new(self.seed, self.generation, RESTART);
        let smallest =
            self.settings.population.map_or(default_population(self.dimension), |p| p as usize);
        let large = |doublings: u64| {
            let factor = 1_usize.checked_shl(u32::try_from(doublings).unwrap_or(u32::MAX));
            smallest.saturating_mul(factor.unwrap_or(usize::MAX)).min(MAX_POPULATION)
        };
        let bipop = self.settings.restarts == Restarts::Bipop;
        let was_large = !plan.is_small;
        if bipop && was_large {
            plan.limit = last_large / 2;
        }
        // The first run counts for neither regime.
        plan.is_small = bipop && plan.doublings > 0 && plan.evals_small < plan.evals_large;
        let (population, sigma) = if plan.is_small {
            let (u, v) = (stream.unit(), stream.unit());
            let ratio = ratio(large(plan.doublings), smallest) / 2.0;
            let factor = libm::pow(ratio.max(1.0), u * u);
            (scaled(smallest, factor), self.settings.sigma * libm::exp10(-2.0 * v))
        } else {
            plan.doublings += 1;
            (large(plan.doublings), self.settings.sigma)
        };
        if plan.runs == 2 {
            plan.evals_large = 0;
        }
        plan.evals_here = 0;
        self.state = start(self.dimension, &self.settings, population, sigma, &mut stream);
    }
}

fn start(
    dimension: usize,
    settings: &CmaSettings,
    population: usize,
    sigma: f64,
    stream: &mut Stream,
) -> Distribution {
    let mean = (0..dimension).map(|_| stream.between(0.1, 0.9)).collect();
    Distribution::new(mean, sigma, population, settings.diagonal)
}

#[expect(clippy::cast_precision_loss, reason = "populations are small")]
fn ratio(a: usize, b: usize) -> f64 {
    a as f64 / b as f64
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "populations are small and positive"
)]
fn scaled(population: usize, factor: f64) -> usize {
    (population as f64 * factor) as usize
}

impl Method for Cma {
    fn ask(&mut self, rows: &mut Vec<f64>) {
        rows.clear();
        self.state.sample(self.seed, self.generation, |x| {
            rows.extend(x.iter().map(|x| into_unit(*x)));
        });
    }

    fn tell(&mut self, _rows: &[f64], costs: &[f64]) {
        self.state.learn(costs);
        self.generation += 1;
        self.plan.evals_here += costs.len() as u64;
        let limit = if self.plan.is_small { self.plan.limit } else { u64::MAX };
        if self.state.is_exhausted() || self.plan.evals_here >= limit {
            if self.settings.restarts == Restarts::None {
                self.finished = true;
            } else {
                self.restart();
            }
        }
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn save(&self, writer: &mut Writer) {
        let Plan { runs, doublings, is_small, evals_here, evals_large, evals_small, limit } =
            self.plan;
        for number in [
            self.generation,
            u64::from(self.finished),
            runs,
            doublings,
            is_small.into(),
            evals_here,
            evals_large,
            evals_small,
            limit,
        ] {
            writer.int(number);
        }
        self.state.save(writer);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.generation = reader.int()?;
        self.finished = reader.int()? == 1;
        self.plan = Plan {
            runs: reader.int()?,
            doublings: reader.int()?,
            is_small: reader.int()? == 1,
            evals_here: reader.int()?,
            evals_large: reader.int()?,
            evals_small: reader.int()?,
            limit: reader.int()?,
        };
        self.state = Distribution::load(self.dimension, self.settings.diagonal, reader)?;
        Ok(())
    }
}

/// From the whole line into 0..=1: the identity inside, bent near the ends so that each end is
/// reached with slope zero, mirrored beyond.
fn into_unit(x: f64) -> f64 {
    if !x.is_finite() {
        return 0.5;
    }
    let width = 1.0 + 2.0 * MARGIN;
    let turns = (x + MARGIN) / (2.0 * width);
    let within = (turns - libm::floor(turns)) * (2.0 * width);
    let y = if within > width { 2.0 * width - within } else { within } - MARGIN;
    let y = if (0.0..=1.0).contains(&x) && (MARGIN..=1.0 - MARGIN).contains(&x) { x } else { y };
    let bent = |from_end: f64| {
        let reach = from_end + MARGIN;
        reach * reach / (4.0 * MARGIN)
    };
    let inside = match y {
        y if y < MARGIN => bent(y),
        y if y > 1.0 - MARGIN => 1.0 - bent(1.0 - y),
        y => y,
    };
    inside.clamp(0.0, 1.0)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "values are exact")]
mod tests {
    use super::*;

    #[test]
    fn the_line_folds_into_the_cube_without_jumps() {
        let mut last = into_unit(-7.0);
        for k in 1..140_000 {
            let x = -7.0 + f64::from(k) * 1e-4;
            let u = into_unit(x);
            assert!((0.0..=1.0).contains(&u));
            assert!((u - last).abs() < 1.1e-4, "{x}: {last} {u}");
            last = u;
        }
        for inside in [0.05, 0.3, 0.5, 0.95] {
            assert_eq!(into_unit(inside).to_bits(), inside.to_bits());
        }
        assert!(into_unit(-MARGIN) == 0.0 && into_unit(1.0 + MARGIN) == 1.0);
        assert!(into_unit(f64::NAN) == 0.5 && into_unit(1e300) <= 1.0);
    }

    #[test]
    fn bipop_shares_its_evaluations_between_large_and_small() {
        let settings = CmaOptions::default().resolve(4).unwrap();
        let mut cma = Cma::new(4, settings, Seed::new(5).unwrap());
        let (mut rows, mut seen) = (Vec::new(), Vec::new());
        while cma.runs() < 14 {
            cma.ask(&mut rows);
            // A plateau everywhere: every run ends at once.
            let costs = vec![1.0; rows.len() / 4];
            let runs = cma.runs();
            cma.tell(&rows, &costs);
            if cma.runs() > runs {
                seen.push((cma.plan.is_small, cma.state.population()));
            }
        }
        let large: Vec<usize> = seen.iter().filter(|(small, _)| !small).map(|(_, p)| *p).collect();
        assert!(large.windows(2).all(|pair| pair[1] == 2 * pair[0]), "{seen:?}");
        assert_eq!(large[0], 16);
        assert!(seen.iter().filter(|(small, _)| *small).all(|(_, p)| *p < 8 * 64));
        assert!(seen.iter().any(|(small, _)| *small));
    }
}
