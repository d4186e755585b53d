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

/// A place in the queue: the cheapest first, of equals the one of fewer steps, then the smallest
/// number.
struct Open {
    cost: f64,
    steps: usize,
    node: NodeId,
    /// Number of the settled place it was reached from.
    came: usize,
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
        let place = |open: &Self| (open.steps, open.node, open.came);
        other.cost.total_cmp(&self.cost).then_with(|| place(other).cmp(&place(self)))
    }
}

impl Network {
    /// The cheapest path, weights taken as costs (Dijkstra, 1959).
    pub fn cheapest(&self, from: NodeId, to: NodeId) -> Option<Path> {
        self.cheapest_without(from, to, usize::MAX, &HashSet::new(), &HashSet::new())
    }

    /// The `count` cheapest paths without repeated nodes and with at most `most` steps, cheapest
    /// first, of equals by their nodes (Yen, 1971; each way out is the cheapest that keeps the bound,
    /// so that none is missed). `None` when `stop` says so.
    pub fn cheapest_paths(
        &self,
        from: NodeId,
        to: NodeId,
        count: usize,
        most: usize,
        stop: &dyn Fn() -> bool,
    ) -> Option<Vec<Path>> {
        let (none, no_arc) = (HashSet::new(), HashSet::new());
        let mut found: Vec<Path> = Vec::new();
        let first = self.cheapest_without(from, to, most, &none, &no_arc);
        let mut open: Vec<Path> = first.into_iter().collect();
        while found.len() < count && !open.is_empty() {
            let best = open
                .iter()
                .enumerate()
                .min_by(|(_, a), (_, b)| a.cost.total_cmp(&b.cost).then(a.nodes.cmp(&b.nodes)))
                .map_or(0, |(index, _)| index);
            found.push(open.swap_remove(best));
            if found.len() < count {
                self.branch(&found, to, most, &mut open, stop)?;
            }
        }
        Some(found)
    }

    /// Paths that leave the last one somewhere and are none of those known.
    fn branch(
        &self,
        all: &[Path],
        to: NodeId,
        most: usize,
        open: &mut Vec<Path>,
        stop: &dyn Fn() -> bool,
    ) -> Option<()> {
        let last = all.last()?;
        let mut cost = 0.0;
        for at in 0..last.nodes.len().saturating_sub(1) {
            if stop() {
                return None;
            }
            let (root, spur) = (&last.nodes[..=at], last.nodes[at]);
            let arcs: HashSet<(NodeId, NodeId)> = all
                .iter()
                .filter(|path| path.nodes.get(..=at) == Some(root))
                .filter_map(|path| Some((spur, *path.nodes.get(at + 1)?)))
                .collect();
            let nodes: HashSet<NodeId> = root.iter().take(at).copied().collect();
            if let Some(rest) = self.cheapest_without(spur, to, most - at, &nodes, &arcs) {
                let nodes: Vec<NodeId> = root.iter().take(at).copied().chain(rest.nodes).collect();
                if !open.iter().any(|path| path.nodes == nodes) {
                    open.push(Path { nodes, cost: cost + rest.cost });
                }
            }
            cost += self.weight(spur, last.nodes[at + 1]);
        }
        Some(())
    }

    fn weight(&self, from: NodeId, to: NodeId) -> f64 {
        let out = self.out(from);
        out.binary_search_by_key(&to, |(node, _)| *node).map_or(0.0, |at| out[at].1)
    }

    /// The cheapest path of at most `most` steps past some nodes and arcs. Places are nodes with the
    /// steps taken: a dearer way to a node counts only if it has fewer steps than every cheaper one.
    fn cheapest_without(
        &self,
        from: NodeId,
        to: NodeId,
        most: usize,
        nodes: &HashSet<NodeId>,
        arcs: &HashSet<(NodeId, NodeId)>,
    ) -> Option<Path> {
        if from >= self.len() || to >= self.len() {
            return None;
        }
        // A path without repeated nodes cannot be longer.
        let bounded = most < self.len().saturating_sub(1) as usize;
        let mut fewest = vec![usize::MAX; self.len() as usize];
        let mut settled: Vec<(NodeId, usize)> = Vec::new();
        let mut queue = BinaryHeap::from([Open { cost: 0.0, steps: 0, node: from, came: 0 }]);
        while let Some(Open { cost, steps, node, came }) = queue.pop() {
            if steps >= fewest[node as usize] {
                continue;
            }
            fewest[node as usize] = if bounded { steps } else { 0 };
            let place = settled.len();
            settled.push((node, came));
            if node == to {
                return Some(Path { nodes: way(&settled, place), cost });
            }
            if steps == most {
                continue;
            }
            for &(next, weight) in self.out(node) {
                if steps + 1 < fewest[next as usize]
                    && !nodes.contains(&next)
                    && !arcs.contains(&(node, next))
                {
                    queue.push(Open {
                        cost: cost + weight,
                        steps: steps + 1,
                        node: next,
                        came: place,
                    });
                }
            }
        }
        None
    }
}

/// From the start, which is the first settled place, to a place.
fn way(settled: &[(NodeId, usize)], mut place: usize) -> Vec<NodeId> {
    let mut way = Vec::new();
    while let Some(&(node, came)) = settled.get(place) {
        way.push(node);
        if place == 0 {
            break;
        }
        place = came;
    }
    way.reverse();
    way
}
