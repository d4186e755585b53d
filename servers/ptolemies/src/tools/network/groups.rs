//! Groups of entities, with what they are about.

use mcp_core::prelude::*;
use recall_engine::{graph::NodeId, summary};
use ulid::Ulid;

use crate::{
    graph::{At, Graph, Near},
    knowledge::Seen,
    text::{clean, window},
};

/// Members shown of a group.
const MEMBERS: usize = 10;
/// Sentences of a summary.
const SENTENCES: usize = 3;
/// Characters of a sentence.
const TEXT: usize = 240;
/// Sentences that a summary is chosen from.
const CHOICE: usize = 400;

/// A group.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct GroupItem {
    /// Its members.
    size: usize,
    /// Facts between them.
    facts: usize,
    /// The members joined most strongly to the others, at most 10.
    members: Vec<Member>,
    /// Sentences of its facts and observations nearest to what they all say, at most 3.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    summary: Vec<String>,
}

/// A member.
#[derive(Debug, Serialize, JsonSchema)]
struct Member {
    /// Id of the entity.
    id: String,
    /// What it is called.
    name: String,
}

/// A group by numbers.
pub(super) struct Group {
    /// The most central first.
    members: Vec<NodeId>,
    /// Facts between them, by where they start.
    facts: Vec<Ulid>,
}

/// A division.
pub(super) struct Groups {
    /// Largest first.
    pub(super) all: Vec<Group>,
    pub(super) modularity: Option<f64>,
}

impl Groups {
    /// Of members sorted by number.
    pub(super) fn of(near: &Near, groups: Vec<Vec<NodeId>>, modularity: Option<f64>) -> Self {
        let mut place = vec![usize::MAX; near.ids.len()];
        for (at, members) in groups.iter().enumerate() {
            for member in members {
                place[*member as usize] = at;
            }
        }
        let mut strength = vec![0.0; near.ids.len()];
        let mut facts: Vec<Vec<Ulid>> = vec![Vec::new(); groups.len()];
        for edge in &near.edges {
            let (from, to) = (edge.from as usize, edge.to as usize);
            if place[from] == place[to] {
                facts[place[from]].push(edge.fact);
                if from != to {
                    strength[from] += edge.weight;
                    strength[to] += edge.weight;
                }
            }
        }
        let central = |mut members: Vec<NodeId>| {
            members.sort_by(|a, b| {
                strength[*b as usize].total_cmp(&strength[*a as usize]).then(a.cmp(b))
            });
            members
        };
        let groups = groups.into_iter().map(|members| (members.first().copied(), central(members)));
        let mut all: Vec<(Option<NodeId>, Group)> = groups
            .zip(facts)
            .map(|((first, members), facts)| (first, Group { members, facts }))
            .collect();
        all.sort_by_key(|(first, group)| (std::cmp::Reverse(group.members.len()), *first));
        Self { all: all.into_iter().map(|(_, group)| group).collect(), modularity }
    }

    pub(super) fn present(&self, seen: &Seen<'_>, near: &Near, k: usize) -> Vec<GroupItem> {
        self.all.iter().take(k).map(|group| group.present(seen, near)).collect()
    }
}

impl Group {
    fn present(&self, seen: &Seen<'_>, near: &Near) -> GroupItem {
        let name = |id: Ulid| clean(seen.graph.name_at(id, seen.at.known_at));
        let members = self.members.iter().map(|node| near.id(*node));
        let shown = members.clone().take(MEMBERS);
        let texts = self.sentences(seen.graph, seen.at, members);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let chosen = summary::central(&texts, SENTENCES).into_iter();
        GroupItem {
            size: self.members.len(),
            facts: self.facts.len(),
            members: shown.map(|id| Member { id: id.to_string(), name: name(id) }).collect(),
            summary: chosen.map(|at| window(texts[at], 0, TEXT).0.to_owned()).collect(),
        }
    }

    /// Facts between members, and what is observed of them, the most central first.
    fn sentences(&self, graph: &Graph, at: At, members: impl Iterator<Item = Ulid>) -> Vec<String> {
        let facts = self.facts.iter().filter_map(|id| graph.fact_row(*id));
        let facts = facts.take(CHOICE / 2).map(|fact| clean(&graph.sentence(fact)));
        let observed = members.flat_map(|id| graph.observations_at(id, at));
        let observed = observed
            .map(|row| clean(&format!("{}: {}", graph.name_at(row.entity, at.known_at), row.text)));
        facts.chain(observed.take(CHOICE / 2)).collect()
    }
}
