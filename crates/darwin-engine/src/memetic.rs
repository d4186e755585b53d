//! A memetic search of permutations: local search by reversals, moved segments and swaps, started
//! again from crossed or disturbed members of a small population. After Croes (1958), "A method for
//! solving traveling-salesman problems", Or (1976), and Moscato (1989). A move is judged by the whole
//! objective, so it may be any expression; only items whose neighbours changed are looked at again.

mod moves;
mod options;

use std::collections::VecDeque;

use moves::{MOVES, Tour};
pub(crate) use options::ALGORITHM;
pub use options::{MemeticOptions, MemeticSettings};

use crate::{
    Result, Seed,
    codec::{Reader, Writer},
    method::Method,
    search::worse_than,
    stream::Stream,
};

/// Moves that are judged together: more would judge many in vain once one of them is better.
const BATCH: usize = 64;
/// Share of children that are crossed; the others are disturbed.
const CROSSED: f64 = 0.25;

/// Permutations, each of its own items, one behind the other.
#[derive(Debug)]
pub(crate) struct Memetic {
    settings: MemeticSettings,
    seed: Seed,
    generation: u64,
    members: Vec<(Tour, f64)>,
    /// The child that is improved, and its cost; infinite until it is known.
    child: Tour,
    cost: f64,
    /// Whom it replaces when it is better.
    parent: usize,
    /// Items whose moves are to be judged, and how many of the first one's have been.
    queue: VecDeque<usize>,
    judged: usize,
    /// Moves that are asked, remade at will: item and number.
    asked: Vec<(usize, usize)>,
}

impl Memetic {
    /// Over permutations of these lengths.
    pub(crate) fn new(lengths: &[usize], settings: MemeticSettings, seed: Seed) -> Self {
        let child = Tour::random(lengths, &mut Stream::new(seed, 0, 0));
        let queue = (0..child.len()).collect();
        Self {
            settings,
            seed,
            generation: 0,
            members: Vec::new(),
            child,
            cost: f64::INFINITY,
            parent: 0,
            queue,
            judged: 0,
            asked: Vec::new(),
        }
    }

    /// The next moves, from the first items of the queue.
    fn next_moves(&self) -> Vec<(usize, usize)> {
        let mut next = Vec::with_capacity(BATCH);
        let mut from = self.judged;
        for item in &self.queue {
            let all = MOVES * self.child.span(*item);
            next.extend((from..all).take(BATCH - next.len()).map(|number| (*item, number)));
            from = 0;
            if next.len() == BATCH {
                break;
            }
        }
        next
    }

    /// Take a better tour; items with new neighbours are looked at again.
    fn accept(&mut self, better: Tour, cost: f64) {
        for item in better.changed(&self.child) {
            if !self.queue.contains(&item) {
                self.queue.push_back(item);
            }
        }
        self.child = better;
        self.cost = cost;
        self.judged = 0;
    }

    /// Leave the items of which every move was judged.
    fn pass(&mut self, count: usize) {
        self.judged += count;
        while let Some(item) = self.queue.front() {
            let all = MOVES * self.child.span(*item);
            if self.judged < all {
                return;
            }
            self.judged -= all;
            self.queue.pop_front();
        }
        self.judged = 0;
    }

    /// Nothing improves the child: it takes its place, and another begins.
    fn settle(&mut self) {
        let mut stream = Stream::new(self.seed, self.generation, u64::MAX);
        let lengths = self.child.lengths();
        let child = std::mem::replace(&mut self.child, Tour::empty());
        if self.members.len() < self.settings.population as usize {
            self.members.push((child, self.cost));
        } else if self.cost < self.members[self.parent].1 {
            self.members[self.parent] = (child, self.cost);
        }
        self.cost = f64::INFINITY;
        self.judged = 0;
        if self.members.len() < self.settings.population as usize {
            self.child = Tour::random(&lengths, &mut stream);
            self.queue = (0..self.child.len()).collect();
            return;
        }
        let size = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let (one, two) = (stream.index(size), stream.index(size));
        // The better of two is disturbed more often, so that effort goes where it is of use.
        self.parent = if self.members[one].1 <= self.members[two].1 { one } else { two };
        let other = &self.members[if self.parent == one { two } else { one }].0;
        let parent = &self.members[self.parent].0;
        self.child = if one != two && stream.chance(CROSSED) {
            parent.crossed(other, &mut stream)
        } else {
            parent.disturbed(&mut stream)
        };
        self.queue = self.child.changed(parent).into();
    }
}

impl Method for Memetic {
    fn ask(&mut self, rows: &mut Vec<f64>) {
        rows.clear();
        self.asked.clear();
        if self.cost.is_infinite() {
            self.child.write(rows);
            return;
        }
        self.asked = self.next_moves();
        for (item, number) in &self.asked {
            self.child.moved(*item, *number).write(rows);
        }
    }

    fn tell(&mut self, _rows: &[f64], costs: &[f64]) {
        self.generation += 1;
        if self.asked.is_empty() {
            // Where nothing is finite there is nothing to follow: another child begins.
            self.cost = costs.first().copied().unwrap_or(f64::INFINITY);
            if self.cost.is_infinite() || self.queue.is_empty() {
                self.settle();
            }
            return;
        }
        let mut best: Option<(usize, f64)> = None;
        for (place, cost) in costs.iter().enumerate() {
            if *cost < best.map_or(self.cost, |(_, least)| least) {
                best = Some((place, *cost));
            }
        }
        match best {
            Some((place, cost)) => {
                let (item, number) = self.asked[place];
                let better = self.child.moved(item, number);
                self.accept(better, cost);
            }
            None => self.pass(costs.len()),
        }
        if self.queue.is_empty() {
            self.settle();
        }
    }

    fn held(&mut self, visit: &mut dyn FnMut(&[f64], &mut f64)) {
        let mut row = Vec::new();
        for (tour, cost) in &mut self.members {
            row.clear();
            tour.write(&mut row);
            visit(&row, cost);
        }
    }

    fn admit(&mut self, row: &[f64], cost: f64) -> bool {
        let costs: Vec<f64> = self.members.iter().map(|member| member.1).collect();
        let Some(place) = worse_than(&costs, cost) else { return false };
        self.members[place] = (Tour::read(&self.child.lengths(), row), cost);
        true
    }

    fn save(&self, writer: &mut Writer) {
        writer.int(self.generation);
        writer.size(self.members.len());
        for (tour, cost) in &self.members {
            tour.save(writer);
            writer.real(*cost);
        }
        self.child.save(writer);
        writer.real(self.cost);
        writer.size(self.parent);
        writer.size(self.judged);
        writer.size(self.queue.len());
        for item in &self.queue {
            writer.size(*item);
        }
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let lengths = self.child.lengths();
        self.generation = reader.int()?;
        let members = reader.size()?;
        reader.check(members <= self.settings.population as usize)?;
        self.members.clear();
        for _ in 0..members {
            self.members.push((Tour::load(&lengths, reader)?, reader.real()?));
        }
        self.child = Tour::load(&lengths, reader)?;
        self.cost = reader.real()?;
        (self.parent, self.judged) = (reader.size()?, reader.size()?);
        let waiting = reader.size()?;
        reader.check(self.parent < members.max(1) && waiting <= self.child.len())?;
        self.queue.clear();
        for _ in 0..waiting {
            let item = reader.size()?;
            reader.check(item < self.child.len())?;
            self.queue.push_back(item);
        }
        Ok(())
    }
}
