//! The posterior of a standardised effect.

use super::{LOW, NODES, STEP, ln_mixing};
use crate::interval::equal_tails;
use crate::root;
use crate::special::{IncompleteGamma, Mass, normal_cdf, normal_score};

/// What is known about the effect, in standard deviations, if there is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
    /// Equal-tailed interval.
    pub interval: [f64; 2],
    /// Probability that it is above 0.
    pub p_positive: f64,
}

/// One normal component.
#[derive(Debug, Clone, Copy)]
struct Component {
    weight: f64,
    mean: f64,
    sd: f64,
}

/// Weight, relative to the heaviest, below which a component is dropped.
const NOTHING: f64 = 1e-14;

impl Effect {
    /// Given `g` and the variance's chi-square variable, the effect is normal: a sum over both.
    pub(super) fn new(t: f64, n: f64, df: f64, r: f64, level: f64) -> Self {
        let components = components(t, n, df, r);
        let mean: f64 = components.iter().map(|c| c.weight * c.mean).sum();
        let variance: f64 = components
            .iter()
            .map(|c| c.weight * (c.sd * c.sd + (c.mean - mean) * (c.mean - mean)))
            .sum();
        let sd = variance.sqrt();
        let tails = |x: f64| {
            let mut sum = Mass { lower: 0.0, upper: 0.0 };
            for c in &components {
                let z = (x - c.mean) / c.sd;
                sum.lower += c.weight * normal_cdf(z);
                sum.upper += c.weight * normal_cdf(-z);
            }
            sum
        };
        let interval = equal_tails(level).map(|mass| quantile(mass, mean, sd, tails));
        Self { mean, sd, interval, p_positive: tails(0.0).upper }
    }
}

fn components(t: f64, n: f64, df: f64, r: f64) -> Vec<Component> {
    let chi = IncompleteGamma::new(0.5 * df);
    // ln w about its mean: 9 spreads on both sides, more below where it is skewed
    let spread = (2.0 / df).sqrt();
    let step = (0.4 * spread).min(0.25);
    let (low, high) = (-9.0 * spread * (1.0 + spread), (9.0 * spread).min(4.5));
    // twice the step of the evidence is exact to 1e-10 still
    let mixing: Vec<(f64, f64)> = (0..NODES)
        .step_by(2)
        .map(|index| {
            let u = LOW + STEP * f64::from(index);
            let widened = 1.0 + n * u.exp() * r * r;
            (ln_mixing(u) - 0.5 * widened.ln(), widened)
        })
        .collect();
    let mut list = Vec::with_capacity(16_384);
    let mut y = low;
    while y <= high {
        // the statistic had the standard deviation been known
        let x = t * (0.5 * y).exp();
        let ln_w = chi.ln_density(0.5 * df * y.exp()) + 0.5 * y;
        for (ln_prior, widened) in &mixing {
            let shrink = 1.0 - 1.0 / widened;
            let ln = ln_w + ln_prior - 0.5 * x * x / widened;
            let component =
                Component { weight: ln, mean: shrink * x / n.sqrt(), sd: (shrink / n).sqrt() };
            list.push(component);
        }
        y += step;
    }
    let peak = list.iter().map(|c| c.weight).fold(f64::NEG_INFINITY, f64::max);
    list.retain(|c| c.weight - peak > NOTHING.ln());
    let total: f64 = list.iter().map(|c| (c.weight - peak).exp()).sum();
    for component in &mut list {
        component.weight = (component.weight - peak).exp() / total;
    }
    list
}

/// By secant steps in normal scores, in which the mixture is nearly straight.
fn quantile(mass: Mass, mean: f64, sd: f64, tails: impl Fn(f64) -> Mass) -> f64 {
    const TINY: f64 = 1e-290;
    let wanted = normal_score(mass);
    root::increasing(mean - 40.0 * sd, mean + 40.0 * sd, 1e-11 * sd, |x| {
        let Mass { lower, upper } = tails(x);
        normal_score(Mass { lower: lower.max(TINY), upper: upper.max(TINY) }) - wanted
    })
}
