//! Which nodes others need to reach each other.

use std::collections::VecDeque;

use super::{Network, NodeId};

/// Up to so many nodes the figures are exact.
const EXACT: u32 = 2_000;
/// Starting nodes of an estimate.
const PIVOTS: u32 = 256;

impl Network {
    /// Betweenness: over all pairs of other nodes, the share of shortest paths (by steps) that run
    /// through a node (Brandes, 2001). Above 2,000 nodes it is estimated from 256 evenly spaced
    /// starts (Brandes, Pich, 2007). The flag tells whether it is exact; `None` when `stop` says so.
    pub fn betweenness(&self, stop: &dyn Fn() -> bool) -> Option<(Vec<f64>, bool)> {
        let exact = self.len() <= EXACT;
        let starts = if exact { self.len() } else { PIVOTS };
        let mut sums = vec![0.0; self.len() as usize];
        for number in 0..starts {
            if stop() {
                return None;
            }
            let start = u64::from(number) * u64::from(self.len()) / u64::from(starts);
            self.add_dependencies(NodeId::try_from(start).unwrap_or(0), &mut sums);
        }
        let scale = f64::from(self.len()) / f64::from(starts.max(1));
        for sum in &mut sums {
            *sum *= scale;
        }
        Some((sums, exact))
    }

    fn add_dependencies(&self, start: NodeId, sums: &mut [f64]) {
        let count = self.len() as usize;
        let mut paths = vec![0.0f64; count];
        let mut distance = vec![u32::MAX; count];
        let mut order = Vec::new();
        let mut queue = VecDeque::from([start]);
        paths[start as usize] = 1.0;
        distance[start as usize] = 0;
        while let Some(node) = queue.pop_front() {
            order.push(node);
            for &(next, _) in self.out(node) {
                if distance[next as usize] == u32::MAX {
                    distance[next as usize] = distance[node as usize] + 1;
                    queue.push_back(next);
                }
                if distance[next as usize] == distance[node as usize] + 1 {
                    paths[next as usize] += paths[node as usize];
                }
            }
        }
        let mut share = vec![0.0f64; count];
        for &node in order.iter().rev() {
            for &(next, _) in self.out(node) {
                if distance[next as usize] == distance[node as usize] + 1 {
                    share[node as usize] +=
                        paths[node as usize] / paths[next as usize] * (1.0 + share[next as usize]);
                }
            }
            if node != start {
                sums[node as usize] += share[node as usize];
            }
        }
    }
}
