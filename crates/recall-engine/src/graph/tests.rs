use proptest::prelude::*;

use super::*;

type Arcs = Vec<(NodeId, NodeId, f64)>;

fn arcs() -> impl Strategy<Value = (u32, Arcs)> {
    (1u32..12).prop_flat_map(|nodes| {
        let arc = (0..nodes, 0..nodes, 1u8..9)
            .prop_map(|(from, to, weight)| (from, to, f64::from(weight)));
        (Just(nodes), prop::collection::vec(arc, 0..30))
    })
}

fn network((nodes, arcs): &(u32, Arcs)) -> Network {
    Network::new(*nodes, arcs.iter().copied())
}

/// Fewest steps between all pairs, by Floyd's method.
fn distances(network: &Network) -> Vec<Vec<Option<u32>>> {
    let count = network.len() as usize;
    let mut steps = vec![vec![None; count]; count];
    for (node, row) in steps.iter_mut().enumerate() {
        row[node] = Some(0);
    }
    for (from, to, _) in network.arcs().filter(|(from, to, _)| from != to) {
        steps[from as usize][to as usize] = Some(1);
    }
    for middle in 0..count {
        for from in 0..count {
            for to in 0..count {
                let through =
                    steps[from][middle].zip(steps[middle][to]).map(|(a, b): (u32, u32)| a + b);
                steps[from][to] = match (steps[from][to], through) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
        }
    }
    steps
}

fn is_path(network: &Network, nodes: &[NodeId]) -> bool {
    nodes.windows(2).all(|pair| network.out(pair[0]).iter().any(|(to, _)| *to == pair[1]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn walks_are_shortest(given in arcs(), from in 0u32..12, to in 0u32..12, depth in 0u32..5) {
        let network = network(&given);
        let (from, to) = (from % network.len(), to % network.len());
        let steps = distances(&network);
        let wanted = steps[from as usize][to as usize];
        let reversed = network.reversed();
        let path = network.shortest(&reversed, from, to, u32::MAX);
        prop_assert_eq!(path.as_ref().map(|path| u32::try_from(path.len()).unwrap() - 1), wanted);
        if let Some(path) = path {
            prop_assert!(is_path(&network, &path) && path[0] == from && path[path.len() - 1] == to);
        }
        let bounded = network.shortest(&reversed, from, to, depth);
        prop_assert_eq!(bounded.is_some(), wanted.is_some_and(|steps| steps <= depth));
        let around = network.around(&[from], depth, usize::MAX);
        for (node, row) in (0..).zip(&steps[from as usize]) {
            let found = around.nodes.iter().find(|(other, _)| *other == node).map(|(_, steps)| *steps);
            prop_assert_eq!(found, row.filter(|steps| *steps <= depth));
        }
        let few = network.around(&[from], depth, 2);
        prop_assert!(few.nodes.len() <= 2 && (few.nodes.len() == around.nodes.len() || !few.cut.is_empty()));
    }

    #[test]
    fn components_reach_each_other_and_cycles_are_cycles(given in arcs()) {
        let network = network(&given);
        let steps = distances(&network);
        let both = |a: u32, b: u32| steps[a as usize][b as usize].is_some() && steps[b as usize][a as usize].is_some();
        let components = network.strong_components();
        let mut number = vec![0; network.len() as usize];
        for (at, component) in components.iter().enumerate() {
            for node in component {
                number[*node as usize] = at;
            }
        }
        for one in 0..network.len() {
            for other in 0..network.len() {
                prop_assert_eq!(number[one as usize] == number[other as usize], both(one, other));
            }
        }
        let layers = network.layers();
        let mut level = vec![usize::MAX; network.len() as usize];
        for (at, layer) in layers.iter().enumerate() {
            layer.iter().flatten().for_each(|node| level[*node as usize] = at);
        }
        for (from, to, _) in network.arcs() {
            let (from, to) = (from as usize, to as usize);
            prop_assert!(level[from] > level[to] || number[from] == number[to]);
        }
        // As low as can be: each layer but the first leads to the one below.
        for (at, layer) in layers.iter().enumerate().skip(1) {
            for component in layer {
                let leads = |node: &u32| network.out(*node).iter().any(|(to, _)| level[*to as usize] == at - 1);
                prop_assert!(component.iter().any(leads));
            }
        }
        prop_assert_eq!(layers.iter().flatten().count(), components.len());
        let cycles = network.cycles();
        let looped = |node: u32| network.out(node).iter().any(|(to, _)| *to == node);
        let wanted = components.iter().filter(|nodes| nodes.len() > 1 || looped(nodes[0])).count();
        prop_assert_eq!(cycles.len(), wanted);
        for mut cycle in cycles {
            cycle.push(cycle[0]);
            prop_assert!(is_path(&network, &cycle), "{:?}", cycle);
        }
    }

    /// Against all simple paths, found by going everywhere.
    #[test]
    fn cheapest_paths_are_the_cheapest(given in arcs(), from in 0u32..12, to in 0u32..12, count in 1usize..6, most in 0usize..8) {
        let small = (given.0.min(7), given.1.clone());
        let network = Network::of_costs(small.0, small.1.iter().copied());
        let (from, to) = (from % network.len(), to % network.len());
        let mut all = Vec::new();
        let mut open = vec![(vec![from], 0.0)];
        while let Some((nodes, cost)) = open.pop() {
            let last = nodes[nodes.len() - 1];
            if last == to {
                all.push(cost);
                continue;
            }
            if nodes.len() > most {
                continue;
            }
            for &(next, weight) in network.out(last).iter().filter(|(next, _)| !nodes.contains(next)) {
                open.push((nodes.iter().copied().chain([next]).collect(), cost + weight));
            }
        }
        all.sort_by(f64::total_cmp);
        all.truncate(count);
        let found = network.cheapest_paths(from, to, count, most, &|| false).unwrap();
        let costs: Vec<f64> = found.iter().map(|path| path.cost).collect();
        prop_assert_eq!(costs, all);
        for path in &found {
            prop_assert!(is_path(&network, &path.nodes) && path.nodes.len() <= most + 1);
        }
        if most >= 6 {
            prop_assert_eq!(&found, &network.cheapest_paths(from, to, count, usize::MAX - 1, &|| false).unwrap());
            prop_assert_eq!(found.first().cloned(), network.cheapest(from, to));
        }
        let mut nodes: Vec<&Vec<u32>> = found.iter().map(|path| &path.nodes).collect();
        nodes.sort();
        nodes.dedup();
        prop_assert_eq!(nodes.len(), found.len());
    }

    #[test]
    fn ranks_sum_to_one_and_pushing_comes_near(given in arcs(), seed in 0u32..12) {
        let network = network(&given);
        let seeds = [(seed % network.len(), 2.0)];
        for seeds in [&seeds[..], &[]] {
            let rank = network.pagerank(seeds, &|| false).unwrap();
            prop_assert!((rank.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
        // Without dead ends both are the same walk.
        if (0..network.len()).all(|node| !network.out(node).is_empty()) {
            let exact = network.pagerank(&seeds, &|| false).unwrap();
            for (node, rank) in network.near(&seeds, 1e-9) {
                prop_assert!((rank - exact[node as usize]).abs() < 1e-6);
            }
        }
        prop_assert!(network.near(&seeds, 1e-4).iter().map(|(_, rank)| rank).sum::<f64>() <= 1.0 + 1e-9);
        // However few nodes are opened, the walk is the same as far as it goes.
        let mut opened = 0;
        let bounded = rank::near(&seeds, 1e-4, 3, |node| {
            opened += 1;
            network.out(node).to_vec()
        });
        prop_assert!(opened <= 3 && bounded.len() <= 3);
        prop_assert!(bounded.iter().map(|(_, rank)| rank).sum::<f64>() <= 1.0 + 1e-9);
    }

    #[test]
    fn communities_are_joined_and_no_worse_than_one(given in arcs(), seed: u64) {
        let network = network(&given);
        let found = network.communities(seed, &|| false).unwrap();
        prop_assert!(found.modularity >= -1e-12 && found.modularity <= 1.0);
        let mut nodes: Vec<u32> = found.members.iter().flatten().copied().collect();
        nodes.sort_unstable();
        prop_assert_eq!(nodes, (0..network.len()).collect::<Vec<_>>());
        let undirected = network.undirected();
        for members in &found.members {
            let inside = undirected.arcs().filter(|(from, to, _)| members.contains(from) && members.contains(to));
            let part = Network::new(network.len(), inside);
            prop_assert_eq!(part.around(&members[..1], u32::MAX, usize::MAX).nodes.len(), members.len());
        }
        prop_assert_eq!(found, network.communities(seed, &|| false).unwrap());
    }
}

/// A square with a tail; values by hand.
#[test]
fn betweenness_counts_shares_of_paths() {
    let arcs = [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)];
    let network = Network::new(5, arcs.into_iter().map(|(from, to)| (from, to, 1.0)));
    let (found, exact) = network.betweenness(&|| false).unwrap();
    assert_eq!((found, exact), (vec![0.0, 1.0, 1.0, 3.0, 0.0], true));
    let chain = Network::new(5_000, (0..4_999).map(|node| (node, node + 1, 1.0)));
    let (estimate, exact) = chain.betweenness(&|| false).unwrap();
    let wanted = 2_500.0 * 2_499.0;
    assert!(!exact && (estimate[2_500] / wanted - 1.0).abs() < 0.02, "{}", estimate[2_500]);
    assert_eq!(chain.strong_components().len(), 5_000);
    assert_eq!(chain.components().len(), 1);
    assert_eq!(network.betweenness(&|| true), None);
    assert_eq!(network.pagerank(&[], &|| true), None);
    assert_eq!(network.communities(1, &|| true), None);
    assert_eq!(network.degrees(), [(0, 2), (1, 1), (1, 1), (2, 1), (1, 0)]);
}

#[test]
fn facts_are_seen_at_both_times() {
    let always = Intervals {
        valid_from: i64::MIN,
        valid_to: i64::MAX,
        recorded_at: 0,
        retracted_at: i64::MAX,
    };
    let fact = Fact { from: 0, to: 1, kind: 0, weight: 1.0, times: always };
    let mut facts = Facts::default();
    let first = facts.insert(fact);
    facts.insert(Fact { weight: 2.0, kind: 1, ..fact });
    let late = facts.insert(Fact { to: 2, times: Intervals { recorded_at: 10, ..always }, ..fact });
    assert!(facts.close(first, Some(5), None) && facts.close(late, None, Some(20)));
    let seen = |world, system, kind: fn(u32) -> bool| {
        facts.network(world, system, kind).arcs().collect::<Vec<_>>()
    };
    assert_eq!(seen(4, 0, |_| true), [(0, 1, 3.0)]);
    assert_eq!(seen(5, 0, |_| true), [(0, 1, 2.0)]);
    assert_eq!(seen(5, 10, |_| true), [(0, 1, 2.0), (0, 2, 1.0)]);
    assert_eq!(seen(5, 20, |kind| kind == 0), []);
    assert_eq!(seen(5, -1, |_| true), []);
    let mut facts = facts.clone();
    assert!(facts.purge(first) && !facts.purge(first) && !facts.close(first, None, None));
    assert!(facts.get(first).is_none() && facts.get(late).is_some());
}
