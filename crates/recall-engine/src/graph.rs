//! Facts as a graph in time, and what can be computed on it.
//!
//! [`Facts`] keeps every edge with both intervals; a [`Network`] is what of it is visible at one
//! point in both times, so that looking back needs no rebuild of anything else.

pub mod between;
pub mod community;
pub mod components;
pub mod paths;
pub mod rank;
pub mod walk;

/// Number of a node.
pub type NodeId = u32;
/// Number of a fact: given at insertion, never given again.
pub type FactId = u32;

/// A half-open interval of world time and one of system time, in any unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    /// From when on it holds in the world.
    pub valid_from: i64,
    /// Up to when.
    pub valid_to: i64,
    /// From when on it is known.
    pub recorded_at: i64,
    /// Up to when.
    pub retracted_at: i64,
}

impl Intervals {
    /// Whether it holds at `world` by what is known at `system`.
    pub fn visible(&self, world: i64, system: i64) -> bool {
        (self.valid_from..self.valid_to).contains(&world)
            && (self.recorded_at..self.retracted_at).contains(&system)
    }
}

/// An edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fact {
    /// Where it starts.
    pub from: NodeId,
    /// Where it ends.
    pub to: NodeId,
    /// Number of its type.
    pub kind: u32,
    /// Strength, > 0.
    pub weight: f64,
    /// When it holds and is known.
    pub times: Intervals,
}

/// All facts there ever were, but for those purged.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    facts: Vec<Option<Fact>>,
    nodes: u32,
}

impl Facts {
    /// Add a fact.
    pub fn insert(&mut self, fact: Fact) -> FactId {
        self.nodes = self.nodes.max(fact.from.max(fact.to).saturating_add(1));
        self.facts.push(Some(fact));
        FactId::try_from(self.facts.len() - 1).unwrap_or(FactId::MAX)
    }

    /// Close the world interval, the system interval, or both; whether the fact was there.
    pub fn close(&mut self, id: FactId, valid_to: Option<i64>, retracted_at: Option<i64>) -> bool {
        let Some(fact) = self.facts.get_mut(id as usize).and_then(Option::as_mut) else {
            return false;
        };
        fact.times.valid_to = valid_to.unwrap_or(fact.times.valid_to);
        fact.times.retracted_at = retracted_at.unwrap_or(fact.times.retracted_at);
        true
    }

    /// Forget a fact altogether; whether it was there.
    pub fn purge(&mut self, id: FactId) -> bool {
        self.facts.get_mut(id as usize).and_then(Option::take).is_some()
    }

    /// A fact.
    pub fn get(&self, id: FactId) -> Option<&Fact> {
        self.facts.get(id as usize)?.as_ref()
    }

    /// Facts visible at a point in both times, whose type passes.
    pub fn visible(
        &self,
        world: i64,
        system: i64,
        kind: impl Fn(u32) -> bool,
    ) -> impl Iterator<Item = (FactId, &Fact)> {
        (0..)
            .zip(&self.facts)
            .filter_map(|(id, fact)| Some((id, fact.as_ref()?)))
            .filter(move |(_, fact)| fact.times.visible(world, system) && kind(fact.kind))
    }

    /// The network of visible facts; parallel ones add their weights.
    pub fn network(&self, world: i64, system: i64, kind: impl Fn(u32) -> bool) -> Network {
        let visible = self.visible(world, system, kind);
        Network::new(self.nodes, visible.map(|(_, fact)| (fact.from, fact.to, fact.weight)))
    }
}

/// A directed graph with one weighted arc at most between two nodes in each direction.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Network {
    starts: Vec<usize>,
    arcs: Vec<(NodeId, f64)>,
}

impl Network {
    /// From arcs (from, to, weight) between nodes below `nodes`; others and those whose weight is
    /// not above 0 are left out, parallel ones add up.
    pub fn new(nodes: u32, arcs: impl Iterator<Item = (NodeId, NodeId, f64)>) -> Self {
        Self::build(nodes, arcs, |one, other| one + other)
    }

    /// The same, where of parallel arcs the least weight counts: for costs.
    pub fn of_costs(nodes: u32, arcs: impl Iterator<Item = (NodeId, NodeId, f64)>) -> Self {
        Self::build(nodes, arcs, f64::min)
    }

    fn build(
        nodes: u32,
        arcs: impl Iterator<Item = (NodeId, NodeId, f64)>,
        join: fn(f64, f64) -> f64,
    ) -> Self {
        let mut arcs: Vec<(NodeId, NodeId, f64)> = arcs
            .filter(|&(from, to, weight)| {
                from < nodes && to < nodes && weight > 0.0 && weight.is_finite()
            })
            .collect();
        arcs.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
        arcs.dedup_by(|later, earlier| {
            let same = (later.0, later.1) == (earlier.0, earlier.1);
            if same {
                earlier.2 = join(earlier.2, later.2);
            }
            same
        });
        let mut starts = vec![0; nodes as usize + 1];
        for &(from, _, _) in &arcs {
            starts[from as usize + 1] += 1;
        }
        for node in 0..nodes as usize {
            starts[node + 1] += starts[node];
        }
        Self { starts, arcs: arcs.into_iter().map(|(_, to, weight)| (to, weight)).collect() }
    }

    /// Number of nodes.
    pub fn len(&self) -> u32 {
        u32::try_from(self.starts.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Arcs that leave a node, by their ends.
    pub fn out(&self, node: NodeId) -> &[(NodeId, f64)] {
        let at = node as usize;
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(&from), Some(&to)) => self.arcs.get(from..to).unwrap_or_default(),
            _ => &[],
        }
    }

    /// All arcs (from, to, weight).
    pub fn arcs(&self) -> impl Iterator<Item = (NodeId, NodeId, f64)> {
        (0..self.len())
            .flat_map(|from| self.out(from).iter().map(move |&(to, weight)| (from, to, weight)))
    }

    /// The same with every arc turned round.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self::new(self.len(), self.arcs().map(|(from, to, weight)| (to, from, weight)))
    }

    /// The same without directions: what runs between two nodes adds up, both ways alike. An arc
    /// from a node to itself is counted once.
    #[must_use]
    pub fn undirected(&self) -> Self {
        let back = self.arcs().filter(|(from, to, _)| from != to);
        Self::new(self.len(), self.arcs().chain(back.map(|(from, to, weight)| (to, from, weight))))
    }
}

#[cfg(test)]
mod tests;
