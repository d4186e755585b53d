//! What lifts a memory beside its text.

/// Days after which newness is worth half.
const HALF_LIFE: f64 = 30.0;

/// Factor of a memory's score: importance 1-10 (5 is neutral) takes or adds up to a tenth, newness
/// adds up to a tenth and halves every 30 days. Ages below 0 count as 0.
pub fn boost(importance: f64, age_days: f64) -> f64 {
    let weight = 1.0 + 0.1 * (importance.clamp(1.0, 10.0) - 5.0) / 5.0;
    weight * (1.0 + 0.1 * (-age_days.max(0.0) / HALF_LIFE).exp2())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn importance_and_newness_lift_a_little() {
        for (importance, age, wanted) in [
            (5.0, 0.0, 1.1),
            (5.0, 30.0, 1.05),
            (10.0, 1e9, 1.1),
            (1.0, 1e9, 0.92),
            (0.0, -5.0, 1.012),
        ] {
            let factor = boost(importance, age);
            assert!((factor - wanted).abs() < 1e-9, "{importance}, {age}: {factor}");
        }
    }
}
