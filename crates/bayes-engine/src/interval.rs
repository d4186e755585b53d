//! Summaries of one unknown.

use crate::root;
use crate::special::Mass;

/// What is reported about one unknown quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Mean, where it exists.
    pub mean: Option<f64>,
    /// Standard deviation, where it exists.
    pub sd: Option<f64>,
    /// Median.
    pub median: f64,
    /// Equal-tailed interval.
    pub interval: [f64; 2],
    /// Highest-density interval; absent where the density has two peaks.
    pub hdi: Option<[f64; 2]>,
}

/// Where a density is highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peak {
    /// At the lower end of the support.
    Low,
    /// Inside.
    Inside,
    /// At the upper end.
    High,
    /// At both ends.
    Both,
    /// Inside, and the density is symmetric about it.
    Symmetric,
}

/// Masses of the equal-tailed interval of `level`.
pub(crate) fn equal_tails(level: f64) -> [Mass; 2] {
    let tail = 0.5 * (1.0 - level);
    [Mass::below(tail), Mass::above(tail)]
}

/// Masses at the ends of the shortest interval that holds `level`.
///
/// `ln_density(mass)` is the log density at the point with that mass. The ends have equal density.
pub(crate) fn highest_density(
    level: f64,
    peak: Peak,
    ln_density: impl Fn(Mass) -> f64,
) -> Option<[Mass; 2]> {
    let outside = 1.0 - level;
    match peak {
        Peak::Both => None,
        Peak::Symmetric => Some(equal_tails(level)),
        Peak::Low => Some([Mass::below(0.0), Mass::above(outside)]),
        Peak::High => Some([Mass::below(outside), Mass::above(0.0)]),
        Peak::Inside => {
            let below = root::increasing(0.0, outside, 1e-14 * outside, |below| {
                ln_density(Mass::below(below)) - ln_density(Mass::above(outside - below))
            });
            Some([Mass::below(below), Mass::above(outside - below)])
        }
    }
}
