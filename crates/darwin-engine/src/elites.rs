//! MAP-Elites: the best point of each niche of behaviour (Mouret & Clune 2015), on a grid or around
//! evenly spread places (Vassiliades, Chatzilygeroudis & Mouret 2018).

mod niche;
mod options;

use std::collections::BTreeMap;

use niche::Niches;
pub(crate) use options::ALGORITHM;
pub use options::{ArchiveKind, ElitesOptions, ElitesSettings};

use crate::{
    Cancelled, Executor, ProblemRef, Report, Result, Seed,
    codec::{Reader, Writer},
    ga::{Chunk, Crossover, Mutation, Operators, Variation},
    incumbent::Incumbent,
    problem::rules_cost,
    search::Search,
    stream::Stream,
    tally::{Tally, cut, evaluated, vectors},
};

/// Of the operators for real genes.
const ETA: f64 = 15.0;

/// What fills an archive of behaviours.
#[derive(Debug, Clone, PartialEq)]
pub struct Archive {
    /// Niches that there are.
    pub niches: u64,
    /// The best point of each that is filled, by its number.
    pub elites: Vec<Elite>,
}

/// The best point of a niche.
#[derive(Debug, Clone, PartialEq)]
pub struct Elite {
    /// Number of the niche.
    pub niche: u64,
    /// How it behaves, in the order of the descriptors.
    pub behaviour: Vec<f64>,
    /// The point.
    pub report: Report,
}

/// A point in the archive.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
    genes: Vec<f64>,
    cost: f64,
    behaviour: Vec<f64>,
}

/// An archive that is filled one generation at a time.
#[derive(Debug)]
pub(crate) struct Elites<'p> {
    problem: ProblemRef<'p>,
    settings: ElitesSettings,
    niches: Niches,
    variation: Variation,
    seed: Seed,
    tally: Tally,
    kept: BTreeMap<u64, Kept>,
    chunks: Vec<Chunk>,
    best: Incumbent,
}

impl<'p> Elites<'p> {
    pub(crate) fn new(problem: ProblemRef<'p>, settings: ElitesSettings, seed: Seed) -> Self {
        let operators =
            Operators::real(Crossover::Sbx { eta: ETA }, Mutation::Polynomial { eta: ETA });
        let dimension = problem.bounds().dimension();
        Self {
            niches: Niches::new(problem.descriptors(), settings, seed),
            variation: Variation::new(&problem, operators),
            problem,
            settings,
            seed,
            tally: Tally::default(),
            kept: BTreeMap::new(),
            chunks: Vec::new(),
            best: Incumbent::new(dimension),
        }
    }

    /// Children of any two of the archive, in pairs.
    fn breed(&self, count: usize) -> Vec<f64> {
        let dimension = self.best.dimension();
        let parents: Vec<&Kept> = self.kept.values().collect();
        let size = u32::try_from(parents.len()).unwrap_or(u32::MAX);
        #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
        let rate = 1.0 / dimension as f64;
        let mut genes = vec![0.0; count * dimension];
        for (pair, rows) in genes.chunks_mut(2 * dimension).enumerate() {
            let mut stream = Stream::new(self.seed, self.tally.next(), 2 * pair as u64);
            let [one, two] = [0, 1].map(|_| stream.index(size));
            let [mut first, mut second] = [one, two].map(|parent| parents[parent].genes.clone());
            let crossed = one != two
                && stream.chance(self.settings.crossover_probability)
                && self.variation.cross(&mut stream, &mut first, &mut second);
            for (row, child) in rows.chunks_exact_mut(dimension).zip([&mut first, &mut second]) {
                self.variation.mutate(&mut stream, rate, child, !crossed);
                row.copy_from_slice(child);
            }
        }
        genes
    }

    fn learn(&mut self, genes: &[f64], parts: &[Vec<f64>], bad: u64) {
        self.tally.add(parts.len() as u64, bad);
        for (row, part) in genes.chunks_exact(self.best.dimension()).zip(parts) {
            self.place(row, part);
        }
    }

    /// Keep a point if its niche has no better one; whether it is kept.
    fn place(&mut self, row: &[f64], part: &[f64]) -> bool {
        let cost = rules_cost(part[0], part[1]);
        if !cost.is_finite() {
            return false;
        }
        self.best.meet(row, cost);
        let behaviour = &part[part.len() - self.problem.descriptors().len()..];
        let Some(niche) = self.niches.of(behaviour) else { return false };
        let is_better = self.kept.get(&niche).is_none_or(|old| cost < old.cost);
        if is_better {
            let (genes, behaviour) = (row.to_vec(), behaviour.to_vec());
            self.kept.insert(niche, Kept { genes, cost, behaviour });
        }
        is_better
    }
}

impl Search for Elites<'_> {
    fn step(&mut self, room: u64, executor: &Executor<'_>, cancelled: Cancelled<'_>) -> bool {
        let genes = self.ask(room);
        let problem = &*self.problem;
        let work =
            |chunk: &mut Chunk, cancelled: Cancelled<'_>| chunk.evaluate_parts(problem, cancelled);
        let place = (&mut self.chunks, self.best.dimension());
        let Some((chunks, bad)) = evaluated(place, &genes, executor, cancelled, work) else {
            return false;
        };
        let parts: Vec<Vec<f64>> = vectors(chunks).collect();
        self.learn(&genes, &parts, bad);
        true
    }

    fn ask(&mut self, room: u64) -> Vec<f64> {
        if !self.kept.is_empty() {
            return self.breed(cut(self.settings.batch as usize, room));
        }
        let dimension = self.best.dimension();
        let mut genes = vec![0.0; cut(self.settings.first as usize, room) * dimension];
        for (individual, row) in (0_u64..).zip(genes.chunks_exact_mut(dimension)) {
            let mut stream = Stream::new(self.seed, self.tally.next(), individual);
            self.variation.sample(&mut stream, row);
        }
        genes
    }

    /// Costs do not tell how a point behaves: it is evaluated again.
    fn tell(&mut self, costs: &[f64]) {
        let genes = self.ask(costs.len() as u64);
        let parts: Vec<Vec<f64>> =
            genes.chunks_exact(self.best.dimension()).map(|row| self.problem.part(row)).collect();
        let bad = parts.iter().filter(|part| !part[0].is_finite()).count() as u64;
        self.learn(&genes, &parts, bad);
    }

    fn save(&self, writer: &mut Writer) {
        self.tally.save(writer);
        self.best.save(writer);
        writer.size(self.kept.len());
        for (niche, kept) in &self.kept {
            writer.int(*niche);
            writer.reals(&kept.genes);
            writer.real(kept.cost);
            writer.reals(&kept.behaviour);
        }
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.tally = Tally::load(reader)?;
        self.best.load(reader)?;
        let count = reader.size()?;
        reader.check(count <= self.settings.niches as usize)?;
        for _ in 0..count {
            let niche = reader.int()?;
            let genes = reader.exactly(self.best.dimension())?;
            let cost = reader.real()?;
            let behaviour = reader.exactly(self.problem.descriptors().len())?;
            self.kept.insert(niche, Kept { genes, cost, behaviour });
        }
        Ok(())
    }

    fn tally(&self) -> Tally {
        self.tally
    }

    fn best(&self) -> (&[f64], f64) {
        self.best.get()
    }

    fn archive(&self) -> Option<Archive> {
        let elite = |(niche, kept): (&u64, &Kept)| Elite {
            niche: *niche,
            behaviour: kept.behaviour.clone(),
            report: self.problem.report(&kept.genes),
        };
        let elites = self.kept.iter().map(elite).collect();
        Some(Archive { niches: self.settings.niches.into(), elites })
    }

    fn held(&mut self, visit: &mut dyn FnMut(&[f64], &mut f64)) {
        for kept in self.kept.values_mut() {
            visit(&kept.genes, &mut kept.cost);
        }
    }

    fn admit(&mut self, genes: &[f64], _cost: f64) -> bool {
        let part = self.problem.part(genes);
        self.place(genes, &part)
    }
}
