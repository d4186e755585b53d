//! Which nodes matter.

use std::collections::VecDeque;

use super::{Network, NodeId};

/// Share of a walk that goes on.
const DAMPING: f64 = 0.85;
/// Sum of changes at which iteration ends.
const CLOSE: f64 = 1e-10;
/// Iterations at most; damping brings the change below [`CLOSE`] in about 150.
const ROUNDS: usize = 500;

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

    /// `PageRank` from some seeds, near them only: what is left of the walk is pushed on while a node
    /// holds more than `least` for each of its arcs (Andersen, Chung, Lang, 2006). Ends at nodes
    /// without arcs. Nodes with their shares, by number.
    pub fn near(&self, seeds: &[(NodeId, f64)], least: f64) -> Vec<(NodeId, f64)> {
        let mut left = self.start(seeds);
        let mut rank = vec![0.0; left.len()];
        let bound = |node: NodeId| least.max(1e-12) * f64::from(degree(self, node).max(1));
        let mut queue: VecDeque<NodeId> =
            (0..self.len()).filter(|&node| left[node as usize] > bound(node)).collect();
        while let Some(node) = queue.pop_front() {
            let mass = std::mem::take(&mut left[node as usize]);
            if mass <= bound(node) {
                left[node as usize] = mass;
                continue;
            }
            let total = self.total(node);
            rank[node as usize] += if total > 0.0 { (1.0 - DAMPING) * mass } else { mass };
            for &(next, weight) in self.out(node) {
                let before = left[next as usize];
                left[next as usize] += DAMPING * mass * weight / total;
                if before <= bound(next) && left[next as usize] > bound(next) {
                    queue.push_back(next);
                }
            }
        }
        (0..).zip(rank).filter(|(_, rank)| *rank > 0.0).collect()
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
