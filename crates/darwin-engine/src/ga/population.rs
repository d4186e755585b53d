//! Individuals that may become parents.

use super::Chunk;
use crate::{
    Result,
    codec::{Reader, Writer},
    search::worse_than,
};

/// Genes of all individuals in one array, their costs in another.
#[derive(Debug)]
pub(crate) struct Population {
    dimension: usize,
    genes: Vec<f64>,
    costs: Vec<f64>,
}

impl Population {
    /// Room for `capacity` individuals; none yet.
    pub(crate) fn new(dimension: usize, capacity: usize) -> Self {
        let genes = Vec::with_capacity(dimension * capacity);
        Self { dimension, genes, costs: Vec::with_capacity(capacity) }
    }

    pub(crate) fn len(&self) -> usize {
        self.costs.len()
    }

    pub(crate) fn save(&self, writer: &mut Writer) {
        writer.reals(&self.genes);
        writer.reals(&self.costs);
    }

    pub(crate) fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        (self.genes, self.costs) = (reader.reals()?, reader.reals()?);
        reader.check(self.genes.len() == self.costs.len() * self.dimension)
    }

    pub(crate) fn costs(&self) -> &[f64] {
        &self.costs
    }

    pub(crate) fn row(&self, individual: usize) -> &[f64] {
        let start = individual * self.dimension;
        &self.genes[start..start + self.dimension]
    }

    pub(crate) fn replace(&mut self, individual: usize, row: &[f64], cost: f64) {
        let start = individual * self.dimension;
        self.genes[start..start + self.dimension].copy_from_slice(row);
        self.costs[individual] = cost;
    }

    /// Show every individual and its cost.
    pub(crate) fn visit(&mut self, visit: &mut dyn FnMut(&[f64], &mut f64)) {
        for (row, cost) in self.genes.chunks_exact(self.dimension).zip(&mut self.costs) {
            visit(row, cost);
        }
    }

    /// Take an individual in place of the worst, if it is better.
    pub(crate) fn admit(&mut self, row: &[f64], cost: f64) -> bool {
        let place = worse_than(&self.costs, cost);
        if let Some(place) = place {
            self.replace(place, row, cost);
        }
        place.is_some()
    }

    /// Take all individuals of the chunks, in order.
    pub(crate) fn fill_from(&mut self, chunks: &[Chunk]) {
        self.genes.clear();
        self.costs.clear();
        for (row, cost) in chunks.iter().flat_map(Chunk::individuals) {
            self.genes.extend_from_slice(row);
            self.costs.push(cost);
        }
    }

    /// The first of the individuals of least cost.
    pub(crate) fn best(&self) -> Option<(&[f64], f64)> {
        let (mut best, mut least) = (None, f64::INFINITY);
        for (individual, cost) in self.costs.iter().enumerate() {
            if *cost < least {
                (best, least) = (Some(individual), *cost);
            }
        }
        best.map(|individual| (self.row(individual), least))
    }
}
