//! Which nodes matter.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use super::{Network, NodeId};

/// Share of a walk that goes on.
const DAMPING: f64 = 0.85;
/// Sum of changes at which iteration ends.
const CLOSE: f64 = 1e-10;
/// Iterations at most; damping brings the change below [`CLOSE`] in about 150.
const ROUNDS: usize = 500;

/// `PageRank` from some seeds, near them only, in any graph that tells the arcs of a node: what is left of
/// the walk is pushed on while a node holds more than `least` for each of its arcs (Andersen, Chung,
/// Lang, 2006), from `most` nodes at most. Walks end at nodes without arcs. Nodes with their shares in the
/// order they were met; the seeds' weights need not sum to 1.
pub fn near<N: Copy + Eq + Hash, I: IntoIterator<Item = (N, f64)>>(
    seeds: &[(N, f64)],
    least: f64,
    most: usize,
    mut arcs: impl FnMut(N) -> I,
) -> Vec<(N, f64)> {
    let least = least.max(1e-12);
    let sum: f64 = seeds.iter().map(|(_, weight)| weight.max(0.0)).sum();
    let mut places: HashMap<N, usize> = HashMap::new();
    let mut spots: Vec<Spot<N>> = Vec::new();
    let mut queue = VecDeque::new();
    for &(node, weight) in seeds.iter().filter(|(_, weight)| *weight > 0.0) {
        if receive(&mut places, &mut spots, node, weight / sum, least) {
            queue.push_back(node);
        }
    }
    let mut opened = 0;
    while let Some(node) = queue.pop_front() {
        let Some(spot) = places.get(&node).and_then(|&place| spots.get_mut(place)) else {
            continue;
        };
        if spot.out.is_none() {
            if opened == most {
                continue;
            }
            opened += 1;
            let out: Vec<(N, f64)> = arcs(node).into_iter().collect();
            spot.bound = least * f64::from(u32::try_from(out.len().max(1)).unwrap_or(u32::MAX));
            spot.out = Some(out);
        }
        if spot.left <= spot.bound {
            continue;
        }
        let mass = std::mem::take(&mut spot.left);
        let out = spot.out.take().unwrap_or_default();
        let total: f64 = out.iter().map(|(_, weight)| weight).sum();
        spot.rank += if total > 0.0 { (1.0 - DAMPING) * mass } else { mass };
        for &(next, weight) in out.iter().filter(|_| total > 0.0) {
            if receive(&mut places, &mut spots, next, DAMPING * mass * weight / total, least) {
                queue.push_back(next);
            }
        }
        if let Some(spot) = places.get(&node).and_then(|&place| spots.get_mut(place)) {
            spot.out = Some(out);
        }
    }
    spots.into_iter().filter(|spot| spot.rank > 0.0).map(|spot| (spot.node, spot.rank)).collect()
}

/// A node that the walk of [`near`] has reached.
struct Spot<N> {
    node: N,
    rank: f64,
    /// Of the walk, not yet pushed on.
    left: f64,
    /// What it may keep.
    bound: f64,
    /// Its arcs, once they were asked for.
    out: Option<Vec<(N, f64)>>,
}

/// Add to what a node holds; whether it now holds more than it may keep, and did not before.
fn receive<N: Copy + Eq + Hash>(
    places: &mut HashMap<N, usize>,
    spots: &mut Vec<Spot<N>>,
    node: N,
    mass: f64,
    least: f64,
) -> bool {
    let place = *places.entry(node).or_insert_with(|| {
        spots.push(Spot { node, rank: 0.0, left: 0.0, bound: least, out: None });
        spots.len() - 1
    });
    let Some(spot) = spots.get_mut(place) else { return false };
    let before = spot.left;
    spot.left += mass;
    before <= spot.bound && spot.left > spot.bound
}

impl Network {
    /// `PageRank`: shares of an endless walk along arcs by their weights, which starts anew, and from
    /// nodes without arcs always, at the seeds, or anywhere when there are none. Sums to 1.
    pub fn pagerank(&self, seeds: &[(NodeId, f64)], stop: &dyn Fn() -> bool) -> Option<Vec<f64>> {
        let start = self.start(seeds);
        let totals: Vec<f64> = (0..self.len()).map(|node| self.total(node)).collect();
        let mut rank = start.clone();
        for _ in 0..ROUNDS {
            if stop() {
                return None;
            }
            let lost: f64 = rank
                .iter()
                .zip(&totals)
                .filter(|(_, total)| **total <= 0.0)
                .map(|(rank, _)| rank)
                .sum();
            let mut next: Vec<f64> =
                start.iter().map(|start| start * (1.0 - DAMPING + DAMPING * lost)).collect();
            for (from, to, weight) in self.arcs() {
                next[to as usize] += DAMPING * rank[from as usize] * weight / totals[from as usize];
            }
            let change: f64 = next.iter().zip(&rank).map(|(one, other)| (one - other).abs()).sum();
            rank = next;
            if change < CLOSE {
                break;
            }
        }
        Some(rank)
    }

    /// [`near`] the seeds in this network. Nodes with their shares, by number.
    pub fn near(&self, seeds: &[(NodeId, f64)], least: f64) -> Vec<(NodeId, f64)> {
        let start: Vec<(NodeId, f64)> = (0..).zip(self.start(seeds)).collect();
        let mut found = near(&start, least, usize::MAX, |node| self.out(node).iter().copied());
        found.sort_unstable_by_key(|(node, _)| *node);
        found
    }

    /// Arcs in and out of each node.
    pub fn degrees(&self) -> Vec<(u32, u32)> {
        let mut degrees: Vec<(u32, u32)> =
            (0..self.len()).map(|node| (0, degree(self, node))).collect();
        for (_, to, _) in self.arcs() {
            degrees[to as usize].0 += 1;
        }
        degrees
    }

    fn total(&self, node: NodeId) -> f64 {
        self.out(node).iter().map(|(_, weight)| weight).sum()
    }

    /// Where walks start, summing to 1.
    fn start(&self, seeds: &[(NodeId, f64)]) -> Vec<f64> {
        let mut start = vec![0.0; self.len() as usize];
        for &(node, weight) in seeds.iter().filter(|(_, weight)| *weight > 0.0) {
            if let Some(start) = start.get_mut(node as usize) {
                *start += weight;
            }
        }
        let sum: f64 = start.iter().sum();
        if sum > 0.0 {
            for start in &mut start {
                *start /= sum;
            }
        } else {
            start.fill(1.0 / f64::from(self.len().max(1)));
        }
        start
    }
}

fn degree(network: &Network, node: NodeId) -> u32 {
    u32::try_from(network.out(node).len()).unwrap_or(u32::MAX)
}
