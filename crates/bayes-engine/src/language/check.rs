//! What a text says about itself, without data: names, types, places where a statement may stand.
//!
//! Types of a few built-in functions are left open; binding to data decides what this leaves.

mod expression;

use std::collections::HashSet;

use super::ast::{
    Base, Declaration, Expression, ExpressionKind, Function, Program, Statement, StatementKind,
    Type,
};
use super::eval::{OTHER_DENSITIES, SCALAR_DENSITIES, nearest};
use super::value::{plain, shown};
use super::{Code, Diagnostic, Span};

/// Most findings told at once.
const MAX_FINDINGS: usize = 20;

/// All findings of a parsed model, in the order of the text.
pub fn check(program: &Program, text: &str) -> Vec<Diagnostic> {
    let mut checker = Checker::new(program);
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
    /// Whether it stands in a function that may draw.
    may_draw: bool,
}

/// What is known of an expression.
#[derive(Debug, Clone, Copy)]
struct Known {
    kind: Option<Type>,
    depends: bool,
}

impl<'model> Checker<'model> {
    fn new(program: &'model Program) -> Self {
        let mut checker = Self {
            functions: program.functions.iter().collect(),
            names: Vec::new(),
            block: Block::Function,
            findings: Vec::new(),
            loops: 0,
            may_draw: false,
        };
        let mut bodies = HashSet::new();
        for function in program.functions.iter().filter(|function| function.body.is_some()) {
            let kinds: Vec<String> =
                function.arguments.iter().map(|argument| shown(argument.kind)).collect();
            if !bodies.insert((&function.name, kinds)) {
                let message = format!("function `{}` is defined twice", function.name);
                checker.find(Code::Syntax, function.span, message, "keep one of them");
            }
        }
        checker
    }

    fn find(&mut self, code: Code, span: Span, message: impl Into<String>, fix: impl Into<String>) {
        self.findings.push(Diagnostic::new(code, span, message).with_fix(fix));
    }

    fn function(&mut self, function: &'model Function) {
        let Some(body) = &function.body else { return };
        let depth = self.names.len();
        for argument in &function.arguments {
            self.names.push(Name {
                text: &argument.name,
                kind: Some(argument.kind),
                depends: false,
                block: None,
            });
        }
        if function.name.ends_with("_lp") {
            let message = format!(
                "user function `{}` with this suffix is not in the supported subset",
                function.name
            );
            let fix = "write its statements where it is called";
            self.find(Code::Unsupported, function.span, message, fix);
        }
        self.may_draw = function.name.ends_with("_rng");
        self.statement(body);
        self.may_draw = false;
        self.names.truncate(depth);
    }

    fn statements(&mut self, list: &'model [Statement]) {
        let depth = self.names.len();
        for statement in list {
            self.statement(statement);
        }
        self.names.truncate(depth);
    }

    fn statement(&mut self, statement: &'model Statement) {
        let span = statement.span;
        if matches!(self.block, Block::Data | Block::Parameters)
            && !matches!(statement.kind, StatementKind::Declare(_))
        {
            let fix = "declare variables here and compute in a transformed block";
            self.find(Code::Syntax, span, "this block holds declarations only", fix);
            return;
        }
        match &statement.kind {
            StatementKind::Empty => {}
            StatementKind::Block(list) => self.statements(list),
            StatementKind::Declare(declaration) => self.declare(declaration, span),
            StatementKind::Assign { target, operator, value } => {
                self.assign(target, operator.is_some(), value);
            }
            StatementKind::Distribute { outcome, name, arguments } => {
                self.in_model("~", span);
                self.known(outcome);
                self.all(arguments);
                self.distribution(name, arguments.len(), span);
            }
            StatementKind::Target(value) => {
                self.in_model("target +=", span);
                self.known(value);
            }
            StatementKind::Call(call) => {
                self.known(call);
            }
            StatementKind::For { name, low, high, body } => {
                self.run_for(name, low, high.as_ref(), body);
            }
            StatementKind::While(condition, body) => {
                self.condition(condition);
                self.looped(body);
            }
            StatementKind::If(condition, then, otherwise) => {
                self.condition(condition);
                self.statement(then);
                if let Some(otherwise) = otherwise {
                    self.statement(otherwise);
                }
            }
            StatementKind::Break | StatementKind::Continue => {
                if self.loops == 0 {
                    self.find(Code::Syntax, span, "this stands outside a loop", "remove it");
                }
            }
            StatementKind::Return(value) => {
                if self.block != Block::Function {
                    let fix = "remove it; blocks run to their end";
                    self.find(Code::Syntax, span, "`return` stands outside a function", fix);
                }
                self.all(value);
            }
            StatementKind::Print(list) | StatementKind::Reject(list) => {
                self.all(list);
            }
        }
    }

    fn all(&mut self, list: impl IntoIterator<Item = &'model Expression>) {
        for expression in list {
            self.known(expression);
        }
    }

    fn looped(&mut self, body: &'model Statement) {
        self.loops += 1;
        self.statement(body);
        self.loops -= 1;
    }

    fn run_for(
        &mut self,
        name: &'model str,
        low: &'model Expression,
        high: Option<&'model Expression>,
        body: &'model Statement,
    ) {
        let int = Type { base: Base::Int, arrays: 0 };
        let first = self.known(low);
        let mut kind = Some(int);
        if let Some(high) = high {
            for (known, end) in [(first, low), (self.known(high), high)] {
                if known.kind.is_some_and(|kind| kind != int) {
                    let met = known.kind.map(shown).unwrap_or_default();
                    let message = format!("the end of a loop is {met}, not int");
                    self.find(Code::Type, end.span, message, "use a whole number");
                }
            }
        } else {
            kind = first.kind.and_then(element);
        }
        let depth = self.names.len();
        self.names.push(Name {
            text: name,
            kind,
            depends: high.is_none() && first.depends,
            block: None,
        });
        self.looped(body);
        self.names.truncate(depth);
    }

    fn declare(&mut self, declaration: &'model Declaration, span: Span) {
        for size in declaration.arrays.iter().chain(&declaration.sizes) {
            let known = self.known(size);
            if known.kind.is_some_and(|kind| kind != Type { base: Base::Int, arrays: 0 }) {
                let message = format!("a size of `{}` is not int", declaration.name);
                self.find(Code::Type, size.span, message, "declare the size as int");
            } else if known.depends && self.block != Block::Generated {
                let message = format!("a size of `{}` depends on parameters", declaration.name);
                self.find(Code::Type, size.span, message, "sizes are data");
            }
        }
        let bounds = &declaration.bounds;
        let all = [&bounds.lower, &bounds.upper, &bounds.offset, &bounds.multiplier];
        all.into_iter().flatten().for_each(|bound| {
            self.known(bound);
        });
        let kind = Type { base: plain(declaration.base), arrays: declaration.arrays.len() };
        let mut depends = self.block == Block::Parameters;
        if let Some(value) = &declaration.value {
            let known = self.known(value);
            depends |= known.depends;
            self.fits(&declaration.name, kind, known, value.span);
        }
        if self.block == Block::Parameters && kind.base == Base::Int {
            let message = format!("parameter `{}` is int", declaration.name);
            let fix = "sum it out of the density with log_sum_exp, or declare it real";
            self.find(Code::Type, span, message, fix);
        }
        if self.names.iter().any(|known| known.text == declaration.name) {
            let message = format!("`{}` is declared twice", declaration.name);
            self.find(Code::Syntax, span, message, "rename one of them");
        }
        let block = Some(self.block);
        self.names.push(Name { text: &declaration.name, kind: Some(kind), depends, block });
    }

    fn assign(&mut self, target: &'model Expression, is_compound: bool, value: &'model Expression) {
        let known = self.known(value);
        let into = self.known(target);
        let mut root = target;
        while let ExpressionKind::Index(base, _) = &root.kind {
            root = base;
        }
        let ExpressionKind::Name(name) = &root.kind else { return };
        let here = self.block;
        let Some(place) = self.names.iter().rposition(|known| known.text == name) else { return };
        if self.names[place].block != Some(here) {
            let message = format!("`{name}` is not assigned to here");
            let fix = "declare a variable of its own in this block";
            self.find(Code::Type, target.span, message, fix);
        }
        self.names[place].depends |= known.depends;
        let is_int = into.kind.is_some_and(|kind| kind.base == Base::Int);
        // `v *= 2` stores a vector: what an operator makes of both is known when it runs
        if let Some(kind) = into.kind.filter(|_| !is_compound || is_int) {
            self.fits(name, kind, known, value.span);
        }
    }

    /// Whether a value may be stored as this type.
    fn fits(&mut self, name: &str, kind: Type, known: Known, span: Span) {
        let Some(met) = known.kind else { return };
        let is_widened =
            met.base == Base::Int && kind.base == Base::Real && met.arrays == kind.arrays;
        if met == kind || is_widened {
            return;
        }
        let fix = match (kind.base, met.base) {
            (Base::Int, Base::Real) => "declare it real, or compute with whole numbers only",
            (Base::Vector, Base::RowVector) | (Base::RowVector, Base::Vector) => {
                "transpose it with '"
            }
            _ => "change the declaration or convert the value, for example with to_vector",
        };
        let message = format!("`{name}` is {}, the value {}", shown(kind), shown(met));
        self.find(Code::Type, span, message, fix);
    }

    fn condition(&mut self, condition: &'model Expression) {
        let known = self.known(condition);
        if known.depends && matches!(self.block, Block::TransformedParameters | Block::Model) {
            self.findings.push(super::eval::on_parameters(condition.span));
        }
    }

    fn in_model(&mut self, what: &str, span: Span) {
        if !matches!(self.block, Block::Model) {
            let message = format!("`{what}` stands outside the model block");
            self.find(Code::Type, span, message, "move it into the model block");
        }
    }

    fn distribution(&mut self, name: &str, given: usize, span: Span) {
        let own = |function: &&Function| {
            let rest = function.name.strip_prefix(name);
            matches!(rest, Some("_lpdf" | "_lpmf"))
        };
        if self.functions.iter().any(own) {
            return;
        }
        let listed = SCALAR_DENSITIES.iter().find(|(known, ..)| *known == name);
        if let Some((_, _, wanted, _)) = listed {
            if *wanted != given {
                let message = format!("`{name}` takes {wanted} parameters, {given} are given");
                self.find(Code::Type, span, message, "give each parameter once");
            }
            return;
        }
        if OTHER_DENSITIES.contains(&name) {
            return;
        }
        let all = SCALAR_DENSITIES.iter().map(|(known, ..)| *known).chain(OTHER_DENSITIES);
        let fix = nearest(name, all).map_or_else(
            || "write its log density with target += in terms of functions".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let short: String = name.chars().take(60).collect();
        let message = format!("distribution `{short}` is not in the supported subset");
        self.find(Code::Unsupported, span, message, fix);
    }
}

/// What a loop over a value runs through.
fn element(kind: Type) -> Option<Type> {
    match kind {
        Type { base, arrays } if arrays > 0 => Some(Type { base, arrays: arrays - 1 }),
        Type { base: Base::Vector | Base::RowVector | Base::Matrix, .. } => {
            Some(Type { base: Base::Real, arrays: 0 })
        }
        _ => None,
    }
}
