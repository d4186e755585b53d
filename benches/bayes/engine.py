"""One engine on one model and seed: CPU time, gradients, and ESS by ArviZ, as a line of JSON.

    engine.py ENGINE MODEL SEED [DIRECTORY]
    engine.py versions

DIRECTORY holds this repository's `sample` and takes its draws. CPU time is that of sampling: the process and
its children, compilation excluded; of this repository's engine it is the whole process, parsing included.
"""
import contextlib
import hashlib
import importlib.metadata
import json
import os
import pathlib
import resource
import subprocess
import sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402

HERE = pathlib.Path(__file__).parent
CHAINS, TUNE, DRAWS = 4, 1000, 1000
WANTED = {
    "schools": ["mu", "tau", "theta"],
    "logit": ["alpha", "beta"],
    "radon": ["g0", "g1", "b", "sa", "sy", "alpha"],
}
SHA256 = "468274be9f16c5014ae0a7a357a00318fb602a6b7d94bc0074db130bf65435a4"


def data_sets():
    rng = np.random.default_rng(20261120)
    d = {}
    d["schools"] = dict(J=8, y=[28, 8, -3, 7, -1, 1, 18, 12], sigma=[15, 10, 16, 11, 9, 11, 10, 18])
    n, p = 1000, 10
    x = rng.standard_normal((n, p))
    b = 0.5 * rng.standard_normal(p)
    y = (rng.random(n) < 1 / (1 + np.exp(-(0.3 + x @ b)))).astype(int)
    d["logit"] = dict(n=n, p=p, X=x.tolist(), y=y.tolist(), true=[0.3] + b.tolist())
    j, n = 85, 919
    w = rng.gamma(0.6, 1, j) + 0.05
    county = rng.choice(j, n, p=w / w.sum())
    county[:j] = np.arange(j)
    floor = (rng.random(n) < 0.17).astype(int)
    u = 0.4 * rng.standard_normal(j)
    a = 1.45 + 0.7 * u + 0.16 * rng.standard_normal(j)
    y = a[county] - 0.67 * floor + 0.75 * rng.standard_normal(n)
    d["radon"] = dict(
        J=j, N=n, county=(county + 1).tolist(), floor=floor.tolist(), u=u.tolist(), y=y.tolist()
    )
    found = hashlib.sha256(json.dumps(d).encode()).hexdigest()
    assert found == SHA256, f"other data than the others measured: {found}"
    return d


def cpu():
    """Seconds of this process, of its children that ended, and of those that run."""
    used = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        used += usage.ru_utime + usage.ru_stime
    children = {}
    for path in pathlib.Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (path / "stat").read_text().rsplit(")", 1)[1].split()
                children.setdefault(int(fields[1]), []).append((int(path.name), fields))
    left = [os.getpid()]
    while left:
        for pid, fields in children.get(left.pop(), []):
            used += sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")
            left.append(pid)
    return used


def machina(model, data, seed, directory):
    paths = [directory / f"{model}.{end}" for end in ("json", "draws")]
    paths[0].write_text(json.dumps(data))
    said = subprocess.run(
        [directory / "sample", HERE / f"models/{model}.stan", *paths, str(seed), str(TUNE), str(DRAWS), str(CHAINS)],
        check=True, capture_output=True, text=True,
    )
    said = json.loads(said.stdout)
    numbers = np.fromfile(paths[1]).reshape(CHAINS, DRAWS, -1)
    draws = {label: numbers[:, :, place] for label, place in said["labels"]}
    return said["cpu_s"], said["gradients"], said["divergent"], draws


def pymc_model(model, data):
    import pymc as pm

    with pm.Model() as built:
        if model == "schools":
            mu, tau = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5)
            z = pm.Normal("z", 0, 1, shape=data["J"])
            theta = pm.Deterministic("theta", mu + tau * z)
            pm.Normal("y", theta, np.array(data["sigma"], float), observed=np.array(data["y"], float))
        elif model == "logit":
            alpha, beta = pm.Normal("alpha", 0, 2.5), pm.Normal("beta", 0, 2.5, shape=data["p"])
            pm.Bernoulli("y", logit_p=alpha + np.array(data["X"]) @ beta, observed=np.array(data["y"]))
        else:
            g0, g1, b = (pm.Normal(name, 0, 5) for name in ("g0", "g1", "b"))
            sa, sy = pm.HalfNormal("sa", 1), pm.HalfNormal("sy", 1)
            z = pm.Normal("z", 0, 1, shape=data["J"])
            alpha = pm.Deterministic("alpha", g0 + g1 * np.array(data["u"]) + sa * z)
            mean = alpha[np.array(data["county"]) - 1] + b * np.array(data["floor"])
            pm.Normal("y", mean, sy, observed=np.array(data["y"]))
    return built


def of_trace(model, trace):
    """Gradients of all iterations, divergences, draws by element."""
    steps = sum(
        int(getattr(trace, group)["n_steps"].sum()) for group in ("sample_stats", "warmup_sample_stats")
    )
    draws = {}
    for name in WANTED[model]:
        values = np.asarray(trace.posterior[name])
        values = values.reshape(*values.shape[:2], -1)
        draws.update({f"{name}[{at + 1}]": values[:, :, at] for at in range(values.shape[2])})
    return steps, int(trace.sample_stats["diverging"].sum()), draws


def nutpie(model, data, seed, low_rank=False):
    import nutpie

    built = nutpie.compile_pymc_model(pymc_model(model, data))
    # what is compiled at the first call is no part of sampling
    nutpie.sample(built, draws=5, tune=5, chains=1, seed=1, progress_bar=False)
    before = cpu()
    more = {"low_rank_modified_mass_matrix": True} if low_rank else {}
    trace = nutpie.sample(
        built, draws=DRAWS, tune=TUNE, chains=CHAINS, cores=2, seed=seed, progress_bar=False, **more
    )
    return cpu() - before, *of_trace(model, trace)


def pymc(model, data, seed):
    import pymc as pm

    with pymc_model(model, data):
        options = dict(chains=CHAINS, cores=1, progressbar=False, compute_convergence_checks=False)
        pm.sample(draws=5, tune=5, random_seed=1, **options)
        before = cpu()
        trace = pm.sample(
            draws=DRAWS, tune=TUNE, random_seed=seed, discard_tuned_samples=False, **options
        )
    used = cpu() - before
    return used, *of_trace(model, trace)


def pystan(model, data, seed):
    import stan

    data = {name: value for name, value in data.items() if name != "true"}
    built = stan.build((HERE / f"models/{model}.stan").read_text(), data=data, random_seed=seed)
    before = cpu()
    fit = built.sample(num_chains=CHAINS, num_warmup=TUNE, num_samples=DRAWS, save_warmup=True)
    used = cpu() - before
    # draws of all chains are interleaved: (element, iteration, chain)
    shaped = lambda values: values.reshape(-1, TUNE + DRAWS, CHAINS)  # noqa: E731
    steps, draws = int(fit["n_leapfrog__"].sum()), {}
    for name in WANTED[model]:
        values = shaped(fit[name])[:, TUNE:, :]
        draws.update({f"{name}[{at + 1}]": row.T for at, row in enumerate(values)})
    divergent = int(shaped(fit["divergent__"])[:, TUNE:, :].sum())
    return used, steps, divergent, draws


def nextstat(model, data, seed):
    import nextstat as ns

    if model == "schools":
        built = ns.EightSchoolsModel(data["y"], data["sigma"], prior_mu_sigma=5.0, prior_tau_scale=5.0)
    elif model == "logit":
        built = ns.ComposedGlmModel.logistic_regression(
            data["X"], data["y"], include_intercept=True, coef_prior_mu=0.0, coef_prior_sigma=2.5,
            penalize_intercept=True,
        )
    else:  # the nearest it has: priors of its own
        x = [[u, float(f)] for u, f in zip((data["u"][c - 1] for c in data["county"]), data["floor"])]
        built = ns.ComposedGlmModel.linear_regression(
            x, data["y"], include_intercept=True, group_idx=[c - 1 for c in data["county"]],
            n_groups=data["J"], coef_prior_mu=0.0, coef_prior_sigma=5.0, obs_sigma_prior_m=0.0,
            obs_sigma_prior_s=1.0, random_intercept_non_centered=True,
        )
    before = cpu()
    said = ns._core.sample(built, n_chains=CHAINS, n_warmup=TUNE, n_samples=DRAWS, seed=seed)
    used = cpu() - before
    draws = {name: np.array(values) for name, values in said["posterior"].items()}
    if model == "schools":
        for at in range(8):
            draws[f"theta[{at}]"] = draws["mu"] + draws["tau"] * draws.pop(f"theta_raw[{at}]")
    stats = said["sample_stats"]
    steps = int(np.sum(stats["n_leapfrog"]) + np.sum(stats["n_leapfrog_warmup_total"]))
    return used, steps, int(np.sum(stats["diverging"])), draws


def run(engine, model, seed, directory):
    import arviz_stats

    data = data_sets()[model]
    if engine == "machina":
        found = machina(model, data, seed, directory)
    elif engine == "nutpie-low-rank":
        found = nutpie(model, data, seed, low_rank=True)
    else:
        found = {"nutpie": nutpie, "pymc": pymc, "pystan": pystan, "nextstat": nextstat}[engine](model, data, seed)
    used, gradients, divergent, draws = found
    wanted = WANTED[model]
    if engine != "nextstat":
        draws = {name: values for name, values in draws.items() if name.split("[")[0] in wanted}
    base = arviz_stats.base.array_stats
    ess = {name: float(base.ess(values, chain_axis=0, draw_axis=1)) for name, values in draws.items()}
    rhat = max(float(base.rhat(values, chain_axis=0, draw_axis=1)) for values in draws.values())
    least = min(ess, key=ess.get)
    means = {name: float(values.mean()) for name, values in list(draws.items())[:12]}
    return dict(
        cpu_s=used, gradients=gradients, divergent=divergent, ess=ess[least], least=least, r_hat=rhat,
        quantities=len(draws), means=means,
    )


def main():
    if sys.argv[1] == "versions":
        names = ["nutpie", "pystan", "nextstat", "pymc", "arviz"]
        found = {}
        for name in names:
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                found[name] = importlib.metadata.version(name)
        print(json.dumps(found))
        return
    engine, model, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    directory = pathlib.Path(sys.argv[4]) if len(sys.argv) > 4 else None
    # engines talk; the last line is ours
    with contextlib.redirect_stdout(sys.stderr):
        said = run(engine, model, seed, directory)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
