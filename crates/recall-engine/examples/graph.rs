//! Graph algorithms over a pipe, for comparison with others: a JSON object a line with `nodes`,
//! `arcs` ([from, to, weight]) and `from`, `to`; answers in the same order.

use std::io::{self, BufRead, Write};

use recall_engine::graph::{Network, NodeId};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let given: Value = serde_json::from_str(&line?)?;
        let answer =
            answer(&given).ok_or_else(|| io::Error::other("no numbers where some should be"))?;
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(given: &Value) -> Option<Value> {
    let node = |value: &Value| value.as_u64().and_then(|node| NodeId::try_from(node).ok());
    let arcs = given["arcs"]
        .as_array()?
        .iter()
        .map(|arc| Some((node(&arc[0])?, node(&arc[1])?, arc[2].as_f64()?)));
    let arcs: Vec<(NodeId, NodeId, f64)> = arcs.collect::<Option<_>>()?;
    let (nodes, from, to) = (node(&given["nodes"])?, node(&given["from"])?, node(&given["to"])?);
    let network = Network::new(nodes, arcs.into_iter());
    let go = || false;
    let paths = network.cheapest_paths(from, to, 5, usize::MAX - 1, &go)?;
    let communities = network.communities(1, &go)?;
    Some(json!({
        "pagerank": network.pagerank(&[], &go)?,
        "personalized": network.pagerank(&[(from, 1.0), (to, 3.0)], &go)?,
        "betweenness": network.betweenness(&go)?.0,
        "strong": network.strong_components(),
        "weak": network.components(),
        "steps": network.shortest(&network.reversed(), from, to, u32::MAX).map(|path| path.len() - 1),
        "costs": paths.iter().map(|path| path.cost).collect::<Vec<_>>(),
        "cycles": network.cycles(),
        "communities": communities.members,
        "modularity": communities.modularity,
    }))
}
