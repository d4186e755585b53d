//! The regularised incomplete beta function.

use super::expansion::Expansion;
use super::stirling::{LN_SQRT_2PI, ln_1p_minus, ln_beta, stirling_error};
use super::{Mass, Tails, invert, normal_score};

/// From this parameter on the uniform expansion is used near the mean.
const LARGE: f64 = 30.0;
/// Its reach, as a distance from the mean relative to the smaller parameter.
const REACH: f64 = 0.15;

/// A point of `[0, 1]` with its complement, so that neither loses digits near 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// The value.
    pub x: f64,
    /// One minus the value.
    pub y: f64,
}

impl Unit {
    /// `x` in `[0, 1]`.
    pub fn new(x: f64) -> Self {
        Self { x, y: 1.0 - x }
    }

    /// The point whose log odds are `u`.
    pub fn from_logit(u: f64) -> Self {
        let e = (-u.abs()).exp();
        let (small, large) = (e / (1.0 + e), 1.0 / (1.0 + e));
        if u < 0.0 { Self { x: small, y: large } } else { Self { x: large, y: small } }
    }

    /// Log odds.
    pub fn logit(self) -> f64 {
        (self.x / self.y).ln()
    }

    fn swapped(self) -> Self {
        Self { x: self.y, y: self.x }
    }
}

/// `I_x(a, b)` and its complement for one pair of parameters, prepared for many `x`.
///
/// The kernel `x^a y^b / B(a, b)` comes from the deviance to the mean, not from powers, so it keeps
/// its digits for parameters of 1e6 and more. Then: a positive series or the continued fraction of
/// Algorithm 708 (Didonato and Morris 1992) below the mean (mirrored above), their uniform expansion near it. No step
/// subtracts nearly equal numbers: both tails are relatively exact (about 1e-13 down to 1e-300).
#[derive(Debug, Clone)]
pub struct IncompleteBeta {
    a: f64,
    b: f64,
    /// `a + b` and what that sum lost to rounding.
    n: f64,
    n_rest: f64,
    /// Log of the density of `logit x` at the mean.
    ln_scale: f64,
    expansions: Option<Box<[Expansion; 2]>>,
}

impl IncompleteBeta {
    /// Prepares `a, b > 0`.
    pub fn new(a: f64, b: f64) -> Self {
        let mut prepared = Self::light(a, b);
        if a.min(b) >= LARGE {
            prepared.expansions = Some(Box::new(Expansion::pair(a, b, prepared.correction())));
        }
        prepared
    }

    fn light(a: f64, b: f64) -> Self {
        let n = a + b;
        let (small, large) = if a < b { (a, b) } else { (b, a) };
        let mut prepared =
            Self { a, b, n, n_rest: small - (n - large), ln_scale: 0.0, expansions: None };
        // a b / n without overflow of a b
        prepared.ln_scale = 0.5 * (small * (large / n)).ln() - LN_SQRT_2PI - prepared.correction();
        prepared
    }

    fn correction(&self) -> f64 {
        stirling_error(self.a) + stirling_error(self.b) - stirling_error(self.n)
    }

    /// Log density of `logit x` at the point: `a ln x + b ln y - ln B(a, b)`.
    pub fn ln_density(&self, at: Unit) -> f64 {
        self.ln_scale - self.deviance(at, self.residual(at))
    }

    /// How far below its peak the log density of `logit x` is at the point.
    pub(crate) fn deviance_at(&self, at: Unit) -> f64 {
        self.deviance(at, self.residual(at))
    }

    /// `a - (a + b) x = a y - b x`, to the last digit.
    pub(crate) fn residual(&self, at: Unit) -> f64 {
        if at.x <= 0.5 {
            let (product, rest) = exact_product(self.n, at.x);
            (self.a - product) - (rest + self.n_rest * at.x)
        } else {
            let (product, rest) = exact_product(self.n, at.y);
            (product - self.b) + (rest + self.n_rest * at.y)
        }
    }

    /// `(a + b) KL(mean || x)` in nats, from the residual; both parts are positive.
    fn deviance(&self, at: Unit, residual: f64) -> f64 {
        let (a, b, n) = (self.a, self.b, self.n);
        -(a * ln_1p_minus(-residual / a, n / a * at.x)
            + b * ln_1p_minus(residual / b, n / b * at.y))
    }

    /// Both tails at the point.
    pub fn tails(&self, at: Unit) -> Tails {
        if at.x <= 0.0 {
            return Tails::BELOW;
        }
        if at.y <= 0.0 {
            return Tails::ABOVE;
        }
        let residual = self.residual(at);
        let f = self.deviance(at, residual);
        let density = (self.ln_scale - f).exp();
        if density <= 0.0 {
            return if residual >= 0.0 { Tails::BELOW } else { Tails::ABOVE };
        }
        if residual >= 0.0 {
            let lower = self.small_tail(self.a, self.b, at, residual, f, density, 0);
            Tails::from_lower(lower, density)
        } else {
            let point = at.swapped();
            let upper = self.small_tail(self.b, self.a, point, -residual, f, density, 1);
            Tails::from_lower(upper, density).swapped()
        }
    }

    /// `I_x(a, b)` at or below the mean.
    fn small_tail(
        &self,
        a: f64,
        b: f64,
        at: Unit,
        residual: f64,
        f: f64,
        density: f64,
        side: usize,
    ) -> f64 {
        if let Some(expansions) = &self.expansions
            && residual <= REACH * a.min(b)
        {
            return expansions[side].tail(f, (-f).exp());
        }
        if b < 1.0 && (a + b) * at.y <= 1.0 && at.y <= 0.5 {
            // next to the pole of the other side's kernel the fraction is slow, that side's series fast
            return 1.0 - density / b * series(b, a, at.y);
        }
        if (a + b) * at.x <= 0.7 * (a + 1.0) && at.x <= 0.7 {
            return density / a * series(a, b, at.x);
        }
        density / fraction(a, b, at.x, residual)
    }

    /// The point with this mass on both sides; an end of the range where it underflows.
    pub fn quantile(&self, mass: Mass) -> Unit {
        let (a, b) = (self.a, self.b);
        let (p, q) = (mass.lower, mass.upper);
        let (ln_odds, ln_beta) = ((a / b).ln(), ln_beta(a, b));
        let normal = normal_score(mass) * (self.n / a / b).sqrt();
        // the first term of the series at either end bounds the quantile (or nearly so, below 1)
        let start = if p <= q {
            normal.max((p.ln() + a.ln() + ln_beta) / a - ln_odds)
        } else {
            normal.min(-(q.ln() + b.ln() + ln_beta) / b - ln_odds)
        };
        // relative to the mean: the log odds themselves have too few digits where a and b are large
        self.at_offset(invert(mass, start, |v| {
            let u = v + ln_odds;
            if u.abs() < 690.0 { self.tails(self.at_offset(v)) } else { self.tails_at_logit(u) }
        }))
    }

    /// The point whose odds are `e^v` times those of the mean.
    fn at_offset(&self, v: f64) -> Unit {
        if v + (self.a / self.b).ln() < 0.0 {
            let odds = self.a / self.b * v.exp();
            Unit { x: odds / (1.0 + odds), y: 1.0 / (1.0 + odds) }
        } else {
            let odds = self.b / self.a * (-v).exp();
            Unit { x: 1.0 / (1.0 + odds), y: odds / (1.0 + odds) }
        }
    }

    /// Both tails at log odds `u`, which may lie where `x` or `1 - x` is no number any more.
    pub fn tails_at_logit(&self, u: f64) -> Tails {
        if u.abs() < 690.0 {
            return self.tails(Unit::from_logit(u));
        }
        let (a, b) = if u < 0.0 { (self.a, self.b) } else { (self.b, self.a) };
        let ln_tail = -a * u.abs() - a.ln() - ln_beta(a, b);
        let tail = ln_tail.exp();
        let here = Tails { lower: tail, upper: -ln_tail.exp_m1(), density: a * tail };
        if u < 0.0 { here } else { here.swapped() }
    }
}

/// [`IncompleteBeta::ln_density`] for one use, without preparing the expansions.
pub(crate) fn ln_kernel(a: f64, b: f64, at: Unit) -> f64 {
    IncompleteBeta::light(a, b).ln_density(at)
}

/// A product and what it lost to rounding (Dekker 1971); a fused multiply-add is not on every target.
fn exact_product(p: f64, q: f64) -> (f64, f64) {
    let product = p * q;
    let ((p1, p2), (q1, q2)) = (halves(p), halves(q));
    (product, ((p1 * q1 - product) + p1 * q2 + p2 * q1) + p2 * q2)
}

fn halves(value: f64) -> (f64, f64) {
    let scaled = value * 134_217_729.0;
    let high = scaled - (scaled - value);
    (high, value - high)
}

/// `sum (a+b) .. (a+b+n-1) / ((a+1) .. (a+n)) x^n`: all terms positive.
fn series(a: f64, b: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, 0.0);
    while n < 10_000.0 {
        term *= (a + b + n) / (a + 1.0 + n) * x;
        sum += term;
        if term <= 1e-17 * sum {
            break;
        }
        n += 1.0;
    }
    sum
}

/// The continued fraction BFRAC of Algorithm 708 by the modified Lentz method.
fn fraction(a: f64, b: f64, x: f64, residual: f64) -> f64 {
    let mut value = a * (residual + 1.0) / (a + 1.0);
    let mut c = value;
    let mut d = 0.0;
    let mut m = 1.0;
    while m < 100_000.0 {
        let odd = a + 2.0 * m - 1.0;
        let ratio = x / odd;
        let numerator = (a + m - 1.0) * (a + b + m - 1.0) * m * (b - m) * ratio * ratio;
        let denominator =
            m + m * (b - m) * ratio + (a + m) * (residual + 1.0 + m * (2.0 - x)) / (odd + 2.0);
        d = 1.0 / (denominator + numerator * d);
        c = denominator + numerator / c;
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() <= 2.3e-16 {
            break;
        }
        m += 1.0;
    }
    value
}
