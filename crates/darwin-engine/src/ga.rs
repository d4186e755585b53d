//! A real-coded genetic algorithm.
//!
//! Each generation makes as many children as the population holds (less the elites): tournament
//! selection, crossover of pairs, mutation, all within the bounds, then replacement. A child is
//! never a mere copy unless mutation is off. Generations allocate nothing.

mod chunk;
mod crossover;
mod mutation;
mod options;
mod population;
mod survival;
mod table;

use std::sync::atomic::{AtomicBool, Ordering};

use chunk::Maker;
pub(crate) use chunk::{Chunk, lay_out};
pub use options::{
    Crossover, CrossoverKind, GaOptions, GaSettings, MAX_GENES, Mutation, MutationKind,
    Replacement, ReplacementKind,
};
use population::Population;
use survival::Survival;
pub(crate) use table::ALGORITHM;

use crate::{
    Executor, LANES, Problem, ProblemRef, Result, Seed,
    codec::{Reader, Writer},
    problem::is_feasible,
};

/// A run of the genetic algorithm that is advanced one generation at a time.
#[derive(Debug)]
pub struct Ga<'p> {
    problem: ProblemRef<'p>,
    settings: GaSettings,
    seed: Seed,
    generation: u64,
    evals: u64,
    non_finite_evals: u64,
    parents: Population,
    chunks: Vec<Chunk>,
    survival: Survival,
    best_x: Vec<f64>,
    best_cost: f64,
}

impl<'p> Ga<'p> {
    /// A run before its initial sample.
    pub fn new(problem: impl Into<ProblemRef<'p>>, settings: GaSettings, seed: Seed) -> Self {
        let problem = problem.into();
        let (dimension, population) = (problem.bounds().dimension(), settings.population as usize);
        let chunks = (0..population.div_ceil(LANES)).map(|_| Chunk::new(dimension)).collect();
        Self {
            problem,
            settings,
            seed,
            generation: 0,
            evals: 0,
            non_finite_evals: 0,
            parents: Population::new(dimension, population),
            chunks,
            survival: Survival::new(population),
            best_x: vec![0.0; dimension],
            best_cost: f64::INFINITY,
        }
    }

    /// Make, evaluate and admit one generation; the first call makes the initial sample, uniform
    /// in the box.
    ///
    /// At most `room` > 0 individuals are evaluated; the rest of the generation is left out. When
    /// `cancelled` answers true the generation is dropped, nothing has changed, and the answer is
    /// false.
    pub fn step(
        &mut self,
        room: u64,
        executor: &Executor<'_>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> bool {
        let (initial, used) = self.lay_out(room);
        let generation = if initial { 0 } else { self.generation + 1 };
        let maker = Maker {
            problem: &self.problem,
            settings: &self.settings,
            parents: &self.parents,
            seed: self.seed,
            generation,
        };
        let interrupted = AtomicBool::new(false);
        executor.for_each(&mut self.chunks[..used], |chunk| {
            if cancelled() {
                interrupted.store(true, Ordering::Relaxed);
            } else {
                maker.fill(chunk);
            }
        });
        if interrupted.into_inner() {
            return false;
        }
        self.admit(used, initial);
        self.generation = generation;
        true
    }

    /// Whether the initial sample comes next, and how many chunks hold the next generation.
    fn lay_out(&mut self, room: u64) -> (bool, usize) {
        let initial = self.evals == 0;
        let wanted = if initial { self.settings.population as usize } else { self.children() };
        let count = usize::try_from(room).map_or(wanted, |room| room.min(wanted));
        let used = count.div_ceil(LANES);
        lay_out(&mut self.chunks[..used], count);
        (initial, used)
    }

    /// Genes of the next generation, at most `room` > 0 points, for those who evaluate elsewhere;
    /// may be asked again.
    pub(crate) fn ask(&mut self, room: u64) -> Vec<f64> {
        let (initial, used) = self.lay_out(room);
        let maker = Maker {
            problem: &self.problem,
            settings: &self.settings,
            parents: &self.parents,
            seed: self.seed,
            generation: if initial { 0 } else { self.generation + 1 },
        };
        let chunks = &mut self.chunks[..used];
        for chunk in chunks.iter_mut() {
            maker.make(chunk);
        }
        chunks.iter().flat_map(|chunk| chunk.rows().iter().copied()).collect()
    }

    /// Learn the costs of the generation that was asked.
    pub(crate) fn tell(&mut self, costs: &[f64]) {
        let initial = self.evals == 0;
        let used = costs.len().div_ceil(LANES);
        for (chunk, costs) in self.chunks.iter_mut().zip(costs.chunks(LANES)) {
            chunk.set_costs(costs);
        }
        self.admit(used, initial);
        self.generation += u64::from(!initial);
    }

    pub(crate) fn save(&self, writer: &mut Writer) {
        for number in [self.generation, self.evals, self.non_finite_evals] {
            writer.int(number);
        }
        writer.reals(&self.best_x);
        writer.real(self.best_cost);
        self.parents.save(writer);
    }

    pub(crate) fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.generation = reader.int()?;
        self.evals = reader.int()?;
        self.non_finite_evals = reader.int()?;
        self.best_x = reader.exactly(self.best_x.len())?;
        self.best_cost = reader.real()?;
        self.parents.load(reader)?;
        let wanted = if self.evals == 0 { 0 } else { self.settings.population as usize };
        reader.check(self.parents.len() == wanted)
    }

    /// Children per generation.
    fn children(&self) -> usize {
        let population = self.parents.len();
        match self.settings.replacement {
            Replacement::Plus => population,
            Replacement::Generational { elites } => {
                population - (elites as usize).min(population - 1)
            }
        }
    }

    fn admit(&mut self, used: usize, initial: bool) {
        let chunks = &self.chunks[..used];
        for chunk in chunks {
            self.evals += chunk.len() as u64;
            self.non_finite_evals += chunk.non_finite();
        }
        if initial {
            self.parents.fill_from(chunks);
        } else {
            self.survival.replace(&mut self.parents, chunks, self.settings.replacement);
        }
        if let Some((row, cost)) = self.parents.best()
            && cost < self.best_cost
        {
            self.best_cost = cost;
            self.best_x.copy_from_slice(row);
        }
    }

    /// What is optimised.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Generations completed after the initial sample.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Evaluations so far.
    pub fn evals(&self) -> u64 {
        self.evals
    }

    /// Evaluations so far whose value was not finite.
    pub fn non_finite_evals(&self) -> u64 {
        self.non_finite_evals
    }

    /// Coordinates of the best point so far; meaningless while [`Ga::best_f`] is `None`.
    pub fn best_x(&self) -> &[f64] {
        &self.best_x
    }

    /// Best objective value so far; `None` while no point was finite and feasible.
    pub fn best_f(&self) -> Option<f64> {
        is_feasible(self.best_cost).then(|| self.problem.sense().cost(self.best_cost))
    }

    /// The best value as a cost: smaller is better, infinite while none was finite.
    pub(crate) fn best_cost(&self) -> f64 {
        self.best_cost
    }
}
