//! What lies around a node, and the shortest way between two.

use std::collections::{HashMap, VecDeque};

use super::{Network, NodeId};

/// Nodes around some seeds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Around {
    /// Nodes with their distance, nearest first; of equals in the order they were met.
    pub nodes: Vec<(NodeId, u32)>,
    /// Nodes some of whose neighbours were left out by the bounds.
    pub cut: Vec<NodeId>,
}

impl Network {
    /// Nodes within `depth` steps of the seeds, at most `most` of them.
    pub fn around(&self, seeds: &[NodeId], depth: u32, most: usize) -> Around {
        let mut around = Around::default();
        let mut seen = vec![false; self.len() as usize];
        let mut queue = VecDeque::new();
        for &seed in seeds.iter().filter(|seed| **seed < self.len()) {
            if !std::mem::replace(&mut seen[seed as usize], true) && around.nodes.len() < most {
                around.nodes.push((seed, 0));
                queue.push_back((seed, 0));
            }
        }
        while let Some((node, distance)) = queue.pop_front() {
            for &(next, _) in self.out(node) {
                if seen[next as usize] {
                    continue;
                }
                if distance == depth || around.nodes.len() >= most {
                    around.cut.push(node);
                    break;
                }
                seen[next as usize] = true;
                around.nodes.push((next, distance + 1));
                queue.push_back((next, distance + 1));
            }
        }
        around
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
        let (mut there, mut back) = (Front::new(from), Front::new(to));
        let mut steps = 0;
        loop {
            if let Some(&meeting) = there.edge.iter().find(|node| back.came.contains_key(node)) {
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
                there.step(self);
            } else {
                back.step(reversed);
                if let Some(&meeting) = back.edge.iter().find(|node| there.came.contains_key(node))
                {
                    let mut path = there.way(meeting);
                    path.reverse();
                    path.extend(back.way(meeting).into_iter().skip(1));
                    return Some(path);
                }
            }
        }
    }
}

/// One side of a search from both ends.
struct Front {
    edge: Vec<NodeId>,
    came: HashMap<NodeId, NodeId>,
}

impl Front {
    fn new(start: NodeId) -> Self {
        Self { edge: vec![start], came: HashMap::from([(start, start)]) }
    }

    fn step(&mut self, network: &Network) {
        let mut next = Vec::new();
        for &node in &self.edge {
            for &(other, _) in network.out(node) {
                if let std::collections::hash_map::Entry::Vacant(entry) = self.came.entry(other) {
                    entry.insert(node);
                    next.push(other);
                }
            }
        }
        self.edge = next;
    }

    /// From a node back to the start.
    fn way(&self, mut node: NodeId) -> Vec<NodeId> {
        let mut way = vec![node];
        while let Some(&before) = self.came.get(&node).filter(|before| **before != node) {
            way.push(before);
            node = before;
        }
        way
    }
}
