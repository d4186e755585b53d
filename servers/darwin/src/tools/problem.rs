//! `problem`: a built-in function, or variables and expressions of the caller.

mod computed;
mod named;
mod part;

use darwin_engine::{Bounds, Function, Model, Objective, Problem};
use mcp_core::prelude::*;

pub(crate) use self::computed::{DatasetArgs, WasmArgs};
pub(crate) use self::named::{by_name, coordinates, value_at};
use self::part::{ConstraintArgs, LetArgs, ObjectiveArgs, TableArgs, VariableArgs};
use crate::{Error, files::Files};

/// A built-in function by name and dimension, or variables and objectives; or a stored one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ProblemArgs {
    /// Of `define_problem`, and then nothing else.
    #[schemars(length(max = 40))]
    #[serde(skip_serializing_if = "Option::is_none")]
    problem_id: Option<String>,
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
    /// Of `define_problem` only, which tells of it.
    #[schemars(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    wasm: Option<WasmArgs>,
    /// The same.
    #[schemars(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset: Option<DatasetArgs>,
    /// The stored problem that this is, when it is too large to be told again.
    #[serde(skip)]
    from: Option<String>,
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

impl ProblemArgs {
    /// The stored problem that it stands for.
    ///
    /// # Errors
    /// When anything else is given with it.
    pub(crate) fn stored(&self) -> Result<Option<&str>, Error> {
        let alone = Self { problem_id: self.problem_id.clone(), ..Self::default() };
        match &self.problem_id {
            Some(_) if *self != alone => {
                let reason = "goes alone: the stored problem has the rest";
                Err(Error::Problem { field: "problem_id", reason })
            }
            id => Ok(id.as_deref()),
        }
    }

    /// Coordinates, objectives, constraints.
    pub(crate) fn counts(&self) -> [usize; 3] {
        if self.name.is_some() {
            return [self.dimension.unwrap_or_default() as usize, 1, 0];
        }
        let length = |one: &VariableArgs| one.length.unwrap_or(1) as usize;
        let coordinates = self.variables.iter().map(length).sum();
        let computed = usize::from(self.is_computed());
        [coordinates, self.objectives.len() + computed, self.constraints.len()]
    }

    /// Whether its objective is no expression.
    pub(crate) fn is_computed(&self) -> bool {
        self.wasm.is_some() || self.dataset.is_some()
    }

    /// Whether code of the caller's is its objective.
    pub(crate) fn is_wasm(&self) -> bool {
        self.wasm.is_some()
    }

    /// The same with an objective that is no expression, its files read.
    pub(crate) fn with_computed(
        mut self,
        wasm: Option<WasmArgs>,
        dataset: Option<DatasetArgs>,
        files: &Files,
    ) -> Result<Self> {
        if wasm.is_none() && dataset.is_none() {
            return Ok(self);
        }
        let reason = "goes with variables, lets, constraints and tables only";
        if wasm.is_some() && dataset.is_some() || self.is_computed() {
            return Err(Error::Problem { field: "", reason: "needs either wasm or dataset" }.into());
        }
        if self.name.is_some() || !self.objectives.is_empty() {
            let field = if self.name.is_some() { "name" } else { "objectives" };
            return Err(Error::Problem { field, reason }.into());
        }
        self.wasm = wasm.map(|one| one.loaded(files)).transpose()?;
        self.dataset = dataset.map(|one| one.loaded(files)).transpose()?;
        Ok(self)
    }

    /// The same, fit to be told: what is long by its beginning.
    pub(crate) fn shortened(mut self) -> Self {
        self.wasm.iter_mut().for_each(WasmArgs::shorten);
        self.dataset.iter_mut().for_each(DatasetArgs::shorten);
        self
    }

    /// Know which stored problem this is.
    pub(crate) fn came_from(&mut self, id: &str) {
        self.from = Some(id.to_owned());
    }

    /// The problem as arguments that fit into a line: by its name where it has more than that.
    pub(crate) fn in_short(self) -> Self {
        match self.from {
            Some(id) if self.wasm.is_some() || self.dataset.is_some() => {
                Self { problem_id: Some(id), ..Self::default() }
            }
            from => Self { from, ..self },
        }
    }

    /// Left sides of the constraints.
    pub(crate) fn constraints(&self) -> impl Iterator<Item = &str> {
        self.constraints.iter().map(|one| one.expr.as_str())
    }

    /// Places in the plane for a permutation of this length: the rows of a table of two columns.
    pub(crate) fn places(&self, length: usize) -> Option<Vec<(f64, f64)>> {
        self.tables.iter().find_map(|table| table.places(length))
    }

    /// The problem of the engine. `external` is whether the caller may be the one who evaluates.
    pub(crate) fn build(&self, external: bool) -> Result<Problem, Error> {
        if self.problem_id.is_some() {
            let reason = "is looked up before this";
            return Err(Error::Problem { field: "problem_id", reason });
        }
        match &self.name {
            Some(name) => self.build_function(name),
            None => {
                self.check_parts()?;
                if self.is_computed() {
                    return self.build_computed();
                }
                let told = external
                    && !self.objectives.is_empty()
                    && self.objectives.iter().all(|one| one.expr.is_none());
                if told { self.build_external() } else { Ok(Problem::compile(self.model()?)?) }
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
        if self.variables.is_empty() && self.objectives.is_empty() && !self.is_computed() {
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

    fn model(&self) -> Result<Model, Error> {
        let variables = (0..).zip(&self.variables).map(|(index, args)| args.build(index));
        let objectives = self.objectives.iter().map(ObjectiveArgs::build);
        let tables = self.tables.iter().map(TableArgs::build);
        let descriptors = self.lets.iter().filter_map(|one| one.descriptor().transpose());
        Ok(Model {
            variables: variables.collect::<Result<_, _>>()?,
            lets: self.lets.iter().map(|one| (one.name.clone(), one.expr.clone())).collect(),
            objectives: objectives.collect::<Result<_, _>>()?,
            constraints: self.constraints.iter().map(ConstraintArgs::build).collect(),
            descriptors: descriptors.collect::<Result<_, _>>()?,
            tables: tables.collect::<Result<_, _>>()?,
        })
    }

    fn build_computed(&self) -> Result<Problem, Error> {
        let model = self.model()?;
        let (sense, objective): (_, Box<dyn Objective>) = match (&self.wasm, &self.dataset) {
            (Some(wasm), _) => (wasm.sense(), Box::new(wasm.build(self.counts()[0])?)),
            (None, Some(dataset)) => {
                let dataset = dataset.build(&model)?;
                (dataset.sense(), Box::new(dataset))
            }
            (None, None) => return Ok(Problem::compile(model)?),
        };
        Ok(Problem::computed(model, vec![sense], objective)?)
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

impl From<Sense> for darwin_engine::Sense {
    fn from(sense: Sense) -> Self {
        match sense {
            Sense::Min => Self::Min,
            Sense::Max => Self::Max,
        }
    }
}
