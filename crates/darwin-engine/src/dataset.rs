//! How well a model explains data: an objective whose variables are the model's numbers.
//!
//! Rows, not points, lie in the lanes of the machine that runs the model: a point costs the same
//! however many are evaluated with it, and its bits do not depend on the others. Losses are summed in
//! the order of the rows.

mod loss;
mod rows;

pub use loss::Loss;
pub use rows::{Frame, MAX_DATA_CELLS, MAX_DATA_COLUMNS, MAX_DATA_ROWS, Split};

use rows::Rows;

use crate::{
    Cancelled, Error, LANES, Objective, Result, Sense, Space, Variable,
    expression::{Compiler, Program, Symbol, Table},
    problem::locate,
};

/// Most operations of one evaluation, all rows together: some hundredths of a second.
const MAX_WORK: u64 = 20_000_000;

/// A model with its data.
#[derive(Debug)]
pub struct Dataset {
    program: Program,
    dimension: usize,
    loss: Loss,
    rows: Rows,
    /// Rows that the search does not see.
    held_out: Option<Rows>,
}

/// What a [`Dataset`] is made from.
#[derive(Debug, Clone)]
pub struct DatasetModel<'a> {
    /// Numbers of the model.
    pub variables: &'a [Variable],
    /// Named values that the model shares, in order.
    pub lets: &'a [(String, String)],
    /// Numbers for `at`.
    pub tables: &'a [Table],
    /// The model: an expression over variables, lets and all columns but the target.
    pub expression: &'a str,
    /// What is to be explained.
    pub target: &'a str,
    /// By how much it misses.
    pub loss: Loss,
    /// Rows to hold out.
    pub split: Option<Split>,
}

impl Dataset {
    /// Compile a model over data.
    ///
    /// # Errors
    /// What is wrong with a variable, the model (part `model`), a name of a column (part `data`) or the
    /// data; [`Error::LimitExceeded`] for too much work per evaluation.
    pub fn new(model: &DatasetModel<'_>, mut frame: Frame) -> Result<Self> {
        let at = |part, index| move |fault| locate(part, index, fault);
        let target = frame.take(model.target)?;
        model.loss.check(&target)?;
        let space = Space::new(model.variables.to_vec())?;
        let dimension = space.bounds().dimension();
        let mut symbols = space.symbols();
        let columns = frame.names().iter().enumerate().map(|(place, name)| Symbol {
            name: name.clone(),
            base: dimension + place,
            length: None,
            categories: Vec::new(),
        });
        symbols.extend(columns);
        let mut compiler = Compiler::new(&symbols, model.tables).map_err(at("data", 0))?;
        for (index, (name, source)) in model.lets.iter().enumerate() {
            compiler.define(name, source).map_err(at("lets", index))?;
        }
        compiler.output(model.expression).map_err(at("model", 0))?;
        let program = compiler.finish();
        let work = program.operations().saturating_mul(frame.rows() as u64);
        if work > MAX_WORK {
            let reason = format!(
                "with {} rows takes {work} operations for one evaluation, of at most {MAX_WORK}",
                frame.rows()
            );
            return Err(Error::LimitExceeded { field: "model", reason });
        }
        let (seen, held) = match model.split {
            Some(split) => split.of(frame.rows())?,
            None => ((0..frame.rows()).collect(), Vec::new()),
        };
        let rows = Rows::new(&frame, &target, &seen);
        let held_out = (!held.is_empty()).then(|| Rows::new(&frame, &target, &held));
        let loss = model.loss;
        for part in std::iter::once(&rows).chain(&held_out) {
            loss.check_rows(part)?;
        }
        Ok(Self { program, dimension, loss, rows, held_out })
    }

    /// Direction in which the loss is better.
    pub fn sense(&self) -> Sense {
        self.loss.sense()
    }

    /// Rows that the search sees, and rows that it does not.
    pub fn rows(&self) -> [usize; 2] {
        [self.rows.len(), self.held_out.as_ref().map_or(0, Rows::len)]
    }

    /// The loss over some rows at a point; of no meaning once cancelled.
    fn loss_over(
        &self,
        rows: &Rows,
        x: impl Fn(usize) -> f64,
        lanes: &mut [[f64; LANES]],
        cancelled: Cancelled<'_>,
    ) -> f64 {
        for (place, lanes) in lanes.iter_mut().take(self.dimension).enumerate() {
            lanes.fill(x(place));
        }
        let (mut sum, mut predicted) = (0.0, [0.0; LANES]);
        for (columns, target) in rows.blocks() {
            if cancelled() {
                return f64::NAN;
            }
            lanes[self.dimension..].copy_from_slice(columns);
            let predicted = &mut predicted[..target.len()];
            self.program.evaluate(lanes, predicted);
            for (value, wanted) in predicted.iter().zip(target) {
                sum += self.loss.of(*value, *wanted);
            }
        }
        self.loss.over(sum, rows)
    }

    fn lanes(&self) -> Vec<[f64; LANES]> {
        vec![[0.0; LANES]; self.program.dimension()]
    }
}

impl Objective for Dataset {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn evaluate(&self, inputs: &[[f64; LANES]], values: &mut [f64]) {
        self.evaluate_until(inputs, values, &|| false);
    }

    fn evaluate_until(
        &self,
        inputs: &[[f64; LANES]],
        values: &mut [f64],
        cancelled: Cancelled<'_>,
    ) {
        let mut lanes = self.lanes();
        for (point, value) in values.iter_mut().enumerate() {
            *value =
                self.loss_over(&self.rows, |place| inputs[place][point], &mut lanes, cancelled);
        }
    }

    fn held_out(&self, x: &[f64]) -> Option<f64> {
        let rows = self.held_out.as_ref()?;
        Some(self.loss_over(rows, |place| x[place], &mut self.lanes(), &|| false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn variables() -> Vec<Variable> {
        ["a", "b"]
            .map(|name| Variable {
                name: name.to_owned(),
                kind: Kind::Real { lo: -10.0, hi: 10.0, step: None },
                length: None,
            })
            .to_vec()
    }

    /// 150 rows: more than two blocks, the last of them short.
    fn frame() -> Frame {
        let t: Vec<f64> = (0..150).map(|k| f64::from(k) / 50.0).collect();
        let y = t.iter().map(|t| 2.0 * t - 1.0).collect();
        Frame::new(vec!["t".to_owned(), "y".to_owned()], vec![t, y]).unwrap()
    }

    fn model(variables: &[Variable], loss: Loss, split: Option<Split>) -> DatasetModel<'_> {
        let (target, expression) = ("y", "a*t + b");
        DatasetModel { variables, lets: &[], tables: &[], expression, target, loss, split }
    }

    fn at(data: &Dataset, points: &[[f64; 2]]) -> Vec<f64> {
        let mut inputs = vec![[f64::NAN; LANES]; 2];
        for (lane, point) in points.iter().enumerate() {
            (inputs[0][lane], inputs[1][lane]) = (point[0], point[1]);
        }
        let mut values = vec![0.0; points.len()];
        data.evaluate(&inputs, &mut values);
        values
    }

    #[test]
    fn losses_are_those_of_their_definitions() {
        let variables = variables();
        // One more than the target everywhere.
        let one_more = [2.0, 0.0];
        for (loss, expected) in [
            (Loss::Mse, 1.0),
            (Loss::Mae, 1.0),
            (Loss::Huber { delta: 0.5 }, 0.375),
            (Loss::Huber { delta: 2.0 }, 0.5),
            (Loss::Quantile { q: 0.9 }, 0.1),
        ] {
            let data = Dataset::new(&model(&variables, loss, None), frame()).unwrap();
            let values = at(&data, &[one_more, [2.0, -1.0]]);
            assert!((values[0] - expected).abs() < 1e-12, "{loss:?} {values:?}");
            assert!(values[1].abs() < 1e-12, "{loss:?} {values:?}");
        }
        let data = Dataset::new(&model(&variables, Loss::R2, None), frame()).unwrap();
        assert_eq!(data.sense(), Sense::Max);
        let values = at(&data, &[[2.0, -1.0], [0.0, 1.98]]);
        // The mean of the target explains nothing.
        assert!((values[0] - 1.0).abs() < 1e-12 && values[1].abs() < 1e-9, "{values:?}");
    }

    #[test]
    fn probabilities_are_judged_by_their_logarithm() {
        let variables = variables();
        let t: Vec<f64> = vec![0.0, 0.0, 1.0, 1.0];
        let frame = |y: &[f64]| {
            Frame::new(vec!["t".to_owned(), "y".to_owned()], vec![t.clone(), y.to_vec()]).unwrap()
        };
        let wanted = model(&variables, Loss::Logloss, None);
        let data = Dataset::new(&wanted, frame(&[0.0, 1.0, 1.0, 1.0])).unwrap();
        let values = at(&data, &[[0.0, 0.5], [1.0, 0.0], [0.0, f64::NAN]]);
        assert!((values[0] - std::f64::consts::LN_2).abs() < 1e-12, "{values:?}");
        // A certainty that is wrong once costs what 1e-15 does.
        assert!((values[1] - 34.5 / 4.0).abs() < 0.1 && values[2].is_nan(), "{values:?}");
        let refused = Dataset::new(&wanted, frame(&[0.0, 2.0, 1.0, 1.0])).unwrap_err();
        assert!(matches!(refused, Error::InvalidData { row: Some(1), .. }), "{refused:?}");
    }

    #[test]
    fn a_point_has_the_same_bits_wherever_it_lies() {
        let variables = variables();
        let data = Dataset::new(&model(&variables, Loss::Mse, None), frame()).unwrap();
        let points: Vec<[f64; 2]> =
            (0..64).map(|k| [f64::from(k) * 0.13, f64::from(k % 7) - 3.0]).collect();
        let together = at(&data, &points);
        for (point, value) in points.iter().zip(&together) {
            assert_eq!(at(&data, &[*point])[0].to_bits(), value.to_bits());
        }
    }

    #[test]
    fn held_out_rows_are_not_seen() {
        let variables = variables();
        let mut seen = Vec::new();
        for fold in 0..5 {
            let split = Some(Split { folds: 5, fold, seed: crate::Seed::new(7).unwrap() });
            let mut frame = frame();
            // One row misses its target.
            frame.set(1, 33, 1000.0);
            let data = Dataset::new(&model(&variables, Loss::Mae, split), frame).unwrap();
            assert_eq!(data.rows(), [120, 30]);
            let (within, without) = (at(&data, &[[2.0, -1.0]])[0], data.held_out(&[2.0, -1.0]));
            seen.push((within > 1.0, without > Some(1.0)));
        }
        assert_eq!(seen.iter().filter(|(within, _)| *within).count(), 4);
        assert!(seen.iter().all(|(within, without)| within != without));
        let data = Dataset::new(&model(&variables, Loss::Mae, None), frame()).unwrap();
        assert_eq!((data.rows(), data.held_out(&[0.0, 0.0])), ([150, 0], None));
    }

    #[test]
    fn what_cannot_be_a_model_is_refused_where_it_is_wrong() {
        let variables = variables();
        let base = model(&variables, Loss::Mse, None);
        for (expression, target, part) in [
            ("a*u", "y", "model"),
            ("a*y", "y", "model"),
            ("a*t +", "y", "model"),
            ("a", "z", "target"),
        ] {
            let wrong = DatasetModel { expression, target, ..base.clone() };
            match (Dataset::new(&wrong, frame()).unwrap_err(), part) {
                (
                    Error::UnknownName { part, .. } | Error::InvalidExpression { part, .. },
                    wanted,
                ) => {
                    assert_eq!(part, wanted);
                }
                other => panic!("{other:?}"),
            }
        }
        let taken = Frame::new(vec!["a".to_owned(), "y".to_owned()], vec![vec![1.0, 2.0]; 2]);
        let refused =
            Dataset::new(&DatasetModel { expression: "b", ..base.clone() }, taken.unwrap());
        assert!(
            matches!(refused, Err(Error::InvalidExpression { part: "data", .. })),
            "{refused:?}"
        );
        let long = "sum(i,1,100000,a*t)";
        let refused = Dataset::new(&DatasetModel { expression: long, ..base.clone() }, frame());
        assert!(matches!(refused, Err(Error::LimitExceeded { field: "model", .. })), "{refused:?}");
        let split = Some(Split { folds: 151, fold: 0, seed: crate::Seed::new(1).unwrap() });
        assert!(Dataset::new(&DatasetModel { split, ..base }, frame()).is_err());
    }

    #[test]
    fn a_cancelled_evaluation_ends_at_the_next_block() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        let variables = variables();
        let data = Dataset::new(&model(&variables, Loss::Mse, None), frame()).unwrap();
        let asked = AtomicUsize::new(0);
        let cancelled = || asked.fetch_add(1, Ordering::Relaxed) >= 4;
        let inputs = vec![[0.0; LANES]; 2];
        data.evaluate_until(&inputs, &mut [0.0; LANES], &cancelled);
        // Three blocks of the first point, one of the second, then once for each of the rest.
        assert_eq!(asked.into_inner(), 4 + 63);
    }
}
