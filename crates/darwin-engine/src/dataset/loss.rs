//! By how much a model misses.

use super::rows::Rows;
use crate::{Error, Result, Sense};

/// Probabilities are no closer to 0 and 1 than this.
const LEAST: f64 = 1e-15;

/// By how much a model misses its target, over all rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// Mean of the squares.
    Mse,
    /// Mean of the absolute values.
    Mae,
    /// Squares up to `delta`, straight from there on (Huber 1964).
    Huber {
        /// Where it becomes straight, above 0.
        delta: f64,
    },
    /// Of probabilities, against targets from 0 to 1.
    Logloss,
    /// Of a quantile (Koenker & Bassett 1978).
    Quantile {
        /// Which, between 0 and 1.
        q: f64,
    },
    /// Share of the variance that is explained: larger is better.
    R2,
}

impl Loss {
    /// Direction in which it is better.
    pub const fn sense(self) -> Sense {
        match self {
            Self::R2 => Sense::Max,
            _ => Sense::Min,
        }
    }

    /// What one row adds.
    pub(super) fn of(self, value: f64, wanted: f64) -> f64 {
        let miss = value - wanted;
        match self {
            Self::Mse | Self::R2 => miss * miss,
            Self::Mae => miss.abs(),
            Self::Huber { delta } => {
                let size = miss.abs();
                if size <= delta { 0.5 * size * size } else { delta * (size - 0.5 * delta) }
            }
            Self::Logloss => {
                let p = value.clamp(LEAST, 1.0 - LEAST);
                -(wanted * libm::log(p) + (1.0 - wanted) * libm::log1p(-p))
            }
            Self::Quantile { q } => (q - f64::from(u8::from(miss > 0.0))) * -miss,
        }
    }

    /// The loss from the sum over rows.
    #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^53")]
    pub(super) fn over(self, sum: f64, rows: &Rows) -> f64 {
        match self {
            Self::R2 => 1.0 - sum / rows.scatter(),
            _ => sum / rows.len() as f64,
        }
    }

    /// Whether its own numbers and a target are what it takes.
    pub(super) fn check(self, target: &[f64]) -> Result<()> {
        let (field, reason) = match self {
            Self::Huber { delta } if !(delta > 0.0 && delta.is_finite()) => {
                ("delta", "must be a positive number")
            }
            Self::Quantile { q } if !(q > 0.0 && q < 1.0) => ("q", "must lie between 0 and 1"),
            Self::Logloss => {
                let outside = target.iter().position(|value| !(0.0..=1.0).contains(value));
                let reason = "has a target that is not in 0..=1, as logloss needs it".to_owned();
                return match outside {
                    Some(row) => Err(Error::InvalidData { column: None, row: Some(row), reason }),
                    None => Ok(()),
                };
            }
            _ => return Ok(()),
        };
        Err(Error::InvalidProblem { field, reason: reason.to_owned() })
    }

    /// Whether rows are what it takes.
    pub(super) fn check_rows(self, rows: &Rows) -> Result<()> {
        if self == Self::R2 && rows.scatter() <= 0.0 {
            let reason = "has a target that is the same in all rows, which r2 cannot judge";
            return Err(Error::InvalidData { column: None, row: None, reason: reason.to_owned() });
        }
        Ok(())
    }
}
