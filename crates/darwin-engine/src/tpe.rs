//! Tree-structured Parzen estimators for few and expensive evaluations: Bergstra, Bardenet, Bengio &
//! Kegl (2011), "Algorithms for hyper-parameter optimization"; joint kernels with a common width, and
//! weights that forget, after Watanabe (2023), arXiv 2304.11127. All coordinates are modelled together,
//! in the unit cube: what is good of one may depend on another.

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
/// Points that count fully.
const NEW: usize = 25;
/// Width of a single bell: with 0.2 and a lower bound, as is usual, a hundred evaluations come much
/// less far on each of four functions of six variables.
const WIDTH: f64 = 0.05;

pub(crate) const ALGORITHM: Algorithm = Algorithm {
    name: "tpe",
    title: "Tree-structured Parzen estimator",
    summary: "Models where good and other points lie, and asks where good ones are likelier",
    representation: "mixed",
    objectives: "single",
    constraints: "bounds, expressions",
    applicability: "Expensive evaluations, up to about 500, of any kinds of variables but orders: \
                    hyperparameters. Each good point is a round hill in all coordinates together",
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
    revision: 2,
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

/// A density on the unit cube: a bell at each point, equally wide in all coordinates, and a wide one
/// over all.
#[derive(Debug)]
struct Parzen {
    bells: Vec<Bell>,
    /// Weight of the bells up to each, the last one 1.
    upto: Vec<f64>,
}

/// A product of normal bells, cut at the walls.
#[derive(Debug)]
struct Bell {
    middle: Vec<f64>,
    width: f64,
    /// Logarithm of its height, its weight included.
    height: f64,
}

impl Bell {
    fn new(middle: Vec<f64>, width: f64, weight: f64) -> Self {
        let lost = |x: &f64| libm::log(width * inside(*x, width));
        let height = libm::log(weight) - middle.iter().map(lost).sum::<f64>();
        Self { middle, width, height }
    }

    fn log_density(&self, x: &[f64]) -> f64 {
        let mut squares = 0.0;
        for (x, middle) in x.iter().zip(&self.middle) {
            let z = (x - middle) / self.width;
            squares += z * z;
        }
        self.height - 0.5 * squares
    }
}

impl Parzen {
    /// Of points in the order in which they came.
    fn new(points: Vec<Vec<f64>>, dimension: usize) -> Self {
        let weights: Vec<f64> =
            (0..points.len()).map(|place| weight(place, points.len())).collect();
        // The wide bell weighs as much as a new point.
        let all = weights.iter().sum::<f64>() + 1.0;
        let (count, coordinates) = (number(points.len()), number(dimension));
        let width = WIDTH * libm::pow(count.max(1.0), -1.0 / (coordinates + 4.0));
        let bells = points.into_iter().zip(&weights);
        let mut bells: Vec<Bell> =
            bells.map(|(point, weight)| Bell::new(point, width, weight / all)).collect();
        bells.push(Bell::new(vec![0.5; dimension], 1.0, 1.0 / all));
        let mut sum = 0.0;
        let each = weights.iter().chain([&1.0]);
        let upto = each.map(|weight| {
            sum += weight / all;
            sum
        });
        Self { upto: upto.collect(), bells }
    }

    fn sample(&self, stream: &mut Stream) -> Vec<f64> {
        let place = stream.unit();
        let chosen = self.upto.partition_point(|upto| *upto <= place).min(self.bells.len() - 1);
        let Bell { middle, width, .. } = &self.bells[chosen];
        let within = |middle: &f64| loop {
            let x = middle + width * standard_normal(stream);
            if (0.0..=1.0).contains(&x) {
                return x;
            }
        };
        middle.iter().map(within).collect()
    }

    fn log_density(&self, x: &[f64]) -> f64 {
        let logs: Vec<f64> = self.bells.iter().map(|bell| bell.log_density(x)).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        most + libm::log(logs.iter().map(|log| libm::exp(log - most)).sum::<f64>())
    }
}

/// Weight of a point: the newest count fully, older ones the less the older they are.
fn weight(place: usize, count: usize) -> f64 {
    let old = count.saturating_sub(NEW);
    if place >= old || old < 2 {
        return 1.0;
    }
    let least = 1.0 / number(count);
    least + (1.0 - least) * number(place) / number(old - 1)
}

#[expect(clippy::cast_precision_loss, reason = "points and coordinates are few")]
fn number(count: usize) -> f64 {
    count as f64
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

    /// The density of good points, and that of the others.
    fn models(&self) -> [Parzen; 2] {
        let order = ranking(&self.costs);
        let good = self.costs.len().div_ceil(10).min(GOOD);
        let (good, others) = order.split_at(good);
        [good, others].map(|places| {
            let mut places = places.to_vec();
            places.sort_unstable();
            let row =
                |place: usize| &self.rows[place * self.dimension..(place + 1) * self.dimension];
            Parzen::new(
                places.into_iter().map(|place| row(place).to_vec()).collect(),
                self.dimension,
            )
        })
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
        let [good, others] = self.models();
        let mut best = (vec![0.5; self.dimension], f64::NEG_INFINITY);
        for _ in 0..self.settings.candidates {
            let x = good.sample(&mut stream);
            let gain = good.log_density(&x) - others.log_density(&x);
            if gain > best.1 {
                best = (x, gain);
            }
        }
        rows.extend(best.0);
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
        let points = [[0.1, 0.9], [0.15, 0.8], [0.9, 0.2]].map(|point| point.to_vec()).to_vec();
        let parzen = Parzen::new(points, 2);
        let at = |k: u32| (f64::from(k) + 0.5) / 200.0;
        let mass = |upto: u32| {
            // The constant of the bells is left out of the logarithm.
            let scale = 2.0 * std::f64::consts::PI * 200.0 * 200.0;
            let row = |i: u32| (0..200).map(move |j| [at(i), at(j)]);
            (0..upto).flat_map(row).map(|x| libm::exp(parzen.log_density(&x))).sum::<f64>() / scale
        };
        assert!((mass(200) - 1.0).abs() < 1e-3, "{}", mass(200));
        let mut stream = Stream::new(Seed::new(3).unwrap(), 0, 0);
        let below = (0..20_000).filter(|_| parzen.sample(&mut stream)[0] < 0.5).count();
        let share = f64::from(u32::try_from(below).unwrap()) / 20_000.0;
        assert!((share - mass(100)).abs() < 0.015, "{share} {}", mass(100));
    }

    #[test]
    fn old_points_count_less() {
        assert!((0..26).all(|place| weight(place, 26) >= 1.0));
        let all: Vec<f64> = (0..45).map(|place| weight(place, 45)).collect();
        assert!((all[0] - 1.0 / 45.0).abs() < 1e-12 && all[..20].is_sorted());
        assert!(all[19..].iter().all(|one| (one - 1.0).abs() < 1e-12));
    }
}
