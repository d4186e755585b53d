"""Peer figure of tests/methods.rs: Optuna's TPE on Hartmann's function of six variables.

    pip install optuna && python tpe.py

100 evaluations, default sampler, seeds 1 to 21; prints version, median, least and most.
"""

import math
import statistics

import optuna

C = [1.0, 1.2, 3.0, 3.2]
A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
P = [
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]


def hartmann(trial):
    x = [trial.suggest_float(f"x{j}", 0, 1) for j in range(6)]
    return -sum(
        c * math.exp(-sum(a * (v - p) ** 2 for a, v, p in zip(row, x, middle)))
        for c, row, middle in zip(C, A, P)
    )


optuna.logging.set_verbosity(optuna.logging.ERROR)
best = []
for seed in range(1, 22):
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(hartmann, n_trials=100)
    best.append(study.best_value)
print(optuna.__version__, statistics.median(best), min(best), max(best))
