//! Mass matrices: a diagonal, and on it the few directions along which parameters move together.
//!
//! Both minimise the Fisher divergence (Seyboldt et al., arXiv 2603.18845): of the covariances of draws and of
//! gradients the matrix is the geometric mean of the one and the inverse of the other. For a normal density it
//! is exact once there are more draws than parameters.

mod eigen;

use super::Random;
use super::nuts::Point;
use eigen::{Square, eigen};

/// Directions whose variance is off from the diagonal's by this factor are kept.
const CUTOFF: f64 = 2.0;
/// Added to both covariances: a direction that no draw took keeps the diagonal's variance.
const RIDGE: f64 = 1e-5;
/// Most directions that are looked at; of more parameters, the span of the last draws and gradients.
const MAX_SPAN: usize = 64;
/// Most parameters for which draws are kept.
pub(super) const MAX_DIM: usize = 1000;

/// An inverse mass matrix.
#[derive(Debug, Clone)]
pub(super) struct Mass {
    /// Its diagonal part.
    pub(super) variance: Vec<f64>,
    /// Further directions in the units of the parameters, and by what their variance exceeds one.
    directions: Vec<(Vec<f64>, f64)>,
}

impl Mass {
    pub(super) fn diagonal(variance: Vec<f64>) -> Self {
        Self { variance, directions: Vec::new() }
    }

    /// Adds the directions that draws and their gradients show beyond the diagonal.
    pub(super) fn learn(&mut self, draws: &[Point]) {
        let scales: Vec<f64> = self.variance.iter().map(|variance| variance.sqrt()).collect();
        let positions = centred(draws.iter().map(|at| &at.q), |place, x| x / scales[place]);
        let gradients = centred(draws.iter().map(|at| &at.gradient), |place, x| x * scales[place]);
        let basis = span(&positions, &gradients, scales.len());
        let covariances = [&positions, &gradients].map(|rows| covariance(rows, &basis));
        let Some(mean) = geometric_mean(&covariances[0], &covariances[1]) else { return };
        let (values, vectors) = eigen(mean);
        if !values.iter().all(|value| value.is_finite() && *value > 0.0) {
            return;
        }
        let is_off = |value: f64| !(1.0 / CUTOFF..CUTOFF).contains(&value);
        self.directions = values
            .iter()
            .zip(vectors.rows())
            .filter(|(value, _)| is_off(**value))
            .map(|(value, vector)| {
                let lifted = basis.lifted(vector);
                let direction = lifted.iter().zip(&scales).map(|(x, scale)| x * scale).collect();
                (direction, value - 1.0)
            })
            .collect();
    }

    pub(super) fn velocity(&self, p: &[f64], to: &mut [f64]) {
        for ((slot, variance), p) in to.iter_mut().zip(&self.variance).zip(p) {
            *slot = variance * p;
        }
        for (direction, excess) in &self.directions {
            let along = excess * dot(direction, p);
            to.iter_mut().zip(direction).for_each(|(slot, x)| *slot += along * x);
        }
    }

    /// A normal draw with the mass matrix as its covariance.
    pub(super) fn momentum(&self, random: &mut Random, to: &mut [f64]) {
        for (slot, variance) in to.iter_mut().zip(&self.variance) {
            *slot = random.normal() / variance.sqrt();
        }
        for (direction, excess) in &self.directions {
            // orthonormal in the units of the diagonal, so each may be turned on its own
            let along = dot(direction, to) * (1.0 / (1.0 + excess).sqrt() - 1.0);
            for ((p, x), variance) in to.iter_mut().zip(direction).zip(&self.variance) {
                *p += along * x / variance;
            }
        }
    }
}

/// Orthonormal directions, or all axes.
enum Basis {
    Axes(usize),
    Span(Vec<Vec<f64>>),
}

impl Basis {
    fn len(&self) -> usize {
        match self {
            Self::Axes(size) => *size,
            Self::Span(vectors) => vectors.len(),
        }
    }

    fn coordinates(&self, x: &[f64]) -> Vec<f64> {
        match self {
            Self::Axes(_) => x.to_vec(),
            Self::Span(vectors) => vectors.iter().map(|vector| dot(vector, x)).collect(),
        }
    }

    fn lifted(&self, coordinates: &[f64]) -> Vec<f64> {
        let Self::Span(vectors) = self else { return coordinates.to_vec() };
        let mut x = vec![0.0; vectors.first().map_or(0, Vec::len)];
        for (vector, by) in vectors.iter().zip(coordinates) {
            x.iter_mut().zip(vector).for_each(|(slot, number)| *slot += by * number);
        }
        x
    }
}

/// What the latest draws and gradients span, as far as it is looked at.
fn span(positions: &[Vec<f64>], gradients: &[Vec<f64>], dim: usize) -> Basis {
    if dim <= MAX_SPAN {
        return Basis::Axes(dim);
    }
    let mut vectors: Vec<Vec<f64>> = Vec::new();
    for row in positions.iter().rev().zip(gradients.iter().rev()).flat_map(|(q, g)| [q, g]) {
        let mut vector = row.clone();
        let before = dot(&vector, &vector);
        // twice, for once leaves rounding errors of the first
        for _ in 0..2 {
            for known in &vectors {
                let along = dot(known, &vector);
                vector.iter_mut().zip(known).for_each(|(slot, x)| *slot -= along * x);
            }
        }
        let after = dot(&vector, &vector);
        if after > 1e-12 * before {
            vectors.push(vector.iter().map(|x| x / after.sqrt()).collect());
        }
        if vectors.len() == MAX_SPAN {
            break;
        }
    }
    Basis::Span(vectors)
}

/// Rows in other units, less their mean.
fn centred<'run>(
    rows: impl Iterator<Item = &'run Vec<f64>>,
    scaled: impl Fn(usize, f64) -> f64,
) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = rows
        .map(|row| row.iter().enumerate().map(|(place, x)| scaled(place, *x)).collect())
        .collect();
    let count = rows.len() as f64;
    for place in 0..rows.first().map_or(0, Vec::len) {
        let mean = rows.iter().map(|row| row[place]).sum::<f64>() / count;
        for row in &mut rows {
            row[place] -= mean;
        }
    }
    rows
}

fn covariance(rows: &[Vec<f64>], basis: &Basis) -> Square {
    let mut sums = Square::identity(basis.len(), RIDGE);
    let share = 1.0 / rows.len() as f64;
    for row in rows {
        let x = basis.coordinates(row);
        for (by, sums) in x.iter().zip(sums.rows_mut()) {
            sums.iter_mut().zip(&x).for_each(|(slot, x)| *slot += share * by * x);
        }
    }
    sums
}

/// The positive definite `m` with `m b m = a`.
fn geometric_mean(a: &Square, b: &Square) -> Option<Square> {
    let (values, vectors) = eigen(b.clone());
    if !values.iter().all(|value| *value > 0.0) {
        return None;
    }
    let root = vectors.composed(&values, f64::sqrt);
    let inverse = vectors.composed(&values, |value| 1.0 / value.sqrt());
    let (values, vectors) = eigen(root.times(a).times(&root));
    let middle = vectors.composed(&values, |value| value.max(0.0).sqrt());
    Some(inverse.times(&middle).times(&inverse))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws of a normal density with precision `l l'`, of which the gradients follow.
    fn draws(l: &[[f64; 3]; 3], count: usize) -> Vec<Point> {
        let mut random = Random::new(5, 0);
        let precision = |x: &[f64]| -> Vec<f64> {
            let half: Vec<f64> = (0..3).map(|k| (0..3).map(|i| l[i][k] * x[i]).sum()).collect();
            (0..3).map(|i| (0..3).map(|k| l[i][k] * half[k]).sum()).collect()
        };
        (0..count)
            .map(|_| {
                let q: Vec<f64> = (0..3).map(|_| random.normal()).collect();
                let gradient = precision(&q).iter().map(|x| -x).collect();
                Point { q, gradient, value: 0.0 }
            })
            .collect()
    }

    #[test]
    fn few_draws_of_a_normal_density_show_its_covariance() {
        let l = [[2.0, 0.0, 0.0], [1.9, 0.3, 0.0], [-0.7, 0.2, 0.1]];
        let mut mass = Mass::diagonal(vec![0.5, 3.0, 8.0]);
        mass.learn(&draws(&l, 12));
        let mut velocity = [0.0; 3];
        for x in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.3, -1.1, 7.0]] {
            // of a momentum p = precision x the covariance makes x again
            let half: Vec<f64> = (0..3).map(|k| (0..3).map(|i| l[i][k] * x[i]).sum()).collect();
            let p: Vec<f64> = (0..3).map(|i| (0..3).map(|k| l[i][k] * half[k]).sum()).collect();
            mass.velocity(&p, &mut velocity);
            let ratio = dot(&p, &velocity) / dot(&p, &x);
            assert!((0.999 / CUTOFF..=1.001 * CUTOFF).contains(&ratio), "{x:?}: {ratio}");
        }
    }

    #[test]
    fn momenta_have_the_mass_matrix_as_covariance() {
        let l = [[1.0, 0.0, 0.0], [4.0, 0.5, 0.0], [-2.0, 3.0, 0.2]];
        let mut mass = Mass::diagonal(vec![1.0, 2.0, 0.3]);
        mass.learn(&draws(&l, 20));
        assert!(!mass.directions.is_empty());
        let (mut random, count) = (Random::new(1, 0), 40_000);
        let (mut mean, mut square) = (0.0, 0.0);
        let (mut p, mut velocity) = ([0.0; 3], [0.0; 3]);
        for _ in 0..count {
            mass.momentum(&mut random, &mut p);
            mass.velocity(&p, &mut velocity);
            let twice = dot(&p, &velocity);
            mean += twice / f64::from(count);
            square += twice * twice / f64::from(count);
        }
        // twice the kinetic energy is chi squared with three degrees of freedom
        assert!((mean - 3.0).abs() < 0.06 && (square - 15.0).abs() < 0.8, "{mean} {square}");
    }

    #[test]
    fn many_parameters_are_looked_at_in_a_span() {
        let dim = 100;
        let mut random = Random::new(3, 0);
        // the sum of all varies 100 times as much as the diagonal says
        let rows: Vec<Point> = (0..100)
            .map(|_| {
                let common = 10.0 * random.normal() / (dim as f64).sqrt();
                let q: Vec<f64> = (0..dim).map(|_| random.normal() + common).collect();
                let total: f64 = q.iter().sum();
                // Sherman and Morrison's inverse of 1 + 100 u u'
                let gradient = q.iter().map(|x| total / dim as f64 * (100.0 / 101.0) - x).collect();
                Point { q, gradient, value: 0.0 }
            })
            .collect();
        let mut mass = Mass::diagonal(vec![1.0; dim]);
        mass.learn(&rows);
        let p = vec![1.0 / (dim as f64).sqrt(); dim];
        let mut velocity = vec![0.0; dim];
        mass.velocity(&p, &mut velocity);
        let along = dot(&p, &velocity);
        assert!((along - 101.0).abs() < 15.0, "{along}");
    }
}
