//! Roots of monotone functions.

/// Differences of log densities below this are rounding.
const FLAT: f64 = 2e-13;

/// The root of an increasing `f` between `low` and `high` (signs known: below at `low`, above at
/// `high`): secant steps, which end in about eight evaluations, kept inside the bracket by bisection.
pub(crate) fn increasing(
    mut low: f64,
    mut high: f64,
    tolerance: f64,
    f: impl Fn(f64) -> f64,
) -> f64 {
    let mut at = 0.5 * (low + high);
    let mut before: Option<(f64, f64)> = None;
    for round in 1..200 {
        let value = f(at);
        if value.abs() <= FLAT {
            return at;
        }
        if value < 0.0 {
            low = at;
        } else {
            high = at;
        }
        if high - low <= tolerance {
            break;
        }
        let secant = before
            .filter(|_| value.is_finite() && round % 12 != 0)
            .map(|(x, y)| at - value * ((at - x) / (value - y)))
            .filter(|next| low < *next && *next < high);
        if value.is_finite() {
            before = Some((at, value));
        }
        let next = secant.unwrap_or(0.5 * (low + high));
        if (next - at).abs() <= 0.1 * tolerance {
            return next;
        }
        at = next;
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
