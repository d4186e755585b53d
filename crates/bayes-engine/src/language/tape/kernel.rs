//! Loops over blocks that compilers vectorise: exponentials and logarithms by polynomials, without branches.
//!
//! They are sums and products alone, so every machine gives the same bits.

use std::f64::consts::LOG2_E;

use super::run::BLOCK;

/// Adding it rounds to a whole number, which then stands in the lowest bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// `ln 2` in two parts; the first times a whole number below 2^20 is exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
/// `1 / n!`, from the highest.
const EXP: [f64; 14] = [
    1.605_904_383_682_161_3e-10,
    2.087_675_698_786_81e-9,
    2.505_210_838_544_172e-8,
    2.755_731_922_398_589e-7,
    2.755_731_922_398_589_3e-6,
    2.480_158_730_158_73e-5,
    1.984_126_984_126_984e-4,
    1.388_888_888_888_889e-3,
    8.333_333_333_333_333e-3,
    4.166_666_666_666_666_4e-2,
    1.666_666_666_666_666_6e-1,
    0.5,
    1.0,
    1.0,
];

/// `e^x` for x in -700..0.
#[expect(clippy::inline_always, reason = "a loop with a call in it is not vectorised")]
#[inline(always)]
fn exp(x: f64) -> f64 {
    let shifted = x * LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = (x - whole * LN_2[0]) - whole * LN_2[1];
    let mut sum = EXP[0];
    for factor in &EXP[1..] {
        sum = sum * rest + factor;
    }
    // the whole number, as an exponent
    sum * f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52)
}

/// `ln(1 + e)` for e in 0..=1, as twice the area tangent of `e / (2 + e)`, which is at most 1/3.
#[expect(clippy::inline_always, reason = "a loop with a call in it is not vectorised")]
#[inline(always)]
fn log1p(e: f64) -> f64 {
    let ratio = e / (2.0 + e);
    let square = ratio * ratio;
    let mut sum = 1.0 / 33.0;
    for odd in
        [31.0, 29.0, 27.0, 25.0, 23.0, 21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0]
    {
        sum = sum * square + 1.0 / odd;
    }
    2.0 * (ratio + ratio * square * sum)
}

/// Whether all are 0 or 1.
#[expect(clippy::float_cmp, reason = "answers are exact")]
pub(super) fn are_answers(y: &[f64]) -> bool {
    y.iter().all(|y| *y == 0.0 || *y == 1.0)
}

/// Log densities of answers of 0 and 1 by their logits. The whole block is computed: its length is then known.
pub(super) fn logit_block(y: &[f64; BLOCK], eta: &[f64; BLOCK], to: &mut [f64]) {
    let mut values = [0.0; BLOCK];
    for at in 0..BLOCK {
        // the logit of what was answered; NaN stays NaN
        let for_it = (2.0 * y[at] - 1.0) * eta[at];
        let least = if for_it >= 0.0 { 0.0 } else { for_it };
        values[at] = least - log1p(exp((-for_it.abs()).max(-700.0)));
    }
    to.copy_from_slice(&values[..to.len()]);
}

/// The sum of the first `size` of [`logit_block`], and the slopes in the logits: one exponential serves both,
/// and one logarithm of their product the whole block, which is at most `2^BLOCK`.
pub(super) fn logit_total(
    y: &[f64; BLOCK],
    eta: &[f64; BLOCK],
    size: usize,
    slopes: &mut [f64; BLOCK],
) -> f64 {
    let (mut least, mut odds) = ([0.0; BLOCK], [0.0; BLOCK]);
    for at in 0..BLOCK {
        let for_it = (2.0 * y[at] - 1.0) * eta[at];
        least[at] = if for_it >= 0.0 { 0.0 } else { for_it };
        let e = exp((-for_it.abs()).max(-700.0));
        odds[at] = 1.0 + e;
        // the share of what was not answered
        let missed = if for_it >= 0.0 { e } else { 1.0 } / (1.0 + e);
        slopes[at] = (2.0 * y[at] - 1.0) * missed;
    }
    odds[size..].fill(1.0);
    let mut lanes = [1.0; 8];
    for chunk in odds.as_chunks::<8>().0 {
        for (lane, odds) in lanes.iter_mut().zip(chunk) {
            *lane *= odds;
        }
    }
    super::linear::total(&least[..size]) - lanes.iter().product::<f64>().ln()
}

/// Slopes in the logits, times the adjoints.
pub(super) fn logit_slopes(
    y: &[f64; BLOCK],
    eta: &[f64; BLOCK],
    adjoints: &[f64],
    to: &mut [f64; BLOCK],
) {
    for at in 0..BLOCK {
        let e = exp((-eta[at].abs()).max(-700.0));
        let share = if eta[at] >= 0.0 { 1.0 } else { e } / (1.0 + e);
        to[at] = y[at] - share;
    }
    for (slot, adjoint) in to.iter_mut().zip(adjoints) {
        *slot *= adjoint;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_within_two_units_of_the_last_place() {
        for step in 0..200_000 {
            let x = -f64::from(step) * 0.0035;
            assert!((exp(x) / x.exp() - 1.0).abs() <= 4.4e-16, "exp({x})");
            let e = x.exp();
            let (found, expected) = (log1p(e), e.ln_1p());
            assert!((found - expected).abs() <= 4.4e-16 * expected, "log1p({e})");
        }
    }

    #[test]
    fn blocks_equal_the_plain_functions() {
        let mut eta = [0.0; BLOCK];
        let mut y = [0.0; BLOCK];
        for at in 0..BLOCK {
            eta[at] = (at as f64 - 31.5).powi(3) / 40.0;
            y[at] = f64::from(u8::from(at % 3 == 0));
        }
        let (mut values, mut slopes) = ([0.0; BLOCK], [0.0; BLOCK]);
        logit_block(&y, &eta, &mut values);
        logit_slopes(&y, &eta, &[1.0; BLOCK], &mut slopes);
        for at in 0..BLOCK {
            let for_it = (2.0 * y[at] - 1.0) * eta[at];
            let plain =
                if for_it > 0.0 { -(-for_it).exp().ln_1p() } else { for_it - for_it.exp().ln_1p() };
            assert!((values[at] - plain).abs() <= 1e-15 * (1.0 + plain.abs()), "{at}");
            let share = 1.0 / (1.0 + (-eta[at]).exp());
            assert!((slopes[at] - (y[at] - share)).abs() <= 4e-16, "{at}");
        }
        let total = logit_total(&y, &eta, 50, &mut slopes);
        assert!((total / values[..50].iter().sum::<f64>() - 1.0).abs() <= 1e-15);
        for at in 0..50 {
            let share = 1.0 / (1.0 + (-eta[at]).exp());
            assert!((slopes[at] - (y[at] - share)).abs() <= 4e-16, "{at}");
        }
        eta[3] = f64::NAN;
        assert!(logit_total(&y, &eta, 50, &mut slopes).is_nan());
        logit_block(&y, &eta, &mut values);
        assert!(values[3].is_nan() && values[4].is_finite());
    }
}
