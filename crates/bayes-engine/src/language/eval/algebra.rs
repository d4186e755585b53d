//! Linear algebra.

use super::super::ast::{Base, Type};
use super::super::tape::{Op, Step, cholesky, solve_lower};
use super::super::value::Value;
use super::super::{Code, Diagnostic, Span};
use super::call::{MATRIX, VECTOR};
use super::expression::{mismatch, transposed};
use super::operator::run;
use super::{Evaluated, Evaluator};

impl Evaluator<'_> {
    pub(super) fn algebra_call(
        &mut self,
        name: &str,
        values: &[Value],
        span: Span,
    ) -> Evaluated<Option<Value>> {
        let found = match (name, values) {
            ("transpose", [value]) => transposed(value, span)?,
            ("multiply", [left, right]) => self.multiply(left, right, span)?,
            ("divide", [left, right]) if left.is_scalar() || right.is_scalar() => {
                self.each(Op::Divide, &[left, right], span)?
            }
            ("elt_multiply", [left, right]) => self.each(Op::Multiply, &[left, right], span)?,
            ("elt_divide", [left, right]) => self.each(Op::Divide, &[left, right], span)?,
            ("diagonal", [value]) if value.kind == MATRIX => {
                let rows = value.dims[0];
                let places: Vec<usize> =
                    (0..rows.min(value.dims[1])).map(|at| at * (rows + 1)).collect();
                value.gathered(VECTOR, vec![places.len()], &places)
            }
            ("diag_matrix", [value]) if value.kind == VECTOR => {
                self.diagonal_matrix(value, span)?
            }
            ("identity_matrix", [size]) => {
                let ones = Value::vector(vec![1.0; Self::natural(size, span)?]);
                self.diagonal_matrix(&ones, span)?
            }
            ("add_diag", [matrix, value]) if matrix.kind == MATRIX => {
                let rows = Self::square(matrix, span)?;
                if !value.is_scalar() && value.len() != rows {
                    return Err(mismatch(span, "sizes differ", &[matrix, value]));
                }
                let numbers = value.gathered(VECTOR, vec![rows], &spread_places(value, rows));
                let diagonal = self.diagonal_matrix(&numbers, span)?;
                self.each(Op::Add, &[matrix, &diagonal], span)?
            }
            ("diag_pre_multiply", [value, matrix])
                if matrix.kind == MATRIX && value.dims.len() == 1 =>
            {
                let [rows, columns] = [matrix.dims[0], matrix.dims[1]];
                let places: Vec<usize> = (0..columns).flat_map(|_| 0..rows).collect();
                self.scaled(value, matrix, rows, &places, span)?
            }
            ("diag_post_multiply", [matrix, value])
                if matrix.kind == MATRIX && value.dims.len() == 1 =>
            {
                let [rows, columns] = [matrix.dims[0], matrix.dims[1]];
                let places: Vec<usize> =
                    (0..columns).flat_map(|column| std::iter::repeat_n(column, rows)).collect();
                self.scaled(value, matrix, columns, &places, span)?
            }
            _ => return self.product_call(name, values, span),
        };
        Ok(Some(found))
    }

    fn product_call(
        &mut self,
        name: &str,
        values: &[Value],
        span: Span,
    ) -> Evaluated<Option<Value>> {
        let found = match (name, values) {
            ("crossprod", [value]) => {
                let turned = transposed(value, span)?;
                self.multiply(&turned, value, span)?
            }
            ("tcrossprod", [value]) => {
                let turned = transposed(value, span)?;
                self.multiply(value, &turned, span)?
            }
            ("multiply_lower_tri_self_transpose", [value]) => {
                Self::square(value, span)?;
                let lower = self.lower_part(value);
                let turned = transposed(&lower, span)?;
                self.multiply(&lower, &turned, span)?
            }
            ("quad_form" | "quad_form_sym", [matrix, value]) => {
                let turned = transposed(value, span)?;
                let left = self.multiply(&turned, matrix, span)?;
                self.multiply(&left, value, span)?
            }
            ("quad_form_diag", [matrix, value])
                if value.kind.arrays == 0 && value.dims.len() == 1 =>
            {
                let column = value.reshaped(Base::Vector, 0, value.dims.clone());
                let row = transposed(&column, span)?;
                let outer = self.multiply(&column, &row, span)?;
                self.each(Op::Multiply, &[matrix, &outer], span)?
            }
            ("cholesky_decompose", [value]) => self.cholesky(value, span)?,
            ("mdivide_left_tri_low", [lower, right]) => self.solve_lower(lower, right, span)?,
            ("rows_dot_product" | "columns_dot_product", [left, right]) if left.kind == MATRIX => {
                self.dots(name, left, right, span)?
            }
            ("gp_exp_quad_cov", [x, scale, length]) => {
                self.exp_quad([x, x], scale, length, span)?
            }
            ("gp_exp_quad_cov", [x, other, scale, length]) => {
                self.exp_quad([x, other], scale, length, span)?
            }
            _ => return Ok(None),
        };
        Ok(Some(found))
    }

    fn diagonal_matrix(&mut self, value: &Value, span: Span) -> Evaluated<Value> {
        let n = value.len();
        if n * n > super::MAX_CELLS {
            return Err(super::too_large(span));
        }
        let zero = Value::real(0.0);
        let parts: Vec<Value> = (0..n * n)
            .map(|at| if at % (n + 1) == 0 { value.element(at / (n + 1)) } else { zero.clone() })
            .collect();
        Ok(self.joined(MATRIX, vec![n, n], &parts))
    }

    fn scaled(
        &mut self,
        value: &Value,
        matrix: &Value,
        wanted: usize,
        places: &[usize],
        span: Span,
    ) -> Evaluated<Value> {
        if value.len() != wanted {
            return Err(mismatch(span, "sizes differ", &[value, matrix]));
        }
        let factors = value.gathered(MATRIX, matrix.dims.clone(), places);
        self.each(Op::Multiply, &[&factors, matrix], span)
    }

    fn lower_part(&mut self, value: &Value) -> Value {
        let rows = value.dims.first().copied().unwrap_or(0);
        let zero = Value::real(0.0);
        let parts: Vec<Value> = (0..value.len())
            .map(|at| if at % rows >= at / rows { value.element(at) } else { zero.clone() })
            .collect();
        self.joined(value.kind, value.dims.clone(), &parts)
    }

    /// The size of a square matrix.
    pub(super) fn square(value: &Value, span: Span) -> Evaluated<usize> {
        match value.dims.as_slice() {
            [rows, columns] if rows == columns && value.kind == MATRIX => Ok(*rows),
            _ => Err(mismatch(span, "a square matrix is wanted", &[value])),
        }
    }

    pub(super) fn cholesky(&mut self, value: &Value, span: Span) -> Evaluated<Value> {
        let n = Self::square(value, span)?;
        if let Some(numbers) = value.numbers() {
            let mut factor = numbers.to_vec();
            cholesky(&mut factor, n);
            if factor.iter().any(|number| number.is_nan()) {
                return Err(Diagnostic::new(
                    Code::Numeric,
                    span,
                    "the matrix is not positive definite",
                )
                .with_fix("add a small number to its diagonal: add_diag(K, 1e-9)"));
            }
            return Ok(Value::known(value.kind, value.dims.clone(), factor));
        }
        let inputs = vec![self.cells(value).into()];
        let out = self.trace.push(Step::Cholesky(n), inputs, n * n);
        Ok(Value::traced(value.kind, value.dims.clone(), run(out, n * n)))
    }

    pub(super) fn solve_lower(
        &mut self,
        lower: &Value,
        right: &Value,
        span: Span,
    ) -> Evaluated<Value> {
        let n = Self::square(lower, span)?;
        if right.dims.first() != Some(&n) || !matches!(right.kind.base, Base::Vector | Base::Matrix)
        {
            return Err(mismatch(span, "sizes of the system differ", &[lower, right]));
        }
        let columns = right.dims.get(1).copied().unwrap_or(1);
        if let (Some(factor), Some(numbers)) = (lower.numbers(), right.numbers()) {
            let mut x = numbers.to_vec();
            for column in x.chunks_mut(n.max(1)) {
                solve_lower(factor, n, column);
            }
            return Ok(Value::known(right.kind, right.dims.clone(), x));
        }
        let inputs = vec![self.cells(lower).into(), self.cells(right).into()];
        let out = self.trace.push(Step::SolveLower(n, columns), inputs, n * columns);
        Ok(Value::traced(right.kind, right.dims.clone(), run(out, n * columns)))
    }

    fn dots(&mut self, name: &str, left: &Value, right: &Value, span: Span) -> Evaluated<Value> {
        let product = self.each(Op::Multiply, &[left, right], span)?;
        let is_rows = name == "rows_dot_product";
        let product = if is_rows { transposed(&product, span)? } else { product };
        let (inner, count) = (product.dims[0], product.dims[1]);
        let sums: Vec<Value> = (0..count)
            .map(|column| {
                let places: Vec<usize> = (column * inner..(column + 1) * inner).collect();
                let part = product.gathered(VECTOR, vec![inner], &places);
                self.sum(&part)
            })
            .collect();
        let base = if is_rows { Base::Vector } else { Base::RowVector };
        Ok(self.joined(Type { base, arrays: 0 }, vec![count], &sums))
    }

    /// `scale^2 exp(-|x_i - x_j|^2 / (2 length^2))`; of a list of lengths each is of one coordinate.
    fn exp_quad(
        &mut self,
        [x, other]: [&Value; 2],
        scale: &Value,
        length: &Value,
        span: Span,
    ) -> Evaluated<Value> {
        let [n, m] = [x, other].map(|points| points.dims.first().copied().unwrap_or(0));
        let width = x.len() / n.max(1);
        let is_list = !length.is_scalar();
        let is_wrong = (is_list && length.len() != width)
            || (other.len() / m.max(1) != width && n * m > 0)
            || [x, other].iter().any(|points| points.kind.arrays != 1);
        if is_wrong || !scale.is_scalar() {
            return Err(mismatch(
                span,
                "an array of points, a scale and a length are wanted",
                &[x, other, scale, length],
            ));
        }
        if n.saturating_mul(m) > super::MAX_CELLS {
            return Err(super::too_large(span));
        }
        let at = |points: &Value, row: usize, k: usize| points.element(row * width + k);
        let mut squares = Vec::with_capacity(n * m);
        for column in 0..m {
            for row in 0..n {
                let mut square = Value::real(0.0);
                for k in 0..width {
                    let ends = [at(x, row, k), at(other, column, k)];
                    let mut difference = self.each(Op::Subtract, &[&ends[0], &ends[1]], span)?;
                    if is_list {
                        difference =
                            self.each(Op::Divide, &[&difference, &length.element(k)], span)?;
                    }
                    let part = self.each(Op::Square, &[&difference], span)?;
                    square = self.each(Op::Add, &[&square, &part], span)?;
                }
                squares.push(square);
            }
        }
        let squares = self.joined(MATRIX, vec![n, m], &squares);
        let one = Value::real(1.0);
        let precision = self.each(Op::Square, &[if is_list { &one } else { length }], span)?;
        let precision = self.each(Op::Divide, &[&Value::real(-0.5), &precision], span)?;
        let exponent = self.each(Op::Multiply, &[&squares, &precision], span)?;
        let correlation = self.each(Op::Exp, &[&exponent], span)?;
        let variance = self.each(Op::Square, &[scale], span)?;
        self.each(Op::Multiply, &[&correlation, &variance], span)
    }
}

/// Places that make `count` numbers of one or of as many.
fn spread_places(value: &Value, count: usize) -> Vec<usize> {
    if value.is_scalar() { vec![0; count] } else { (0..count.min(value.len())).collect() }
}
