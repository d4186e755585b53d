"""BBOB: the engine's algorithms against pycma, the same triples, interleaved in one process.

    pip install cma==4.5.* coco-experiment numpy
    cargo build --release -p darwin-engine --example asktell
    python crates/darwin-engine/benches/bbob.py target/release/examples/asktell rows.csv 5:1-3 10:1

Functions f1 to f24, budget 10^4 x D evaluations, target f_opt + 1e-8. A row per run: evaluations
until the target (empty when missed), precision reached, and how many of 51 targets from 10^2 to
10^-8 were hit. CPU time of the engine is that of its own process.
"""

import csv
import resource
import struct
import subprocess
import sys
import time

import cma
import cocoex
import numpy as np

TARGETS = 10.0 ** np.linspace(2, -8, 51)


class Recorder:
    """Counts evaluations, and stops at the target or the end of the budget."""

    def __init__(self, problem, budget):
        self.problem, self.budget = problem, budget
        self.f_opt = problem.final_target_fvalue1 - 1e-8
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


def cpu():
    return time.process_time() + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def main():
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
                    for name, solve in solvers.items():
                        row(rows, int(dimension), function, instance, name, solve)
                        out.flush()


def row(rows, dimension, function, instance, name, solve):
    choice = f"dimensions: {dimension} function_indices: {function}"
    suite = cocoex.Suite("bbob", f"instances: {instance}", choice)
    recorder = Recorder(suite.next_problem(), 10_000 * dimension)
    before = cpu()
    solve(recorder, dimension, 1000 * function + instance)
    spent = cpu() - before
    targets = int(np.sum(recorder.best <= TARGETS))
    precision = f"{max(recorder.best, 0):.3e}"
    hit = recorder.hit or ""
    rows.writerow([dimension, function, instance, name, recorder.evals, hit, precision, targets, f"{spent:.3f}"])


if __name__ == "__main__":
    main()
