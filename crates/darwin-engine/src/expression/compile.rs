//! From text to code in one pass, with a stack of waiting operators and no recursion.

mod call;
mod emit;

use super::{
    Fault, FaultKind, MAX_NESTING, MAX_SOURCE, Op, Place, Program, Symbol, Table,
    function::{Binary, CONSTANTS, Callee, Unary, function_names, is_reserved},
    index::Index,
    token::{Lexer, Token, is_name},
    walk::walk,
};

/// Most lets of a program.
const MAX_LETS: usize = 256;

/// How tightly operators bind.
mod level {
    pub(super) const OR: u8 = 1;
    pub(super) const AND: u8 = 2;
    pub(super) const NOT: u8 = 3;
    pub(super) const COMPARE: u8 = 4;
    pub(super) const SUM: u8 = 5;
    pub(super) const TERM: u8 = 6;
    pub(super) const SIGN: u8 = 7;
    pub(super) const POWER: u8 = 8;
}

/// Reads expressions over the same variables into one program.
#[derive(Debug)]
pub struct Compiler<'a> {
    symbols: &'a [Symbol],
    tables: &'a [Table],
    dimension: usize,
    code: Vec<Op>,
    /// Where the code of each value begins that lies on the stack at this point.
    starts: Vec<usize>,
    lets: Vec<(String, u16)>,
    let_count: u16,
    outputs: u16,
    operations: u64,
    stack: usize,
    pending: Vec<Pending>,
    nesting: usize,
    counters: Vec<String>,
    /// Strings of the current text, with their offsets.
    texts: Vec<(String, usize)>,
}

/// What waits for its last argument.
#[derive(Debug)]
enum Pending {
    Infix(Binary, u8),
    Prefix(Unary, u8),
    Group { offset: usize },
    Call { callee: Callee, name: &'static str, arguments: usize, table: u16, offset: usize },
    Element { base: usize, length: usize, start: usize, offset: usize },
    Loop { join: Binary, counter: String, start: usize, stage: Stage, offset: usize },
}

/// Which argument of a loop is read.
#[derive(Debug)]
enum Stage {
    First,
    Last { lo: Index },
    Body { slot: u8 },
}

impl Pending {
    fn level(&self) -> Option<u8> {
        match self {
            Self::Infix(_, level) | Self::Prefix(_, level) => Some(*level),
            _ => None,
        }
    }

    /// Whether chains of it can grow without an end.
    fn nests(&self) -> bool {
        !matches!(self, Self::Infix(_, level) if *level != level::POWER)
    }

    fn offset(&self) -> usize {
        match self {
            Self::Infix(..) | Self::Prefix(..) => 0,
            Self::Group { offset }
            | Self::Call { offset, .. }
            | Self::Element { offset, .. }
            | Self::Loop { offset, .. } => *offset,
        }
    }
}

impl<'a> Compiler<'a> {
    /// A compiler over variables and tables.
    ///
    /// # Errors
    /// A [`Fault`] when a name is not a word, is taken, or has a meaning of its own.
    pub fn new(symbols: &'a [Symbol], tables: &'a [Table]) -> Result<Self, Fault> {
        let mut seen = std::collections::HashSet::new();
        let names = symbols.iter().map(|symbol| &symbol.name);
        for name in names.chain(tables.iter().map(|table| &table.name)) {
            check_name(name)?;
            if !seen.insert(name) {
                return Err(Fault::syntax(0, format!("has the name `{name}` twice")));
            }
        }
        let width = |symbol: &Symbol| symbol.length.unwrap_or(1);
        Ok(Self {
            symbols,
            tables,
            dimension: symbols.iter().map(width).sum(),
            code: Vec::new(),
            starts: Vec::new(),
            lets: Vec::new(),
            let_count: 0,
            outputs: 0,
            operations: 0,
            stack: 0,
            pending: Vec::new(),
            nesting: 0,
            counters: Vec::new(),
            texts: Vec::new(),
        })
    }

    /// Name a value for all texts that follow.
    ///
    /// # Errors
    /// A [`Fault`] in the text or the name.
    pub fn define(&mut self, name: &str, source: &str) -> Result<(), Fault> {
        self.check_new(name, 0)?;
        self.source(source)?;
        self.bind(name)
    }

    /// Add an output.
    ///
    /// # Errors
    /// A [`Fault`] in the text.
    pub fn output(&mut self, source: &str) -> Result<(), Fault> {
        self.source(source)?;
        self.starts.pop();
        self.code.push(Op::Output(self.outputs));
        self.outputs += 1;
        Ok(())
    }

    /// The program.
    pub fn finish(self) -> Program {
        Program {
            code: self.code,
            tables: self.tables.to_vec(),
            dimension: self.dimension,
            outputs: self.outputs.into(),
            lets: self.let_count.into(),
            stack: self.stack,
            operations: self.operations,
        }
    }

    /// Lets, then an expression whose value stays on the stack.
    fn source(&mut self, source: &str) -> Result<(), Fault> {
        if source.len() > MAX_SOURCE {
            let reason = format!("has {} bytes of at most {MAX_SOURCE}", source.len());
            return Err(Fault::limit(0, reason));
        }
        let mut lexer = Lexer::new(source);
        let (outer, start) = (self.lets.len(), self.code.len());
        while lexer.peek()?.0 == Token::Name("let") {
            lexer.next()?;
            let (name, at) = lexer.next()?;
            let (Token::Name(name), (Token::Mark("="), _)) = (name, lexer.next()?) else {
                return Err(Fault::syntax(at, "needs `let name = value;`".to_owned()));
            };
            self.check_new(name, at)?;
            let end = self.expression(&mut lexer)?;
            if end != Token::Mark(";") {
                return Err(Fault::syntax(source.len(), "needs a `;` after a let".to_owned()));
            }
            self.bind(name)?;
        }
        if self.expression(&mut lexer)? == Token::Mark(";") {
            let (token, at) = lexer.next()?;
            if token != Token::End {
                return Err(Fault::syntax(at, "goes on after its value".to_owned()));
            }
        }
        self.lets.truncate(outer);
        let (operations, stack) = walk(&self.code[start..], self.operations)?;
        (self.operations, self.stack) = (operations, stack.max(self.stack));
        Ok(())
    }

    fn check_new(&self, name: &str, at: usize) -> Result<(), Fault> {
        check_name(name).map_err(|fault| Fault { offset: at, ..fault })?;
        if self.is_known(name) {
            return Err(Fault::syntax(at, format!("gives the name `{name}` a second meaning")));
        }
        Ok(())
    }

    fn is_known(&self, name: &str) -> bool {
        self.symbols.iter().any(|symbol| symbol.name == name)
            || self.tables.iter().any(|table| table.name == name)
            || self.lets.iter().any(|(known, _)| known == name)
            || self.counters.iter().any(|known| known == name)
    }

    /// Give the value on the stack a name.
    fn bind(&mut self, name: &str) -> Result<(), Fault> {
        if usize::from(self.let_count) >= MAX_LETS {
            return Err(Fault::limit(0, format!("has more than {MAX_LETS} lets")));
        }
        self.starts.pop();
        self.code.push(Op::SetLet(self.let_count));
        self.lets.push((name.to_owned(), self.let_count));
        self.let_count += 1;
        Ok(())
    }

    /// One expression, up to `;` or the end, whichever is given back.
    fn expression<'s>(&mut self, lexer: &mut Lexer<'s>) -> Result<Token<'s>, Fault> {
        loop {
            let (token, at) = lexer.next()?;
            if !self.operand(lexer, token, at)? {
                continue;
            }
            loop {
                let (token, at) = lexer.next()?;
                if let Token::End | Token::Mark(";") = token {
                    self.unwind(0, at)?;
                    if let Some(open) = self.pending.last() {
                        let reason = "has a bracket that is not closed".to_owned();
                        return Err(Fault::syntax(open.offset(), reason));
                    }
                    self.check_texts()?;
                    return Ok(token);
                }
                if self.operator(token, at)? {
                    break;
                }
            }
        }
    }

    /// Where a value must begin. Whether the value is complete.
    fn operand(
        &mut self,
        lexer: &mut Lexer<'_>,
        token: Token<'_>,
        at: usize,
    ) -> Result<bool, Fault> {
        match token {
            Token::Number(value) => self.push(Op::Const(value), at)?,
            Token::Text(text) => self.text(text, at)?,
            Token::Name("not") => {
                if self.pending.last().and_then(Pending::level).is_some_and(|l| l > level::NOT) {
                    return Err(Fault::syntax(at, "needs brackets around `not`".to_owned()));
                }
                self.wait(Pending::Prefix(Unary::Not, level::NOT), at)?;
                return Ok(false);
            }
            Token::Mark("-") => {
                self.wait(Pending::Prefix(Unary::Neg, level::SIGN), at)?;
                return Ok(false);
            }
            Token::Mark("+") => return Ok(false),
            Token::Mark("(") => {
                self.wait(Pending::Group { offset: at }, at)?;
                return Ok(false);
            }
            Token::Name(name) => return self.name(lexer, name, at),
            Token::End => return Err(Fault::syntax(at, "ends where a value must be".to_owned())),
            Token::Mark(mark) => {
                return Err(Fault::syntax(at, format!("has `{mark}` where a value must be")));
            }
        }
        Ok(true)
    }

    /// After a value. Whether another one must follow.
    fn operator(&mut self, token: Token<'_>, at: usize) -> Result<bool, Fault> {
        let infix = match token {
            Token::Name("or") => (Binary::Or, level::OR),
            Token::Name("and") => (Binary::And, level::AND),
            Token::Mark("<") => (Binary::Less, level::COMPARE),
            Token::Mark("<=") => (Binary::LessEqual, level::COMPARE),
            Token::Mark(">") => (Binary::Greater, level::COMPARE),
            Token::Mark(">=") => (Binary::GreaterEqual, level::COMPARE),
            Token::Mark("==") => (Binary::Equal, level::COMPARE),
            Token::Mark("!=") => (Binary::NotEqual, level::COMPARE),
            Token::Mark("+") => (Binary::Add, level::SUM),
            Token::Mark("-") => (Binary::Sub, level::SUM),
            Token::Mark("*") => (Binary::Mul, level::TERM),
            Token::Mark("/") => (Binary::Div, level::TERM),
            Token::Mark("%") => (Binary::Mod, level::TERM),
            Token::Mark("^" | "**") => (Binary::Pow, level::POWER),
            Token::Mark(",") => return self.comma(at).map(|()| true),
            Token::Mark(")") => return self.close(at).map(|()| false),
            Token::Mark("]") => return self.close_element(at).map(|()| false),
            Token::Mark(mark) => {
                return Err(Fault::syntax(at, format!("has `{mark}` after a value")));
            }
            _ => return Err(Fault::syntax(at, "lacks an operator between two values".to_owned())),
        };
        let (function, level) = infix;
        // Powers join from the right, all else from the left.
        let compared = self.unwind(if level == level::POWER { level + 1 } else { level }, at)?;
        if level == level::COMPARE && compared {
            return Err(Fault::syntax(at, "chains comparisons: join them with `and`".to_owned()));
        }
        self.wait(Pending::Infix(function, level), at)?;
        Ok(true)
    }

    /// Put something aside until its last argument is read.
    fn wait(&mut self, pending: Pending, at: usize) -> Result<(), Fault> {
        if pending.nests() {
            self.nesting += 1;
            if self.nesting > MAX_NESTING {
                let reason = format!("nests deeper than {MAX_NESTING}");
                return Err(Fault::limit(at, reason));
            }
        }
        self.pending.push(pending);
        Ok(())
    }

    fn resume(&mut self) -> Option<Pending> {
        let pending = self.pending.pop()?;
        self.nesting -= usize::from(pending.nests());
        Some(pending)
    }
}

fn check_name(name: &str) -> Result<(), Fault> {
    if !is_name(name) || name.len() > 40 {
        let reason = "has a name that is not 1 to 40 ASCII letters, digits and `_`".to_owned();
        return Err(Fault::syntax(0, reason));
    }
    if is_reserved(name) {
        let reason = format!("uses `{name}` as a name, which has a meaning of its own");
        return Err(Fault::syntax(0, reason));
    }
    Ok(())
}
