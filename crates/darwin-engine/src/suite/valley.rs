//! Shifted and rotated functions of one character each, after the BBOB functions (Hansen et al. 2009).

use super::numbers;
use crate::{LANES, Objective, math::one_minus_cos_tau, normal::standard_normal};

/// What a function looks like around its minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// f1: all directions alike.
    Sphere,
    /// f2: axes of lengths up to 1000 to 1.
    Axes,
    /// f3: many minima along each axis.
    Rastrigin,
    /// f8: a bent valley.
    Rosenbrock,
    /// f10: as f2, turned.
    Ellipsoid,
    /// f11: one direction a thousand times as steep.
    Discus,
    /// f12: one direction a thousand times as flat.
    Cigar,
    /// f14: powers from 2 to 6, turned.
    Powers,
    /// f15: as f3, turned.
    Turned,
}

impl Shape {
    pub(super) const ALL: [Self; 9] = [
        Self::Sphere,
        Self::Axes,
        Self::Rastrigin,
        Self::Rosenbrock,
        Self::Ellipsoid,
        Self::Discus,
        Self::Cigar,
        Self::Powers,
        Self::Turned,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sphere => "f1_sphere",
            Self::Axes => "f2_ellipsoid",
            Self::Rastrigin => "f3_rastrigin",
            Self::Rosenbrock => "f8_rosenbrock",
            Self::Ellipsoid => "f10_ellipsoid_turned",
            Self::Discus => "f11_discus",
            Self::Cigar => "f12_bent_cigar",
            Self::Powers => "f14_powers",
            Self::Turned => "f15_rastrigin_turned",
        }
    }

    const fn is_turned(self) -> bool {
        !matches!(self, Self::Sphere | Self::Axes | Self::Rastrigin | Self::Rosenbrock)
    }
}

/// A shape at a place, in a direction.
#[derive(Debug)]
pub(super) struct Valley {
    shape: Shape,
    /// Where the minimum is.
    shift: Vec<f64>,
    /// Orthogonal rows; none for what is not turned.
    rotation: Vec<Vec<f64>>,
}

impl Valley {
    pub(super) fn new(shape: Shape, dimension: usize) -> Self {
        let mut stream = numbers(shape, dimension);
        let shift = (0..dimension).map(|_| stream.between(-4.0, 4.0)).collect();
        let mut rotation: Vec<Vec<f64>> = Vec::new();
        while shape.is_turned() && rotation.len() < dimension {
            // Gram and Schmidt, twice over for the last digits.
            let mut row: Vec<f64> = (0..dimension).map(|_| standard_normal(&mut stream)).collect();
            for _ in 0..2 {
                for known in &rotation {
                    let along: f64 = row.iter().zip(known).map(|(a, b)| a * b).sum();
                    row.iter_mut().zip(known).for_each(|(a, b)| *a -= along * b);
                }
            }
            let length = row.iter().map(|a| a * a).sum::<f64>().sqrt();
            row.iter_mut().for_each(|a| *a /= length);
            rotation.push(row);
        }
        Self { shape, shift, rotation }
    }

    fn at(&self, z: &[f64]) -> f64 {
        let n = z.len();
        #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
        let share = |i: usize| i as f64 / (n.max(2) - 1) as f64;
        let sum = |of: &dyn Fn(usize, f64) -> f64| -> f64 {
            z.iter().enumerate().map(|(i, z)| of(i, *z)).sum()
        };
        match self.shape {
            Shape::Sphere => sum(&|_, z| z * z),
            Shape::Axes | Shape::Ellipsoid => sum(&|i, z| libm::exp10(6.0 * share(i)) * z * z),
            Shape::Rastrigin | Shape::Turned => sum(&|_, z| z * z + 10.0 * one_minus_cos_tau(z)),
            Shape::Rosenbrock => (1..n)
                .map(|i| {
                    let (a, b) = (z[i - 1] + 1.0, z[i] + 1.0);
                    100.0 * (a * a - b) * (a * a - b) + (a - 1.0) * (a - 1.0)
                })
                .sum(),
            Shape::Discus => sum(&|i, z| if i == 0 { 1e6 * z * z } else { z * z }),
            Shape::Cigar => sum(&|i, z| if i == 0 { z * z } else { 1e6 * z * z }),
            Shape::Powers => sum(&|i, z| libm::pow(z.abs(), 2.0 + 4.0 * share(i))).sqrt(),
        }
    }
}

impl Objective for Valley {
    fn dimension(&self) -> usize {
        self.shift.len()
    }

    fn evaluate(&self, inputs: &[[f64; LANES]], values: &mut [f64]) {
        let mut moved = vec![0.0; self.shift.len()];
        for (lane, value) in values.iter_mut().enumerate() {
            for (moved, (x, shift)) in moved.iter_mut().zip(inputs.iter().zip(&self.shift)) {
                *moved = x[lane] - shift;
            }
            *value = if self.rotation.is_empty() {
                self.at(&moved)
            } else {
                let along = |row: &Vec<f64>| row.iter().zip(&moved).map(|(a, b)| a * b).sum();
                self.at(&self.rotation.iter().map(along).collect::<Vec<f64>>())
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minima_lie_where_they_are_put_and_rotations_keep_lengths() {
        for shape in Shape::ALL {
            let valley = Valley::new(shape, 6);
            let mut lanes = [[0.0; LANES]; 6];
            for (lanes, shift) in lanes.iter_mut().zip(&valley.shift) {
                lanes[0] = *shift;
                lanes[1] = shift + 0.01;
            }
            let mut values = [1.0; 2];
            valley.evaluate(&lanes, &mut values);
            assert!(values[0].abs() < 1e-20 && values[1] > 1e-8, "{shape:?} {values:?}");
            for (i, a) in valley.rotation.iter().enumerate() {
                for (j, b) in valley.rotation.iter().enumerate() {
                    let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                    let expected = if i == j { 1.0 } else { 0.0 };
                    assert!((product - expected).abs() < 1e-12);
                }
            }
        }
    }
}
