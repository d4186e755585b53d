//! Seeds that survive JSON.

use crate::{Error, Result};

/// The largest seed, 2^53 - 1: every integer up to it is exact as a JSON number.
pub const MAX_SEED: u64 = (1 << 53) - 1;

/// The number that fixes a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// A seed in `0..=`[`MAX_SEED`].
    ///
    /// # Errors
    /// [`Error::InvalidSeed`] above it.
    pub const fn new(value: u64) -> Result<Self> {
        if value > MAX_SEED { Err(Error::InvalidSeed) } else { Ok(Self(value)) }
    }

    /// A seed from 64 random bits; the upper eleven are dropped.
    pub const fn from_entropy(bits: u64) -> Self {
        Self(bits & MAX_SEED)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_within_what_json_can_hold() {
        assert_eq!(Seed::new(MAX_SEED).unwrap().get(), 9_007_199_254_740_991);
        assert_eq!(Seed::new(MAX_SEED + 1), Err(Error::InvalidSeed));
        assert_eq!(Seed::from_entropy(u64::MAX).get(), MAX_SEED);
    }
}
