"""Writes tests/data/distributions.txt: densities, both tails and moments of every family.

python distributions.py > ../data/distributions.txt    (Python 3.11, mpmath 1.4.1, about 5 minutes)

Densities and distribution functions are the textbook's, at 340 digits, so that one minus a
probability keeps its digits down to 1e-300; skew_normal and von_mises are integrated at 40 digits.
Moments are integrals of powers times the density (sums for counts), independent of closed forms.
"""
import sys

from mpmath import *

mp.dps = 340


def Phi(z):
    return erfc(-z / sqrt(2)) / 2


def phi(z):
    return exp(-z * z / 2) / sqrt(2 * pi)


def P(a, x):
    return gammainc(a, 0, x, regularized=True)


def I(a, b, x):
    return betainc(a, b, 0, x, regularized=True)


def tcdf(nu, t):
    far = I(nu / 2, mpf(1) / 2, nu / (nu + t * t)) / 2
    return far if t < 0 else 1 - far


def tpdf(nu, t):
    return gamma((nu + 1) / 2) / gamma(nu / 2) / sqrt(nu * pi) * (1 + t * t / nu) ** (-(nu + 1) / 2)


def gpdf(a, x):
    return x ** (a - 1) * exp(-x) / gamma(a)


def bpdf(a, b, x):
    return x ** (a - 1) * (1 - x) ** (b - 1) / beta(a, b)


def integrated(pdf, low, high):
    """Both tails by quadrature, the part away from the far side in small pieces."""

    def cdf(x, *p):
        with workdps(40):
            f = lambda t: pdf(t, *p)
            lo, hi = max(low, x - 40), min(high, x + 40)
            steps = [(mpf(i) / 90) ** 4 for i in range(91)]
            lower = quad(f, sorted(x - (x - lo) * s for s in steps))
            upper = quad(f, [x + (hi - x) * s for s in steps])
            return lower, upper

    return cdf


LINE = [-30, -8, -3, -1, 0, 0.5, 2, 6, 40]
POSITIVE = [1e-6, 0.02, 0.2, 0.7, 1, 2, 5, 30]
UNIT = [1e-7, 0.01, 0.2, 0.5, 0.8, 0.99, 0.9999999]


def line(mu, sigma):
    return [mu + sigma * z for z in LINE]


def pos(scale):
    return [scale * z for z in POSITIVE]


m = mpf
C = {}  # name: (pdf, cdf, low, high, [(params, points)], order limit)


def ls(name, pdf, cdf, params, low=-inf, high=inf, limit=lambda *p: inf):
    C[name] = (pdf, cdf, low, high, params, limit)


def loc(f, g):
    """pdf and cdf of a location-scale family; parameters mu, sigma, rest."""
    return (
        lambda x, mu, s, *r: f((x - mu) / s, *r) / s,
        lambda x, mu, s, *r: g((x - mu) / s, *r),
    )


two = [((1.5, 0.5), line(1.5, 0.5)), ((-300, 20), line(-300, 20))]
ls("std_normal", lambda x: phi(x), lambda x: Phi(x), [((), line(0, 1))])
ls("normal", *loc(phi, Phi), two)
ls("cauchy", *loc(lambda z: 1 / pi / (1 + z * z), lambda z: atan2(1, -z) / pi), two, limit=lambda *p: 1)
ls("logistic", *loc(lambda z: exp(-z) / (1 + exp(-z)) ** 2, lambda z: 1 / (1 + exp(-z))), two)
ls("double_exponential", *loc(lambda z: exp(-abs(z)) / 2, lambda z: exp(z) / 2 if z < 0 else 1 - exp(-z) / 2), two)
ls("gumbel", *loc(lambda z: exp(-z - exp(-z)) if z > -20 else mpf(0), lambda z: exp(-exp(-z))), two)
ls(
    "skew_double_exponential",
    *loc(
        lambda z, t: 2 * t * (1 - t) * exp(-2 * (1 - t) * -z if z < 0 else -2 * t * z),
        lambda z, t: t * exp(2 * (1 - t) * z) if z < 0 else 1 - (1 - t) * exp(-2 * t * z),
    ),
    [((1, 2, 0.2), line(1, 2)), ((0, 1, 0.75), line(0, 1))],
)
ls(
    "student_t",
    lambda x, nu, mu, s: tpdf(nu, (x - mu) / s) / s,
    lambda x, nu, mu, s: tcdf(nu, (x - mu) / s),
    [((4.5, 1, 2), line(1, 2)), ((30, 0, 1), line(0, 1)), ((0.7, 0, 1), line(0, 1e3))],
    limit=lambda nu, *p: nu,
)


def emn(x, mu, s, l):
    z, r = (x - mu) / s, l * s
    return r * exp(r * r / 2 - r * z) * Phi(z - r) / s


def emn_cdf(x, mu, s, l):
    z, r = (x - mu) / s, l * s
    return Phi(z) - exp(r * r / 2 - r * z) * Phi(z - r)


ls(
    "exp_mod_normal", emn, emn_cdf,
    [((0, 1, 0.5), line(0, 1)), ((2, 0.5, 4), line(2, 0.5)), ((0, 1, 0.01), line(0, 1) + [200, 3000]), ((0, 1, 30), line(0, 1))],
)
skew = lambda x, xi, om, al: 2 / om * phi((x - xi) / om) * Phi(al * (x - xi) / om)
ls("skew_normal", skew, integrated(skew, -inf, inf), [((0, 1, 2), [-6, -2, -0.5, 0, 0.7, 2, 9]), ((1, 1, -0.8), [-9, -2, 0, 1, 3, 8]), ((0, 1, 40), [-0.5, -0.05, 0.001, 0.3, 2, 6])])
vm = lambda x, mu, k: exp(k * cos(x - mu)) / (2 * pi * besseli(0, k))
C["von_mises"] = (vm, integrated(vm, -m(pi), m(pi)), -m(pi), m(pi), [((0, 0.5), [-3, -1, -0.1, 0.4, 2, 3.1]), ((0, 60), [-2.5, -1, -0.1, 0.05, 0.6, 1.5])], lambda *p: inf)

gammas = [(0.3, 2), (1, 0.5), (7.5, 3), (400, 20)]
ls("gamma", lambda x, a, b: b * gpdf(a, b * x), lambda x, a, b: P(a, b * x), [(p, pos(p[0] / p[1])) for p in gammas], 0)
ls("inv_gamma", lambda x, a, b: b / x**2 * gpdf(a, b / x), lambda x, a, b: 1 - P(a, b / x), [((4.5, 3), pos(0.7)), ((0.5, 2), pos(3)), ((200, 100), pos(0.5))], 0, limit=lambda a, b: a)
ls("chi_square", lambda x, n: gpdf(n / 2, x / 2) / 2, lambda x, n: P(n / 2, x / 2), [((1,), pos(1)), ((9,), pos(9))], 0)
ls("inv_chi_square", lambda x, n: 1 / (2 * x * x) * gpdf(n / 2, 1 / (2 * x)), lambda x, n: 1 - P(n / 2, 1 / (2 * x)), [((11,), pos(0.1))], 0, limit=lambda n: n / 2)
ls("scaled_inv_chi_square", lambda x, n, s: n * s * s / (2 * x * x) * gpdf(n / 2, n * s * s / (2 * x)), lambda x, n, s: 1 - P(n / 2, n * s * s / (2 * x)), [((12, 2), pos(4))], 0, limit=lambda n, s: n / 2)
ls("chi", lambda x, n: x * gpdf(n / 2, x * x / 2), lambda x, n: P(n / 2, x * x / 2), [((2.5,), pos(1.5)), ((60,), pos(7.7))], 0)
ls("maxwell", lambda x, s: x / s**2 * gpdf(m(3) / 2, x * x / (2 * s * s)), lambda x, s: P(m(3) / 2, x * x / (2 * s * s)), [((1.5,), pos(2))], 0)
ls("nakagami", lambda x, k, w: 2 * k * x / w * gpdf(k, k * x * x / w), lambda x, k, w: P(k, k * x * x / w), [((0.7, 2), pos(1)), ((50, 9), pos(3))], 0)
ls("half_normal", lambda x, s: 2 / s * phi(x / s), lambda x, s: erf(x / s / sqrt(2)), [((2,), pos(2))], 0)
ls("half_student_t", lambda x, n, s: 2 / s * tpdf(n, x / s), lambda x, n, s: 2 * tcdf(n, x / s) - 1, [((5.5, 2), pos(2)), ((2, 1), pos(1))], 0, limit=lambda n, s: n)
ls("half_cauchy", lambda x, s: 2 / pi / s / (1 + (x / s) ** 2), lambda x, s: 2 / pi * atan(x / s), [((3,), pos(3))], 0, limit=lambda s: 1)
ls("beta_prime", lambda x, a, b: x ** (a - 1) * (1 + x) ** (-a - b) / beta(a, b), lambda x, a, b: I(a, b, x / (1 + x)), [((2, 6.5), pos(0.3)), ((0.5, 0.7), pos(1))], 0, limit=lambda a, b: b)
ls("f", lambda x, a, b: a / b * (a * x / b) ** (a / 2 - 1) * (1 + a * x / b) ** (-(a + b) / 2) / beta(a / 2, b / 2), lambda x, a, b: I(a / 2, b / 2, a * x / (a * x + b)), [((3, 14), pos(1)), ((1, 30), pos(1))], 0, limit=lambda a, b: b / 2)
C["levy"] = (lambda x, mu, c: sqrt(c / 2 / pi) * exp(-c / 2 / (x - mu)) / (x - mu) ** 1.5, lambda x, mu, c: erfc(sqrt(c / 2 / (x - mu))), 0, inf, [((0, 2), pos(2) + [1e8])], lambda *p: 0.5)

ls("exponential", lambda x, b: b * exp(-b * x), lambda x, b: -expm1(-b * x), [((0.5,), pos(2))], 0)
ls("weibull", lambda x, a, s: a / s * (x / s) ** (a - 1) * exp(-((x / s) ** a)), lambda x, a, s: -expm1(-((x / s) ** a)), [((0.6, 2), pos(2)), ((1.7, 1), pos(1)), ((40, 3), [0.3, 2, 2.8, 3, 3.1, 3.4])], 0)
ls("rayleigh", lambda x, s: x / s**2 * exp(-x * x / 2 / s**2), lambda x, s: -expm1(-x * x / 2 / s**2), [((2,), pos(2))], 0)
ls("frechet", lambda x, a, s: a / s * (x / s) ** (-a - 1) * exp(-((x / s) ** -a)), lambda x, a, s: exp(-((x / s) ** -a)), [((6.5, 2), [0.8, 1.5, 2, 4, 60]), ((0.8, 1), pos(1)[1:]), ((25, 1), [0.8, 0.95, 1, 1.2, 3])], 0, limit=lambda a, s: a)
ls("lognormal", lambda x, mu, s: phi((log(x) - mu) / s) / s / x, lambda x, mu, s: Phi((log(x) - mu) / s), [((0.5, 0.3), pos(1.6)), ((-2, 0.9), pos(0.1)), ((0, 0.001), [0.97, 0.999, 1, 1.0005, 1.03])], 0)
ls("loglogistic", lambda x, a, b: b / a * (x / a) ** (b - 1) / (1 + (x / a) ** b) ** 2, lambda x, a, b: (x / a) ** b / (1 + (x / a) ** b), [((2, 6.5), pos(2)), ((1, 0.8), pos(1)), ((1, 30), [0.3, 0.9, 1, 1.1, 4])], 0, limit=lambda a, b: b)
C["pareto"] = (lambda x, k, a: a * k**a / x ** (a + 1), lambda x, k, a: 1 - (k / x) ** a, lambda k, a: k, inf, [((2, 6.5), [2.001, 2.5, 4, 90]), ((1, 0.5), [1.0001, 3, 1e6])], lambda k, a: a)
C["pareto_type_2"] = (lambda x, mu, l, a: a / l * (1 + (x - mu) / l) ** (-a - 1), lambda x, mu, l, a: 1 - (1 + (x - mu) / l) ** -a, lambda mu, l, a: mu, inf, [((1, 2, 6.5), [1.0001, 1.5, 4, 90])], lambda mu, l, a: a)
ls("inv_gaussian", lambda x, mu, l: sqrt(l / 2 / pi / x**3) * exp(-l * (x - mu) ** 2 / (2 * mu * mu * x)), lambda x, mu, l: Phi(sqrt(l / x) * (x / mu - 1)) + exp(2 * l / mu) * Phi(-sqrt(l / x) * (x / mu + 1)), [((2, 3), pos(2)), ((1, 0.05), pos(1)[1:] + [1e4]), ((1, 300), [0.5, 0.9, 1, 1.1, 2])], 0)
ls("gompertz", lambda x, e, b: b * e * exp(e + b * x - e * exp(b * x)) if b * x < 20 else mpf(0), lambda x, e, b: -expm1(-e * expm1(b * x)), [((0.1, 0.5), pos(1)[:-1]), ((3, 2), pos(0.2)[:-1])], 0)

betas = [(0.5, 0.5), (2, 3), (30, 400), (0.2, 5)]
ls("beta", bpdf and (lambda x, a, b: bpdf(a, b, x)), lambda x, a, b: I(a, b, x), [(p, UNIT) for p in betas], 0, 1)
ls("beta_proportion", lambda x, u, k: bpdf(u * k, (1 - u) * k, x), lambda x, u, k: I(u * k, (1 - u) * k, x), [((0.25, 8), UNIT)], 0, 1)
ls("kumaraswamy", lambda x, a, b: a * b * x ** (a - 1) * (1 - x**a) ** (b - 1), lambda x, a, b: 1 - (1 - x**a) ** b, [((2, 5), UNIT), ((0.5, 0.7), UNIT)], 0, 1)
C["uniform"] = (lambda x, a, b: 1 / (b - a), lambda x, a, b: (x - a) / (b - a), lambda a, b: a, lambda a, b: b, [((-2, 6), [-1.5, 0, 5])], lambda *p: inf)
C["triangular"] = (
    lambda x, a, c, b: 2 * (x - a) / (b - a) / (c - a) if x < c else 2 * (b - x) / (b - a) / (b - c),
    lambda x, a, c, b: (x - a) ** 2 / (b - a) / (c - a) if x < c else 1 - (b - x) ** 2 / (b - a) / (b - c),
    lambda a, c, b: a, lambda a, c, b: b, [((1, 2, 5), [1.001, 1.7, 2, 3, 4.99])], lambda *p: inf,
)


def show(v):
    return "nan" if v is None else nstr(v, 20, min_fixed=1, max_fixed=0)


def row(name, p, rest):
    print(name, ",".join(repr(float(v)) for v in p) or "-", *rest)


def moments(weighted, limit):
    """weighted(k, c): the k-th moment about c."""
    out = [None] * 4
    if limit > 1:
        out[0] = mean = weighted(1, 0)
    if limit > 2:
        var = weighted(2, mean)
        out[1] = sqrt(var)
    if limit > 3:
        out[2] = weighted(3, mean) / var ** 1.5
    if limit > 4:
        out[3] = weighted(4, mean) / var**2 - 3
    return out


print("# family parameters x ln_pdf P(X<=x) P(X>x); family parameters m mean sd skewness excess_kurtosis")
print("# mpmath 1.4.1, by tests/oracle/distributions.py")
for name, (pdf, cdf, low, high, cases, limit) in C.items():
    for p, xs in cases:
        q = [m(v) for v in p]
        lo = m(low(*q)) if callable(low) else m(low)
        hi = m(high(*q)) if callable(high) else m(high)
        for x in sorted(float(x) for x in xs):
            if not lo < x < hi:
                continue
            both = cdf(m(x), *q)
            lower, upper = both if isinstance(both, tuple) else (both, 1 - both)
            row(name, p, [repr(x), show(log(pdf(m(x), *q))), show(lower), show(upper)])
        with workdps(30):
            inner = [m(x) for x in sorted(xs) if lo < x < hi and abs(x) < 1e5]
            mids = []
            for a, b in zip(inner, inner[1:]):
                mids += [a, (3 * a + b) / 4, (a + b) / 2, (a + 3 * b) / 4]
            if lo == -inf:
                span = inner[-1] - inner[0]
                ends = [-inf] + [inner[0] - 9 * span] + mids + inner[-1:] + [inner[-1] + 9 * span, inf]
            else:
                ends = [lo] + mids + inner[-1:] + ([hi] if hi < inf else [8 * inner[-1], 64 * inner[-1], inf])
            f = lambda k, c: quad(lambda t: (t - c) ** k * pdf(t, *q), ends)
            if name in ("beta", "beta_proportion", "kumaraswamy"):
                # in log odds, where the poles at 0 and 1 lie at infinity
                mp.dps = 70
                at = lambda u: 1 / (1 + exp(-u))
                f = lambda k, c: quad(
                    lambda u: (at(u) - c) ** k * pdf(at(u), *q) * at(u) * (1 - at(u)),
                    [-500, -150, -50] + list(range(-20, 21, 2)) + [50, 140],
                )
            row(name, p, ["m"] + [show(v) for v in moments(f, limit(*q))])
    sys.stdout.flush()

# counts
D = {}
D["bernoulli"] = (lambda k, t: t if k else 1 - t, lambda t: (0, 1), [((0.3,), [0, 1])])
D["binomial"] = (lambda k, n, t: binomial(n, k) * t**k * (1 - t) ** (n - k), lambda n, t: (0, n), [((20, 0.3), [0, 3, 6, 19, 20]), ((400, 0.02), [0, 8, 30, 200])])
D["poisson"] = (lambda k, l: exp(-l) * l**k / factorial(k), lambda l: (0, 400), [((0.5,), [0, 1, 6]), ((30,), [2, 30, 45, 120])])
nb = lambda k, r, p: gamma(k + r) / gamma(r) / factorial(k) * p**r * (1 - p) ** k
D["neg_binomial"] = (lambda k, a, b: nb(k, a, b / (b + 1)), lambda a, b: (0, 3000), [((2.5, 0.5), [0, 4, 20, 150])])
D["neg_binomial_2"] = (lambda k, mu, f: nb(k, f, f / (f + mu)), lambda mu, f: (0, 6000), [((10, 0.8), [0, 5, 60, 300])])
D["geometric"] = (lambda k, t: t * (1 - t) ** k, lambda t: (0, 8000), [((0.1,), [0, 7, 90, 2000])])
D["beta_binomial"] = (lambda k, n, a, b: binomial(n, k) * beta(k + a, n - k + b) / beta(a, b), lambda n, a, b: (0, n), [((20, 0.6, 2), [0, 3, 19, 20]), ((300, 20, 60), [5, 70, 150])])
D["beta_neg_binomial"] = (lambda k, r, a, b: exp(loggamma(r + k) - loggamma(r) - loggamma(k + 1) + loggamma(a + r) + loggamma(b + k) - loggamma(a + r + b + k) - loggamma(a) - loggamma(b) + loggamma(a + b)), None, [((3, 5.5, 2), [0, 1, 20, 900])])
D["hypergeometric"] = (lambda k, n, a, b: binomial(a, k) * binomial(b, n - k) / binomial(a + b, n), lambda n, a, b: (max(0, n - b), min(n, a)), [((10, 15, 30), [0, 3, 9]), ((60, 80, 30), [31, 44, 59])])
D["discrete_range"] = (lambda k, l, u: m(1) / (u - l + 1), lambda l, u: (l, u), [((-3, 8), [-3, 0, 8])])
mp.dps = 340
for name, (pmf, ends, cases) in D.items():
    for p, ks in cases:
        q = [m(v) for v in p]
        if ends is None:
            mp.dps = 60
            low = 0
            upto = max(ks)
        else:
            low, upto = (int(v) for v in ends(*p))
        table = {k: pmf(k, *q) for k in range(low, upto + 1)}
        for k in ks:
            lower = fsum(table[i] for i in range(low, k + 1))
            upper = 1 - lower if ends is None else fsum(table[i] for i in range(k + 1, upto + 1))
            row(name, p, [repr(float(k)), show(log(table[k])), show(lower), show(upper)])
        if ends is not None:
            f = lambda k, c: fsum((i - c) ** k * w for i, w in table.items())
            row(name, p, ["m"] + [show(v) for v in moments(f, inf)])
        mp.dps = 340
