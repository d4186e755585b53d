//! Mills' ratio of the normal distribution, by which its tails are compared without underflow.

use super::normal::{normal_cdf, normal_ln_pdf};
use super::stirling::LN_SQRT_2PI;
use crate::quadrature;

/// `(1 - Phi(t)) / phi(t)`; infinite far below 0.
pub(crate) fn mills(t: f64) -> f64 {
    if t < 10.0 {
        return (0.5 * t * t + LN_SQRT_2PI).exp() * normal_cdf(-t);
    }
    // Abramowitz and Stegun 26.2.12: an asymptotic series, its terms far below 1e-17 here
    let w = 1.0 / (t * t);
    let (mut term, mut sum, mut order) = (1.0, 1.0, 1.0);
    while order < 60.0 {
        term *= -order * w;
        sum += term;
        if f64::abs(term) < 1e-17 {
            break;
        }
        order += 2.0;
    }
    sum / t
}

/// `mills(low) - mills(high)` without cancellation, for `low <= high`.
pub(crate) fn mills_difference(low: f64, high: f64) -> f64 {
    if high - low >= 1.0 {
        return mills(low) - mills(high);
    }
    // the derivative is t mills(t) - 1
    let mut sum = 0.0;
    quadrature::panel(low, high, |t, weight| sum += weight * (1.0 - t * mills(t)));
    sum
}

/// `ln Phi(z)`, also where `Phi` underflows.
pub fn normal_ln_cdf(z: f64) -> f64 {
    if z < -5.0 {
        return normal_ln_pdf(z) + mills(-z).ln();
    }
    if z > 0.0 {
        return (-normal_cdf(-z)).ln_1p();
    }
    normal_cdf(z).ln()
}
