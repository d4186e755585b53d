"""Expected LOO and WAIC of log likelihoods that both sides make alike. Needs arviz 0.22.0; writes data/elpd.txt."""

import warnings

import arviz as az
import numpy as np

warnings.filterwarnings("ignore")
CHAINS, POINTS, SETS, GROUP = 4, 20, 12, 3


def logs(number):
    """Chains x draws x points: Gaussian log densities (less their constant) whose mean and precision wander."""
    state = 4711 + 100 * number

    def uniform():
        nonlocal state
        state = (state * 1103515245 + 12345) % 2147483648
        return (state + 0.5) / 2147483648.0

    # models of a group share their observations
    observed = [((number // GROUP * 7 + 3 * point) % 11) / 3.0 - 1.5 for point in range(POINTS)]
    observed[-1] = 1.5 + 0.6 * (number // GROUP)
    draws, spread = 60 + 80 * (number // GROUP), (0.25, 0.8, 0.4, 1.5)[number // GROUP]
    rows = []
    for _ in range(CHAINS):
        row = []
        for _ in range(draws):
            mean = 0.4 * (number % GROUP) + spread * (uniform() + uniform() + uniform() + uniform() - 2.0)
            precision = 0.6 + 0.8 * uniform()
            row.append([0.5 * np.log(precision) - 0.5 * precision * (y - mean) * (y - mean) for y in observed])
        rows.append(row)
    return np.array(rows)


def data(number):
    return az.from_dict(posterior={"x": np.zeros((2, 4))}, log_likelihood={"y": logs(number)})


def shown(values):
    return " ".join(repr(float(value)) for value in values)


print("# ArviZ 0.22.0: set, relative efficiency, LOO (elpd, se, p), WAIC (elpd, se, p), k and elpd of each point")
for number in range(SETS):
    efficiency = 0.3 + 0.1 * number
    loo = az.loo(data(number), pointwise=True, reff=efficiency)
    waic = az.waic(data(number), pointwise=True)
    print(
        "set", number, efficiency, shown([loo.elpd_loo, loo.se, loo.p_loo, waic.elpd_waic, waic.se, waic.p_waic]),
        shown(loo.pareto_k.values), shown(loo.loo_i.values),
    )
print("# group, then for each of its sets: place, difference, its error, weight by stacking, by pseudo-BMA+")
for group in range(SETS // GROUP):
    members = range(group * GROUP, (group + 1) * GROUP)
    scored = {str(n): az.loo(data(n), pointwise=True, reff=0.3 + 0.1 * n) for n in members}
    stacked = az.compare(scored, method="stacking")
    averaged = az.compare(scored, method="bb-pseudo-bma", b_samples=100000, seed=1)
    print("group", group, " ".join(
        f"{stacked.loc[str(n), 'rank']} "
        + shown([stacked.loc[str(n), c] for c in ("elpd_diff", "dse", "weight")] + [averaged.loc[str(n), "weight"]])
        for n in members
    ))
