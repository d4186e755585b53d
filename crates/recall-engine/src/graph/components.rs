//! What hangs together, and what runs in circles.

use super::{Network, NodeId};

impl Network {
    /// Sets of nodes that reach each other (Tarjan, 1972), each sorted, in the order of their least
    /// nodes. Recursion is unrolled: a long chain must not use up the stack.
    pub fn strong_components(&self) -> Vec<Vec<NodeId>> {
        let count = self.len() as usize;
        let mut search = Tarjan {
            index: vec![0; count],
            low: vec![0; count],
            open: vec![false; count],
            stack: Vec::new(),
            next: 1,
            found: Vec::new(),
        };
        for root in 0..self.len() {
            if search.index[root as usize] == 0 {
                search.from(self, root);
            }
        }
        search.found.sort_unstable();
        search.found
    }

    /// Sets of nodes that are joined when directions do not count.
    pub fn components(&self) -> Vec<Vec<NodeId>> {
        self.undirected().strong_components()
    }

    /// Strong components in layers: what an arc leads to lies in a lower layer than where it starts,
    /// unless both are of one component; each component as low as can be.
    pub fn layers(&self) -> Vec<Vec<Vec<NodeId>>> {
        let components = self.strong_components();
        let mut place = vec![0; self.len() as usize];
        for (number, component) in components.iter().enumerate() {
            for &node in component {
                place[node as usize] = number;
            }
        }
        let arcs = self.arcs().map(|(from, to, _)| (place[from as usize], place[to as usize]));
        let mut arcs: Vec<(usize, usize)> = arcs.filter(|(from, to)| from != to).collect();
        arcs.sort_unstable();
        arcs.dedup();
        let mut left = vec![0usize; components.len()];
        let mut above: Vec<Vec<usize>> = vec![Vec::new(); components.len()];
        for (from, to) in arcs {
            left[from] += 1;
            above[to].push(from);
        }
        let mut level = vec![0usize; components.len()];
        let mut open: Vec<usize> = (0..components.len()).filter(|&at| left[at] == 0).collect();
        while let Some(at) = open.pop() {
            for &from in &above[at] {
                level[from] = level[from].max(level[at] + 1);
                left[from] -= 1;
                if left[from] == 0 {
                    open.push(from);
                }
            }
        }
        let mut layers = vec![Vec::new(); level.iter().max().map_or(0, |most| most + 1)];
        for (component, level) in components.into_iter().zip(level) {
            layers[level].push(component);
        }
        layers
    }

    /// A shortest circle through the least node of each strong component of more than one node, and
    /// each arc from a node to itself: the first node is not repeated at the end.
    pub fn cycles(&self) -> Vec<Vec<NodeId>> {
        let reversed = self.reversed();
        let components = self.strong_components();
        let mut cycles = Vec::new();
        for component in components {
            let Some(&first) = component.first() else { continue };
            if component.len() == 1 {
                if self.out(first).iter().any(|(to, _)| *to == first) {
                    cycles.push(component);
                }
                continue;
            }
            let ways = self.out(first).iter().filter(|(to, _)| *to != first);
            let back =
                ways.filter_map(|&(next, _)| self.shortest(&reversed, next, first, u32::MAX));
            if let Some(mut cycle) = back.min_by_key(Vec::len) {
                cycle.rotate_right(1);
                cycles.push(cycle);
            }
        }
        cycles
    }
}

struct Tarjan {
    index: Vec<u32>,
    low: Vec<u32>,
    open: Vec<bool>,
    stack: Vec<NodeId>,
    next: u32,
    found: Vec<Vec<NodeId>>,
}

impl Tarjan {
    fn from(&mut self, network: &Network, root: NodeId) {
        let mut calls = vec![(root, 0)];
        self.enter(root);
        while let Some((node, arc)) = calls.last_mut() {
            let node = *node;
            if let Some(&(next, _)) = network.out(node).get(*arc) {
                *arc += 1;
                if self.index[next as usize] == 0 {
                    self.enter(next);
                    calls.push((next, 0));
                } else if self.open[next as usize] {
                    self.low[node as usize] =
                        self.low[node as usize].min(self.index[next as usize]);
                }
                continue;
            }
            calls.pop();
            if let Some(&(above, _)) = calls.last() {
                self.low[above as usize] = self.low[above as usize].min(self.low[node as usize]);
            }
            if self.low[node as usize] == self.index[node as usize] {
                self.close(node);
            }
        }
    }

    fn enter(&mut self, node: NodeId) {
        self.index[node as usize] = self.next;
        self.low[node as usize] = self.next;
        self.next += 1;
        self.open[node as usize] = true;
        self.stack.push(node);
    }

    fn close(&mut self, node: NodeId) {
        let mut component = Vec::new();
        while let Some(member) = self.stack.pop() {
            self.open[member as usize] = false;
            component.push(member);
            if member == node {
                break;
            }
        }
        component.sort_unstable();
        self.found.push(component);
    }
}
