"""Prints the values of tests/families.rs: evidence by quadrature, predictive tails by closed forms.

python conjugate.py    (Python 3.11, mpmath 1.4.1)
"""
from mpmath import *

mp.dps = 40
xs = [mpf("0.8"), mpf("1.4"), mpf("0.3")]
g = lambda l: mpf("0.5") ** 2 * l * exp(-l / 2)
print("gamma_exponential", log(quad(lambda l: g(l) * l**3 * exp(-l * sum(xs)), [0, 1, 2, 4, 8, 16, 40])))
b = mpf(3)
print("  next", *[b * (p ** (-mpf(1) / 5) - 1) for p in (mpf("0.975"), mpf("0.025"))], b / 4)
r, a, c = 3, mpf("2.5"), mpf("3.5")
ks = [4, 0, 7]
like = lambda t: fprod(binomial(k + r - 1, k) * t**r * (1 - t) ** k for k in ks)
print("beta_negbin", log(quad(lambda t: like(t) * t ** (a - 1) * (1 - t) ** (c - 1) / beta(a, c), linspace(0, 1, 9))))
A, B = a + 9, c + 11
pmf = lambda k: gamma(k + r) / gamma(r) / factorial(k) * beta(A + r, B + k) / beta(A, B)
s, k, ends = mpf(0), 0, []
for p in (mpf("0.025"), mpf("0.975")):
    while s < p:
        s += pmf(k)
        k += 1
    ends.append(k - 1)
print("  next", *ends, r * B / (A - 1))
al, m0 = mpf("2.5"), mpf("1.7")
print("uniform_pareto", log(quad(lambda t: al / t ** (al + 1) / t**3, [m0, 2, 4, 8, 64, inf])))
sh = al + 3
F = lambda x: quad(lambda t: sh * m0**sh / t ** (sh + 1) * min(1, x / t), [m0, max(m0, x), 2 * max(m0, x), 64, inf])
print("  next", *[findroot(lambda x: F(x) - p, x0) for p, x0 in ((mpf("0.025"), mpf("0.05")), (mpf("0.975"), mpf("1.75")))])
S, m, kap, df = matrix([[2, 0.5], [0.5, 1]]), matrix([1, -1]), mpf("0.5"), mpf(4)
x = matrix([mpf("1.5"), mpf("0.25")])
# one row: multivariate t with df - 1 degrees of freedom
nu = df - 1
V = S * ((kap + 1) / (kap * nu))
q = ((x - m).T * inverse(V) * (x - m))[0]
print("niw", loggamma((nu + 2) / 2) - loggamma(nu / 2) - log(nu * pi) - log(det(V)) / 2 - (nu + 2) / 2 * log(1 + q / nu))
