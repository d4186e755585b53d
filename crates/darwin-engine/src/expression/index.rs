//! Whole numbers that are known before anything runs: places in vectors, ends of loops.

use super::{Fault, Op, function::Binary, function::Unary};

/// Most loops inside each other.
pub(super) const MAX_LOOPS: usize = 8;

/// Counters of the loops that are running.
pub(super) type Counters = [i64; MAX_LOOPS];

/// An integer over literals and counters.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Index {
    Fixed(i64),
    /// A counter plus a constant.
    Counter {
        slot: u8,
        plus: i64,
    },
    /// Anything else, in postfix order.
    Program(Box<[Step]>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    Number(i64),
    Counter(u8),
    Negate,
    Join(Binary),
}

impl Index {
    /// Turn the code of an expression into an index.
    pub(super) fn from_code(code: &[Op], offset: usize) -> Result<Self, Fault> {
        let steps: Option<Vec<Step>> = code.iter().map(step).flat_map(Steps::unfold).collect();
        let Some(steps) = steps else {
            let reason = "has an index that is not made of whole numbers, n, len() and counters";
            return Err(Fault::syntax(offset, reason.to_owned()));
        };
        Ok(match steps.as_slice() {
            [Step::Number(value)] => Self::Fixed(*value),
            [Step::Counter(slot)] => Self::Counter { slot: *slot, plus: 0 },
            [Step::Counter(slot), Step::Number(plus), Step::Join(Binary::Add)]
            | [Step::Number(plus), Step::Counter(slot), Step::Join(Binary::Add)] => {
                Self::Counter { slot: *slot, plus: *plus }
            }
            [Step::Counter(slot), Step::Number(minus), Step::Join(Binary::Sub)] => {
                Self::Counter { slot: *slot, plus: -minus }
            }
            _ => Self::Program(steps.into()),
        })
    }

    /// The value; none on overflow or division by zero.
    pub(super) fn value(&self, counters: &Counters) -> Option<i64> {
        match self {
            Self::Fixed(value) => Some(*value),
            Self::Counter { slot, plus } => counters[usize::from(*slot)].checked_add(*plus),
            Self::Program(steps) => run(steps, counters),
        }
    }
}

/// The steps that one instruction stands for; `None` inside when it has no place in an index.
enum Steps {
    One(Step),
    Two(Step, Step),
    No,
}

impl Steps {
    fn unfold(self) -> impl Iterator<Item = Option<Step>> {
        let (first, second) = match self {
            Self::One(step) => (Some(Some(step)), None),
            Self::Two(first, second) => (Some(Some(first)), Some(Some(second))),
            Self::No => (Some(None), None),
        };
        first.into_iter().chain(second)
    }
}

fn step(op: &Op) -> Steps {
    match op {
        Op::Const(value) => whole(*value).map_or(Steps::No, |n| Steps::One(Step::Number(n))),
        Op::Counter(slot) => Steps::One(Step::Counter(*slot)),
        Op::Unary(Unary::Neg) => Steps::One(Step::Negate),
        Op::Binary(join) if is_whole(*join) => Steps::One(Step::Join(*join)),
        Op::WithConst(join, value) if is_whole(*join) => {
            whole(*value).map_or(Steps::No, |n| Steps::Two(Step::Number(n), Step::Join(*join)))
        }
        _ => Steps::No,
    }
}

/// Operators that stay within the whole numbers: not `/`, which has the same meaning everywhere.
fn is_whole(join: Binary) -> bool {
    matches!(join, Binary::Add | Binary::Sub | Binary::Mul | Binary::Mod)
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be a small whole number")]
fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < 1e15).then_some(value as i64)
}

fn run(steps: &[Step], counters: &Counters) -> Option<i64> {
    let mut stack = Vec::with_capacity(8);
    for step in steps {
        let value = match step {
            Step::Number(value) => *value,
            Step::Counter(slot) => counters[usize::from(*slot)],
            Step::Negate => stack.pop().and_then(i64::checked_neg)?,
            Step::Join(join) => {
                let (b, a): (i64, i64) = (stack.pop()?, stack.pop()?);
                match join {
                    Binary::Add => a.checked_add(b)?,
                    Binary::Sub => a.checked_sub(b)?,
                    Binary::Mul => a.checked_mul(b)?,
                    _ => a.checked_sub(b.checked_mul(floored(a, b)?)?)?,
                }
            }
        };
        stack.push(value);
    }
    stack.pop()
}

/// Division that rounds down.
fn floored(a: i64, b: i64) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_rounds_down() {
        assert_eq!([floored(7, 2), floored(-7, 2), floored(7, -2)], [Some(3), Some(-4), Some(-4)]);
        assert_eq!(floored(1, 0), None);
    }

    #[test]
    fn overflow_is_no_value() {
        let steps = [Step::Number(i64::MAX), Step::Number(2), Step::Join(Binary::Mul)];
        assert_eq!(run(&steps, &[0; MAX_LOOPS]), None);
        let far = Index::Counter { slot: 0, plus: i64::MAX };
        assert_eq!(far.value(&[1; MAX_LOOPS]), None);
    }
}
