//! Normal densities with one scale, whose residuals are affine in cells: all that data say is a matrix.
//!
//! The sum of squares is expanded around a point near its least, where the residuals are known number for
//! number: nothing large cancels, as it would in `y'y - 2 b'X'y + b'X'X b`.

use std::collections::BTreeMap;

use super::affine::Form;
use super::builder::Cell;
use super::density::HALF_LN_TWO_PI;
use super::linear::dot_total;
use super::run::Input;

/// Most products of factors that are summed up when a model is bound.
const MAX_WORK: usize = 50_000_000;

/// A row: its residual, its scale if that is known, and what is added to its log density.
pub(super) struct Row {
    pub(super) residual: Form,
    pub(super) scale: f64,
    pub(super) constant: f64,
}

/// The log density of many rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quadratic {
    rows: f64,
    constant: f64,
    /// Where the sum of squares is known.
    centre: Vec<f64>,
    /// The sum there.
    least: f64,
    /// Half its slope there.
    slope: Vec<f64>,
    matrix: Matrix,
}

/// A symmetric matrix.
#[derive(Debug, Clone, PartialEq)]
enum Matrix {
    Dense(Vec<f64>),
    /// Where each row starts, then columns and entries.
    Sparse(Vec<usize>, Vec<u32>, Vec<f64>),
}

impl Quadratic {
    /// The density of these rows and its cells; none if the matrix would cost more than the rows.
    pub(super) fn new(rows: &[Row]) -> Option<(Self, Vec<Cell>)> {
        let mut places: BTreeMap<Cell, usize> = BTreeMap::new();
        let (mut terms, mut work) = (0, 0);
        for row in rows {
            terms += row.residual.terms.len();
            work += row.residual.terms.len().pow(2);
            for (cell, _) in &row.residual.terms {
                places.insert(*cell, 0);
            }
        }
        if work > MAX_WORK {
            return None;
        }
        places.values_mut().enumerate().for_each(|(at, place)| *place = at);
        let rows: Vec<(Vec<(usize, f64)>, &Row)> = rows
            .iter()
            .map(|row| {
                let terms = row.residual.terms.iter();
                (terms.map(|(cell, factor)| (places[cell], *factor / row.scale)).collect(), row)
            })
            .collect();
        let matrix = Matrix::new(&rows, places.len());
        if matrix.len() > 3 * terms + 64 {
            return None;
        }
        let cells = places.into_keys().collect();
        Some((Self::around(&rows, matrix), cells))
    }

    fn around(rows: &[(Vec<(usize, f64)>, &Row)], matrix: Matrix) -> Self {
        let size = matrix.size();
        let residuals = |centre: &[f64]| -> Vec<f64> {
            let one = |(terms, row): &(Vec<(usize, f64)>, &Row)| {
                terms.iter().fold(row.residual.offset / row.scale, |sum, (place, factor)| {
                    sum + factor * centre[*place]
                })
            };
            rows.iter().map(one).collect()
        };
        let slope = |residuals: &[f64]| {
            let mut slope = vec![0.0; size];
            for ((terms, _), residual) in rows.iter().zip(residuals) {
                for (place, factor) in terms {
                    slope[*place] += factor * residual;
                }
            }
            slope
        };
        let centre = matrix.solved(&slope(&residuals(&vec![0.0; size])));
        let left = residuals(&centre);
        let constant =
            rows.iter().map(|(_, row)| row.constant - row.scale.ln() - HALF_LN_TWO_PI).sum();
        Self {
            rows: rows.len() as f64,
            constant,
            least: left.iter().map(|residual| residual * residual).sum(),
            slope: slope(&left),
            centre,
            matrix,
        }
    }

    /// Products of cells that it sums up.
    pub(super) fn len(&self) -> usize {
        self.matrix.len()
    }

    /// Numbers it keeps: the density, the sum of squares, then half its slopes, then the way from the centre.
    pub(super) fn count(&self) -> usize {
        2 + 2 * self.centre.len()
    }

    pub(super) fn forward(&self, inputs: &[Input], out: usize, values: &mut [f64]) {
        let size = self.centre.len();
        let (before, rest) = values.split_at_mut(out);
        let (head, rest) = rest.split_at_mut(2);
        let (half, way) = rest.split_at_mut(size);
        let way = &mut way[..size];
        for (at, (slot, centre)) in way.iter_mut().zip(&self.centre).enumerate() {
            *slot = before[inputs[0].at(at)] - centre;
        }
        self.matrix.times(way, half);
        let mut squares = 0.0;
        for ((half, way), slope) in half.iter_mut().zip(way).zip(&self.slope) {
            squares += *way * (*half + 2.0 * slope);
            *half += slope;
        }
        let squares = self.least + squares;
        head[1] = squares;
        head[0] = match inputs.get(1).map(|input| before[input.at(0)]) {
            None => self.constant - 0.5 * squares,
            Some(scale) if scale > 0.0 && scale < f64::INFINITY => {
                self.constant - self.rows * scale.ln() - 0.5 * squares / (scale * scale)
            }
            Some(_) => f64::NAN,
        };
    }

    pub(super) fn backward(
        &self,
        inputs: &[Input],
        out: usize,
        values: &[f64],
        adjoints: &mut [f64],
    ) {
        let adjoint = adjoints[out];
        let scale = inputs.get(1).map_or(1.0, |input| values[input.at(0)]);
        let weight = adjoint / (scale * scale);
        for (at, half) in values[out + 2..out + 2 + self.centre.len()].iter().enumerate() {
            adjoints[inputs[0].at(at)] -= weight * half;
        }
        if let Some(input) = inputs.get(1) {
            adjoints[input.at(0)] += (weight * values[out + 1] - adjoint * self.rows) / scale;
        }
    }
}

impl Matrix {
    /// Sums of products of the rows' factors.
    fn new(rows: &[(Vec<(usize, f64)>, &Row)], size: usize) -> Self {
        let mut entries: Vec<BTreeMap<u32, f64>> = vec![BTreeMap::new(); size];
        let mut dense: Vec<f64> = if size <= 256 { vec![0.0; size * size] } else { Vec::new() };
        for (terms, _) in rows {
            for (one, by) in terms {
                for (other, factor) in terms {
                    if dense.is_empty() {
                        let other = u32::try_from(*other).unwrap_or(u32::MAX);
                        *entries[*one].entry(other).or_insert(0.0) += by * factor;
                    } else {
                        dense[one * size + other] += by * factor;
                    }
                }
            }
        }
        if !dense.is_empty() {
            if 3 * dense.iter().filter(|entry| **entry != 0.0).count() > dense.len() {
                return Self::Dense(dense);
            }
            for (row, entries) in dense.chunks(size).zip(&mut entries) {
                let found = (0..).zip(row).filter(|(_, entry)| **entry != 0.0);
                entries.extend(found.map(|(column, entry)| (column, *entry)));
            }
        }
        let mut starts = vec![0];
        let (mut columns, mut numbers) = (Vec::new(), Vec::new());
        for row in entries {
            columns.extend(row.keys());
            numbers.extend(row.values());
            starts.push(columns.len());
        }
        Self::Sparse(starts, columns, numbers)
    }

    fn size(&self) -> usize {
        match self {
            Self::Dense(entries) => entries.len().isqrt(),
            Self::Sparse(starts, ..) => starts.len() - 1,
        }
    }

    /// Entries that are kept.
    fn len(&self) -> usize {
        match self {
            Self::Dense(entries) | Self::Sparse(.., entries) => entries.len(),
        }
    }

    fn times(&self, x: &[f64], to: &mut [f64]) {
        match self {
            Self::Dense(entries) => {
                for (slot, row) in to.iter_mut().zip(entries.chunks_exact(x.len().max(1))) {
                    *slot = dot_total(row, x);
                }
            }
            Self::Sparse(starts, columns, entries) => {
                for (slot, ends) in to.iter_mut().zip(starts.windows(2)) {
                    let row = columns[ends[0]..ends[1]].iter().zip(&entries[ends[0]..ends[1]]);
                    *slot = row.map(|(column, entry)| entry * x[*column as usize]).sum();
                }
            }
        }
    }

    fn diagonal(&self) -> Vec<f64> {
        let entry = |row: usize| match self {
            Self::Dense(entries) => entries[row * (self.size() + 1)],
            Self::Sparse(starts, columns, entries) => (starts[row]..starts[row + 1])
                .find(|at| columns[*at] as usize == row)
                .map_or(0.0, |at| entries[at]),
        };
        (0..self.size()).map(entry).collect()
    }

    /// About where the slope that is `right` at the origin vanishes, by conjugate gradients: exact only as far
    /// as is needed for what is expanded there to be small.
    fn solved(&self, right: &[f64]) -> Vec<f64> {
        let scales: Vec<f64> = self
            .diagonal()
            .into_iter()
            .map(|entry| if entry > 0.0 { 1.0 / entry } else { 0.0 })
            .collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let scaled = |left: &[f64]| -> Vec<f64> {
            left.iter().zip(&scales).map(|(left, scale)| left * scale).collect()
        };
        let mut x = vec![0.0; right.len()];
        let mut left: Vec<f64> = right.iter().map(|number| -number).collect();
        let mut conditioned = scaled(&left);
        let mut way = conditioned.clone();
        let mut power = dot(&left, &conditioned);
        let end = power * 1e-24;
        let mut image = vec![0.0; right.len()];
        for _ in 0..(2 * right.len() + 20).min(200) {
            if power.is_nan() || power <= end {
                break;
            }
            self.times(&way, &mut image);
            let bend = dot(&way, &image);
            if bend.is_nan() || bend <= 0.0 {
                break;
            }
            let length = power / bend;
            for at in 0..x.len() {
                x[at] += length * way[at];
                left[at] -= length * image[at];
            }
            conditioned = scaled(&left);
            let next = dot(&left, &conditioned);
            for (way, number) in way.iter_mut().zip(&conditioned) {
                *way = number + next / power * *way;
            }
            power = next;
        }
        if x.iter().all(|number| number.is_finite()) { x } else { vec![0.0; right.len()] }
    }
}
