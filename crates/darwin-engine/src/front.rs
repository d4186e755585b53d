//! Several objectives at once: what is common to the algorithms that look for all points that no
//! other dominates. Children come from two parents by SBX and polynomial mutation, or the operators
//! of their kinds; who lives on is each algorithm's own.

mod directions;
mod moead;
mod nsga2;
mod nsga3;
mod options;
mod sms;
mod sort;

pub(crate) use options::ALGORITHMS;
pub use options::{FrontKind, FrontOptions, FrontSettings};
use sort::fronts;

use crate::{
    Cancelled, Executor, LANES, ProblemRef, Report, Result, Seed,
    codec::{Reader, Writer},
    ga::{Chunk, Crossover, Mutation, Operators, Variation},
    search::{Member, Search},
    stream::Stream,
    tally::{Tally, cut, evaluated, vectors},
};

/// Share of pairs that are crossed.
const CROSSED: f64 = 0.9;
/// Number of the stream that draws what belongs to a generation rather than to an individual.
const SHARED: u64 = u64::MAX;
/// Number of the stream for a point from elsewhere.
const STRANGERS: u64 = u64::MAX - 3;

/// An individual: genes, costs of the objectives, how far it breaks the constraints.
#[derive(Debug, Clone, PartialEq)]
struct Individual {
    genes: Vec<f64>,
    costs: Vec<f64>,
    violation: f64,
}

/// What one algorithm does differently.
trait Selection: Send + std::fmt::Debug {
    /// Individuals of a generation.
    fn size(&self) -> usize;

    /// Whether both children of a pair are used.
    fn in_pairs(&self) -> bool {
        true
    }

    /// Whether a point from elsewhere can join the members.
    fn takes_strangers(&self) -> bool {
        true
    }

    /// Parents of a child, or of a pair that begins with it.
    fn mates(&self, members: &[Individual], child: usize, stream: &mut Stream) -> [usize; 2];

    /// Who lives on of the members, the first `parents` of them old; `stream` is this generation's.
    fn survive(
        &mut self,
        members: Vec<Individual>,
        parents: usize,
        stream: &mut Stream,
    ) -> Vec<Individual>;

    /// Write what is not in the members.
    fn save(&self, writer: &mut Writer);

    /// Read it, for so many members.
    fn load(&mut self, members: usize, reader: &mut Reader<'_>) -> Result<()>;
}

/// A run that is advanced one generation at a time.
#[derive(Debug)]
pub(crate) struct Front<'p> {
    problem: ProblemRef<'p>,
    selection: Box<dyn Selection>,
    variation: Variation,
    seed: Seed,
    tally: Tally,
    members: Vec<Individual>,
    chunks: Vec<Chunk>,
}

impl<'p> Front<'p> {
    pub(crate) fn new(problem: ProblemRef<'p>, settings: FrontSettings, seed: Seed) -> Self {
        let operators = Operators::real(
            Crossover::Sbx { eta: settings.crossover_eta },
            Mutation::Polynomial { eta: settings.mutation_eta },
        );
        let objectives = problem.senses().len();
        let size = settings.population as usize;
        let selection: Box<dyn Selection> = match settings.kind {
            FrontKind::Nsga2 => Box::new(nsga2::Nsga2::new(size)),
            FrontKind::Nsga3 => Box::new(nsga3::Nsga3::new(size, objectives)),
            FrontKind::Moead => {
                Box::new(moead::Moead::new(size, objectives, settings.neighbours as usize))
            }
            FrontKind::Sms => Box::new(sms::Sms::new(size)),
        };
        Self {
            variation: Variation::new(&problem, operators),
            problem,
            selection,
            seed,
            tally: Tally::default(),
            members: Vec::new(),
            chunks: Vec::new(),
        }
    }

    /// Genes of the next generation, at most `room` > 0 points.
    fn genes(&self, room: u64) -> Vec<f64> {
        let count = cut(self.selection.size(), room);
        let (generation, dimension) = (self.tally.next(), self.problem.bounds().dimension());
        let mut genes = vec![0.0; count * dimension];
        if self.members.is_empty() {
            for (individual, row) in (0_u64..).zip(genes.chunks_exact_mut(dimension)) {
                self.variation.sample(&mut Stream::new(self.seed, generation, individual), row);
            }
            return genes;
        }
        #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
        let rate = 1.0 / dimension as f64;
        let step = if self.selection.in_pairs() { 2 } else { 1 };
        for (place, rows) in genes.chunks_mut(step * dimension).enumerate() {
            let child = place * step;
            let mut stream = Stream::new(self.seed, generation, child as u64);
            let [mut first, mut second] = self
                .selection
                .mates(&self.members, child, &mut stream)
                .map(|parent| self.members[parent].genes.clone());
            let crossed = first != second
                && stream.chance(CROSSED)
                && self.variation.cross(&mut stream, &mut first, &mut second);
            let children = rows.chunks_exact_mut(dimension).zip([&mut first, &mut second]);
            for (row, child) in children {
                self.variation.mutate(&mut stream, rate, child, !crossed);
                row.copy_from_slice(child);
            }
        }
        genes
    }

    fn learn(&mut self, genes: &[f64], vectors: &[f64], bad: u64) {
        let (dimension, width) =
            (self.problem.bounds().dimension(), self.problem.senses().len() + 1);
        let mut stream = Stream::new(self.seed, self.tally.next(), SHARED);
        self.tally.add((vectors.len() / width) as u64, bad);
        let parents = self.members.len();
        let mut members = std::mem::take(&mut self.members);
        let rows = genes.chunks_exact(dimension).zip(vectors.chunks_exact(width));
        members.extend(rows.map(|(genes, vector)| Individual::new(genes, vector)));
        self.members = self.selection.survive(members, parents, &mut stream);
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
}

impl Search for Front<'_> {
    fn step(&mut self, room: u64, executor: &Executor<'_>, cancelled: Cancelled<'_>) -> bool {
        let genes = self.genes(room);
        let (problem, dimension) = (&*self.problem, self.problem.bounds().dimension());
        let work =
            |chunk: &mut Chunk, cancelled: Cancelled<'_>| chunk.evaluate_all(problem, cancelled);
        let done = evaluated((&mut self.chunks, dimension), &genes, executor, cancelled, work);
        let Some((chunks, bad)) = done else { return false };
        let vectors: Vec<f64> = vectors(chunks).flatten().collect();
        self.learn(&genes, &vectors, bad);
        true
    }

    fn ask(&mut self, room: u64) -> Vec<f64> {
        self.genes(room)
    }

    fn tell(&mut self, costs: &[f64]) {
        let width = self.problem.senses().len() + 1;
        let genes = self.genes((costs.len() / width) as u64);
        let finite = |vector: &&[f64]| vector.iter().all(|cost| cost.is_finite());
        let bad = costs.chunks_exact(width).filter(|vector| !finite(vector)).count();
        self.learn(&genes, costs, bad as u64);
    }

    /// Points that no other found point dominates, by the first objective. Without any feasible
    /// point, the least violating ones; empty when no value was finite.
    fn front(&self) -> Vec<Report> {
        let first = fronts(&self.members).into_iter().next().unwrap_or_default();
        let mut front: Vec<&Individual> = first
            .into_iter()
            .map(|place| &self.members[place])
            .filter(|one| one.violation.is_finite())
            .collect();
        front.sort_by(|a, b| {
            let mut orders = a.costs.iter().zip(&b.costs).map(|(a, b)| a.total_cmp(b));
            orders.find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        front.dedup_by(|a, b| a.costs == b.costs);
        front.into_iter().map(|one| self.report(one)).collect()
    }

    fn save(&self, writer: &mut Writer) {
        self.tally.save(writer);
        writer.size(self.members.len());
        for one in &self.members {
            writer.reals(&one.genes);
            writer.reals(&one.costs);
            writer.real(one.violation);
        }
        self.selection.save(writer);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.tally = Tally::load(reader)?;
        let count = reader.size()?;
        reader.check(count <= self.selection.size() && (count > 0) == (self.tally.evals > 0))?;
        for _ in 0..count {
            let genes = reader.exactly(self.problem.bounds().dimension())?;
            let costs = reader.exactly(self.problem.senses().len())?;
            self.members.push(Individual { genes, costs, violation: reader.real()? });
        }
        self.selection.load(count, reader)
    }

    fn tally(&self) -> Tally {
        self.tally
    }

    fn best(&self) -> (&[f64], f64) {
        (&[], f64::INFINITY)
    }

    fn has_best(&self) -> bool {
        false
    }

    /// Among the others it has to live on as they do.
    fn admit(&mut self, genes: &[f64], _cost: f64) -> bool {
        if self.members.is_empty() || !self.selection.takes_strangers() {
            return false;
        }
        let mut lanes = vec![[0.0; LANES]; genes.len()];
        for (lanes, gene) in lanes.iter_mut().zip(genes) {
            lanes[0] = *gene;
        }
        let (vector, bad) = self.problem.cost_vectors(&lanes, 1, &|| false);
        if bad > 0 {
            return false;
        }
        let mut members = std::mem::take(&mut self.members);
        let parents = members.len();
        let stranger = Individual::new(genes, &vector);
        members.push(stranger.clone());
        let mut stream = Stream::new(self.seed, self.tally.next(), STRANGERS);
        self.members = self.selection.survive(members, parents, &mut stream);
        self.members.contains(&stranger)
    }

    fn members(&mut self) -> Vec<Member> {
        let member = |one: &Individual| Member {
            genes: one.genes.clone(),
            cost: 0.0,
            report: Some(self.report(one)),
        };
        self.members.iter().map(member).collect()
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

    fn is_feasible(&self) -> bool {
        self.violation <= 0.0
    }
}

/// The chosen ones, in their order.
fn take(members: Vec<Individual>, chosen: &[usize]) -> Vec<Individual> {
    let mut members: Vec<Option<Individual>> = members.into_iter().map(Some).collect();
    chosen.iter().filter_map(|one| members.get_mut(*one).and_then(Option::take)).collect()
}

fn index(stream: &mut Stream, n: usize) -> usize {
    stream.index(u32::try_from(n).unwrap_or(u32::MAX))
}

/// Two members, each the better of two; the second of the two only when `beats` says so.
fn tournaments(
    members: usize,
    stream: &mut Stream,
    beats: impl Fn(usize, usize) -> bool,
) -> [usize; 2] {
    [0, 1].map(|_| {
        let (a, b) = (index(stream, members), index(stream, members));
        if beats(b, a) { b } else { a }
    })
}
