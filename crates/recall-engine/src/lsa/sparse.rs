//! A sparse matrix of weights, a row for each text, and its products with dense ones.

use super::dense::Dense;

/// Rows of (column, weight), columns ascending.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sparse {
    starts: Vec<usize>,
    cells: Vec<(u32, f32)>,
    columns: usize,
}

impl Sparse {
    pub(crate) fn new(columns: usize) -> Self {
        Self { starts: vec![0], cells: Vec::new(), columns }
    }

    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = (u32, f32)>) {
        self.cells.extend(row);
        self.starts.push(self.cells.len());
    }

    pub(crate) fn row_count(&self) -> usize {
        self.starts.len() - 1
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// This times `right`.
    pub(crate) fn times(&self, right: &Dense) -> Dense {
        let mut product = Dense::zero(self.row_count(), right.columns());
        for (index, row) in self.rows().enumerate() {
            for &(column, weight) in row {
                add(product.row_mut(index), right.row(column as usize), weight);
            }
        }
        product
    }

    /// The transpose of this times `right`.
    pub(crate) fn transposed_times(&self, right: &Dense) -> Dense {
        let mut product = Dense::zero(self.columns, right.columns());
        for (index, row) in self.rows().enumerate() {
            for &(column, weight) in row {
                add(product.row_mut(column as usize), right.row(index), weight);
            }
        }
        product
    }

    fn rows(&self) -> impl Iterator<Item = &[(u32, f32)]> {
        self.starts.windows(2).map(|ends| self.cells.get(ends[0]..ends[1]).unwrap_or_default())
    }
}

/// `sum += weight * row`: a form that compilers turn into vector code without changing any result.
pub(crate) fn add(sum: &mut [f32], row: &[f32], weight: f32) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += weight * value;
    }
}
