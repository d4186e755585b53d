"""Random cases of the exact tools by mpmath 1.4.1 at 40 digits: writes ../data/exact.txt.

Quantiles: two secant steps of mpmath on SciPy's value. JZS: the integral of Rouder 2009 over log g.
Lines: kind, arguments, then what is expected.
"""
import random

import mpmath as mp
from scipy import stats

mp.mp.dps = 40
draw = random.Random(20261122)
lines = []


def log_uniform(low, high):
    return float(f"{low * (high / low) ** draw.random():.6g}")


def root(cdf, start):
    return mp.findroot(lambda x: cdf(x), (start, start * (1 + mp.mpf(10) ** -8)), tol=mp.mpf(10) ** -60)


def quantiles(cdf, guess, level):
    return [root(lambda x, p=p: cdf(x) - p, mp.mpf(guess(float(p)))) for p in ((1 - level) / 2, mp.mpf(1) / 2, (1 + level) / 2)]


def add(kind, arguments, values):
    lines.append(" ".join([kind, *(repr(x) for x in arguments), *(mp.nstr(value, 20) for value in values)]))


for _ in range(110):
    a, b = log_uniform(0.3, 50), log_uniform(0.3, 50)
    n = int(log_uniform(1, 20000))
    k = draw.randint(0, n)
    level = mp.mpf(draw.choice(["0.5", "0.9", "0.95"]))
    p, q = mp.mpf(a) + k, mp.mpf(b) + n - k
    found = quantiles(lambda x: mp.betainc(p, q, 0, x, regularized=True), lambda u: stats.beta.ppf(u, float(p), float(q)), level)
    log_marginal = mp.log(mp.binomial(n, k)) + mp.log(mp.beta(p, q)) - mp.log(mp.beta(a, b))
    add("beta_binomial", (a, b, k, n, float(level)), [*found, log_marginal])

for _ in range(110):
    shape, rate = log_uniform(0.3, 50), log_uniform(0.01, 10)
    events, exposure = int(log_uniform(1, 5000)), log_uniform(0.1, 1000)
    level = mp.mpf(draw.choice(["0.5", "0.9", "0.95"]))
    a, b = mp.mpf(shape) + events, mp.mpf(rate) + mp.mpf(exposure)
    found = quantiles(lambda x: mp.gammainc(a, 0, b * x, regularized=True), lambda u: stats.gamma.ppf(u, float(a), scale=float(1 / b)), level)
    add("gamma_poisson", (shape, rate, events, exposure, float(level)), found)

for _ in range(60):
    t, r = draw.choice([-1, 1]) * log_uniform(0.01, 8), log_uniform(0.3, 1.5)
    n, m = draw.randint(3, 400), draw.choice([0, draw.randint(3, 400)])
    size = mp.mpf(n) * m / (n + m) if m else mp.mpf(n)
    v = n + m - 2 if m else n - 1
    r2 = mp.mpf(r) ** 2

    def part(u):
        g = mp.exp(u)
        scale = 1 + size * g * r2
        body = scale ** mp.mpf("-0.5") * (1 + mp.mpf(t) ** 2 / (scale * v)) ** (-mp.mpf(v + 1) / 2)
        return body * g ** mp.mpf("-0.5") * mp.exp(-1 / (2 * g)) / mp.sqrt(2 * mp.pi)

    total = mp.quad(part, [-7, -4, -2, 0, 2, 4, 8, 12, 20, 40, 80, 160])
    add("jzs", (t, n, m, r), [mp.log(total) + mp.mpf(v + 1) / 2 * mp.log(1 + mp.mpf(t) ** 2 / v)])

with open("../data/exact.txt", "w") as file:
    file.write("# oracle/exact.py: kind, arguments, expected\n" + "\n".join(lines) + "\n")
