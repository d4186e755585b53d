//! An algorithm whose points are priced: constraints as a part of the cost, which changes as the run
//! goes on.

use std::collections::BTreeMap;

use crate::{
    Cancelled, Executor, Handling, ProblemRef, Result,
    codec::{Reader, Writer},
    constraint::Pricer,
    ga::Chunk,
    incumbent::Incumbent,
    problem::rules_cost,
    search::Search,
    tally::{Tally, evaluated, vectors},
};

/// An algorithm, and what its points cost it.
#[derive(Debug)]
pub(crate) struct Priced<'p> {
    problem: ProblemRef<'p>,
    inner: Box<dyn Search + 'p>,
    pricer: Pricer,
    chunks: Vec<Chunk>,
    /// What is known of the points that the algorithm keeps, by the bits of their genes: what is
    /// missing, as after a resumption, is evaluated again.
    known: BTreeMap<Vec<u64>, Vec<f64>>,
    /// By the rules.
    best: Incumbent,
}

impl<'p> Priced<'p> {
    pub(crate) fn new(
        problem: ProblemRef<'p>,
        inner: Box<dyn Search + 'p>,
        handling: Handling,
        max_evals: u64,
    ) -> Self {
        let dimension = problem.bounds().dimension();
        Self {
            pricer: Pricer::new(handling, problem.relations(), dimension, max_evals),
            problem,
            inner,
            chunks: Vec::new(),
            known: BTreeMap::new(),
            best: Incumbent::new(dimension),
        }
    }

    fn learn(&mut self, genes: &[f64], parts: &[Vec<f64>]) {
        let rows = genes.chunks_exact(self.best.dimension());
        for (row, part) in rows.clone().zip(parts) {
            let cost = rules_cost(part[0], part[1]);
            self.best.meet(row, cost);
        }
        self.pricer.begin(parts);
        let prices: Vec<f64> = parts.iter().map(|part| self.pricer.price(part)).collect();
        self.inner.tell(&prices);
        if !self.pricer.learn(parts, &prices) {
            // Nothing is priced anew: nothing need be known.
            return;
        }
        for (row, part) in rows.zip(parts) {
            self.known.insert(bits(row), part.clone());
        }
        let (problem, pricer, known) = (&*self.problem, &self.pricer, &mut self.known);
        let mut kept = BTreeMap::new();
        self.inner.held(&mut |row, cost| {
            let key = bits(row);
            let part = known.remove(&key).or_else(|| kept.get(&key).cloned());
            let part = part.unwrap_or_else(|| problem.part(row));
            *cost = pricer.price(&part);
            kept.insert(key, part);
        });
        self.known = kept;
    }
}

fn bits(row: &[f64]) -> Vec<u64> {
    row.iter().map(|gene| gene.to_bits()).collect()
}

impl Search for Priced<'_> {
    fn step(&mut self, room: u64, executor: &Executor<'_>, cancelled: Cancelled<'_>) -> bool {
        let genes = self.inner.ask(room);
        let problem = &*self.problem;
        let work =
            |chunk: &mut Chunk, cancelled: Cancelled<'_>| chunk.evaluate_parts(problem, cancelled);
        let place = (&mut self.chunks, self.best.dimension());
        let Some((chunks, _)) = evaluated(place, &genes, executor, cancelled, work) else {
            return false;
        };
        let parts: Vec<Vec<f64>> = vectors(chunks).collect();
        self.learn(&genes, &parts);
        true
    }

    fn ask(&mut self, room: u64) -> Vec<f64> {
        self.inner.ask(room)
    }

    /// Costs by the rules do not tell what a point that breaks them is worth: it is evaluated again.
    fn tell(&mut self, costs: &[f64]) {
        let genes = self.inner.ask(costs.len() as u64);
        let parts: Vec<Vec<f64>> =
            genes.chunks_exact(self.best.dimension()).map(|row| self.problem.part(row)).collect();
        self.learn(&genes, &parts);
    }

    fn save(&self, writer: &mut Writer) {
        self.best.save(writer);
        self.pricer.save(writer);
        self.inner.save(writer);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.best.load(reader)?;
        self.pricer.load(reader)?;
        self.inner.load(reader)
    }

    fn tally(&self) -> Tally {
        self.inner.tally()
    }

    fn best(&self) -> (&[f64], f64) {
        self.best.get()
    }

    fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    fn set_max_evals(&mut self, max_evals: u64) {
        self.pricer.set_max_evals(max_evals);
        self.inner.set_max_evals(max_evals);
    }

    fn held(&mut self, visit: &mut dyn FnMut(&[f64], &mut f64)) {
        self.inner.held(visit);
    }

    fn admit(&mut self, genes: &[f64], _cost: f64) -> bool {
        let part = self.problem.part(genes);
        let cost = rules_cost(part[0], part[1]);
        self.best.meet(genes, cost);
        self.inner.admit(genes, self.pricer.price(&part))
    }
}
