//! Well-known test functions.
//!
//! Definitions and domains as in Surjanovic & Bingham, "Virtual Library of Simulation
//! Experiments". All have the minimum value 0.

use crate::{Error, LANES, Objective, Result, math::one_minus_cos_tau};

/// Most variables of a built-in function.
pub const MAX_DIMENSION: usize = 1000;

/// One variable of a chunk of points.
type Lanes = [f64; LANES];

/// A test function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Function {
    /// Sum of squares: separable, one minimum.
    Sphere,
    /// A sphere with a cosine on each axis: separable, about 10^D minima in the domain.
    Rastrigin,
    /// A curved, flat valley: not separable, at most two minima.
    Rosenbrock,
    /// Nearly flat and rippled outside, one deep hole in the middle: not separable.
    Ackley,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sphere, Self::Rastrigin, Self::Rosenbrock, Self::Ackley];

    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sphere => "sphere",
            Self::Rastrigin => "rastrigin",
            Self::Rosenbrock => "rosenbrock",
            Self::Ackley => "ackley",
        }
    }

    /// The function of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    /// Lower and upper bound of every variable in the usual domain.
    pub const fn domain(self) -> (f64, f64) {
        match self {
            Self::Sphere | Self::Rastrigin => (-5.12, 5.12),
            Self::Rosenbrock => (-5.0, 10.0),
            Self::Ackley => (-32.768, 32.768),
        }
    }

    /// Fewest variables.
    pub const fn min_dimension(self) -> usize {
        match self {
            Self::Rosenbrock => 2,
            Self::Sphere | Self::Rastrigin | Self::Ackley => 1,
        }
    }

    /// Coordinate, equal in all variables, of the global minimum.
    pub const fn minimizer(self) -> f64 {
        match self {
            Self::Rosenbrock => 1.0,
            Self::Sphere | Self::Rastrigin | Self::Ackley => 0.0,
        }
    }

    /// The function of `dimension` variables.
    ///
    /// # Errors
    /// [`Error::InvalidProblem`] below [`Function::min_dimension`], [`Error::LimitExceeded`] above
    /// [`MAX_DIMENSION`].
    pub fn on(self, dimension: usize) -> Result<Builtin> {
        let (field, least) = ("dimension", self.min_dimension());
        if dimension < least {
            let reason = format!("must be at least {least} for {}, not {dimension}", self.name());
            return Err(Error::InvalidProblem { field, reason });
        }
        if dimension > MAX_DIMENSION {
            let reason = format!("must be at most {MAX_DIMENSION}, not {dimension}");
            return Err(Error::LimitExceeded { field, reason });
        }
        Ok(Builtin { function: self, dimension })
    }
}

/// A test function with its number of variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    function: Function,
    dimension: usize,
}

impl Objective for Builtin {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn evaluate(&self, inputs: &[[f64; LANES]], values: &mut [f64]) {
        match self.function {
            Function::Sphere => sphere(inputs, values),
            Function::Rastrigin => rastrigin(inputs, values),
            Function::Rosenbrock => rosenbrock(inputs, values),
            Function::Ackley => ackley(inputs, values),
        }
    }
}

fn sphere(inputs: &[Lanes], sums: &mut [f64]) {
    sums.fill(0.0);
    for lanes in inputs {
        for (sum, x) in sums.iter_mut().zip(lanes) {
            *sum += x * x;
        }
    }
}

fn rastrigin(inputs: &[Lanes], sums: &mut [f64]) {
    sums.fill(0.0);
    for lanes in inputs {
        for (sum, x) in sums.iter_mut().zip(lanes) {
            *sum += x * x + 10.0 * one_minus_cos_tau(*x);
        }
    }
}

fn rosenbrock(inputs: &[Lanes], sums: &mut [f64]) {
    sums.fill(0.0);
    for (lanes, next) in inputs.iter().zip(inputs.iter().skip(1)) {
        for ((sum, x), y) in sums.iter_mut().zip(lanes).zip(next) {
            let (valley, slope) = (y - x * x, 1.0 - x);
            *sum += 100.0 * (valley * valley) + slope * slope;
        }
    }
}

/// a = 20, b = 0.2, c = 2 pi; both exponents are 0 at the minimum, and `expm1` keeps them exact.
fn ackley(inputs: &[Lanes], values: &mut [f64]) {
    sphere(inputs, values);
    let mut ripples = [0.0; LANES];
    for lanes in inputs {
        for (sum, x) in ripples.iter_mut().zip(lanes) {
            *sum += one_minus_cos_tau(*x);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "at most MAX_DIMENSION")]
    let n = inputs.len() as f64;
    for (value, ripple) in values.iter_mut().zip(&ripples) {
        let bowl = libm::expm1(-0.2 * libm::sqrt(*value / n));
        let rippled = libm::expm1(-ripple / n);
        *value = -20.0 * bowl - std::f64::consts::E * rippled;
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{E, PI};

    use super::*;
    use crate::{Bounds, Problem, Sense};

    fn problem(function: Function, dimension: usize) -> Problem {
        let (lo, hi) = function.domain();
        let bounds = Bounds::cube(dimension, lo, hi).unwrap();
        Problem::new(Box::new(function.on(dimension).unwrap()), bounds, Sense::Min).unwrap()
    }

    /// The textbook formulas, with `libm`.
    fn textbook(function: Function, x: &[f64]) -> f64 {
        let n = f64::from(u32::try_from(x.len()).unwrap());
        let squares: f64 = x.iter().map(|x| x * x).sum();
        let cosines: f64 = x.iter().map(|x| libm::cos(2.0 * PI * x)).sum();
        match function {
            Function::Sphere => squares,
            Function::Rastrigin => 10.0 * n + squares - 10.0 * cosines,
            Function::Rosenbrock => x
                .windows(2)
                .map(|p| 100.0 * (p[1] - p[0] * p[0]).powi(2) + (1.0 - p[0]).powi(2))
                .sum(),
            Function::Ackley => {
                -20.0 * libm::exp(-0.2 * libm::sqrt(squares / n)) - libm::exp(cosines / n)
                    + 20.0
                    + E
            }
        }
    }

    #[test]
    fn values_are_those_of_the_textbook() {
        for function in Function::ALL {
            for dimension in [2_u32, 5, 20] {
                let problem = problem(function, dimension as usize);
                let (lo, hi) = function.domain();
                for start in 0..50 {
                    let x: Vec<f64> = (0..dimension)
                        .map(|i| {
                            lo + (hi - lo) * libm::fabs(libm::sin(f64::from(start * 31 + i * 7)))
                        })
                        .collect();
                    let (value, expected) = (problem.value_at(&x), textbook(function, &x));
                    assert!(
                        (value - expected).abs() <= 1e-12 * expected.abs().max(1.0),
                        "{function:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_minimum_is_exactly_zero() {
        for function in Function::ALL {
            let x = vec![function.minimizer(); 7];
            assert_eq!(problem(function, 7).value_at(&x).abs().to_bits(), 0, "{function:?}");
        }
    }

    #[test]
    fn known_values() {
        assert!((problem(Function::Rastrigin, 2).value_at(&[1.0, 1.0]) - 2.0).abs() < 1e-15);
        assert!((problem(Function::Rosenbrock, 2).value_at(&[-1.0, 1.0]) - 4.0).abs() < 1e-15);
        assert!(
            (problem(Function::Ackley, 2).value_at(&[1.0, 1.0]) - 3.625_384_938_440_363).abs()
                < 1e-14
        );
    }

    #[test]
    fn a_lane_does_not_depend_on_the_others() {
        for function in Function::ALL {
            let objective = function.on(3).unwrap();
            let inputs: Vec<Lanes> = (0..3)
                .map(|v| {
                    std::array::from_fn(|l| f64::from(u32::try_from(l * 3 + v).unwrap()) * 0.037)
                })
                .collect();
            let mut all = [0.0; LANES];
            objective.evaluate(&inputs, &mut all);
            let problem = problem(function, 3);
            for (lane, value) in all.iter().enumerate() {
                let point: Vec<f64> = inputs.iter().map(|lanes| lanes[lane]).collect();
                assert_eq!(problem.value_at(&point).to_bits(), value.to_bits());
            }
        }
    }

    #[test]
    fn names_and_dimensions() {
        for function in Function::ALL {
            assert_eq!(Function::from_name(function.name()), Some(function));
        }
        assert_eq!(Function::from_name("Sphere"), None);
        assert!(matches!(Function::Rosenbrock.on(1), Err(Error::InvalidProblem { .. })));
        assert!(matches!(Function::Sphere.on(0), Err(Error::InvalidProblem { .. })));
        assert!(matches!(Function::Sphere.on(1001), Err(Error::LimitExceeded { .. })));
    }
}
