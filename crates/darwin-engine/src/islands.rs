//! Several populations of one algorithm that exchange their best points now and then (Cantú-Paz
//! 1998): a generation is one of each island; the points of all are evaluated together, and every
//! exchange runs in the order of the islands, so that threads change nothing.

mod options;

pub(crate) use options::parameters;
pub use options::{IslandOptions, IslandSettings, Topology};

use crate::{
    Cancelled, Executor, ProblemRef, Result, Seed,
    codec::{Reader, Writer},
    ga::Chunk,
    method::ranking,
    search::{Member, Search},
    stream::Stream,
    tally::{Tally, evaluated},
};

/// Number of the stream that draws the seeds of the islands.
const SEEDS: u64 = u64::MAX - 1;

/// Populations of one algorithm.
#[derive(Debug)]
pub(crate) struct Islands<'p> {
    problem: ProblemRef<'p>,
    settings: IslandSettings,
    all: Vec<Box<dyn Search + 'p>>,
    chunks: Vec<Chunk>,
    tally: Tally,
    /// Points that each island was asked for last.
    asked: Vec<usize>,
}

impl<'p> Islands<'p> {
    /// Islands that `make` makes, each from its own seed and with its share of the evaluations.
    pub(crate) fn new(
        problem: ProblemRef<'p>,
        settings: IslandSettings,
        (seed, max_evals): (Seed, u64),
        make: impl Fn(Seed, u64) -> Box<dyn Search + 'p>,
    ) -> Self {
        let seed_of = |island: u64| {
            let bits = Stream::new(seed, island, SEEDS).bits() >> 11;
            Seed::new(bits).unwrap_or(seed)
        };
        let share = share(max_evals, settings);
        let all = (0..settings.islands).map(|one| make(seed_of(one.into()), share)).collect();
        let (chunks, asked) = (Vec::new(), Vec::new());
        Self { problem, settings, all, chunks, tally: Tally::default(), asked }
    }

    fn learn(&mut self, costs: &[f64], bad: u64) {
        let mut rest = costs;
        for (island, count) in self.all.iter_mut().zip(&self.asked) {
            let (own, after) = rest.split_at((*count).min(rest.len()));
            if !own.is_empty() {
                island.tell(own);
            }
            rest = after;
        }
        self.tally.add(costs.len() as u64, bad);
        let every = u64::from(self.settings.migration_interval);
        if self.tally.generation > 0 && self.tally.generation.is_multiple_of(every) {
            self.migrate();
        }
    }

    /// Every island gets the best of those that it hears of, as they were before any moved.
    fn migrate(&mut self) {
        let count = self.all.len();
        let crews: Vec<Vec<Member>> = self.all.iter_mut().map(|one| one.members()).collect();
        for to in 0..count {
            for from in (0..count).filter(|from| self.settings.topology.joins(*from, to, count)) {
                let costs: Vec<f64> = crews[from].iter().map(|one| one.cost).collect();
                let best = ranking(&costs).into_iter().take(self.settings.migrants as usize);
                for migrant in best.map(|one| &crews[from][one]) {
                    // One that is there already would crowd out others.
                    if !crews[to].iter().any(|one| one.genes == migrant.genes) {
                        self.all[to].admit(&migrant.genes, migrant.cost);
                    }
                }
            }
        }
    }
}

fn share(max_evals: u64, settings: IslandSettings) -> u64 {
    max_evals.div_ceil(u64::from(settings.islands)).max(1)
}

impl Search for Islands<'_> {
    fn step(&mut self, room: u64, executor: &Executor<'_>, cancelled: Cancelled<'_>) -> bool {
        let genes = self.ask(room);
        let (problem, dimension) = (&*self.problem, self.problem.bounds().dimension());
        let work = |chunk: &mut Chunk, cancelled: Cancelled<'_>| chunk.evaluate(problem, cancelled);
        let done = evaluated((&mut self.chunks, dimension), &genes, executor, cancelled, work);
        let Some((chunks, bad)) = done else { return false };
        let costs: Vec<f64> = chunks.iter().flat_map(Chunk::costs).copied().collect();
        self.learn(&costs, bad);
        true
    }

    fn ask(&mut self, room: u64) -> Vec<f64> {
        let (mut left, mut genes) = (room, Vec::new());
        let dimension = self.problem.bounds().dimension();
        self.asked.clear();
        for island in &mut self.all {
            let rows = if left > 0 { island.ask(left) } else { Vec::new() };
            let count = rows.len() / dimension;
            left = left.saturating_sub(count as u64);
            self.asked.push(count);
            genes.extend(rows);
        }
        genes
    }

    fn tell(&mut self, costs: &[f64]) {
        let bad = costs.iter().filter(|cost| !cost.is_finite()).count() as u64;
        self.learn(costs, bad);
    }

    fn save(&self, writer: &mut Writer) {
        writer.size(self.all.len());
        self.tally.save(writer);
        for island in &self.all {
            island.save(writer);
        }
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let count = reader.size()?;
        reader.check(count == self.all.len())?;
        self.tally = Tally::load(reader)?;
        self.all.iter_mut().try_for_each(|island| island.load(reader))
    }

    fn tally(&self) -> Tally {
        self.tally
    }

    fn best(&self) -> (&[f64], f64) {
        let mut best: (&[f64], f64) = (&[], f64::INFINITY);
        for island in &self.all {
            let own = island.best();
            if own.1 < best.1 {
                best = own;
            }
        }
        best
    }

    fn is_finished(&self) -> bool {
        self.all.iter().all(|island| island.is_finished())
    }

    fn set_max_evals(&mut self, max_evals: u64) {
        let share = share(max_evals, self.settings);
        for island in &mut self.all {
            island.set_max_evals(share);
        }
    }

    fn held(&mut self, visit: &mut dyn FnMut(&[f64], &mut f64)) {
        for island in &mut self.all {
            island.held(visit);
        }
    }

    /// On the island whose worst point is the worst of all.
    fn admit(&mut self, genes: &[f64], cost: f64) -> bool {
        let worst = |island: &mut Box<dyn Search + '_>| {
            let mut worst = f64::NEG_INFINITY;
            island.held(&mut |_, cost| worst = worst.max(*cost));
            worst
        };
        let worst: Vec<f64> = self.all.iter_mut().map(worst).collect();
        let place = ranking(&worst).pop().unwrap_or_default();
        self.all.get_mut(place).is_some_and(|island| island.admit(genes, cost))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topologies_join_whom_they_say() {
        let joined = |topology: Topology| -> Vec<(usize, usize)> {
            let pairs = (0..3).flat_map(|from| (0..3).map(move |to| (from, to)));
            pairs.filter(|(from, to)| topology.joins(*from, *to, 3)).collect()
        };
        assert_eq!(joined(Topology::Ring), [(0, 1), (1, 2), (2, 0)]);
        assert_eq!(joined(Topology::Star), [(0, 1), (0, 2), (1, 0), (2, 0)]);
        assert_eq!(joined(Topology::Full).len(), 6);
    }

    #[test]
    fn one_island_is_none() {
        assert_eq!(IslandOptions::default().resolve().unwrap(), None);
        let ring = IslandOptions { topology: Some(Topology::Ring), ..IslandOptions::default() };
        assert_eq!(ring.resolve().unwrap().map(|one| one.islands), Some(4));
        assert!(IslandOptions { islands: Some(1), ..ring }.resolve().is_err());
    }
}
