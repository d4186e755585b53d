//! Scales and their ticks.

/// Ticks wanted on an axis.
const TICKS: f64 = 5.0;

/// From values to pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    /// Pixels of both ends.
    ends: [f64; 2],
}

impl Axis {
    /// An axis over these values, a little wider; never empty.
    pub(super) fn over(values: impl IntoIterator<Item = f64>, ends: [f64; 2]) -> Self {
        let [low, high] = values
            .into_iter()
            .filter(|x| x.is_finite())
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)]);
        let [low, high] = if low > high { [0.0, 1.0] } else { [low, high] };
        let least = 1e-9 * low.abs().max(high.abs()).max(1e-300);
        let spare = if high - low > least { 0.03 * (high - low) } else { 0.5 * low.abs().max(1.0) };
        Self { low: low - spare, high: high + spare, ends }
    }

    /// An axis that ends at these values.
    pub(super) fn exactly([low, high]: [f64; 2], ends: [f64; 2]) -> Self {
        Self { low, high, ends }
    }

    /// The pixel of a value, kept within the axis.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.ends[0] + share * (self.ends[1] - self.ends[0])
    }

    pub(super) fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    pub(super) fn ends(&self) -> [f64; 2] {
        self.ends
    }

    /// Round values within the axis, with their words.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / TICKS;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        let first = (self.low / step).ceil();
        (0..=12)
            .map(|at| (first + f64::from(at)) * step)
            .take_while(|value| *value <= self.high)
            .map(|value| (value, word(value, step)))
            .collect()
    }
}

/// A value with the digits that its neighbours need.
fn word(value: f64, step: f64) -> String {
    if value.abs() < 1e-9 * step {
        return "0".to_owned();
    }
    if value.abs() >= 1e6 || step < 1e-4 {
        return format!("{value:.2e}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 4")]
    let digits = (-step.log10().floor()).clamp(0.0, 4.0) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = Axis::exactly([-0.3, 1.02], [0.0, 100.0]);
        let words: Vec<String> = axis.ticks().into_iter().map(|(_, word)| word).collect();
        assert_eq!(words, ["0", "0.5", "1.0"]);
        let large = Axis::over([2.0e7, 9.0e7], [0.0, 1.0]);
        assert!(large.ticks().iter().all(|(_, word)| word.contains('e')));
        let equal = Axis::over([3.0, 3.0], [0.0, 1.0]);
        assert!((equal.at(3.0) - 0.5).abs() < 1e-9);
        assert!(!Axis::over([f64::NAN], [0.0, 1.0]).ticks().is_empty());
    }
}
