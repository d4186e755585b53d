//! Data that an expression is fitted to.

use crate::{
    Error, Result,
    expression::{Compiler, FaultKind, Symbol},
};

/// Most rows of data.
pub const MAX_ROWS: usize = 10_000;
/// Fewest rows: less say nothing about a formula.
const MIN_ROWS: usize = 4;
/// Most columns.
pub const MAX_COLUMNS: usize = 50;

/// Columns by name, and a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
    target: Vec<f64>,
    scatter: f64,
}

fn wrong(column: Option<usize>, row: Option<usize>, reason: impl Into<String>) -> Error {
    Error::InvalidData { column, row, reason: reason.into() }
}

impl Sample {
    /// Columns of numbers, all as long as the target.
    ///
    /// # Errors
    /// [`Error::InvalidData`] for too few or too many rows or columns, columns of other lengths,
    /// numbers that are not finite, names that expressions cannot use, or a constant target.
    pub fn new(names: Vec<String>, columns: Vec<Vec<f64>>, target: Vec<f64>) -> Result<Self> {
        let rows = target.len();
        if !(MIN_ROWS..=MAX_ROWS).contains(&rows) {
            let reason = format!("must have {MIN_ROWS} to {MAX_ROWS} rows, not {rows}");
            return Err(wrong(None, None, reason));
        }
        if !(1..=MAX_COLUMNS).contains(&columns.len()) || names.len() != columns.len() {
            let reason = format!("must have 1 to {MAX_COLUMNS} columns beside the target");
            return Err(wrong(None, None, reason));
        }
        for (place, column) in columns.iter().chain([&target]).enumerate() {
            let at = (place < columns.len()).then_some(place);
            if column.len() != rows {
                let reason = format!("has {} rows, the target {rows}", column.len());
                return Err(wrong(at, None, reason));
            }
            if let Some(row) = column.iter().position(|value| !(value.abs() <= 1e150)) {
                return Err(wrong(at, Some(row), "is not a finite number up to 1e150"));
            }
        }
        let symbols: Vec<Symbol> = names.iter().enumerate().map(symbol).collect();
        for (place, symbol) in symbols.iter().enumerate() {
            if let Err(fault) = Compiler::new(std::slice::from_ref(symbol), &[]) {
                let reason = match fault.kind {
                    FaultKind::Syntax(reason) | FaultKind::Limit(reason) => reason,
                    FaultKind::UnknownName { name, .. } => format!("has the name `{name}`"),
                };
                return Err(wrong(Some(place), None, reason));
            }
            if names.iter().take(place).any(|name| *name == symbol.name) {
                return Err(wrong(Some(place), None, "has a name that another column has"));
            }
        }
        let scatter = scatter(&target);
        if !(scatter > 0.0) {
            return Err(wrong(None, None, "has a target that is the same in all rows"));
        }
        Ok(Self { names, columns, target, scatter })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.target.len()
    }

    /// Names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn column(&self, column: u16) -> &[f64] {
        &self.columns[usize::from(column)]
    }

    pub(super) fn target(&self) -> &[f64] {
        &self.target
    }

    /// Sum of squared deviations of the target from its mean.
    pub(super) fn scatter(&self) -> f64 {
        self.scatter
    }

    #[expect(clippy::cast_precision_loss, reason = "rows are few")]
    pub(super) fn variance(&self) -> f64 {
        self.scatter / self.rows() as f64
    }

    /// Some of the rows.
    pub(super) fn chosen(&self, rows: &[usize]) -> Self {
        let of = |column: &Vec<f64>| -> Vec<f64> { rows.iter().map(|row| column[*row]).collect() };
        let target = of(&self.target);
        let scatter = scatter(&target).max(f64::MIN_POSITIVE);
        Self {
            names: self.names.clone(),
            columns: self.columns.iter().map(of).collect(),
            target,
            scatter,
        }
    }

    /// At most so many rows, evenly.
    pub(super) fn thinned(&self, most: usize) -> Option<Self> {
        let rows = self.rows();
        let chosen = || (0..most).map(|k| k * (rows - 1) / (most - 1).max(1)).collect::<Vec<_>>();
        (rows > most).then(|| self.chosen(&chosen()))
    }
}

fn symbol((base, name): (usize, &String)) -> Symbol {
    Symbol { name: name.clone(), base, length: None, categories: Vec::new() }
}

#[expect(clippy::cast_precision_loss, reason = "rows are few")]
fn scatter(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.iter().map(|value| (value - mean) * (value - mean)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_data_is_refused_with_its_place() {
        let column = vec![1.0, 2.0, 3.0, 4.0];
        let sample = |name: &str, column: Vec<f64>, target: Vec<f64>| {
            Sample::new(vec![name.to_owned()], vec![column], target)
        };
        assert_eq!(sample("x", column.clone(), column.clone()).unwrap().rows(), 4);
        let short = column[..3].to_vec();
        let bad = vec![1.0, f64::NAN, 3.0, 4.0];
        for (result, column, row) in [
            (sample("x", column.clone(), short.clone()), None, None),
            (sample("x", short, column.clone()), Some(0), None),
            (sample("x", bad.clone(), column.clone()), Some(0), Some(1)),
            (sample("x", column.clone(), bad), None, Some(1)),
            (sample("sin", column.clone(), column.clone()), Some(0), None),
            (sample("a b", column.clone(), column.clone()), Some(0), None),
            (sample("x", column.clone(), vec![2.0; 4]), None, None),
            (Sample::new(vec![], vec![], column.clone()), None, None),
        ] {
            match result.unwrap_err() {
                Error::InvalidData { column: at, row: line, .. } => {
                    assert_eq!((at, line), (column, row));
                }
                other => panic!("{other}"),
            }
        }
        let twice =
            Sample::new(vec!["x".into(), "x".into()], vec![column.clone(), column.clone()], column);
        assert!(twice.is_err());
    }

    #[test]
    fn thinning_keeps_both_ends() {
        let column: Vec<f64> = (0..100).map(f64::from).collect();
        let sample = Sample::new(vec!["x".into()], vec![column.clone()], column).unwrap();
        assert!(sample.thinned(100).is_none());
        let few = sample.thinned(5).unwrap();
        assert_eq!(few.target(), [0.0, 24.0, 49.0, 74.0, 99.0]);
    }
}
