//! Problems in a user's own expressions.

use super::{MAX_OBJECTIVES, Problem};
use crate::{
    Error, Result, Sense, Space, Variable,
    expression::{Compiler, Fault, FaultKind, Table},
};

/// Most constraints, and most named values, of a problem.
const MAX_CONSTRAINTS: usize = 100;
const MAX_LETS: usize = 100;

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
    /// Numbers for `at`.
    pub tables: Vec<Table>,
}

impl Limit {
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

impl Problem {
    /// Compile a user's expressions.
    ///
    /// # Errors
    /// What is wrong with a variable or an expression, and where.
    pub fn compile(model: Model) -> Result<Self> {
        let Model { variables, lets, objectives, constraints, tables } = model;
        for (field, count, range) in [
            ("objectives", objectives.len(), 1..=MAX_OBJECTIVES),
            ("constraints", constraints.len(), 0..=MAX_CONSTRAINTS),
            ("lets", lets.len(), 0..=MAX_LETS),
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
        let program = compiler.finish();
        Ok(Self {
            objective: Box::new(program),
            bounds: space.bounds().clone(),
            space: Some(space),
            senses: objectives.into_iter().map(|(sense, _)| sense).collect(),
            limits: constraints.into_iter().map(|(_, limit)| limit).collect(),
            external: false,
        })
    }
}

fn locate(part: &'static str, index: usize, fault: Fault) -> Error {
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
