//! The regularised incomplete gamma functions P and Q.

use super::expansion::Expansion;
use super::stirling::{LN_SQRT_2PI, ln_1p_minus, ln_gamma_1p, stirling_error};
use super::{Mass, Tails, invert, normal_score};

/// From this shape on the uniform expansion is used near the mean.
const LARGE: f64 = 30.0;
/// Its reach, as a relative distance from the mean.
const REACH: f64 = 0.15;

/// `P(a, x)` and `Q(a, x)` of one shape `a`, prepared for many `x`.
///
/// Positive series below the mean, Legendre's continued fraction above (Abramowitz and Stegun
/// 6.5.29, 6.5.31), the uniform expansion of Algorithm 708 near it. No step subtracts nearly equal
/// numbers, so both tails are relatively exact (about 1e-13 down to 1e-300).
#[derive(Debug, Clone)]
pub struct IncompleteGamma {
    a: f64,
    /// Log of the density of `ln x` at the mean.
    ln_scale: f64,
    expansions: Option<Box<[Expansion; 2]>>,
}

impl IncompleteGamma {
    /// Prepares shape `a > 0`.
    pub fn new(a: f64) -> Self {
        let mut prepared = Self::light(a);
        if a >= LARGE {
            let pair = Expansion::pair(a, f64::INFINITY, stirling_error(a));
            prepared.expansions = Some(Box::new(pair));
        }
        prepared
    }

    fn light(a: f64) -> Self {
        Self { a, ln_scale: 0.5 * a.ln() - LN_SQRT_2PI - stirling_error(a), expansions: None }
    }

    /// Log density of `ln x` at `x > 0`: `a ln x - x - ln gamma(a)`.
    pub fn ln_density(&self, x: f64) -> f64 {
        self.ln_scale - self.deviance(x)
    }

    fn deviance(&self, x: f64) -> f64 {
        -self.a * ln_1p_minus((x - self.a) / self.a, x / self.a)
    }

    /// Both tails at `x >= 0`.
    pub fn tails(&self, x: f64) -> Tails {
        if x <= 0.0 {
            return Tails::BELOW;
        }
        if x == f64::INFINITY {
            return Tails::ABOVE;
        }
        let f = self.deviance(x);
        let density = (self.ln_scale - f).exp();
        if density <= 0.0 {
            return if x <= self.a { Tails::BELOW } else { Tails::ABOVE };
        }
        let distance = (x - self.a) / self.a;
        if let Some(expansions) = &self.expansions
            && distance.abs() <= REACH
        {
            let kernel = (-f).exp();
            return if distance <= 0.0 {
                Tails::from_lower(expansions[0].tail(f, kernel), density)
            } else {
                Tails::from_lower(expansions[1].tail(f, kernel), density).swapped()
            };
        }
        if self.a < 1.0 && x < 1.5 {
            return self.small(x, density);
        }
        if x <= self.a {
            return Tails::from_lower(density / self.a * series(self.a, x), density);
        }
        Tails::from_lower(density * fraction(self.a, x), density).swapped()
    }

    /// `a < 1`: the upper tail must not be `1 - P` when P is nearly 1.
    fn small(&self, x: f64, density: f64) -> Tails {
        let a = self.a;
        // P = x^a / gamma(1 + a) (1 + a sum), Q = 1 - that
        let ln_power = a * x.ln() - ln_gamma_1p(a);
        let (mut term, mut sum, mut n) = (1.0, 0.0, 1.0);
        while n < 100.0 {
            term *= -x / n;
            let next = term / (a + n);
            sum += next;
            if next.abs() <= 1e-17 * sum.abs() {
                break;
            }
            n += 1.0;
        }
        let power = ln_power.exp();
        let lower = power * (1.0 + a * sum);
        Tails { lower, upper: -ln_power.exp_m1() - power * a * sum, density }
    }

    /// The `x` with this mass on both sides; 0 where it underflows.
    pub fn quantile(&self, mass: Mass) -> f64 {
        let a = self.a;
        let z = normal_score(mass);
        // Wilson and Hilferty's cube root; the first term of the series is a lower bound
        let cube = 1.0 - 1.0 / (9.0 * a) + z / (3.0 * a.sqrt());
        let bound = (mass.lower.ln() + ln_gamma_1p_any(a)) / a - a.ln();
        let start = if cube > 0.3 { (3.0 * cube.ln()).max(bound) } else { bound.min(0.0) };
        // relative to the mean: ln x itself has too few digits where a is large
        a * invert(mass, start, |v| self.tails_at_ln(v)).exp()
    }

    /// Both tails at `a e^v`.
    fn tails_at_ln(&self, v: f64) -> Tails {
        let u = v + self.a.ln();
        if u > -690.0 {
            return self.tails(self.a * v.exp());
        }
        let ln_lower = self.a * u - ln_gamma_1p_any(self.a);
        let lower = ln_lower.exp();
        Tails { lower, upper: -ln_lower.exp_m1(), density: self.a * lower }
    }
}

/// [`IncompleteGamma::ln_density`] for one use, without preparing the expansions.
pub(crate) fn ln_kernel(a: f64, x: f64) -> f64 {
    IncompleteGamma::light(a).ln_density(x)
}

fn ln_gamma_1p_any(a: f64) -> f64 {
    if a < 0.5 { ln_gamma_1p(a) } else { super::ln_gamma(1.0 + a) }
}

/// `sum x^n / ((a+1) .. (a+n))`.
fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, a);
    for _ in 0..100_000 {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term <= 1e-17 * sum {
            break;
        }
    }
    sum
}

/// `Q / density of ln x` by the modified Lentz method.
fn fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = 1e300;
    let mut d = 1.0 / b;
    let mut value = d;
    let mut n = 1.0;
    while n < 100_000.0 {
        let numerator = -n * (n - a);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() <= 2.3e-16 {
            break;
        }
        n += 1.0;
    }
    value
}
