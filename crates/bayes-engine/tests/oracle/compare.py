"""Prints the values of tests/compare.rs.

python compare.py    (Python 3.11, mpmath 1.4.1, SciPy 1.17.1)

Bayes factors: the published integral over g with mpmath. Effects: SciPy's noncentral t density times the
Cauchy prior, integrated over the effect itself; both routes must agree on the Bayes factor.
"""
from mpmath import exp, gamma, inf, log, mp, mpf, nstr, pi, quad, sqrt
from scipy import integrate, stats

mp.dps = 30
for t, n, m, r in ((2.5, 30, 30, sqrt(2) / 2), (-1.2, 12, None, mpf(1)), (0.3, 200, 150, mpf("0.5"))):
    N, v = (mpf(n) * m / (n + m), n + m - 2) if m else (mpf(n), n - 1)
    f = lambda g: (1 + N * g * r**2) ** -0.5 * (1 + mpf(t) ** 2 / ((1 + N * g * r**2) * v)) ** (-mpf(v + 1) / 2) / sqrt(2 * pi) * g ** -1.5 * exp(-1 / (2 * g))
    bf = quad(f, [0, 0.1, 0.5, 1, 4, 16, 256, inf]) / (1 + mpf(t) ** 2 / v) ** (-mpf(v + 1) / 2)
    N, s = float(N), float(r)
    like = lambda d: stats.nct.pdf(t, v, d * N**0.5) if abs(d) > 1e-12 else stats.t.pdf(t, v)
    post = lambda d: like(d) * stats.cauchy.pdf(d, scale=s)
    c, w = t / N**0.5, N**-0.5
    of = lambda g, a, b: integrate.quad(lambda d: g(d) * post(d), a, b, epsabs=0, epsrel=1e-11, limit=400)[0]
    lo, hi = c - 12 * w, c + 12 * w
    z = of(lambda d: 1, lo, 0) + of(lambda d: 1, 0, hi)
    mean = (of(lambda d: d, lo, 0) + of(lambda d: d, 0, hi)) / z
    var = (of(lambda d: (d - mean) ** 2, lo, 0) + of(lambda d: (d - mean) ** 2, 0, hi)) / z
    p = of(lambda d: 1, 0, hi) / z
    assert abs(z / like(0.0) / float(bf) - 1) < 1e-8, (z / like(0.0), bf)
    print(t, n, m, nstr(r, 8), nstr(log(bf), 17), repr(mean), repr(var**0.5), repr(p))
for r, n in ((mpf("0.3"), 40), (mpf("-0.85"), 12)):
    f = lambda g: (1 + g) ** (mpf(n - 2) / 2) * (1 + (1 - r * r) * g) ** (-mpf(n - 1) / 2) * g ** (-mpf(3) / 2) * exp(-n / (2 * g))
    print("correlation", r, n, nstr(log(sqrt(mpf(n) / 2) / gamma(mpf(1) / 2) * quad(f, [0, 1, 5, 20, 100, 1000, inf])), 17))
