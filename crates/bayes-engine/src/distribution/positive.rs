//! Distributions of positive numbers, at scale 1.

use super::law::{Moments, Standard, moments_by_quantile, solve};
use super::real::{StudentT, ln_inverse};
use crate::interval::Peak;
use crate::special::mills::{mills, mills_difference};
use crate::special::stirling::ln_beta;
use crate::special::{
    IncompleteBeta, IncompleteGamma, Mass, Tails, Unit, ln_gamma, normal_cdf, normal_ln_pdf,
    normal_score,
};

/// Above this shape moments about 0 cancel; then the quantile function is averaged.
const CANCELS: f64 = 15.0;

fn of(tails: Tails) -> Mass {
    Mass { lower: tails.lower, upper: tails.upper }
}

fn swapped(mass: Mass) -> Mass {
    Mass { lower: mass.upper, upper: mass.lower }
}

/// A power of a gamma variable of rate 1.
#[derive(Debug)]
pub(super) struct GammaPower {
    shape: f64,
    power: f64,
    integral: IncompleteGamma,
}

impl GammaPower {
    /// `power` is 1 (gamma), -1 (inverse gamma) or 0.5 (chi and its kin).
    pub(super) fn new(shape: f64, power: f64) -> Self {
        Self { shape, power, integral: IncompleteGamma::new(shape) }
    }
}

impl Standard for GammaPower {
    fn ln_pdf(&self, z: f64) -> f64 {
        if z <= 0.0 {
            let exponent = self.shape / self.power - 1.0;
            if self.power < 0.0 || exponent > 0.0 {
                return f64::NEG_INFINITY;
            }
            return if exponent < 0.0 {
                f64::INFINITY
            } else {
                -ln_gamma(self.shape) - self.power.abs().ln()
            };
        }
        if z.is_infinite() {
            return f64::NEG_INFINITY;
        }
        self.integral.ln_density(z.powf(1.0 / self.power)) - self.power.abs().ln() - z.ln()
    }

    fn mass(&self, z: f64) -> Mass {
        if self.power < 0.0 {
            return swapped(of(self.integral.tails(1.0 / z)));
        }
        of(self.integral.tails(z.powf(1.0 / self.power)))
    }

    fn quantile(&self, mass: Mass) -> f64 {
        if self.power < 0.0 {
            return 1.0 / self.integral.quantile(swapped(mass));
        }
        self.integral.quantile(mass).powf(self.power)
    }

    fn moments(&self) -> Moments {
        let a = self.shape;
        if self.power < 0.0 {
            let (mean, root) = (1.0 / (a - 1.0), (a - 2.0).sqrt());
            let kurtosis = 6.0 * (5.0 * a - 11.0) / ((a - 3.0) * (a - 4.0));
            return Moments::upto(a, [mean, mean / root, 4.0 * root / (a - 3.0), kurtosis]);
        }
        if self.power < 1.0 {
            if a > CANCELS {
                return moments_by_quantile(self, f64::INFINITY);
            }
            let raw = |order: f64| (ln_gamma(a + 0.5 * order) - ln_gamma(a)).exp();
            return Moments::from_raw(f64::INFINITY, [raw(1.0), a, raw(3.0), a * (a + 1.0)]);
        }
        Moments::all(a, a.sqrt(), 2.0 / a.sqrt(), 6.0 / a)
    }

    fn peak(&self) -> Peak {
        if self.power < 0.0 || self.shape / self.power > 1.0 { Peak::Inside } else { Peak::Low }
    }
}

/// Odds of a beta variable.
#[derive(Debug)]
pub(super) struct BetaOdds {
    a: f64,
    b: f64,
    integral: IncompleteBeta,
}

impl BetaOdds {
    pub(super) fn new(a: f64, b: f64) -> Self {
        Self { a, b, integral: IncompleteBeta::new(a, b) }
    }

    fn at(z: f64) -> Unit {
        Unit { x: 1.0 / (1.0 + 1.0 / z), y: 1.0 / (1.0 + z) }
    }
}

impl Standard for BetaOdds {
    fn ln_pdf(&self, z: f64) -> f64 {
        if z <= 0.0 {
            return edge(self.a - 1.0, -ln_beta(self.a, self.b));
        }
        if z.is_infinite() {
            return f64::NEG_INFINITY;
        }
        self.integral.ln_density(Self::at(z)) - z.ln()
    }

    fn mass(&self, z: f64) -> Mass {
        of(self.integral.tails(Self::at(z)))
    }

    fn quantile(&self, mass: Mass) -> f64 {
        let Unit { x, y } = self.integral.quantile(mass);
        x / y
    }

    fn moments(&self) -> Moments {
        let (a, b) = (self.a, self.b);
        let (n, c) = (a + b - 1.0, b - 1.0);
        let sd = (a * n / (b - 2.0)).sqrt() / c;
        let skewness = 2.0 * (2.0 * a + c) / (b - 3.0) * ((b - 2.0) / (a * n)).sqrt();
        let kurtosis =
            6.0 * (a * n * (5.0 * b - 11.0) + c * c * (b - 2.0)) / (a * n * (b - 3.0) * (b - 4.0));
        Moments::upto(b, [a / c, sd, skewness, kurtosis])
    }

    fn peak(&self) -> Peak {
        if self.a > 1.0 { Peak::Inside } else { Peak::Low }
    }
}

/// Log density at an end where it goes like `distance^exponent`; `constant` is its log factor.
pub(super) fn edge(exponent: f64, constant: f64) -> f64 {
    if exponent > 0.0 {
        f64::NEG_INFINITY
    } else if exponent < 0.0 {
        f64::INFINITY
    } else {
        constant
    }
}

#[derive(Debug)]
pub(super) struct Exponential;

impl Standard for Exponential {
    fn ln_pdf(&self, z: f64) -> f64 {
        -z
    }

    fn mass(&self, z: f64) -> Mass {
        Mass { lower: -(-z).exp_m1(), upper: (-z).exp() }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        ln_inverse(swapped(mass))
    }

    fn moments(&self) -> Moments {
        Moments::all(1.0, 1.0, 2.0, 6.0)
    }

    fn peak(&self) -> Peak {
        Peak::Low
    }
}

#[derive(Debug)]
pub(super) struct Weibull {
    pub(super) shape: f64,
}

impl Standard for Weibull {
    fn ln_pdf(&self, z: f64) -> f64 {
        let a = self.shape;
        if z <= 0.0 {
            return edge(a - 1.0, 0.0);
        }
        a.ln() + (a - 1.0) * z.ln() - z.powf(a)
    }

    fn mass(&self, z: f64) -> Mass {
        Exponential.mass(z.powf(self.shape))
    }

    fn quantile(&self, mass: Mass) -> f64 {
        Exponential.quantile(mass).powf(1.0 / self.shape)
    }

    fn moments(&self) -> Moments {
        let a = self.shape;
        if a > CANCELS {
            return moments_by_quantile(self, f64::INFINITY);
        }
        let raw = |order: f64| ln_gamma(1.0 + order / a).exp();
        Moments::from_raw(f64::INFINITY, [1.0, 2.0, 3.0, 4.0].map(raw))
    }

    fn peak(&self) -> Peak {
        if self.shape > 1.0 { Peak::Inside } else { Peak::Low }
    }
}

#[derive(Debug)]
pub(super) struct Frechet {
    pub(super) shape: f64,
}

impl Standard for Frechet {
    fn ln_pdf(&self, z: f64) -> f64 {
        if z <= 0.0 {
            return f64::NEG_INFINITY;
        }
        let a = self.shape;
        a.ln() - (a + 1.0) * z.ln() - z.powf(-a)
    }

    fn mass(&self, z: f64) -> Mass {
        let e = z.powf(-self.shape);
        Mass { lower: (-e).exp(), upper: -(-e).exp_m1() }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        ln_inverse(mass).powf(-1.0 / self.shape)
    }

    fn moments(&self) -> Moments {
        let a = self.shape;
        if a > CANCELS {
            return moments_by_quantile(self, a);
        }
        let raw = |order: f64| if order < a { ln_gamma(1.0 - order / a).exp() } else { f64::NAN };
        Moments::from_raw(a, [1.0, 2.0, 3.0, 4.0].map(raw))
    }

    fn peak(&self) -> Peak {
        Peak::Inside
    }
}

#[derive(Debug)]
pub(super) struct LogNormal {
    pub(super) sigma: f64,
}

impl Standard for LogNormal {
    fn ln_pdf(&self, z: f64) -> f64 {
        if z <= 0.0 {
            return f64::NEG_INFINITY;
        }
        normal_ln_pdf(z.ln() / self.sigma) - self.sigma.ln() - z.ln()
    }

    fn mass(&self, z: f64) -> Mass {
        let score = z.ln() / self.sigma;
        Mass { lower: normal_cdf(score), upper: normal_cdf(-score) }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        (self.sigma * normal_score(mass)).exp()
    }

    fn moments(&self) -> Moments {
        let s = self.sigma * self.sigma;
        let mean = (0.5 * s).exp();
        let sd = s.exp_m1().sqrt();
        let kurtosis = (4.0 * s).exp_m1() + 2.0 * (3.0 * s).exp_m1() + 3.0 * (2.0 * s).exp_m1();
        Moments::all(mean, mean * sd, (s.exp() + 2.0) * sd, kurtosis)
    }

    fn peak(&self) -> Peak {
        Peak::Inside
    }
}

#[derive(Debug)]
pub(super) struct LogLogistic {
    pub(super) shape: f64,
}

impl Standard for LogLogistic {
    fn ln_pdf(&self, z: f64) -> f64 {
        let b = self.shape;
        if z <= 0.0 {
            return edge(b - 1.0, 0.0);
        }
        let u = b * z.ln();
        b.ln() - z.ln() - u.abs() - 2.0 * (-u.abs()).exp().ln_1p()
    }

    fn mass(&self, z: f64) -> Mass {
        let Unit { x, y } = Unit::from_logit(self.shape * z.ln());
        Mass { lower: x, upper: y }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        (mass.lower / mass.upper).powf(1.0 / self.shape)
    }

    fn moments(&self) -> Moments {
        let b = self.shape;
        if b > CANCELS {
            return moments_by_quantile(self, b);
        }
        let raw = |order: f64| {
            let angle = order * std::f64::consts::PI / b;
            angle / angle.sin()
        };
        Moments::from_raw(b, [1.0, 2.0, 3.0, 4.0].map(raw))
    }

    fn peak(&self) -> Peak {
        if self.shape > 1.0 { Peak::Inside } else { Peak::Low }
    }
}

/// A power tail above 1 (`is_shifted`: above 0).
#[derive(Debug)]
pub(super) struct Pareto {
    pub(super) alpha: f64,
    pub(super) is_shifted: bool,
}

impl Pareto {
    fn shift(&self) -> f64 {
        if self.is_shifted { 1.0 } else { 0.0 }
    }

    /// Log of the distance from the pole.
    fn ln(&self, z: f64) -> f64 {
        if self.is_shifted { z.ln_1p() } else { z.ln() }
    }
}

impl Standard for Pareto {
    fn ln_pdf(&self, z: f64) -> f64 {
        self.alpha.ln() - (self.alpha + 1.0) * self.ln(z)
    }

    fn mass(&self, z: f64) -> Mass {
        Exponential.mass(self.alpha * self.ln(z))
    }

    fn quantile(&self, mass: Mass) -> f64 {
        let ln = Exponential.quantile(mass) / self.alpha;
        if self.is_shifted { ln.exp_m1() } else { ln.exp() }
    }

    fn moments(&self) -> Moments {
        let a = self.alpha;
        let sd = (a / (a - 2.0)).sqrt() / (a - 1.0);
        let skewness = 2.0 * (1.0 + a) / (a - 3.0) * ((a - 2.0) / a).sqrt();
        let kurtosis = 6.0 * (a * a * a + a * a - 6.0 * a - 2.0) / (a * (a - 3.0) * (a - 4.0));
        Moments::upto(a, [a / (a - 1.0) - self.shift(), sd, skewness, kurtosis])
    }

    fn support(&self) -> [f64; 2] {
        [1.0 - self.shift(), f64::INFINITY]
    }

    fn peak(&self) -> Peak {
        Peak::Low
    }
}

/// First passage time: mean 1, this shape.
#[derive(Debug)]
pub(super) struct InverseGaussian {
    pub(super) shape: f64,
}

impl Standard for InverseGaussian {
    fn ln_pdf(&self, z: f64) -> f64 {
        if z <= 0.0 {
            return f64::NEG_INFINITY;
        }
        let score = (self.shape / z).sqrt() * (z - 1.0);
        normal_ln_pdf(score) + 0.5 * self.shape.ln() - 1.5 * z.ln()
    }

    fn mass(&self, z: f64) -> Mass {
        let root = (self.shape / z).sqrt();
        let (near, far) = (root * (z - 1.0), root * (z + 1.0));
        let density = normal_ln_pdf(near).exp();
        if density <= 0.0 {
            return if near < 0.0 { Mass::below(0.0) } else { Mass::above(0.0) };
        }
        if near < 0.0 {
            Mass::below(density * (mills(-near) + mills(far)))
        } else {
            Mass::above(density * mills_difference(near, far))
        }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        let sd = 1.0 / self.shape.sqrt();
        let start = (sd.min(1.0) * normal_score(mass).clamp(-2.0, 2.0)).exp();
        solve(self, mass, start, sd)
    }

    fn moments(&self) -> Moments {
        let f = self.shape;
        Moments::all(1.0, 1.0 / f.sqrt(), 3.0 / f.sqrt(), 15.0 / f)
    }

    fn peak(&self) -> Peak {
        Peak::Inside
    }
}

#[derive(Debug)]
pub(super) struct Gompertz {
    pub(super) eta: f64,
}

impl Standard for Gompertz {
    fn ln_pdf(&self, z: f64) -> f64 {
        self.eta.ln() + z - self.eta * z.exp_m1()
    }

    fn mass(&self, z: f64) -> Mass {
        Exponential.mass(self.eta * z.exp_m1())
    }

    fn quantile(&self, mass: Mass) -> f64 {
        (Exponential.quantile(mass) / self.eta).ln_1p()
    }

    fn moments(&self) -> Moments {
        moments_by_quantile(self, f64::INFINITY)
    }

    fn peak(&self) -> Peak {
        if self.eta < 1.0 { Peak::Inside } else { Peak::Low }
    }
}

/// Inverse square of a normal variable.
#[derive(Debug)]
pub(super) struct Levy;

impl Standard for Levy {
    fn ln_pdf(&self, z: f64) -> f64 {
        if z <= 0.0 {
            return f64::NEG_INFINITY;
        }
        normal_ln_pdf(1.0 / z.sqrt()) - 1.5 * z.ln()
    }

    fn mass(&self, z: f64) -> Mass {
        let root = (0.5 / z).sqrt();
        Mass { lower: libm::erfc(root), upper: libm::erf(root) }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        if mass.lower < 0.5 {
            return normal_score(Mass::below(0.5 * mass.lower)).powi(-2);
        }
        // erf(root) = upper: its series inverted once, then Newton in the root
        let mut root = 0.5 * std::f64::consts::PI.sqrt() * mass.upper;
        for _ in 0..60 {
            let slope = std::f64::consts::FRAC_2_SQRT_PI * (-root * root).exp();
            let step = (mass.upper - libm::erf(root)) / slope;
            root += step;
            if step.abs() <= 1e-15 * root {
                break;
            }
        }
        0.5 / (root * root)
    }

    fn moments(&self) -> Moments {
        Moments::default()
    }

    fn peak(&self) -> Peak {
        Peak::Inside
    }
}

/// The absolute value of a law that is symmetric about 0.
#[derive(Debug)]
pub(super) enum Half {
    /// Of a normal variable.
    Normal,
    /// Of a Student t variable.
    StudentT(StudentT),
}

impl Standard for Half {
    fn ln_pdf(&self, z: f64) -> f64 {
        let whole = match self {
            Self::Normal => normal_ln_pdf(z),
            Self::StudentT(whole) => whole.ln_pdf(z),
        };
        whole + std::f64::consts::LN_2
    }

    fn mass(&self, z: f64) -> Mass {
        match self {
            Self::Normal => {
                let root = z * std::f64::consts::FRAC_1_SQRT_2;
                Mass { lower: libm::erf(root), upper: libm::erfc(root) }
            }
            Self::StudentT(whole) => whole.both(z),
        }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        match self {
            // the inverse square of a Levy variable
            Self::Normal => 1.0 / Levy.quantile(swapped(mass)).sqrt(),
            Self::StudentT(whole) => whole.beyond(mass),
        }
    }

    fn moments(&self) -> Moments {
        let nu = match self {
            Self::Normal => f64::INFINITY,
            Self::StudentT(whole) => whole.nu(),
        };
        // raw moments of |N|, and what dividing by a chi variable adds
        let root = (2.0 / std::f64::consts::PI).sqrt();
        if nu.is_infinite() {
            return Moments::from_raw(nu, [root, 1.0, 2.0 * root, 3.0]);
        }
        let raw = |order: f64| {
            let half = 0.5 * (nu - order);
            (ln_gamma(half) - ln_gamma(0.5 * nu) + 0.5 * order * (0.5 * nu).ln()).exp()
        };
        let factors = [root, 1.0, 2.0 * root, 3.0];
        let orders = [1.0, 2.0, 3.0, 4.0];
        Moments::from_raw(
            nu,
            std::array::from_fn(|i| {
                if orders[i] < nu { factors[i] * raw(orders[i]) } else { f64::NAN }
            }),
        )
    }

    fn peak(&self) -> Peak {
        Peak::Low
    }
}
