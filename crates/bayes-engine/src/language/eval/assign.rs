//! Declarations and assignments.

use std::sync::Arc;

use super::super::ast::{Base, Binary, Declaration, Expression, ExpressionKind, Index, Type};
use super::super::tape::Cell;
use super::super::value::{Cells, Chosen, Value, plain, shown};
use super::super::{Code, Diagnostic, Span};
use super::expression::mismatch;
use super::{Evaluated, Evaluator, MAX_ALL_CELLS, MAX_CELLS};

/// What an unassigned whole number holds.
const UNASSIGNED: f64 = -2_147_483_648.0;

impl<'model> Evaluator<'model> {
    /// Type and sizes of a declaration.
    pub(crate) fn shape(
        &mut self,
        declaration: &'model Declaration,
        span: Span,
    ) -> Evaluated<(Type, Vec<usize>)> {
        let mut dims = Vec::with_capacity(declaration.arrays.len() + declaration.sizes.len());
        for size in declaration.arrays.iter().chain(&declaration.sizes) {
            dims.push(self.size(size)?);
        }
        if declaration.base == Base::CholeskyFactorCorr {
            let size = dims.last().copied().unwrap_or(0);
            dims.push(size);
        }
        let cells = dims.iter().try_fold(1_usize, |all, size| all.checked_mul(*size));
        if cells.is_none_or(|cells| cells > MAX_CELLS) {
            let message = format!("`{}` has more than {MAX_CELLS} numbers", declaration.name);
            return Err(
                Diagnostic::new(Code::Limit, span, message).with_fix("declare a smaller one")
            );
        }
        let base = plain(declaration.base);
        Ok((Type { base, arrays: declaration.arrays.len() }, dims))
    }

    pub(super) fn declare(
        &mut self,
        declaration: &'model Declaration,
        span: Span,
    ) -> Evaluated<()> {
        let (kind, dims) = self.shape(declaration, span)?;
        let held: usize = self.names.iter().map(|(_, value)| value.len()).sum();
        if held + dims.iter().product::<usize>() > MAX_ALL_CELLS {
            return Err(super::too_large(span));
        }
        let value = match &declaration.value {
            Some(expression) => {
                let value = self.value(expression)?;
                fitted(value, kind, &dims, &declaration.name, expression.span)?
            }
            None => {
                let start = if kind.base == Base::Int { UNASSIGNED } else { f64::NAN };
                let count = dims.iter().product();
                Value::known(kind, dims, vec![start; count])
            }
        };
        self.names.push((&declaration.name, value));
        Ok(())
    }

    pub(super) fn assign(
        &mut self,
        target: &'model Expression,
        operator: Option<Binary>,
        value: &'model Expression,
    ) -> Evaluated<()> {
        let mut new = self.value(value)?;
        if let Some(operator) = operator {
            let old = self.value(target)?;
            new = self.binary(operator, &old, &new, target.span.to(value.span))?;
        }
        let (name, indices) = flattened(target);
        let place = self.place(name, target.span)?;
        if indices.is_empty() {
            let old = &self.names[place].1;
            let fitted = fitted(new, old.kind, &old.dims, name, value.span)?;
            self.names[place].1 = fitted;
            return Ok(());
        }
        let dims = self.names[place].1.dims.clone();
        let mut chosen = Vec::new();
        if let [list] = indices.as_slice() {
            chosen = self.chosen(&dims, list, target.span)?;
        } else {
            // `x[i][j]` with single numbers is `x[i, j]`
            for (list, axis) in indices.iter().zip(0..) {
                let rest = dims.get(axis..).unwrap_or_default();
                let mut next = self.chosen(rest, list, target.span)?;
                if list.len() != 1 || !matches!(next.first(), Some(Chosen::One(_))) {
                    let message = "several bracket pairs take one whole number each";
                    return Err(Diagnostic::new(Code::Unsupported, target.span, message)
                        .with_fix("write the indices in one pair of brackets: x[i, j]"));
                }
                chosen.append(&mut next);
            }
        }
        self.store(place, &chosen, new, name, value.span)
    }

    fn store(
        &mut self,
        place: usize,
        chosen: &[Chosen],
        new: Value,
        name: &str,
        span: Span,
    ) -> Evaluated<()> {
        let old = &self.names[place].1;
        let (kind, dims, places) = old.select(chosen);
        let new = fitted(new, kind, &dims, name, span)?;
        if new.is_known() && old.is_known() {
            let numbers = new.numbers().unwrap_or_default();
            match &mut self.names[place].1.cells {
                Cells::Known(all) => {
                    let all = Arc::make_mut(all);
                    places.iter().zip(numbers).for_each(|(at, number)| all[*at] = *number);
                }
                Cells::Number(only) => *only = numbers.first().copied().unwrap_or(f64::NAN),
                _ => {}
            }
            return Ok(());
        }
        let cells = self.cells(&new);
        let value = self.names[place].1.clone();
        if value.is_known() {
            let list: Vec<Cell> = self.cells(&value);
            self.names[place].1.cells = Cells::Traced(list.into());
        }
        if let Cells::Traced(all) = &mut self.names[place].1.cells {
            let all = Arc::make_mut(all);
            places.iter().zip(cells).for_each(|(at, cell)| all[*at] = cell);
        }
        Ok(())
    }
}

/// The variable and the indices on it, outermost first.
fn flattened(target: &Expression) -> (&str, Vec<&[Index]>) {
    match &target.kind {
        ExpressionKind::Index(base, indices) => {
            let (name, mut all) = flattened(base);
            all.push(indices);
            (name, all)
        }
        ExpressionKind::Name(name) => (name, Vec::new()),
        _ => ("", Vec::new()),
    }
}

/// A value as the type and sizes it is stored under.
pub(super) fn fitted(
    value: Value,
    kind: Type,
    dims: &[usize],
    name: &str,
    span: Span,
) -> Evaluated<Value> {
    if value.dims != dims && value.kind == kind {
        let shown =
            |dims: &[usize]| dims.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        let message =
            format!("`{name}` has size {}, the value {}", shown(dims), shown(&value.dims));
        return Err(Diagnostic::new(Code::DataSize, span, message)
            .with_fix("make the sizes of the declaration and of the value agree"));
    }
    let met = value.clone();
    value
        .promoted(kind)
        .filter(|value| value.dims == dims)
        .ok_or_else(|| mismatch(span, &format!("`{name}` is declared as {}", shown(kind)), &[&met]))
}
