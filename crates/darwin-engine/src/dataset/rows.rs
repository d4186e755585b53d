//! Rows of numbers, whole and in parts.

use crate::{Error, LANES, Result, Seed, stream::Stream};

/// Most rows of data.
pub const MAX_DATA_ROWS: usize = 1_000_000;
/// Most columns, the target among them.
pub const MAX_DATA_COLUMNS: usize = 200;
/// Most numbers in all.
pub const MAX_DATA_CELLS: usize = 4_000_000;

/// Columns of equal length by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
    rows: usize,
}

fn wrong(column: Option<usize>, row: Option<usize>, reason: impl Into<String>) -> Error {
    Error::InvalidData { column, row, reason: reason.into() }
}

impl Frame {
    /// Columns of finite numbers, all of the same length.
    ///
    /// # Errors
    /// [`Error::InvalidData`] with the column, and the row where there is one.
    pub fn new(names: Vec<String>, columns: Vec<Vec<f64>>) -> Result<Self> {
        let rows = columns.first().map_or(0, Vec::len);
        if !(1..=MAX_DATA_ROWS).contains(&rows) {
            return Err(wrong(
                None,
                None,
                format!("must have 1 to {MAX_DATA_ROWS} rows, not {rows}"),
            ));
        }
        if !(1..=MAX_DATA_COLUMNS).contains(&columns.len()) || names.len() != columns.len() {
            let reason = format!("must have 1 to {MAX_DATA_COLUMNS} columns, with names");
            return Err(wrong(None, None, reason));
        }
        if rows * columns.len() > MAX_DATA_CELLS {
            let reason = format!("must have at most {MAX_DATA_CELLS} numbers in all");
            return Err(wrong(None, None, reason));
        }
        for (place, column) in columns.iter().enumerate() {
            if column.len() != rows {
                let reason = format!("has {} rows, the first column {rows}", column.len());
                return Err(wrong(Some(place), None, reason));
            }
            if let Some(row) = column.iter().position(|value| !value.is_finite()) {
                return Err(wrong(Some(place), Some(row), "is not a finite number"));
            }
        }
        Ok(Self { names, columns, rows })
    }

    /// Names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Take a column out.
    pub(super) fn take(&mut self, name: &str) -> Result<Vec<f64>> {
        let Some(place) = self.names.iter().position(|one| one == name) else {
            return Err(Error::UnknownName {
                part: "target",
                index: 0,
                offset: 0,
                name: name.chars().take(40).collect(),
                known: self.names.clone(),
            });
        };
        self.names.remove(place);
        Ok(self.columns.remove(place))
    }

    #[cfg(test)]
    pub(super) fn set(&mut self, column: usize, row: usize, value: f64) {
        self.columns[column][row] = value;
    }
}

/// Which part of the rows is held out, of parts that are as large as each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Number of parts.
    pub folds: u32,
    /// Which of them, from 0.
    pub fold: u32,
    /// What shuffles the rows before they are dealt out.
    pub seed: Seed,
}

impl Split {
    /// Rows that are seen and rows that are held out, each in their order.
    pub(super) fn of(self, rows: usize) -> Result<(Vec<usize>, Vec<usize>)> {
        let most = u32::try_from(rows).unwrap_or(u32::MAX);
        if !(2..=most).contains(&self.folds) {
            let reason = format!("must be 2 to {most}, one row in each part at least");
            return Err(Error::InvalidProblem { field: "folds", reason });
        }
        if self.fold >= self.folds {
            let reason = format!("must be below folds, {}", self.folds);
            return Err(Error::InvalidProblem { field: "fold", reason });
        }
        let mut order: Vec<usize> = (0..rows).collect();
        let mut stream = Stream::new(self.seed, 0, 0);
        for place in (1..rows).rev() {
            let other = stream.index(u32::try_from(place + 1).unwrap_or(u32::MAX));
            order.swap(place, other);
        }
        let mut part_of = vec![0; rows];
        for (row, part) in order.into_iter().zip((0..self.folds).cycle()) {
            part_of[row] = part;
        }
        Ok((0..rows).partition(|row| part_of[*row] != self.fold))
    }
}

/// Rows, laid out for the machine.
#[derive(Debug)]
pub(super) struct Rows {
    /// Columns of one block after those of another.
    lanes: Vec<[f64; LANES]>,
    columns: usize,
    target: Vec<f64>,
    scatter: f64,
}

impl Rows {
    pub(super) fn new(frame: &Frame, target: &[f64], chosen: &[usize]) -> Self {
        let mut lanes = Vec::with_capacity(chosen.len().div_ceil(LANES) * frame.columns.len());
        for rows in chosen.chunks(LANES) {
            for column in &frame.columns {
                let mut block = [0.0; LANES];
                for (value, row) in block.iter_mut().zip(rows) {
                    *value = column[*row];
                }
                lanes.push(block);
            }
        }
        let target: Vec<f64> = chosen.iter().map(|row| target[*row]).collect();
        let scatter = scatter(&target);
        Self { lanes, columns: frame.columns.len(), target, scatter }
    }

    pub(super) fn len(&self) -> usize {
        self.target.len()
    }

    /// Sum of squared deviations of the target from its mean.
    pub(super) fn scatter(&self) -> f64 {
        self.scatter
    }

    /// Columns and targets of up to 64 rows each.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (&[[f64; LANES]], &[f64])> {
        let columns = self.columns;
        let blocks = self.target.chunks(LANES).enumerate();
        blocks.map(move |(block, target)| (&self.lanes[block * columns..][..columns], target))
    }
}

#[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^53")]
fn scatter(target: &[f64]) -> f64 {
    let mean = target.iter().sum::<f64>() / target.len() as f64;
    target.iter().map(|value| (value - mean) * (value - mean)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_held_out_once_and_parts_are_equal() {
        let seed = Seed::new(3).unwrap();
        let mut times = vec![0; 23];
        let mut sizes = Vec::new();
        for fold in 0..4 {
            let (seen, held) = Split { folds: 4, fold, seed }.of(23).unwrap();
            assert_eq!(seen.len() + held.len(), 23);
            assert!(held.iter().all(|row| !seen.contains(row)) && seen.is_sorted());
            sizes.push(held.len());
            for row in held {
                times[row] += 1;
            }
        }
        assert_eq!((sizes, times), (vec![6, 6, 6, 5], vec![1; 23]));
        let other = Split { folds: 4, fold: 0, seed: Seed::new(4).unwrap() };
        assert_ne!(other.of(23).unwrap(), Split { seed, ..other }.of(23).unwrap());
        for (folds, fold) in [(1, 0), (24, 0), (4, 4)] {
            assert!(Split { folds, fold, seed }.of(23).is_err());
        }
    }

    #[test]
    fn what_is_no_frame_is_refused_with_its_place() {
        let names = |n: usize| (0..n).map(|k| format!("c{k}")).collect::<Vec<_>>();
        for (columns, column, row) in [
            (vec![vec![]], None, None),
            (vec![vec![1.0], vec![1.0, 2.0]], Some(1), None),
            (vec![vec![1.0, 2.0], vec![1.0, f64::INFINITY]], Some(1), Some(1)),
        ] {
            match Frame::new(names(columns.len()), columns) {
                Err(Error::InvalidData { column: c, row: r, .. }) => {
                    assert_eq!((c, r), (column, row));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(Frame::new(names(1), vec![vec![1.0]; 2]).is_err());
    }
}
