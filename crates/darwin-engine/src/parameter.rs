//! Parameters of an algorithm as data: what is listed is what is checked.

use crate::{Error, Result};

/// One parameter, as `list_algorithms` shows it and as the algorithm checks it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Name on the wire.
    pub name: &'static str,
    /// Meaning and unit, in one line.
    pub description: &'static str,
    /// Range and default.
    pub kind: ParameterKind,
    /// When it may be given: `("crossover", "sbx")`; always when absent.
    pub only_with: Option<(&'static str, &'static str)>,
}

/// Range and default of a [`Parameter`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParameterKind {
    /// A whole number.
    Integer(Integer),
    /// A whole number whose default is the rule that is given in words.
    Rule(Integer, &'static str),
    /// A finite number.
    Real(Real),
    /// One of a few words; the first is the default.
    Choice(&'static [&'static str]),
}

/// A whole number within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integer {
    /// Smallest value.
    pub min: u32,
    /// Largest value.
    pub max: u32,
    /// Value when none is given.
    pub default: u32,
}

/// A finite number within bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Real {
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Value when none is given.
    pub default: Fallback,
}

/// A default that may depend on the problem.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fallback {
    /// A constant.
    Fixed(f64),
    /// 1 / number of variables.
    PerDimension,
}

impl Fallback {
    /// The default for a number of variables.
    pub fn on(self, dimension: usize) -> f64 {
        match self {
            Self::Fixed(value) => value,
            #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
            Self::PerDimension => 1.0 / dimension.max(1) as f64,
        }
    }
}

impl Integer {
    pub(crate) fn resolve(self, field: &'static str, given: Option<u32>) -> Result<u32> {
        let value = given.unwrap_or(self.default);
        if (self.min..=self.max).contains(&value) {
            return Ok(value);
        }
        let reason = format!("must be in {}..={}, not {value}", self.min, self.max);
        Err(Error::InvalidParameter { field, reason })
    }
}

impl Real {
    pub(crate) fn resolve(
        self,
        field: &'static str,
        given: Option<f64>,
        dimension: usize,
    ) -> Result<f64> {
        let value = given.unwrap_or_else(|| self.default.on(dimension));
        if (self.min..=self.max).contains(&value) {
            return Ok(value);
        }
        let reason = format!("must be in {}..={}, not {value}", self.min, self.max);
        Err(Error::InvalidParameter { field, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolving_checks_the_listed_range() {
        let integer = Integer { min: 2, max: 5, default: 3 };
        assert_eq!(integer.resolve("k", None).unwrap(), 3);
        assert_eq!(integer.resolve("k", Some(5)).unwrap(), 5);
        let error = integer.resolve("k", Some(6)).unwrap_err();
        assert_eq!(error.to_string(), "k must be in 2..=5, not 6");
        let real = Real { min: 0.0, max: 1.0, default: Fallback::PerDimension };
        assert!((real.resolve("p", None, 4).unwrap() - 0.25).abs() < f64::EPSILON);
        assert!(real.resolve("p", Some(f64::NAN), 4).is_err());
    }
}
