//! Where values stand along an axis, and which of them are written beside it.

/// A range of values, or of their logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
}

/// From this ratio of the largest to the smallest on, positive values stand by their logarithms.
const WIDE: f64 = 50.0;
/// About so many numbers stand beside an axis.
const TICKS: f64 = 5.0;

impl Axis {
    /// Over the finite of some values; by logarithms only if `may_log`.
    pub(super) fn over(values: impl Iterator<Item = f64>, may_log: bool) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let log = may_log && low > 0.0 && high / low > WIDE;
        if log {
            (low, high) = (low.log10().floor(), high.log10().ceil());
        }
        if high - low <= 1e-9 * low.abs().max(high.abs()).max(1e-290) {
            let room = low.abs().max(1.0) * 0.5;
            (low, high) = (low - room, high + room);
        }
        Self { low, high, log }
    }

    /// From one value to another, whatever lies between.
    pub(super) fn exactly(low: f64, high: f64) -> Self {
        Self { low, high, log: false }
    }

    pub(super) fn is_log(&self) -> bool {
        self.log
    }

    /// 0 at the low end, 1 at the high one.
    pub(super) fn place(&self, value: f64) -> f64 {
        let value = if self.log { value.max(f64::MIN_POSITIVE).log10() } else { value };
        // Halves, because the whole range may be too large for a number.
        let (low, high) = (self.low / 2.0, self.high / 2.0);
        ((value / 2.0 - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// Round numbers and their places.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let step = round_step((self.high / TICKS - self.low / TICKS).abs());
        let step = if self.log { step.max(1.0).round() } else { step };
        let first = (self.low / step).ceil();
        (0..20_i32)
            .map(|k| (first + f64::from(k)) * step)
            .take_while(|value| *value <= self.high + step * 1e-9)
            .map(|value| {
                let place = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
                let label = if self.log { format!("1e{value:.0}") } else { number(value, step) };
                (place, label)
            })
            .collect()
    }

    /// The two ends.
    pub(super) fn ends(&self) -> [(f64, String); 2] {
        let step = (self.high / 100.0 - self.low / 100.0).abs();
        [(0.0, number(self.low, step)), (1.0, number(self.high, step))]
    }
}

/// 1, 2 or 5 times a power of ten, not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-300).log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least);
    factor.unwrap_or(10.0) * power
}

/// As many digits as tell it from one a step away.
fn number(value: f64, step: f64) -> String {
    let value = if value.abs() < step * 1e-6 { 0.0 } else { value };
    if value.abs() >= 1e6 || step < 1e-5 && value.abs() > 0.0 {
        return format!("{value:.2e}");
    }
    let digits = (0..6_u8).find(|digits| step * 10_f64.powi((*digits).into()) >= 0.999);
    let text = format!("{value:.*}", usize::from(digits.unwrap_or(6)));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, may_log: bool) -> Vec<String> {
        let axis = Axis::over([low, high].into_iter(), may_log);
        axis.ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(labels(0.0, 1.0, false), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(labels(-3.0, 7.0, false), ["-2", "0", "2", "4", "6"]);
        assert_eq!(labels(100.0, 50_100.0, false), ["10000", "20000", "30000", "40000", "50000"]);
        assert_eq!(labels(1e-4, 900.0, true).first().map(String::as_str), Some("1e-4"));
        for (low, high) in [(0.0, 0.0), (5.0, 5.0), (-1e300, 1e300), (1e-300, 2e-300), (1e8, 2e8)] {
            let ticks = Axis::over([low, high].into_iter(), true).ticks();
            assert!((1..=12).contains(&ticks.len()), "{low} {high} {ticks:?}");
            assert!(ticks.iter().all(|(place, _)| (-0.01..=1.01).contains(place)), "{ticks:?}");
        }
    }
}
