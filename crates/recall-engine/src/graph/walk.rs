//! What lies around a node, and the shortest way between two.

use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map::Entry},
    hash::Hash,
};

use super::{Network, NodeId};

/// Nodes around some seeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around<N = NodeId> {
    /// Nodes with their distance, nearest first; of equals in the order they were met.
    pub nodes: Vec<(N, u32)>,
    /// Nodes some of whose neighbours were left out by the bounds.
    pub cut: Vec<N>,
}

/// Nodes within `depth` steps of the seeds, at most `most` of them, in any graph that tells the
/// neighbours of a node.
pub fn around<N: Copy + Eq + Hash, I: IntoIterator<Item = N>>(
    seeds: &[N],
    depth: u32,
    most: usize,
    mut out: impl FnMut(N) -> I,
) -> Around<N> {
    let mut around = Around { nodes: Vec::new(), cut: Vec::new() };
    let mut seen = HashSet::new();
    let mut queue = VecDeque::new();
    for &seed in seeds {
        if seen.insert(seed) && around.nodes.len() < most {
            around.nodes.push((seed, 0));
            queue.push_back((seed, 0));
        }
    }
    while let Some((node, distance)) = queue.pop_front() {
        for next in out(node) {
            if seen.contains(&next) {
                continue;
            }
            if distance == depth || around.nodes.len() >= most {
                around.cut.push(node);
                break;
            }
            seen.insert(next);
            around.nodes.push((next, distance + 1));
            queue.push_back((next, distance + 1));
        }
    }
    around
}

/// A path of the fewest steps, at most `most`, searched from both ends; `None` when there is none.
/// `out` tells where arcs of a node lead, `into` where those to it come from.
pub fn shortest<N: Copy + Eq + Hash, O: IntoIterator<Item = N>, I: IntoIterator<Item = N>>(
    from: N,
    to: N,
    most: u32,
    mut out: impl FnMut(N) -> O,
    mut into: impl FnMut(N) -> I,
) -> Option<Vec<N>> {
    let (mut there, mut back) = (Front::new(from), Front::new(to));
    let mut steps = 0;
    loop {
        if let Some(meeting) = there.met(&back).or_else(|| back.met(&there)) {
            let mut path = there.way(meeting);
            path.reverse();
            path.extend(back.way(meeting).into_iter().skip(1));
            return Some(path);
        }
        if steps == most || there.edge.is_empty() || back.edge.is_empty() {
            return None;
        }
        steps += 1;
        if there.edge.len() <= back.edge.len() {
            there.step(&mut out);
        } else {
            back.step(&mut into);
        }
    }
}

impl Network {
    /// Nodes within `depth` steps of the seeds, at most `most` of them.
    pub fn around(&self, seeds: &[NodeId], depth: u32, most: usize) -> Around {
        let seeds: Vec<NodeId> = seeds.iter().copied().filter(|seed| *seed < self.len()).collect();
        around(&seeds, depth, most, |node| self.ends(node))
    }

    /// A path of the fewest steps, at most `most`, searched from both ends; `None` when there is
    /// none. `reversed` is this network with its arcs turned round.
    pub fn shortest(
        &self,
        reversed: &Self,
        from: NodeId,
        to: NodeId,
        most: u32,
    ) -> Option<Vec<NodeId>> {
        if from >= self.len() || to >= self.len() {
            return None;
        }
        shortest(from, to, most, |node| self.ends(node), |node| reversed.ends(node))
    }

    fn ends(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        self.out(node).iter().map(|(next, _)| *next)
    }
}

/// One side of a search from both ends.
struct Front<N> {
    edge: Vec<N>,
    came: HashMap<N, N>,
}

impl<N: Copy + Eq + Hash> Front<N> {
    fn new(start: N) -> Self {
        Self { edge: vec![start], came: HashMap::from([(start, start)]) }
    }

    /// The first of the nodes reached last that the other side has reached too.
    fn met(&self, other: &Self) -> Option<N> {
        self.edge.iter().copied().find(|node| other.came.contains_key(node))
    }

    fn step<I: IntoIterator<Item = N>>(&mut self, mut out: impl FnMut(N) -> I) {
        let mut next = Vec::new();
        for &node in &self.edge {
            for other in out(node) {
                if let Entry::Vacant(entry) = self.came.entry(other) {
                    entry.insert(node);
                    next.push(other);
                }
            }
        }
        self.edge = next;
    }

    /// From a node back to the start.
    fn way(&self, mut node: N) -> Vec<N> {
        let mut way = vec![node];
        while let Some(&before) = self.came.get(&node).filter(|before| **before != node) {
            way.push(before);
            node = before;
        }
        way
    }
}
