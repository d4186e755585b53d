#!/usr/bin/env python3
"""Graph algorithms against networkx on 200 seeded graphs of five kinds.

    cargo build --release -p recall-engine --example graph
    python3 networkx_graphs.py .../release/examples/graph ROWS.csv

Needs networkx, numpy and scipy (pip). Exits 1 when a figure differs by more than 1e-9; modularity is
held against the best of Louvain's over five seeds.
"""

import itertools
import json
import random
import subprocess
import sys

import networkx as nx


def graphs():
    for number in range(200):
        draw = random.Random(number)
        size = draw.randint(10, 120)
        kind = ["sparse", "dense", "scale_free", "small_world", "groups"][number % 5]
        if kind == "sparse":
            plain = nx.gnp_random_graph(size, 2 / size, seed=number, directed=True)
        elif kind == "dense":
            plain = nx.gnp_random_graph(size, 0.2, seed=number, directed=True)
        elif kind == "scale_free":
            plain = nx.DiGraph(nx.scale_free_graph(size, seed=number))
        elif kind == "small_world":
            plain = nx.DiGraph(nx.watts_strogatz_graph(size, 4, 0.1, seed=number))
        else:
            plain = nx.DiGraph(nx.planted_partition_graph(5, size // 5 + 2, 0.4, 0.03, seed=number))
        graph = nx.DiGraph()
        graph.add_nodes_from(range(plain.number_of_nodes()))
        for one, other in sorted(plain.edges()):
            if one != other:
                graph.add_edge(one, other, weight=draw.choice([1, 1, 2, 3.5, 0.25]))
        yield kind, graph, draw.randrange(len(graph)), draw.randrange(len(graph))


def undirected(graph):
    plain = nx.Graph()
    plain.add_nodes_from(graph)
    for one, other, weight in graph.edges(data="weight"):
        before = plain.get_edge_data(one, other, {"weight": 0})["weight"]
        plain.add_edge(one, other, weight=before + weight)
    return plain


def far(found, wanted):
    return max((abs(found[node] - value) for node, value in wanted.items()), default=0.0)


def sets(groups):
    return sorted(sorted(group) for group in groups)


def compare(graph, start, end, answer):
    rank = nx.pagerank(graph, tol=1e-14, max_iter=5000)
    personal = {start: 1.0}
    personal[end] = personal.get(end, 0.0) + 3.0
    seeded = nx.pagerank(graph, personalization=personal, tol=1e-14, max_iter=5000)
    between = nx.betweenness_centrality(graph, normalized=False)
    scale = max(1.0, max(between.values()))
    try:
        steps = nx.shortest_path_length(graph, start, end)
        costs = [
            nx.path_weight(graph, path, "weight") if len(path) > 1 else 0.0
            for path in itertools.islice(nx.shortest_simple_paths(graph, start, end, weight="weight"), 5)
        ]
    except nx.NetworkXNoPath:
        steps, costs = None, []
    plain = undirected(graph)
    louvain = max(
        nx.community.modularity(plain, nx.community.louvain_communities(plain, seed=seed))
        for seed in range(5)
    )
    own = nx.community.modularity(plain, answer["communities"])
    joined = all(nx.is_connected(plain.subgraph(group)) for group in answer["communities"])
    cyclic = all(
        graph.has_edge(one, other)
        for cycle in answer["cycles"]
        for one, other in zip(cycle, cycle[1:] + cycle[:1])
    )
    strong = sets(nx.strongly_connected_components(graph))
    return {
        "pagerank": far(answer["pagerank"], rank),
        "personalized": far(answer["personalized"], seeded),
        "betweenness": far(answer["betweenness"], between) / scale,
        "costs": max((abs(a - b) for a, b in zip(answer["costs"], costs)), default=0.0)
        if len(costs) == len(answer["costs"])
        else 9.0,
        "modularity_error": abs(own - answer["modularity"]),
        "same_sets": strong == answer["strong"]
        and sets(nx.weakly_connected_components(graph)) == answer["weak"]
        and steps == answer["steps"]
        and joined
        and cyclic
        and len(answer["cycles"]) == sum(len(group) > 1 for group in strong),
        "modularity": own,
        "louvain": louvain,
    }


def main():
    program, path = sys.argv[1:3]
    pipe = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    rows, bad, below = [], 0, 0
    for number, (kind, graph, start, end) in enumerate(graphs()):
        given = {"nodes": len(graph), "arcs": list(graph.edges(data="weight")), "from": start, "to": end}
        pipe.stdin.write(json.dumps(given) + "\n")
        pipe.stdin.flush()
        row = compare(graph, start, end, json.loads(pipe.stdout.readline()))
        errors = [row[name] for name in list(row)[:5]]
        bad += max(errors) > 1e-9 or not row["same_sets"]
        below += row["modularity"] < row["louvain"] - 1e-9
        figures = ",".join(f"{error:.1e}" for error in errors)
        rows.append(
            f"{number},{kind},{len(graph)},{graph.number_of_edges()},{figures},"
            f"{int(row['same_sets'])},{row['modularity']:.6f},{row['louvain']:.6f}"
        )
    pipe.stdin.close()
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            "graph,kind,nodes,arcs,pagerank,personalized,betweenness,costs,modularity_error,"
            "same_sets,modularity,louvain\n" + "\n".join(rows) + "\n"
        )
    print(f"{len(rows)} graphs, {bad} differ, modularity below the best of Louvain's on {below}")
    sys.exit(1 if bad else 0)


main()
