//! `params`: settings of the algorithms, described by the engine's own tables.

mod given;
mod told;

use std::borrow::Cow;

use darwin_engine::{
    ALGORITHMS, Algorithm, ArchiveKind, CmaOptions, ConstraintMethod, DesignOptions, ElitesOptions,
    EsOptions, FrontKind, FrontOptions, GaOptions, HandlingOptions, IslandOptions, LshadeOptions,
    MemeticOptions, Plan, Problem, PsoOptions, Sampling, Scheme, Settings, SimplexOptions,
    Topology, TpeOptions, UmdaOptions, parameter::ParameterKind,
};
use mcp_core::prelude::*;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use crate::Error;

/// Settings of the algorithm, by name. The engine's tables say what there is, and check it: the
/// schema names nothing, so that a setting costs no tokens until it is wanted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Params(Map<String, Value>);

impl JsonSchema for Params {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Params".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Settings of the algorithm by name, such as population; \
                            list_algorithms has names, ranges, defaults and meanings.",
            "maxProperties": 100,
            "additionalProperties": { "type": ["number", "string"], "maxLength": 40 },
        })
    }
}

impl Params {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first algorithm that has every parameter that is given.
    pub(crate) fn algorithm(&self, problem: &Problem) -> Result<&'static Algorithm, Error> {
        let (names, objectives) = (self.names(), objectives_of(problem));
        let fits = |algorithm: &&Algorithm| {
            algorithm.objectives == objectives
                && handles(algorithm, problem)
                && names.iter().all(|name| algorithm.parameter(name).is_some())
        };
        ALGORITHMS.iter().find(fits).ok_or_else(|| {
            let field = names.first().cloned().unwrap_or_default();
            let reason = "and the others belong to no single algorithm".to_owned();
            Error::Params { field, reason }
        })
    }

    /// Checked settings of a run by an algorithm.
    pub(crate) fn plan(
        &self,
        algorithm: &'static Algorithm,
        problem: &Problem,
    ) -> Result<Plan, Error> {
        let settings = self.settings(algorithm, problem)?;
        let handling = HandlingOptions {
            method: self.word("constraints", ConstraintMethod::from_name)?,
            penalty_factor: self.number("penalty_factor")?,
            relaxed_share: self.number("relaxed_share")?,
        }
        .resolve()?;
        if !algorithm.takes(&handling) {
            let (method, name) = (handling.method.name(), algorithm.name);
            return Err(wrong("constraints", &format!("{method} is not for {name}")).into());
        }
        let islands = IslandOptions {
            islands: self.count("islands")?,
            topology: self.word("topology", Topology::from_name)?,
            migration_interval: self.count("migration_interval")?,
            migrants: self.count("migrants")?,
        }
        .resolve()?;
        let plan = Plan { handling, islands, ..Plan::from(settings) };
        plan.check(problem)?;
        Ok(plan)
    }

    fn settings(
        &self,
        algorithm: &'static Algorithm,
        problem: &Problem,
    ) -> Result<Settings, Error> {
        if let Some(field) = self.names().into_iter().find(|n| algorithm.parameter(n).is_none()) {
            let reason = format!("is no parameter of {}", algorithm.name);
            return Err(Error::Params { field, reason });
        }
        let objectives = objectives_of(problem);
        if algorithm.objectives != objectives {
            return Err(Error::Unfit { algorithm: algorithm.name, objectives });
        }
        if !handles(algorithm, problem) {
            return Err(Error::UnfitKind { algorithm: algorithm.name });
        }
        let dimension = problem.bounds().dimension();
        Ok(match algorithm.name {
            "cma_es" => CmaOptions::try_from(self)?.resolve(dimension)?.into(),
            "lshade" => self.lshade()?.resolve(dimension)?.into(),
            "jso" => self.lshade()?.resolve_jso(dimension)?.into(),
            "pso" => PsoOptions {
                population: self.count("population")?,
                informants: self.count("informants")?,
                inertia: self.number("inertia")?,
                pull: self.number("pull")?,
            }
            .resolve()?
            .into(),
            "es" => EsOptions {
                scheme: self.word("scheme", Scheme::from_name)?,
                population: self.count("population")?,
                parents: self.count("parents")?,
                sigma: self.number("sigma")?,
            }
            .resolve()?
            .into(),
            "nelder_mead" => SimplexOptions { sigma: self.number("sigma")? }.resolve()?.into(),
            "tpe" => self.tpe()?.resolve()?.into(),
            "umda" => self.umda()?.resolve()?.into(),
            "map_elites" => self.elites()?.resolve(problem)?.into(),
            "design" => DesignOptions {
                sampling: self.word("sampling", Sampling::from_name)?,
                block: self.count("block")?,
            }
            .resolve(dimension)?
            .into(),
            "ga" => GaOptions::try_from(self)?.resolve(dimension)?.into(),
            "memetic" => MemeticOptions { population: self.count("population")? }.resolve()?.into(),
            name => match FrontKind::from_name(name) {
                Some(kind) => FrontOptions {
                    population: self.count("population")?,
                    crossover_eta: self.number("crossover_eta")?,
                    mutation_eta: self.number("mutation_eta")?,
                    neighbours: self.count("neighbours")?,
                }
                .resolve(kind, problem.senses().len())?
                .into(),
                None => Settings::portfolio(dimension)?,
            },
        })
    }

    fn elites(&self) -> Result<ElitesOptions, Error> {
        Ok(ElitesOptions {
            batch: self.count("batch")?,
            first: self.count("first")?,
            crossover_probability: self.number("crossover_probability")?,
            archive: self.word("archive", ArchiveKind::from_name)?,
            niches: self.count("niches")?,
        })
    }

    fn tpe(&self) -> Result<TpeOptions, Error> {
        let (startup, candidates) = (self.count("startup")?, self.count("candidates")?);
        Ok(TpeOptions { startup, candidates })
    }

    fn umda(&self) -> Result<UmdaOptions, Error> {
        let (population, selected) = (self.count("population")?, self.number("selected")?);
        Ok(UmdaOptions { population, selected })
    }

    fn lshade(&self) -> Result<LshadeOptions, darwin_engine::Error> {
        Ok(LshadeOptions {
            population: self.count("population")?,
            best_share: self.number("best_share")?,
        })
    }

    /// Names of the parameters that are given.
    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// A whole number.
    fn count(&self, field: &'static str) -> Result<Option<u32>, darwin_engine::Error> {
        let Some(value) = self.0.get(field) else { return Ok(None) };
        let whole = value.as_u64().or_else(|| whole(value.as_f64()?));
        match whole.and_then(|whole| u32::try_from(whole).ok()) {
            Some(count) => Ok(Some(count)),
            None => Err(wrong(field, "must be a whole number from 0 to 4294967295")),
        }
    }

    fn number(&self, field: &'static str) -> Result<Option<f64>, darwin_engine::Error> {
        let Some(value) = self.0.get(field) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| wrong(field, "must be a number"))
    }

    /// One of the words that a table lists.
    fn word<T>(
        &self,
        field: &'static str,
        from_name: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, darwin_engine::Error> {
        let Some(value) = self.0.get(field) else { return Ok(None) };
        let found = value.as_str().and_then(from_name);
        let words = || {
            let listed = ALGORITHMS.iter().find_map(|algorithm| algorithm.parameter(field));
            match listed.map(|parameter| parameter.kind) {
                Some(ParameterKind::Choice(words)) => words.join(", "),
                _ => String::new(),
            }
        };
        found.map(Some).ok_or_else(|| wrong(field, &format!("must be one of {}", words())))
    }

    fn with(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
        self
    }
}

fn wrong(field: &'static str, reason: &str) -> darwin_engine::Error {
    darwin_engine::Error::InvalidParameter { field, reason: reason.to_owned() }
}

/// A number that JSON wrote with a point, when it is a whole one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within the range, and without a fraction"
)]
fn whole(value: f64) -> Option<u64> {
    ((0.0..=4_294_967_295.0).contains(&value) && value.fract().abs() < f64::EPSILON)
        .then_some(value as u64)
}

/// Whether an algorithm is for these kinds of variables.
fn handles(algorithm: &Algorithm, problem: &Problem) -> bool {
    algorithm.representation != "permutation" || problem.is_permutation()
}

fn objectives_of(problem: &Problem) -> &'static str {
    if problem.senses().len() > 1 { "multiple" } else { "single" }
}

#[cfg(test)]
mod tests {
    use darwin_engine::{Bounds, Function, Objective, parameter::Parameter};
    use serde_json::json;

    use super::*;

    /// As many objectives as wanted, over two variables.
    struct Plain(usize);

    impl Objective for Plain {
        fn dimension(&self) -> usize {
            2
        }

        fn outputs(&self) -> usize {
            self.0
        }

        fn evaluate(&self, _: &[[f64; darwin_engine::LANES]], values: &mut [f64]) {
            values.fill(0.0);
        }
    }

    fn problem(algorithm: &Algorithm) -> Problem {
        let bounds = Bounds::cube(2, 0.0, 1.0).unwrap();
        let count = if algorithm.objectives == "single" { 1 } else { 2 };
        let senses = vec![darwin_engine::Sense::Min; count];
        if algorithm.representation == "permutation" {
            let kind = darwin_engine::Kind::Permutation;
            let one = darwin_engine::Variable { name: "p".to_owned(), kind, length: Some(3) };
            return Problem::external(vec![one], senses).unwrap();
        }
        if algorithm.name == "map_elites" {
            let behaviour = json!({
                "variables": [{"name": "x", "lo": 0, "hi": 1, "length": 2}],
                "lets": [{"name": "b", "expr": "x[0]", "range": [0, 1]}],
                "objectives": [{"expr": "x[1]"}],
            });
            let args: crate::tools::problem::ProblemArgs =
                serde_json::from_value(behaviour).unwrap();
            return args.build(false).unwrap();
        }
        Problem::multiple(Box::new(Plain(count)), bounds, senses).unwrap()
    }

    /// What is listed can be given, comes back, and is wrong beyond its range.
    #[test]
    fn every_listed_parameter_is_read_checked_and_told() {
        for algorithm in ALGORITHMS {
            let problem = problem(algorithm);
            for Parameter { name, kind, only_with, .. } in algorithm.all_parameters() {
                let (probe, beyond) = match kind {
                    ParameterKind::Integer(integer) | ParameterKind::Rule(integer, _) => {
                        // Elites are fewer than the population, parents at most half of it.
                        (json!(integer.max.min(45)), json!(u64::from(integer.max) + 1))
                    }
                    ParameterKind::Real(real) => (json!(real.max), json!(real.max * 2.0)),
                    ParameterKind::Choice(words) => (json!(words[1]), json!("no such word")),
                };
                let with = |value: Value| {
                    let mut given = json!({ *name: value });
                    if let Some((other, word)) = only_with {
                        given[*other] = json!(word);
                    }
                    serde_json::from_value::<Params>(given).unwrap()
                };
                let params = with(probe);
                assert!(params.algorithm(&problem).unwrap().parameter(name).is_some());
                let plan = params.plan(algorithm, &problem).unwrap();
                let told = Params::from(plan);
                assert!(
                    params.0.iter().all(|(name, value)| {
                        told.0.get(name).is_some_and(|seen| {
                            seen.as_f64() == value.as_f64() && seen.as_str() == value.as_str()
                        })
                    }),
                    "{params:?} {told:?}"
                );
                assert_eq!(told.plan(algorithm, &problem).unwrap(), plan);
                assert!(with(beyond).plan(algorithm, &problem).is_err(), "{name}");
            }
            let strange: Params = serde_json::from_value(json!({ "no_such": 1 })).unwrap();
            assert!(strange.settings(algorithm, &problem).is_err());
        }
    }

    #[test]
    fn what_is_no_whole_number_is_refused() {
        let objective = Box::new(Function::Sphere.on(2).unwrap());
        let bounds = Bounds::cube(2, 0.0, 1.0).unwrap();
        let problem = Problem::new(objective, bounds, darwin_engine::Sense::Min).unwrap();
        let ga = Algorithm::from_name("ga").unwrap();
        for value in [json!(10.5), json!(-4), json!("many"), json!(1e300), json!(null)] {
            let params: Params = serde_json::from_value(json!({ "population": value })).unwrap();
            assert!(params.settings(ga, &problem).is_err(), "{value}");
        }
        let params: Params = serde_json::from_value(json!({ "population": 50.0 })).unwrap();
        assert!(params.settings(ga, &problem).is_ok());
    }
}
