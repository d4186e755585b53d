//! What is optimised.

use std::fmt;

use crate::{Bounds, Error, Result};

/// Points evaluated together: the fixed chunk of every evaluation, whatever the threads.
pub const LANES: usize = 64;

/// A function of several real variables.
///
/// Implementations must be pure: the value of a lane may depend on the inputs of that lane only,
/// and must have the same bits wherever it is computed.
pub trait Objective: Send + Sync {
    /// Number of variables.
    fn dimension(&self) -> usize;

    /// Numbers that it gives for a point: objectives first, then constraints.
    fn outputs(&self) -> usize {
        1
    }

    /// Evaluate `values.len() / outputs()` <= [`LANES`] points.
    ///
    /// `inputs[variable][lane]` is a coordinate; later lanes hold leftovers and are to be ignored.
    /// `values` takes the first output of all points, then the second, and so on. A value that is
    /// not finite counts as the worst one.
    fn evaluate(&self, inputs: &[[f64; LANES]], values: &mut [f64]);
}

/// Direction of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sense {
    /// Smaller is better.
    #[default]
    Min,
    /// Larger is better.
    Max,
}

impl Sense {
    /// `f` as a cost (smaller is better), or back: negative zero and its own inverse aside, the
    /// identity for [`Sense::Min`].
    pub(crate) fn cost(self, f: f64) -> f64 {
        match self {
            Self::Min => f + 0.0,
            Self::Max => -f + 0.0,
        }
    }

    /// `f` as a cost; infinity, the worst, when it is not finite.
    pub(crate) fn canonical_cost(self, f: f64) -> f64 {
        if f.is_finite() { self.cost(f) } else { f64::INFINITY }
    }
}

/// An objective, where it is searched, and in which direction.
pub struct Problem {
    objective: Box<dyn Objective>,
    bounds: Bounds,
    sense: Sense,
}

impl Problem {
    /// A problem.
    ///
    /// # Errors
    /// [`Error::InvalidProblem`] when the box has another dimension than the objective.
    pub fn new(objective: Box<dyn Objective>, bounds: Bounds, sense: Sense) -> Result<Self> {
        if objective.dimension() != bounds.dimension() {
            let reason = format!("must be {}, as the bounds have", bounds.dimension());
            return Err(Error::InvalidProblem { field: "dimension", reason });
        }
        Ok(Self { objective, bounds, sense })
    }

    /// Where it is searched.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Direction of the search.
    pub fn sense(&self) -> Sense {
        self.sense
    }

    /// The function.
    pub fn objective(&self) -> &dyn Objective {
        &*self.objective
    }

    /// Value at one point, as [`Objective::evaluate`] gives it.
    pub fn value_at(&self, point: &[f64]) -> f64 {
        let mut inputs = vec![[0.0; LANES]; self.bounds.dimension()];
        for (lanes, x) in inputs.iter_mut().zip(point) {
            lanes[0] = *x;
        }
        let mut value = [f64::NAN];
        self.objective.evaluate(&inputs, &mut value);
        let [value] = value;
        value
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { objective: _, bounds, sense } = self;
        f.debug_struct("Problem")
            .field("bounds", bounds)
            .field("sense", sense)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Function;

    #[test]
    fn costs_are_canonical() {
        assert_eq!(Sense::Min.canonical_cost(-0.0).to_bits(), 0.0_f64.to_bits());
        assert_eq!(Sense::Max.canonical_cost(0.0).to_bits(), 0.0_f64.to_bits());
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for sense in [Sense::Min, Sense::Max] {
                assert!(sense.canonical_cost(bad) == f64::INFINITY);
            }
        }
    }

    #[test]
    fn dimensions_must_agree() {
        let objective = Box::new(Function::Sphere.on(3).unwrap());
        let bounds = Bounds::cube(2, 0.0, 1.0).unwrap();
        assert!(Problem::new(objective, bounds, Sense::Min).is_err());
    }
}
