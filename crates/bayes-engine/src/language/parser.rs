//! From words to a syntax tree: recursive descent for statements, Pratt's method for expressions.

mod declaration;
mod expression;
mod statement;

use super::ast::{Argument, Base, Function, Program, Statement, Type};
use super::token::{Kind, Token, short};
use super::{Code, Diagnostic, MAX_NESTING, MAX_OPERATORS, Span};

/// The tree of a whole model.
pub(super) fn program(tokens: Vec<Token>) -> Result<Program, Diagnostic> {
    let mut parser = Parser { tokens, at: 0, depth: 0, operators: 0 };
    let mut program = Program::default();
    let mut last = 0;
    while *parser.peek() != Kind::End {
        let span = parser.span();
        let (order, name) = parser.block_name()?;
        if order <= last {
            let message = format!("block `{name}` stands out of order or twice");
            return Err(Diagnostic::new(Code::Syntax, span, message).with_fix(format!(
                "keep each block once, in the order {}",
                BLOCKS.map(|block| block.join(" ")).join(", ")
            )));
        }
        last = order;
        parser.expect("{")?;
        if order == 1 {
            while !parser.accept("}") {
                if parser.accept(";") {
                    continue;
                }
                program.functions.push(parser.function()?);
            }
            continue;
        }
        let body = parser.statements()?;
        match order {
            2 => program.data = body,
            3 => program.transformed_data = body,
            4 => program.parameters = body,
            5 => program.transformed_parameters = body,
            6 => program.model = body,
            _ => program.generated_quantities = body,
        }
    }
    Ok(program)
}

/// The blocks in their order, each of one or two words.
const BLOCKS: [&[&str]; 7] = [
    &["functions"],
    &["data"],
    &["transformed", "data"],
    &["parameters"],
    &["transformed", "parameters"],
    &["model"],
    &["generated", "quantities"],
];

/// Words that cannot be names.
const RESERVED: [&str; 56] = [
    "for",
    "in",
    "while",
    "if",
    "else",
    "return",
    "break",
    "continue",
    "int",
    "real",
    "complex",
    "vector",
    "row_vector",
    "matrix",
    "array",
    "tuple",
    "simplex",
    "unit_vector",
    "ordered",
    "positive_ordered",
    "corr_matrix",
    "cov_matrix",
    "cholesky_factor_corr",
    "cholesky_factor_cov",
    "sum_to_zero_vector",
    "row_stochastic_matrix",
    "column_stochastic_matrix",
    "void",
    "lower",
    "upper",
    "functions",
    "data",
    "parameters",
    "model",
    "transformed",
    "generated",
    "quantities",
    "target",
    "jacobian",
    "profile",
    "print",
    "reject",
    "fatal_error",
    "true",
    "false",
    "repeat",
    "until",
    "then",
    "struct",
    "typedef",
    "export",
    "extern",
    "auto",
    "static",
    "var",
    "sum_to_zero_matrix",
];

pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Operators and indices of the current statement.
    operators: usize,
}

type Parsed<T> = Result<T, Diagnostic>;

impl Parser {
    fn peek(&self) -> &Kind {
        self.ahead(0)
    }

    /// The word that many places on; the end stays the end.
    fn ahead(&self, places: usize) -> &Kind {
        self.tokens.get(self.at + places).map_or(&Kind::End, |token| &token.kind)
    }

    /// Place of the next word.
    fn span(&self) -> Span {
        let last = self.tokens.len().saturating_sub(1);
        self.tokens.get(self.at.min(last)).map_or(Span::default(), |token| token.span)
    }

    /// Place of the word before.
    fn before(&self) -> Span {
        self.tokens.get(self.at.saturating_sub(1)).map_or(Span::default(), |token| token.span)
    }

    fn is(&self, mark: &str) -> bool {
        matches!(self.peek(), Kind::Mark(next) if *next == mark)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Kind::Name(name) if name == word)
    }

    fn accept(&mut self, mark: &str) -> bool {
        let found = self.is(mark);
        self.at += usize::from(found);
        found
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: &str) -> Parsed<()> {
        if self.accept(mark) {
            return Ok(());
        }
        let found = self.peek().shown();
        // what is missing at the end of a line is missing behind the word before
        let place = if mark == ";" {
            Span { start: self.before().end, end: self.before().end }
        } else {
            self.span()
        };
        let message = format!("expected `{mark}` before {found}");
        let fix = match (mark, found.as_str()) {
            (";", "`=`" | "`~`") => {
                "only variables and their elements stand on the left".to_owned()
            }
            _ => format!("insert `{mark}`"),
        };
        Err(Diagnostic::new(Code::Syntax, place, message).with_fix(fix))
    }

    fn unexpected(&self, wanted: &str, fix: &str) -> Diagnostic {
        let message = format!("expected {wanted}, found {}", self.peek().shown());
        Diagnostic::new(Code::Syntax, self.span(), message).with_fix(fix)
    }

    fn unsupported(span: Span, what: &str, fix: &str) -> Diagnostic {
        let message = format!("{what} is not in the supported subset");
        Diagnostic::new(Code::Unsupported, span, message).with_fix(fix)
    }

    /// A new name.
    fn name(&mut self) -> Parsed<(String, Span)> {
        let span = self.span();
        let Kind::Name(name) = self.peek().clone() else {
            return Err(self.unexpected("a name", "names start with a letter"));
        };
        if RESERVED.contains(&name.as_str()) || name.ends_with("__") {
            let message = format!("`{}` is reserved", short(&name));
            return Err(
                Diagnostic::new(Code::Syntax, span, message).with_fix("choose another name")
            );
        }
        self.at += 1;
        Ok((name, span))
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            let message = format!("nested deeper than {MAX_NESTING}");
            return Err(Diagnostic::new(Code::Limit, self.span(), message)
                .with_fix("name parts of it as variables of their own"));
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Counts one more operator or index.
    fn count(&mut self) -> Parsed<()> {
        self.operators += 1;
        if self.operators <= MAX_OPERATORS {
            return Ok(());
        }
        let message = format!("more than {MAX_OPERATORS} operators in one statement");
        Err(Diagnostic::new(Code::Limit, self.span(), message)
            .with_fix("split it into several statements, or use sum(..)"))
    }

    /// Position (from 1) and name of a block.
    fn block_name(&mut self) -> Parsed<(usize, String)> {
        for (index, words) in BLOCKS.iter().enumerate() {
            let is_it = words
                .iter()
                .enumerate()
                .all(|(place, word)| matches!(self.ahead(place), Kind::Name(name) if name == word));
            if is_it {
                self.at += words.len();
                return Ok((index + 1, words.join(" ")));
            }
        }
        Err(self.unexpected(
            "a block",
            "start with data, transformed data, parameters, transformed parameters, model or generated \
             quantities",
        ))
    }

    /// Statements up to the closing brace.
    fn statements(&mut self) -> Parsed<Vec<Statement>> {
        let mut list = Vec::new();
        while !self.accept("}") {
            if *self.peek() == Kind::End {
                return Err(self.unexpected("`}`", "close the block with `}`"));
            }
            if self.is_declaration() {
                list.append(&mut self.nested(Self::declarations)?);
            } else {
                list.push(self.statement()?);
            }
        }
        Ok(list)
    }

    fn function(&mut self) -> Parsed<Function> {
        let returns = if self.accept_word("void") { None } else { Some(self.unsized_type()?) };
        let (name, span) = self.name()?;
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.accept(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            let is_data = self.accept_word("data");
            let kind = self.unsized_type()?;
            arguments.push(Argument { is_data, kind, name: self.name()?.0 });
        }
        let body = if self.accept(";") {
            None
        } else if self.is("{") {
            Some(self.statement()?)
        } else {
            let fix = "write the body in braces, or `;` for a head alone";
            return Err(self.unexpected("`{` or `;`", fix));
        };
        Ok(Function { name, returns, arguments, body, span })
    }

    /// `array[,] vector`.
    fn unsized_type(&mut self) -> Parsed<Type> {
        let mut arrays = 0;
        if self.accept_word("array") {
            self.expect("[")?;
            arrays = 1;
            while self.accept(",") {
                arrays += 1;
            }
            self.expect("]")?;
        }
        let span = self.span();
        let base = match self.base()? {
            Some(
                base @ (Base::Int | Base::Real | Base::Vector | Base::RowVector | Base::Matrix),
            ) => base,
            Some(_) => {
                let message = "a constrained type is no argument type";
                return Err(Diagnostic::new(Code::Syntax, span, message)
                    .with_fix("take a vector or matrix; constraints belong to declarations"));
            }
            None => return Err(self.unexpected("a type", "int, real, vector, row_vector, matrix")),
        };
        if self.is("[") {
            return Err(Self::unsupported(
                self.span(),
                "the array syntax from before Stan 2.33",
                "write `array[] real x` for `real[] x`",
            ));
        }
        Ok(Type { base, arrays })
    }
}
