//! Tree-structured Parzen estimators for few and expensive evaluations: Bergstra, Bardenet, Bengio &
//! Kegl (2011), "Algorithms for hyper-parameter optimization"; bandwidths and weights after Watanabe
//! (2023), arXiv 2304.11127. Each coordinate is modelled by itself, in the unit cube.

use crate::{
    Algorithm, Result, Seed,
    codec::{Reader, Writer},
    method::{Method, ranking},
    normal::standard_normal,
    parameter::{Integer, Parameter, ParameterKind},
    stream::Stream,
};

const STARTUP: Integer = Integer { min: 2, max: 1000, default: 10 };
const CANDIDATES: Integer = Integer { min: 1, max: 1000, default: 24 };
/// Most points that count as good.
const GOOD: usize = 25;
/// Points that are remembered: the models grow with them.
const REMEMBERED: usize = 500;

pub(crate) const ALGORITHM: Algorithm = Algorithm {
    name: "tpe",
    title: "Tree-structured Parzen estimator",
    summary: "Models where good and other points lie, and asks where good ones are likelier",
    representation: "mixed",
    objectives: "single",
    constraints: "bounds, expressions",
    applicability: "Expensive evaluations, up to about 500, of any kinds of variables but orders: \
                    hyperparameters. Coordinates are modelled one by one, so valleys across them are \
                    not seen",
    parameters: &[
        Parameter {
            name: "startup",
            description: "random points before the first model",
            kind: ParameterKind::Integer(STARTUP),
            only_with: None,
        },
        Parameter {
            name: "candidates",
            description: "points of the good model of which the likeliest is asked",
            kind: ParameterKind::Integer(CANDIDATES),
            only_with: None,
        },
    ],
    sources: &["Bergstra, Bardenet, Bengio & Kegl (2011)", "Watanabe (2023)"],
    revision: 1,
};

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TpeOptions {
    /// Random points before the first model.
    pub startup: Option<u32>,
    /// Points of which the likeliest is asked.
    pub candidates: Option<u32>,
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TpeSettings {
    /// Random points before the first model.
    pub startup: u32,
    /// Points of which the likeliest is asked.
    pub candidates: u32,
}

impl TpeOptions {
    /// Fill in the defaults, and check.
    ///
    /// # Errors
    /// [`crate::Error::InvalidParameter`] outside a listed range.
    pub fn resolve(self) -> Result<TpeSettings> {
        Ok(TpeSettings {
            startup: STARTUP.resolve("startup", self.startup)?,
            candidates: CANDIDATES.resolve("candidates", self.candidates)?,
        })
    }
}

/// The search in the unit cube.
#[derive(Debug)]
pub(crate) struct Tpe {
    dimension: usize,
    settings: TpeSettings,
    seed: Seed,
    generation: u64,
    rows: Vec<f64>,
    costs: Vec<f64>,
}

/// A density on 0..=1: normal bells at points, and one over all.
#[derive(Debug)]
struct Parzen {
    /// Middle, width, and share of the bell that lies inside.
    bells: Vec<(f64, f64, f64)>,
}

impl Parzen {
    /// Each bell reaches as far as the farther of its neighbours, the middle of the box among them.
    fn new(mut points: Vec<f64>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "points are few")]
        let least = 1.0 / (points.len() as f64 + 2.0).min(100.0);
        points.push(0.5);
        points.sort_by(f64::total_cmp);
        let middle = points.partition_point(|x| *x < 0.5);
        let bell = |place: usize| {
            let x = points[place];
            let left = place.checked_sub(1).map_or(0.0, |before| x - points[before]);
            let right = points.get(place + 1).map_or(0.0, |after| after - x);
            let width = if place == middle { 1.0 } else { left.max(right).clamp(least, 1.0) };
            (x, width, inside(x, width))
        };
        Self { bells: (0..points.len()).map(bell).collect() }
    }

    fn sample(&self, stream: &mut Stream) -> f64 {
        let count = u32::try_from(self.bells.len()).unwrap_or(u32::MAX);
        let (middle, width, _) = self.bells[stream.index(count)];
        loop {
            let x = middle + width * standard_normal(stream);
            if (0.0..=1.0).contains(&x) {
                return x;
            }
        }
    }

    fn log_density(&self, x: f64) -> f64 {
        let bell = |(middle, width, inside): &(f64, f64, f64)| {
            let z = (x - middle) / width;
            libm::exp(-0.5 * z * z) / (width * inside)
        };
        #[expect(clippy::cast_precision_loss, reason = "points are few")]
        let count = self.bells.len() as f64;
        libm::log(self.bells.iter().map(bell).sum::<f64>() / count + 1e-300)
    }
}

/// Share of a normal bell that lies in 0..=1.
fn inside(middle: f64, width: f64) -> f64 {
    let below = |x: f64| 0.5 * libm::erfc((middle - x) / (width * std::f64::consts::SQRT_2));
    (below(1.0) - below(0.0)).max(1e-12)
}

impl Tpe {
    pub(crate) fn new(dimension: usize, settings: TpeSettings, seed: Seed) -> Self {
        Self { dimension, settings, seed, generation: 0, rows: Vec::new(), costs: Vec::new() }
    }

    fn models(&self) -> Vec<(Parzen, Parzen)> {
        let order = ranking(&self.costs);
        let good = self.costs.len().div_ceil(10).min(GOOD);
        let (good, others) = order.split_at(good);
        let of = |places: &[usize], j: usize| {
            Parzen::new(places.iter().map(|place| self.rows[place * self.dimension + j]).collect())
        };
        (0..self.dimension).map(|j| (of(good, j), of(others, j))).collect()
    }
}

impl Method for Tpe {
    fn ask(&mut self, rows: &mut Vec<f64>) {
        rows.clear();
        if self.costs.is_empty() {
            for individual in 0..u64::from(self.settings.startup) {
                let mut stream = Stream::new(self.seed, 0, individual);
                rows.extend((0..self.dimension).map(|_| stream.unit()));
            }
            return;
        }
        let mut stream = Stream::new(self.seed, self.generation, 0);
        for (good, others) in self.models() {
            let mut best = (0.5, f64::NEG_INFINITY);
            for _ in 0..self.settings.candidates {
                let x = good.sample(&mut stream);
                let gain = good.log_density(x) - others.log_density(x);
                if gain > best.1 {
                    best = (x, gain);
                }
            }
            rows.push(best.0);
        }
    }

    fn tell(&mut self, rows: &[f64], costs: &[f64]) {
        self.generation += 1;
        self.rows.extend(rows);
        self.costs.extend(costs);
        while self.costs.len() > REMEMBERED {
            let worst = ranking(&self.costs).pop().unwrap_or_default();
            self.costs.remove(worst);
            self.rows.drain(worst * self.dimension..(worst + 1) * self.dimension);
        }
    }

    fn save(&self, writer: &mut Writer) {
        writer.int(self.generation);
        writer.reals(&self.rows);
        writer.reals(&self.costs);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.generation = reader.int()?;
        (self.rows, self.costs) = (reader.reals()?, reader.reals()?);
        reader.check(self.rows.len() == self.costs.len() * self.dimension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_sum_to_one_and_samples_follow_them() {
        let parzen = Parzen::new(vec![0.1, 0.15, 0.9]);
        let at = |k: u32| (f64::from(k) + 0.5) / 4000.0;
        let mass = |upto: u32| {
            // The constant of the bells is left out of the logarithm.
            let scale = libm::sqrt(2.0 * std::f64::consts::PI) * 4000.0;
            (0..upto).map(|k| libm::exp(parzen.log_density(at(k)))).sum::<f64>() / scale
        };
        assert!((mass(4000) - 1.0).abs() < 1e-3, "{}", mass(4000));
        let mut stream = Stream::new(Seed::new(3).unwrap(), 0, 0);
        let below = (0..20_000).filter(|_| parzen.sample(&mut stream) < 0.5).count();
        let share = f64::from(u32::try_from(below).unwrap()) / 20_000.0;
        assert!((share - mass(2000)).abs() < 0.015, "{share} {}", mass(2000));
    }
}
