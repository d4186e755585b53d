//! Nelder-Mead: Nelder & Mead (1965) with the factors of Gao & Han (2012), "Implementing the
//! Nelder-Mead simplex algorithm with adaptive parameters", begun again at random places.

use crate::{
    Algorithm, Result, Seed,
    codec::{Reader, Writer},
    method::{Method, ranking},
    parameter::{Fallback, Parameter, ParameterKind, Real},
    stream::Stream,
};

const SIGMA: Real = Real { min: 1e-6, max: 0.5, default: Fallback::Fixed(0.1) };
/// A simplex that is smaller, or whose costs differ by less, can gain no more.
const SMALL: f64 = 1e-13;

pub(crate) const ALGORITHM: Algorithm = Algorithm {
    name: "nelder_mead",
    title: "Nelder-Mead simplex with restarts",
    summary: "A simplex that is mirrored, stretched and shrunk downhill; begun again elsewhere",
    representation: "real",
    objectives: "single",
    constraints: "bounds, expressions",
    applicability: "Smooth functions of up to about ten real variables with few minima, and small \
                    budgets; one evaluation at a time",
    parameters: &[Parameter {
        name: "sigma",
        description: "First step, as a share of each range",
        kind: ParameterKind::Real(SIGMA),
        only_with: None,
    }],
    sources: &["Nelder & Mead (1965)", "Gao & Han (2012)"],
    revision: 1,
};

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SimplexOptions {
    /// First step, as a share of each range.
    pub sigma: Option<f64>,
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SimplexSettings {
    /// First step, as a share of each range.
    pub sigma: f64,
}

impl SimplexOptions {
    /// Fill in the defaults, and check.
    ///
    /// # Errors
    /// [`crate::Error::InvalidParameter`] outside the listed range.
    pub fn resolve(self) -> Result<SimplexSettings> {
        Ok(SimplexSettings { sigma: SIGMA.resolve("sigma", self.sigma, 1)? })
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Every corner of a new simplex.
    Begin,
    Reflect,
    /// With the cost of the mirrored point.
    Expand(f64),
    Outside(f64),
    Inside,
    /// Every corner but the best.
    Shrink,
}

/// A simplex in the unit cube.
#[derive(Debug)]
pub(crate) struct Simplex {
    dimension: usize,
    settings: SimplexSettings,
    seed: Seed,
    generation: u64,
    phase: Phase,
    /// Corners, best first, and their costs.
    corners: Vec<(Vec<f64>, f64)>,
    /// Generation in which it began, for its place.
    begun: u64,
}

impl Simplex {
    pub(crate) fn new(dimension: usize, settings: SimplexSettings, seed: Seed) -> Self {
        let (phase, corners) = (Phase::Begin, Vec::new());
        Self { dimension, settings, seed, generation: 0, phase, corners, begun: 0 }
    }

    fn begin(&self, rows: &mut Vec<f64>) {
        let mut stream = Stream::new(self.seed, self.begun, 0);
        let start: Vec<f64> = (0..self.dimension).map(|_| stream.unit()).collect();
        rows.extend(&start);
        for j in 0..self.dimension {
            let mut corner = start.clone();
            // Away from the nearer wall, so that the corner is another one.
            corner[j] += if corner[j] > 0.5 { -self.settings.sigma } else { self.settings.sigma };
            rows.extend(corner);
        }
    }

    /// From the worst corner through the middle of the others, so many times as far; within the
    /// walls.
    #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
    fn through(&self, factor: f64) -> Vec<f64> {
        let Some(((worst, _), others)) = self.corners.split_last() else { return Vec::new() };
        let count = others.len() as f64;
        (0..self.dimension)
            .map(|j| {
                let middle = others.iter().map(|(x, _)| x[j]).sum::<f64>() / count;
                (middle + factor * (middle - worst[j])).clamp(0.0, 1.0)
            })
            .collect()
    }

    /// How far to stretch, how far to draw in, how far to shrink.
    #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
    fn factors(&self) -> [f64; 3] {
        let n = self.dimension.max(2) as f64;
        [1.0 + 2.0 / n, 0.75 - 0.5 / n, 1.0 - 1.0 / n]
    }

    fn take(&mut self, x: Vec<f64>, cost: f64) {
        self.corners.pop();
        let place = self.corners.partition_point(|(_, other)| *other <= cost);
        self.corners.insert(place, (x, cost));
        self.next_phase();
    }

    /// Go on, or begin elsewhere when nothing more is to be gained.
    fn next_phase(&mut self) {
        let (first, last) = (&self.corners[0], &self.corners[self.dimension]);
        let spread = |j: usize| {
            let all = || self.corners.iter().map(|(x, _)| x[j]);
            all().fold(f64::NEG_INFINITY, f64::max) - all().fold(f64::INFINITY, f64::min)
        };
        let size = (0..self.dimension).map(spread).fold(0.0, f64::max);
        let gap = last.1 - first.1;
        let flat = gap <= SMALL * first.1.abs().max(1e-300) || gap.is_nan();
        if size < SMALL || flat && size < 1e-6 {
            self.phase = Phase::Begin;
            self.begun = self.generation;
        } else {
            self.phase = Phase::Reflect;
        }
    }
}

impl Method for Simplex {
    fn ask(&mut self, rows: &mut Vec<f64>) {
        rows.clear();
        let [stretch, draw, shrink] = self.factors();
        match self.phase {
            Phase::Begin => self.begin(rows),
            Phase::Reflect => rows.extend(self.through(1.0)),
            Phase::Expand(_) => rows.extend(self.through(stretch)),
            Phase::Outside(_) => rows.extend(self.through(draw)),
            Phase::Inside => rows.extend(self.through(-draw)),
            Phase::Shrink => {
                let best = &self.corners[0].0;
                for (x, _) in &self.corners[1..] {
                    rows.extend(best.iter().zip(x).map(|(b, x)| b + shrink * (x - b)));
                }
            }
        }
    }

    fn tell(&mut self, rows: &[f64], costs: &[f64]) {
        self.generation += 1;
        let n = self.dimension;
        let cost = costs.first().copied().unwrap_or(f64::INFINITY);
        let of = |place: usize| self.corners.get(place).map_or(f64::INFINITY, |(_, cost)| *cost);
        let (best, second, worst) = (of(0), of(n.saturating_sub(1)), of(n));
        match self.phase {
            Phase::Begin => {
                let rows: Vec<&[f64]> = rows.chunks_exact(n).collect();
                let corner = |place: usize| (rows[place].to_vec(), costs[place]);
                self.corners = ranking(costs).into_iter().map(corner).collect();
                self.next_phase();
            }
            Phase::Shrink => {
                let shrunk = rows.chunks_exact(n).zip(costs);
                self.corners.truncate(1);
                self.corners.extend(shrunk.map(|(x, cost)| (x.to_vec(), *cost)));
                self.corners.sort_by(|a, b| a.1.total_cmp(&b.1));
                self.next_phase();
            }
            Phase::Reflect if cost < best => self.phase = Phase::Expand(cost),
            Phase::Reflect if cost < second => self.take(rows.to_vec(), cost),
            Phase::Reflect if cost < worst => self.phase = Phase::Outside(cost),
            Phase::Reflect => self.phase = Phase::Inside,
            Phase::Expand(mirrored) if cost < mirrored => self.take(rows.to_vec(), cost),
            Phase::Expand(mirrored) => self.take(self.through(1.0), mirrored),
            Phase::Outside(mirrored) if cost <= mirrored => self.take(rows.to_vec(), cost),
            Phase::Inside if cost < worst => self.take(rows.to_vec(), cost),
            Phase::Outside(_) | Phase::Inside => self.phase = Phase::Shrink,
        }
    }

    fn save(&self, writer: &mut Writer) {
        let (phase, mirrored) = match self.phase {
            Phase::Begin => (0, 0.0),
            Phase::Reflect => (1, 0.0),
            Phase::Expand(cost) => (2, cost),
            Phase::Outside(cost) => (3, cost),
            Phase::Inside => (4, 0.0),
            Phase::Shrink => (5, 0.0),
        };
        writer.int(self.generation);
        writer.int(self.begun);
        writer.int(phase);
        writer.real(mirrored);
        writer.size(self.corners.len());
        for (x, cost) in &self.corners {
            writer.reals(x);
            writer.real(*cost);
        }
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        (self.generation, self.begun) = (reader.int()?, reader.int()?);
        let (phase, mirrored) = (reader.int()?, reader.real()?);
        self.phase = match phase {
            1 => Phase::Reflect,
            2 => Phase::Expand(mirrored),
            3 => Phase::Outside(mirrored),
            4 => Phase::Inside,
            5 => Phase::Shrink,
            _ => Phase::Begin,
        };
        let count = reader.size()?;
        let full = self.dimension + 1;
        reader.check(count == full || count == 0 && self.phase == Phase::Begin && phase == 0)?;
        self.corners.clear();
        for _ in 0..count {
            self.corners.push((reader.exactly(self.dimension)?, reader.real()?));
        }
        Ok(())
    }
}
