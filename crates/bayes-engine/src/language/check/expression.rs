//! Types and dependence of expressions.

use super::super::ast::{Base, Binary, Expression, ExpressionKind, Index, Type, Unary};
use super::super::eval::{BINARY, UNARY, density_stem, is_known, nearest, unknown_name};
use super::super::value::shown;
use super::super::{Code, Span};
use super::{Block, Checker, Known};

const INT: Type = Type { base: Base::Int, arrays: 0 };
const REAL: Type = Type { base: Base::Real, arrays: 0 };

impl<'model> Checker<'model> {
    pub(super) fn known(&mut self, expression: &'model Expression) -> Known {
        let fixed = |kind| Known { kind: Some(kind), depends: false };
        match &expression.kind {
            ExpressionKind::Int(_) => fixed(INT),
            ExpressionKind::Real(_) => fixed(REAL),
            ExpressionKind::Text(_) => Known { kind: None, depends: false },
            ExpressionKind::Name(name) => self.name(name, expression.span),
            ExpressionKind::Call(name, arguments) => self.call(name, arguments, expression.span),
            ExpressionKind::Index(base, indices) => self.index(base, indices),
            ExpressionKind::Unary(Unary::Not, inner) => {
                Known { kind: Some(INT), ..self.known(inner) }
            }
            ExpressionKind::Unary(_, inner) => self.known(inner),
            ExpressionKind::Binary(operator, left, right) => {
                let (left, right) = (self.known(left), self.known(right));
                self.binary(*operator, left, right, expression.span)
            }
            ExpressionKind::Transpose(inner) => {
                let inner = self.known(inner);
                let kind = inner.kind.and_then(|kind| match kind {
                    Type { base: Base::Vector, arrays: 0 } => {
                        Some(Type { base: Base::RowVector, ..kind })
                    }
                    Type { base: Base::RowVector, arrays: 0 } => {
                        Some(Type { base: Base::Vector, ..kind })
                    }
                    Type { base: Base::Matrix, arrays: 0 } => Some(kind),
                    _ => None,
                });
                Known { kind, ..inner }
            }
            ExpressionKind::Choose(condition, one, other) => {
                self.condition(condition);
                let (one, other) = (self.known(one), self.known(other));
                let kind = if one.kind == other.kind { one.kind } else { None };
                Known { kind, depends: one.depends || other.depends }
            }
            ExpressionKind::Array(list) => {
                let parts: Vec<Known> = list.iter().map(|part| self.known(part)).collect();
                let first = parts.first().and_then(|part| part.kind);
                let is_one = parts.iter().all(|part| part.kind == first);
                let kind = first.filter(|_| is_one);
                Known {
                    kind: kind.map(|kind| Type { arrays: kind.arrays + 1, ..kind }),
                    depends: parts.iter().any(|part| part.depends),
                }
            }
            ExpressionKind::Row(list) => {
                let parts: Vec<Known> = list.iter().map(|part| self.known(part)).collect();
                let is_scalar = parts.iter().all(|part| matches!(part.kind, Some(INT | REAL)));
                let kind = is_scalar.then_some(Type { base: Base::RowVector, arrays: 0 });
                Known { kind, depends: parts.iter().any(|part| part.depends) }
            }
        }
    }

    fn name(&mut self, name: &'model str, span: Span) -> Known {
        if let Some(known) = self.names.iter().rev().find(|known| known.text == name) {
            return Known { kind: known.kind, depends: known.depends };
        }
        let near = unknown_name(name, self.names.iter().map(|known| known.text), span);
        self.findings.push(near);
        Known { kind: None, depends: false }
    }

    fn index(&mut self, base: &'model Expression, indices: &'model [Index]) -> Known {
        let known = self.known(base);
        let mut kept = Vec::with_capacity(indices.len());
        let mut depends = known.depends;
        for index in indices {
            match index {
                Index::All => kept.push(Some(true)),
                Index::At(at) => {
                    let at_known = self.known(at);
                    depends |= at_known.depends;
                    kept.push(match at_known.kind {
                        Some(INT) => Some(false),
                        Some(Type { base: Base::Int, arrays: 1 }) => Some(true),
                        Some(kind) => {
                            let message = format!("an index is {}, not int", shown(kind));
                            self.find(Code::Type, at.span, message, "use whole numbers");
                            None
                        }
                        None => None,
                    });
                }
                Index::Range(low, high) => {
                    [low, high].into_iter().flatten().for_each(|end| {
                        self.known(end);
                    });
                    kept.push(Some(true));
                }
            }
        }
        let kept: Option<Vec<bool>> = kept.into_iter().collect();
        Known { kind: known.kind.zip(kept).and_then(|(kind, kept)| indexed(kind, &kept)), depends }
    }

    fn binary(&mut self, operator: Binary, left: Known, right: Known, span: Span) -> Known {
        let depends = left.depends || right.depends;
        let open = Known { kind: None, depends };
        let (Some(a), Some(b)) = (left.kind, right.kind) else { return open };
        let is_scalar = |kind: Type| kind == INT || kind == REAL;
        let kind = match operator {
            Binary::Or
            | Binary::And
            | Binary::Equal
            | Binary::NotEqual
            | Binary::Less
            | Binary::LessEqual
            | Binary::Greater
            | Binary::GreaterEqual => INT,
            Binary::Modulo | Binary::IntDivide => INT,
            Binary::Power if is_scalar(a) && is_scalar(b) => REAL,
            _ if a == INT && b == INT => INT,
            _ if is_scalar(a) && is_scalar(b) => REAL,
            _ if is_scalar(a) => b,
            _ if is_scalar(b) => a,
            Binary::Multiply => return self.product(a, b, depends, span),
            Binary::Add | Binary::Subtract | Binary::ElementMultiply | Binary::ElementDivide => {
                if a != b || a.arrays > 0 {
                    let message = format!("{} and {} do not go together", shown(a), shown(b));
                    let fix = "transpose one with ', or convert arrays with to_vector";
                    self.find(Code::Type, span, message, fix);
                    return open;
                }
                a
            }
            _ => return open,
        };
        Known { kind: Some(kind), depends }
    }

    fn product(&mut self, a: Type, b: Type, depends: bool, span: Span) -> Known {
        use Base::{Matrix, RowVector, Vector};
        let base = match (a.base, b.base) {
            _ if a.arrays + b.arrays > 0 => None,
            (RowVector, Vector) => Some(Base::Real),
            (Vector, RowVector) | (Matrix, Matrix) => Some(Matrix),
            (Matrix, Vector) => Some(Vector),
            (RowVector, Matrix) => Some(RowVector),
            _ => None,
        };
        if base.is_none() {
            let message = format!("{} times {} is not defined", shown(a), shown(b));
            let fix = "use .* for products by elements, or transpose one with '";
            self.find(Code::Type, span, message, fix);
        }
        Known { kind: base.map(|base| Type { base, arrays: 0 }), depends }
    }

    fn call(&mut self, name: &'model str, arguments: &'model [Expression], span: Span) -> Known {
        let parts: Vec<Known> = arguments.iter().map(|argument| self.known(argument)).collect();
        let is_random = name.ends_with("_rng");
        let depends = parts.iter().any(|part| part.depends);
        let is_drawn =
            self.may_draw || matches!(self.block, Block::TransformedData | Block::Generated);
        if is_random && !is_drawn {
            let message =
                format!("`{name}` stands outside transformed data and generated quantities");
            let fix = "move it into generated quantities, or into a function that ends in _rng";
            self.find(Code::Type, span, message, fix);
            return Known { kind: None, depends };
        }
        let own: Vec<_> =
            self.functions.iter().filter(|function| function.name == name).copied().collect();
        if let Some(function) = own.first() {
            if !own.iter().any(|function| function.arguments.len() == parts.len()) {
                let wanted = function.arguments.len();
                let message =
                    format!("`{name}` takes {wanted} arguments, {} are given", parts.len());
                self.find(Code::Type, span, message, "give each argument once");
            }
            return Known { kind: function.returns, depends };
        }
        if let Some(stem) = density_stem(name) {
            self.distribution(stem, parts.len().saturating_sub(1), span);
            return Known { kind: Some(REAL), depends };
        }
        if let ([part], true) = (parts.as_slice(), UNARY.iter().any(|(known, _)| *known == name)) {
            let kind = part.kind.map(|kind| {
                if kind.base == Base::Int { Type { base: Base::Real, ..kind } } else { kind }
            });
            return Known { kind: kind.filter(|_| name != "abs"), depends };
        }
        let is_mass = ["_cdf", "_lcdf", "_lccdf"].iter().any(|suffix| name.ends_with(suffix));
        let is_listed = is_known(name) || BINARY.iter().any(|(known, _)| *known == name);
        if !is_listed && !is_mass && !is_random {
            self.refuse_function(name, span);
        }
        // sizes do not depend on the values they are asked of
        let is_size = matches!(name, "size" | "rows" | "cols" | "num_elements" | "dims");
        let kind = match name {
            "size" | "rows" | "cols" | "num_elements" => Some(INT),
            "mean" | "sd" | "variance" | "log_sum_exp" | "dot_product" | "dot_self" | "pi"
            | "e" | "distance" | "squared_distance" | "log_mix" | "positive_infinity"
            | "negative_infinity" | "not_a_number" => Some(REAL),
            "rep_vector" | "to_vector" => Some(Type { base: Base::Vector, arrays: 0 }),
            "rep_row_vector" | "to_row_vector" => Some(Type { base: Base::RowVector, arrays: 0 }),
            "rep_matrix" | "to_matrix" | "diag_matrix" | "cholesky_decompose" => {
                Some(Type { base: Base::Matrix, arrays: 0 })
            }
            _ => None,
        };
        // over several lists log_mix and its kin give lists
        let kind = kind.filter(|kind| {
            *kind != REAL || name != "log_mix" && (name != "log_sum_exp" || parts.len() == 1)
        });
        Known { kind, depends: depends && !is_size }
    }

    fn refuse_function(&mut self, name: &str, span: Span) {
        let own = self.functions.iter().map(|function| function.name.clone());
        let all: Vec<String> = own.chain(super::super::names::all().map(str::to_owned)).collect();
        let fix = nearest(name, all.iter().map(String::as_str)).map_or_else(
            || "write it as a function in the functions block".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let short: String = name.chars().take(60).collect();
        let message = format!("function `{short}` is not in the supported subset");
        self.find(Code::Unsupported, span, message, fix);
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
