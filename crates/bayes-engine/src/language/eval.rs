//! Running a model's statements: on known numbers, or as a trace of what depends on parameters.
//!
//! One evaluator serves all blocks. What is known is computed at once, so sizes, loops and conditions on data
//! vanish from the trace; what depends on parameters becomes steps of a tape.

mod algebra;
mod assign;
mod call;
mod density;
mod expression;
mod index;
mod mass;
mod operator;
mod outcome;
mod random;
mod reduce;
mod shape;

pub(crate) use call::{BINARY, UNARY, is_known};
pub(crate) use density::{
    OTHER as OTHER_DENSITIES, SCALAR as SCALAR_DENSITIES, stem as density_stem,
};
pub(crate) use expression::{nearest, unknown_name};
pub(crate) use operator::run;
pub(crate) use outcome::names;
pub(crate) use random::OWN as DRAWN;

use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;

use super::ast::{Expression, Function, Statement, StatementKind};
use super::replay::Watch;
use super::tape::{Builder, Cell, MAX_STEPS};
use super::value::{Cells, Value};
use super::{Code, Diagnostic, Span};

/// Most statements one block may run.
const MAX_STATEMENTS: u64 = 20_000_000;
/// Most numbers of one value.
pub(crate) const MAX_CELLS: usize = 1_000_000;
/// Most numbers of all variables in scope, of one list of arguments, and of a trace.
pub(crate) const MAX_ALL_CELLS: usize = 10_000_000;
/// Numbers computed after which the limits are looked at.
const MUCH_WORK: usize = 1 << 20;
/// Deepest calls of user functions.
const MAX_CALLS: usize = 50;
/// Deepest expressions and statements, those of called functions included: the stack is 2 MB.
const MAX_DEPTH: usize = 1200;
/// Longest output of `print`.
const MAX_PRINTED: usize = 8 * 1024;

pub(crate) type Evaluated<T> = Result<T, Diagnostic>;

/// The block that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// `data` and `transformed data`.
    Data,
    /// `parameters`, `transformed parameters` and `model`.
    Model,
    /// `generated quantities`.
    Draw,
}

/// How a statement ended.
#[derive(Debug)]
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
    Return(Option<Value>),
}

/// The state of a run.
pub(crate) struct Evaluator<'model> {
    pub(crate) functions: HashMap<&'model str, Vec<&'model Function>>,
    /// Variables in scope, innermost last.
    pub(crate) names: Vec<(&'model str, Value)>,
    /// Where those of the running function start.
    base: usize,
    pub(crate) phase: Phase,
    /// What depends on parameters.
    pub(crate) trace: Builder,
    /// Terms of the log density.
    pub(crate) target: Vec<Cell>,
    /// Byte of the statement behind each term.
    pub(crate) places: Vec<usize>,
    /// Byte of the running statement.
    place: usize,
    /// Source of `_rng` functions.
    pub(crate) random: Option<ChaCha8Rng>,
    /// What is known about the terms of the target.
    pub(crate) watch: Watch,
    /// What `print` said.
    pub(crate) printed: String,
    statements: u64,
    /// Numbers computed since the limits were looked at.
    work: usize,
    calls: usize,
    /// Expressions and statements that are being run.
    depth: usize,
    is_cancelled: &'model (dyn Fn() -> bool + Sync),
}

impl<'model> Evaluator<'model> {
    pub(crate) fn new(
        functions: &'model [Function],
        phase: Phase,
        is_cancelled: &'model (dyn Fn() -> bool + Sync),
    ) -> Self {
        let mut named: HashMap<&str, Vec<&Function>> = HashMap::new();
        for function in functions.iter().filter(|function| function.body.is_some()) {
            named.entry(&function.name).or_default().push(function);
        }
        Self {
            functions: named,
            names: Vec::new(),
            base: 0,
            phase,
            trace: Builder::default(),
            target: Vec::new(),
            places: Vec::new(),
            place: 0,
            random: None,
            watch: Watch::default(),
            printed: String::new(),
            statements: 0,
            work: 0,
            calls: 0,
            depth: 0,
            is_cancelled,
        }
    }

    /// Runs statements in the scope that is open.
    pub(crate) fn run_all(&mut self, statements: &'model [Statement]) -> Evaluated<Flow> {
        for statement in statements {
            let flow = self.run(statement)?;
            if !matches!(flow, Flow::Next) {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    /// Runs statements in a scope of their own.
    fn scoped(&mut self, statements: &'model [Statement]) -> Evaluated<Flow> {
        let depth = self.names.len();
        let flow = self.run_all(statements)?;
        self.names.truncate(depth);
        Ok(flow)
    }

    fn run(&mut self, statement: &'model Statement) -> Evaluated<Flow> {
        self.deeper(statement.span)?;
        let flow = self.run_here(statement);
        self.depth -= 1;
        flow
    }

    /// One level down.
    fn deeper(&mut self, span: Span) -> Evaluated<()> {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            return Ok(());
        }
        let message = format!("expressions and calls are nested deeper than {MAX_DEPTH}");
        Err(Diagnostic::new(Code::Limit, span, message)
            .with_fix("name parts as variables, or write the recursion as a loop"))
    }

    fn run_here(&mut self, statement: &'model Statement) -> Evaluated<Flow> {
        self.count(statement.span)?;
        self.place = statement.span.start;
        match &statement.kind {
            StatementKind::Empty => {}
            StatementKind::Block(list) => return self.scoped(list),
            StatementKind::Declare(declaration) => self.declare(declaration, statement.span)?,
            StatementKind::Assign { target, operator, value } => {
                self.assign(target, *operator, value)?;
            }
            StatementKind::Distribute { outcome, name, arguments } => {
                self.distribute(outcome, name, arguments, statement.span)?;
            }
            StatementKind::Target(value) => {
                self.in_model("target +=", statement.span)?;
                if let Some((outcome, name, arguments)) = Self::density_of(value) {
                    let values = self.values(arguments)?;
                    return self.term(outcome, name, &values, value.span).map(|()| Flow::Next);
                }
                let found = self.value(value)?;
                self.loose_term(value, &found);
            }
            StatementKind::Call(call) => {
                self.call_statement(call)?;
            }
            StatementKind::For { name, low, high, body } => {
                return self.run_for(name, low, high.as_ref(), body);
            }
            StatementKind::While(condition, body) => return self.run_while(condition, body),
            StatementKind::If(condition, then, otherwise) => {
                if self.condition(condition)? {
                    return self.run(then);
                }
                return otherwise.as_ref().map_or(Ok(Flow::Next), |body| self.run(body));
            }
            StatementKind::Break => return Ok(Flow::Break),
            StatementKind::Continue => return Ok(Flow::Continue),
            StatementKind::Return(None) => return Ok(Flow::Return(None)),
            StatementKind::Return(Some(value)) => {
                return Ok(Flow::Return(Some(self.value(value)?)));
            }
            StatementKind::Print(list) => self.print(list)?,
            StatementKind::Reject(list) => {
                let text = self.text(list)?;
                return Err(Diagnostic::new(
                    Code::Rejected,
                    statement.span,
                    format!("reject: {text}"),
                )
                .with_fix("the model refuses this state; see the condition around reject(..)"));
            }
        }
        Ok(Flow::Next)
    }

    /// Evaluates a list in order, as long as it fits into memory.
    pub(super) fn values(&mut self, list: &'model [Expression]) -> Evaluated<Vec<Value>> {
        let mut values = Vec::with_capacity(list.len());
        let mut cells = 0;
        for expression in list {
            let value = self.value(expression)?;
            cells += value.len();
            if cells > MAX_ALL_CELLS {
                return Err(too_large(expression.span));
            }
            values.push(value);
        }
        Ok(values)
    }

    /// Counts one statement against the limits.
    fn count(&mut self, span: Span) -> Evaluated<()> {
        self.statements += 1;
        if !self.statements.is_multiple_of(1024) && self.work < MUCH_WORK {
            return Ok(());
        }
        self.work = 0;
        self.poll(span)?;
        let (steps, cells) = self.trace.size();
        if self.statements > MAX_STATEMENTS || steps > MAX_STEPS || cells > MAX_ALL_CELLS {
            let message = format!(
                "the model runs more than {MAX_STATEMENTS} statements or {MAX_STEPS} traced steps"
            );
            return Err(Diagnostic::new(Code::Limit, span, message)
                .with_fix("write vectorised statements, or use less data"));
        }
        Ok(())
    }

    /// Ends the work if the caller gave up.
    pub(super) fn poll(&self, span: Span) -> Evaluated<()> {
        if (self.is_cancelled)() { Err(given_up(span)) } else { Ok(()) }
    }

    fn run_for(
        &mut self,
        name: &'model str,
        low: &'model Expression,
        high: Option<&'model Expression>,
        body: &'model Statement,
    ) -> Evaluated<Flow> {
        let depth = self.names.len();
        let first = self.value(low)?;
        let items: Box<dyn Iterator<Item = Value>> = if let Some(high) = high {
            let (from, to) = (Self::whole(&first, low.span)?, self.int(high)?);
            Box::new((from..=to).map(|at| Value::int(at as f64)))
        } else if first.kind.arrays > 0 {
            let parts = first.dims.first().copied().unwrap_or(0);
            Box::new((0..parts).map(move |at| first.part(at)))
        } else {
            Box::new(first.elements().into_iter())
        };
        for item in items {
            self.names.push((name, item));
            let flow = self.run(body)?;
            self.names.truncate(depth);
            match flow {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                flow @ Flow::Return(_) => return Ok(flow),
            }
            self.count(body.span)?;
        }
        Ok(Flow::Next)
    }

    fn run_while(
        &mut self,
        condition: &'model Expression,
        body: &'model Statement,
    ) -> Evaluated<Flow> {
        while self.condition(condition)? {
            match self.run(body)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                flow @ Flow::Return(_) => return Ok(flow),
            }
            self.count(condition.span)?;
        }
        Ok(Flow::Next)
    }

    /// A condition on known numbers.
    fn condition(&mut self, expression: &'model Expression) -> Evaluated<bool> {
        let value = self.value(expression)?;
        match value.cells {
            Cells::Number(number) => Ok(number != 0.0),
            _ => Err(on_parameters(expression.span)),
        }
    }

    /// Refuses a trace that outgrew its limit within one statement.
    pub(crate) fn fits(&self) -> Evaluated<()> {
        let (steps, cells) = self.trace.size();
        if steps > MAX_STEPS || cells > MAX_ALL_CELLS {
            return Err(too_large(Span::default()));
        }
        Ok(())
    }

    pub(super) fn in_model(&self, what: &str, span: Span) -> Evaluated<()> {
        if self.phase == Phase::Model || self.watch.replay.is_some() {
            return Ok(());
        }
        Err(Diagnostic::new(Code::Type, span, format!("`{what}` stands outside the model block"))
            .with_fix("move it into the model block"))
    }

    /// Adds every number of a value to the log density.
    pub(crate) fn add_target(&mut self, value: &Value) {
        match &value.cells {
            Cells::Number(number) => {
                let cell = self.trace.constant(*number);
                self.target.push(cell);
            }
            Cells::Known(numbers) => {
                let cell = self.trace.constant(numbers.iter().sum());
                self.target.push(cell);
            }
            Cells::Cell(cell) => self.target.push(*cell),
            Cells::Traced(cells) => self.target.extend_from_slice(cells),
        }
        self.places.resize(self.target.len(), self.place);
    }

    fn print(&mut self, list: &'model [Expression]) -> Evaluated<()> {
        let text = self.text(list)?;
        if self.printed.len() + text.len() < MAX_PRINTED {
            self.printed.push_str(&text);
            self.printed.push('\n');
        }
        Ok(())
    }

    /// The words of `print` and `reject`.
    fn text(&mut self, list: &'model [Expression]) -> Evaluated<String> {
        let mut text = String::new();
        for part in list {
            if let super::ast::ExpressionKind::Text(words) = &part.kind {
                text.push_str(words);
                continue;
            }
            let value = self.value(part)?;
            match value.numbers() {
                Some([number]) => text.push_str(&number.to_string()),
                Some(numbers) => {
                    let shown: Vec<String> = numbers.iter().take(20).map(f64::to_string).collect();
                    text.push_str(&format!("[{}]", shown.join(",")));
                }
                None => text.push_str("(depends on parameters)"),
            }
        }
        Ok(text)
    }
}

pub(crate) fn on_parameters(span: Span) -> Diagnostic {
    let message = "a condition on parameters is not in the supported subset";
    Diagnostic::new(Code::Unsupported, span, message)
        .with_fix("use fmin, fmax or a smooth function; decide on data, or in generated quantities")
}

/// The caller gave up.
pub(super) fn given_up(span: Span) -> Diagnostic {
    Diagnostic::new(Code::Cancelled, span, "cancelled while the model was bound")
}

/// More numbers than are held at once.
pub(super) fn too_large(span: Span) -> Diagnostic {
    let message = format!("more than {MAX_ALL_CELLS} numbers at once");
    Diagnostic::new(Code::Limit, span, message).with_fix("use smaller vectors and matrices")
}
