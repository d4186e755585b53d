//! Runs an algorithm of the unit cube on a problem: scales, evaluates in chunks, keeps the best.

use crate::{
    Bounds, Executor, ProblemRef, Result,
    codec::{Reader, Writer},
    ga::Chunk,
    method::Method,
    search::Search,
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

    /// Genes of the next generation.
    fn genes(&mut self) -> Vec<f64> {
        self.method.ask(&mut self.rows);
        let rows = self.rows.chunks_exact(self.best_x.len());
        rows.flat_map(|row| scaled(self.problem.bounds(), row)).collect()
    }

    fn learn(&mut self, genes: &[f64], costs: &[f64], bad: u64) {
        let dimension = self.best_x.len();
        for (row, cost) in genes.chunks_exact(dimension).zip(costs) {
            self.remember(row, *cost);
        }
        self.tally.add(costs.len() as u64, bad);
        if costs.len() * dimension == self.rows.len() {
            self.method.tell(&self.rows, costs);
        }
    }

    fn remember(&mut self, row: &[f64], cost: f64) {
        if cost < self.best_cost {
            self.best_cost = cost;
            self.best_x.copy_from_slice(row);
        }
    }
}

/// A point of the unit cube in the box.
fn scaled<'a>(bounds: &'a Bounds, row: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    let sides = bounds.lo().iter().zip(bounds.hi());
    row.iter().zip(sides).map(|(u, (lo, hi))| (lo + u * (hi - lo)).clamp(*lo, *hi))
}

impl Search for Batch<'_> {
    /// A generation that is cut short ends the run: the algorithm does not learn from it.
    fn step(
        &mut self,
        room: u64,
        executor: &Executor<'_>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> bool {
        let genes = self.genes();
        let dimension = self.best_x.len();
        let count = cut(genes.len() / dimension, room);
        let chunks = spread(&mut self.chunks, dimension, &genes[..count * dimension]);
        let problem = &*self.problem;
        if !on_all(chunks, executor, cancelled, |chunk| chunk.evaluate(problem)) {
            return false;
        }
        let bad: u64 = chunks.iter().map(Chunk::non_finite).sum();
        let costs: Vec<f64> = chunks.iter().flat_map(Chunk::costs).copied().collect();
        self.learn(&genes, &costs, bad);
        true
    }

    fn ask(&mut self, room: u64) -> Vec<f64> {
        let mut genes = self.genes();
        let most = usize::try_from(room).unwrap_or(usize::MAX);
        genes.truncate(most.saturating_mul(self.best_x.len()));
        genes
    }

    fn tell(&mut self, costs: &[f64]) {
        let genes = self.genes();
        let bad = costs.iter().filter(|cost| !cost.is_finite()).count() as u64;
        self.learn(&genes, costs, bad);
    }

    fn save(&self, writer: &mut Writer) {
        self.tally.save(writer);
        writer.reals(&self.best_x);
        writer.real(self.best_cost);
        self.method.save(writer);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.tally = Tally::load(reader)?;
        self.best_x = reader.exactly(self.best_x.len())?;
        self.best_cost = reader.real()?;
        self.method.load(reader)
    }

    fn set_max_evals(&mut self, max_evals: u64) {
        self.method.set_max_evals(max_evals);
    }

    fn is_finished(&self) -> bool {
        self.method.is_finished()
    }

    fn tally(&self) -> Tally {
        self.tally
    }

    fn best(&self) -> (&[f64], f64) {
        (&self.best_x, self.best_cost)
    }

    fn held(&mut self, visit: &mut dyn FnMut(&[f64], &mut f64)) {
        let bounds = self.problem.bounds();
        let mut genes = Vec::with_capacity(self.best_x.len());
        self.method.held(&mut |row, cost| {
            genes.clear();
            genes.extend(scaled(bounds, row));
            visit(&genes, cost);
        });
    }

    fn admit(&mut self, genes: &[f64], cost: f64) -> bool {
        self.remember(genes, cost);
        let bounds = self.problem.bounds();
        let sides = bounds.lo().iter().zip(bounds.hi());
        let unit =
            |(gene, (lo, hi)): (&f64, (&f64, &f64))| ((gene - lo) / (hi - lo)).clamp(0.0, 1.0);
        let row: Vec<f64> = genes.iter().zip(sides).map(unit).collect();
        self.method.admit(&row, cost)
    }
}
