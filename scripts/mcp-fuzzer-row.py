"""One line of docs/benchmarks/mcp-fuzzer.csv: what a run of mcp-fuzzer found, by category.

The scanner reports whatever was answered without an error; whether that input was malformed it does not
know. Here an input counts as malformed if it breaks the tool's published schema; for whole messages there is none, and no count.
"""

import json
import pathlib
import sys

from jsonschema import Draft202012Validator

server, mode, directory, definitions = sys.argv[1:]
results = pathlib.Path(directory)
summary = json.loads((results / "run_summary.json").read_text())
schemas = {tool["name"]: tool["inputSchema"] for tool in json.loads(pathlib.Path(definitions).read_text())}


def is_malformed(finding):
    if finding["target"] not in schemas:
        return True
    return not Draft202012Validator(schemas[finding["target"]]).is_valid(finding["evidence"]["input"])


findings = json.loads((results / "findings.json").read_text())
findings = findings["findings"] if isinstance(findings, dict) else findings
accepted = [finding for finding in findings if finding["category"] == "accepted_malformed"]
malformed = [finding for finding in accepted if mode == "tools" and is_malformed(finding)]
for finding in malformed:
    print(finding["target"], json.dumps(finding["evidence"].get("input")), file=sys.stderr)

found = summary["findings"]["by_category"]
kinds = summary["tools"]["by_name"] if mode == "tools" else summary["protocols"]["by_type"]
runs = sum(kind["total_runs"] for kind in kinds.values())
counts = [found.get(category, 0) for category in ("crash", "hang", "internal_error", "error_leakage")]
print(server, mode, runs, len(accepted), len(malformed) if mode == "tools" else "", *counts, sep=",")
