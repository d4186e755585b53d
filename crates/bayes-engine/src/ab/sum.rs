//! `P(B > A)` as a finite sum.

use crate::special::Unit;
use crate::special::beta::ln_kernel;

/// Longest sum; quadrature is faster beyond.
const LONGEST: f64 = 400.0;

/// `P(B > A)` of Beta(`a`) and Beta(`b`) if B's successes or A's failures are a small integer.
///
/// `sum_{i < a_B} B(a_A + i, b_A + b_B) / ((b_B + i) B(1 + i, b_B) B(a_A, b_A))`: positive terms only.
pub(super) fn p_greater(a: [f64; 2], b: [f64; 2]) -> Option<f64> {
    if is_short(b[0]) {
        Some(sum(a, b))
    } else if is_short(a[1]) {
        // 1 - A > 1 - B
        Some(sum([b[1], b[0]], [a[1], a[0]]))
    } else {
        None
    }
}

fn is_short(parameter: f64) -> bool {
    (1.0..=LONGEST).contains(&parameter) && parameter.fract() <= 0.0
}

/// From the largest term outwards by ratios.
fn sum([a_a, b_a]: [f64; 2], [a_b, b_b]: [f64; 2]) -> f64 {
    let ratio = |i: f64| (b_b + i - 1.0) / i * ((a_a + i - 1.0) / (a_a + b_a + b_b + i - 1.0));
    let peak = ((a_a - 1.0) * ((b_b - 1.0) / (b_a + 1.0))).floor().clamp(0.0, a_b - 1.0);
    let mut total = 1.0;
    let (mut term, mut i) = (1.0, peak);
    while i > 0.0 {
        term /= ratio(i);
        total += term;
        i -= 1.0;
    }
    (term, i) = (1.0, peak + 1.0);
    while i < a_b {
        term *= ratio(i);
        total += term;
        i += 1.0;
    }
    (ln_term(peak, [a_a, b_a], b_b) + total.ln()).exp()
}

/// One term as likelihood times prior over posterior at the posterior mean: nothing large cancels.
fn ln_term(i: f64, [a_a, b_a]: [f64; 2], b_b: f64) -> f64 {
    let (post_a, post_b) = (a_a + i, b_a + b_b);
    let total = post_a + post_b;
    let at = Unit { x: post_a / total, y: post_b / total };
    let likelihood = if i > 0.0 {
        ln_kernel(i, b_b, at) - i.ln()
    } else {
        b_b * if at.x < 0.5 { (-at.x).ln_1p() } else { at.y.ln() }
    };
    likelihood + ln_kernel(a_a, b_a, at) - ln_kernel(post_a, post_b, at)
}
