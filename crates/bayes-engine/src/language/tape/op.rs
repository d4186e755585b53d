//! What one step of a tape computes of each element: value and slopes.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, PI};

use super::density;
use crate::special::{digamma, ln_gamma, normal_cdf, normal_ln_cdf, normal_quantile, trigamma};

/// A function of up to four numbers.
///
/// The densities leave out what [`Op::GammaNorm`] and its kin compute, and take `ln y!` or the log binomial
/// coefficient of an observed count as their last input: neither is computed anew for each element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Fmin,
    Fmax,
    Atan2,
    LogSumExp,
    LogDiffExp,
    Lbeta,
    Negate,
    Exp,
    Exp2,
    Expm1,
    Log,
    Log2,
    Log10,
    Log1p,
    Log1m,
    Log1pExp,
    Log1mExp,
    Sqrt,
    Cbrt,
    Square,
    Inv,
    InvSqrt,
    Abs,
    Floor,
    Ceil,
    Round,
    Trunc,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    InvLogit,
    LogInvLogit,
    Logit,
    Phi,
    LogPhi,
    InvPhi,
    Erf,
    Erfc,
    Lgamma,
    Digamma,
    /// `a ln b - lgamma(a)`.
    GammaNorm,
    /// The part of a Student t density that depends on its degrees of freedom alone.
    StudentNorm,
    Normal,
    Cauchy,
    StudentT,
    Logistic,
    DoubleExponential,
    Lognormal,
    Gamma,
    InvGamma,
    Exponential,
    Weibull,
    Beta,
    Uniform,
    Bernoulli,
    BernoulliLogit,
    Binomial,
    BinomialLogit,
    Poisson,
    PoissonLog,
    NegBinomial2,
}

impl Op {
    /// The value at `x`.
    #[inline]
    pub(crate) fn value(self, x: [f64; 4]) -> f64 {
        let [a, b, ..] = x;
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Negate => -a,
            Self::Exp => a.exp(),
            Self::Log => a.ln(),
            Self::Square => a * a,
            Self::Power => a.powf(b),
            Self::Fmin => a.min(b),
            Self::Fmax => a.max(b),
            Self::Atan2 => a.atan2(b),
            Self::LogSumExp => log_sum_exp(a, b),
            Self::LogDiffExp => a + log1m_exp(b - a),
            Self::Lbeta => ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b),
            Self::GammaNorm => a * b.ln() - ln_gamma(a),
            Self::StudentNorm => density::student_norm(a),
            _ if self < Self::GammaNorm => self.unary(a),
            _ => density::value(self, x),
        }
    }

    fn unary(self, a: f64) -> f64 {
        match self {
            Self::Exp2 => a.exp2(),
            Self::Expm1 => a.exp_m1(),
            Self::Log2 => a.log2(),
            Self::Log10 => a.log10(),
            Self::Log1p => a.ln_1p(),
            Self::Log1m => (-a).ln_1p(),
            Self::Log1pExp => log1p_exp(a),
            Self::Log1mExp => log1m_exp(a),
            Self::Sqrt => a.sqrt(),
            Self::Cbrt => a.cbrt(),
            Self::Inv => 1.0 / a,
            Self::InvSqrt => 1.0 / a.sqrt(),
            Self::Abs => a.abs(),
            Self::Floor => a.floor(),
            Self::Ceil => a.ceil(),
            Self::Round => a.round(),
            Self::Trunc => a.trunc(),
            Self::Sin => a.sin(),
            Self::Cos => a.cos(),
            Self::Tan => a.tan(),
            Self::Asin => a.asin(),
            Self::Acos => a.acos(),
            Self::Atan => a.atan(),
            Self::Sinh => a.sinh(),
            Self::Cosh => a.cosh(),
            Self::Tanh => a.tanh(),
            Self::InvLogit => inv_logit(a),
            Self::LogInvLogit => -log1p_exp(-a),
            Self::Logit => a.ln() - (-a).ln_1p(),
            Self::Phi => normal_cdf(a),
            Self::LogPhi => normal_ln_cdf(a),
            Self::InvPhi => normal_quantile(a),
            Self::Erf => libm::erf(a),
            Self::Erfc => libm::erfc(a),
            Self::Digamma => digamma(a),
            _ => ln_gamma_any(a),
        }
    }

    /// Partial derivatives at `x`, where the value is `y`.
    #[inline]
    pub(crate) fn slopes(self, x: [f64; 4], y: f64) -> [f64; 4] {
        let [a, b, ..] = x;
        match self {
            Self::Add => [1.0, 1.0, 0.0, 0.0],
            Self::Subtract => [1.0, -1.0, 0.0, 0.0],
            Self::Multiply => [b, a, 0.0, 0.0],
            Self::Divide => [1.0 / b, -y / b, 0.0, 0.0],
            Self::Negate => [-1.0, 0.0, 0.0, 0.0],
            Self::Exp => [y, 0.0, 0.0, 0.0],
            Self::Log => [1.0 / a, 0.0, 0.0, 0.0],
            Self::Square => [2.0 * a, 0.0, 0.0, 0.0],
            Self::Power => power_slopes(a, b, y),
            // a tie belongs to the first
            Self::Fmin => pick(a <= b),
            Self::Fmax => pick(a >= b),
            Self::Atan2 => {
                let square = a * a + b * b;
                [b / square, -a / square, 0.0, 0.0]
            }
            Self::LogSumExp if y == f64::NEG_INFINITY => [0.0; 4],
            Self::LogSumExp => [(a - y).exp(), (b - y).exp(), 0.0, 0.0],
            Self::LogDiffExp => [-1.0 / (b - a).exp_m1(), -1.0 / (a - b).exp_m1(), 0.0, 0.0],
            Self::Lbeta => {
                let both = digamma(a + b);
                [digamma(a) - both, digamma(b) - both, 0.0, 0.0]
            }
            Self::GammaNorm => [b.ln() - digamma(a), a / b, 0.0, 0.0],
            Self::StudentNorm => {
                let slope = 0.5 * (digamma(0.5 * (a + 1.0)) - digamma(0.5 * a) - 1.0 / a);
                [slope, 0.0, 0.0, 0.0]
            }
            _ if self < Self::GammaNorm => [self.unary_slope(a, y), 0.0, 0.0, 0.0],
            _ => density::slopes(self, x),
        }
    }

    fn unary_slope(self, a: f64, y: f64) -> f64 {
        match self {
            Self::Exp2 => y * LN_2,
            Self::Expm1 => y + 1.0,
            Self::Log2 => 1.0 / (a * LN_2),
            Self::Log10 => 1.0 / (a * std::f64::consts::LN_10),
            Self::Log1p => 1.0 / (1.0 + a),
            Self::Log1m => -1.0 / (1.0 - a),
            Self::Log1pExp => inv_logit(a),
            Self::Log1mExp => -1.0 / (-a).exp_m1(),
            Self::Sqrt => 0.5 / y,
            Self::Cbrt => 1.0 / (3.0 * y * y),
            Self::Inv => -y * y,
            Self::InvSqrt => -0.5 * y / a,
            Self::Abs if a == 0.0 => 0.0,
            Self::Abs => a.signum(),
            Self::Floor | Self::Ceil | Self::Round | Self::Trunc => 0.0,
            Self::Sin => a.cos(),
            Self::Cos => -a.sin(),
            Self::Tan => 1.0 + y * y,
            Self::Asin => 1.0 / (1.0 - a * a).sqrt(),
            Self::Acos => -1.0 / (1.0 - a * a).sqrt(),
            Self::Atan => 1.0 / (1.0 + a * a),
            Self::Sinh => a.cosh(),
            Self::Cosh => a.sinh(),
            Self::Tanh => 1.0 - y * y,
            Self::InvLogit => y * inv_logit(-a),
            Self::LogInvLogit => inv_logit(-a),
            Self::Logit => 1.0 / (a * (1.0 - a)),
            Self::Phi => normal_density(a),
            // the ratio of density and mass, computed in logs for the far tail
            Self::LogPhi => (-0.5 * a * a - density::HALF_LN_TWO_PI - y).exp(),
            Self::InvPhi => 1.0 / normal_density(y),
            Self::Erf => 2.0 / PI.sqrt() * (-a * a).exp(),
            Self::Erfc => -2.0 / PI.sqrt() * (-a * a).exp(),
            Self::Digamma => trigamma(a),
            _ => digamma(a),
        }
    }
}

fn pick(is_first: bool) -> [f64; 4] {
    if is_first { [1.0, 0.0, 0.0, 0.0] } else { [0.0, 1.0, 0.0, 0.0] }
}

fn power_slopes(a: f64, b: f64, y: f64) -> [f64; 4] {
    let base = if b == 0.0 {
        0.0
    } else if a == 0.0 {
        b * a.powf(b - 1.0)
    } else {
        b * y / a
    };
    let exponent = if a == 0.0 { 0.0 } else { y * a.ln() };
    [base, exponent, 0.0, 0.0]
}

fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() * FRAC_1_SQRT_2 / PI.sqrt()
}

/// `ln |gamma(a)|` of any number.
fn ln_gamma_any(a: f64) -> f64 {
    if a > 0.0 { ln_gamma(a) } else { libm::lgamma(a) }
}

pub(super) fn log_sum_exp(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high.is_infinite() { high } else { high + (low - high).exp().ln_1p() }
}

/// `ln(1 + e^a)`.
pub(super) fn log1p_exp(a: f64) -> f64 {
    if a > 0.0 { a + (-a).exp().ln_1p() } else { a.exp().ln_1p() }
}

/// `ln(1 - e^a)`.
fn log1m_exp(a: f64) -> f64 {
    if a > -LN_2 { (-a.exp_m1()).ln() } else { (-a.exp()).ln_1p() }
}

pub(super) fn inv_logit(a: f64) -> f64 {
    if a >= 0.0 {
        1.0 / (1.0 + (-a).exp())
    } else {
        let e = a.exp();
        e / (1.0 + e)
    }
}
