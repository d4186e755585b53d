//! Groups of nodes that hold together (Traag, Waltman, van Eck, "From Louvain to Leiden", 2019).

use std::collections::BTreeMap;

use super::{Network, NodeId};

/// Starts, each with another order of nodes, by the number of nodes up to which there are so many;
/// the best result counts.
const STARTS: [(u32, u64); 3] = [(500, 32), (5_000, 8), (u32::MAX, 1)];
/// Passes of one start at most.
const PASSES: usize = 20;
/// Gains below this are rounding.
const LEAST: f64 = 1e-12;

/// A division of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Communities {
    /// Members of each, sorted, in the order of their least nodes.
    pub members: Vec<Vec<NodeId>>,
    /// Share of the weight inside beyond what chance would put there (Newman, 2004).
    pub modularity: f64,
}

impl Network {
    /// Communities by modularity, directions left out; each is joined within. Nodes without arcs
    /// are alone. `None` when `stop` says so.
    pub fn communities(&self, seed: u64, stop: &dyn Fn() -> bool) -> Option<Communities> {
        let network = self.undirected();
        let whole = Weighted::of(&network);
        let starts =
            STARTS.iter().find(|(most, _)| self.len() <= *most).map_or(1, |(_, count)| *count);
        let mut best: Option<(f64, Vec<u32>)> = None;
        for start in 0..starts {
            let groups = leiden(&whole, seed.wrapping_add(start), stop)?;
            let modularity = whole.modularity(&groups);
            if best.as_ref().is_none_or(|(most, _)| modularity > most + LEAST) {
                best = Some((modularity, groups));
            }
        }
        let (modularity, groups) = best.unwrap_or_default();
        let mut members: BTreeMap<u32, Vec<NodeId>> = BTreeMap::new();
        for (node, group) in (0..).zip(groups) {
            members.entry(group).or_default().push(node);
        }
        let mut members: Vec<Vec<NodeId>> = members.into_values().collect();
        members.sort_unstable();
        Some(Communities { members, modularity })
    }
}

/// A symmetric network whose nodes may stand for several.
struct Weighted {
    arcs: Vec<Vec<(u32, f64)>>,
    /// Weight inside a node, both ways.
    inside: Vec<f64>,
    /// Weight of all ends at a node.
    ends: Vec<f64>,
    total: f64,
}

impl Weighted {
    fn of(network: &Network) -> Self {
        let count = network.len() as usize;
        let (mut arcs, mut inside) = (vec![Vec::new(); count], vec![0.0; count]);
        for (from, to, weight) in network.arcs() {
            if from == to {
                inside[from as usize] += 2.0 * weight;
            } else {
                arcs[from as usize].push((to, weight));
            }
        }
        Self::new(arcs, inside)
    }

    fn new(arcs: Vec<Vec<(u32, f64)>>, inside: Vec<f64>) -> Self {
        let ends: Vec<f64> = arcs
            .iter()
            .zip(&inside)
            .map(|(arcs, inside)| inside + arcs.iter().map(|(_, weight)| weight).sum::<f64>())
            .collect();
        let total = ends.iter().sum();
        Self { arcs, inside, ends, total }
    }

    fn modularity(&self, groups: &[u32]) -> f64 {
        if self.total <= 0.0 {
            return 0.0;
        }
        let mut ends: BTreeMap<u32, f64> = BTreeMap::new();
        let mut inside = 0.0;
        for (node, group) in groups.iter().enumerate() {
            *ends.entry(*group).or_default() += self.ends[node];
            let within = self.arcs[node].iter().filter(|(to, _)| groups[*to as usize] == *group);
            inside += self.inside[node] + within.map(|(_, weight)| weight).sum::<f64>();
        }
        inside / self.total - ends.values().map(|ends| (ends / self.total).powi(2)).sum::<f64>()
    }

    /// Groups as nodes.
    fn joined(&self, groups: &[u32], count: usize) -> Self {
        let mut sums: Vec<BTreeMap<u32, f64>> = vec![BTreeMap::new(); count];
        let mut inside = vec![0.0; count];
        for (node, &group) in groups.iter().enumerate() {
            inside[group as usize] += self.inside[node];
            for &(to, weight) in &self.arcs[node] {
                let other = groups[to as usize];
                if other == group {
                    inside[group as usize] += weight;
                } else {
                    *sums[group as usize].entry(other).or_default() += weight;
                }
            }
        }
        Self::new(sums.into_iter().map(|sums| sums.into_iter().collect()).collect(), inside)
    }
}

fn leiden(whole: &Weighted, seed: u64, stop: &dyn Fn() -> bool) -> Option<Vec<u32>> {
    let count = u32::try_from(whole.arcs.len()).unwrap_or(u32::MAX);
    let mut groups: Vec<u32> = (0..count).collect();
    for pass in 0..PASSES {
        let before = whole.modularity(&groups);
        let mut level = Weighted::new(whole.arcs.clone(), whole.inside.clone());
        let mut place: Vec<u32> = (0..count).collect();
        let mut coarse = groups.clone();
        loop {
            if stop() {
                return None;
            }
            settle(&level, &mut coarse, seed.wrapping_mul(31).wrapping_add(pass as u64));
            let (fine, number) = refine(&level, &coarse);
            for (node, place) in place.iter_mut().enumerate() {
                groups[node] = coarse[*place as usize];
                *place = fine[*place as usize];
            }
            if number == level.arcs.len() {
                break;
            }
            let mut next = vec![0; number];
            for (node, &group) in fine.iter().enumerate() {
                next[group as usize] = coarse[node];
            }
            level = level.joined(&fine, number);
            coarse = number_anew(&next).0;
        }
        if whole.modularity(&groups) <= before + LEAST && pass > 0 {
            break;
        }
        groups = number_anew(&connected(whole, &groups)).0;
    }
    Some(connected(whole, &groups))
}

/// Move nodes to where they gain most until none gains.
fn settle(level: &Weighted, groups: &mut [u32], seed: u64) {
    let count = groups.len();
    let mut ends =
        vec![0.0; count.max(groups.iter().map(|group| *group as usize + 1).max().unwrap_or(0))];
    for (node, &group) in groups.iter().enumerate() {
        ends[group as usize] += level.ends[node];
    }
    let mut queue: std::collections::VecDeque<usize> = shuffled(count, seed).into();
    let mut waiting = vec![true; count];
    while let Some(node) = queue.pop_front() {
        waiting[node] = false;
        let own = groups[node];
        ends[own as usize] -= level.ends[node];
        let mut shared: BTreeMap<u32, f64> = BTreeMap::from([(own, 0.0)]);
        for &(to, weight) in &level.arcs[node] {
            *shared.entry(groups[to as usize]).or_default() += weight;
        }
        let gain = |group: u32, weight: f64| {
            weight - level.ends[node] * ends[group as usize] / level.total
        };
        let stay = gain(own, shared.get(&own).copied().unwrap_or_default());
        let (mut best, mut most) = (own, stay + LEAST * level.total);
        for (&group, &weight) in &shared {
            if gain(group, weight) > most {
                (best, most) = (group, gain(group, weight));
            }
        }
        ends[best as usize] += level.ends[node];
        if best == own {
            continue;
        }
        groups[node] = best;
        for &(to, _) in &level.arcs[node] {
            if groups[to as usize] != best && !std::mem::replace(&mut waiting[to as usize], true) {
                queue.push_back(to as usize);
            }
        }
    }
}

/// Within each group, join single nodes to what they gain most by: parts that hold together.
fn refine(level: &Weighted, groups: &[u32]) -> (Vec<u32>, usize) {
    let count = groups.len();
    let mut fine: Vec<u32> = (0..).take(count).collect();
    let mut ends = level.ends.clone();
    let mut alone = vec![true; count];
    for node in 0..count {
        if !alone[node] {
            continue;
        }
        let mut shared: BTreeMap<u32, f64> = BTreeMap::new();
        for &(to, weight) in &level.arcs[node] {
            if groups[to as usize] == groups[node] {
                *shared.entry(fine[to as usize]).or_default() += weight;
            }
        }
        let gain = |(&part, &weight): (&u32, &f64)| {
            (weight - level.ends[node] * ends[part as usize] / level.total, part)
        };
        let best = shared.iter().map(gain).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let Some((_, part)) = best.filter(|(gain, _)| *gain > 0.0) else { continue };
        ends[node] -= level.ends[node];
        ends[part as usize] += level.ends[node];
        fine[node] = part;
        alone[node] = false;
        alone[part as usize] = false;
    }
    number_anew(&fine)
}

/// Groups with those that are not joined within parted.
fn connected(whole: &Weighted, groups: &[u32]) -> Vec<u32> {
    let mut parts = vec![u32::MAX; groups.len()];
    let mut next = 0;
    for start in 0..groups.len() {
        if parts[start] != u32::MAX {
            continue;
        }
        let mut open = vec![start];
        parts[start] = next;
        while let Some(node) = open.pop() {
            for &(to, _) in &whole.arcs[node] {
                if groups[to as usize] == groups[node] && parts[to as usize] == u32::MAX {
                    parts[to as usize] = next;
                    open.push(to as usize);
                }
            }
        }
        next += 1;
    }
    parts
}

/// Numbers from 0 in the order of appearance, and how many there are.
fn number_anew(groups: &[u32]) -> (Vec<u32>, usize) {
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    let anew = groups
        .iter()
        .map(|group| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers.entry(*group).or_insert(next)
        })
        .collect();
    (anew, numbers.len())
}

fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = seed;
    for last in (1..count).rev() {
        let drawn = crate::lsa::next(&mut state) % (last as u64 + 1);
        order.swap(last, usize::try_from(drawn).unwrap_or(0));
    }
    order
}
