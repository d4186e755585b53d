//! Indexing.

use super::super::ast::{Expression, Index};
use super::super::value::{Chosen, Value};
use super::super::{Code, Diagnostic, Span};
use super::expression::mismatch;
use super::{Evaluated, Evaluator};

impl<'model> Evaluator<'model> {
    pub(super) fn indexed(
        &mut self,
        base: &'model Expression,
        indices: &'model [Index],
        span: Span,
    ) -> Evaluated<Value> {
        // a variable is looked at in place, not copied
        if let super::super::ast::ExpressionKind::Name(name) = &base.kind {
            let place = self.place(name, base.span)?;
            let dims = self.names[place].1.dims.clone();
            let chosen = self.chosen(&dims, indices, span)?;
            return Ok(picked(&self.names[place].1, &chosen));
        }
        let value = self.value(base)?;
        let chosen = self.chosen(&value.dims.clone(), indices, span)?;
        Ok(picked(&value, &chosen))
    }

    /// The positions that indices name.
    pub(super) fn chosen(
        &mut self,
        dims: &[usize],
        indices: &'model [Index],
        span: Span,
    ) -> Evaluated<Vec<Chosen>> {
        if indices.len() > dims.len() {
            let message = format!("{} indices on {} dimensions", indices.len(), dims.len());
            return Err(Diagnostic::new(Code::Type, span, message)
                .with_fix("use at most one index per dimension, and none on a single number"));
        }
        let mut chosen = Vec::with_capacity(indices.len());
        for (index, size) in indices.iter().zip(dims) {
            chosen.push(self.choose(index, *size, span)?);
        }
        Ok(chosen)
    }

    fn choose(&mut self, index: &'model Index, size: usize, span: Span) -> Evaluated<Chosen> {
        match index {
            Index::All => Ok(Chosen::Many((0..size).collect())),
            Index::At(at) => {
                let value = self.value(at)?;
                if !value.is_int() || value.dims.len() > 1 {
                    return Err(mismatch(
                        at.span,
                        "an index is a whole number or an array of them",
                        &[&value],
                    ));
                }
                let numbers = value.numbers().unwrap_or_default();
                if value.is_scalar() {
                    let at = numbers.first().copied().unwrap_or(f64::NAN);
                    return Ok(Chosen::One(position(at, size, span)?));
                }
                numbers
                    .iter()
                    .map(|at| position(*at, size, span))
                    .collect::<Evaluated<Vec<usize>>>()
                    .map(Chosen::Many)
            }
            Index::Range(low, high) => {
                let low = low.as_ref().map_or(Ok(1), |low| self.int(low))?;
                let high = match high {
                    Some(high) => self.int(high)?,
                    None => i64::try_from(size).unwrap_or(i64::MAX),
                };
                if low > high {
                    return Ok(Chosen::Many(Vec::new()));
                }
                let from = position(low as f64, size, span)?;
                let to = position(high as f64, size, span)?;
                Ok(Chosen::Many((from..=to).collect()))
            }
        }
    }
}

/// What the indices choose; the commonest case, one element, without lists.
fn picked(value: &Value, chosen: &[Chosen]) -> Value {
    if let ([Chosen::One(at)], 1) = (chosen, value.dims.len()) {
        return value.element(*at);
    }
    let (kind, dims, places) = value.select(chosen);
    value.gathered(kind, dims, &places)
}

/// A position from 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked against the size before"
)]
fn position(at: f64, size: usize, span: Span) -> Evaluated<usize> {
    if at >= 1.0 && at <= size as f64 {
        return Ok(at as usize - 1);
    }
    let message = format!("index {at} is outside 1..{size}");
    Err(Diagnostic::new(Code::DataSize, span, message)
        .with_fix("indices count from 1; check the loop's end and the data's sizes"))
}
