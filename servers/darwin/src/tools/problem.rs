//! `problem`: a built-in function, or variables and expressions of the caller.

use darwin_engine::{
    Bounds, Function, Kind as VariableKind, Limit, Model, Problem, Relation, Space, Variable,
    expression::Table,
};
use mcp_core::prelude::*;
use serde_json::{Map, Value};

use crate::Error;

/// A built-in function by name and dimension, or variables and objectives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ProblemArgs {
    /// sphere, rastrigin, rosenbrock or ackley; not with `variables`.
    #[schemars(length(max = 40))]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Variables of the built-in function, 1 to 1000; rosenbrock needs 2.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    dimension: Option<u32>,
    /// Lower bound of the built-in function's variables (default: its usual one).
    #[serde(skip_serializing_if = "Option::is_none")]
    lo: Option<f64>,
    /// Upper bound of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    hi: Option<f64>,
    /// Direction for the built-in function (default min).
    #[serde(skip_serializing_if = "Option::is_none")]
    sense: Option<Sense>,
    /// Where to search; at most 1000 coordinates in all.
    #[schemars(length(max = 1000))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    variables: Vec<VariableArgs>,
    /// Named values that later expressions share.
    #[schemars(length(max = 100))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lets: Vec<LetArgs>,
    /// What is best; several give a front.
    #[schemars(length(max = 15))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    objectives: Vec<ObjectiveArgs>,
    /// What must hold.
    #[schemars(length(max = 100))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    constraints: Vec<ConstraintArgs>,
    /// Numbers for at(table, i) or at(table, row, column).
    #[schemars(length(max = 20))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tables: Vec<TableArgs>,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariableArgs {
    /// Name in expressions.
    #[schemars(length(min = 1, max = 40))]
    name: String,
    /// What it can be (default real); log is positive, searched by its logarithm; permutation: an
    /// order of 0 to length-1, for at(table, p[i], p[i+1]).
    #[serde(default)]
    kind: Kind,
    /// Least value of real, int, log.
    #[serde(skip_serializing_if = "Option::is_none")]
    lo: Option<f64>,
    /// Largest value of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    hi: Option<f64>,
    /// Distance of allowed values, for real.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<f64>,
    /// Words of a cat, compared as kind == 'word'.
    #[schemars(length(max = 1000), inner(length(max = 100)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
    /// Makes it a vector: x[0] to x[length-1].
    #[schemars(range(min = 1, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u32>,
}

/// Kind of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Kind {
    #[default]
    Real,
    Int,
    Log,
    Cat,
    Bool,
    Permutation,
}

/// A named value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LetArgs {
    /// Its name.
    #[schemars(length(min = 1, max = 40))]
    name: String,
    /// Its expression.
    #[schemars(length(max = 65_536))]
    expr: String,
}

/// An objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObjectiveArgs {
    /// As in Python: `+ - * / % ^`, comparisons, `and or not`, if(c,a,b), sum(i,0,n-1,x[i]^2),
    /// sin, exp, ln, sqrt, min, .. Left out only in `create_run`: then the caller tells values.
    #[schemars(length(min = 1, max = 65_536))]
    #[serde(skip_serializing_if = "Option::is_none")]
    expr: Option<String>,
    /// Direction (default min).
    #[serde(skip_serializing_if = "Option::is_none")]
    sense: Option<Sense>,
}

/// A constraint: expr op rhs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConstraintArgs {
    /// Left side.
    #[schemars(length(min = 1, max = 65_536))]
    expr: String,
    /// Relation.
    op: Op,
    /// Right side (default 0).
    #[serde(default)]
    rhs: f64,
    /// How far it may be broken (default 1e-6).
    #[schemars(range(min = 0.0, max = 1e12))]
    #[serde(skip_serializing_if = "Option::is_none")]
    tol: Option<f64>,
}

/// Relation of a constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
enum Op {
    #[serde(rename = "<=")]
    AtMost,
    #[serde(rename = "==")]
    Equal,
}

/// A table of numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableArgs {
    /// Its name.
    #[schemars(length(min = 1, max = 40))]
    name: String,
    /// Rows of equal length.
    #[schemars(length(min = 1, max = 10_000), inner(length(min = 1, max = 10_000)))]
    rows: Vec<Vec<f64>>,
}

/// Direction of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Sense {
    #[default]
    Min,
    Max,
}

/// Tolerance of a constraint that names none.
const TOLERANCE: f64 = 1e-6;

impl ProblemArgs {
    /// The problem of the engine. `external` is whether the caller may be the one who evaluates.
    pub(crate) fn build(&self, external: bool) -> Result<Problem, Error> {
        match &self.name {
            Some(name) => self.build_function(name),
            None => {
                self.check_parts()?;
                let told = external
                    && !self.objectives.is_empty()
                    && self.objectives.iter().all(|one| one.expr.is_none());
                if told { self.build_external() } else { self.build_model() }
            }
        }
    }

    fn build_external(&self) -> Result<Problem, Error> {
        for (field, len) in [
            ("lets", self.lets.len()),
            ("constraints", self.constraints.len()),
            ("tables", self.tables.len()),
        ] {
            if len > 0 {
                let reason = "goes with objectives that have an expr only";
                return Err(Error::Problem { field, reason });
            }
        }
        let variables = (0..).zip(&self.variables).map(|(index, args)| args.build(index));
        let senses = self.objectives.iter().map(|one| one.sense.unwrap_or_default().into());
        Ok(Problem::external(variables.collect::<Result<_, _>>()?, senses.collect())?)
    }

    fn build_function(&self, name: &str) -> Result<Problem, Error> {
        let function = Function::from_name(name).ok_or_else(|| {
            let known = Function::ALL.map(Function::name).to_vec();
            Error::unknown("/problem/name", "function", name, known)
        })?;
        let parts = [self.variables.len(), self.lets.len(), self.objectives.len()];
        if parts.iter().chain([&self.constraints.len(), &self.tables.len()]).any(|len| *len > 0) {
            let reason = "goes with dimension, lo, hi and sense only";
            return Err(Error::Problem { field: "name", reason });
        }
        let reason = "is required with a built-in function";
        let dimension = self.dimension.ok_or(Error::Problem { field: "dimension", reason })?;
        let (lo, hi) = function.domain();
        let dimension = dimension as usize;
        let objective = Box::new(function.on(dimension)?);
        let bounds = Bounds::cube(dimension, self.lo.unwrap_or(lo), self.hi.unwrap_or(hi))?;
        Ok(Problem::new(objective, bounds, self.sense.unwrap_or_default().into())?)
    }

    /// What can be wrong whoever evaluates.
    fn check_parts(&self) -> Result<(), Error> {
        if self.variables.is_empty() && self.objectives.is_empty() {
            let reason = "must name a built-in function, or have variables and objectives";
            return Err(Error::Problem { field: "", reason });
        }
        for (field, given) in [
            ("dimension", self.dimension.is_some()),
            ("lo", self.lo.is_some()),
            ("hi", self.hi.is_some()),
            ("sense", self.sense.is_some()),
        ] {
            if given {
                let reason = "goes with the name of a built-in function only";
                return Err(Error::Problem { field, reason });
            }
        }
        Ok(())
    }

    fn build_model(&self) -> Result<Problem, Error> {
        let variables = (0..).zip(&self.variables).map(|(index, args)| args.build(index));
        let objectives = self.objectives.iter().map(ObjectiveArgs::build);
        let tables = self.tables.iter().map(TableArgs::build);
        Ok(Problem::compile(Model {
            variables: variables.collect::<Result<_, _>>()?,
            lets: self.lets.iter().map(|one| (one.name.clone(), one.expr.clone())).collect(),
            objectives: objectives.collect::<Result<_, _>>()?,
            constraints: self.constraints.iter().map(ConstraintArgs::build).collect(),
            tables: tables.collect::<Result<_, _>>()?,
        })?)
    }

    /// The same problem with nothing left to a default.
    pub(crate) fn resolved(&self, problem: &Problem) -> Self {
        let mut same = self.clone();
        if self.name.is_some() {
            let bounds = problem.bounds();
            same.lo = bounds.lo().first().copied();
            same.hi = bounds.hi().first().copied();
            same.sense = Some(self.sense.unwrap_or_default());
        }
        same
    }
}

impl VariableArgs {
    fn build(&self, index: usize) -> Result<Variable, Error> {
        let invalid = |field, reason: &str| {
            let reason = reason.to_owned();
            Error::Engine(darwin_engine::Error::InvalidVariable { index, field, reason })
        };
        let ranged = matches!(self.kind, Kind::Real | Kind::Int | Kind::Log);
        for (field, given, fits) in [
            ("lo", self.lo.is_some(), ranged),
            ("hi", self.hi.is_some(), ranged),
            ("step", self.step.is_some(), self.kind == Kind::Real),
            ("values", !self.values.is_empty(), self.kind == Kind::Cat),
        ] {
            if given && !fits {
                return Err(invalid(field, "does not go with this kind"));
            }
        }
        let bound = |field, given: Option<f64>| {
            given.ok_or_else(|| invalid(field, "is required for this kind"))
        };
        let kind = match self.kind {
            Kind::Bool => VariableKind::Bool,
            Kind::Permutation => VariableKind::Permutation,
            Kind::Cat => VariableKind::Cat { values: self.values.clone() },
            kind => {
                let (lo, hi) = (bound("lo", self.lo)?, bound("hi", self.hi)?);
                match kind {
                    Kind::Int => VariableKind::Int { lo, hi },
                    Kind::Log => VariableKind::Log { lo, hi },
                    _ => VariableKind::Real { lo, hi, step: self.step },
                }
            }
        };
        let length = self.length.map(|length| length as usize);
        Ok(Variable { name: self.name.clone(), kind, length })
    }
}

impl ObjectiveArgs {
    fn build(&self) -> Result<(darwin_engine::Sense, String), Error> {
        let reason = "must each have an expr, or in create_run none of them";
        let expr = self.expr.clone().ok_or(Error::Problem { field: "objectives", reason })?;
        Ok((self.sense.unwrap_or_default().into(), expr))
    }
}

impl ConstraintArgs {
    fn build(&self) -> (String, Limit) {
        let relation = match self.op {
            Op::AtMost => Relation::AtMost,
            Op::Equal => Relation::Equal,
        };
        let tolerance = self.tol.unwrap_or(TOLERANCE);
        (self.expr.clone(), Limit { relation, rhs: self.rhs, tolerance })
    }
}

impl TableArgs {
    fn build(&self) -> Result<Table, Error> {
        let columns = self.rows.first().map_or(0, Vec::len);
        if self.rows.iter().any(|row| row.len() != columns) {
            let reason = "must have rows of equal length";
            return Err(Error::Problem { field: "tables", reason });
        }
        Ok(Table { name: self.name.clone(), columns, values: self.rows.concat() })
    }
}

impl From<Sense> for darwin_engine::Sense {
    fn from(sense: Sense) -> Self {
        match sense {
            Sense::Min => Self::Min,
            Sense::Max => Self::Max,
        }
    }
}

/// Coordinates by the names of their variables: words for categories, true or false for bools.
pub(crate) fn by_name(space: &Space, x: &[f64]) -> Map<String, Value> {
    let mut rest = x.iter();
    let mut named = Map::new();
    for variable in space.variables() {
        let mut one = || value_of(&variable.kind, rest.next().copied().unwrap_or_default());
        let value = match variable.length {
            None => one(),
            Some(length) => (0..length).map(|_| one()).collect(),
        };
        named.insert(variable.name.clone(), value);
    }
    named
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "decoded whole numbers are within 2^53, places in a list not negative"
)]
fn value_of(kind: &VariableKind, x: f64) -> Value {
    match kind {
        VariableKind::Int { .. } | VariableKind::Permutation => (x as i64).into(),
        VariableKind::Bool => (x > 0.5).into(),
        VariableKind::Cat { values } => values.get(x as usize).cloned().into(),
        _ => x.into(),
    }
}
