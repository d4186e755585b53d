//! What expressions can call, and the exact meaning of each.

use crate::math::power_chain;

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Neg,
    Not,
    Abs,
    Sign,
    Floor,
    Ceil,
    Round,
    Trunc,
    Sqrt,
    Cbrt,
    Exp,
    Expm1,
    Ln,
    Log1p,
    Log2,
    Log10,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Erf,
    Lgamma,
    /// A whole power, by multiplications.
    Powi(i8),
}

/// A function of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    And,
    Or,
    Min,
    Max,
    Atan2,
    Hypot,
}

/// What a name followed by `(` calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Callee {
    Unary(Unary),
    /// Exactly two arguments.
    Binary(Binary),
    /// One argument or more, joined from the left.
    Joined(Binary),
    Clamp,
    If,
    /// `sum`, `prod`, `minof`, `maxof` over a counter; `sum` of a vector too.
    Loop(Binary),
    Mean,
    Dot,
    Norm,
    Len,
    At,
}

/// Names and what they call.
pub(super) const FUNCTIONS: &[(&str, Callee)] = &[
    ("abs", Callee::Unary(Unary::Abs)),
    ("sign", Callee::Unary(Unary::Sign)),
    ("floor", Callee::Unary(Unary::Floor)),
    ("ceil", Callee::Unary(Unary::Ceil)),
    ("round", Callee::Unary(Unary::Round)),
    ("trunc", Callee::Unary(Unary::Trunc)),
    ("sqrt", Callee::Unary(Unary::Sqrt)),
    ("cbrt", Callee::Unary(Unary::Cbrt)),
    ("exp", Callee::Unary(Unary::Exp)),
    ("expm1", Callee::Unary(Unary::Expm1)),
    ("ln", Callee::Unary(Unary::Ln)),
    ("log1p", Callee::Unary(Unary::Log1p)),
    ("log2", Callee::Unary(Unary::Log2)),
    ("log10", Callee::Unary(Unary::Log10)),
    ("sin", Callee::Unary(Unary::Sin)),
    ("cos", Callee::Unary(Unary::Cos)),
    ("tan", Callee::Unary(Unary::Tan)),
    ("asin", Callee::Unary(Unary::Asin)),
    ("acos", Callee::Unary(Unary::Acos)),
    ("atan", Callee::Unary(Unary::Atan)),
    ("sinh", Callee::Unary(Unary::Sinh)),
    ("cosh", Callee::Unary(Unary::Cosh)),
    ("tanh", Callee::Unary(Unary::Tanh)),
    ("erf", Callee::Unary(Unary::Erf)),
    ("lgamma", Callee::Unary(Unary::Lgamma)),
    ("atan2", Callee::Binary(Binary::Atan2)),
    ("hypot", Callee::Binary(Binary::Hypot)),
    ("pow", Callee::Binary(Binary::Pow)),
    ("min", Callee::Joined(Binary::Min)),
    ("max", Callee::Joined(Binary::Max)),
    ("clamp", Callee::Clamp),
    ("if", Callee::If),
    ("sum", Callee::Loop(Binary::Add)),
    ("prod", Callee::Loop(Binary::Mul)),
    ("minof", Callee::Loop(Binary::Min)),
    ("maxof", Callee::Loop(Binary::Max)),
    ("mean", Callee::Mean),
    ("dot", Callee::Dot),
    ("norm", Callee::Norm),
    ("len", Callee::Len),
    ("at", Callee::At),
];

/// Words that are neither functions nor free for variables.
pub(super) const CONSTANTS: [(&str, f64); 3] =
    [("pi", std::f64::consts::PI), ("tau", std::f64::consts::TAU), ("e", std::f64::consts::E)];

/// Words of the grammar.
const KEYWORDS: [&str; 5] = ["and", "or", "not", "let", "n"];

impl Callee {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, callee)| *callee)
    }
}

/// Names of all functions.
pub fn function_names() -> Vec<&'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name).collect()
}

/// Whether a word has a meaning of its own.
pub(super) fn is_reserved(name: &str) -> bool {
    Callee::from_name(name).is_some()
        || KEYWORDS.contains(&name)
        || CONSTANTS.iter().any(|(constant, _)| *constant == name)
}

impl Unary {
    /// The value. The same code serves folding, single points and blocks.
    #[inline]
    pub(crate) fn apply(self, x: f64) -> f64 {
        match self {
            Self::Neg => -x,
            Self::Not => truth(x == 0.0),
            Self::Abs => x.abs(),
            Self::Sign if x > 0.0 => 1.0,
            Self::Sign if x < 0.0 => -1.0,
            Self::Sign => x,
            Self::Floor => libm::floor(x),
            Self::Ceil => libm::ceil(x),
            Self::Round => libm::round(x),
            Self::Trunc => libm::trunc(x),
            Self::Sqrt => x.sqrt(),
            Self::Cbrt => libm::cbrt(x),
            Self::Exp => libm::exp(x),
            Self::Expm1 => libm::expm1(x),
            Self::Ln => libm::log(x),
            Self::Log1p => libm::log1p(x),
            Self::Log2 => libm::log2(x),
            Self::Log10 => libm::log10(x),
            Self::Sin => libm::sin(x),
            Self::Cos => libm::cos(x),
            Self::Tan => libm::tan(x),
            Self::Asin => libm::asin(x),
            Self::Acos => libm::acos(x),
            Self::Atan => libm::atan(x),
            Self::Sinh => libm::sinh(x),
            Self::Cosh => libm::cosh(x),
            Self::Tanh => libm::tanh(x),
            Self::Erf => libm::erf(x),
            Self::Lgamma => libm::lgamma(x),
            Self::Powi(power) => powi(x, power),
        }
    }
}

impl Binary {
    /// The value. Not a number in either argument stays one, but in comparisons (0, `!=` 1).
    #[inline]
    pub(crate) fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Mod => floored_remainder(a, b),
            Self::Pow => libm::pow(a, b),
            Self::Less => truth(a < b),
            Self::LessEqual => truth(a <= b),
            Self::Greater => truth(a > b),
            Self::GreaterEqual => truth(a >= b),
            #[expect(clippy::float_cmp, reason = "the user asks for exact equality")]
            Self::Equal => truth(a == b),
            #[expect(clippy::float_cmp, reason = "the user asks for exact inequality")]
            Self::NotEqual => truth(a != b),
            Self::And => truth(a != 0.0 && b != 0.0),
            Self::Or => truth(a != 0.0 || b != 0.0),
            Self::Min if a < b || a.is_nan() => a,
            Self::Min => b,
            Self::Max if a > b || a.is_nan() => a,
            Self::Max => b,
            Self::Atan2 => libm::atan2(a, b),
            Self::Hypot => libm::hypot(a, b),
        }
    }

    /// What a loop over nothing gives.
    pub(super) const fn neutral(self) -> f64 {
        match self {
            Self::Mul => 1.0,
            Self::Min => f64::INFINITY,
            Self::Max => f64::NEG_INFINITY,
            _ => 0.0,
        }
    }
}

/// The remainder with the sign of the divisor, as in Python.
fn floored_remainder(a: f64, b: f64) -> f64 {
    let rest = libm::fmod(a, b);
    if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
}

fn powi(x: f64, power: i8) -> f64 {
    let chain = power_chain(x, power.unsigned_abs().into());
    if power < 0 { 1.0 / chain } else { chain }
}

#[inline]
fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "values are exact")]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_sorted_by_nothing_but_found() {
        for (name, callee) in FUNCTIONS {
            assert_eq!(Callee::from_name(name), Some(*callee));
            assert!(is_reserved(name));
        }
        let unique: std::collections::HashSet<_> = function_names().into_iter().collect();
        assert_eq!(unique.len(), FUNCTIONS.len());
    }

    #[test]
    fn edges_are_those_of_python() {
        let rest = |a, b| Binary::Mod.apply(a, b);
        assert_eq!([rest(-7.0, 3.0), rest(7.0, -3.0), rest(5.5, 2.0)], [2.0, -2.0, 1.5]);
        assert!(rest(1.0, 0.0).is_nan());
        assert_eq!([powi(2.0, 10), powi(2.0, -1), powi(0.0, 0)], [1024.0, 0.5, 1.0]);
        assert_eq!(
            Binary::Less.apply(f64::NAN, 1.0) + Binary::Equal.apply(f64::NAN, f64::NAN),
            0.0
        );
        assert_eq!(Binary::NotEqual.apply(f64::NAN, 1.0), 1.0);
        for join in [Binary::Min, Binary::Max] {
            assert!(join.apply(f64::NAN, 1.0).is_nan() && join.apply(1.0, f64::NAN).is_nan());
        }
    }
}
