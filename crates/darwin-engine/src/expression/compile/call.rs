//! Names, calls, elements and loops.

use super::{
    Binary, CONSTANTS, Callee, Compiler, Fault, FaultKind, Index, Lexer, Op, Pending, Place, Stage,
    Symbol, Token, Unary, check_name, function_names,
};
use crate::expression::index::MAX_LOOPS;

impl Compiler<'_> {
    /// A name where a value must begin. Whether the value is complete.
    pub(super) fn name(
        &mut self,
        lexer: &mut Lexer<'_>,
        name: &str,
        at: usize,
    ) -> Result<bool, Fault> {
        if lexer.peek()?.0 == Token::Mark("(") {
            lexer.next()?;
            return self.call(lexer, name, at);
        }
        if let Some(slot) = self.counters.iter().rposition(|counter| counter == name) {
            self.push(Op::Counter(u8::try_from(slot).unwrap_or(u8::MAX)), at)?;
        } else if let Some(op) = self.value_of(name) {
            self.push(op, at)?;
        } else {
            let symbol = self.symbol(name, at)?;
            let (base, length) = (symbol.base, symbol.length);
            return self.variable(lexer, base, length, at);
        }
        Ok(true)
    }

    fn variable(
        &mut self,
        lexer: &mut Lexer<'_>,
        base: usize,
        length: Option<usize>,
        at: usize,
    ) -> Result<bool, Fault> {
        let indexed = lexer.peek()?.0 == Token::Mark("[");
        match (length, indexed) {
            (None, false) => {
                let place = Place { base, length: 1, index: Index::Fixed(0), offset: at };
                self.push(Op::Load(place), at)?;
                Ok(true)
            }
            (Some(length), true) => {
                lexer.next()?;
                let start = self.code.len();
                self.wait(Pending::Element { base, length, start, offset: at }, at)?;
                Ok(false)
            }
            (None, true) => Err(Fault::syntax(at, "indexes a variable that is one number".into())),
            (Some(_), false) => {
                let reason = "uses a vector where a number must be: index it, or sum() it";
                Err(Fault::syntax(at, reason.to_owned()))
            }
        }
    }

    /// A let or a constant.
    fn value_of(&self, name: &str) -> Option<Op> {
        if let Some((_, slot)) = self.lets.iter().find(|(known, _)| known == name) {
            return Some(Op::Let(*slot));
        }
        if name == "n" {
            #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
            return Some(Op::Const(self.dimension as f64));
        }
        let constant = CONSTANTS.iter().find(|(known, _)| *known == name);
        constant.map(|(_, value)| Op::Const(*value))
    }

    fn symbol(&self, name: &str, at: usize) -> Result<&Symbol, Fault> {
        self.symbols.iter().find(|symbol| symbol.name == name).ok_or_else(|| {
            let variables = self.symbols.iter().map(|symbol| symbol.name.clone());
            let lets = self.lets.iter().map(|(name, _)| name.clone());
            let constants = CONSTANTS.iter().map(|(name, _)| (*name).to_owned());
            let known = variables.chain(lets).chain(self.counters.clone()).chain(constants);
            unknown(at, name, known.collect())
        })
    }

    /// After `name(`.
    fn call(&mut self, lexer: &mut Lexer<'_>, name: &str, at: usize) -> Result<bool, Fault> {
        let known = function_names();
        let found = Callee::from_name(name).zip(known.iter().find(|known| **known == name));
        let Some((callee, name)) = found else {
            return Err(unknown(at, name, known.into_iter().map(str::to_owned).collect()));
        };
        let mut call = Pending::Call { callee, name, arguments: 0, table: 0, offset: at };
        match callee {
            Callee::Loop(join) => return self.begin_loop(lexer, join, at),
            Callee::Mean | Callee::Norm | Callee::Len | Callee::Dot => {
                self.of_vectors(lexer, callee, at)?;
                return Ok(true);
            }
            Callee::At => {
                let number = self.table(lexer)?;
                if let Pending::Call { arguments, table, .. } = &mut call {
                    (*arguments, *table) = (1, number);
                }
            }
            _ => {}
        }
        self.wait(call, at)?;
        Ok(false)
    }

    /// After `sum(` and its like: a counter and a comma, or a vector and a bracket.
    fn begin_loop(
        &mut self,
        lexer: &mut Lexer<'_>,
        join: Binary,
        at: usize,
    ) -> Result<bool, Fault> {
        let (first, first_at) = lexer.next()?;
        let (after, after_at) = lexer.next()?;
        match (first, after) {
            (Token::Name(counter), Token::Mark(",")) => {
                self.check_new(counter, first_at)?;
                let (counter, start) = (counter.to_owned(), self.code.len());
                let pending =
                    Pending::Loop { join, counter, start, stage: Stage::First, offset: at };
                self.wait(pending, at)?;
                Ok(false)
            }
            (Token::Name(vector), Token::Mark(")")) if join == Binary::Add => {
                let (base, length) = self.vector(vector, first_at)?;
                self.push(Op::Sum { base, length }, at)?;
                Ok(true)
            }
            _ => {
                let reason = "needs (counter, first, last, value) here, or sum(vector)";
                Err(Fault::syntax(after_at, reason.to_owned()))
            }
        }
    }

    /// `mean(x)`, `norm(x)`, `len(x)`, `dot(x, y)`.
    fn of_vectors(
        &mut self,
        lexer: &mut Lexer<'_>,
        callee: Callee,
        at: usize,
    ) -> Result<(), Fault> {
        let (base, length) = self.vector_argument(lexer)?;
        let mut right = base;
        if callee == Callee::Dot {
            expect(lexer, ",")?;
            let (other, other_length) = self.vector_argument(lexer)?;
            if other_length != length {
                let reason = format!("multiplies vectors of lengths {length} and {other_length}");
                return Err(Fault::syntax(at, reason));
            }
            right = other;
        }
        expect(lexer, ")")?;
        #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
        let count = length as f64;
        match callee {
            Callee::Len => self.push(Op::Const(count), at),
            Callee::Mean => {
                self.push(Op::Sum { base, length }, at)?;
                self.push(Op::Const(count), at)?;
                self.join(Binary::Div, at)
            }
            Callee::Norm => {
                self.push(Op::Dot { left: base, right, length }, at)?;
                self.apply(Unary::Sqrt, at)
            }
            _ => self.push(Op::Dot { left: base, right, length }, at),
        }
    }

    fn vector_argument(&self, lexer: &mut Lexer<'_>) -> Result<(usize, usize), Fault> {
        match lexer.next()? {
            (Token::Name(name), at) => self.vector(name, at),
            (_, at) => Err(Fault::syntax(at, "needs the name of a vector here".to_owned())),
        }
    }

    fn vector(&self, name: &str, at: usize) -> Result<(usize, usize), Fault> {
        let symbol = self.symbol(name, at)?;
        let length = symbol.length.ok_or_else(|| {
            Fault::syntax(at, format!("needs a vector, and `{name}` is one number"))
        })?;
        Ok((symbol.base, length))
    }

    /// The table of `at(table, ..`, with its comma.
    fn table(&self, lexer: &mut Lexer<'_>) -> Result<u16, Fault> {
        let (Token::Name(name), at) = lexer.next()? else {
            return Err(Fault::syntax(0, "needs the name of a table in at()".to_owned()));
        };
        expect(lexer, ",")?;
        let place = self.tables.iter().position(|table| table.name == name);
        place.and_then(|place| u16::try_from(place).ok()).ok_or_else(|| {
            let known = self.tables.iter().map(|table| table.name.clone()).collect();
            unknown(at, name, known)
        })
    }

    pub(super) fn comma(&mut self, at: usize) -> Result<(), Fault> {
        self.unwind(0, at)?;
        match self.pending.last_mut() {
            Some(Pending::Call { callee, arguments, .. }) => {
                *arguments += 1;
                let join = match callee {
                    Callee::Joined(join) if *arguments >= 2 => Some(*join),
                    _ => None,
                };
                join.map_or(Ok(()), |join| self.join(join, at))
            }
            Some(Pending::Loop { .. }) => self.next_stage(at),
            _ => Err(Fault::syntax(at, "has a comma outside of a call".to_owned())),
        }
    }

    /// An end of a loop has been read: its code becomes an index.
    fn next_stage(&mut self, at: usize) -> Result<(), Fault> {
        let Some(Pending::Loop { join, counter, start, stage, offset }) = self.pending.pop() else {
            return Ok(());
        };
        if let Stage::Body { .. } = stage {
            return Err(Fault::syntax(at, "gives a loop more than four arguments".to_owned()));
        }
        let index = Index::from_code(&self.code[start..], offset)?;
        self.code.truncate(start);
        self.starts.pop();
        let stage = match stage {
            Stage::First => Stage::Last { lo: index },
            Stage::Last { lo } => {
                check_name(&counter)?;
                let depth = self.counters.len();
                let Some(slot) = u8::try_from(depth).ok().filter(|_| depth < MAX_LOOPS) else {
                    let reason = format!("has more than {MAX_LOOPS} loops inside each other");
                    return Err(Fault::limit(at, reason));
                };
                let hi = index;
                self.push(Op::Loop { slot, lo, hi, join, body: 0, offset }, at)?;
                self.counters.push(counter.clone());
                Stage::Body { slot }
            }
            body @ Stage::Body { .. } => body,
        };
        self.pending.push(Pending::Loop { join, counter, start, stage, offset });
        Ok(())
    }

    pub(super) fn close(&mut self, at: usize) -> Result<(), Fault> {
        self.unwind(0, at)?;
        match self.resume() {
            Some(Pending::Group { .. }) => Ok(()),
            Some(Pending::Call { callee, name, arguments, table, offset }) => {
                self.finish_call(callee, name, arguments + 1, table, offset)
            }
            Some(Pending::Loop { join, start, stage: Stage::Body { slot }, .. }) => {
                self.starts.pop();
                self.counters.pop();
                let length = self.code.len() - start;
                self.code.push(Op::Next { slot, join, body: length });
                if let Some(Op::Loop { body, .. }) = self.code.get_mut(start) {
                    *body = length;
                }
                Ok(())
            }
            Some(Pending::Loop { offset, .. }) => {
                Err(Fault::syntax(offset, "gives a loop fewer than four arguments".to_owned()))
            }
            _ => Err(Fault::syntax(at, "has a `)` that closes nothing".to_owned())),
        }
    }

    pub(super) fn close_element(&mut self, at: usize) -> Result<(), Fault> {
        self.unwind(0, at)?;
        let Some(Pending::Element { base, length, start, offset }) = self.resume() else {
            return Err(Fault::syntax(at, "has a `]` that closes nothing".to_owned()));
        };
        let index = Index::from_code(&self.code[start..], offset)?;
        self.code.truncate(start);
        self.starts.pop();
        self.push(Op::Load(Place { base, length, index, offset }), offset)
    }

    fn finish_call(
        &mut self,
        callee: Callee,
        name: &'static str,
        given: usize,
        table: u16,
        at: usize,
    ) -> Result<(), Fault> {
        let wanted = match callee {
            Callee::Unary(_) => 1..=1,
            Callee::Binary(_) => 2..=2,
            Callee::Joined(_) => 1..=usize::MAX,
            Callee::At => 2..=3,
            _ => 3..=3,
        };
        if !wanted.contains(&given) {
            let reason = format!("gives {name}() {given} arguments, not {}", wanted.start());
            return Err(Fault::syntax(at, reason));
        }
        match callee {
            Callee::Unary(function) => self.apply(function, at),
            Callee::Binary(function) => self.join(function, at),
            Callee::Joined(function) if given > 1 => self.join(function, at),
            Callee::Joined(_) => Ok(()),
            Callee::Clamp => self.take(3, Op::Clamp, at),
            Callee::At => self.take(given - 1, Op::Table(table, given == 3), at),
            _ => self.take(3, Op::Select, at),
        }
    }
}

fn unknown(offset: usize, name: &str, known: Vec<String>) -> Fault {
    let name = name.chars().take(40).collect();
    Fault { offset, kind: FaultKind::UnknownName { name, known } }
}

fn expect(lexer: &mut Lexer<'_>, mark: &'static str) -> Result<(), Fault> {
    let (token, at) = lexer.next()?;
    if token == Token::Mark(mark) {
        return Ok(());
    }
    Err(Fault::syntax(at, format!("needs a `{mark}` here")))
}
