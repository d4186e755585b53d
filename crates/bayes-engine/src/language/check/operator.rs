//! Types that operators leave.

use super::super::ast::{Base, Binary, Type};
use super::super::value::shown;
use super::super::{Code, Span};
use super::signature::{beside, given};
use super::{Checker, INT, Known, is_scalar};

impl Checker<'_> {
    pub(super) fn binary(
        &mut self,
        operator: Binary,
        left: Known,
        right: Known,
        span: Span,
    ) -> Known {
        let kind = left.kind.zip(right.kind).and_then(|(a, b)| self.joined(operator, a, b, span));
        Known { kind, depends: left.depends || right.depends, varies: left.varies || right.varies }
    }

    /// The type of `a operator b`; what has none is told.
    pub(super) fn joined(
        &mut self,
        operator: Binary,
        a: Type,
        b: Type,
        span: Span,
    ) -> Option<Type> {
        let found = of_both(operator, a, b);
        if found.is_none() {
            self.refuse_operator(operator, a, b, span);
        }
        found
    }

    fn refuse_operator(&mut self, operator: Binary, a: Type, b: Type, span: Span) {
        let is_solved = match operator {
            Binary::Divide => b == MATRIX && matches!(a, ROW | MATRIX),
            Binary::LeftDivide => a == MATRIX && matches!(b, VECTOR | MATRIX),
            _ => false,
        };
        if is_solved {
            let message = "division by a matrix is not in the supported subset";
            let fix = "use mdivide_left_tri_low with a Cholesky factor, or ./ by elements";
            return self.find(Code::Unsupported, span, message, fix);
        }
        let (a, b) = (shown(a), shown(b));
        let (message, fix) = match operator {
            Binary::Multiply => (
                format!("{a} times {b} is not defined"),
                "use .* for products by elements, or transpose one with '",
            ),
            Binary::Modulo | Binary::IntDivide => (
                format!("{a} and {b}: this operator divides whole numbers only"),
                "declare both as int, or use / and floor(..)",
            ),
            Binary::Add | Binary::Subtract | Binary::ElementMultiply | Binary::ElementDivide => (
                format!("{a} and {b} do not go together"),
                "transpose one with ', or convert arrays with to_vector",
            ),
            Binary::And | Binary::Or => {
                (format!("{a} and {b}: conditions are whole numbers"), "compare: x != 0")
            }
            _ if operator.is_logical() => (
                format!("{a} and {b} are not compared: single numbers are"),
                "compare elements in a loop, or their sum(..)",
            ),
            _ => (
                format!("the operator is not defined for {a} and {b}"),
                "convert arrays with to_vector, or write a loop over elements",
            ),
        };
        self.find(Code::Type, span, message, fix);
    }
}

const VECTOR: Type = Type { base: Base::Vector, arrays: 0 };
const ROW: Type = Type { base: Base::RowVector, arrays: 0 };
const MATRIX: Type = Type { base: Base::Matrix, arrays: 0 };

fn of_both(operator: Binary, a: Type, b: Type) -> Option<Type> {
    let function = match operator {
        Binary::And | Binary::Or => return (a == INT && b == INT).then_some(INT),
        _ if operator.is_logical() => return (is_scalar(a) && is_scalar(b)).then_some(INT),
        Binary::Modulo | Binary::IntDivide => return (a == INT && b == INT).then_some(INT),
        Binary::Power | Binary::ElementPower => return beside(a, b).map(|found| found.kind),
        Binary::LeftDivide => return None,
        Binary::Add => "add",
        Binary::Subtract => "subtract",
        Binary::Multiply => "multiply",
        Binary::Divide => "divide",
        Binary::ElementMultiply => "elt_multiply",
        _ => "elt_divide",
    };
    given(function, &[a, b]).map(|found| found.kind)
}
