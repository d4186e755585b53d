//! Joins the terms of the log density: equal distributions into one step, linear predictors with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::affine::{Affine, Form, at};
use super::builder::{Builder, Cell, Step};
use super::design::Design;
use super::kernel::are_answers;
use super::op::Op;
use super::quadratic::{Quadratic, Row};

/// Most terms of the affine forms of one group.
const MAX_TERMS: usize = 5_000_000;
/// Fewest rows worth a step of their own.
const FEW: usize = 8;

/// Terms to be joined.
#[derive(Default)]
struct Terms {
    /// What stays as it is, with how often it is added.
    plain: BTreeMap<Cell, usize>,
    constant: f64,
    /// Outcome, location and scale of normal densities, by the scale unless that is known.
    normal: BTreeMap<Option<Cell>, Vec<(Op, [Cell; 4])>>,
    /// Inputs of other densities, with how many there are.
    other: BTreeMap<(Op, usize), Vec<[Cell; 4]>>,
}

/// Fewer cells whose sum is that of the target; none if the caller gave up.
pub(crate) fn fused(
    trace: &mut Builder,
    target: &[Cell],
    is_cancelled: &dyn Fn() -> bool,
) -> Option<Vec<Cell>> {
    let affine = Affine::new(trace, target);
    let mut terms = sorted(trace, &affine, target);
    let mut root = vec![trace.constant(terms.constant)];
    for (cell, times) in std::mem::take(&mut terms.plain) {
        let factor = trace.constant(times as f64);
        root.push(if times == 1 { cell } else { trace.scalar(Op::Multiply, &[cell, factor]) });
    }
    for (scale, rows) in std::mem::take(&mut terms.normal) {
        if is_cancelled() {
            return None;
        }
        match quadratic(trace, &affine, scale, &rows) {
            Some(cell) => root.push(cell),
            None => {
                for (op, inputs) in rows {
                    terms.other.entry((op, 3)).or_default().push(inputs);
                }
            }
        }
    }
    for ((op, arity), rows) in terms.other {
        if is_cancelled() {
            return None;
        }
        root.push(total(trace, &affine, op, arity, &rows));
    }
    Some(root)
}

/// Sorts the terms by what computes them.
fn sorted(trace: &Builder, affine: &Affine, target: &[Cell]) -> Terms {
    let mut terms = Terms::default();
    let mut open = target.to_vec();
    open.reverse();
    while let Some(cell) = open.pop() {
        if let Some(number) = trace.number(cell) {
            terms.constant += number;
            continue;
        }
        let behind = affine.behind(trace, cell).filter(|_| affine.uses(cell) == 1);
        let Some((step, element)) = behind else {
            *terms.plain.entry(cell).or_default() += 1;
            continue;
        };
        match step.step {
            Step::Sum => open.extend(step.inputs[0].iter().rev()),
            Step::Each(Op::Add) => {
                open.extend(step.inputs.iter().rev().map(|list| at(list, element)));
            }
            Step::Each(op) if op >= Op::Normal => {
                let mut inputs = [0; 4];
                for (slot, list) in inputs.iter_mut().zip(&step.inputs) {
                    *slot = at(list, element);
                }
                let number = |at: usize| trace.number(inputs[at]);
                let scale = number(2).is_none().then_some(inputs[2]);
                let is_scale = |scale: f64| scale > 0.0 && scale < f64::INFINITY;
                let is_normal =
                    op == Op::Normal || op == Op::Lognormal && number(0).is_some_and(is_scale);
                if is_normal && number(2).is_none_or(is_scale) {
                    terms.normal.entry(scale).or_default().push((op, inputs));
                } else {
                    terms.other.entry((op, step.inputs.len())).or_default().push(inputs);
                }
            }
            _ => *terms.plain.entry(cell).or_default() += 1,
        }
    }
    terms
}

/// One step for normal densities with one scale, if their residuals are affine.
fn quadratic(
    trace: &mut Builder,
    affine: &Affine,
    scale: Option<Cell>,
    rows: &[(Op, [Cell; 4])],
) -> Option<Cell> {
    if scale.is_some() && rows.len() < FEW {
        return None;
    }
    let shallow = residuals(trace, affine, rows, false, MAX_TERMS)?;
    let terms: usize = shallow.iter().map(|row| row.residual.terms.len()).sum();
    let (mut quadratic, mut cells) = Quadratic::new(&shallow)?;
    // what locations share may be cheaper inside of the matrix than computed before
    if let Some(deep) = residuals(trace, affine, rows, true, 4 * terms + 1000) {
        let found = if spares(affine, &shallow, &deep) { Quadratic::new(&deep) } else { None };
        if let Some(found) = found.filter(|(found, _)| found.len() <= 3 * quadratic.len() + 64) {
            (quadratic, cells) = found;
        }
    }
    let count = quadratic.count();
    let inputs = std::iter::once(Arc::from(cells)).chain(scale.map(|scale| Arc::from([scale])));
    let inputs = inputs.collect();
    Some(trace.push(Step::Quadratic(Arc::new(quadratic)), inputs, count))
}

/// Whether nobody else asks for the cells that only the first rows speak of, and there are such.
fn spares(affine: &Affine, rows: &[Row], others: &[Row]) -> bool {
    let mut asked: BTreeMap<Cell, usize> = BTreeMap::new();
    for (cell, _) in rows.iter().flat_map(|row| &row.residual.terms) {
        *asked.entry(*cell).or_default() += 1;
    }
    for (cell, _) in others.iter().flat_map(|row| &row.residual.terms) {
        asked.remove(cell);
    }
    !asked.is_empty() && asked.into_iter().all(|(cell, times)| affine.uses(cell) <= times)
}

/// What is left of the outcomes, in terms of cells.
fn residuals(
    trace: &Builder,
    affine: &Affine,
    rows: &[(Op, [Cell; 4])],
    is_deep: bool,
    mut budget: usize,
) -> Option<Vec<Row>> {
    let mut found = Vec::with_capacity(rows.len());
    for (op, [y, mu, sigma, _]) in rows {
        let log = trace.number(*y).filter(|_| *op == Op::Lognormal).map(f64::ln);
        let outcome = if log.is_some() { None } else { Some((*y, 1.0)) };
        let parts: Vec<(Cell, f64)> = outcome.into_iter().chain([(*mu, -1.0)]).collect();
        let mut residual = affine.form(trace, &parts, is_deep, &mut budget)?;
        residual.offset += log.unwrap_or(0.0);
        found.push(Row {
            residual,
            scale: trace.number(*sigma).unwrap_or(1.0),
            constant: -log.unwrap_or(0.0),
        });
    }
    Some(found)
}

/// The sum of one density over many rows.
fn total(trace: &mut Builder, affine: &Affine, op: Op, arity: usize, rows: &[[Cell; 4]]) -> Cell {
    let mut lists: Vec<Vec<Cell>> =
        (0..arity).map(|argument| rows.iter().map(|row| row[argument]).collect()).collect();
    let predictor = match op {
        Op::Normal
        | Op::Cauchy
        | Op::Logistic
        | Op::DoubleExponential
        | Op::Lognormal
        | Op::BernoulliLogit
        | Op::PoissonLog => Some(1),
        Op::BinomialLogit | Op::StudentT => Some(2),
        _ => None,
    };
    if let Some(argument) = predictor {
        if let Some(cells) = linear(trace, affine, &lists[argument]) {
            lists[argument] = cells;
        }
    }
    let is_answer = |cell: &Cell| trace.number(*cell).is_some_and(|y| are_answers(&[y]));
    let is_logit = op == Op::BernoulliLogit && lists[0].iter().all(is_answer);
    let inputs = lists.into_iter().map(Arc::from).collect();
    if is_logit {
        return trace.push(Step::Logit(rows.len()), inputs, 1 + rows.len());
    }
    trace.push(Step::Total(op, rows.len()), inputs, 1)
}

/// Cells of a list computed in one step, if they are affine functions of others and not just cells.
fn linear(trace: &mut Builder, affine: &Affine, list: &[Cell]) -> Option<Vec<Cell>> {
    if list.len() < FEW {
        return None;
    }
    let mut budget = MAX_TERMS;
    let mut forms = Vec::with_capacity(list.len());
    for cell in list {
        forms.push(affine.form(trace, &[(*cell, 1.0)], false, &mut budget)?);
    }
    if forms.iter().zip(list).all(|(form, cell)| form.is(*cell)) {
        return None;
    }
    let (design, cells) = Design::new(&forms);
    let first = trace.push(Step::Linear(Arc::new(design)), vec![cells.into()], list.len());
    Some((first..).take(list.len()).collect())
}

impl Form {
    /// Whether it is a cell itself.
    fn is(&self, cell: Cell) -> bool {
        self.offset == 0.0 && self.terms == [(cell, 1.0)]
    }
}
