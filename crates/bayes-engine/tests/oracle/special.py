"""Writes tests/data/special.txt: digamma, trigamma, ln gamma, normal tails and quantiles, erf, erfc.

python special.py > ../data/special.txt    (Python 3.11, mpmath 1.4.1)
"""
import random
from mpmath import *

mp.dps = 60
random.seed(20261121)
print("# function x value; mpmath 1.4.1, by tests/oracle/special.py")


def row(name, x, value):
    print(name, repr(float(x)), nstr(value, 20, min_fixed=1, max_fixed=0))


xs = [10 ** random.uniform(-6, 8) for _ in range(120)] + [random.uniform(1, 2.2) for _ in range(80)]
for x in xs:
    row("digamma", x, digamma(mpf(x)))
    row("trigamma", x, psi(1, mpf(x)))
    row("ln_gamma", x, loggamma(mpf(x)))
for z in [random.uniform(-37, 8) for _ in range(100)] + [random.uniform(-1, 1) for _ in range(40)]:
    row("normal_cdf", z, erfc(-mpf(z) / sqrt(2)) / 2)
for z in [-(10 ** random.uniform(-3, 6)) for _ in range(60)]:
    row("normal_ln_cdf", z, log(erfc(-mpf(z) / sqrt(2)) / 2))
for p in [10 ** random.uniform(-300, -0.31) for _ in range(60)] + [random.uniform(0, 1) for _ in range(60)]:
    q = mpf(p)
    z = findroot(lambda t: log(erfc(-t / sqrt(2)) / 2 / q), -sqrt(-2 * log(q)) if p < 0.1 else mpf(0))
    row("normal_quantile", p, z)
for x in [random.uniform(-6, 6) for _ in range(60)] + [10 ** random.uniform(-8, 0) for _ in range(40)]:
    row("erf", x, erf(mpf(x)))
for x in [random.uniform(-6, 26) for _ in range(100)]:
    row("erfc", x, erfc(mpf(x)))
