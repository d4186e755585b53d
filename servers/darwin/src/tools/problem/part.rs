//! Parts of a problem: variables, objectives, constraints, tables.

use darwin_engine::{
    Descriptor, Kind as VariableKind, Limit, Relation, Variable, expression::Table,
};
use mcp_core::prelude::*;

use super::Sense;
use crate::Error;

/// A variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariableArgs {
    /// Name in expressions.
    #[schemars(length(min = 1, max = 40))]
    pub(super) name: String,
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
    pub(super) length: Option<u32>,
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
    pub(super) name: String,
    /// Its expression.
    #[schemars(length(max = 65_536))]
    pub(super) expr: String,
    /// `[lo, hi]` of a behaviour for `map_elites`.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<[f64; 2]>,
    /// Its cells (default 10).
    #[serde(skip_serializing_if = "Option::is_none")]
    cells: Option<u32>,
}

/// An objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObjectiveArgs {
    /// As in Python: `+ - * / % ^`, comparisons, `and or not`, if(c,a,b), sum(i,0,n-1,x[i]^2),
    /// sin, exp, ln, sqrt, min, .. Left out only in `create_run`: then the caller tells values.
    #[schemars(length(min = 1, max = 65_536))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expr: Option<String>,
    /// Direction (default min).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sense: Option<Sense>,
}

/// A constraint: expr op rhs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConstraintArgs {
    /// Left side.
    #[schemars(length(min = 1, max = 65_536))]
    pub(super) expr: String,
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
    pub(super) name: String,
    /// Rows of equal length.
    #[schemars(length(min = 1, max = 10_000), inner(length(min = 1, max = 10_000)))]
    rows: Vec<Vec<f64>>,
}

/// Cells of a behaviour that names none.
const CELLS: u32 = 10;
/// Tolerance of a constraint that names none.
const TOLERANCE: f64 = 1e-6;

impl VariableArgs {
    pub(super) fn build(&self, index: usize) -> Result<Variable, Error> {
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

impl LetArgs {
    /// What it tells apart, if it does.
    pub(super) fn descriptor(&self) -> Result<Option<Descriptor>, Error> {
        match (self.range, self.cells) {
            (None, None) => Ok(None),
            (None, Some(_)) => {
                let reason = "have cells only with a range";
                Err(Error::Problem { field: "lets", reason })
            }
            (Some([lo, hi]), cells) => {
                let cells = cells.unwrap_or(CELLS);
                Ok(Some(Descriptor { name: self.name.clone(), lo, hi, cells }))
            }
        }
    }
}

impl ObjectiveArgs {
    pub(super) fn build(&self) -> Result<(darwin_engine::Sense, String), Error> {
        let reason = "must each have an expr, or in create_run none of them";
        let expr = self.expr.clone().ok_or(Error::Problem { field: "objectives", reason })?;
        Ok((self.sense.unwrap_or_default().into(), expr))
    }
}

impl ConstraintArgs {
    pub(super) fn build(&self) -> (String, Limit) {
        let relation = match self.op {
            Op::AtMost => Relation::AtMost,
            Op::Equal => Relation::Equal,
        };
        let tolerance = self.tol.unwrap_or(TOLERANCE);
        (self.expr.clone(), Limit { relation, rhs: self.rhs, tolerance })
    }
}

impl TableArgs {
    /// Its rows, if they are so many pairs.
    pub(super) fn places(&self, length: usize) -> Option<Vec<(f64, f64)>> {
        let pair = |row: &Vec<f64>| match row.as_slice() {
            [x, y] => Some((*x, *y)),
            _ => None,
        };
        let places: Option<Vec<_>> = self.rows.iter().map(pair).collect();
        places.filter(|places| places.len() == length)
    }

    pub(super) fn build(&self) -> Result<Table, Error> {
        let columns = self.rows.first().map_or(0, Vec::len);
        if self.rows.iter().any(|row| row.len() != columns) {
            let reason = "must have rows of equal length";
            return Err(Error::Problem { field: "tables", reason });
        }
        Ok(Table { name: self.name.clone(), columns, values: self.rows.concat() })
    }
}
