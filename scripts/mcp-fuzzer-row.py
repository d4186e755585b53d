"""One line of docs/benchmarks/mcp-fuzzer.csv: what a run of mcp-fuzzer found, by category."""

import json
import pathlib
import sys

server, mode, directory = sys.argv[1:]
results = pathlib.Path(directory)
summary = json.loads((results / "run_summary.json").read_text())
found = summary["findings"]["by_category"]
kinds = summary["tools"]["by_name"] if mode == "tools" else summary["protocols"]["by_type"]
runs = sum(kind["total_runs"] for kind in kinds.values())
categories = ("accepted_malformed", "crash", "hang", "internal_error", "error_leakage")
print(server, mode, runs, *(found.get(category, 0) for category in categories), sep=",")
