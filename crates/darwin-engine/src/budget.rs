//! When a run ends.

use std::time::Duration;

use crate::{Error, Result};

/// Most evaluations of one run.
pub const MAX_EVALS: u64 = 1_000_000_000;

/// Evaluations per variable when no budget is given.
const EVALS_PER_VARIABLE: u64 = 10_000;

/// When a run ends, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    max_evals: u64,
    max_time: Option<Duration>,
    target: Option<f64>,
    stagnation: u64,
}

impl Budget {
    /// End after exactly this many evaluations.
    ///
    /// # Errors
    /// [`Error::InvalidBudget`] outside 1..=[`MAX_EVALS`].
    pub fn evals(max_evals: u64) -> Result<Self> {
        if !(1..=MAX_EVALS).contains(&max_evals) {
            let reason = format!("must be in 1..={MAX_EVALS}, not {max_evals}");
            return Err(Error::InvalidBudget { field: "max_evals", reason });
        }
        Ok(Self { max_evals, max_time: None, target: None, stagnation: 0 })
    }

    /// Evaluations when none are given: 10,000 per variable.
    pub fn default_evals(dimension: usize) -> u64 {
        (dimension as u64).saturating_mul(EVALS_PER_VARIABLE).clamp(1, MAX_EVALS)
    }

    /// End after the first generation that reaches this time.
    ///
    /// # Errors
    /// [`Error::InvalidBudget`] when it is zero.
    pub fn with_max_time(self, max_time: Duration) -> Result<Self> {
        if max_time.is_zero() {
            let reason = "must be positive".to_owned();
            return Err(Error::InvalidBudget { field: "max_time", reason });
        }
        Ok(Self { max_time: Some(max_time), ..self })
    }

    /// End after the first generation with an objective value this good or better.
    ///
    /// # Errors
    /// [`Error::InvalidBudget`] when it is not finite.
    pub fn with_target(self, target: f64) -> Result<Self> {
        if !target.is_finite() {
            let reason = format!("must be finite, not {target}");
            return Err(Error::InvalidBudget { field: "target", reason });
        }
        Ok(Self { target: Some(target), ..self })
    }

    /// End after this many generations without any improvement of the best; 0 never does.
    #[must_use]
    pub const fn with_stagnation(self, generations: u64) -> Self {
        Self { stagnation: generations, ..self }
    }

    /// Most evaluations.
    pub const fn max_evals(&self) -> u64 {
        self.max_evals
    }

    /// Longest time.
    pub const fn max_time(&self) -> Option<Duration> {
        self.max_time
    }

    /// Value to reach.
    pub const fn target(&self) -> Option<f64> {
        self.target
    }

    /// Generations without improvement; 0 is off.
    pub const fn stagnation(&self) -> u64 {
        self.stagnation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_a_budget() {
        assert!(Budget::evals(0).is_err());
        assert!(Budget::evals(MAX_EVALS + 1).is_err());
        let budget = Budget::evals(1).unwrap();
        assert!(budget.with_max_time(Duration::ZERO).is_err());
        assert!(budget.with_target(f64::NAN).is_err());
        assert_eq!(Budget::default_evals(20), 200_000);
    }
}
