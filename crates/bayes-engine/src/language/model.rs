//! A model on its data: a log density, and what is computed of every draw.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::ast::{Declaration, Program, Statement, StatementKind, Type};
use super::check::check;
use super::constrain;
use super::data::{self, Data};
use super::eval::{Evaluated, Evaluator, Phase};
use super::tape::{Builder, Cell, Step, Tape, Workspace, tape};
use super::value::{Value, shown};
use super::{Code, Diagnostic, Span};

/// Most free parameters.
const MAX_DIM: usize = 20_000;

/// A variable whose draws are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type, constraints aside.
    pub kind: Type,
    /// Sizes of its arrays, then of its vector or matrix.
    pub dims: Vec<usize>,
    /// Where its first number stands among all that are kept.
    pub start: usize,
    /// Which block declares it: 0 parameters, 1 transformed parameters, 2 generated quantities.
    pub block: u8,
}

/// A model bound to data.
#[derive(Debug)]
pub struct Model {
    program: Program,
    /// Data and transformed data.
    known: Vec<(String, Value)>,
    variables: Vec<Variable>,
    /// Numbers of parameters and transformed parameters.
    traced: usize,
    density: Tape,
    outputs: Tape,
    /// Terms of the log density, each with its line.
    terms: (Tape, Vec<usize>),
    dim: usize,
    seed: u64,
    printed: String,
}

/// The log density of one chain, with its arena.
#[derive(Debug)]
pub struct Density<'model> {
    model: &'model Model,
    target: Workspace,
    outputs: Workspace,
}

impl Model {
    /// Runs a parsed model on data; `text` is what it was parsed from.
    pub fn bind(
        program: &Program,
        text: &str,
        data: &Data,
        seed: u64,
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, Diagnostic> {
        if let Some(finding) = check(program, text).into_iter().next() {
            return Err(finding);
        }
        Binding { program, text, data, seed, is_cancelled }
            .run()
            .map_err(|diagnostic| diagnostic.located(text))
    }

    /// Free parameters.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Words on the first statement whose density fails at the origin.
    pub fn first_failure(&self) -> String {
        let mut work = self.terms.0.workspace();
        if !self.terms.0.forward(&mut work, &vec![0.0; self.dim]) {
            return "; a bound of a transformed parameter is broken at the origin".to_owned();
        }
        let mut numbers = vec![0.0; self.terms.1.len()];
        self.terms.0.root(&work, 0, &mut numbers);
        let failed = numbers.iter().zip(&self.terms.1).find(|(number, _)| !number.is_finite());
        failed.map_or_else(String::new, |(number, line)| {
            format!("; at the origin a term of line {line} is {number}")
        })
    }

    /// What is kept of every draw.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Numbers kept of every draw.
    pub fn width(&self) -> usize {
        self.variables.iter().map(Variable::len).sum()
    }

    /// What `print` said while the model was bound.
    pub fn printed(&self) -> &str {
        &self.printed
    }

    /// Array steps of the log density.
    pub fn steps(&self) -> usize {
        self.density.len()
    }

    /// The log density for one chain.
    pub fn density(&self) -> Density<'_> {
        let (target, outputs) = (self.density.workspace(), self.outputs.workspace());
        Density { model: self, target, outputs }
    }

    /// Generated quantities of one draw, after its parameters in `numbers`; false if the model refused it.
    ///
    /// Random numbers depend on the seed, the chain and the draw alone.
    pub fn generate(&self, chain: u32, draw: u32, numbers: &mut [f64]) -> Result<bool, Diagnostic> {
        let (given, made) = numbers.split_at_mut(self.traced);
        made.fill(f64::NAN);
        if made.is_empty() {
            return Ok(true);
        }
        let idle = || false;
        let mut evaluator = Evaluator::new(&self.program.functions, Phase::Draw, &idle);
        evaluator.random = Some(stream(self.seed, chain, draw));
        evaluator
            .names
            .extend(self.known.iter().map(|(name, value)| (name.as_str(), value.clone())));
        for variable in self.variables.iter().filter(|variable| variable.block < 2) {
            let numbers = given[variable.start..variable.start + variable.len()].to_vec();
            let value = Value::known(variable.kind, variable.dims.clone(), numbers);
            evaluator.names.push((&variable.name, value));
        }
        let ended = evaluator.run_all(&self.program.generated_quantities);
        for variable in self.variables.iter().filter(|variable| variable.block == 2) {
            let found = evaluator.place(&variable.name, Span::default()).ok();
            let value = found.map(|place| &evaluator.names[place].1);
            if let Some(numbers) = value.and_then(Value::numbers) {
                let start = variable.start - self.traced;
                let slots = &mut made[start..start + variable.len()];
                slots.iter_mut().zip(numbers).for_each(|(slot, number)| *slot = *number);
            }
        }
        match ended {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.code, Code::Rejected | Code::Numeric) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The stream of random numbers of one draw; chain 0 is the model's own.
fn stream(seed: u64, chain: u32, draw: u32) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream((u64::from(chain) << 32) + u64::from(draw) + (1 << 63));
    random
}

impl Density<'_> {
    /// Free parameters.
    pub fn dim(&self) -> usize {
        self.model.dim
    }

    /// Log density with the log Jacobian at a free point, and its gradient; `None` where it has none.
    pub fn gradient(&mut self, point: &[f64], gradient: &mut [f64]) -> Option<f64> {
        let value = self.model.density.gradient(&mut self.target, point, gradient)?;
        (value.is_finite() && gradient.iter().all(|slope| slope.is_finite())).then_some(value)
    }

    /// Parameters and transformed parameters at a free point, into the head of `numbers`.
    pub fn outputs(&mut self, point: &[f64], numbers: &mut [f64]) {
        let head = &mut numbers[..self.model.traced];
        self.model.outputs.forward(&mut self.outputs, point);
        self.model.outputs.root(&self.outputs, 0, head);
    }
}

impl Variable {
    /// Numbers it holds.
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Its type with its sizes: `array[2] vector[3]`.
    pub fn shown(&self) -> String {
        let list = |dims: &[usize]| dims.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let (arrays, inner) = self.dims.split_at(self.kind.arrays.min(self.dims.len()));
        let base = shown(Type { base: self.kind.base, arrays: 0 });
        let base = if inner.is_empty() { base } else { format!("{base}[{}]", list(inner)) };
        if arrays.is_empty() { base } else { format!("array[{}] {base}", list(arrays)) }
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of its number at a place: `theta[1,2]`.
    pub fn label(&self, place: usize) -> String {
        if self.dims.is_empty() {
            return self.name.clone();
        }
        let arrays = self.kind.arrays;
        let inner: usize = self.dims.iter().skip(arrays).product();
        let mut positions = Vec::with_capacity(self.dims.len());
        let mut left = place / inner.max(1);
        for size in self.dims.iter().take(arrays).rev() {
            positions.push(left % size + 1);
            left /= size;
        }
        positions.reverse();
        let mut left = place % inner.max(1);
        for size in self.dims.iter().skip(arrays) {
            positions.push(left % size + 1);
            left /= size;
        }
        let shown: Vec<String> = positions.iter().map(usize::to_string).collect();
        format!("{}[{}]", self.name, shown.join(","))
    }
}

impl Program {
    /// Names and types of what the data block declares.
    pub fn data_variables(&self) -> Vec<(String, String)> {
        listed(&self.data)
    }

    /// Names and types of the parameters.
    pub fn parameter_variables(&self) -> Vec<(String, String)> {
        listed(&self.parameters)
    }
}

fn listed(block: &[Statement]) -> Vec<(String, String)> {
    let kind = |declaration: &Declaration| {
        shown(Type { base: declaration.base, arrays: declaration.arrays.len() })
    };
    declared(block).map(|(declaration, _)| (declaration.name.clone(), kind(declaration))).collect()
}

/// What binding needs.
struct Binding<'run> {
    program: &'run Program,
    text: &'run str,
    data: &'run Data,
    seed: u64,
    is_cancelled: &'run (dyn Fn() -> bool + Sync),
}

impl Binding<'_> {
    fn run(&self) -> Evaluated<Model> {
        let mut evaluator = Evaluator::new(&self.program.functions, Phase::Data, self.is_cancelled);
        evaluator.random = Some(stream(self.seed, 0, 0));
        for (declaration, span) in declarations(&self.program.data, "data")? {
            data::bind(&mut evaluator, declaration, span, self.data)?;
        }
        evaluator.run_all(&self.program.transformed_data)?;
        for (declaration, span) in declared(&self.program.transformed_data) {
            constrain::check(&mut evaluator, declaration, span, "")?;
        }
        evaluator.random = None;
        let known: Vec<(String, Value)> = evaluator
            .names
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let mut variables = Vec::new();
        let dim = parameters(&mut evaluator, &self.program.parameters, &mut variables)?;
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
        let outputs = tape(&evaluator.trace, &[cells.into()]);
        evaluator.run_all(&self.program.model)?;
        evaluator.fits()?;
        let terms = self.terms(&evaluator);
        let density = total(&mut evaluator);
        let printed = std::mem::take(&mut evaluator.printed);
        let (program, seed) = (Program::default(), self.seed);
        let model = Model {
            program,
            known,
            variables,
            traced,
            density,
            outputs,
            terms,
            dim,
            seed,
            printed,
        };
        self.generated(model)
    }

    /// The terms of the target and the lines that added them.
    fn terms(&self, evaluator: &Evaluator<'_>) -> (Tape, Vec<usize>) {
        let line = |start: &usize| {
            self.text.bytes().take(*start).filter(|byte| *byte == b'\n').count() + 1
        };
        let lines = evaluator.places.iter().map(line).collect();
        (tape(&evaluator.trace, &[evaluator.target.clone().into()]), lines)
    }

    /// Adds the generated quantities, run once at the origin for their sizes.
    fn generated(&self, model: Model) -> Evaluated<Model> {
        let mut model = Model { program: self.program.clone(), ..model };
        let mut numbers = vec![0.0; model.traced];
        model.density().outputs(&vec![0.0; model.dim], &mut numbers);
        let mut made = Vec::new();
        {
            let mut evaluator =
                Evaluator::new(&self.program.functions, Phase::Draw, self.is_cancelled);
            evaluator.random = Some(stream(self.seed, 0, 1));
            let known = model.known.iter().map(|(name, value)| (name.as_str(), value.clone()));
            evaluator.names.extend(known);
            for variable in &model.variables {
                let part = numbers[variable.start..variable.start + variable.len()].to_vec();
                let value = Value::known(variable.kind, variable.dims.clone(), part);
                evaluator.names.push((&variable.name, value));
            }
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

/// Declares the parameters; how many free numbers they have.
fn parameters<'model>(
    evaluator: &mut Evaluator<'model>,
    block: &'model [Statement],
    variables: &mut Vec<Variable>,
) -> Evaluated<usize> {
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
    let mut first = 0;
    for ((declaration, span), variable) in declarations.iter().zip(variables.iter()) {
        let (kind, dims) = (variable.kind, &variable.dims);
        let value = constrain::parameter(evaluator, declaration, *span, kind, dims, first)?;
        first += constrain::free_count(declaration, dims);
        evaluator.names.push((&declaration.name, value));
    }
    Ok(dim)
}

fn keep(variables: &mut Vec<Variable>, name: &str, kind: Type, dims: Vec<usize>, block: u8) {
    let start = variables.last().map_or(0, |last| last.start + last.len());
    variables.push(Variable { name: name.to_owned(), kind, dims, start, block });
}

/// The tape of the log density.
fn total(evaluator: &mut Evaluator<'_>) -> Tape {
    let target = std::mem::take(&mut evaluator.target);
    let root: Vec<Cell> = if target.is_empty() {
        vec![evaluator.trace.constant(0.0)]
    } else {
        vec![evaluator.trace.push(Step::Sum, vec![target.into()], 1)]
    };
    tape(&evaluator.trace, &[root.into()])
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
fn declared(block: &[Statement]) -> impl Iterator<Item = (&Declaration, Span)> {
    block.iter().filter_map(|statement| match &statement.kind {
        StatementKind::Declare(declaration) => Some((&**declaration, statement.span)),
        _ => None,
    })
}
