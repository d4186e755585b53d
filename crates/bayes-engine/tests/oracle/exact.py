"""Writes tests/data/exact.txt: random cases of the exact tools in 34-digit arithmetic.

python exact.py > ../data/exact.txt    (Python 3.12, mpmath 1.4.1, SciPy 1.18.1 for starting values)

A line is a kind, its arguments, a colon, and what is expected; logs are marked, for their error counts as that of
what they are of. Quantiles are roots of mpmath's distribution functions. Evidence is that of published closed
forms. Of three and more arms with whole parameters every distribution function is a polynomial, so that all
integrals are finite sums. Bayes factors of t tests and correlations are integrals over ln g.
"""
import random
from fractions import Fraction

from mpmath import mp, mpf
from scipy import stats

mp.dps = 34
draw = random.Random(20261122)


def log_uniform(low, high):
    return float(f"{low * (high / low) ** draw.random():.6g}")


def level():
    return draw.choice([0.5, 0.9, 0.95, 0.99])


def ends(chosen):
    tail = (1 - mpf(chosen)) / 2
    return [tail, mpf("0.5"), 1 - tail]


def root(cdf, mass, start):
    """Secants from a start that is right to about 15 digits: each adds as many digits as two before it had."""
    a, b = mpf(float(start)) * (1 + mpf(10) ** -8), mpf(float(start))
    of_a, of_b = cdf(a) - mass, cdf(b) - mass
    for _ in range(3):
        if of_a == of_b:
            break
        a, b, of_a = b, b - of_b * (b - a) / (of_b - of_a), of_b
        of_b = cdf(b) - mass
    assert abs(of_b) < mpf(10) ** -22 * mass
    return b


def beta_quantiles(a, b, chosen):
    cdf = lambda x: mp.betainc(a, b, 0, x, regularized=True)
    return [root(cdf, p, stats.beta.ppf(float(p), float(a), float(b))) for p in ends(chosen)]


def gamma_quantiles(a, rate, chosen):
    cdf = lambda x: mp.gammainc(a, 0, rate * x, regularized=True)
    return [root(cdf, p, stats.gamma.ppf(float(p), float(a), scale=float(1 / rate))) for p in ends(chosen)]


def student_quantiles(nu, centre, scale, chosen):
    half = lambda t: mp.betainc(nu / 2, mpf("0.5"), 0, nu / (nu + t * t), regularized=True) / 2
    found = root(lambda t: 1 - half(t), ends(chosen)[2], stats.t.ppf(float(ends(chosen)[2]), float(nu)))
    return [centre - scale * found, centre, centre + scale * found]


def put(kind, arguments, values):
    said = [f"ln={mp.nstr(v[1], 20)}" if isinstance(v, tuple) else mp.nstr(mpf(v), 20) for v in values]
    print(kind, *(repr(x) for x in arguments), ":", *said)


def ln(value):
    return ("ln", value)


def ln_beta_binomial(k, n, a, b):
    return mp.log(mp.binomial(n, k)) + mp.log(mp.beta(a + k, b + n - k)) - mp.log(mp.beta(a, b))


def beta_binomial():
    a, b, n, chosen = log_uniform(0.3, 50), log_uniform(0.3, 50), int(log_uniform(1, 20000)), level()
    k = draw.randint(0, n)
    found = beta_quantiles(mpf(a) + k, mpf(b) + n - k, chosen)
    put("beta_binomial", (a, b, k, n, chosen), [*found, ln(ln_beta_binomial(k, n, mpf(a), mpf(b)))])


def gamma_poisson():
    shape, rate, chosen = log_uniform(0.3, 50), log_uniform(0.01, 10), level()
    events, exposure = int(log_uniform(1, 5000)), log_uniform(0.1, 1000)
    a, b, t = mpf(shape), mpf(rate), mpf(exposure)
    found = gamma_quantiles(a + events, b + t, chosen)
    evidence = mp.rf(a, events) / mp.factorial(events) * (b / (b + t)) ** a * (t / (b + t)) ** events
    put("gamma_poisson", (shape, rate, events, exposure, chosen), [*found, ln(mp.log(evidence))])


def gamma_exponential():
    shape, rate, chosen = log_uniform(0.3, 50), log_uniform(0.01, 10), level()
    n, total = int(log_uniform(1, 5000)), log_uniform(0.1, 1000)
    a, b, t = mpf(shape), mpf(rate), mpf(total)
    found = gamma_quantiles(a + n, b + t, chosen)
    tail = ends(chosen)[0]
    following = [(b + t) * (p ** (-1 / (a + n)) - 1) for p in (1 - tail, tail)]
    evidence = mp.rf(a, n) * b**a / (b + t) ** (a + n)
    put("gamma_exponential", (shape, rate, n, total, chosen), [*found, *following, ln(mp.log(evidence))])


def beta_negbin():
    a, b, chosen = log_uniform(0.3, 50), log_uniform(0.3, 50), level()
    r, counts = draw.randint(1, 30), [int(log_uniform(1, 300)) - 1 for _ in range(draw.randint(1, 12))]
    p, q = mpf(a) + r * len(counts), mpf(b) + sum(counts)
    evidence = mp.beta(p, q) / mp.beta(a, b)
    for k in counts:
        evidence *= mp.binomial(k + r - 1, k)
    put("beta_negbin", (a, b, chosen, r, *counts), [*beta_quantiles(p, q, chosen), ln(mp.log(evidence))])


def uniform_pareto():
    scale, shape, chosen = log_uniform(0.1, 50), log_uniform(0.3, 50), level()
    values = [log_uniform(0.01, 100) for _ in range(draw.randint(1, 40))]
    end, total = mpf(max(scale, *values)), mpf(shape) + len(values)
    found = [end * (1 - p) ** (-1 / total) for p in ends(chosen)]
    evidence = mp.log(shape / total) + shape * mp.log(scale) - total * mp.log(end)
    put("uniform_pareto", (scale, shape, chosen, *values), [*found, ln(evidence)])


def normal():
    mean, sd, sigma, chosen = log_uniform(0.5, 20), log_uniform(0.05, 20), log_uniform(0.05, 20), level()
    values = [float(f"{draw.gauss(5, sigma):.6g}") for _ in range(draw.randint(1, 30))]
    n, t2, s2 = len(values), mpf(sd) ** 2, mpf(sigma) ** 2
    off = [mpf(x) - mean for x in values]
    # one normal vector: sigma^2 on the diagonal, and sd^2 everywhere
    power = (sum(x * x for x in off) - t2 / (s2 + n * t2) * sum(off) ** 2) / s2
    evidence = -(n * mp.log(2 * mp.pi) + (n - 1) * mp.log(s2) + mp.log(s2 + n * t2) + power) / 2
    weight = 1 / t2 + n / s2
    centre = (mean / t2 + sum(map(mpf, values)) / s2) / weight
    z = mp.sqrt(2) * mp.erfinv(2 * ends(chosen)[2] - 1)
    found = [centre - z / mp.sqrt(weight), centre, centre + z / mp.sqrt(weight)]
    put("normal", (mean, sd, sigma, chosen, *values), [*found, ln(evidence)])


def nig():
    mean, kappa, shape, scale = log_uniform(0.5, 20), log_uniform(0.05, 20), log_uniform(0.3, 20), log_uniform(0.05, 20)
    chosen, values = level(), [float(f"{draw.gauss(5, 2):.6g}") for _ in range(draw.randint(2, 30))]
    n, centre = len(values), sum(map(mpf, values)) / len(values)
    k = mpf(kappa) + n
    a = mpf(shape) + mpf(n) / 2
    b = scale + sum((x - centre) ** 2 for x in map(mpf, values)) / 2 + kappa * n * (centre - mean) ** 2 / (2 * k)
    m = (mpf(kappa) * mean + n * centre) / k
    evidence = (mp.loggamma(a) - mp.loggamma(shape) + shape * mp.log(scale) - a * mp.log(b)
                + mp.log(kappa / k) / 2 - mpf(n) / 2 * mp.log(2 * mp.pi))
    of_mean = student_quantiles(2 * a, m, mp.sqrt(b / a / k), chosen)
    of_variance = [1 / x for x in reversed(gamma_quantiles(a, b, chosen))]
    put("nig", (mean, kappa, shape, scale, chosen, *values), [*of_mean, *of_variance, ln(evidence)])


def dirichlet():
    size, chosen = draw.randint(2, 8), level()
    prior = [log_uniform(0.3, 20) for _ in range(size)]
    counts = [int(log_uniform(1, 2000)) - 1 for _ in range(size)]
    after = [mpf(a) + k for a, k in zip(prior, counts)]
    n, total = sum(counts), sum(map(mpf, prior))
    evidence = mp.loggamma(n + 1) + mp.loggamma(total) - mp.loggamma(total + n)
    for a, k in zip(prior, counts):
        evidence += mp.loggamma(mpf(a) + k) - mp.loggamma(a) - mp.loggamma(k + 1)
    found = [x for a in after for x in beta_quantiles(a, sum(after) - a, chosen)]
    put("dirichlet", (chosen, *prior, *counts), [*found, ln(evidence)])


def arms():
    """Uniform or other whole priors: F of beta(a, b) is the upper part of a binomial sum of a + b - 1."""
    a, b = draw.randint(1, 4), draw.randint(1, 4)
    data = []
    for _ in range(draw.randint(3, 5)):
        n = draw.randint(0, 60)
        data.append((draw.randint(0, n), n))
    shapes = [(a + k, b + n - k) for k, n in data]
    # coefficients of x^i (1 - x)^(N - i), N the sum of the sizes
    curves = [[mp.binomial(p + q - 1, i) if i >= p else mpf(0) for i in range(p + q)] for p, q in shapes]

    def product(left, right):
        out = [mpf(0)] * (len(left) + len(right) - 1)
        for i, x in enumerate(left):
            if x:
                for j, y in enumerate(right):
                    out[i + j] += x * y
        return out

    def integral(terms, p=1, q=1):
        size = len(terms) - 1
        return mp.fsum(c * mp.beta(p + i, q + size - i) for i, c in enumerate(terms))

    everything = [mpf(1)]
    for curve in curves:
        everything = product(everything, curve)
    best, loss = [], []
    for at, (p, q) in enumerate(shapes):
        others = [mpf(1)]
        for other, curve in enumerate(curves):
            if other != at:
                others = product(others, curve)
        best.append(integral(others, p, q) / mp.beta(p, q))
        loss.append(integral(curves[at]) - integral(everything))
    assert abs(sum(best) - 1) < mpf(10) ** -30
    put("arms", (a, b, *(x for one in data for x in one)), [*best, *loss])


def weigh():
    hypotheses, size = draw.randint(2, 6), draw.randint(1, 20)
    weights = [draw.randint(1, 64) for _ in range(hypotheses)]
    rows = [[log_uniform(1e-3, 1) for _ in range(size)] for _ in weights]
    joint = [Fraction(w, sum(weights)) for w in weights]
    for at, row in enumerate(rows):
        for x in row:
            joint[at] *= Fraction(x)
    total = sum(joint)
    put("weigh", (hypotheses, *weights, *(x for row in rows for x in row)),
        [*(exact(j / total) for j in joint), ln(mp.log(exact(total)))])


def test():
    prevalence, sensitivity, specificity = log_uniform(1e-6, 0.5), 1 - log_uniform(1e-4, 0.4), 1 - log_uniform(1e-4, 0.4)
    results = [draw.randint(0, 1) for _ in range(draw.randint(1, 10))]
    with_it, without = Fraction(prevalence), 1 - Fraction(prevalence)
    for positive in results:
        with_it *= Fraction(sensitivity) if positive else 1 - Fraction(sensitivity)
        without *= 1 - Fraction(specificity) if positive else Fraction(specificity)
    one = Fraction(prevalence) * Fraction(sensitivity)
    ppv = one / (one + (1 - Fraction(prevalence)) * (1 - Fraction(specificity)))
    put("test", (prevalence, sensitivity, specificity, *results),
        [exact(with_it / (with_it + without)), exact(ppv), ln(mp.log(exact(with_it + without)))])


def exact(x):
    return mpf(x.numerator) / mpf(x.denominator)


def over_g(body):
    # g^(-3/2) exp(-1 / 2g) dg is g^(-1/2) exp(-1 / 2g) du at g = e^u
    part = lambda u: body(mp.exp(u)) * mp.exp(-u / 2 - mp.exp(-u) / 2) / mp.sqrt(2 * mp.pi)
    return mp.quad(part, [-7, -4, -2, 0, 2, 4, 8, 12, 20, 40, 80, 160])


def jzs():
    t, r = draw.choice([-1, 1]) * log_uniform(0.01, 8), log_uniform(0.3, 1.5)
    n, m = draw.randint(3, 400), draw.choice([0, draw.randint(3, 400)])
    size, v = (mpf(n) * m / (n + m), n + m - 2) if m else (mpf(n), n - 1)
    t2, r2, power = mpf(t) ** 2, mpf(r) ** 2, -mpf(v + 1) / 2
    total = over_g(lambda g: (1 + size * g * r2) ** mpf("-0.5") * (1 + t2 / ((1 + size * g * r2) * v)) ** power)
    put("jzs", (t, n, m, r), [ln(mp.log(total) - power * mp.log(1 + t2 / v))])


def correlation():
    r, n = draw.choice([-1, 1]) * log_uniform(0.01, 0.95), draw.randint(4, 300)
    r2 = mpf(r) ** 2
    total = over_g(lambda g: (1 + n * g) ** (mpf(n - 2) / 2) * (1 + (1 - r2) * n * g) ** (-mpf(n - 1) / 2))
    put("correlation", (r, n), [ln(mp.log(total))])


def proportion():
    a, b, theta, n = log_uniform(0.3, 20), log_uniform(0.3, 20), log_uniform(0.02, 0.98), int(log_uniform(1, 5000))
    k = draw.randint(0, n)
    null = mp.log(mp.binomial(n, k)) + k * mp.log(theta) + (n - k) * mp.log(1 - mpf(theta))
    put("proportion", (k, n, a, b, theta), [ln(ln_beta_binomial(k, n, mpf(a), mpf(b)) - null)])


print("# kind arguments : expected; mpmath 1.4.1, by tests/oracle/exact.py")
for kind, times in [(beta_binomial, 60), (gamma_poisson, 60), (gamma_exponential, 40), (beta_negbin, 30),
                    (uniform_pareto, 30), (normal, 40), (nig, 40), (dirichlet, 30), (arms, 40), (weigh, 30),
                    (test, 30), (jzs, 60), (correlation, 30), (proportion, 30)]:
    for _ in range(times):
        kind()
