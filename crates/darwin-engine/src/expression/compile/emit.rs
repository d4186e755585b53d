//! Instructions, with what is constant computed at once.

use super::{Binary, Compiler, Fault, FaultKind, Op, Pending, Symbol, Unary};
use crate::expression::MAX_INSTRUCTIONS;

impl Compiler<'_> {
    /// Write an instruction that adds a value.
    pub(super) fn push(&mut self, op: Op, at: usize) -> Result<(), Fault> {
        self.starts.push(self.code.len());
        self.write(op, at)
    }

    fn write(&mut self, op: Op, at: usize) -> Result<(), Fault> {
        if self.code.len() >= MAX_INSTRUCTIONS {
            let reason = format!("needs more than {MAX_INSTRUCTIONS} instructions");
            return Err(Fault::limit(at, reason));
        }
        self.code.push(op);
        Ok(())
    }

    /// Write an instruction that makes one value of the last `count`.
    pub(super) fn take(&mut self, count: usize, op: Op, at: usize) -> Result<(), Fault> {
        self.starts.truncate(self.starts.len().saturating_sub(count - 1));
        self.write(op, at)
    }

    /// Write a function of the last value.
    pub(super) fn apply(&mut self, function: Unary, at: usize) -> Result<(), Fault> {
        let alone = self.starts.last().is_some_and(|start| start + 1 == self.code.len());
        if let Some(Op::Const(value)) = self.code.last_mut()
            && alone
        {
            *value = function.apply(*value);
            return Ok(());
        }
        self.write(Op::Unary(function), at)
    }

    /// Write a function of the last two values.
    pub(super) fn join(&mut self, function: Binary, at: usize) -> Result<(), Fault> {
        let (Some(right), Some(left)) = (self.starts.pop(), self.starts.last().copied()) else {
            return Err(Fault::syntax(at, "lacks an argument".to_owned()));
        };
        if matches!(function, Binary::Equal | Binary::NotEqual) {
            self.category(left, right)?;
        }
        let constant = match self.code.as_slice() {
            [.., Op::Const(value)] if right + 1 == self.code.len() => Some(*value),
            _ => None,
        };
        if let Some(value) = constant {
            self.code.pop();
            return self.join_constant(function, left, right, value, at);
        }
        if right == left + 1
            && matches!(function, Binary::Add | Binary::Mul)
            && let Some(Op::Const(value)) = self.code.get(left)
        {
            // Sums and products do not mind the order, and jumps are relative.
            let op = Op::WithConst(function, *value);
            self.code.remove(left);
            return self.write(op, at);
        }
        if right + 1 == self.code.len()
            && let Some(Op::Load(place)) = self.code.last()
        {
            let op = Op::WithLoad(function, place.clone());
            self.code.pop();
            return self.write(op, at);
        }
        self.write(Op::Binary(function), at)
    }

    fn join_constant(
        &mut self,
        function: Binary,
        left: usize,
        right: usize,
        value: f64,
        at: usize,
    ) -> Result<(), Fault> {
        let power = small_whole(value).filter(|_| function == Binary::Pow);
        if let Some(Op::Const(base)) = self.code.get(left)
            && left + 1 == right
        {
            let folded = match power {
                Some(power) => Unary::Powi(power).apply(*base),
                None => function.apply(*base, value),
            };
            self.code.pop();
            return self.write(Op::Const(folded), at);
        }
        match power {
            Some(power) => self.write(Op::Unary(Unary::Powi(power)), at),
            None => self.write(Op::WithConst(function, value), at),
        }
    }

    /// Write all that binds at least as tightly as `level`. Whether a comparison was among it.
    pub(super) fn unwind(&mut self, level: u8, at: usize) -> Result<bool, Fault> {
        let mut compared = false;
        while self.pending.last().and_then(Pending::level).is_some_and(|waits| waits >= level) {
            match self.resume() {
                Some(Pending::Infix(function, waits)) => {
                    compared |= waits == super::level::COMPARE;
                    self.join(function, at)?;
                }
                Some(Pending::Prefix(function, _)) => self.apply(function, at)?,
                _ => {}
            }
        }
        Ok(compared)
    }

    /// A string, which waits for the category that it is compared with.
    pub(super) fn text(&mut self, text: &str, at: usize) -> Result<(), Fault> {
        let number = u16::try_from(self.texts.len()).unwrap_or(u16::MAX);
        self.texts.push((text.to_owned(), at));
        self.push(Op::Text(number), at)
    }

    /// When a string is compared with a category, put the number of that category in its place.
    fn category(&mut self, left: usize, right: usize) -> Result<(), Fault> {
        let sides = (self.code.get(left), self.code.get(right));
        let single = left + 1 == right && right + 1 == self.code.len();
        let (text, place, base) = match sides {
            (Some(Op::Text(text)), Some(Op::Load(place))) if single => (*text, left, place.base),
            (Some(Op::Load(place)), Some(Op::Text(text))) if single => (*text, right, place.base),
            _ => return Ok(()),
        };
        let (Some((text, at)), Some(symbol)) =
            (self.texts.get(usize::from(text)), self.at_base(base))
        else {
            return Ok(());
        };
        let Some(number) = symbol.categories.iter().position(|category| category == text) else {
            let name = text.chars().take(40).collect();
            let known = symbol.categories.clone();
            return Err(Fault { offset: *at, kind: FaultKind::UnknownName { name, known } });
        };
        #[expect(clippy::cast_precision_loss, reason = "categories are few")]
        let number = number as f64;
        self.code[place] = Op::Const(number);
        Ok(())
    }

    fn at_base(&self, base: usize) -> Option<&Symbol> {
        self.symbols
            .iter()
            .find(|symbol| (symbol.base..symbol.base + symbol.length.unwrap_or(1)).contains(&base))
    }

    /// Refuse strings that were compared with nothing.
    pub(super) fn check_texts(&mut self) -> Result<(), Fault> {
        let left = self.code.iter().find_map(|op| match op {
            Op::Text(number) => self.texts.get(usize::from(*number)),
            _ => None,
        });
        if let Some((_, at)) = left {
            let reason = "uses a string other than in == or != with a category".to_owned();
            return Err(Fault::syntax(*at, reason));
        }
        self.texts.clear();
        Ok(())
    }
}

/// A whole exponent that is applied by multiplications.
#[expect(clippy::cast_possible_truncation, reason = "checked to be a small whole number")]
fn small_whole(value: f64) -> Option<i8> {
    (value.fract() == 0.0 && value.abs() <= 64.0).then_some(value as i8)
}
