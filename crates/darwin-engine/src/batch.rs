//! Runs an algorithm of the unit cube on a problem: scales, evaluates in chunks, keeps the best.

use crate::{
    Bounds, Cancelled, Executor, ProblemRef, Result,
    codec::{Reader, Writer},
    ga::Chunk,
    incumbent::Incumbent,
    method::Method,
    search::Search,
    tally::{Tally, cut, evaluated},
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
    best: Incumbent,
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
            best: Incumbent::new(dimension),
        }
    }

    /// Genes of the next generation.
    fn genes(&mut self) -> Vec<f64> {
        self.method.ask(&mut self.rows);
        let rows = self.rows.chunks_exact(self.best.dimension());
        rows.flat_map(|row| scaled(self.problem.bounds(), row)).collect()
    }

    fn learn(&mut self, genes: &[f64], costs: &[f64], bad: u64) {
        let dimension = self.best.dimension();
        for (row, cost) in genes.chunks_exact(dimension).zip(costs) {
            self.best.meet(row, *cost);
        }
        self.tally.add(costs.len() as u64, bad);
        if costs.len() * dimension == self.rows.len() {
            self.method.tell(&self.rows, costs);
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
    fn step(&mut self, room: u64, executor: &Executor<'_>, cancelled: Cancelled<'_>) -> bool {
        let genes = self.genes();
        let (problem, dimension) = (&*self.problem, self.best.dimension());
        let rows = &genes[..cut(genes.len() / dimension, room) * dimension];
        let work = |chunk: &mut Chunk, cancelled: Cancelled<'_>| chunk.evaluate(problem, cancelled);
        let done = evaluated((&mut self.chunks, dimension), rows, executor, cancelled, work);
        let Some((chunks, bad)) = done else { return false };
        let costs: Vec<f64> = chunks.iter().flat_map(Chunk::costs).copied().collect();
        self.learn(&genes, &costs, bad);
        true
    }

    fn ask(&mut self, room: u64) -> Vec<f64> {
        let mut genes = self.genes();
        let most = usize::try_from(room).unwrap_or(usize::MAX);
        genes.truncate(most.saturating_mul(self.best.dimension()));
        genes
    }

    fn tell(&mut self, costs: &[f64]) {
        let genes = self.genes();
        let bad = costs.iter().filter(|cost| !cost.is_finite()).count() as u64;
        self.learn(&genes, costs, bad);
    }

    fn save(&self, writer: &mut Writer) {
        self.tally.save(writer);
        self.best.save(writer);
        self.method.save(writer);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.tally = Tally::load(reader)?;
        self.best.load(reader)?;
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
        self.best.get()
    }

    fn held(&mut self, visit: &mut dyn FnMut(&[f64], &mut f64)) {
        let bounds = self.problem.bounds();
        let mut genes = Vec::with_capacity(self.best.dimension());
        self.method.held(&mut |row, cost| {
            genes.clear();
            genes.extend(scaled(bounds, row));
            visit(&genes, cost);
        });
    }

    fn admit(&mut self, genes: &[f64], cost: f64) -> bool {
        self.best.meet(genes, cost);
        let bounds = self.problem.bounds();
        let sides = bounds.lo().iter().zip(bounds.hi());
        let unit =
            |(gene, (lo, hi)): (&f64, (&f64, &f64))| ((gene - lo) / (hi - lo)).clamp(0.0, 1.0);
        let row: Vec<f64> = genes.iter().zip(sides).map(unit).collect();
        self.method.admit(&row, cost)
    }
}
