//! Log densities and their slopes.
//!
//! A parameter outside its range gives NaN, an outcome outside the support minus infinity.
#![expect(clippy::float_cmp, reason = "counts are compared with counts")]

use std::f64::consts::PI;

use super::op::{Op, inv_logit, log1p_exp};
use super::run::BLOCK;
use crate::special::{digamma, ln_gamma};

pub(super) const HALF_LN_TWO_PI: f64 = 0.918_938_533_204_672_8;
const OUTSIDE: f64 = f64::NEG_INFINITY;

pub(super) fn student_norm(nu: f64) -> f64 {
    if nu.is_nan() || nu <= 0.0 {
        return f64::NAN;
    }
    ln_gamma(0.5 * (nu + 1.0)) - ln_gamma(0.5 * nu) - 0.5 * (nu * PI).ln()
}

/// `a ln b` with 0 for no events.
fn times_ln(a: f64, b: f64) -> f64 {
    if a == 0.0 { 0.0 } else { a * b.ln() }
}

fn times_ln1m(a: f64, b: f64) -> f64 {
    if a == 0.0 { 0.0 } else { a * (-b).ln_1p() }
}

fn is_valid(op: Op, [_, b, c, d]: [f64; 4]) -> bool {
    match op {
        Op::StudentT => b > 0.0 && d > 0.0 && d < f64::INFINITY,
        Op::Gamma | Op::InvGamma | Op::Weibull | Op::Beta | Op::NegBinomial2 => {
            b > 0.0 && c > 0.0 && b < f64::INFINITY && c < f64::INFINITY
        }
        Op::Exponential => b > 0.0 && b < f64::INFINITY,
        Op::Uniform => b < c,
        Op::Bernoulli => (0.0..=1.0).contains(&b),
        Op::Binomial => b >= 0.0 && (0.0..=1.0).contains(&c),
        Op::BinomialLogit => b >= 0.0 && c.is_finite(),
        Op::BernoulliLogit | Op::PoissonLog => !b.is_nan(),
        Op::Poisson => (0.0..f64::INFINITY).contains(&b),
        _ => b.is_finite() && c > 0.0 && c < f64::INFINITY,
    }
}

fn is_inside(op: Op, [y, b, c, _]: [f64; 4]) -> bool {
    match op {
        Op::Lognormal | Op::InvGamma | Op::Gamma => y > 0.0 && y < f64::INFINITY,
        Op::Weibull | Op::Exponential => (0.0..f64::INFINITY).contains(&y),
        Op::Beta => (0.0..=1.0).contains(&y),
        Op::Uniform => b <= y && y <= c,
        Op::Bernoulli | Op::BernoulliLogit => y == 0.0 || y == 1.0,
        Op::Binomial | Op::BinomialLogit => (0.0..=b).contains(&y),
        Op::Poisson | Op::PoissonLog | Op::NegBinomial2 => y >= 0.0,
        _ => true,
    }
}

#[inline]
pub(super) fn value(op: Op, x: [f64; 4]) -> f64 {
    let [y, b, c, d] = x;
    if !is_valid(op, x) || y.is_nan() {
        return f64::NAN;
    }
    if !is_inside(op, x) {
        return OUTSIDE;
    }
    let z = (y - b) / c;
    match op {
        Op::Normal => -0.5 * z * z - c.ln() - HALF_LN_TWO_PI,
        Op::Cauchy => -PI.ln() - c.ln() - (z * z).ln_1p(),
        Op::StudentT => {
            let z = (y - c) / d;
            -d.ln() - 0.5 * (b + 1.0) * (z * z / b).ln_1p()
        }
        Op::Logistic => -z.abs() - c.ln() - 2.0 * (-z.abs()).exp().ln_1p(),
        Op::DoubleExponential => -(2.0 * c).ln() - z.abs(),
        Op::Lognormal => {
            let log = y.ln();
            let z = (log - b) / c;
            -log - c.ln() - 0.5 * z * z - HALF_LN_TWO_PI
        }
        Op::Gamma => times_ln(b - 1.0, y) - c * y,
        Op::InvGamma => -(b + 1.0) * y.ln() - c / y,
        Op::Exponential => b.ln() - b * y,
        Op::Weibull => {
            let ratio = y / c;
            b.ln() - c.ln() + times_ln(b - 1.0, ratio) - ratio.powf(b)
        }
        Op::Beta => times_ln(b - 1.0, y) + times_ln1m(c - 1.0, y),
        Op::Uniform => -(c - b).ln(),
        Op::Bernoulli => (if y == 1.0 { b } else { 1.0 - b }).ln(),
        Op::BernoulliLogit => -log1p_exp(if y == 1.0 { -b } else { b }),
        Op::Binomial => d + times_ln(y, c) + times_ln1m(b - y, c),
        Op::BinomialLogit => d - y * log1p_exp(-c) - (b - y) * log1p_exp(c),
        Op::Poisson => times_ln(y, b) - b - c,
        Op::PoissonLog => y * b - b.exp() - c,
        Op::NegBinomial2 => {
            let part = ln_gamma(y + c) - ln_gamma(c) - d;
            part - times_ln(y, 1.0 + c / b) - c * (b / c).ln_1p()
        }
        _ => f64::NAN,
    }
}

/// Slopes of a density with location and scale, from the slope in `z`.
fn scaled(z: f64, scale: f64, slope: f64) -> [f64; 4] {
    [slope / scale, -slope / scale, -(1.0 + slope * z) / scale, 0.0]
}

#[inline]
pub(super) fn slopes(op: Op, x: [f64; 4]) -> [f64; 4] {
    let [y, b, c, d] = x;
    let z = (y - b) / c;
    match op {
        Op::Normal => scaled(z, c, -z),
        Op::Cauchy => scaled(z, c, -2.0 * z / (1.0 + z * z)),
        Op::Logistic => scaled(z, c, -(0.5 * z).tanh()),
        Op::DoubleExponential => scaled(z, c, if z == 0.0 { 0.0 } else { -z.signum() }),
        Op::StudentT => {
            let z = (y - c) / d;
            let [of_y, of_mu, of_sigma, _] = scaled(z, d, -(b + 1.0) * z / (b + z * z));
            let square = z * z;
            let of_nu = 0.5 * ((b + 1.0) * square / (b * (b + square)) - (square / b).ln_1p());
            [of_y, of_nu, of_mu, of_sigma]
        }
        Op::Lognormal => {
            let z = (y.ln() - b) / c;
            [-(1.0 + z / c) / y, z / c, (z * z - 1.0) / c, 0.0]
        }
        Op::Gamma => [(b - 1.0) / y - c, y.ln(), -y, 0.0],
        Op::InvGamma => [(c / y - b - 1.0) / y, -y.ln(), -1.0 / y, 0.0],
        Op::Exponential => [-b, 1.0 / b - y, 0.0, 0.0],
        Op::Weibull => {
            let log = (y / c).ln();
            let power = (y / c).powf(b);
            let of_y = (b - 1.0 - b * power) / y;
            [of_y, 1.0 / b + log * (1.0 - power), b * (power - 1.0) / c, 0.0]
        }
        Op::Beta => [(b - 1.0) / y - (c - 1.0) / (1.0 - y), y.ln(), (-y).ln_1p(), 0.0],
        Op::Uniform => [0.0, 1.0 / (c - b), -1.0 / (c - b), 0.0],
        Op::Bernoulli => [0.0, if y == 1.0 { 1.0 / b } else { -1.0 / (1.0 - b) }, 0.0, 0.0],
        Op::BernoulliLogit => [0.0, y - inv_logit(b), 0.0, 0.0],
        Op::Binomial => {
            let successes = if y == 0.0 { 0.0 } else { y / c };
            let failures = if y == b { 0.0 } else { (b - y) / (1.0 - c) };
            [0.0, 0.0, successes - failures, 0.0]
        }
        Op::BinomialLogit => [0.0, 0.0, y - b * inv_logit(c), 0.0],
        Op::Poisson => [0.0, if y == 0.0 { -1.0 } else { y / b - 1.0 }, 0.0, 0.0],
        Op::PoissonLog => [0.0, y - b.exp(), 0.0, 0.0],
        Op::NegBinomial2 => {
            let share = (y + c) / (b + c);
            let of_phi = digamma(y + c) - digamma(c) - (b / c).ln_1p() + 1.0 - share;
            [0.0, (if y == 0.0 { 0.0 } else { y / b }) - share, of_phi, 0.0]
        }
        _ => [0.0; 4],
    }
}

/// [`value`] of a block of normal densities; the log of a scale is taken once for equal neighbours.
pub(super) fn normal_block([y, mu, sigma]: [&[f64; BLOCK]; 3], to: &mut [f64]) {
    let first = sigma[0];
    if first > 0.0 && sigma[..to.len()].iter().all(|scale| *scale == first) {
        let (inverse, constant) = (1.0 / first, -first.ln() - HALF_LN_TWO_PI);
        for (slot, (y, mu)) in to.iter_mut().zip(y.iter().zip(mu)) {
            let z = (y - mu) * inverse;
            *slot = constant - 0.5 * z * z;
        }
        return;
    }
    let (mut last, mut log) = (f64::NAN, f64::NAN);
    for (at, slot) in to.iter_mut().enumerate() {
        let scale = sigma[at];
        if scale != last {
            (last, log) = (scale, if scale > 0.0 { scale.ln() } else { f64::NAN });
        }
        let z = (y[at] - mu[at]) / scale;
        *slot = -0.5 * z * z - log - HALF_LN_TWO_PI;
    }
}

/// [`slopes`] of a block of normal densities, times the adjoints.
pub(super) fn normal_slopes(
    [y, mu, sigma]: [&[f64; BLOCK]; 3],
    adjoints: &[f64],
    to: &mut [[f64; BLOCK]; 4],
) {
    for (at, adjoint) in adjoints.iter().enumerate() {
        let inverse = 1.0 / sigma[at];
        let z = (y[at] - mu[at]) * inverse;
        let weight = adjoint * inverse;
        to[0][at] = -z * weight;
        to[1][at] = z * weight;
        to[2][at] = (z * z - 1.0) * weight;
    }
}
