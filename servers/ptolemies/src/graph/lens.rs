//! The graph at one point in both times, as something to walk and to compute on. Nothing is built
//! for a walk: every step looks at the intervals of the facts it meets.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
};

use mcp_core::prelude::{Deserialize, JsonSchema, Serialize};
use recall_engine::graph::{Network, NodeId, walk};
use ulid::Ulid;

use super::{At, Fact, Graph, names};

/// Which way facts are followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    /// From start to end.
    Out,
    /// From end to start.
    In,
    #[default]
    Both,
}

impl Direction {
    pub(crate) const fn reversed(self) -> Self {
        match self {
            Self::Out => Self::In,
            Self::In => Self::Out,
            Self::Both => Self::Both,
        }
    }
}

/// What of the graph is looked at: facts that hold at a point in both times, of some types or all.
/// Entities that were merged then are one.
pub(crate) struct Lens<'a> {
    graph: &'a Graph,
    at: At,
    /// Keys of types.
    kinds: Option<HashSet<String>>,
    /// Types met so far, as they are spelt.
    met: RefCell<HashMap<&'a str, bool>>,
    /// Whether to stop: nothing is seen from then on.
    stop: &'a dyn Fn() -> bool,
}

impl<'a> Lens<'a> {
    pub(crate) fn new(graph: &'a Graph, at: At, kinds: &[String]) -> Self {
        let kinds = (!kinds.is_empty()).then(|| kinds.iter().map(|kind| names::kind(kind)));
        let kinds = kinds.map(Iterator::collect);
        Self { graph, at, kinds, met: RefCell::default(), stop: &|| false }
    }

    /// See nothing from when `stop` says so: its answers are then worth nothing.
    pub(crate) fn until(self, stop: &'a dyn Fn() -> bool) -> Self {
        Self { stop, ..self }
    }

    fn passes(&self, fact: &'a Fact) -> bool {
        let Some(kinds) = &self.kinds else { return true };
        let mut met = self.met.borrow_mut();
        *met.entry(&fact.kind).or_insert_with(|| kinds.contains(&names::kind(&fact.kind)))
    }

    fn root(&self, lineage: Ulid) -> Ulid {
        self.graph.root(lineage, self.at.known_at)
    }

    fn is_known(&self, root: Ulid) -> bool {
        self.graph.entity_at(root, self.at.known_at).is_some()
    }

    /// Facts at an entity with what is at their other ends, first those that start at it, each by id;
    /// a fact from it to itself once.
    pub(crate) fn facts(&self, entity: Ulid, direction: Direction) -> Vec<(Ulid, &'a Fact)> {
        if (self.stop)() {
            return Vec::new();
        }
        let group = self.graph.group(entity, self.at.known_at);
        let things = group.iter().filter_map(|lineage| self.graph.things.get(lineage));
        let rows = |ids: Vec<Ulid>, other: fn(&Fact) -> Ulid| {
            let rows = ids.into_iter().filter_map(|id| self.graph.facts.get(&id));
            let rows = rows.filter(|fact| fact.times.holds_at(self.at) && self.passes(fact));
            let ends = rows.map(|fact| (self.root(other(fact)), fact));
            ends.filter(|(end, _)| self.is_known(*end)).collect::<Vec<_>>()
        };
        let sorted = |mut ids: Vec<Ulid>| {
            ids.sort_unstable();
            ids
        };
        let mut facts = Vec::new();
        if direction != Direction::In {
            let ids = things.clone().flat_map(|thing| &thing.out).copied();
            facts = rows(sorted(ids.collect()), |fact| fact.to);
        }
        if direction != Direction::Out {
            let ids = things.flat_map(|thing| &thing.into).copied();
            let mut into = rows(sorted(ids.collect()), |fact| fact.from);
            if direction == Direction::Both {
                into.retain(|(_, fact)| !group.contains(&fact.from));
            }
            facts.append(&mut into);
        }
        facts
    }

    /// What is one step from an entity; one joined by several facts appears several times.
    fn ends(&self, entity: Ulid, direction: Direction) -> impl Iterator<Item = Ulid> + use<'a> {
        self.facts(entity, direction).into_iter().map(|(end, _)| end)
    }

    /// Entities within `depth` steps of some, at most `most`, with their distance, nearest first.
    pub(crate) fn around(
        &self,
        seeds: &[Ulid],
        direction: Direction,
        depth: u32,
        most: usize,
    ) -> Vec<(Ulid, u32)> {
        walk::around(seeds, depth, most, |entity| self.ends(entity, direction)).nodes
    }

    /// A path of the fewest steps.
    pub(crate) fn shortest(
        &self,
        from: Ulid,
        to: Ulid,
        direction: Direction,
        most: u32,
    ) -> Option<Vec<Ulid>> {
        let back = direction.reversed();
        walk::shortest(from, to, most, |at| self.ends(at, direction), |at| self.ends(at, back))
    }

    /// Entities that lie on any path of at most `most` steps, by id.
    pub(crate) fn on_the_way(
        &self,
        from: Ulid,
        to: Ulid,
        direction: Direction,
        most: u32,
    ) -> Vec<Ulid> {
        let there = self.around(&[from], direction, most, usize::MAX);
        let back = self.around(&[to], direction.reversed(), most, usize::MAX);
        let back: HashMap<Ulid, u32> = back.into_iter().collect();
        let near = there.into_iter().filter(|(entity, steps)| {
            back.get(entity).is_some_and(|more| steps.saturating_add(*more) <= most)
        });
        let mut near: Vec<Ulid> = near.map(|(entity, _)| entity).collect();
        near.sort_unstable();
        near
    }

    /// All entities that were known, by id.
    pub(crate) fn entities(&self) -> Vec<Ulid> {
        let lineages = self.graph.things.keys().copied();
        lineages.filter(|&id| self.root(id) == id && self.is_known(id)).collect()
    }

    /// Entities with the facts between them.
    pub(crate) fn near(&self, ids: Vec<Ulid>) -> Near {
        let numbers: HashMap<Ulid, NodeId> = ids.iter().copied().zip(0..).collect();
        let mut edges = Vec::new();
        for (&id, from) in ids.iter().zip(0..) {
            for (end, fact) in self.facts(id, Direction::Out) {
                if let Some(&to) = numbers.get(&end) {
                    edges.push(Edge { from, to, weight: fact.weight, fact: fact.id });
                }
            }
        }
        Near { ids, edges }
    }
}

/// Entities, numbered in order, and the facts between them.
#[derive(Debug, Default)]
pub(crate) struct Near {
    pub(crate) ids: Vec<Ulid>,
    /// By where they start, then by id.
    pub(crate) edges: Vec<Edge>,
}

/// A fact between numbered entities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Edge {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) weight: f64,
    pub(crate) fact: Ulid,
}

impl Near {
    pub(crate) fn id(&self, node: NodeId) -> Ulid {
        self.ids.get(node as usize).copied().unwrap_or_default()
    }

    pub(crate) fn number(&self, id: Ulid) -> Option<NodeId> {
        let at = self.ids.iter().position(|other| *other == id)?;
        NodeId::try_from(at).ok()
    }

    /// By strength; parallel facts add up.
    pub(crate) fn network(&self, direction: Direction) -> Network {
        let arcs = self.edges.iter().map(|edge| (edge.from, edge.to, edge.weight));
        let network = Network::new(self.size(), arcs);
        match direction {
            Direction::Out => network,
            Direction::In => network.reversed(),
            Direction::Both => network.undirected(),
        }
    }

    /// By cost; of parallel facts the cheapest counts.
    pub(crate) fn costs(&self, direction: Direction, cost: fn(&Edge) -> f64) -> Network {
        let there = |edge: &Edge| (edge.from, edge.to, cost(edge));
        let back = |edge: &Edge| (edge.to, edge.from, cost(edge));
        let edges = self.edges.iter();
        match direction {
            Direction::Out => Network::of_costs(self.size(), edges.map(there)),
            Direction::In => Network::of_costs(self.size(), edges.map(back)),
            Direction::Both => {
                Network::of_costs(self.size(), edges.clone().map(there).chain(edges.map(back)))
            }
        }
    }

    /// Without entities that no fact touches, but for those to keep; how many were left out.
    pub(crate) fn touched(self, keep: &[Ulid]) -> (Self, usize) {
        let mut touched: Vec<bool> = self.ids.iter().map(|id| keep.contains(id)).collect();
        for edge in &self.edges {
            touched[edge.from as usize] = true;
            touched[edge.to as usize] = true;
        }
        let mut anew = vec![0; self.ids.len()];
        let mut ids = Vec::new();
        for (at, id) in self.ids.iter().enumerate().filter(|(at, _)| touched[*at]) {
            anew[at] = NodeId::try_from(ids.len()).unwrap_or(NodeId::MAX);
            ids.push(*id);
        }
        let left_out = self.ids.len() - ids.len();
        let edges = self.edges.into_iter().map(|edge| Edge {
            from: anew[edge.from as usize],
            to: anew[edge.to as usize],
            ..edge
        });
        (Self { ids, edges: edges.collect() }, left_out)
    }

    fn size(&self) -> u32 {
        u32::try_from(self.ids.len()).unwrap_or(u32::MAX)
    }
}
