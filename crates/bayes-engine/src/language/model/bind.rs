//! From a program and its data to a model: known values, tapes, sizes.

use std::ops::Range;

use super::super::ast::{Declaration, Program, Statement, StatementKind, Type};
use super::super::constrain;
use super::super::data::{self, Data};
use super::super::eval::{Evaluated, Evaluator, Phase, given_up};
use super::super::replay::{Part, Watch};
use super::super::tape::{Builder, Cell, Step, Tape, fused, tape};
use super::super::value::Value;
use super::super::{Code, Diagnostic, Span};
use super::variable::Variable;
use super::{Model, stream};

/// Most free parameters.
const MAX_DIM: usize = 20_000;

/// What binding needs.
pub(super) struct Binding<'run> {
    pub(super) program: &'run Program,
    pub(super) text: &'run str,
    pub(super) data: &'run Data,
    pub(super) seed: u64,
    pub(super) part: Part,
    pub(super) is_cancelled: &'run (dyn Fn() -> bool + Sync),
}

impl Binding<'_> {
    pub(super) fn run(&self) -> Evaluated<Model> {
        let mut evaluator = self.knowing()?;
        let known: Vec<(String, Value)> = evaluator
            .names
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let mut variables = Vec::new();
        evaluator.watch = Watch { part: self.part, ..Watch::default() };
        let free = parameters(&mut evaluator, &self.program.parameters, &mut variables)?;
        evaluator.watch.parameters = known.len()..evaluator.names.len();
        if self.part == Part::Plain {
            // so far the target holds Jacobians alone
            evaluator.target.clear();
            evaluator.places.clear();
        }
        evaluator.run_all(&self.program.transformed_parameters)?;
        for (declaration, span) in declared(&self.program.transformed_parameters) {
            constrain::check(&mut evaluator, declaration, span, "")?;
            let value = evaluator.variable(&declaration.name, span)?;
            keep(&mut variables, &declaration.name, value.kind, value.dims.clone(), 1);
        }
        let mut cells = Vec::new();
        for variable in &variables {
            let value = evaluator.variable(&variable.name, Span::default())?.clone();
            cells.extend(evaluator.cells(&value));
        }
        evaluator.fits()?;
        let traced = cells.len();
        let outputs = self.tape(&evaluator, cells)?;
        evaluator.run_all(&self.program.model)?;
        evaluator.fits()?;
        let lines = self.lines(evaluator.places.iter().copied());
        let terms = (self.tape(&evaluator, evaluator.target.clone())?, lines);
        let density = self.total(&mut evaluator)?;
        let printed = std::mem::take(&mut evaluator.printed);
        let mixed = self.lines(evaluator.watch.mixed.iter().copied());
        let (program, seed) = (Program::default(), self.seed);
        let model = Model {
            program,
            known,
            variables,
            traced,
            density,
            outputs,
            terms,
            dim: free.last().map_or(0, |last| last.end),
            free,
            data_terms: std::mem::take(&mut evaluator.watch.data),
            conditional: std::mem::take(&mut evaluator.watch.conditional),
            mixed,
            seed,
            printed,
        };
        self.generated(model)
    }

    /// An evaluator that has run the data blocks.
    fn knowing(&self) -> Evaluated<Evaluator<'_>> {
        let mut evaluator = Evaluator::new(&self.program.functions, Phase::Data, self.is_cancelled);
        evaluator.random = Some(stream(self.seed, 0, 0));
        let is_declared = |name: &str| {
            declared(&self.program.data).any(|(declaration, _)| declaration.name == name)
        };
        for (declaration, span) in declarations(&self.program.data, "data")? {
            data::bind(&mut evaluator, declaration, span, self.data, &is_declared)?;
        }
        evaluator.run_all(&self.program.transformed_data)?;
        for (declaration, span) in declared(&self.program.transformed_data) {
            constrain::check(&mut evaluator, declaration, span, "")?;
        }
        evaluator.random = None;
        Ok(evaluator)
    }

    /// The lines of bytes, from 1.
    fn lines(&self, starts: impl Iterator<Item = usize>) -> Vec<usize> {
        let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let ends: Vec<usize> = ends.map(|(at, _)| at).collect();
        starts.map(|start| ends.partition_point(|end| *end < start) + 1).collect()
    }

    /// The tape that computes these cells.
    fn tape(&self, evaluator: &Evaluator<'_>, cells: Vec<Cell>) -> Evaluated<Tape> {
        tape(&evaluator.trace, &[cells.into()], self.is_cancelled)
            .ok_or_else(|| given_up(Span::default()))
    }

    /// The tape of the log density.
    fn total(&self, evaluator: &mut Evaluator<'_>) -> Evaluated<Tape> {
        let target = std::mem::take(&mut evaluator.target);
        let target = fused(&mut evaluator.trace, &target, self.is_cancelled)
            .ok_or_else(|| given_up(Span::default()))?;
        let root: Vec<Cell> = if target.is_empty() {
            vec![evaluator.trace.constant(0.0)]
        } else {
            vec![evaluator.trace.push(Step::Sum, vec![target.into()], 1)]
        };
        evaluator.fits()?;
        self.tape(evaluator, root)
    }

    /// Adds the generated quantities, run once at the origin for their sizes.
    fn generated(&self, model: Model) -> Evaluated<Model> {
        let mut model = Model { program: self.program.clone(), ..model };
        let mut numbers = vec![0.0; model.traced];
        model.density().outputs(&vec![0.0; model.dim], &mut numbers);
        let mut made = Vec::new();
        {
            let mut evaluator = model.at(&numbers, 2, self.is_cancelled);
            evaluator.random = Some(stream(self.seed, 0, 1));
            for statement in &self.program.generated_quantities {
                if let StatementKind::Declare(declaration) = &statement.kind {
                    let (kind, dims) = evaluator.shape(declaration, statement.span)?;
                    made.push((declaration.name.clone(), kind, dims));
                }
                // the origin may lie where a function has no value
                match evaluator.run_all(std::slice::from_ref(statement)) {
                    Err(error) if !matches!(error.code, Code::Rejected | Code::Numeric) => {
                        return Err(error);
                    }
                    _ => {}
                }
            }
        }
        for (name, kind, dims) in made {
            keep(&mut model.variables, &name, kind, dims, 2);
        }
        Ok(model)
    }
}

/// Declares the parameters; the free numbers of each.
fn parameters<'model>(
    evaluator: &mut Evaluator<'model>,
    block: &'model [Statement],
    variables: &mut Vec<Variable>,
) -> Evaluated<Vec<Range<usize>>> {
    let declarations = declarations(block, "parameters")?;
    let mut dim = 0;
    for (declaration, span) in &declarations {
        if declaration.value.is_some() {
            let message = format!("parameter `{}` has a value", declaration.name);
            return Err(Diagnostic::new(Code::Type, *span, message)
                .with_fix("move it to transformed parameters"));
        }
        let (kind, dims) = evaluator.shape(declaration, *span)?;
        dim += constrain::free_count(declaration, &dims);
        keep(variables, &declaration.name, kind, dims, 0);
    }
    if dim > MAX_DIM {
        let message = format!("{dim} free parameters are more than {MAX_DIM}");
        return Err(Diagnostic::new(Code::Limit, Span::default(), message)
            .with_fix("use fewer parameters, or sum some out"));
    }
    evaluator.phase = Phase::Model;
    evaluator.trace = Builder::new(dim);
    let mut free: Vec<Range<usize>> = Vec::with_capacity(declarations.len());
    for ((declaration, span), variable) in declarations.iter().zip(variables.iter()) {
        let (kind, dims) = (variable.kind, &variable.dims);
        let first = free.last().map_or(0, |last| last.end);
        let value = constrain::parameter(evaluator, declaration, *span, kind, dims, first)?;
        free.push(first..first + constrain::free_count(declaration, dims));
        evaluator.names.push((&declaration.name, value));
    }
    Ok(free)
}

fn keep(variables: &mut Vec<Variable>, name: &str, kind: Type, dims: Vec<usize>, block: u8) {
    let start = variables.last().map_or(0, |last| last.start + last.len());
    variables.push(Variable { name: name.to_owned(), kind, dims, start, block });
}

/// Declarations of a block that holds nothing else.
fn declarations<'model>(
    block: &'model [Statement],
    name: &str,
) -> Evaluated<Vec<(&'model Declaration, Span)>> {
    block
        .iter()
        .map(|statement| match &statement.kind {
            StatementKind::Declare(declaration) => Ok((&**declaration, statement.span)),
            _ => Err(Diagnostic::new(
                Code::Syntax,
                statement.span,
                format!("the {name} block holds declarations only"),
            )
            .with_fix(format!("move the statement to transformed {name} or to the model"))),
        })
        .collect()
}

/// Variables that a block declares outside of inner blocks.
pub(super) fn declared(block: &[Statement]) -> impl Iterator<Item = (&Declaration, Span)> {
    block.iter().filter_map(|statement| match &statement.kind {
        StatementKind::Declare(declaration) => Some((&**declaration, statement.span)),
        _ => None,
    })
}
