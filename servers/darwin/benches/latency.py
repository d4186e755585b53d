"""Latency of one ask and one tell over stdio, with the journal in a given directory.

    python latency.py BINARY DIRECTORY [PAIRS]

Prints the 50th and 99th percentile of ask, of tell and of both, in ms. Every ask and every tell is on
disk before its answer; a directory in memory shows what the rest costs. On a loaded machine the
figures are those of its scheduler.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time

binary, directory = sys.argv[1:3]
pairs = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
state = tempfile.mkdtemp(dir=directory)
server = subprocess.Popen(
    [binary, "--state-dir", state, "--log-level", "error"],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
    text=True,
    bufsize=1,
)
number = 0


def request(method, params):
    global number
    number += 1
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    server.stdin.write(json.dumps(message) + "\n")
    server.stdin.flush()
    while True:
        answer = json.loads(server.stdout.readline())
        if answer.get("id") == number:
            return answer["result"]


def call(tool, **arguments):
    result = request("tools/call", {"name": tool, "arguments": arguments})
    assert not result.get("isError"), result
    return result["structuredContent"]


request("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}})
server.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
variables = [{"name": "x", "lo": 0, "hi": 1, "length": 5}]
run = call("create_run", problem={"variables": variables, "objectives": [{}]}, budget={"max_evals": 100000}, seed=1, start=True)["run_id"]
asks, tells = [], []
for _ in range(pairs):
    begun = time.perf_counter()
    trial = call("ask_trials", run_id=run)["trials"][0]
    asked = time.perf_counter()
    call("tell_trials", run_id=run, trials=[{"id": trial["id"], "values": [sum(v * v for v in trial["values"]["x"])]}])
    told = time.perf_counter()
    asks.append(1000 * (asked - begun))
    tells.append(1000 * (told - asked))
server.stdin.close()
server.wait(10)
for name, all_of_it in [("ask", asks), ("tell", tells), ("both", [a + t for a, t in zip(asks, tells)])]:
    cut = statistics.quantiles(all_of_it, n=100)
    print(f"{name:5} p50 {cut[49]:.3f} ms  p99 {cut[98]:.3f} ms")
