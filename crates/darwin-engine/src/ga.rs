//! A genetic algorithm.
//!
//! Each generation makes as many children as the population holds (less the elites): selection,
//! crossover of pairs, mutation, all within the bounds and by the kind of each gene, then
//! replacement. A child is never a mere copy unless mutation is off. With real genes and tournaments
//! generations allocate nothing.

mod chunk;
mod crossover;
mod discrete;
mod mutation;
mod options;
mod order;
mod population;
mod selection;
mod survival;
mod table;
mod variation;

use chunk::Maker;
pub(crate) use chunk::{Chunk, lay_out};
pub use discrete::{Exchange, WholeMutation};
pub use options::{
    Crossover, CrossoverKind, ExchangeKind, GaOptions, GaSettings, MAX_GENES, Mutation,
    MutationKind, Replacement, ReplacementKind,
};
pub use order::{OrderCrossover, OrderMutation};
use population::Population;
use selection::Mates;
pub use selection::SelectionKind;
use survival::Survival;
pub(crate) use table::ALGORITHM;
pub(crate) use variation::{Operators, Variation};

use crate::{
    Cancelled, Executor, LANES, Problem, ProblemRef, Result, Seed,
    codec::{Reader, Writer},
    incumbent::Incumbent,
    problem::is_feasible,
    search::Search,
    tally::{Tally, cut, on_all},
};

/// A run of the genetic algorithm that is advanced one generation at a time.
#[derive(Debug)]
pub struct Ga<'p> {
    problem: ProblemRef<'p>,
    settings: GaSettings,
    variation: Variation,
    seed: Seed,
    tally: Tally,
    parents: Population,
    chunks: Vec<Chunk>,
    survival: Survival,
    best: Incumbent,
}

impl<'p> Ga<'p> {
    /// A run before its initial sample.
    pub fn new(problem: impl Into<ProblemRef<'p>>, settings: GaSettings, seed: Seed) -> Self {
        let problem = problem.into();
        let (dimension, population) = (problem.bounds().dimension(), settings.population as usize);
        let chunks = (0..population.div_ceil(LANES)).map(|_| Chunk::new(dimension)).collect();
        Self {
            variation: Variation::new(&problem, settings.operators()),
            problem,
            settings,
            seed,
            tally: Tally::default(),
            parents: Population::new(dimension, population),
            chunks,
            survival: Survival::new(population),
            best: Incumbent::new(dimension),
        }
    }

    /// Make, evaluate and admit one generation; the first call makes the initial sample, uniform
    /// in the box.
    ///
    /// At most `room` > 0 individuals are evaluated; the rest of the generation is left out. When
    /// `cancelled` answers true the generation is dropped, nothing has changed, and the answer is
    /// false.
    pub fn step(&mut self, room: u64, executor: &Executor<'_>, cancelled: Cancelled<'_>) -> bool {
        let used = self.lay_out(room);
        let mut chunks = std::mem::take(&mut self.chunks);
        let maker = self.maker();
        let whole = on_all(&mut chunks[..used], executor, cancelled, |chunk, cancelled| {
            maker.fill(chunk, cancelled);
        });
        self.chunks = chunks;
        if whole {
            self.admit_children(used);
        }
        whole
    }

    fn maker(&self) -> Maker<'_> {
        let GaSettings { selection, tournament, truncation, .. } = self.settings;
        let (seed, generation) = (self.seed, self.tally.next());
        Maker {
            problem: &self.problem,
            settings: &self.settings,
            variation: &self.variation,
            parents: &self.parents,
            mates: Mates::new(
                (selection, tournament, truncation),
                self.parents.costs(),
                (seed, generation),
            ),
            seed,
            generation,
        }
    }

    /// How many chunks hold the next generation.
    fn lay_out(&mut self, room: u64) -> usize {
        let initial = self.tally.evals == 0;
        let wanted = if initial { self.settings.population as usize } else { self.children() };
        let count = cut(wanted, room);
        let used = count.div_ceil(LANES);
        lay_out(&mut self.chunks[..used], count);
        used
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

    fn admit_children(&mut self, used: usize) {
        let chunks = &self.chunks[..used];
        let initial = self.tally.evals == 0;
        let evals: usize = chunks.iter().map(Chunk::len).sum();
        self.tally.add(evals as u64, chunks.iter().map(Chunk::non_finite).sum());
        if initial {
            self.parents.fill_from(chunks);
        } else {
            self.survival.replace(&mut self.parents, chunks, self.settings.replacement);
        }
        if let Some((row, cost)) = self.parents.best() {
            self.best.meet(row, cost);
        }
    }

    /// What is optimised.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Generations completed after the initial sample.
    pub fn generation(&self) -> u64 {
        self.tally.generation
    }

    /// Evaluations so far.
    pub fn evals(&self) -> u64 {
        self.tally.evals
    }

    /// Evaluations so far whose value was not finite.
    pub fn non_finite_evals(&self) -> u64 {
        self.tally.non_finite
    }

    /// Coordinates of the best point so far; meaningless while [`Ga::best_f`] is `None`.
    pub fn best_x(&self) -> &[f64] {
        self.best.get().0
    }

    /// Best objective value so far; `None` while no point was finite and feasible.
    pub fn best_f(&self) -> Option<f64> {
        let cost = self.best.get().1;
        is_feasible(cost).then(|| self.problem.sense().cost(cost))
    }
}

impl Search for Ga<'_> {
    fn step(&mut self, room: u64, executor: &Executor<'_>, cancelled: Cancelled<'_>) -> bool {
        Self::step(self, room, executor, cancelled)
    }

    fn ask(&mut self, room: u64) -> Vec<f64> {
        let used = self.lay_out(room);
        let mut chunks = std::mem::take(&mut self.chunks);
        let maker = self.maker();
        for chunk in &mut chunks[..used] {
            maker.make(chunk);
        }
        self.chunks = chunks;
        self.chunks[..used].iter().flat_map(|chunk| chunk.rows().iter().copied()).collect()
    }

    fn tell(&mut self, costs: &[f64]) {
        let used = costs.len().div_ceil(LANES);
        for (chunk, costs) in self.chunks.iter_mut().zip(costs.chunks(LANES)) {
            chunk.set_costs(costs);
        }
        self.admit_children(used);
    }

    fn save(&self, writer: &mut Writer) {
        self.tally.save(writer);
        self.best.save(writer);
        self.parents.save(writer);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.tally = Tally::load(reader)?;
        self.best.load(reader)?;
        self.parents.load(reader)?;
        let wanted = if self.tally.evals == 0 { 0 } else { self.settings.population as usize };
        reader.check(self.parents.len() == wanted)
    }

    fn tally(&self) -> Tally {
        self.tally
    }

    fn best(&self) -> (&[f64], f64) {
        self.best.get()
    }

    fn held(&mut self, visit: &mut dyn FnMut(&[f64], &mut f64)) {
        self.parents.visit(visit);
    }

    fn admit(&mut self, genes: &[f64], cost: f64) -> bool {
        self.best.meet(genes, cost);
        self.parents.admit(genes, cost)
    }
}
