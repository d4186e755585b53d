//! Eigenvalues of symmetric matrices by Jacobi's rotations: slow, exact, and equal on every machine.

/// Most sweeps over all pairs; a dozen is ample.
const SWEEPS: usize = 40;

/// A square matrix by rows.
#[derive(Debug, Clone)]
pub(super) struct Square {
    size: usize,
    numbers: Vec<f64>,
}

/// Eigenvalues and, as rows, their vectors.
pub(super) fn eigen(mut a: Square) -> (Vec<f64>, Square) {
    let size = a.size;
    let mut vectors = Square::identity(size, 1.0);
    for _ in 0..SWEEPS {
        let mut off = 0.0;
        let mut all = 0.0;
        for (row, numbers) in a.rows().enumerate() {
            for (column, number) in numbers.iter().enumerate() {
                all += number * number;
                off += if row == column { 0.0 } else { number * number };
            }
        }
        // NaN ends it too
        if off.is_nan() || off <= 1e-30 * all {
            break;
        }
        for one in 0..size {
            for other in one + 1..size {
                rotate(&mut a, &mut vectors, one, other);
            }
        }
    }
    ((0..size).map(|at| a.numbers[at * (size + 1)]).collect(), vectors)
}

/// Turns two axes so that their entry vanishes.
fn rotate(a: &mut Square, vectors: &mut Square, one: usize, other: usize) {
    let size = a.size;
    let entry = a.numbers[one * size + other];
    if entry == 0.0 {
        return;
    }
    let ratio = (a.numbers[other * size + other] - a.numbers[one * size + one]) / (2.0 * entry);
    let tangent = 1_f64.copysign(ratio) / (ratio.abs() + ratio.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    for row in a.numbers.chunks_exact_mut(size) {
        let (x, y) = (row[one], row[other]);
        row[one] = cosine * x - sine * y;
        row[other] = sine * x + cosine * y;
    }
    for matrix in [a, vectors] {
        let (head, tail) = matrix.numbers.split_at_mut(other * size);
        let rows = head[one * size..(one + 1) * size].iter_mut().zip(&mut tail[..size]);
        for (x, y) in rows {
            (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
        }
    }
}

impl Square {
    pub(super) fn identity(size: usize, by: f64) -> Self {
        let mut numbers = vec![0.0; size * size];
        numbers.iter_mut().step_by(size + 1).for_each(|number| *number = by);
        Self { size, numbers }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.numbers.chunks_exact(self.size.max(1))
    }

    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f64]> {
        self.numbers.chunks_exact_mut(self.size.max(1))
    }

    pub(super) fn times(&self, right: &Self) -> Self {
        let mut product = Self::identity(self.size, 0.0);
        for (to, left) in product.rows_mut().zip(self.rows()) {
            for (by, row) in left.iter().zip(right.rows()) {
                to.iter_mut().zip(row).for_each(|(slot, number)| *slot += by * number);
            }
        }
        product
    }

    /// The matrix with these rows as eigenvectors, and a function of the values.
    pub(super) fn composed(&self, values: &[f64], of: impl Fn(f64) -> f64) -> Self {
        let mut sum = Self::identity(self.size, 0.0);
        for (vector, value) in self.rows().zip(values) {
            let value = of(*value);
            for (by, to) in vector.iter().zip(sum.rows_mut()) {
                to.iter_mut().zip(vector).for_each(|(slot, number)| *slot += value * by * number);
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_vectors_compose_the_matrix() {
        let size = 17;
        let entry = |row: usize, column: usize| {
            ((row * column) as f64 * 0.37 + (row + column) as f64).sin()
        };
        let mut a = Square::identity(size, 2.5);
        for (row, numbers) in a.rows_mut().enumerate() {
            for (column, number) in numbers.iter_mut().enumerate() {
                *number += entry(row, column);
            }
        }
        let (values, vectors) = eigen(a.clone());
        let again = vectors.composed(&values, |value| value);
        for (found, wanted) in again.numbers.iter().zip(&a.numbers) {
            assert!((found - wanted).abs() < 1e-13, "{found} {wanted}");
        }
        let turned = vectors.times(&Square { size, numbers: transposed(&vectors) });
        for (row, numbers) in turned.rows().enumerate() {
            for (column, number) in numbers.iter().enumerate() {
                assert!((number - f64::from(u8::from(row == column))).abs() < 1e-13);
            }
        }
    }

    fn transposed(a: &Square) -> Vec<f64> {
        let columns = (0..a.size).flat_map(|at| a.numbers.iter().skip(at).step_by(a.size));
        columns.copied().collect()
    }
}
