//! Values of expressions.

use super::super::ast::{Base, Binary, Expression, ExpressionKind, Type, Unary};
use super::super::tape::{Cell, Op};
use super::super::value::{Cells, Value, shown};
use super::super::{Code, Diagnostic, Span};
use super::{Evaluated, Evaluator, on_parameters};

impl<'model> Evaluator<'model> {
    pub(crate) fn value(&mut self, expression: &'model Expression) -> Evaluated<Value> {
        self.deeper(expression.span)?;
        let value = self.value_here(expression);
        self.depth -= 1;
        value
    }

    fn value_here(&mut self, expression: &'model Expression) -> Evaluated<Value> {
        let span = expression.span;
        match &expression.kind {
            ExpressionKind::Int(value) => Ok(Value::int(*value as f64)),
            ExpressionKind::Real(value) => Ok(Value::real(*value)),
            ExpressionKind::Text(_) => Err(Diagnostic::new(Code::Type, span, "a text is no value")
                .with_fix("texts belong into print(..) and reject(..)")),
            ExpressionKind::Name(name) => self.variable(name, span).cloned(),
            ExpressionKind::Call(name, arguments) => self.call(name, arguments, span),
            ExpressionKind::Index(base, indices) => self.indexed(base, indices, span),
            ExpressionKind::Unary(operator, inner) => self.unary(*operator, inner),
            ExpressionKind::Binary(Binary::And, left, right) => {
                if self.truth(left)? {
                    self.truth(right).map(boolean)
                } else {
                    Ok(boolean(false))
                }
            }
            ExpressionKind::Binary(Binary::Or, left, right) => {
                if self.truth(left)? {
                    Ok(boolean(true))
                } else {
                    self.truth(right).map(boolean)
                }
            }
            ExpressionKind::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.binary(*operator, &left, &right, span)
            }
            ExpressionKind::Transpose(inner) => {
                let inner = self.value(inner)?;
                transposed(&inner, span)
            }
            ExpressionKind::Choose(condition, one, other) => {
                if self.truth(condition)? {
                    self.value(one)
                } else {
                    self.value(other)
                }
            }
            ExpressionKind::Array(list) => self.array(list, span),
            ExpressionKind::Row(list) => self.row(list, span),
        }
    }

    pub(super) fn truth(&mut self, expression: &'model Expression) -> Evaluated<bool> {
        let value = self.value(expression)?;
        match value.cells {
            Cells::Number(number) => Ok(number != 0.0),
            Cells::Cell(_) => Err(on_parameters(expression.span)),
            _ => Err(mismatch(expression.span, "a condition is a number", &[&value])),
        }
    }

    pub(crate) fn place(&self, name: &str, span: Span) -> Evaluated<usize> {
        let found = self.names.iter().rposition(|(known, _)| *known == name);
        found.filter(|at| *at >= self.base).ok_or_else(|| {
            let known = self.names.iter().skip(self.base).map(|(known, _)| *known);
            unknown_name(name, known, span)
        })
    }

    pub(crate) fn variable(&self, name: &str, span: Span) -> Evaluated<&Value> {
        let place = self.place(name, span)?;
        Ok(&self.names[place].1)
    }

    /// A known whole number.
    pub(super) fn int(&mut self, expression: &'model Expression) -> Evaluated<i64> {
        let value = self.value(expression)?;
        Self::whole(&value, expression.span)
    }

    #[expect(clippy::cast_possible_truncation, reason = "whole numbers have 32 bits")]
    pub(super) fn whole(value: &Value, span: Span) -> Evaluated<i64> {
        match value.cells {
            Cells::Number(number) if value.is_int() => Ok(number as i64),
            _ => Err(mismatch(span, "a whole number is wanted", &[value])),
        }
    }

    /// A known size.
    pub(super) fn size(&mut self, expression: &'model Expression) -> Evaluated<usize> {
        let size = self.int(expression)?;
        usize::try_from(size).ok().filter(|size| *size <= super::MAX_CELLS).ok_or_else(|| {
            Diagnostic::new(Code::DataSize, expression.span, format!("a size of {size}"))
                .with_fix("sizes are whole numbers from 0")
        })
    }

    fn unary(&mut self, operator: Unary, inner: &'model Expression) -> Evaluated<Value> {
        let value = self.value(inner)?;
        match operator {
            Unary::Plus => Ok(value),
            Unary::Minus => {
                let negated = self.each(Op::Negate, &[&value], inner.span)?;
                Ok(Value { kind: value.kind, ..negated })
            }
            Unary::Not => match value.cells {
                Cells::Number(number) => Ok(boolean(number == 0.0)),
                _ => Err(on_parameters(inner.span)),
            },
        }
    }

    fn array(&mut self, list: &'model [Expression], span: Span) -> Evaluated<Value> {
        let values = self.values(list)?;
        let Some(first) = values.first() else {
            return Err(Diagnostic::new(Code::Type, span, "an empty array has no type")
                .with_fix("declare an array of size 0 instead"));
        };
        // one real among whole numbers makes all real
        let kind = values.iter().map(|value| value.kind).find(|kind| kind.base != Base::Int);
        let kind = kind.unwrap_or(first.kind);
        let dims = first.dims.clone();
        let wrong = values
            .iter()
            .find(|value| value.dims != dims || (*value).clone().promoted(kind).is_none());
        if let Some(wrong) = wrong {
            return Err(mismatch(span, "elements of an array differ", &[first, wrong]));
        }
        let mut sizes = vec![values.len()];
        sizes.extend(dims);
        let kind = Type { base: kind.base, arrays: kind.arrays + 1 };
        Ok(self.joined(kind, sizes, &values))
    }

    /// `[a, b]`: numbers make a row, rows a matrix.
    fn row(&mut self, list: &'model [Expression], span: Span) -> Evaluated<Value> {
        let values = self.values(list)?;
        if values.iter().all(Value::is_scalar) {
            let kind = Type { base: Base::RowVector, arrays: 0 };
            return Ok(self.joined(kind, vec![values.len()], &values));
        }
        let columns = values.first().map_or(0, Value::len);
        let row = Type { base: Base::RowVector, arrays: 0 };
        if let Some(wrong) = values.iter().find(|value| value.kind != row || value.len() != columns)
        {
            return Err(mismatch(span, "rows of a matrix are row vectors of one length", &[wrong]));
        }
        let rows = values.len();
        let all = self.joined(row, vec![rows * columns], &values);
        let places: Vec<usize> = (0..columns)
            .flat_map(|column| (0..rows).map(move |row| row * columns + column))
            .collect();
        Ok(all.gathered(Type { base: Base::Matrix, arrays: 0 }, vec![rows, columns], &places))
    }

    /// Numbers of several values, one after another.
    pub(crate) fn joined(&mut self, kind: Type, dims: Vec<usize>, values: &[Value]) -> Value {
        if values.iter().all(Value::is_known) {
            let numbers = values.iter().filter_map(Value::numbers).flatten().copied().collect();
            return Value::known(kind, dims, numbers);
        }
        let cells = values.iter().flat_map(|value| self.cells(value)).collect::<Vec<Cell>>();
        Value::traced(kind, dims, cells)
    }

    /// Cells of a value; known numbers become constants.
    pub(crate) fn cells(&mut self, value: &Value) -> Vec<Cell> {
        match &value.cells {
            Cells::Number(number) => vec![self.trace.constant(*number)],
            Cells::Known(numbers) => {
                numbers.iter().map(|number| self.trace.constant(*number)).collect()
            }
            Cells::Cell(cell) => vec![*cell],
            Cells::Traced(cells) => cells.to_vec(),
        }
    }
}

pub(super) fn boolean(is: bool) -> Value {
    Value::int(if is { 1.0 } else { 0.0 })
}

pub(super) fn transposed(value: &Value, span: Span) -> Evaluated<Value> {
    match (value.kind.base, value.kind.arrays, value.dims.as_slice()) {
        (Base::Vector, 0, _) => Ok(value.reshaped(Base::RowVector, 0, value.dims.clone())),
        (Base::RowVector, 0, _) => Ok(value.reshaped(Base::Vector, 0, value.dims.clone())),
        (Base::Matrix, 0, [rows, columns]) => {
            let (rows, columns) = (*rows, *columns);
            let places: Vec<usize> = (0..rows)
                .flat_map(|row| (0..columns).map(move |column| column * rows + row))
                .collect();
            Ok(value.gathered(value.kind, vec![columns, rows], &places))
        }
        _ => Err(mismatch(span, "only vectors and matrices are transposed", &[value])),
    }
}

/// A type error that names the types met.
pub(crate) fn mismatch(span: Span, rule: &str, values: &[&Value]) -> Diagnostic {
    let met: Vec<String> = values
        .iter()
        .map(|value| {
            let dims: Vec<String> = value.dims.iter().map(usize::to_string).collect();
            let parameter = if value.is_known() { "" } else { " of parameters" };
            if dims.is_empty() {
                format!("{}{parameter}", shown(value.kind))
            } else {
                format!("{} of {}{parameter}", shown(value.kind), dims.join(" x "))
            }
        })
        .collect();
    Diagnostic::new(Code::Type, span, format!("{rule}; met {}", met.join(" and ")))
        .with_fix("check the types and sizes of the declarations")
}

/// An unknown name with the nearest known one.
pub(crate) fn unknown_name<'name>(
    name: &str,
    known: impl Iterator<Item = &'name str>,
    span: Span,
) -> Diagnostic {
    let shown: String = name.chars().take(60).collect();
    let nearest = nearest(name, known);
    let fix = match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("declare `{shown}` before it is used, for example in the data block"),
    };
    Diagnostic::new(Code::UnknownName, span, format!("`{shown}` is not known here")).with_fix(fix)
}

/// The known name that differs by few letters.
pub(crate) fn nearest<'name>(
    name: &str,
    known: impl Iterator<Item = &'name str>,
) -> Option<&'name str> {
    let limit = 1 + name.len() / 4;
    known
        .map(|known| (distance(name, known), known))
        // names that share no letter are not near, however short
        .filter(|(distance, known)| {
            *distance <= limit && (*distance < name.len() || name.eq_ignore_ascii_case(known))
        })
        .min()
        .map(|(_, known)| known)
}

/// Letters to insert, delete or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(100).enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
