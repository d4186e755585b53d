"""One peer on one problem with one seed, as a row of JSON: what it came to, evaluations, CPU time.

    python benches/darwin/peer.py LIBRARY PROBLEM SEED [DIRECTORY]
    python benches/darwin/peer.py versions

`cargo xtask bench darwin` runs it; `scripts/ci-tools darwin-peers` installs what it needs. Every library
is used as its documents show, with the settings that the page of figures names; time for imports and for
setting up is not counted.
"""

import json
import math
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")
GENERATIONS, POPULATION = 500, 100
FRONT_EVALS = 25_000
OPTIMA = {"berlin52": 7542, "eil51": 426, "kroA100": 21282, "ch130": 6110, "pr76": 108159, "a280": 2579}


def rastrigin(x):
    return 10 * len(x) + sum(v * v - 10 * math.cos(2 * math.pi * v) for v in x)


def rastrigin_rows(x):
    return 10 * x.shape[1] + np.sum(x * x - 10 * np.cos(2 * np.pi * x), axis=1)


def front_rows(name, x):
    """Objectives of ZDT1 to ZDT3 and DTLZ2, a row for each point."""
    if name == "dtlz2":
        g = 1 + np.sum((x[:, 2:] - 0.5) ** 2, axis=1)
        a, b = x[:, 0] * np.pi / 2, x[:, 1] * np.pi / 2
        return np.column_stack([g * np.cos(a) * np.cos(b), g * np.cos(a) * np.sin(b), g * np.sin(a)])
    f = x[:, 0]
    g = 1 + 9 * np.sum(x[:, 1:], axis=1) / (x.shape[1] - 1)
    if name == "zdt1":
        second = g * (1 - np.sqrt(f / g))
    elif name == "zdt2":
        second = g * (1 - (f / g) ** 2)
    else:
        second = g * (1 - np.sqrt(f / g) - f / g * np.sin(10 * np.pi * f))
    return np.column_stack([f, second])


def shape(name):
    """Variables and objectives."""
    return (12, 3) if name == "dtlz2" else (30, 2)


def volume(points):
    import pygmo

    points = np.asarray(points, dtype=float)
    inside = points[np.all(points < 1.1, axis=1)]
    return pygmo.hypervolume(inside).compute([1.1] * points.shape[1]) if len(inside) else 0.0


class Timer:
    def __enter__(self):
        self.begun = time.process_time()
        return self

    def __exit__(self, *_):
        self.seconds = time.process_time() - self.begun


# Speed: Rastrigin in 20 variables.


def deap_ga(seed):
    import random

    from deap import algorithms, base, creator, tools

    random.seed(seed)
    creator.create("Cost", base.Fitness, weights=(-1.0,))
    creator.create("Point", list, fitness=creator.Cost)
    box = base.Toolbox()
    box.register("gene", random.uniform, -5.12, 5.12)
    box.register("individual", tools.initRepeat, creator.Point, box.gene, 20)
    box.register("population", tools.initRepeat, list, box.individual)
    box.register("evaluate", lambda x: (rastrigin(x),))
    box.register("mate", tools.cxSimulatedBinaryBounded, eta=15, low=-5.12, up=5.12)
    box.register("mutate", tools.mutPolynomialBounded, eta=20, low=-5.12, up=5.12, indpb=1 / 20)
    box.register("select", tools.selTournament, tournsize=3)
    best = tools.HallOfFame(1)
    with Timer() as timer:
        population = box.population(POPULATION)
        _, log = algorithms.eaSimple(population, box, 0.9, 1.0, GENERATIONS, halloffame=best, verbose=False)
    return best[0].fitness.values[0], sum(log.select("nevals")), timer


def pymoo_ga(seed):
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.problem import Problem
    from pymoo.optimize import minimize

    class Rastrigin(Problem):
        def __init__(self):
            super().__init__(n_var=20, n_obj=1, xl=-5.12, xu=5.12)

        def _evaluate(self, x, out, *args, **kwargs):
            out["F"] = rastrigin_rows(x)

    with Timer() as timer:
        result = minimize(Rastrigin(), GA(pop_size=POPULATION), ("n_gen", GENERATIONS), seed=seed)
    return float(result.F[0]), result.algorithm.evaluator.n_eval, timer


def pygmo_ga(seed):
    import pygmo

    algorithm = pygmo.algorithm(
        pygmo.sga(GENERATIONS, cr=0.9, eta_c=15.0, m=1 / 20, param_m=20.0, param_s=3, crossover="sbx",
                  mutation="polynomial", selection="tournament", seed=seed)
    )
    with Timer() as timer:
        population = pygmo.population(pygmo.rastrigin(20), POPULATION, seed=seed)
        population = algorithm.evolve(population)
    return float(population.champion_f[0]), population.problem.get_fevals(), timer


def pycma_es(seed):
    import cma

    options = {"popsize": POPULATION, "maxiter": GENERATIONS, "bounds": [-5.12, 5.12], "seed": seed,
               "verbose": -9, "verb_log": 0}
    with Timer() as timer:
        start = np.random.default_rng(seed).uniform(-5.12, 5.12, 20)
        _, strategy = cma.fmin2(rastrigin, start, 2.0, options)
    return strategy.result.fbest, strategy.result.evaluations, timer


# Fronts.


def pymoo_front(kind, name, seed):
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.algorithms.moo.nsga3 import NSGA3
    from pymoo.algorithms.moo.sms import SMSEMOA
    from pymoo.core.problem import Problem
    from pymoo.optimize import minimize
    from pymoo.util.ref_dirs import get_reference_directions

    variables, objectives = shape(name)

    class Known(Problem):
        def __init__(self):
            super().__init__(n_var=variables, n_obj=objectives, xl=0.0, xu=1.0)

        def _evaluate(self, x, out, *args, **kwargs):
            out["F"] = front_rows(name, x)

    if kind == "nsga2":
        algorithm = NSGA2(pop_size=POPULATION)
    elif kind == "sms":
        algorithm = SMSEMOA(pop_size=POPULATION)
    else:
        parts = 12 if objectives == 3 else 99
        directions = get_reference_directions("das-dennis", objectives, n_partitions=parts)
        algorithm = NSGA3(directions, pop_size=POPULATION)
    with Timer() as timer:
        result = minimize(Known(), algorithm, ("n_eval", FRONT_EVALS), seed=seed)
    return volume(result.F), result.algorithm.evaluator.n_eval, timer


def pygmo_nsga2(name, seed):
    import pygmo

    variables, _ = shape(name)
    known = pygmo.dtlz(2, dim=12, fdim=3, alpha=100) if name == "dtlz2" else pygmo.zdt(int(name[3]), param=30)
    algorithm = pygmo.algorithm(
        pygmo.nsga2(FRONT_EVALS // POPULATION - 1, cr=0.9, eta_c=15.0, m=1 / variables, eta_m=20.0, seed=seed)
    )
    with Timer() as timer:
        population = algorithm.evolve(pygmo.population(known, POPULATION, seed=seed))
    return volume(population.get_f()), population.problem.get_fevals(), timer


def deap_nsga2(name, seed):
    import random

    from deap import base, creator, tools

    random.seed(seed)
    variables, objectives = shape(name)
    creator.create("Costs", base.Fitness, weights=(-1.0,) * objectives)
    creator.create("Point", list, fitness=creator.Costs)
    box = base.Toolbox()
    box.register("individual", tools.initRepeat, creator.Point, random.random, variables)
    box.register("population", tools.initRepeat, list, box.individual)
    mate = lambda a, b: tools.cxSimulatedBinaryBounded(a, b, eta=15, low=0.0, up=1.0)
    mutate = lambda a: tools.mutPolynomialBounded(a, eta=20, low=0.0, up=1.0, indpb=1 / variables)
    evals = 0

    def evaluate(points):
        nonlocal evals
        for point, values in zip(points, front_rows(name, np.array(points))):
            point.fitness.values = tuple(values)
        evals += len(points)

    with Timer() as timer:
        population = box.population(POPULATION)
        evaluate(population)
        population = tools.selNSGA2(population, POPULATION)
        for _ in range(FRONT_EVALS // POPULATION - 1):
            children = [creator.Point(one) for one in tools.selTournamentDCD(population, POPULATION)]
            for a, b in zip(children[::2], children[1::2]):
                if random.random() <= 0.9:
                    mate(a, b)
                mutate(a), mutate(b)
            evaluate(children)
            population = tools.selNSGA2(population + children, POPULATION)
    return volume([one.fitness.values for one in population]), evals, timer


# Few evaluations.

HARTMANN_A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8],
                       [17, 8, 0.05, 10, 0.1, 14]])
HARTMANN_P = np.array([[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                       [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]) / 1e4


def optuna_tpe(seed):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def hartmann(trial):
        x = np.array([trial.suggest_float(f"x{k}", 0, 1) for k in range(6)])
        weights = np.array([1, 1.2, 3, 3.2])
        return float(-np.sum(weights * np.exp(-np.sum(HARTMANN_A * (x - HARTMANN_P) ** 2, axis=1))))

    with Timer() as timer:
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        study.optimize(hartmann, n_trials=100)
    return study.best_value, 100, timer


# Tours.


def pymoo_tour(name, seed, directory):
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.problem import ElementwiseProblem
    from pymoo.operators.crossover.ox import OrderCrossover
    from pymoo.operators.mutation.inversion import InversionMutation
    from pymoo.operators.sampling.rnd import PermutationRandomSampling
    from pymoo.optimize import minimize

    with open(f"{directory}/{name}.tsp") as file:
        lines = file.read().split("NODE_COORD_SECTION")[1].split("\n")
    points = np.array([[float(v) for v in line.split()[1:3]] for line in lines if len(line.split()) == 3])
    distance = np.floor(np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)) + 0.5)

    class Tour(ElementwiseProblem):
        def __init__(self):
            super().__init__(n_var=len(points), n_obj=1, xl=0, xu=len(points) - 1, vtype=int)

        def _evaluate(self, x, out, *args, **kwargs):
            out["F"] = distance[x, np.roll(x, -1)].sum()

    algorithm = GA(pop_size=POPULATION, sampling=PermutationRandomSampling(), mutation=InversionMutation(),
                   crossover=OrderCrossover(), eliminate_duplicates=True)
    with Timer() as timer:
        result = minimize(Tour(), algorithm, ("n_eval", 100_000), seed=seed)
    return 100 * (float(result.F[0]) / OPTIMA[name] - 1), result.algorithm.evaluator.n_eval, timer


# Formulas.

LAWS = [
    (lambda x: x + x**2 + x**3, -1, 1),
    (lambda x: x + x**2 + x**3 + x**4, -1, 1),
    (lambda x: x + x**2 + x**3 + x**4 + x**5, -1, 1),
    (lambda x: x + x**2 + x**3 + x**4 + x**5 + x**6, -1, 1),
    (lambda x: np.sin(x**2) * np.cos(x) - 1, -1, 1),
    (lambda x: np.sin(x) + np.sin(x + x**2), -1, 1),
    (lambda x: np.log(x + 1) + np.log(x**2 + 1), 0, 2),
    (lambda x: np.sqrt(x), 0, 4),
]


def gplearn_law(name, seed):
    from gplearn.genetic import SymbolicRegressor

    law, lo, hi = LAWS[int(name.removeprefix("nguyen")) - 1]
    rows = lambda first, last: lo + (np.arange(first, last) * math.sqrt(2) % 1) * (hi - lo)
    x, other = rows(1, 21), rows(5001, 6001)
    model = SymbolicRegressor(
        population_size=1000, generations=20, metric="rmse", parsimony_coefficient=0.001, stopping_criteria=1e-9,
        function_set=("add", "sub", "mul", "div", "sin", "cos", "log", "sqrt"), random_state=seed,
    )
    with Timer() as timer:
        model.fit(x[:, None], law(x))
    error = float(np.sqrt(np.mean((model.predict(other[:, None]) - law(other)) ** 2)))
    return error, 1000 * len(model.run_details_["generation"]), timer


def versions():
    from importlib.metadata import version

    packages = {"pycma": "cma", "pymoo": "pymoo", "deap": "deap", "pygmo": "pygmo", "optuna": "optuna",
                "gplearn": "gplearn"}
    return {name: version(package) for name, package in packages.items()}


def main():
    if sys.argv[1] == "versions":
        print(json.dumps(versions()))
        return
    peer, problem, seed, *rest = sys.argv[1:]
    seed = int(seed)
    runs = {
        "deap-ga": lambda: deap_ga(seed),
        "pymoo-ga": lambda: pymoo_ga(seed),
        "pygmo-sga": lambda: pygmo_ga(seed),
        "pycma-es": lambda: pycma_es(seed),
        "pymoo-nsga2": lambda: pymoo_front("nsga2", problem, seed),
        "pymoo-nsga3": lambda: pymoo_front("nsga3", problem, seed),
        "pymoo-sms": lambda: pymoo_front("sms", problem, seed),
        "pygmo-nsga2": lambda: pygmo_nsga2(problem, seed),
        "deap-nsga2": lambda: deap_nsga2(problem, seed),
        "optuna-tpe": lambda: optuna_tpe(seed),
        "pymoo-order-ga": lambda: pymoo_tour(problem, seed, rest[0]),
        "gplearn": lambda: gplearn_law(problem, seed),
    }
    value, evals, timer = runs[peer]()
    print(json.dumps({"value": value, "evals": int(evals), "cpu_s": timer.seconds}))


if __name__ == "__main__":
    main()
