//! Epsilon-lexicase selection: parents that are good on rows taken in a random order.

use super::grammar::pick;
use crate::stream::Stream;

/// Rows that a choice looks at.
const LOOKED_AT: usize = 12;

/// Absolute residuals of a population, and how much they differ row by row.
#[derive(Debug, Default)]
pub(super) struct Cases {
    /// Of each individual in turn.
    residuals: Vec<f64>,
    rows: usize,
    /// Median absolute deviation of each row.
    epsilon: Vec<f64>,
}

impl Cases {
    pub(super) fn new(rows: usize, residuals: Vec<f64>) -> Self {
        let count = residuals.len().checked_div(rows).unwrap_or(0);
        let median = |values: &mut Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(0.0)
        };
        let spread = |row: usize| {
            let mut column: Vec<f64> = (0..count).map(|one| residuals[one * rows + row]).collect();
            let middle = median(&mut column);
            let mut gaps = column.iter().map(|value| (value - middle).abs()).collect();
            median(&mut gaps)
        };
        let epsilon = (0..rows).map(spread).collect();
        Self { residuals, rows, epsilon }
    }

    fn count(&self) -> usize {
        self.residuals.len().checked_div(self.rows).unwrap_or(0)
    }

    /// The number of an individual.
    pub(super) fn select(&self, stream: &mut Stream) -> usize {
        let mut left: Vec<usize> = (0..self.count()).collect();
        let mut rows: Vec<usize> = (0..self.rows).collect();
        for looked_at in 0..LOOKED_AT.min(self.rows) {
            let swapped = looked_at + pick(stream, self.rows - looked_at);
            rows.swap(looked_at, swapped);
            let row = rows[looked_at];
            let residual = |one: usize| self.residuals[one * self.rows + row];
            let best = left.iter().fold(f64::INFINITY, |best, one| best.min(residual(*one)));
            let limit = best + self.epsilon[row];
            left.retain(|one| residual(*one) <= limit);
            if left.len() <= 1 {
                break;
            }
        }
        left.get(pick(stream, left.len())).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    #[test]
    fn specialists_and_all_rounders_are_chosen_and_the_worst_is_not() {
        // Good on the first row, on the second, on both a little; bad; bad.
        let residuals = vec![0.0, 9.0, 9.0, 0.0, 1.0, 1.0, 9.0, 9.0, 8.0, 9.0];
        let cases = Cases::new(2, residuals);
        let mut stream = Stream::new(Seed::new(1).unwrap(), 0, 0);
        let mut seen = [0; 5];
        for _ in 0..400 {
            seen[cases.select(&mut stream)] += 1;
        }
        assert!(seen[1] > 50 && seen[2] > 50, "{seen:?}");
        assert_eq!((seen[3], seen[4]), (0, 0), "{seen:?}");
        assert_eq!(Cases::new(2, Vec::new()).select(&mut stream), 0);
    }
}
