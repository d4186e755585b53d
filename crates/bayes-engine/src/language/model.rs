//! A model on its data: a log density, and what is computed of every draw.

mod ancestral;
mod bind;
mod free;
mod proper;
mod variable;

use std::collections::BTreeSet;
use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::ast::Program;
use super::check::check;
use super::data::Data;
use super::eval::{Evaluator, Phase};
use super::replay::{Part, Replay, Wanted, Watch};
use super::tape::{Tape, Workspace};
use super::value::Value;
use super::{Code, Diagnostic, Span};
use bind::Binding;
pub use variable::Variable;

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
    /// Free numbers of each parameter.
    free: Vec<Range<usize>>,
    /// Statements whose outcome is data, by their first byte.
    data_terms: BTreeSet<usize>,
    /// Statements on parameters given others, by their first byte.
    conditional: BTreeSet<usize>,
    /// Lines of terms that may mix data and parameters.
    mixed: Vec<usize>,
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
        Self::bind_part(program, text, data, seed, Part::Posterior, is_cancelled)
    }

    /// The same with a density of one part only.
    pub fn bind_part(
        program: &Program,
        text: &str,
        data: &Data,
        seed: u64,
        part: Part,
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, Diagnostic> {
        if let Some(finding) = check(program, text).into_iter().next() {
            return Err(finding);
        }
        Binding { program, text, data, seed, part, is_cancelled }
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
        let mut evaluator = self.at(given, 2, &idle);
        evaluator.random = Some(stream(self.seed, chain, draw));
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

    /// Runs the model's own statements on a draw whose parameters and transformed parameters stand in
    /// `numbers`; none if it refused it.
    pub fn replay(
        &self,
        chain: u32,
        draw: u32,
        numbers: &[f64],
        wanted: Wanted,
    ) -> Result<Option<Replay>, Diagnostic> {
        let idle = || false;
        self.replayed(self.at(numbers, 2, &idle), chain, draw, wanted)
    }

    /// The same for parameters of a fit to other data: what is transformed is computed again.
    pub fn foretell(
        &self,
        chain: u32,
        draw: u32,
        parameters: &[f64],
        wanted: Wanted,
    ) -> Result<Option<Replay>, Diagnostic> {
        let idle = || false;
        let mut evaluator = self.at(parameters, 1, &idle);
        match evaluator.run_all(&self.program.transformed_parameters) {
            Ok(_) => self.replayed(evaluator, chain, draw, wanted),
            Err(error) if matches!(error.code, Code::Rejected | Code::Numeric) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn replayed<'run>(
        &'run self,
        mut evaluator: Evaluator<'run>,
        chain: u32,
        draw: u32,
        wanted: Wanted,
    ) -> Result<Option<Replay>, Diagnostic> {
        // other numbers than those of the generated quantities
        evaluator.random = Some(stream(!self.seed, chain, draw));
        evaluator.watch = Watch {
            data: self.data_terms.clone(),
            conditional: self.conditional.clone(),
            replay: Some((Replay::default(), wanted)),
            ..Watch::default()
        };
        match evaluator.run_all(&self.program.model) {
            Ok(_) => Ok(evaluator.watch.replay.map(|(replay, _)| replay)),
            Err(error) if matches!(error.code, Code::Rejected | Code::Numeric) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lines of the terms of which it is not known whether they belong to the data or to the prior.
    pub fn mixed_lines(&self) -> &[usize] {
        &self.mixed
    }

    /// Whether any data have a distribution.
    pub fn has_data_terms(&self) -> bool {
        !self.data_terms.is_empty()
    }

    /// Parameters along which the density does not fall towards an end: it has no finite integral there.
    ///
    /// Looked at from several places, for at one a scale may seem to attract without end.
    pub fn improper(&self) -> Vec<String> {
        let mut density = self.density();
        let mut gradient = vec![0.0; self.dim];
        let mut is_open = |at: usize, end: f64, place: u32| {
            let mut point: Vec<f64> =
                (0..self.dim).map(|at| (f64::from(place) + 1.3 * at as f64).sin()).collect();
            point[at] = end;
            density.gradient(&point, &mut gradient).is_some() && gradient[at] * end.signum() >= 0.0
        };
        let mut found = Vec::new();
        for (variable, free) in self.variables.iter().zip(&self.free) {
            // a few numbers of a variable stand for all
            let mut ends = free.clone().take(20).flat_map(|at| [(at, -FAR), (at, FAR)]);
            if ends.any(|(at, end)| (1..=PLACES).all(|place| is_open(at, end, place))) {
                found.push(variable.name.clone());
            }
        }
        found
    }

    /// An evaluator that knows the data and the first blocks of one draw.
    fn at<'run>(
        &'run self,
        numbers: &[f64],
        blocks: u8,
        is_cancelled: &'run (dyn Fn() -> bool + Sync),
    ) -> Evaluator<'run> {
        let mut evaluator = Evaluator::new(&self.program.functions, Phase::Draw, is_cancelled);
        let known = self.known.iter().map(|(name, value)| (name.as_str(), value.clone()));
        evaluator.names.extend(known);
        for variable in self.variables.iter().filter(|variable| variable.block < blocks) {
            let numbers = numbers[variable.start..variable.start + variable.len()].to_vec();
            let value = Value::known(variable.kind, variable.dims.clone(), numbers);
            evaluator.names.push((&variable.name, value));
        }
        evaluator
    }
}

/// How far out in a free parameter the density of a prior must have begun to fall.
const FAR: f64 = 25.0;
/// Places from which that is looked at.
const PLACES: u32 = 4;

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
