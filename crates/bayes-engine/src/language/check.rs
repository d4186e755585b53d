//! What a text says about itself, without data: names, types, places where a statement may stand.
//!
//! What sizes and values decide is left to the binding.

mod call;
mod declaration;
mod expression;
mod function;
mod operator;
mod signature;
mod statement;

use super::ast::{Base, Expression, Function, Program, Type};
use super::{Code, Diagnostic, Span};

/// Most findings told at once.
const MAX_FINDINGS: usize = 20;

/// All findings of a parsed model, in the order of the text.
pub fn check(program: &Program, text: &str) -> Vec<Diagnostic> {
    let mut checker = Checker::new(program);
    checker.definitions(&program.functions);
    for function in &program.functions {
        checker.function(function);
    }
    let blocks = [
        (Block::Data, &program.data),
        (Block::TransformedData, &program.transformed_data),
        (Block::Parameters, &program.parameters),
        (Block::TransformedParameters, &program.transformed_parameters),
        (Block::Model, &program.model),
        (Block::Generated, &program.generated_quantities),
    ];
    for (block, statements) in blocks {
        checker.block = block;
        let depth = checker.names.len();
        for statement in statements {
            checker.statement(statement);
        }
        if block == Block::Model {
            checker.names.truncate(depth);
        }
    }
    let mut findings = checker.findings;
    findings.sort_by_key(|finding| finding.span.start);
    findings.truncate(MAX_FINDINGS);
    findings.into_iter().map(|finding| finding.located(text)).collect()
}

/// Where a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Block {
    Function,
    Data,
    TransformedData,
    Parameters,
    TransformedParameters,
    Model,
    Generated,
}

/// A variable in scope.
struct Name<'model> {
    text: &'model str,
    /// Open where the type is not followed.
    kind: Option<Type>,
    /// Whether it may depend on parameters.
    depends: bool,
    /// Whether the language counts it among what varies, whatever it holds: it is then no data argument.
    varies: bool,
    /// Where it is declared; none of a loop's.
    block: Option<Block>,
}

struct Checker<'model> {
    functions: Vec<&'model Function>,
    names: Vec<Name<'model>>,
    block: Block,
    findings: Vec<Diagnostic>,
    /// Loops around the statement.
    loops: usize,
    /// Braces around it.
    scopes: usize,
    /// The function it stands in.
    within: Option<&'model Function>,
}

/// What is known of an expression.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// Open where a part of it was refused already.
    kind: Option<Type>,
    depends: bool,
    varies: bool,
}

impl Known {
    /// The same of several together.
    fn of(kind: Option<Type>, parts: &[Self]) -> Self {
        Self {
            kind,
            depends: parts.iter().any(|part| part.depends),
            varies: parts.iter().any(|part| part.varies),
        }
    }
}

impl<'model> Checker<'model> {
    fn new(program: &'model Program) -> Self {
        Self {
            functions: program.functions.iter().collect(),
            names: Vec::new(),
            block: Block::Function,
            findings: Vec::new(),
            loops: 0,
            scopes: 0,
            within: None,
        }
    }

    fn find(&mut self, code: Code, span: Span, message: impl Into<String>, fix: impl Into<String>) {
        self.findings.push(Diagnostic::new(code, span, message).with_fix(fix));
    }

    fn all(&mut self, list: impl IntoIterator<Item = &'model Expression>) {
        for expression in list {
            self.known(expression);
        }
    }

    /// Whether the name of the function around the statement ends so.
    fn is_within(&self, suffixes: &[&str]) -> bool {
        self.within
            .is_some_and(|function| suffixes.iter().any(|suffix| function.name.ends_with(suffix)))
    }

    /// Whether what is declared here is seen in later blocks.
    fn is_outermost(&self) -> bool {
        self.scopes == 0 && !matches!(self.block, Block::Function | Block::Model)
    }
}

const INT: Type = Type { base: Base::Int, arrays: 0 };
const REAL: Type = Type { base: Base::Real, arrays: 0 };

fn is_scalar(kind: Type) -> bool {
    kind == INT || kind == REAL
}
