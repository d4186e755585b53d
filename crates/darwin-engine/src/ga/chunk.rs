//! Up to 64 individuals that are made and evaluated together.

use super::{GaSettings, Mates, Population, Variation};
use crate::{Cancelled, LANES, Problem, Seed, stream::Stream};

/// A fixed share of a generation: rows for variation, lanes for evaluation.
#[derive(Debug)]
pub(crate) struct Chunk {
    dimension: usize,
    /// Number of the first individual in its generation.
    first: usize,
    len: usize,
    rows: Vec<f64>,
    lanes: Vec<[f64; LANES]>,
    costs: [f64; LANES],
    /// Costs of several objectives, and violations; see [`Problem::cost_vectors`].
    vectors: Vec<f64>,
    non_finite: u64,
}

/// Share `count` individuals out among the chunks, 64 to each but the last.
pub(crate) fn lay_out(chunks: &mut [Chunk], count: usize) {
    for (number, chunk) in chunks.iter_mut().enumerate() {
        chunk.first = number * LANES;
        chunk.len = count.saturating_sub(chunk.first).min(LANES);
    }
}

impl Chunk {
    pub(crate) fn new(dimension: usize) -> Self {
        Self {
            dimension,
            first: 0,
            len: 0,
            rows: vec![0.0; dimension * LANES],
            lanes: vec![[0.0; LANES]; dimension],
            costs: [f64::INFINITY; LANES],
            vectors: Vec::new(),
            non_finite: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Coordinates in it.
    #[cfg(feature = "rayon")]
    pub(crate) fn genes(&self) -> usize {
        self.len * self.dimension
    }

    pub(crate) fn non_finite(&self) -> u64 {
        self.non_finite
    }

    /// Rows and costs, in order.
    pub(crate) fn individuals(&self) -> impl Iterator<Item = (&[f64], f64)> {
        self.rows.chunks_exact(self.dimension).zip(self.costs).take(self.len)
    }

    /// Costs, in order.
    pub(crate) fn costs(&self) -> &[f64] {
        &self.costs[..self.len]
    }

    /// Take rows made elsewhere.
    pub(crate) fn load(&mut self, rows: &[f64]) {
        let len = rows.len().min(self.rows.len());
        self.rows[..len].copy_from_slice(&rows[..len]);
        self.len = len / self.dimension;
    }

    /// Rows, one after another.
    pub(crate) fn rows(&self) -> &[f64] {
        &self.rows[..self.len * self.dimension]
    }

    /// Take costs found elsewhere, and how many of them are not finite.
    pub(crate) fn set_costs(&mut self, costs: &[f64]) {
        self.costs[..self.len].copy_from_slice(costs);
        self.non_finite = costs.iter().filter(|cost| !cost.is_finite()).count() as u64;
    }

    /// Lay rows out as lanes.
    fn spread(&mut self) {
        for (lane, row) in self.rows.chunks_exact(self.dimension).take(self.len).enumerate() {
            for (lanes, gene) in self.lanes.iter_mut().zip(row) {
                lanes[lane] = *gene;
            }
        }
    }

    /// Evaluate all objectives.
    pub(crate) fn evaluate_all(&mut self, problem: &Problem, cancelled: Cancelled<'_>) {
        self.spread();
        (self.vectors, self.non_finite) = problem.cost_vectors(&self.lanes, self.len, cancelled);
    }

    /// Evaluate by parts; see [`Problem::parts`].
    pub(crate) fn evaluate_parts(&mut self, problem: &Problem, cancelled: Cancelled<'_>) {
        self.spread();
        (self.vectors, self.non_finite) = problem.parts(&self.lanes, self.len, cancelled);
    }

    /// What [`Chunk::evaluate_all`], or [`Chunk::evaluate_parts`], found for an individual.
    pub(crate) fn vector(&self, lane: usize) -> Vec<f64> {
        self.vectors.iter().skip(lane).step_by(self.len).copied().collect()
    }

    /// Evaluate the first objective.
    pub(crate) fn evaluate(&mut self, problem: &Problem, cancelled: Cancelled<'_>) {
        self.spread();
        self.non_finite = problem.costs(&self.lanes, &mut self.costs[..self.len], cancelled);
    }
}

/// Makes individuals, each from its own stream of random numbers.
#[derive(Debug)]
pub(crate) struct Maker<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) settings: &'a GaSettings,
    pub(crate) variation: &'a Variation,
    pub(crate) parents: &'a Population,
    pub(crate) mates: Mates<'a>,
    pub(crate) seed: Seed,
    pub(crate) generation: u64,
}

impl Maker<'_> {
    /// Make and evaluate the individuals of a chunk.
    pub(crate) fn fill(&self, chunk: &mut Chunk, cancelled: Cancelled<'_>) {
        self.make(chunk);
        chunk.evaluate(self.problem, cancelled);
    }

    /// Make the individuals of a chunk.
    pub(crate) fn make(&self, chunk: &mut Chunk) {
        if self.generation == 0 {
            self.sample(chunk);
        } else {
            self.breed(chunk);
        }
    }

    fn sample(&self, chunk: &mut Chunk) {
        let rows = chunk.rows.chunks_exact_mut(chunk.dimension).take(chunk.len);
        for (individual, row) in (chunk.first..).zip(rows) {
            self.variation.sample(&mut self.stream(individual), row);
        }
    }

    /// Pairs start at even numbers, and a chunk holds an even number of rows: when the last pair
    /// is cut, its second child is made and not used.
    fn breed(&self, chunk: &mut Chunk) {
        let dimension = chunk.dimension;
        let pairs = chunk.rows.chunks_exact_mut(2 * dimension).take(chunk.len.div_ceil(2));
        for (number, pair) in pairs.enumerate() {
            let (first, second) = pair.split_at_mut(dimension);
            self.breed_pair(chunk.first + 2 * number, first, second);
        }
    }

    fn breed_pair(&self, number: usize, first: &mut [f64], second: &mut [f64]) {
        let (settings, variation) = (self.settings, self.variation);
        let mut stream = self.stream(number);
        let [father, mother] = [0, 1].map(|one| self.mates.pick(&mut stream, number + one));
        first.copy_from_slice(self.parents.row(father));
        second.copy_from_slice(self.parents.row(mother));
        let crossed = father != mother
            && stream.chance(settings.crossover_probability)
            && variation.cross(&mut stream, first, second);
        for child in [first, second] {
            variation.mutate(&mut stream, settings.mutation_probability, child, !crossed);
        }
    }

    fn stream(&self, individual: usize) -> Stream {
        Stream::new(self.seed, self.generation, individual as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laying_out_fills_from_the_front() {
        let mut chunks = [Chunk::new(1), Chunk::new(1)];
        lay_out(&mut chunks, 70);
        assert_eq!(chunks.each_ref().map(Chunk::len), [64, 6]);
        assert_eq!(chunks[1].first, 64);
    }
}
