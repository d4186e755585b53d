//! Problems in a user's own expressions.

use std::ops::RangeInclusive;

use super::{MAX_OBJECTIVES, Problem};
use crate::{
    Error, Result, Sense, Space, Variable,
    expression::{Compiler, Fault, FaultKind, Program, Table},
};

/// Most constraints, and most named values, of a problem.
const MAX_CONSTRAINTS: usize = 100;
const MAX_LETS: usize = 100;
/// Most behaviours, and cells along one.
const MAX_DESCRIPTORS: usize = 8;
const MAX_CELLS: u32 = 1000;

/// What a constraint demands of its expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// At most, or equal.
    pub relation: Relation,
    /// Right side.
    pub rhs: f64,
    /// How far it may be broken.
    pub tolerance: f64,
}

/// How an expression relates to its right side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `<=`
    AtMost,
    /// `==`
    Equal,
}

/// A problem in a user's own expressions.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Where to search.
    pub variables: Vec<Variable>,
    /// Named values that the others share, in order.
    pub lets: Vec<(String, String)>,
    /// What is best.
    pub objectives: Vec<(Sense, String)>,
    /// What must hold.
    pub constraints: Vec<(String, Limit)>,
    /// Which of the lets tell behaviours apart.
    pub descriptors: Vec<Descriptor>,
    /// Numbers for `at`.
    pub tables: Vec<Table>,
}

/// A named value that tells behaviours apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    /// Name of a let.
    pub name: String,
    /// Least value; what is less counts as it.
    pub lo: f64,
    /// Largest value; what is more counts as it.
    pub hi: f64,
    /// Cells of a grid along it.
    pub cells: u32,
}

impl Descriptor {
    /// Where a value lies between the ends, 0 to 1.
    pub(crate) fn share(&self, value: f64) -> f64 {
        ((value - self.lo) / (self.hi - self.lo)).clamp(0.0, 1.0)
    }

    /// The cell of such a place.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a small number"
    )]
    pub(crate) fn cell(&self, share: f64) -> u64 {
        ((share * f64::from(self.cells)) as u64).min(u64::from(self.cells) - 1)
    }

    fn check(&self) -> Result<()> {
        let width = self.hi - self.lo;
        let reason = if !(width > 0.0 && width.is_finite()) {
            "needs a range of two finite numbers, the lower first"
        } else if !(1..=MAX_CELLS).contains(&self.cells) {
            "needs 1 to 1000 cells"
        } else {
            return Ok(());
        };
        Err(Error::InvalidProblem { field: "lets", reason: format!("`{}` {reason}", self.name) })
    }
}

impl Limit {
    /// How far a value of the left side lies beyond it, below 0 within; of an equality, the
    /// difference.
    pub(super) fn gap(&self, value: f64) -> f64 {
        let gap = value - self.rhs;
        match self.relation {
            Relation::AtMost => gap - self.tolerance,
            Relation::Equal => gap,
        }
    }

    /// By how much a value of the left side breaks it; infinite when that is not a number.
    pub(super) fn excess(&self, value: f64) -> f64 {
        let excess = value - self.rhs;
        let excess = match self.relation {
            Relation::AtMost => excess - self.tolerance,
            Relation::Equal => excess.abs() - self.tolerance,
        };
        if excess.is_nan() { f64::INFINITY } else { excess.max(0.0) }
    }
}

/// A model, compiled.
pub(super) struct Parts {
    pub(super) program: Program,
    pub(super) space: Space,
    pub(super) senses: Vec<Sense>,
    pub(super) limits: Vec<Limit>,
    pub(super) descriptors: Vec<Descriptor>,
}

impl Parts {
    /// Compile a model with so many objectives.
    pub(super) fn compile(model: Model, wanted: RangeInclusive<usize>) -> Result<Self> {
        let Model { variables, lets, objectives, constraints, descriptors, tables } = model;
        for (field, count, range) in [
            ("objectives", objectives.len(), wanted),
            ("constraints", constraints.len(), 0..=MAX_CONSTRAINTS),
            ("lets", lets.len(), 0..=MAX_LETS),
            ("lets", descriptors.len(), 0..=MAX_DESCRIPTORS),
        ] {
            if !range.contains(&count) {
                let reason = format!("must be {} to {} in number", range.start(), range.end());
                return Err(Error::InvalidProblem { field, reason });
            }
        }
        let space = Space::new(variables)?;
        let symbols = space.symbols();
        let at = |part, index| move |fault| locate(part, index, fault);
        let mut compiler = Compiler::new(&symbols, &tables).map_err(at("variables", 0))?;
        for (index, (name, source)) in lets.iter().enumerate() {
            compiler.define(name, source).map_err(at("lets", index))?;
        }
        for (index, (_, source)) in objectives.iter().enumerate() {
            compiler.output(source).map_err(at("objectives", index))?;
        }
        for (index, (source, limit)) in constraints.iter().enumerate() {
            compiler.output(source).map_err(at("constraints", index))?;
            if !limit.rhs.is_finite() || !(0.0..=1e12).contains(&limit.tolerance) {
                let reason = "needs a finite rhs and a tol in 0..=1e12".to_owned();
                return Err(locate(
                    "constraints",
                    index,
                    Fault { offset: 0, kind: FaultKind::Syntax(reason) },
                ));
            }
        }
        for one in &descriptors {
            one.check()?;
            let index = lets.iter().position(|(name, _)| *name == one.name).unwrap_or_default();
            compiler.output(&one.name).map_err(at("lets", index))?;
        }
        let program = compiler.finish();
        let senses = objectives.into_iter().map(|(sense, _)| sense).collect();
        let limits = constraints.into_iter().map(|(_, limit)| limit).collect();
        Ok(Self { program, space, senses, limits, descriptors })
    }
}

impl Problem {
    /// Compile a user's expressions.
    ///
    /// # Errors
    /// What is wrong with a variable or an expression, and where.
    pub fn compile(model: Model) -> Result<Self> {
        let Parts { program, space, senses, limits, descriptors } =
            Parts::compile(model, 1..=MAX_OBJECTIVES)?;
        Ok(Self {
            objective: Box::new(program),
            bounds: space.bounds().clone(),
            space: Some(space),
            senses,
            limits,
            descriptors,
            external: false,
        })
    }
}

/// A fault with its place in the problem.
pub(crate) fn locate(part: &'static str, index: usize, fault: Fault) -> Error {
    let offset = fault.offset;
    match fault.kind {
        FaultKind::Syntax(reason) => Error::InvalidExpression { part, index, offset, reason },
        FaultKind::UnknownName { name, known } => {
            Error::UnknownName { part, index, offset, name, known }
        }
        FaultKind::Limit(reason) => Error::ExpressionLimit { part, index, offset, reason },
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::Kind;

    /// Two coordinates in [-1, 1].
    pub(in super::super) fn model(objective: &str, constraints: &[(&str, Relation)]) -> Model {
        let kind = Kind::Real { lo: -1.0, hi: 1.0, step: None };
        let limit = |relation| Limit { relation, rhs: 0.0, tolerance: 1e-6 };
        Model {
            variables: vec![Variable { name: "x".to_owned(), kind, length: Some(2) }],
            lets: Vec::new(),
            objectives: vec![(Sense::Min, objective.to_owned())],
            constraints: constraints.iter().map(|(e, r)| ((*e).to_owned(), limit(*r))).collect(),
            descriptors: Vec::new(),
            tables: Vec::new(),
        }
    }

    #[test]
    fn faults_carry_part_index_and_offset() {
        match Problem::compile(model(
            "x[0]",
            &[("x[1]", Relation::AtMost), ("1 + y", Relation::Equal)],
        )) {
            Err(Error::UnknownName { part: "constraints", index: 1, offset: 4, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}
