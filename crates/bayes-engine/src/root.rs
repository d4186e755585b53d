//! Roots of monotone functions.

/// Differences of log densities below this are rounding.
const FLAT: f64 = 2e-13;

/// The root of an increasing `f` between `low` and `high` (signs known: below at `low`, above at
/// `high`), by inverse interpolation kept inside the bracket (Brent 1973, simplified: Illinois
/// weights, bisection when they stall).
pub(crate) fn increasing(
    mut low: f64,
    mut high: f64,
    tolerance: f64,
    f: impl Fn(f64) -> f64,
) -> f64 {
    let (mut at_low, mut at_high) = (f64::NEG_INFINITY, f64::INFINITY);
    for round in 0..200 {
        if high - low <= tolerance {
            break;
        }
        let known = at_low.is_finite() && at_high.is_finite();
        let middle = if known && round % 4 != 3 {
            let guess = low + (high - low) * (at_low / (at_low - at_high));
            guess.clamp(low + 0.25 * tolerance, high - 0.25 * tolerance)
        } else {
            0.5 * (low + high)
        };
        let value = f(middle);
        if value.abs() <= FLAT {
            return middle;
        }
        if value < 0.0 {
            (low, at_low) = (middle, value);
            at_high *= 0.5;
        } else {
            (high, at_high) = (middle, value);
            at_low *= 0.5;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    #[test]
    fn finds_a_root_next_to_a_pole() {
        let root = super::increasing(0.0, 1.0, 1e-15, |x| x.ln() - (1.0 - x).ln() + 9.0);
        assert!((root - 1.0 / (1.0 + 9_f64.exp())).abs() < 1e-14, "{root}");
    }
}
