//! NSGA-II: Deb, Pratap, Agarwal & Meyarivan (2002), "A fast and elitist multiobjective genetic
//! algorithm: NSGA-II", with constrained domination. SBX and polynomial mutation as there.

mod sort;

use std::sync::atomic::{AtomicBool, Ordering};

use sort::{crowding, fronts};

use crate::{
    Algorithm, Executor, LANES, ProblemRef, Report, Result, Seed,
    codec::{Reader, Writer},
    ga::{Chunk, Crossover, Mutation, lay_out},
    parameter::{Fallback, Integer, Parameter, ParameterKind, Real},
    stream::Stream,
};

const POPULATION: Integer = Integer { min: 4, max: 2000, default: 100 };
const CROSSOVER_ETA: Real = Real { min: 0.0, max: 200.0, default: Fallback::Fixed(15.0) };
const MUTATION_ETA: Real = Real { min: 0.0, max: 200.0, default: Fallback::Fixed(20.0) };
const CROSSED: f64 = 0.9;

pub(crate) const ALGORITHM: Algorithm = Algorithm {
    name: "nsga2",
    title: "NSGA-II",
    summary: "Genetic algorithm that sorts by domination and keeps the front spread",
    representation: "mixed",
    objectives: "multiple",
    constraints: "bounds, expressions",
    applicability: "Two or three objectives; with more, nearly all points dominate none",
    parameters: &[
        Parameter {
            name: "population",
            description: "individuals, and most points of the front",
            kind: ParameterKind::Integer(POPULATION),
            only_with: None,
        },
        Parameter {
            name: "crossover_eta",
            description: "SBX distribution index; larger keeps children nearer to their parents",
            kind: ParameterKind::Real(CROSSOVER_ETA),
            only_with: None,
        },
        Parameter {
            name: "mutation_eta",
            description: "polynomial distribution index; larger steps are rarer when it is larger",
            kind: ParameterKind::Real(MUTATION_ETA),
            only_with: None,
        },
    ],
    sources: &["Deb, Pratap, Agarwal & Meyarivan (2002)"],
    revision: 1,
};

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct NsgaOptions {
    /// Individuals.
    pub population: Option<u32>,
    /// Distribution index of the crossover.
    pub crossover_eta: Option<f64>,
    /// Distribution index of the mutation.
    pub mutation_eta: Option<f64>,
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct NsgaSettings {
    /// Individuals.
    pub population: u32,
    /// Distribution index of the crossover.
    pub crossover_eta: f64,
    /// Distribution index of the mutation.
    pub mutation_eta: f64,
}

impl NsgaOptions {
    /// Fill in the defaults, and check.
    ///
    /// # Errors
    /// [`crate::Error::InvalidParameter`] outside a listed range.
    pub fn resolve(self) -> Result<NsgaSettings> {
        Ok(NsgaSettings {
            population: POPULATION.resolve("population", self.population)?,
            crossover_eta: CROSSOVER_ETA.resolve("crossover_eta", self.crossover_eta, 1)?,
            mutation_eta: MUTATION_ETA.resolve("mutation_eta", self.mutation_eta, 1)?,
        })
    }
}

impl From<NsgaSettings> for NsgaOptions {
    fn from(settings: NsgaSettings) -> Self {
        Self {
            population: Some(settings.population),
            crossover_eta: Some(settings.crossover_eta),
            mutation_eta: Some(settings.mutation_eta),
        }
    }
}

/// An individual: genes, costs of the objectives, how far it breaks the constraints.
#[derive(Debug, Clone, PartialEq)]
struct Individual {
    genes: Vec<f64>,
    costs: Vec<f64>,
    violation: f64,
}

/// A run that is advanced one generation at a time.
#[derive(Debug)]
pub(crate) struct Nsga<'p> {
    problem: ProblemRef<'p>,
    settings: NsgaSettings,
    seed: Seed,
    generation: u64,
    evals: u64,
    non_finite_evals: u64,
    parents: Vec<Individual>,
    /// Front and crowding of each parent.
    ranks: Vec<(usize, f64)>,
    chunks: Vec<Chunk>,
}

impl<'p> Nsga<'p> {
    pub(crate) fn new(problem: ProblemRef<'p>, settings: NsgaSettings, seed: Seed) -> Self {
        let dimension = problem.bounds().dimension();
        let chunks = (settings.population as usize).div_ceil(LANES);
        Self {
            problem,
            settings,
            seed,
            generation: 0,
            evals: 0,
            non_finite_evals: 0,
            parents: Vec::new(),
            ranks: Vec::new(),
            chunks: (0..chunks).map(|_| Chunk::new(dimension)).collect(),
        }
    }

    /// One generation of at most `room` > 0 points; false, and nothing changed, when cancelled.
    pub(crate) fn step(
        &mut self,
        room: u64,
        executor: &Executor<'_>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> bool {
        let size = self.settings.population as usize;
        let count = usize::try_from(room).map_or(size, |room| room.min(size));
        let genes = self.make(count);
        let (problem, dimension) = (&*self.problem, self.problem.bounds().dimension());
        let chunks = &mut self.chunks[..count.div_ceil(LANES)];
        lay_out(chunks, count);
        for (chunk, rows) in chunks.iter_mut().zip(genes.chunks(LANES * dimension)) {
            chunk.load(rows);
        }
        let interrupted = AtomicBool::new(false);
        executor.for_each(chunks, |chunk| {
            if cancelled() {
                interrupted.store(true, Ordering::Relaxed);
            } else {
                chunk.evaluate_all(problem);
            }
        });
        if interrupted.into_inner() {
            return false;
        }
        let bad: u64 = chunks.iter().map(Chunk::non_finite).sum();
        let lanes = |chunk: &Chunk| (0..chunk.len()).flat_map(|l| chunk.vector(l)).collect();
        let vectors: Vec<Vec<f64>> = chunks.iter().map(lanes).collect();
        self.admit(&genes, &vectors.concat(), bad);
        true
    }

    /// Genes of the next generation, at most `room` > 0 points; may be asked again.
    pub(crate) fn ask(&self, room: u64) -> Vec<f64> {
        let size = self.settings.population as usize;
        self.make(usize::try_from(room).map_or(size, |room| room.min(size)))
    }

    /// Learn, for each point that was asked, the cost of every objective and the violation.
    pub(crate) fn tell(&mut self, vectors: &[f64]) {
        let genes = self.ask(u64::MAX);
        let width = self.problem.senses().len() + 1;
        let finite = |vector: &&[f64]| vector.iter().all(|cost| cost.is_finite());
        let bad = vectors.chunks_exact(width).filter(|vector| !finite(vector)).count();
        self.admit(&genes, vectors, bad as u64);
    }

    fn admit(&mut self, genes: &[f64], vectors: &[f64], bad: u64) {
        let (dimension, width) =
            (self.problem.bounds().dimension(), self.problem.senses().len() + 1);
        self.generation += u64::from(self.evals > 0);
        self.evals += (vectors.len() / width) as u64;
        self.non_finite_evals += bad;
        let rows = genes.chunks_exact(dimension).zip(vectors.chunks_exact(width));
        self.parents.extend(rows.map(|(genes, vector)| Individual::new(genes, vector)));
        self.survive(self.settings.population as usize);
    }

    /// Genes of a generation.
    fn make(&self, count: usize) -> Vec<f64> {
        let generation = self.generation + u64::from(self.evals > 0);
        let bounds = self.problem.bounds();
        let mut genes = Vec::with_capacity(count * bounds.dimension());
        if self.parents.is_empty() {
            for individual in 0..count {
                let mut stream = Stream::new(self.seed, generation, individual as u64);
                let sides = bounds.lo().iter().zip(bounds.hi());
                genes.extend(sides.map(|(lo, hi)| stream.between(*lo, *hi)));
            }
            return genes;
        }
        #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
        let rate = 1.0 / bounds.dimension() as f64;
        let crossover = Crossover::Sbx { eta: self.settings.crossover_eta };
        let mutation = Mutation::Polynomial { eta: self.settings.mutation_eta };
        for pair in 0..count.div_ceil(2) {
            let mut stream = Stream::new(self.seed, generation, 2 * pair as u64);
            let [mut first, mut second] =
                [0, 1].map(|_| self.parents[self.tournament(&mut stream)].genes.clone());
            let crossed = first != second && stream.chance(CROSSED);
            if crossed {
                crossover.apply(&mut stream, bounds, &mut first, &mut second);
            }
            for child in [&mut first, &mut second] {
                mutation.apply(&mut stream, bounds, rate, child, !crossed);
            }
            genes.extend(first);
            genes.extend(second);
        }
        genes.truncate(count * bounds.dimension());
        genes
    }

    /// The better of two by front, then by room around it.
    fn tournament(&self, stream: &mut Stream) -> usize {
        let size = u32::try_from(self.parents.len()).unwrap_or(u32::MAX);
        let (a, b) = (stream.index(size), stream.index(size));
        let ((front_a, room_a), (front_b, room_b)) = (self.ranks[a], self.ranks[b]);
        let b_wins = front_b < front_a || front_b == front_a && room_b > room_a;
        if b_wins { b } else { a }
    }

    /// Whole fronts live on, best first; of the one that does not fit, those with most room.
    fn survive(&mut self, size: usize) {
        let mut chosen = Vec::with_capacity(size);
        self.ranks.clear();
        for (number, front) in fronts(&self.parents).into_iter().enumerate() {
            if chosen.len() >= size {
                break;
            }
            let mut rooms: Vec<(usize, f64)> =
                front.iter().copied().zip(crowding(&self.parents, &front)).collect();
            let left = size - chosen.len();
            if rooms.len() > left {
                rooms.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                rooms.truncate(left);
            }
            for (individual, room) in rooms {
                chosen.push(individual);
                self.ranks.push((number, room));
            }
        }
        self.parents = chosen.into_iter().map(|one| self.parents[one].clone()).collect();
    }

    /// Points that no other found point dominates, by the first objective. Without any feasible
    /// point, the least violating ones; empty when no value was finite.
    pub(crate) fn front(&self) -> Vec<Report> {
        let mut front: Vec<&Individual> = self
            .parents
            .iter()
            .zip(&self.ranks)
            .filter(|(one, (number, _))| *number == 0 && one.violation.is_finite())
            .map(|(one, _)| one)
            .collect();
        front.sort_by(|a, b| {
            let mut orders = a.costs.iter().zip(&b.costs).map(|(a, b)| a.total_cmp(b));
            orders.find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        front.dedup_by(|a, b| a.costs == b.costs);
        front.into_iter().map(|one| self.report(one)).collect()
    }

    fn report(&self, one: &Individual) -> Report {
        if !self.problem.is_external() {
            return self.problem.report(&one.genes);
        }
        let senses = self.problem.senses().iter();
        Report {
            x: self.problem.decode(&one.genes),
            values: senses.zip(&one.costs).map(|(sense, cost)| sense.cost(*cost)).collect(),
            violation: one.violation,
        }
    }

    pub(crate) fn save(&self, writer: &mut Writer) {
        for number in [self.generation, self.evals, self.non_finite_evals] {
            writer.int(number);
        }
        writer.size(self.parents.len());
        for (one, (front, room)) in self.parents.iter().zip(&self.ranks) {
            writer.reals(&one.genes);
            writer.reals(&one.costs);
            writer.real(one.violation);
            writer.size(*front);
            writer.real(*room);
        }
    }

    pub(crate) fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.generation = reader.int()?;
        self.evals = reader.int()?;
        self.non_finite_evals = reader.int()?;
        let count = reader.size()?;
        reader.check(count <= self.settings.population as usize)?;
        for _ in 0..count {
            let genes = reader.exactly(self.problem.bounds().dimension())?;
            let costs = reader.exactly(self.problem.senses().len())?;
            self.parents.push(Individual { genes, costs, violation: reader.real()? });
            self.ranks.push((reader.size()?, reader.real()?));
        }
        Ok(())
    }

    /// Generations after the first.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn evals(&self) -> u64 {
        self.evals
    }

    pub(crate) fn non_finite_evals(&self) -> u64 {
        self.non_finite_evals
    }
}

impl Individual {
    /// From genes, and costs with the violation last; what is not a number is infinite.
    fn new(genes: &[f64], vector: &[f64]) -> Self {
        let known = |cost: &f64| if cost.is_nan() { f64::INFINITY } else { *cost };
        let mut costs: Vec<f64> = vector.iter().map(known).collect();
        let violation = costs.pop().unwrap_or(f64::INFINITY);
        Self { genes: genes.to_vec(), costs, violation }
    }
}
