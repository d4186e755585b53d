//! Dense matrices: products, orthonormal columns, eigenvectors.
//!
//! Own code, since results shall not depend on which vector units a machine has: every sum runs in
//! one fixed order.

/// Rows one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dense {
    cells: Vec<f32>,
    columns: usize,
}

/// Rows summed in 32 bits before the sum goes on in 64.
const BLOCK: usize = 64;
/// A column whose share outside the ones before it is below this is dependent on them.
const DEPENDENT: f64 = 1e-9;
/// Passes over all pairs after which Jacobi's method ends in any case.
const SWEEPS: usize = 40;

impl Dense {
    pub(crate) fn zero(rows: usize, columns: usize) -> Self {
        Self { cells: vec![0.0; rows * columns], columns }
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn row_count(&self) -> usize {
        self.cells.len() / self.columns.max(1)
    }

    pub(crate) fn row(&self, index: usize) -> &[f32] {
        self.cells.get(index * self.columns..(index + 1) * self.columns).unwrap_or_default()
    }

    pub(crate) fn row_mut(&mut self, index: usize) -> &mut [f32] {
        self.cells.get_mut(index * self.columns..(index + 1) * self.columns).unwrap_or_default()
    }

    /// The products of all pairs of columns: symmetric, `columns` by `columns`.
    pub(crate) fn gram(&self) -> Vec<f64> {
        let size = self.columns;
        let mut sum = vec![0.0f64; size * size];
        let mut block = vec![0.0f32; size * size];
        for rows in self.cells.chunks(BLOCK * size.max(1)) {
            block.fill(0.0);
            for row in rows.chunks_exact(size) {
                for (left, &value) in row.iter().enumerate() {
                    let (into, with) = (&mut block[left * size + left..], &row[left..]);
                    super::sparse::add(&mut into[..size - left], with, value);
                }
            }
            for (sum, &value) in sum.iter_mut().zip(&block) {
                *sum += f64::from(value);
            }
        }
        for left in 0..size {
            for right in 0..left {
                sum[left * size + right] = sum[right * size + left];
            }
        }
        sum
    }

    /// Make the columns orthonormal; those that depend on the ones before become zero.
    pub(crate) fn orthonormalise(&mut self) {
        // The second time removes what rounding left of the first.
        for _ in 0..2 {
            let factor = cholesky(self.gram(), self.columns);
            let size = self.columns;
            for row in self.cells.chunks_exact_mut(size.max(1)) {
                for column in 0..size {
                    let value = row[column] * factor[column * size + column];
                    row[column] = value;
                    let from = column + 1;
                    super::sparse::add(
                        &mut row[from..],
                        &factor[column * size + from..(column + 1) * size],
                        -value,
                    );
                }
            }
        }
    }

    /// This times the first `keep` of the given rows, taken as columns.
    pub(crate) fn times_transposed(&self, rows: &[Vec<f64>]) -> Self {
        let mut product = Self::zero(self.row_count(), rows.len());
        let mut right = Self::zero(self.columns, rows.len());
        for (column, row) in rows.iter().enumerate() {
            for (index, &value) in row.iter().enumerate() {
                right.row_mut(index)[column] = narrow(value);
            }
        }
        for index in 0..self.row_count() {
            for (inner, &value) in self.row(index).iter().enumerate() {
                super::sparse::add(product.row_mut(index), right.row(inner), value);
            }
        }
        product
    }
}

/// Upper factor of a Gram matrix, its diagonal inverted; 0 there for a dependent column.
fn cholesky(mut gram: Vec<f64>, size: usize) -> Vec<f32> {
    let mut factor = vec![0.0f32; size * size];
    let whole: Vec<f64> = (0..size).map(|index| gram[index * size + index]).collect();
    for column in 0..size {
        let left = gram[column * size + column];
        if left <= whole[column] * DEPENDENT {
            continue;
        }
        let pivot = left.sqrt();
        let row: Vec<f64> =
            (column..size).map(|other| gram[column * size + other] / pivot).collect();
        for (step, &value) in row.iter().enumerate().skip(1) {
            factor[column * size + column + step] = narrow(value);
        }
        factor[column * size + column] = narrow(1.0 / pivot);
        for one in 1..row.len() {
            let at = (column + one) * size + column;
            for other in one..row.len() {
                gram[at + other] -= row[one] * row[other];
            }
        }
    }
    factor
}

/// Eigenvalues, falling, with an eigenvector each, of a symmetric matrix: Jacobi's cyclic method.
pub(crate) fn eigen(mut matrix: Vec<f64>, size: usize) -> Vec<(f64, Vec<f64>)> {
    let mut vectors = vec![0.0; size * size];
    for index in 0..size {
        vectors[index * size + index] = 1.0;
    }
    let whole: f64 = matrix.iter().map(|value| value * value).sum();
    for _ in 0..SWEEPS {
        let outside: f64 = (0..size)
            .flat_map(|row| (row + 1..size).map(move |column| row * size + column))
            .map(|at| matrix[at] * matrix[at])
            .sum();
        if outside <= whole * 1e-24 {
            break;
        }
        for first in 0..size {
            for second in first + 1..size {
                turn(&mut matrix, &mut vectors, size, first, second);
            }
        }
    }
    let mut pairs: Vec<(f64, Vec<f64>)> = (0..size)
        .map(|index| {
            (matrix[index * size + index], vectors[index * size..(index + 1) * size].to_vec())
        })
        .collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    pairs
}

/// One rotation that makes `matrix[first][second]` zero.
fn turn(matrix: &mut [f64], vectors: &mut [f64], size: usize, first: usize, second: usize) {
    let (p, q) = (first * size, second * size);
    let cross = matrix[p + second];
    let (one, other) = (matrix[p + first], matrix[q + second]);
    if cross.abs() <= 1e-18 * (one.abs() + other.abs()) {
        return;
    }
    let ratio = (other - one) / (2.0 * cross);
    let tangent = ratio.signum() / (ratio.abs() + (ratio * ratio + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    rotate(matrix, size, p, q, cosine, sine);
    rotate(vectors, size, p, q, cosine, sine);
    for index in 0..size {
        if index != first && index != second {
            matrix[index * size + first] = matrix[p + index];
            matrix[index * size + second] = matrix[q + index];
        }
    }
    matrix[p + first] = one - tangent * cross;
    matrix[q + second] = other + tangent * cross;
    matrix[p + second] = 0.0;
    matrix[q + first] = 0.0;
}

/// Rotate two rows.
fn rotate(cells: &mut [f64], size: usize, p: usize, q: usize, cosine: f64, sine: f64) {
    let (above, below) = cells.split_at_mut(q);
    for (one, other) in above[p..p + size].iter_mut().zip(&mut below[..size]) {
        (*one, *other) = (cosine * *one - sine * *other, sine * *one + cosine * *other);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "half the digits are kept on purpose")]
pub(crate) fn narrow(value: f64) -> f32 {
    value as f32
}
