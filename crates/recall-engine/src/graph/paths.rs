//! Cheapest paths.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, HashSet},
};

use super::{Network, NodeId};

/// A path with the sum of its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// Nodes from start to end.
    pub nodes: Vec<NodeId>,
    /// Sum of the weights of its arcs.
    pub cost: f64,
}

/// A place in the queue: the cheapest first, of equals the smallest number.
struct Open {
    cost: f64,
    node: NodeId,
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Open {}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        other.cost.total_cmp(&self.cost).then(other.node.cmp(&self.node))
    }
}

impl Network {
    /// The cheapest path, weights taken as costs (Dijkstra, 1959).
    pub fn cheapest(&self, from: NodeId, to: NodeId) -> Option<Path> {
        self.cheapest_without(from, to, &HashSet::new(), &HashSet::new())
    }

    /// The `count` cheapest paths without repeated nodes and with at most `most` steps, cheapest
    /// first, of equals by their nodes (Yen, 1971). `None` when `stop` says so.
    pub fn cheapest_paths(
        &self,
        from: NodeId,
        to: NodeId,
        count: usize,
        most: usize,
        stop: &dyn Fn() -> bool,
    ) -> Option<Vec<Path>> {
        let mut all: Vec<Path> = Vec::new();
        let mut found: Vec<Path> = Vec::new();
        let mut open: Vec<Path> = self.cheapest(from, to).into_iter().collect();
        while found.len() < count && !open.is_empty() {
            let best = open
                .iter()
                .enumerate()
                .min_by(|(_, a), (_, b)| a.cost.total_cmp(&b.cost).then(a.nodes.cmp(&b.nodes)))
                .map_or(0, |(index, _)| index);
            let path = open.swap_remove(best);
            // A long path is no answer, yet shorter ones may branch off it.
            if path.nodes.len() <= most + 1 {
                found.push(path.clone());
            }
            all.push(path);
            if stop() {
                return None;
            }
            if all.len() >= count.saturating_mul(8) + 64 {
                break;
            }
            self.branch(&all, to, &mut open);
        }
        Some(found)
    }

    /// Paths that leave the last one somewhere and are none of those known.
    fn branch(&self, all: &[Path], to: NodeId, open: &mut Vec<Path>) {
        let Some(last) = all.last() else { return };
        let mut cost = 0.0;
        for at in 0..last.nodes.len().saturating_sub(1) {
            let (root, spur) = (&last.nodes[..=at], last.nodes[at]);
            let arcs: HashSet<(NodeId, NodeId)> = all
                .iter()
                .filter(|path| path.nodes.get(..=at) == Some(root))
                .filter_map(|path| Some((spur, *path.nodes.get(at + 1)?)))
                .collect();
            let nodes: HashSet<NodeId> = root.iter().take(at).copied().collect();
            if let Some(rest) = self.cheapest_without(spur, to, &nodes, &arcs) {
                let nodes: Vec<NodeId> = root.iter().take(at).copied().chain(rest.nodes).collect();
                if !open.iter().any(|path| path.nodes == nodes) {
                    open.push(Path { nodes, cost: cost + rest.cost });
                }
            }
            cost += self.weight(spur, last.nodes[at + 1]);
        }
    }

    fn weight(&self, from: NodeId, to: NodeId) -> f64 {
        let out = self.out(from);
        out.binary_search_by_key(&to, |(node, _)| *node).map_or(0.0, |at| out[at].1)
    }

    fn cheapest_without(
        &self,
        from: NodeId,
        to: NodeId,
        nodes: &HashSet<NodeId>,
        arcs: &HashSet<(NodeId, NodeId)>,
    ) -> Option<Path> {
        if from >= self.len() || to >= self.len() {
            return None;
        }
        let mut costs = vec![f64::INFINITY; self.len() as usize];
        let mut came = vec![from; self.len() as usize];
        let mut queue = BinaryHeap::from([Open { cost: 0.0, node: from }]);
        costs[from as usize] = 0.0;
        while let Some(Open { cost, node }) = queue.pop() {
            if node == to {
                let mut path = vec![to];
                while let Some(&last) = path.last().filter(|last| **last != from) {
                    path.push(came[last as usize]);
                }
                path.reverse();
                return Some(Path { nodes: path, cost });
            }
            if cost > costs[node as usize] {
                continue;
            }
            for &(next, weight) in self.out(node) {
                let sum = cost + weight;
                if sum < costs[next as usize]
                    && !nodes.contains(&next)
                    && !arcs.contains(&(node, next))
                {
                    costs[next as usize] = sum;
                    came[next as usize] = node;
                    queue.push(Open { cost: sum, node: next });
                }
            }
        }
        None
    }
}
