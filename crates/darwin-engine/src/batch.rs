//! Runs an algorithm of the unit cube on a problem: scales, evaluates in chunks, keeps the best.

use crate::{
    Executor, ProblemRef, Result,
    codec::{Reader, Writer},
    ga::Chunk,
    method::Method,
    tally::{Tally, cut, on_all, spread},
};

/// An algorithm and the problem that it works on.
#[derive(Debug)]
pub(crate) struct Batch<'p> {
    problem: ProblemRef<'p>,
    method: Box<dyn Method>,
    /// Points that are asked, in the unit cube.
    rows: Vec<f64>,
    chunks: Vec<Chunk>,
    tally: Tally,
    best_x: Vec<f64>,
    best_cost: f64,
}

impl<'p> Batch<'p> {
    pub(crate) fn new(problem: ProblemRef<'p>, method: Box<dyn Method>) -> Self {
        let dimension = problem.bounds().dimension();
        Self {
            problem,
            method,
            rows: Vec::new(),
            chunks: Vec::new(),
            tally: Tally::default(),
            best_x: vec![0.0; dimension],
            best_cost: f64::INFINITY,
        }
    }

    /// One generation, of at most `room` > 0 points; false, and nothing changed, when cancelled.
    ///
    /// A generation that is cut short ends the run: the algorithm does not learn from it.
    pub(crate) fn step(
        &mut self,
        room: u64,
        executor: &Executor<'_>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> bool {
        let genes = self.ask();
        let dimension = self.best_x.len();
        let count = cut(genes.len() / dimension, room);
        let chunks = spread(&mut self.chunks, dimension, &genes[..count * dimension]);
        let problem = &*self.problem;
        if !on_all(chunks, executor, cancelled, |chunk| chunk.evaluate(problem)) {
            return false;
        }
        let bad: u64 = chunks.iter().map(Chunk::non_finite).sum();
        let costs: Vec<f64> = chunks.iter().flat_map(Chunk::costs).copied().collect();
        self.admit(&genes, &costs, bad);
        true
    }

    /// Genes of the next generation.
    pub(crate) fn ask(&mut self) -> Vec<f64> {
        self.method.ask(&mut self.rows);
        let bounds = self.problem.bounds();
        let scale = |(u, (lo, hi)): (&f64, (&f64, &f64))| (lo + u * (hi - lo)).clamp(*lo, *hi);
        let sides = || bounds.lo().iter().zip(bounds.hi());
        let rows = self.rows.chunks_exact(bounds.dimension());
        rows.flat_map(|row| row.iter().zip(sides()).map(scale)).collect()
    }

    /// The same, at most `room` points.
    pub(crate) fn ask_at_most(&mut self, room: u64) -> Vec<f64> {
        let mut genes = self.ask();
        let most = usize::try_from(room).unwrap_or(usize::MAX);
        genes.truncate(most.saturating_mul(self.problem.bounds().dimension()));
        genes
    }

    /// Learn the costs of what was asked.
    pub(crate) fn tell(&mut self, costs: &[f64]) {
        let genes = self.ask();
        let bad = costs.iter().filter(|cost| !cost.is_finite()).count() as u64;
        self.admit(&genes, costs, bad);
    }

    fn admit(&mut self, genes: &[f64], costs: &[f64], bad: u64) {
        let dimension = self.best_x.len();
        for (row, cost) in genes.chunks_exact(dimension).zip(costs) {
            if *cost < self.best_cost {
                self.best_cost = *cost;
                self.best_x.copy_from_slice(row);
            }
        }
        self.tally.add(costs.len() as u64, bad);
        if costs.len() * dimension == self.rows.len() {
            self.method.tell(&self.rows, costs);
        }
    }

    pub(crate) fn save(&self, writer: &mut Writer) {
        self.tally.save(writer);
        writer.reals(&self.best_x);
        writer.real(self.best_cost);
        self.method.save(writer);
    }

    pub(crate) fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.tally = Tally::load(reader)?;
        self.best_x = reader.exactly(self.best_x.len())?;
        self.best_cost = reader.real()?;
        self.method.load(reader)
    }

    pub(crate) fn set_max_evals(&mut self, max_evals: u64) {
        self.method.set_max_evals(max_evals);
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.method.is_finished()
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    pub(crate) fn best_x(&self) -> &[f64] {
        &self.best_x
    }

    pub(crate) fn best_cost(&self) -> f64 {
        self.best_cost
    }
}
