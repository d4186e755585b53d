//! What every distribution can say about itself.

use std::fmt::Debug;

use crate::interval::Peak;
use crate::special::{Mass, Unit, normal_score};

/// The first four moments, each where it exists.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    /// Mean.
    pub mean: Option<f64>,
    /// Standard deviation.
    pub sd: Option<f64>,
    /// Skewness.
    pub skewness: Option<f64>,
    /// Kurtosis less 3.
    pub excess_kurtosis: Option<f64>,
}

impl Moments {
    /// All four.
    pub(super) fn all(mean: f64, sd: f64, skewness: f64, excess_kurtosis: f64) -> Self {
        Self::upto(f64::INFINITY, [mean, sd, skewness, excess_kurtosis])
    }

    /// Those of order below `limit`; what overflows is dropped.
    pub(super) fn upto(limit: f64, [mean, sd, skewness, excess_kurtosis]: [f64; 4]) -> Self {
        let kept = |order: f64, value: f64| (order < limit && value.is_finite()).then_some(value);
        Self {
            mean: kept(1.0, mean),
            sd: kept(2.0, sd),
            skewness: kept(3.0, skewness),
            excess_kurtosis: kept(4.0, excess_kurtosis),
        }
    }

    /// From the moments about 0, those of order below `limit`.
    pub(super) fn from_raw(limit: f64, [m1, m2, m3, m4]: [f64; 4]) -> Self {
        let variance = m2 - m1 * m1;
        let sd = variance.sqrt();
        let third = m3 - 3.0 * m1 * m2 + 2.0 * m1 * m1 * m1;
        let fourth = m4 - 4.0 * m1 * m3 + 6.0 * m1 * m1 * m2 - 3.0 * m1 * m1 * m1 * m1;
        Self::upto(limit, [m1, sd, third / (variance * sd), fourth / (variance * variance) - 3.0])
    }
}

/// A continuous distribution at location 0 and scale 1.
pub(super) trait Standard: Debug + Send + Sync {
    /// Log density inside the support; at its ends the limit, which may be infinite.
    fn ln_pdf(&self, z: f64) -> f64;
    /// Mass on both sides of a point inside the support.
    fn mass(&self, z: f64) -> Mass;
    /// The point with this mass on both sides, neither 0.
    fn quantile(&self, mass: Mass) -> f64;
    /// Moments.
    fn moments(&self) -> Moments;
    /// Ends of the support.
    fn support(&self) -> [f64; 2] {
        [0.0, f64::INFINITY]
    }
    /// Where the density is highest.
    fn peak(&self) -> Peak;
}

/// A distribution of whole numbers.
pub(super) trait Count: Debug + Send + Sync {
    /// Log probability of a number inside the support.
    fn ln_pmf(&self, k: f64) -> f64;
    /// `P(X <= k)` and `P(X > k)` of a number inside the support.
    fn mass(&self, k: f64) -> Mass;
    /// Moments.
    fn moments(&self) -> Moments;
    /// Ends of the support.
    fn support(&self) -> [f64; 2] {
        [0.0, f64::INFINITY]
    }
}

/// The smallest count with at least the wanted mass at or below it.
pub(super) fn count_quantile(law: &dyn Count, mass: Mass) -> f64 {
    let [lowest, highest] = law.support();
    let reached = |k: f64| {
        let here = law.mass(k);
        if mass.lower <= mass.upper { here.lower >= mass.lower } else { here.upper <= mass.upper }
    };
    // a guess by the Cornish-Fisher expansion, then doubling steps to a bracket around it
    let z = normal_score(mass);
    let Moments { mean, sd, skewness, .. } = law.moments();
    let (centre, spread) = (mean.unwrap_or(lowest), sd.unwrap_or(1.0));
    let skewness = skewness.unwrap_or(2.0).clamp(-2.0, 2.0);
    let guess = centre + spread * (z + skewness / 6.0 * (z * z - 1.0)) - 0.5;
    let guess = guess.round().clamp(lowest, highest.min(9e15));
    let (mut low, mut high, mut step) = (guess, guess, 1.0);
    if reached(guess) {
        while low >= lowest && reached(low) {
            (low, high) = (low - step, low);
            step *= 2.0;
        }
        low = low.max(lowest - 1.0);
    } else {
        while high < highest && !reached(high) {
            if high > 9e15 {
                // beyond whole numbers that a float can hold
                return f64::INFINITY;
            }
            (low, high) = (high, (high + step).min(highest));
            step *= 2.0;
        }
    }
    // not reached at `low`, reached at `high`
    while high - low > 1.0 {
        let middle = (0.5 * (low + high)).floor();
        if reached(middle) { high = middle } else { low = middle }
    }
    high
}

/// Moments of order below `limit` as averages over the quantile function.
///
/// In the log odds of the probability the integrand is analytic and falls exponentially, so the
/// trapezoid rule is exact to the last digits; central moments are averaged about the mean and do not
/// cancel, however narrow the distribution.
pub(super) fn moments_by_quantile(law: &dyn Standard, limit: f64) -> Moments {
    const STEP: f64 = 0.3;
    let centre = law.quantile(Mass::below(0.5));
    let spread = law.quantile(Mass::below(0.75)) - law.quantile(Mass::below(0.25));
    let order = [4, 3, 2, 1].into_iter().find(|order| f64::from(*order) < limit).unwrap_or(0);
    let mut nodes = vec![(0.0, 0.25 * STEP)];
    for side in [-1.0, 1.0] {
        let mut u = 0.0;
        while u < 690.0 {
            u += STEP;
            let at = Unit::from_logit(side * u);
            let z = (law.quantile(Mass { lower: at.x, upper: at.y }) - centre) / spread;
            let weight = at.x * at.y * STEP;
            if !z.is_finite() || weight * (1.0 + z.abs().powi(order)) < 1e-20 {
                break;
            }
            nodes.push((z, weight));
        }
    }
    let mean: f64 = nodes.iter().map(|(z, weight)| z * weight).sum();
    let central = |order: i32| -> f64 {
        nodes.iter().map(|(z, weight)| (z - mean).powi(order) * weight).sum()
    };
    let variance = central(2);
    let sd = variance.sqrt();
    let standard = [
        centre + spread * mean,
        spread * sd,
        central(3) / (variance * sd),
        central(4) / (variance * variance) - 3.0,
    ];
    Moments::upto(limit, standard)
}

/// The point of a monotone law with the wanted mass, by bisection and Newton steps on the log tail.
pub(super) fn solve(law: &dyn Standard, mass: Mass, start: f64, spread: f64) -> f64 {
    let is_lower = mass.lower <= mass.upper;
    let [mut low, mut high] = law.support();
    let mut at = start;
    let mut step = spread;
    for _ in 0..200 {
        let here = law.mass(at);
        let (p, target, side) =
            if is_lower { (here.lower, mass.lower, 1.0) } else { (here.upper, mass.upper, -1.0) };
        if (p < target) == is_lower {
            low = at;
        } else {
            high = at;
        }
        let off = (target / p).ln();
        let newton = side * off * p / law.ln_pdf(at).exp();
        let mut next = at + newton.clamp(-step, step);
        if newton.abs() > step {
            step *= 2.0;
        }
        if !newton.is_finite() || next < low || next > high {
            next = match (low.is_finite(), high.is_finite()) {
                (true, true) => 0.5 * (low + high),
                (true, false) => at + step,
                (false, true) => at - step,
                (false, false) => return at,
            };
            step *= 2.0;
        }
        let moved = (next - at).abs();
        at = next;
        // the next step would square this error
        if off.abs() <= 1e-9 || moved <= 1e-16 * at.abs() {
            break;
        }
    }
    at
}
