//! Operators, and operations on each element.

use super::super::ast::{Base, Binary, Type};
use super::super::tape::{Cell, Op, Step};
use super::super::value::{Cells, Value};
use super::super::{Code, Diagnostic, Span};
use super::expression::{boolean, mismatch};
use super::{Evaluated, Evaluator, on_parameters};

impl Evaluator<'_> {
    pub(super) fn binary(
        &mut self,
        operator: Binary,
        left: &Value,
        right: &Value,
        span: Span,
    ) -> Evaluated<Value> {
        if left.is_int() && right.is_int() && left.is_scalar() && right.is_scalar() {
            if let Some(value) = whole(operator, left, right, span)? {
                return Ok(value);
            }
        }
        match operator {
            Binary::Add => self.each(Op::Add, &[left, right], span),
            Binary::Subtract => self.each(Op::Subtract, &[left, right], span),
            Binary::Multiply => self.multiply(left, right, span),
            Binary::Divide if left.is_scalar() || right.is_scalar() => {
                self.each(Op::Divide, &[left, right], span)
            }
            Binary::Divide | Binary::LeftDivide => {
                let message = "division by a matrix is not in the supported subset";
                Err(Diagnostic::new(Code::Unsupported, span, message)
                    .with_fix("use mdivide_left_tri_low with a Cholesky factor, or ./ by elements"))
            }
            Binary::ElementMultiply => self.each(Op::Multiply, &[left, right], span),
            Binary::ElementDivide => self.each(Op::Divide, &[left, right], span),
            Binary::Power | Binary::ElementPower => self.power(left, right, span),
            Binary::Modulo | Binary::IntDivide => {
                Err(mismatch(span, "the operator takes single numbers", &[left, right]))
            }
            Binary::And | Binary::Or => Err(mismatch(span, "a condition is a number", &[left])),
            comparison => Self::compare(comparison, left, right, span),
        }
    }

    fn compare(operator: Binary, left: &Value, right: &Value, span: Span) -> Evaluated<Value> {
        let (a, b) = match (&left.cells, &right.cells) {
            (Cells::Number(a), Cells::Number(b)) => (*a, *b),
            _ if !left.is_scalar() || !right.is_scalar() => {
                return Err(mismatch(span, "single numbers are compared", &[left, right]));
            }
            _ => return Err(on_parameters(span)),
        };
        #[expect(clippy::float_cmp, reason = "the language's own comparison")]
        Ok(boolean(match operator {
            Binary::Equal => a == b,
            Binary::NotEqual => a != b,
            Binary::Less => a < b,
            Binary::LessEqual => a <= b,
            Binary::Greater => a > b,
            _ => a >= b,
        }))
    }

    /// A power; small whole exponents are products.
    pub(super) fn power(&mut self, left: &Value, right: &Value, span: Span) -> Evaluated<Value> {
        match right.cells {
            Cells::Number(2.0) => self.each(Op::Square, &[left], span),
            Cells::Number(-1.0) => self.each(Op::Inv, &[left], span),
            Cells::Number(0.5) => self.each(Op::Sqrt, &[left], span),
            _ => self.each(Op::Power, &[left, right], span),
        }
    }

    pub(super) fn multiply(&mut self, left: &Value, right: &Value, span: Span) -> Evaluated<Value> {
        if left.kind.arrays + right.kind.arrays > 0 {
            return Err(mismatch(span, "arrays are not multiplied", &[left, right]));
        }
        let shape = |value: &Value| match (value.kind.base, value.dims.as_slice()) {
            (Base::Vector, [rows]) => Some((*rows, 1)),
            (Base::RowVector, [columns]) => Some((1, *columns)),
            (Base::Matrix, [rows, columns]) => Some((*rows, *columns)),
            _ => None,
        };
        let (Some((rows, inner)), Some((other, columns))) = (shape(left), shape(right)) else {
            return self.each(Op::Multiply, &[left, right], span);
        };
        let bases = (left.kind.base, right.kind.base);
        let is_defined =
            !matches!(bases, (Base::Vector, Base::Vector) | (Base::RowVector, Base::RowVector));
        if inner != other || !is_defined {
            let error = mismatch(span, "sizes of a product do not match", &[left, right]);
            return Err(error.with_fix("use .* for products by elements, or transpose one with '"));
        }
        if rows.saturating_mul(columns) > super::MAX_CELLS {
            return Err(super::too_large(span));
        }
        self.work += rows.saturating_mul(columns).saturating_mul(inner);
        let (base, dims) = match bases {
            (Base::RowVector, Base::Vector) => return Ok(self.dot(left, right)),
            (Base::Matrix, Base::Vector) => (Base::Vector, vec![rows]),
            (Base::RowVector, Base::Matrix) => (Base::RowVector, vec![columns]),
            _ => (Base::Matrix, vec![rows, columns]),
        };
        Ok(self.product(left, right, [rows, inner, columns], Type { base, arrays: 0 }, dims))
    }

    fn product(
        &mut self,
        left: &Value,
        right: &Value,
        sizes: [usize; 3],
        kind: Type,
        dims: Vec<usize>,
    ) -> Value {
        if let (Some(a), Some(b)) = (left.numbers(), right.numbers()) {
            return Value::known(kind, dims, super::super::tape::product(a, b, sizes));
        }
        let [rows, inner, columns] = sizes;
        let inputs = vec![self.cells(left).into(), self.cells(right).into()];
        let out = self.trace.push(Step::Product(rows, inner, columns), inputs, rows * columns);
        Value::traced(kind, dims, run(out, rows * columns))
    }

    /// The scalar product of equally many numbers.
    pub(super) fn dot(&mut self, left: &Value, right: &Value) -> Value {
        if let (Some(a), Some(b)) = (left.numbers(), right.numbers()) {
            return Value::real(a.iter().zip(b).map(|(a, b)| a * b).sum());
        }
        if left.len() == 0 {
            return Value::real(0.0);
        }
        let inputs = vec![self.cells(left).into(), self.cells(right).into()];
        Value::scalar(Cells::Cell(self.trace.push(Step::Dot, inputs, 1)))
    }

    /// An operation on each element; single numbers serve all.
    pub(crate) fn each(&mut self, op: Op, values: &[&Value], span: Span) -> Evaluated<Value> {
        let model = values.iter().copied().find(|value| !value.is_scalar());
        if let Some(model) = model {
            let is_wrong = |value: &&&Value| {
                !value.is_scalar()
                    && (value.dims != model.dims || real(value.kind) != real(model.kind))
            };
            if let Some(wrong) = values.iter().find(is_wrong) {
                return Err(mismatch(span, "sizes differ", &[model, wrong]));
            }
        }
        let kind = model.map_or(Type { base: Base::Real, arrays: 0 }, |model| real(model.kind));
        let dims = model.map_or_else(Vec::new, |model| model.dims.clone());
        Ok(self.mapped(op, values, kind, dims))
    }

    /// The same without a check of sizes.
    pub(super) fn mapped(
        &mut self,
        op: Op,
        values: &[&Value],
        kind: Type,
        dims: Vec<usize>,
    ) -> Value {
        let count: usize = dims.iter().product();
        self.work += count;
        let is_known = values.iter().all(|value| value.is_known());
        if is_known {
            let mut lists = [[0.0; 0].as_slice(); 4];
            for (list, value) in lists.iter_mut().zip(values) {
                *list = value.numbers().unwrap_or_default();
            }
            let at = |element: usize| {
                lists.map(|list| match list {
                    [] => 0.0,
                    [one] => *one,
                    many => many[element],
                })
            };
            if dims.is_empty() {
                return Value { kind, dims, cells: Cells::Number(op.value(at(0))) };
            }
            return Value::known(
                kind,
                dims,
                (0..count).map(|element| op.value(at(element))).collect(),
            );
        }
        if dims.is_empty() {
            let mut cells = [0; 4];
            for (slot, value) in cells.iter_mut().zip(values) {
                *slot = self.cell(value);
            }
            let out = self.trace.scalar(op, &cells[..values.len()]);
            return Value { kind, dims, cells: Cells::Cell(out) };
        }
        let inputs = values.iter().map(|value| self.cells(value).into()).collect();
        let out = self.trace.push(Step::Each(op), inputs, count);
        Value::traced(kind, dims, run(out, count))
    }

    /// The cell of a single number.
    pub(super) fn cell(&mut self, value: &Value) -> Cell {
        match &value.cells {
            Cells::Number(number) => self.trace.constant(*number),
            Cells::Cell(cell) => *cell,
            _ => self.cells(value).first().copied().unwrap_or(0),
        }
    }
}

/// That many cells from the first on.
pub(crate) fn run(first: Cell, count: usize) -> Vec<Cell> {
    (first..).take(count).collect()
}

/// The type of what is computed of it.
fn real(kind: Type) -> Type {
    if kind.base == Base::Int { Type { base: Base::Real, ..kind } } else { kind }
}

/// Arithmetic of whole numbers, where the operator has one.
fn whole(operator: Binary, left: &Value, right: &Value, span: Span) -> Evaluated<Option<Value>> {
    let (Cells::Number(a), Cells::Number(b)) = (&left.cells, &right.cells) else { return Ok(None) };
    let value = match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide | Binary::IntDivide | Binary::Modulo if *b == 0.0 => {
            return Err(Diagnostic::new(Code::Numeric, span, "a whole number is divided by 0")
                .with_fix("make one of them real, or test the divisor before"));
        }
        // towards 0, as the language divides
        Binary::Divide | Binary::IntDivide => (a / b).trunc(),
        Binary::Modulo => a % b,
        _ => return Ok(None),
    };
    if !(-2_147_483_648.0..=2_147_483_647.0).contains(&value) {
        return Err(Diagnostic::new(Code::Numeric, span, "a whole number overflows 32 bits")
            .with_fix("make one of the numbers real, for example 1.0 * n"));
    }
    Ok(Some(Value::int(value)))
}
