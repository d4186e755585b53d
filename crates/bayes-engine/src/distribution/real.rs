//! Distributions on the whole line, at location 0 and scale 1.

use std::f64::consts::{LN_2, PI};

use super::law::{Moments, Standard, solve};
use crate::interval::Peak;
use crate::special::mills::{mills, mills_difference};
use crate::special::stirling::ln_beta;
use crate::special::{
    IncompleteBeta, Mass, Unit, normal_cdf, normal_ln_cdf, normal_ln_pdf, normal_score,
};

const LINE: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];
/// Of the Gumbel distribution: Euler's constant and the skewness `12 sqrt(6) zeta(3) / pi^3`.
const EULER: f64 = 0.577_215_664_901_532_9;
const GUMBEL_SKEWNESS: f64 = 1.139_547_099_404_648_6;

/// Both sides of a symmetric law, from the smaller one.
fn symmetric(z: f64, far: f64) -> Mass {
    if z < 0.0 { Mass::below(far) } else { Mass::above(far) }
}

#[derive(Debug)]
pub(super) struct Normal;

impl Standard for Normal {
    fn ln_pdf(&self, z: f64) -> f64 {
        normal_ln_pdf(z)
    }

    fn mass(&self, z: f64) -> Mass {
        symmetric(z, normal_cdf(-z.abs()))
    }

    fn quantile(&self, mass: Mass) -> f64 {
        normal_score(mass)
    }

    fn moments(&self) -> Moments {
        Moments::all(0.0, 1.0, 0.0, 0.0)
    }

    fn support(&self) -> [f64; 2] {
        LINE
    }

    fn peak(&self) -> Peak {
        Peak::Symmetric
    }
}

#[derive(Debug)]
pub(super) struct StudentT {
    nu: f64,
    ln_scale: f64,
    /// Of `nu / (nu + t^2)`, whose lower tail is twice the tail of t.
    integral: IncompleteBeta,
}

impl StudentT {
    pub(super) fn new(nu: f64) -> Self {
        let ln_scale = -ln_beta(0.5 * nu, 0.5) - 0.5 * nu.ln();
        Self { nu, ln_scale, integral: IncompleteBeta::new(0.5 * nu, 0.5) }
    }

    pub(super) fn nu(&self) -> f64 {
        self.nu
    }

    /// `P(|T| <= |z|)` and `P(|T| > |z|)`.
    pub(super) fn both(&self, z: f64) -> Mass {
        // t^2 overflows far out, where its tail is a power
        let square = z * (z / self.nu);
        let at = Unit { x: 1.0 / (1.0 + square), y: 1.0 / (1.0 + 1.0 / square) };
        let tails = self.integral.tails(at);
        Mass { lower: tails.upper, upper: tails.lower }
    }

    /// The point that `|T|` exceeds with this mass.
    pub(super) fn beyond(&self, mass: Mass) -> f64 {
        let at = self.integral.quantile(Mass { lower: mass.upper, upper: mass.lower });
        (self.nu * (at.y / at.x)).sqrt()
    }
}

impl Standard for StudentT {
    fn ln_pdf(&self, z: f64) -> f64 {
        self.ln_scale - 0.5 * (self.nu + 1.0) * (z * (z / self.nu)).ln_1p()
    }

    fn mass(&self, z: f64) -> Mass {
        symmetric(z, 0.5 * self.both(z).upper)
    }

    fn quantile(&self, mass: Mass) -> f64 {
        let tail = 2.0 * mass.lower.min(mass.upper);
        if tail >= 1.0 {
            return 0.0;
        }
        let size = self.beyond(Mass::above(tail));
        if mass.lower < mass.upper { -size } else { size }
    }

    fn moments(&self) -> Moments {
        let nu = self.nu;
        Moments::upto(nu, [0.0, (nu / (nu - 2.0)).sqrt(), 0.0, 6.0 / (nu - 4.0)])
    }

    fn support(&self) -> [f64; 2] {
        LINE
    }

    fn peak(&self) -> Peak {
        Peak::Symmetric
    }
}

#[derive(Debug)]
pub(super) struct Cauchy;

impl Standard for Cauchy {
    fn ln_pdf(&self, z: f64) -> f64 {
        -(PI * (1.0 + z * z)).ln()
    }

    fn mass(&self, z: f64) -> Mass {
        symmetric(z, f64::atan2(1.0, z.abs()) / PI)
    }

    fn quantile(&self, mass: Mass) -> f64 {
        let tail = mass.lower.min(mass.upper);
        let size = if tail > 0.25 { (PI * (0.5 - tail)).tan() } else { 1.0 / (PI * tail).tan() };
        if mass.lower < mass.upper { -size } else { size }
    }

    fn moments(&self) -> Moments {
        Moments::default()
    }

    fn support(&self) -> [f64; 2] {
        LINE
    }

    fn peak(&self) -> Peak {
        Peak::Symmetric
    }
}

/// Exponential on both sides, with these rates.
#[derive(Debug)]
pub(super) struct Laplace {
    left: f64,
    right: f64,
}

impl Laplace {
    pub(super) const SYMMETRIC: Self = Self { left: 1.0, right: 1.0 };

    /// `tau` of the mass below 0, as in quantile regression.
    pub(super) fn skewed(tau: f64) -> Self {
        Self { left: 2.0 * (1.0 - tau), right: 2.0 * tau }
    }
}

impl Standard for Laplace {
    fn ln_pdf(&self, z: f64) -> f64 {
        let rate = if z < 0.0 { self.left } else { self.right };
        (self.left * (self.right / (self.left + self.right))).ln() - rate * z.abs()
    }

    fn mass(&self, z: f64) -> Mass {
        let total = self.left + self.right;
        if z < 0.0 {
            Mass::below(self.right / total * (self.left * z).exp())
        } else {
            Mass::above(self.left / total * (-self.right * z).exp())
        }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        let total = self.left + self.right;
        let below = self.right / total;
        if mass.lower < below {
            (mass.lower / below).ln() / self.left
        } else {
            -(mass.upper / (self.left / total)).ln() / self.right
        }
    }

    fn moments(&self) -> Moments {
        // cumulants of the difference of two exponentials
        let (r, l) = (1.0 / self.right, 1.0 / self.left);
        let variance = r * r + l * l;
        let third = 2.0 * (r * r * r - l * l * l);
        let fourth = 6.0 * (r * r * r * r + l * l * l * l);
        let sd = variance.sqrt();
        Moments::all(r - l, sd, third / (variance * sd), fourth / (variance * variance))
    }

    fn support(&self) -> [f64; 2] {
        LINE
    }

    fn peak(&self) -> Peak {
        Peak::Inside
    }
}

#[derive(Debug)]
pub(super) struct Logistic;

impl Standard for Logistic {
    fn ln_pdf(&self, z: f64) -> f64 {
        -z.abs() - 2.0 * (-z.abs()).exp().ln_1p()
    }

    fn mass(&self, z: f64) -> Mass {
        let Unit { x, y } = Unit::from_logit(z);
        Mass { lower: x, upper: y }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        (mass.lower / mass.upper).ln()
    }

    fn moments(&self) -> Moments {
        Moments::all(0.0, PI / 3_f64.sqrt(), 0.0, 1.2)
    }

    fn support(&self) -> [f64; 2] {
        LINE
    }

    fn peak(&self) -> Peak {
        Peak::Symmetric
    }
}

#[derive(Debug)]
pub(super) struct Gumbel;

impl Standard for Gumbel {
    fn ln_pdf(&self, z: f64) -> f64 {
        -z - (-z).exp()
    }

    fn mass(&self, z: f64) -> Mass {
        let e = (-z).exp();
        Mass { lower: (-e).exp(), upper: -(-e).exp_m1() }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        -ln_inverse(mass).ln()
    }

    fn moments(&self) -> Moments {
        Moments::all(EULER, PI / 6_f64.sqrt(), GUMBEL_SKEWNESS, 2.4)
    }

    fn support(&self) -> [f64; 2] {
        LINE
    }

    fn peak(&self) -> Peak {
        Peak::Inside
    }
}

/// `-ln` of the lower mass.
pub(super) fn ln_inverse(mass: Mass) -> f64 {
    if mass.upper < 0.5 { -(-mass.upper).ln_1p() } else { -mass.lower.ln() }
}

/// Normal plus an exponential of this rate.
#[derive(Debug)]
pub(super) struct ExpModNormal {
    pub(super) rate: f64,
}

impl Standard for ExpModNormal {
    fn ln_pdf(&self, z: f64) -> f64 {
        let l = self.rate;
        if z < l {
            // the exponents cancel on paper
            return l.ln() + normal_ln_pdf(z) + mills(l - z).ln();
        }
        l.ln() + l * (0.5 * l - z) + normal_ln_cdf(z - l)
    }

    fn mass(&self, z: f64) -> Mass {
        let l = self.rate;
        if z < (1.0 / l).min(3.0) {
            Mass::below(normal_ln_pdf(z).exp() * mills_difference(-z, l - z).max(0.0))
        } else {
            Mass::above(normal_cdf(-z) + (l * (0.5 * l - z) + normal_ln_cdf(z - l)).exp())
        }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        let spread = 1.0_f64.hypot(1.0 / self.rate);
        let start = if mass.lower < mass.upper {
            normal_score(mass)
        } else {
            -mass.upper.ln() / self.rate + 0.5 * self.rate.min(2.0)
        };
        solve(self, mass, start, spread)
    }

    fn moments(&self) -> Moments {
        let mean = 1.0 / self.rate;
        let variance = 1.0 + mean * mean;
        let skewness = 2.0 * mean * mean * mean / (variance * variance.sqrt());
        let kurtosis = 6.0 * (mean * mean / variance) * (mean * mean / variance);
        Moments::all(mean, variance.sqrt(), skewness, kurtosis)
    }

    fn support(&self) -> [f64; 2] {
        LINE
    }

    fn peak(&self) -> Peak {
        Peak::Inside
    }
}

/// Density `2 phi(z) Phi(alpha z)`.
#[derive(Debug)]
pub(super) struct SkewNormal {
    pub(super) alpha: f64,
}

impl Standard for SkewNormal {
    fn ln_pdf(&self, z: f64) -> f64 {
        LN_2 + normal_ln_pdf(z) + normal_ln_cdf(self.alpha * z)
    }

    fn mass(&self, z: f64) -> Mass {
        super::numeric::mass(&|t| self.ln_pdf(t), z, self.mean(), |t| {
            // the bend of Phi(alpha z) is at 0
            (1.0 / (1.0 + self.alpha.abs())).max(0.4 * t.abs()).min(0.4)
        })
    }

    fn quantile(&self, mass: Mass) -> f64 {
        let Moments { mean, sd, .. } = self.moments();
        let (mean, sd) = (mean.unwrap_or(0.0), sd.unwrap_or(1.0));
        solve(self, mass, mean + sd * normal_score(mass).clamp(-3.0, 3.0), sd)
    }

    fn moments(&self) -> Moments {
        let mean = self.mean();
        let variance = 1.0 - mean * mean;
        let ratio = mean * mean / variance;
        let skewness = 0.5 * (4.0 - PI) * ratio * ratio.sqrt() * mean.signum();
        Moments::all(mean, variance.sqrt(), skewness, 2.0 * (PI - 3.0) * ratio * ratio)
    }

    fn support(&self) -> [f64; 2] {
        LINE
    }

    fn peak(&self) -> Peak {
        Peak::Inside
    }
}

impl SkewNormal {
    fn mean(&self) -> f64 {
        self.alpha / 1.0_f64.hypot(self.alpha) * (2.0 / PI).sqrt()
    }
}
