//! Functions that only move numbers.

use super::super::ast::{Base, Type};
use super::super::value::{Cells, Chosen, Value};
use super::super::{Code, Diagnostic, Span};
use super::call::{MATRIX, ROW, VECTOR};
use super::expression::mismatch;
use super::{Evaluated, Evaluator};

impl Evaluator<'_> {
    pub(super) fn shape_call(
        &mut self,
        name: &str,
        values: &[Value],
        span: Span,
    ) -> Evaluated<Option<Value>> {
        if let [value] = values {
            if let Some(found) = self.conversion(name, value) {
                return Ok(Some(found));
            }
        }
        if let Some(found) = Self::repeated(name, values, span)? {
            return Ok(Some(found));
        }
        if let Some(found) = Self::part_call(name, values, span)? {
            return Ok(Some(found));
        }
        self.arranged(name, values, span)
    }

    /// Sizes, and other types of the same numbers.
    fn conversion(&mut self, name: &str, value: &Value) -> Option<Value> {
        let size = |axis: usize| value.dims.get(axis).copied().unwrap_or(1) as f64;
        let whole = Type { base: Base::Int, arrays: 1 };
        Some(match name {
            "num_elements" => Value::int(value.len() as f64),
            "size" => Value::int(if value.kind.arrays > 0 { size(0) } else { value.len() as f64 }),
            "rows" => Value::int(if value.kind.base == Base::RowVector { 1.0 } else { size(0) }),
            "cols" if value.kind.base == Base::Matrix => Value::int(size(1)),
            "cols" => Value::int(if value.kind.base == Base::Vector { 1.0 } else { size(0) }),
            "dims" => {
                let dims = value.dims.iter().map(|size| *size as f64).collect();
                Value::known(whole, vec![value.dims.len()], dims)
            }
            "to_vector" => value.flat(VECTOR),
            "to_row_vector" => value.flat(ROW),
            "to_array_1d" => value.flat(Type { arrays: 1, ..value.element_kind() }),
            "to_matrix" => match value.kind {
                Type { base: Base::Vector, arrays: 0 } => {
                    value.reshaped(Base::Matrix, 0, vec![value.len(), 1])
                }
                Type { base: Base::RowVector, arrays: 0 } => {
                    value.reshaped(Base::Matrix, 0, vec![1, value.len()])
                }
                Type { base: Base::Matrix, arrays: 0 } => value.clone(),
                Type { base: Base::Real | Base::Int, arrays: 2 }
                | Type { base: Base::RowVector, arrays: 1 } => rows_to_matrix(value),
                _ => return None,
            },
            "reverse" => {
                let mut parts: Vec<Value> = if value.kind.arrays > 0 {
                    (0..value.dims[0]).map(|at| value.part(at)).collect()
                } else {
                    value.elements()
                };
                parts.reverse();
                self.joined(value.kind, value.dims.clone(), &parts)
            }
            _ => return None,
        })
    }

    fn repeated(name: &str, values: &[Value], span: Span) -> Evaluated<Option<Value>> {
        let (element, sizes) = match (name, values) {
            (
                "rep_vector" | "rep_row_vector" | "rep_array" | "rep_matrix",
                [element, sizes @ ..],
            ) => (element, sizes),
            ("zeros_vector" | "ones_vector" | "zeros_row_vector" | "ones_row_vector", [size]) => {
                let number = if name.starts_with("ones") { 1.0 } else { 0.0 };
                let kind = if name.ends_with("row_vector") { ROW } else { VECTOR };
                let size = Self::natural(size, span)?;
                return Ok(Some(Value::known(kind, vec![size], vec![number; size])));
            }
            _ => return Ok(None),
        };
        let mut dims = Vec::new();
        for size in sizes {
            dims.push(Self::natural(size, span)?);
        }
        let copies = dims.iter().fold(1_usize, |all, size| all.saturating_mul(*size));
        if copies.saturating_mul(element.len()) > super::MAX_CELLS {
            return Err(Diagnostic::new(Code::Limit, span, "too many repetitions")
                .with_fix("repeat fewer times"));
        }
        let places =
            |count: usize| -> Vec<usize> { (0..count).flat_map(|_| 0..element.len()).collect() };
        let found = match (name, dims.as_slice(), element.kind.base) {
            ("rep_vector", [_], _) => element.gathered(VECTOR, dims.clone(), &places(copies)),
            ("rep_row_vector", [_], _) => element.gathered(ROW, dims.clone(), &places(copies)),
            ("rep_matrix", [_, _], _) => element.gathered(MATRIX, dims.clone(), &places(copies)),
            ("rep_matrix", [columns], Base::Vector) => {
                element.gathered(MATRIX, vec![element.len(), *columns], &places(*columns))
            }
            ("rep_matrix", [rows], Base::RowVector) => {
                let places: Vec<usize> =
                    (0..element.len()).flat_map(|at| std::iter::repeat_n(at, *rows)).collect();
                element.gathered(MATRIX, vec![*rows, element.len()], &places)
            }
            ("rep_array", [_, ..], _) => {
                let kind = Type { arrays: element.kind.arrays + dims.len(), ..element.kind };
                dims.extend(&element.dims);
                element.gathered(kind, dims, &places(copies))
            }
            _ => return Ok(None),
        };
        Ok(Some(found))
    }

    fn part_call(name: &str, values: &[Value], span: Span) -> Evaluated<Option<Value>> {
        let Some((value, rest)) = values.split_first() else { return Ok(None) };
        if !matches!(
            name,
            "head" | "tail" | "segment" | "sub_col" | "sub_row" | "block" | "row" | "col"
        ) {
            return Ok(None);
        }
        let mut at = Vec::new();
        for number in rest {
            at.push(Self::natural(number, span)?);
        }
        let size = value.dims.first().copied().unwrap_or(0);
        let many = |from: usize, count: usize| {
            Chosen::Many((from.max(1) - 1..from.max(1) - 1 + count).collect())
        };
        let chosen = match (name, at.as_slice()) {
            ("head", [count]) => vec![many(1, *count)],
            ("tail", [count]) => vec![many((size + 1).saturating_sub(*count), *count)],
            ("segment", [from, count]) => vec![many(*from, *count)],
            ("row", [row]) => vec![Chosen::One(row.saturating_sub(1))],
            ("col", [column]) => vec![many(1, size), Chosen::One(column.saturating_sub(1))],
            ("sub_col", [row, column, count]) => {
                vec![many(*row, *count), Chosen::One(column.saturating_sub(1))]
            }
            ("sub_row", [row, column, count]) => {
                vec![Chosen::One(row.saturating_sub(1)), many(*column, *count)]
            }
            ("block", [row, column, rows, columns]) => {
                vec![many(*row, *rows), many(*column, *columns)]
            }
            _ => return Ok(None),
        };
        let is_inside = chosen.len() <= value.dims.len()
            && chosen.iter().zip(&value.dims).all(|(chosen, size)| match chosen {
                Chosen::One(at) => at < size,
                Chosen::Many(list) => list.iter().all(|at| at < size),
            })
            && !at.first().is_some_and(|first| *first == 0 && !matches!(name, "head" | "tail"));
        if !is_inside {
            return Err(Diagnostic::new(Code::DataSize, span, format!("`{name}` reaches outside"))
                .with_fix("positions count from 1; check the sizes"));
        }
        let (kind, dims, places) = value.select(&chosen);
        Ok(Some(value.gathered(kind, dims, &places)))
    }

    /// Values put together or sorted.
    fn arranged(&mut self, name: &str, values: &[Value], span: Span) -> Evaluated<Option<Value>> {
        let found = match (name, values) {
            ("append_row", [above, below]) => self.append_row(above, below, span)?,
            ("append_col", [left, right]) => {
                let (left, right) = (Self::flipped(left)?, Self::flipped(right)?);
                let joined = self.append_row(&left, &right, span)?;
                Self::flipped(&joined)?
            }
            ("append_array", [first, second])
                if first.kind.arrays > 0 && first.kind.arrays == second.kind.arrays =>
            {
                let mut dims = first.dims.clone();
                if let (Some(size), Some(more)) = (dims.first_mut(), second.dims.first()) {
                    *size += more;
                }
                let kind = if first.is_int() { second.kind } else { first.kind };
                self.joined(kind, dims, &[first.clone(), second.clone()])
            }
            ("sort_asc" | "sort_desc" | "sort_indices_asc" | "sort_indices_desc", [value]) => {
                sorted(name, value, span)?
            }
            ("to_matrix", [value, rows, columns]) => {
                let (rows, columns) = (Self::natural(rows, span)?, Self::natural(columns, span)?);
                if rows * columns != value.len() {
                    return Err(mismatch(
                        span,
                        "rows times columns differ from the size",
                        &[value],
                    ));
                }
                value.reshaped(Base::Matrix, 0, vec![rows, columns])
            }
            ("to_matrix", [value, rows, columns, by_columns]) => {
                let filled =
                    self.arranged(name, &[value.clone(), columns.clone(), rows.clone()], span);
                match by_columns.numbers() {
                    Some([0.0]) => match filled? {
                        Some(turned) => Self::flipped(&turned)?,
                        None => return Ok(None),
                    },
                    _ => return self.arranged(name, &values[..3], span),
                }
            }
            ("linspaced_vector", [count, low, high]) => {
                let (count, ends) = (Self::natural(count, span)?, [low, high]);
                let [Some(&[low]), Some(&[high])] = ends.map(Value::numbers) else {
                    return Err(mismatch(span, "`linspaced_vector` takes data", &[low, high]));
                };
                let step = (high - low) / (count.max(2) - 1) as f64;
                Value::vector((0..count).map(|at| low + step * at as f64).collect())
            }
            _ => return Ok(None),
        };
        Ok(Some(found))
    }

    fn append_row(&mut self, above: &Value, below: &Value, span: Span) -> Evaluated<Value> {
        let is_row = |value: &Value| value.kind == ROW;
        if above.kind == MATRIX || below.kind == MATRIX || (is_row(above) && is_row(below)) {
            let as_matrix = |value: &Value| match value.kind {
                ROW => Some(value.reshaped(Base::Matrix, 0, vec![1, value.len()])),
                MATRIX => Some(value.clone()),
                _ => None,
            };
            if let (Some(above), Some(below)) = (as_matrix(above), as_matrix(below)) {
                if above.dims[1] == below.dims[1] {
                    // one above the other is side by side when turned
                    let (above, below) = (Self::flipped(&above)?, Self::flipped(&below)?);
                    let dims = vec![above.dims[0], above.dims[1] + below.dims[1]];
                    let joined = self.joined(MATRIX, dims, &[above, below]);
                    return Self::flipped(&joined);
                }
            }
            return Err(mismatch(span, "columns differ", &[above, below]));
        }
        let is_column = |value: &Value| value.is_scalar() || value.kind == VECTOR;
        if !is_column(above) || !is_column(below) {
            return Err(mismatch(span, "only vectors and matrices are appended", &[above, below]));
        }
        let dims = vec![above.len() + below.len()];
        Ok(self.joined(VECTOR, dims, &[above.clone(), below.clone()]))
    }

    fn flipped(value: &Value) -> Evaluated<Value> {
        if value.is_scalar() {
            Ok(value.clone())
        } else {
            super::expression::transposed(value, Span::default())
        }
    }

    /// A known whole number from 0.
    pub(super) fn natural(value: &Value, span: Span) -> Evaluated<usize> {
        let whole = Self::whole(value, span)?;
        usize::try_from(whole).ok().filter(|size| *size <= super::MAX_CELLS).ok_or_else(|| {
            Diagnostic::new(Code::DataSize, span, format!("a size or position of {whole}"))
                .with_fix("give a whole number from 0")
        })
    }
}

impl Value {
    /// All its numbers in one list.
    fn flat(&self, kind: Type) -> Self {
        let value = self.reshaped(kind.base, kind.arrays, vec![self.len()]);
        match value.cells {
            Cells::Number(number) => Self::known(kind, vec![1], vec![number]),
            _ => value,
        }
    }
}

/// An array of rows as a matrix.
fn rows_to_matrix(value: &Value) -> Value {
    let [rows, columns] = value.dims.as_slice() else { return value.clone() };
    let (rows, columns) = (*rows, *columns);
    let places: Vec<usize> =
        (0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column)).collect();
    value.gathered(MATRIX, vec![rows, columns], &places)
}

/// Known numbers in order, or where they stand.
fn sorted(name: &str, value: &Value, span: Span) -> Evaluated<Value> {
    let Some(numbers) = value.numbers() else {
        return Err(mismatch(span, &format!("`{name}` takes data"), &[value]));
    };
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
    if name.ends_with("desc") {
        order.reverse();
    }
    if name.starts_with("sort_indices") {
        let whole = Type { base: Base::Int, arrays: 1 };
        let ranks = order.iter().map(|at| *at as f64 + 1.0).collect();
        return Ok(Value::known(whole, value.dims.clone(), ranks));
    }
    Ok(value.gathered(value.kind, value.dims.clone(), &order))
}
