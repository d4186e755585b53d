//! What is optimised.

/// Points evaluated together: the fixed chunk of every evaluation, whatever the threads.
pub const LANES: usize = 64;

/// Whether to stop now; asked often, so it must be cheap.
pub type Cancelled<'a> = &'a (dyn Fn() -> bool + Sync);

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

    /// The same. What takes more than some milliseconds for a block asks `cancelled` on the way, and
    /// leaves the rest when that says so: what `values` then hold is not looked at.
    fn evaluate_until(
        &self,
        inputs: &[[f64; LANES]],
        values: &mut [f64],
        _cancelled: Cancelled<'_>,
    ) {
        self.evaluate(inputs, values);
    }

    /// The first output at a point over data that it otherwise does not look at, if it has such.
    fn held_out(&self, _x: &[f64]) -> Option<f64> {
        None
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
