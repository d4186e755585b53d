//! Linear predictors: columns of data times cells, in one pass.

use std::collections::BTreeMap;

use super::affine::Form;
use super::builder::Cell;
use super::linear::dot_total;
use super::run::Input;

/// `offset + sum of column times cell` of many rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Design {
    offset: Vec<f64>,
    /// Columns that most rows have, one after another.
    dense: Vec<f64>,
    /// The others: where each starts, then its rows and their factors.
    starts: Vec<usize>,
    rows: Vec<u32>,
    factors: Vec<f64>,
}

impl Design {
    /// The design of these rows, and the cells of its columns.
    pub(super) fn new(forms: &[Form]) -> (Self, Vec<Cell>) {
        let mut columns: BTreeMap<Cell, Vec<(u32, f64)>> = BTreeMap::new();
        for (row, form) in (0..).zip(forms) {
            for (cell, factor) in &form.terms {
                columns.entry(*cell).or_default().push((row, *factor));
            }
        }
        let offset: Vec<f64> = forms.iter().map(|form| form.offset).collect();
        let (mut dense, mut starts, mut cells) = (Vec::new(), vec![0], Vec::new());
        let (mut rows, mut factors) = (Vec::new(), Vec::new());
        let is_dense = |column: &[(u32, f64)]| 2 * column.len() > forms.len();
        for (cell, column) in columns.iter().filter(|(_, column)| is_dense(column)) {
            let start = dense.len();
            dense.resize(start + forms.len(), 0.0);
            for (row, factor) in column {
                dense[start + *row as usize] = *factor;
            }
            cells.push(*cell);
        }
        for (cell, column) in columns.iter().filter(|(_, column)| !is_dense(column)) {
            rows.extend(column.iter().map(|(row, _)| *row));
            factors.extend(column.iter().map(|(_, factor)| *factor));
            starts.push(rows.len());
            cells.push(*cell);
        }
        (Self { offset, dense, starts, rows, factors }, cells)
    }

    /// How many predictors.
    pub(super) fn len(&self) -> usize {
        self.offset.len()
    }

    /// Writes the predictors behind `out`; their cells lie before it.
    pub(super) fn forward(&self, input: &Input, out: usize, values: &mut [f64]) {
        let (before, rest) = values.split_at_mut(out);
        let to = &mut rest[..self.len()];
        to.copy_from_slice(&self.offset);
        let factor = |column: usize| before[input.at(column)];
        let columns = self.dense.len() / self.len().max(1);
        let mut column = 0;
        let (blocks, single) = self.dense.split_at(columns / 4 * 4 * self.len());
        for block in blocks.chunks_exact(4 * self.len()) {
            let by = [0, 1, 2, 3].map(|at| factor(column + at));
            let (one, two) = block.split_at(2 * self.len());
            let ((a, b), (c, d)) = (one.split_at(self.len()), two.split_at(self.len()));
            for ((((slot, a), b), c), d) in to.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *slot += (a * by[0] + b * by[1]) + (c * by[2] + d * by[3]);
            }
            column += 4;
        }
        for one in single.chunks_exact(self.len().max(1)) {
            let by = factor(column);
            to.iter_mut().zip(one).for_each(|(slot, number)| *slot += number * by);
            column += 1;
        }
        for (at, ends) in self.starts.windows(2).enumerate() {
            let by = factor(column + at);
            let (rows, factors) = (&self.rows[ends[0]..ends[1]], &self.factors[ends[0]..ends[1]]);
            for (row, number) in rows.iter().zip(factors) {
                to[*row as usize] += number * by;
            }
        }
    }

    /// Adds to the adjoints of the cells what those of the predictors say; each cell is met once.
    pub(super) fn backward(&self, input: &Input, out: usize, adjoints: &mut [f64]) {
        let (before, rest) = adjoints.split_at_mut(out);
        let slopes = &rest[..self.len()];
        let mut column = 0;
        for numbers in self.dense.chunks_exact(self.len().max(1)) {
            before[input.at(column)] += dot_total(numbers, slopes);
            column += 1;
        }
        for (at, ends) in self.starts.windows(2).enumerate() {
            let (rows, factors) = (&self.rows[ends[0]..ends[1]], &self.factors[ends[0]..ends[1]]);
            let products =
                rows.iter().zip(factors).map(|(row, number)| number * slopes[*row as usize]);
            before[input.at(column + at)] += products.sum::<f64>();
        }
    }
}
