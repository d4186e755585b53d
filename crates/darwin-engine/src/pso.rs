//! Particle swarm optimisation: the standard of 2011, which does not depend on the axes, after Clerc
//! (2012) and Zambrano-Bigiarini, Clerc & Rojas (2013), "Standard particle swarm optimisation 2011
//! at CEC-2013". All particles of a generation move at once.

use crate::{
    Algorithm, Result, Seed,
    codec::{Reader, Writer},
    method::Method,
    normal::standard_normal,
    parameter::{Fallback, Integer, Parameter, ParameterKind, Real},
    search::worse_than,
    stream::Stream,
};

const POPULATION: Integer = Integer { min: 4, max: 10_000, default: 40 };
const INFORMANTS: Integer = Integer { min: 1, max: 100, default: 3 };
/// 1 / (2 ln 2), and 1/2 + ln 2.
const INERTIA: Real =
    Real { min: 0.0, max: 1.0, default: Fallback::Fixed(0.721_347_520_444_481_7) };
const PULL: Real = Real { min: 0.0, max: 4.0, default: Fallback::Fixed(1.193_147_180_559_945_3) };
/// Number of the stream that draws who informs whom.
const SHARED: u64 = u64::MAX;

pub(crate) const ALGORITHM: Algorithm = Algorithm {
    name: "pso",
    title: "Particle swarm (SPSO-2011)",
    summary: "Particles that are drawn to their own best place and to that of their informants",
    representation: "real",
    objectives: "single",
    constraints: "bounds, expressions",
    applicability: "Smooth or moderately rugged functions of up to some tens of real variables; soon \
                    near an optimum, slow to high precision",
    parameters: &[
        Parameter {
            name: "population",
            description: "particles",
            kind: ParameterKind::Integer(POPULATION),
            only_with: None,
        },
        Parameter {
            name: "informants",
            description: "particles that each one informs; drawn anew when nothing improves",
            kind: ParameterKind::Integer(INFORMANTS),
            only_with: None,
        },
        Parameter {
            name: "inertia",
            description: "share of the velocity that is kept",
            kind: ParameterKind::Real(INERTIA),
            only_with: None,
        },
        Parameter {
            name: "pull",
            description: "how strongly the best places draw",
            kind: ParameterKind::Real(PULL),
            only_with: None,
        },
    ],
    sources: &["Kennedy & Eberhart (1995)", "Zambrano-Bigiarini, Clerc & Rojas (2013), CEC"],
    revision: 1,
};

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PsoOptions {
    /// Particles.
    pub population: Option<u32>,
    /// Particles that each one informs.
    pub informants: Option<u32>,
    /// Share of the velocity that is kept.
    pub inertia: Option<f64>,
    /// How strongly the best places draw.
    pub pull: Option<f64>,
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PsoSettings {
    /// Particles.
    pub population: u32,
    /// Particles that each one informs.
    pub informants: u32,
    /// Share of the velocity that is kept.
    pub inertia: f64,
    /// How strongly the best places draw.
    pub pull: f64,
}

impl PsoOptions {
    /// Fill in the defaults, and check.
    ///
    /// # Errors
    /// [`crate::Error::InvalidParameter`] outside a listed range.
    pub fn resolve(self) -> Result<PsoSettings> {
        Ok(PsoSettings {
            population: POPULATION.resolve("population", self.population)?,
            informants: INFORMANTS.resolve("informants", self.informants)?,
            inertia: INERTIA.resolve("inertia", self.inertia, 1)?,
            pull: PULL.resolve("pull", self.pull, 1)?,
        })
    }
}

/// A swarm in the unit cube.
#[derive(Debug)]
pub(crate) struct Pso {
    dimension: usize,
    settings: PsoSettings,
    seed: Seed,
    generation: u64,
    /// Generation in which it was last drawn who informs whom.
    linked: u64,
    places: Vec<f64>,
    velocities: Vec<f64>,
    best: Vec<f64>,
    best_costs: Vec<f64>,
    /// Velocities of the particles that are asked, remade at will.
    next: Vec<f64>,
}

impl Pso {
    pub(crate) fn new(dimension: usize, settings: PsoSettings, seed: Seed) -> Self {
        let none = Vec::new;
        Self {
            dimension,
            settings,
            seed,
            generation: 0,
            linked: 0,
            places: none(),
            velocities: none(),
            best: none(),
            best_costs: none(),
            next: none(),
        }
    }

    fn row<'a>(&self, rows: &'a [f64], particle: usize) -> &'a [f64] {
        &rows[particle * self.dimension..][..self.dimension]
    }

    /// For each particle, the best of those that inform it.
    fn leaders(&self) -> Vec<usize> {
        let count = self.best_costs.len();
        let mut leaders: Vec<usize> = (0..count).collect();
        let mut stream = Stream::new(self.seed, self.linked, SHARED);
        for particle in 0..count {
            for _ in 0..self.settings.informants {
                let told = stream.index(self.settings.population);
                if self.best_costs[particle] < self.best_costs[leaders[told]] {
                    leaders[told] = particle;
                }
            }
        }
        leaders
    }

    fn first(&mut self, rows: &mut Vec<f64>) {
        for particle in 0..u64::from(self.settings.population) {
            let mut stream = Stream::new(self.seed, 0, particle);
            for _ in 0..self.dimension {
                let x = stream.unit();
                rows.push(x);
                self.next.push(stream.unit() - x);
            }
        }
    }

    /// A point of the ball around the middle of where a particle is and is drawn to.
    fn moved(&self, particle: usize, leader: usize, stream: &mut Stream) -> Vec<f64> {
        let x = self.row(&self.places, particle);
        let own = self.row(&self.best, particle);
        let other = self.row(&self.best, leader);
        let pull = self.settings.pull;
        let middle: Vec<f64> = (0..self.dimension)
            .map(|j| {
                let own = x[j] + pull * (own[j] - x[j]);
                if leader == particle {
                    return f64::midpoint(x[j], own);
                }
                (x[j] + own + x[j] + pull * (other[j] - x[j])) / 3.0
            })
            .collect();
        let apart = middle.iter().zip(x).map(|(m, x)| (m - x) * (m - x));
        let radius = libm::sqrt(apart.sum::<f64>()) * stream.unit();
        let aside: Vec<f64> = (0..self.dimension).map(|_| standard_normal(stream)).collect();
        let length = libm::sqrt(aside.iter().map(|a| a * a).sum::<f64>()).max(f64::MIN_POSITIVE);
        middle.iter().zip(aside).map(|(m, a)| m + radius * a / length).collect()
    }
}

impl Method for Pso {
    fn ask(&mut self, rows: &mut Vec<f64>) {
        rows.clear();
        self.next.clear();
        if self.best_costs.is_empty() {
            return self.first(rows);
        }
        for (particle, leader) in self.leaders().into_iter().enumerate() {
            let mut stream = Stream::new(self.seed, self.generation, particle as u64);
            let target = self.moved(particle, leader, &mut stream);
            let x = self.row(&self.places, particle);
            let v = self.row(&self.velocities, particle);
            for ((x, v), target) in x.iter().zip(v).zip(target) {
                let step = self.settings.inertia * v + target - x;
                let at = x + step;
                // What leaves the box stands at its wall, and turns round.
                let inside = at.clamp(0.0, 1.0);
                let kept = at.total_cmp(&inside).is_eq();
                self.next.push(if kept { step } else { -0.5 * step });
                rows.push(inside);
            }
        }
    }

    fn tell(&mut self, rows: &[f64], costs: &[f64]) {
        self.generation += 1;
        self.velocities = self.next.clone();
        self.places = rows.to_vec();
        if self.best_costs.is_empty() {
            (self.best, self.best_costs) = (rows.to_vec(), costs.to_vec());
            return;
        }
        let least = |costs: &[f64]| costs.iter().copied().fold(f64::INFINITY, f64::min);
        let before = least(&self.best_costs);
        for (particle, cost) in costs.iter().enumerate() {
            if *cost < self.best_costs[particle] {
                self.best_costs[particle] = *cost;
                let start = particle * self.dimension;
                let row = &rows[start..start + self.dimension];
                self.best[start..start + self.dimension].copy_from_slice(row);
            }
        }
        if least(costs) >= before {
            self.linked = self.generation;
        }
    }

    fn held(&mut self, visit: &mut dyn FnMut(&[f64], &mut f64)) {
        for (row, cost) in self.best.chunks_exact(self.dimension).zip(&mut self.best_costs) {
            visit(row, cost);
        }
    }

    /// The worst memory is replaced; where its particle is, it stays.
    fn admit(&mut self, row: &[f64], cost: f64) -> bool {
        let Some(place) = worse_than(&self.best_costs, cost) else { return false };
        self.best[place * self.dimension..][..self.dimension].copy_from_slice(row);
        self.best_costs[place] = cost;
        true
    }

    fn save(&self, writer: &mut Writer) {
        writer.int(self.generation);
        writer.int(self.linked);
        for list in [&self.places, &self.velocities, &self.best, &self.best_costs] {
            writer.reals(list);
        }
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        (self.generation, self.linked) = (reader.int()?, reader.int()?);
        for list in [&mut self.places, &mut self.velocities, &mut self.best, &mut self.best_costs] {
            *list = reader.reals()?;
        }
        let count = self.best_costs.len();
        let full = count * self.dimension;
        reader.check(
            (count == 0 || count == self.settings.population as usize)
                && [&self.places, &self.velocities, &self.best]
                    .iter()
                    .all(|list| list.len() == full),
        )
    }
}
