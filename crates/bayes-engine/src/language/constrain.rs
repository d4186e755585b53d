//! Constrained types: from free parameters with the log Jacobian, and checks of what was computed.

use super::ast::{Base, Declaration, Expression, Type};
use super::eval::{Evaluated, Evaluator, run};
use super::tape::{Op, Step};
use super::value::{Cells, Value};
use super::{Code, Diagnostic, Span};

/// How many free numbers stand behind one vector or matrix of a constrained type.
fn free_size(base: Base, dims: &[usize]) -> usize {
    let size = dims.first().copied().unwrap_or(1);
    match base {
        Base::Simplex => size.saturating_sub(1),
        Base::CholeskyFactorCorr => size * size.saturating_sub(1) / 2,
        _ => dims.iter().product(),
    }
}

/// Free numbers of a declaration of this shape.
pub(super) fn free_count(declaration: &Declaration, dims: &[usize]) -> usize {
    let (arrays, inner) = dims.split_at(declaration.arrays.len());
    arrays.iter().product::<usize>() * free_size(declaration.base, inner)
}

/// The constrained parameter of free cells that start here; its log Jacobian goes to the target.
pub(super) fn parameter<'model>(
    evaluator: &mut Evaluator<'model>,
    declaration: &'model Declaration,
    span: Span,
    kind: Type,
    dims: &[usize],
    first: usize,
) -> Evaluated<Value> {
    let count = free_count(declaration, dims);
    let start = u32::try_from(first).unwrap_or(u32::MAX >> 1);
    let free = Value::traced(kind, dims.to_vec(), run(start, count));
    match declaration.base {
        Base::Int => {
            let message = format!("parameter `{}` is whole", declaration.name);
            Err(Diagnostic::new(Code::Type, span, message)
                .with_fix("sum it out of the density by log_sum_exp, or declare a real"))
        }
        Base::Real | Base::Vector | Base::RowVector | Base::Matrix => {
            bounded(evaluator, declaration, &free, span)
        }
        base => {
            let (arrays, inner) = dims.split_at(declaration.arrays.len());
            let each = free_size(base, inner);
            let size = inner.first().copied().unwrap_or(0);
            let mut parts = Vec::new();
            let cells = run(start, count);
            for at in 0..arrays.iter().product() {
                let part: Vec<Value> = cells[at * each..(at + 1) * each]
                    .iter()
                    .map(|cell| Value::scalar(Cells::Cell(*cell)))
                    .collect();
                let mut maths = Maths { evaluator: &mut *evaluator, span };
                parts.extend(match base {
                    Base::Simplex => maths.simplex(&part)?,
                    Base::UnitVector => maths.unit_vector(&part)?,
                    Base::CholeskyFactorCorr => maths.factor(&part, size)?,
                    _ => maths.ordered(&part, base == Base::PositiveOrdered)?,
                });
            }
            Ok(evaluator.joined(kind, dims.to_vec(), &parts))
        }
    }
}

/// `lower`, `upper`, both, or an affine transform, of each number.
fn bounded<'model>(
    evaluator: &mut Evaluator<'model>,
    declaration: &'model Declaration,
    free: &Value,
    span: Span,
) -> Evaluated<Value> {
    let bounds = &declaration.bounds;
    let lower = bound(evaluator, bounds.lower.as_ref(), free, f64::NEG_INFINITY)?;
    let upper = bound(evaluator, bounds.upper.as_ref(), free, f64::INFINITY)?;
    let offset = bound(evaluator, bounds.offset.as_ref(), free, 0.0)?;
    let multiplier = bound(evaluator, bounds.multiplier.as_ref(), free, 1.0)?;
    let mut maths = Maths { evaluator, span };
    match (lower, upper) {
        (Some(lower), None) => {
            maths.evaluator.add_target(free);
            let above = maths.each(Op::Exp, &[free])?;
            maths.each(Op::Add, &[&lower, &above])
        }
        (None, Some(upper)) => {
            maths.evaluator.add_target(free);
            let below = maths.each(Op::Exp, &[free])?;
            maths.each(Op::Subtract, &[&upper, &below])
        }
        (Some(lower), Some(upper)) => {
            let width = maths.each(Op::Subtract, &[&upper, &lower])?;
            let share = maths.each(Op::InvLogit, &[free])?;
            let negated = maths.each(Op::Negate, &[free])?;
            let logs =
                [maths.each(Op::LogInvLogit, &[free])?, maths.each(Op::LogInvLogit, &[&negated])?];
            let log_width = maths.each(Op::Log, &[&width])?;
            for log in &logs {
                maths.evaluator.add_target(log);
            }
            maths.add_spread(&log_width, free.len());
            let above = maths.each(Op::Multiply, &[&width, &share])?;
            maths.each(Op::Add, &[&lower, &above])
        }
        (None, None) => {
            let mut value = free.clone();
            if let Some(multiplier) = multiplier {
                let log = maths.each(Op::Log, &[&multiplier])?;
                maths.add_spread(&log, free.len());
                value = maths.each(Op::Multiply, &[&value, &multiplier])?;
            }
            if let Some(offset) = offset {
                value = maths.each(Op::Add, &[&value, &offset])?;
            }
            Ok(value)
        }
    }
}

/// The value of a bound, if it does anything.
fn bound<'model>(
    evaluator: &mut Evaluator<'model>,
    expression: Option<&'model Expression>,
    model: &Value,
    idle: f64,
) -> Evaluated<Option<Value>> {
    let Some(expression) = expression else { return Ok(None) };
    let value = evaluator.value(expression)?;
    if value.numbers() == Some(&[idle]) {
        return Ok(None);
    }
    if !value.is_scalar() && value.len() != model.len() {
        let message = format!("a bound of {} values on {}", value.len(), model.len());
        return Err(Diagnostic::new(Code::Type, expression.span, message)
            .with_fix("give one number, or as many as the variable has"));
    }
    let value = if value.is_scalar() {
        value
    } else {
        value.reshaped(model.kind.base, model.kind.arrays, model.dims.clone())
    };
    Ok(Some(value))
}

/// Arithmetic on values at one place of the text.
struct Maths<'run, 'model> {
    evaluator: &'run mut Evaluator<'model>,
    span: Span,
}

impl Maths<'_, '_> {
    fn each(&mut self, op: Op, values: &[&Value]) -> Evaluated<Value> {
        self.evaluator.each(op, values, self.span)
    }

    /// Adds a value to the target, a single number `count` times.
    fn add_spread(&mut self, value: &Value, count: usize) {
        if value.is_scalar() {
            for _ in 0..count {
                self.evaluator.add_target(value);
            }
        } else {
            self.evaluator.add_target(value);
        }
    }

    /// Stick breaking: each share is a logistic part of what is left.
    fn simplex(&mut self, free: &[Value]) -> Evaluated<Vec<Value>> {
        let size = free.len() + 1;
        let mut left = Value::real(1.0);
        let mut shares = Vec::with_capacity(size);
        for (at, y) in free.iter().enumerate() {
            let shift = Value::real(((size - at - 1) as f64).ln());
            let y = self.each(Op::Subtract, &[y, &shift])?;
            let part = self.each(Op::InvLogit, &[&y])?;
            let rest = self.each(Op::Negate, &[&y])?;
            let rest = self.each(Op::InvLogit, &[&rest])?;
            for factor in [&left, &part, &rest] {
                let log = self.each(Op::Log, &[factor])?;
                self.evaluator.add_target(&log);
            }
            shares.push(self.each(Op::Multiply, &[&left, &part])?);
            left = self.each(Op::Multiply, &[&left, &rest])?;
        }
        shares.push(left);
        Ok(shares)
    }

    fn ordered(&mut self, free: &[Value], is_positive: bool) -> Evaluated<Vec<Value>> {
        let mut values: Vec<Value> = Vec::with_capacity(free.len());
        for y in free {
            let next = match values.last() {
                None if !is_positive => y.clone(),
                last => {
                    let last = last.cloned();
                    self.evaluator.add_target(y);
                    let step = self.each(Op::Exp, &[y])?;
                    match last {
                        Some(last) => self.each(Op::Add, &[&last, &step])?,
                        None => step,
                    }
                }
            };
            values.push(next);
        }
        Ok(values)
    }

    fn unit_vector(&mut self, free: &[Value]) -> Evaluated<Vec<Value>> {
        let mut square = Value::real(0.0);
        for y in free {
            let part = self.each(Op::Square, &[y])?;
            square = self.each(Op::Add, &[&square, &part])?;
        }
        let half = self.each(Op::Multiply, &[&square, &Value::real(-0.5)])?;
        self.evaluator.add_target(&half);
        let norm = self.each(Op::Sqrt, &[&square])?;
        free.iter().map(|y| self.each(Op::Divide, &[y, &norm])).collect()
    }

    /// Rows of a factor of a correlation matrix are unit vectors, each entry a part of what is left.
    fn factor(&mut self, free: &[Value], size: usize) -> Evaluated<Vec<Value>> {
        let mut rows: Vec<Vec<Value>> = vec![vec![Value::real(0.0); size]; size];
        let mut next = free.iter();
        for (at, row) in rows.iter_mut().enumerate() {
            let mut left = Value::real(1.0);
            for slot in row.iter_mut().take(at) {
                let Some(y) = next.next() else { break };
                let z = self.each(Op::Tanh, &[y])?;
                // log(1 - z^2) without cancellation: 2 (ln 2 - y - log1p(e^(-2y)))
                let twice = self.each(Op::Multiply, &[y, &Value::real(2.0)])?;
                let turned = self.each(Op::Negate, &[&twice])?;
                let logs = [
                    self.each(Op::LogInvLogit, &[&twice])?,
                    self.each(Op::LogInvLogit, &[&turned])?,
                    Value::real(2.0 * std::f64::consts::LN_2),
                ];
                for log in &logs {
                    self.evaluator.add_target(log);
                }
                let root = self.each(Op::Sqrt, &[&left])?;
                let log_root = self.each(Op::Log, &[&root])?;
                self.evaluator.add_target(&log_root);
                *slot = self.each(Op::Multiply, &[&z, &root])?;
                let square = self.each(Op::Square, &[slot])?;
                left = self.each(Op::Subtract, &[&left, &square])?;
            }
            row[at] = self.each(Op::Sqrt, &[&left])?;
        }
        let by_column = (0..size).flat_map(|column| (0..size).map(move |row| (row, column)));
        Ok(by_column.map(|(row, column)| rows[row][column].clone()).collect())
    }
}

/// Checks the constraints of a variable that was given or computed; on a trace they become steps.
pub(super) fn check<'model>(
    evaluator: &mut Evaluator<'model>,
    declaration: &'model Declaration,
    span: Span,
    path: &str,
) -> Evaluated<()> {
    let value = evaluator.variable(&declaration.name, span)?.clone();
    let bounds = &declaration.bounds;
    for (bound, is_lower) in [(&bounds.lower, true), (&bounds.upper, false)] {
        let Some(expression) = bound else { continue };
        let limit = evaluator.value(expression)?;
        if !limit.is_scalar() && limit.len() != value.len() {
            continue;
        }
        for at in 0..value.len() {
            let element = value.element(at);
            let limit = if limit.is_scalar() { limit.clone() } else { limit.element(at) };
            let (high, low) = if is_lower { (&element, &limit) } else { (&limit, &element) };
            if let (Cells::Number(high), Cells::Number(low)) = (&high.cells, &low.cells) {
                if high < low {
                    return Err(broken(declaration, span, path, &value, at, is_lower, &limit));
                }
                continue;
            }
            let inputs = [high, low].map(|value| evaluator.cells(value).into()).to_vec();
            evaluator.trace.push(Step::AtLeast, inputs, 0);
        }
    }
    let Some(numbers) = value.numbers() else { return Ok(()) };
    if let Some(rule) = shape_rule(declaration.base, numbers, &value) {
        let message = format!("`{}` {rule}", declaration.name);
        return Err(Diagnostic::new(Code::DataConstraint, span, message)
            .with_fix("correct the values, or declare a plain type")
            .at(path));
    }
    Ok(())
}

fn broken(
    declaration: &Declaration,
    span: Span,
    path: &str,
    value: &Value,
    at: usize,
    is_lower: bool,
    limit: &Value,
) -> Diagnostic {
    let number = |value: &Value| value.numbers().and_then(|list| list.first().copied());
    let met = value.numbers().and_then(|list| list.get(at).copied()).unwrap_or(f64::NAN);
    let limit = number(limit).unwrap_or(f64::NAN);
    let side = if is_lower { "below" } else { "above" };
    let path = format!("{path}{}", pointer(value, at));
    let message = format!("`{}` = {met} is {side} its bound {limit}", declaration.name);
    Diagnostic::new(Code::DataConstraint, span, message)
        .with_fix("correct the value or the declared bound")
        .at(path)
}

/// Where a number stands in the data, as a JSON pointer: matrices are given by rows and kept by columns.
fn pointer(value: &Value, at: usize) -> String {
    let (outer, inner) = match (value.kind.base, value.dims.as_slice()) {
        (Base::Matrix, [outer @ .., rows, columns]) => (outer, Some((*rows, *columns))),
        (_, outer) => (outer, None),
    };
    let (mut rest, mut parts) = (at, Vec::new());
    if let Some((rows, columns)) = inner {
        let place = rest % (rows * columns).max(1);
        parts.extend([place / rows.max(1), place % rows.max(1)]);
        rest /= (rows * columns).max(1);
    }
    for size in outer.iter().rev() {
        parts.push(rest % (*size).max(1));
        rest /= (*size).max(1);
    }
    parts.iter().rev().fold(String::new(), |path, part| format!("{path}/{part}"))
}

/// The rule of a constrained type that the numbers break.
fn shape_rule(base: Base, numbers: &[f64], value: &Value) -> Option<&'static str> {
    let size = value.dims.last().copied().unwrap_or(0).max(1);
    let mut vectors = numbers.chunks(size);
    let total = |vector: &[f64]| vector.iter().sum::<f64>();
    let length = |vector: &[f64]| vector.iter().map(|x| x * x).sum::<f64>();
    let rises = |vector: &[f64]| vector.windows(2).all(|pair| pair[0] <= pair[1]);
    let is_broken = |rule: bool, text| if rule { None } else { Some(text) };
    match base {
        Base::Simplex => is_broken(
            vectors.all(|v| (total(v) - 1.0).abs() < 1e-8 && v.iter().all(|x| *x >= 0.0)),
            "is no simplex: shares from 0 that sum to 1",
        ),
        Base::UnitVector => {
            is_broken(vectors.all(|v| (length(v) - 1.0).abs() < 1e-8), "has not length 1")
        }
        Base::Ordered => is_broken(vectors.all(rises), "does not rise"),
        Base::PositiveOrdered => is_broken(
            vectors.all(|v| rises(v) && v.first().is_none_or(|x| *x >= 0.0)),
            "does not rise from 0",
        ),
        _ => None,
    }
}
