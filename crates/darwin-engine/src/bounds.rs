//! The box that is searched.

use crate::{Error, Result};

/// Largest magnitude of a bound: the built-in functions stay finite within it.
const MAX_MAGNITUDE: f64 = 1e12;

/// Lower and upper bound of every variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    lo: Vec<f64>,
    hi: Vec<f64>,
}

impl Bounds {
    /// The same interval for every variable.
    ///
    /// # Errors
    /// As [`Bounds::new`].
    pub fn cube(dimension: usize, lo: f64, hi: f64) -> Result<Self> {
        Self::new(vec![lo; dimension], vec![hi; dimension])
    }

    /// One interval per variable.
    ///
    /// # Errors
    /// [`Error::InvalidProblem`] when there is no variable, the lengths differ, a bound is not a
    /// number of magnitude up to 1e12, or a lower bound does not lie below its upper one.
    pub fn new(lo: Vec<f64>, hi: Vec<f64>) -> Result<Self> {
        let invalid = |field, reason: String| Err(Error::InvalidProblem { field, reason });
        if lo.is_empty() {
            return invalid("dimension", "must be at least 1".to_owned());
        }
        if lo.len() != hi.len() {
            return invalid("hi", format!("must have {} elements, as lo has", lo.len()));
        }
        for (field, side) in [("lo", &lo), ("hi", &hi)] {
            if let Some(bad) = side.iter().find(|bound| !is_usable(**bound)) {
                return invalid(field, format!("must lie within -1e12..1e12, not {bad}"));
            }
        }
        if let Some((low, high)) = lo.iter().zip(&hi).find(|(low, high)| low >= high) {
            return invalid("lo", format!("must be less than hi, but {low} >= {high}"));
        }
        Ok(Self { lo, hi })
    }

    /// Number of variables.
    pub fn dimension(&self) -> usize {
        self.lo.len()
    }

    /// Lower bounds.
    pub fn lo(&self) -> &[f64] {
        &self.lo
    }

    /// Upper bounds.
    pub fn hi(&self) -> &[f64] {
        &self.hi
    }

    /// Whether a point lies in the box.
    pub fn contains(&self, point: &[f64]) -> bool {
        point.len() == self.dimension()
            && point.iter().zip(&self.lo).zip(&self.hi).all(|((x, lo), hi)| lo <= x && x <= hi)
    }
}

fn is_usable(bound: f64) -> bool {
    bound.abs() <= MAX_MAGNITUDE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field_of(lo: f64, hi: f64) -> &'static str {
        match Bounds::cube(2, lo, hi) {
            Err(Error::InvalidProblem { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn refuses_what_is_no_box() {
        assert_eq!(field_of(1.0, 1.0), "lo");
        assert_eq!(field_of(2.0, 1.0), "lo");
        assert_eq!(field_of(f64::NAN, 1.0), "lo");
        assert_eq!(field_of(0.0, f64::INFINITY), "hi");
        assert_eq!(field_of(0.0, 1e13), "hi");
        assert!(Bounds::cube(0, 0.0, 1.0).is_err());
        assert!(Bounds::new(vec![0.0], vec![1.0, 2.0]).is_err());
    }

    #[test]
    fn contains_its_faces() {
        let bounds = Bounds::cube(2, -1.0, 1.0).unwrap();
        assert!(bounds.contains(&[-1.0, 1.0]));
        assert!(!bounds.contains(&[0.0, 1.1]));
        assert!(!bounds.contains(&[0.0]));
    }
}
