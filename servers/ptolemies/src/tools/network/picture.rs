//! A part of the graph, small enough to be shown.

use std::collections::{BTreeSet, HashMap};

use mcp_core::prelude::*;
use recall_engine::graph::{Network, NodeId};
use ulid::Ulid;

use crate::{
    graph::{Direction, Lens},
    knowledge::Seen,
    text::clean,
};

/// Places told of where it was cut.
const CUTS: usize = 50;

/// What the picture is to show.
pub(super) struct Frame<'a> {
    pub(super) seeds: Vec<Ulid>,
    pub(super) direction: Direction,
    pub(super) types: &'a [String],
    pub(super) depth: u32,
    pub(super) most: usize,
}

/// One entity.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct NodeItem {
    /// Id of the entity.
    pub(super) id: String,
    /// What it is called.
    pub(super) name: String,
    /// Its type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    /// Steps from the nearest seed.
    pub(super) distance: u32,
}

/// One fact.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct EdgeItem {
    /// Id of the version.
    pub(super) id: String,
    /// Position of the entity it starts at.
    pub(super) from: u32,
    /// Its type.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// Position of the entity it ends at.
    pub(super) to: u32,
    /// Its strength; 1 if absent.
    #[serde(skip_serializing_if = "is_one")]
    pub(super) weight: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_one(weight: &f64) -> bool {
    (*weight - 1.0).abs() < f64::EPSILON
}

/// A place where the picture ends.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CutItem {
    /// Position of the entity.
    node: usize,
    /// Its neighbours that are not shown.
    left_out: usize,
}

/// Entities that lead to each other.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Circle {
    /// Positions along a shortest circle through the nearest of them; the last leads to the first.
    nodes: Vec<u32>,
    /// How many lead to each other.
    among: usize,
}

/// Entities around some seeds, and what is between them.
pub(super) struct Picture {
    /// Nearest first.
    pub(super) nodes: Vec<NodeItem>,
    /// By the farther of their ends, so that those of the first entities come first.
    pub(super) edges: Vec<EdgeItem>,
    pub(super) edges_left_out: usize,
    /// By node: entities one step from it, and the positions of those seen.
    near: Vec<(usize, Vec<usize>)>,
    depth: u32,
    most: usize,
    shrunk: bool,
}

impl Picture {
    pub(super) fn of(seen: &Seen<'_>, frame: &Frame<'_>) -> Self {
        let lens = Lens::new(seen.graph, seen.at, frame.types);
        let around = lens.around(&frame.seeds, frame.direction, frame.depth, frame.most);
        let places: HashMap<Ulid, usize> = around.iter().map(|(id, _)| *id).zip(0..).collect();
        let near = around.iter().map(|(id, _)| {
            let ends = lens.facts(*id, frame.direction);
            let ends: BTreeSet<Ulid> = ends.into_iter().map(|(end, _)| end).collect();
            (ends.len(), ends.iter().filter_map(|end| places.get(end)).copied().collect())
        });
        let near = near.collect();
        let mut edges = Vec::new();
        for (id, _) in &around {
            for (end, fact) in lens.facts(*id, Direction::Out) {
                if let (Some(&from), Some(&to)) = (places.get(id), places.get(&end)) {
                    edges.push((from, to, fact));
                }
            }
        }
        edges.sort_by_key(|(from, to, fact)| (*from.max(to), fact.id));
        let edges = edges.into_iter().map(|(from, to, fact)| EdgeItem {
            id: fact.id.to_string(),
            from: position(from),
            kind: clean(&fact.kind),
            to: position(to),
            weight: fact.weight,
        });
        let edges = edges.collect();
        let node = |(id, distance): (Ulid, u32)| {
            let row = seen.graph.entity_at(id, seen.at.known_at);
            NodeItem {
                id: id.to_string(),
                name: row.map_or_else(String::new, |row| clean(&row.name)),
                kind: row.and_then(|row| row.kind.as_deref()).map(clean),
                distance,
            }
        };
        Self {
            nodes: around.into_iter().map(node).collect(),
            edges,
            edges_left_out: 0,
            near,
            depth: frame.depth,
            most: frame.most,
            shrunk: false,
        }
    }

    /// Make it smaller, from `size` to about `room`; whether it could be.
    pub(super) fn shrink(&mut self, room: usize, size: usize) -> bool {
        let share = |count: usize| (count * room / size).min(count - 1);
        self.shrunk = true;
        let least = self.nodes.iter().filter(|node| node.distance == 0).count();
        if self.nodes.len() > least {
            let keep = share(self.nodes.len()).max(least);
            self.nodes.truncate(keep);
            self.edges.retain(|edge| edge.from.max(edge.to) < position(keep));
            return true;
        }
        // Seeds alone, with many facts between them.
        if self.edges.is_empty() {
            return false;
        }
        let keep = share(self.edges.len());
        self.edges_left_out += self.edges.len() - keep;
        self.edges.truncate(keep);
        true
    }

    /// Where it ends, how often, and why.
    pub(super) fn cut(&self) -> (Vec<CutItem>, usize, Vec<&'static str>) {
        let shown = self.nodes.len();
        let mut cuts = Vec::new();
        let (mut by_depth, mut by_number) = (false, false);
        for (node, (item, (all, places))) in self.nodes.iter().zip(&self.near).enumerate() {
            let left_out = all - places.iter().filter(|place| **place < shown).count();
            if left_out == 0 {
                continue;
            }
            if item.distance == self.depth {
                by_depth = true;
            } else {
                by_number = true;
            }
            cuts.push(CutItem { node, left_out });
        }
        let reasons = [
            (by_depth, "depth"),
            (by_number && self.near.len() >= self.most, "max_nodes"),
            (self.shrunk, "room"),
        ];
        let reasons = reasons.into_iter().filter(|(is, _)| *is).map(|(_, reason)| reason).collect();
        let count = cuts.len();
        cuts.truncate(CUTS);
        (cuts, count, reasons)
    }

    /// The facts shown.
    pub(super) fn network(&self) -> Network {
        let arcs = self.edges.iter().map(|edge| (edge.from, edge.to, edge.weight));
        Network::new(position(self.nodes.len()), arcs)
    }

    pub(super) fn circles(&self) -> Vec<Circle> {
        let network = self.network();
        let components = network.strong_components();
        let among = |nodes: &[NodeId]| {
            let holds =
                |component: &&Vec<NodeId>| nodes.iter().all(|node| component.contains(node));
            components.iter().find(holds).map_or(nodes.len(), Vec::len)
        };
        let circles = network.cycles().into_iter();
        circles.map(|nodes| Circle { among: among(&nodes), nodes }).collect()
    }
}

fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
