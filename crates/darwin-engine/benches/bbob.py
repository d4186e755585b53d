"""BBOB: the engine's algorithms against pycma, the same triples, interleaved in one process.

    pip install cma==4.5.* coco-experiment numpy
    cargo build --release -p darwin-engine --example asktell
    python crates/darwin-engine/benches/bbob.py target/release/examples/asktell rows.csv 5:1-3 10:1
    python crates/darwin-engine/benches/bbob.py summary rows.csv

Functions f1 to f24, budget 10^4 x D evaluations, target f_opt + 1e-8. A row per run: evaluations
until the target (empty when missed), precision reached, and how many of 51 targets from 10^2 to
10^-8 were hit. CPU time of the engine is that of its own process.
"""

import csv
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time

import cma
import cocoex
import numpy as np

TARGETS = 10.0 ** np.linspace(2, -8, 51)


class Recorder:
    """Counts evaluations, and stops at the target or the end of the budget."""

    def __init__(self, problem, budget, f_opt):
        self.problem, self.budget, self.f_opt = problem, budget, f_opt
        self.evals, self.best, self.hit = 0, np.inf, None

    def __call__(self, x):
        if self.done():
            return self.best + self.f_opt
        f = self.problem(x)
        self.evals += 1
        self.best = min(self.best, f - self.f_opt)
        if self.hit is None and self.best <= 1e-8:
            self.hit = self.evals
        return f

    def done(self):
        return self.hit is not None or self.evals >= self.budget


def engine(binary, algorithm):
    def run(recorder, dimension, seed):
        arguments = [binary, algorithm, dimension, -5, 5, recorder.budget, seed]
        process = subprocess.Popen(
            [str(argument) for argument in arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        while not recorder.done():
            (count,) = struct.unpack("<I", process.stdout.read(4))
            if count == 0:
                break
            rows = np.frombuffer(process.stdout.read(8 * count * dimension)).reshape(count, dimension)
            process.stdin.write(np.array([recorder(x) for x in rows]).tobytes())
            process.stdin.flush()
        process.stdin.close()
        process.stdout.close()
        process.wait()

    return run


def pycma(recorder, dimension, seed):
    rng = np.random.default_rng(seed)
    options = {
        "ftarget": recorder.f_opt + 1e-8,
        "maxfevals": recorder.budget,
        "seed": seed,
        "verbose": -9,
        "verb_log": 0,
    }
    start = lambda: rng.uniform(-4, 4, dimension)
    cma.fmin2(recorder, start, 2, options, bipop=True, restarts=99)


def optimum(dimension, function, instance):
    """The value at the best point, on a copy of the problem: coco tells the point by a file only."""
    problem = copy(dimension, function, instance)
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        problem._best_parameter("print")
        (name,) = os.listdir(folder)
        point = np.loadtxt(name)
        os.chdir(before)
    return problem(point)


def copy(dimension, function, instance):
    choice = f"dimensions: {dimension} function_indices: {function}"
    return cocoex.Suite("bbob", f"instances: {instance}", choice).next_problem()


def cpu():
    return time.process_time() + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def summary(path):
    """Per dimension and solver: runs solved, share of targets hit, CPU time, where pycma differs."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    for dimension in sorted({row["dimension"] for row in rows}, key=int):
        here = [row for row in rows if row["dimension"] == dimension]
        solvers = list(dict.fromkeys(row["solver"] for row in here))
        triples = [(row["function"], row["instance"]) for row in here]
        # Only problems that every solver has finished.
        whole = [one for one in dict.fromkeys(triples) if triples.count(one) == len(solvers)]
        solved = {}
        print(f"\n{dimension}-D, {len(whole)} problems\n\n| Solver | Solved | Targets | CPU s |\n|---|---|---|---|")
        for solver in solvers:
            mine = [r for r in here if r["solver"] == solver and (r["function"], r["instance"]) in whole]
            solved[solver] = {(r["function"], r["instance"]) for r in mine if r["hit"]}
            targets = sum(int(row["targets"]) for row in mine) / (51 * len(mine))
            seconds = sum(float(row["cpu_s"]) for row in mine)
            print(f"| {solver} | {len(solved[solver])} | {targets:.3f} | {seconds:.1f} |")
        show = lambda pairs: ", ".join(f"f{f}/{i}" for f, i in sorted(pairs, key=lambda p: (int(p[0]), p[1])))
        print(f"\nportfolio only: {show(solved['portfolio'] - solved['pycma-bipop']) or 'none'}; ", end="")
        print(f"pycma only: {show(solved['pycma-bipop'] - solved['portfolio']) or 'none'}")
        both = solved["cma_es"] & solved["pycma-bipop"]
        hits = {(r["solver"], r["function"], r["instance"]): r["hit"] for r in here}
        ratios = [int(hits["cma_es", *one]) / int(hits["pycma-bipop", *one]) for one in both]
        if ratios:
            print(f"cma_es / pycma evaluations where both solve: {np.exp(np.mean(np.log(ratios))):.2f}")


def main():
    if sys.argv[1] == "summary":
        summary(sys.argv[2])
        return
    binary, path, *plans = sys.argv[1:]
    solvers = {
        "portfolio": engine(binary, "portfolio"),
        "cma_es": engine(binary, "cma_es"),
        "lshade": engine(binary, "lshade"),
        "pycma-bipop": pycma,
    }
    with open(path, "w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow("dimension function instance solver evals hit precision targets cpu_s".split())
        for plan in plans:
            dimension, instances = plan.split(":")
            first, _, last = instances.partition("-")
            for instance in range(int(first), int(last or first) + 1):
                for function in range(1, 25):
                    f_opt = optimum(int(dimension), function, instance)
                    for name, solve in solvers.items():
                        row(rows, int(dimension), function, instance, f_opt, name, solve)
                        out.flush()


def row(rows, dimension, function, instance, f_opt, name, solve):
    recorder = Recorder(copy(dimension, function, instance), 10_000 * dimension, f_opt)
    before = cpu()
    solve(recorder, dimension, 1000 * function + instance)
    spent = cpu() - before
    targets = int(np.sum(recorder.best <= TARGETS))
    precision = f"{max(recorder.best, 0):.3e}"
    hit = recorder.hit or ""
    rows.writerow([dimension, function, instance, name, recorder.evals, hit, precision, targets, f"{spent:.3f}"])


if __name__ == "__main__":
    main()
