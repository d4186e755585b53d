//! Types and dependence of expressions.

use super::super::ast::{Base, Expression, ExpressionKind, Index, Type, Unary};
use super::super::eval::unknown_name;
use super::super::value::shown;
use super::super::{Code, Span};
use super::call::Returned;
use super::signature::common;
use super::{Block, Checker, INT, Known, REAL, is_scalar};

impl<'model> Checker<'model> {
    pub(super) fn known(&mut self, expression: &'model Expression) -> Known {
        let span = expression.span;
        match &expression.kind {
            ExpressionKind::Int(_) => Known { kind: Some(INT), ..Known::default() },
            ExpressionKind::Real(_) => Known { kind: Some(REAL), ..Known::default() },
            ExpressionKind::Text(_) => Known::default(),
            ExpressionKind::Name(name) => self.name(name, span),
            ExpressionKind::Call(name, arguments) => match self.called(name, arguments, span) {
                Returned::Value(known) => known,
                Returned::Nothing => {
                    let message = format!("`{name}` returns nothing");
                    let fix = "call it as a statement of its own";
                    self.find(Code::Type, span, message, fix);
                    Known::default()
                }
            },
            ExpressionKind::Index(base, indices) => self.index(base, indices, span),
            ExpressionKind::Unary(Unary::Not, inner) => {
                let known = self.known(inner);
                if known.kind.is_some_and(|kind| kind != INT) {
                    let fix = "compare: x == 0";
                    self.find(Code::Type, span, "`!` takes a whole number", fix);
                }
                Known { kind: Some(INT), ..known }
            }
            ExpressionKind::Unary(_, inner) => self.known(inner),
            ExpressionKind::Binary(operator, left, right) => {
                let (left, right) = (self.known(left), self.known(right));
                self.binary(*operator, left, right, span)
            }
            ExpressionKind::Transpose(inner) => self.transposed(inner, span),
            ExpressionKind::Choose(condition, one, other) => {
                self.chosen(condition, one, other, span)
            }
            ExpressionKind::Array(list) => self.array(list, span),
            ExpressionKind::Row(list) => self.row(list, span),
        }
    }

    fn name(&mut self, name: &'model str, span: Span) -> Known {
        if let Some(known) = self.names.iter().rev().find(|known| known.text == name) {
            // parameters have their values when quantities are generated
            let varies = known.varies && self.block != Block::Generated;
            return Known { kind: known.kind, depends: known.depends, varies };
        }
        let near = unknown_name(name, self.names.iter().map(|known| known.text), span);
        self.findings.push(near);
        Known::default()
    }

    fn transposed(&mut self, inner: &'model Expression, span: Span) -> Known {
        let inner = self.known(inner);
        let Some(kind) = inner.kind else { return inner };
        let base = match kind {
            Type { base: Base::Vector, arrays: 0 } => Base::RowVector,
            Type { base: Base::RowVector, arrays: 0 } => Base::Vector,
            Type { base: Base::Matrix, arrays: 0 } => Base::Matrix,
            _ => {
                let message = format!("{} is not transposed", shown(kind));
                let fix = "remove the ', or convert with to_vector or to_matrix";
                self.find(Code::Type, span, message, fix);
                return Known { kind: None, ..inner };
            }
        };
        Known { kind: Some(Type { base, arrays: 0 }), ..inner }
    }

    fn chosen(
        &mut self,
        condition: &'model Expression,
        one: &'model Expression,
        other: &'model Expression,
        span: Span,
    ) -> Known {
        self.condition(condition);
        let parts = [self.known(one), self.known(other)];
        let Some((a, b)) = parts[0].kind.zip(parts[1].kind) else { return Known::of(None, &parts) };
        let kind = common(a, b);
        if kind.is_none() {
            let message = format!("the values of `? :` are {} and {}", shown(a), shown(b));
            self.find(Code::Type, span, message, "give both sides one type");
        }
        Known::of(kind, &parts)
    }

    fn array(&mut self, list: &'model [Expression], span: Span) -> Known {
        let parts: Vec<Known> = list.iter().map(|part| self.known(part)).collect();
        let kinds: Option<Vec<Type>> = parts.iter().map(|part| part.kind).collect();
        let Some(kinds) = kinds else { return Known::of(None, &parts) };
        let Some((first, rest)) = kinds.split_first() else {
            let fix = "declare an array of size 0 instead";
            self.find(Code::Type, span, "an empty array has no type", fix);
            return Known::default();
        };
        let kind = rest.iter().try_fold(*first, |kind, next| common(kind, *next));
        if kind.is_none() {
            let wrong = rest.iter().find(|next| common(*first, **next).is_none());
            let message = format!(
                "elements of an array differ: {} and {}",
                shown(*first),
                shown(*wrong.unwrap_or(first))
            );
            self.find(Code::Type, span, message, "give all elements one type");
        }
        Known::of(kind.map(|kind| Type { arrays: kind.arrays + 1, ..kind }), &parts)
    }

    /// `[a, b]`: numbers make a row, rows a matrix.
    fn row(&mut self, list: &'model [Expression], span: Span) -> Known {
        let parts: Vec<Known> = list.iter().map(|part| self.known(part)).collect();
        let kinds: Option<Vec<Type>> = parts.iter().map(|part| part.kind).collect();
        let Some(kinds) = kinds else { return Known::of(None, &parts) };
        let row = Type { base: Base::RowVector, arrays: 0 };
        let kind = if kinds.iter().all(|kind| is_scalar(*kind)) {
            Some(row)
        } else if kinds.iter().all(|kind| *kind == row) {
            Some(Type { base: Base::Matrix, arrays: 0 })
        } else {
            let met =
                kinds.iter().find(|kind| !is_scalar(**kind) && **kind != row).or(kinds.first());
            let message = format!(
                "`[..]` holds single numbers or row vectors, not {} among others",
                met.copied().map(shown).unwrap_or_default()
            );
            let fix = "give all elements one type; an array is written {a, b}";
            self.find(Code::Type, span, message, fix);
            None
        };
        Known::of(kind, &parts)
    }

    fn index(&mut self, base: &'model Expression, indices: &'model [Index], span: Span) -> Known {
        let known = self.known(base);
        let mut parts = vec![known];
        let mut kept = Vec::with_capacity(indices.len());
        for index in indices {
            match index {
                Index::All => kept.push(Some(true)),
                Index::At(at) => {
                    let at_known = self.known(at);
                    parts.push(at_known);
                    kept.push(at_known.kind.and_then(|kind| self.place(kind, at.span)));
                }
                Index::Range(low, high) => {
                    for end in [low, high].into_iter().flatten() {
                        let end_known = self.known(end);
                        parts.push(end_known);
                        if let Some(kind) = end_known.kind.filter(|kind| *kind != INT) {
                            let message = format!("the end of a range is {}, not int", shown(kind));
                            self.find(Code::Type, end.span, message, "use whole numbers");
                        }
                    }
                    kept.push(Some(true));
                }
            }
        }
        if let Some(kind) = known.kind.filter(|kind| dimensions(*kind) < indices.len()) {
            self.too_many(kind, indices.len(), span);
            return Known::of(None, &parts);
        }
        let kept: Option<Vec<bool>> = kept.into_iter().collect();
        Known::of(known.kind.zip(kept).and_then(|(kind, kept)| indexed(kind, &kept)), &parts)
    }

    /// Whether an index of this type leaves its dimension.
    fn place(&mut self, kind: Type, span: Span) -> Option<bool> {
        match kind {
            INT => Some(false),
            Type { base: Base::Int, arrays: 1 } => Some(true),
            _ => {
                let message = format!("an index is {}, not int", shown(kind));
                self.find(Code::Type, span, message, "use whole numbers");
                None
            }
        }
    }

    fn too_many(&mut self, kind: Type, given: usize, span: Span) {
        let has = match dimensions(kind) {
            0 => "none on a single number".to_owned(),
            1 => "it takes one".to_owned(),
            n => format!("it takes {n}"),
        };
        let message = format!("{given} indices on {}", shown(kind));
        self.find(Code::Type, span, message, format!("remove an index: {has}"));
    }
}

/// How many indices a value takes.
fn dimensions(kind: Type) -> usize {
    kind.arrays
        + match kind.base {
            Base::Int | Base::Real => 0,
            Base::Matrix | Base::CholeskyFactorCorr => 2,
            _ => 1,
        }
}

/// The type of what indices leave.
fn indexed(kind: Type, kept: &[bool]) -> Option<Type> {
    let (outer, inner) = kept.split_at(kept.len().min(kind.arrays));
    let arrays = kind.arrays - outer.iter().filter(|is_kept| !**is_kept).count();
    let base = match (kind.base, inner) {
        (base, []) => base,
        (Base::Vector | Base::RowVector, [true]) => kind.base,
        (Base::Vector | Base::RowVector, [false]) => Base::Real,
        (Base::Matrix, [true] | [true, true]) => Base::Matrix,
        (Base::Matrix, [false] | [false, true]) => Base::RowVector,
        (Base::Matrix, [true, false]) => Base::Vector,
        (Base::Matrix, [false, false]) => Base::Real,
        _ => return None,
    };
    Some(Type { base, arrays })
}
