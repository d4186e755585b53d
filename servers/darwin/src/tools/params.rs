//! `params`: settings of the algorithms, described by the engine's own tables.

use std::borrow::Cow;

use darwin_engine::{
    ALGORITHMS, Algorithm, CmaOptions, CrossoverKind, DesignOptions, EsOptions, ExchangeKind,
    FrontKind, FrontOptions, GaOptions, LshadeOptions, MemeticOptions, MutationKind,
    OrderCrossover, OrderMutation, Problem, PsoOptions, ReplacementKind, Restarts, Sampling,
    Scheme, SelectionKind, Settings, SimplexOptions, TpeOptions, WholeMutation,
    parameter::ParameterKind,
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

    /// Checked settings of an algorithm.
    pub(crate) fn settings(
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
            "tpe" => TpeOptions {
                startup: self.count("startup")?,
                candidates: self.count("candidates")?,
            }
            .resolve()?
            .into(),
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

impl From<Settings> for Params {
    fn from(settings: Settings) -> Self {
        let none = Self::default();
        match settings {
            Settings::Ga(settings) => GaOptions::from(settings).into(),
            Settings::Cma(settings) => none
                .with("population", settings.population)
                .with("sigma", Some(settings.sigma))
                .with("restarts", Some(settings.restarts.name()))
                .with("covariance", Some(if settings.diagonal { "diagonal" } else { "full" })),
            Settings::Lshade(settings) => none
                .with("population", Some(settings.population))
                .with("best_share", Some(settings.best_share)),
            Settings::Pso(settings) => none
                .with("population", Some(settings.population))
                .with("informants", Some(settings.informants))
                .with("inertia", Some(settings.inertia))
                .with("pull", Some(settings.pull)),
            Settings::Es(settings) => {
                let options = EsOptions::from(settings);
                none.with("scheme", options.scheme.map(Scheme::name))
                    .with("population", options.population)
                    .with("parents", options.parents)
                    .with("sigma", options.sigma)
            }
            Settings::Simplex(settings) => none.with("sigma", Some(settings.sigma)),
            Settings::Tpe(settings) => none
                .with("startup", Some(settings.startup))
                .with("candidates", Some(settings.candidates)),
            Settings::Design(settings) => none
                .with("sampling", Some(settings.sampling.name()))
                .with("block", Some(settings.block)),
            Settings::Memetic(settings) => none.with("population", Some(settings.population)),
            Settings::Front(settings) => {
                let options = FrontOptions::from(settings);
                none.with("population", options.population)
                    .with("crossover_eta", options.crossover_eta)
                    .with("mutation_eta", options.mutation_eta)
                    .with("neighbours", options.neighbours)
            }
            _ => none,
        }
    }
}

impl TryFrom<&Params> for CmaOptions {
    type Error = darwin_engine::Error;

    fn try_from(params: &Params) -> Result<Self, Self::Error> {
        let diagonal = |word: &str| match word {
            "auto" => Some(None),
            "full" => Some(Some(false)),
            "diagonal" => Some(Some(true)),
            _ => None,
        };
        Ok(Self {
            population: params.count("population")?,
            sigma: params.number("sigma")?,
            restarts: params.word("restarts", Restarts::from_name)?,
            diagonal: params.word("covariance", diagonal)?.flatten(),
        })
    }
}

impl TryFrom<&Params> for GaOptions {
    type Error = darwin_engine::Error;

    fn try_from(params: &Params) -> Result<Self, Self::Error> {
        Ok(Self {
            population: params.count("population")?,
            crossover: params.word("crossover", CrossoverKind::from_name)?,
            crossover_probability: params.number("crossover_probability")?,
            crossover_eta: params.number("crossover_eta")?,
            blx_alpha: params.number("blx_alpha")?,
            mutation: params.word("mutation", MutationKind::from_name)?,
            mutation_probability: params.number("mutation_probability")?,
            mutation_eta: params.number("mutation_eta")?,
            mutation_sigma: params.number("mutation_sigma")?,
            exchange: params.word("exchange", ExchangeKind::from_name)?,
            exchange_points: params.count("exchange_points")?,
            whole_mutation: params.word("whole_mutation", WholeMutation::from_name)?,
            order_crossover: params.word("order_crossover", OrderCrossover::from_name)?,
            order_mutation: params.word("order_mutation", OrderMutation::from_name)?,
            selection: params.word("selection", SelectionKind::from_name)?,
            tournament: params.count("tournament")?,
            truncation: params.number("truncation")?,
            replacement: params.word("replacement", ReplacementKind::from_name)?,
            elites: params.count("elites")?,
        })
    }
}

impl From<GaOptions> for Params {
    fn from(options: GaOptions) -> Self {
        Self::default()
            .with("population", options.population)
            .with("crossover", options.crossover.map(CrossoverKind::name))
            .with("crossover_probability", options.crossover_probability)
            .with("crossover_eta", options.crossover_eta)
            .with("blx_alpha", options.blx_alpha)
            .with("mutation", options.mutation.map(MutationKind::name))
            .with("mutation_probability", options.mutation_probability)
            .with("mutation_eta", options.mutation_eta)
            .with("mutation_sigma", options.mutation_sigma)
            .with("exchange", options.exchange.map(ExchangeKind::name))
            .with("exchange_points", options.exchange_points)
            .with("whole_mutation", options.whole_mutation.map(WholeMutation::name))
            .with("order_crossover", options.order_crossover.map(OrderCrossover::name))
            .with("order_mutation", options.order_mutation.map(OrderMutation::name))
            .with("selection", options.selection.map(SelectionKind::name))
            .with("tournament", options.tournament)
            .with("truncation", options.truncation)
            .with("replacement", options.replacement.map(ReplacementKind::name))
            .with("elites", options.elites)
    }
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
        Problem::multiple(Box::new(Plain(count)), bounds, senses).unwrap()
    }

    /// What is listed can be given, comes back, and is wrong beyond its range.
    #[test]
    fn every_listed_parameter_is_read_checked_and_told() {
        for algorithm in ALGORITHMS {
            let problem = problem(algorithm);
            for Parameter { name, kind, only_with, .. } in algorithm.parameters {
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
                let settings = params.settings(algorithm, &problem).unwrap();
                let told = Params::from(settings);
                assert!(
                    params.0.iter().all(|(name, value)| {
                        told.0.get(name).is_some_and(|seen| {
                            seen.as_f64() == value.as_f64() && seen.as_str() == value.as_str()
                        })
                    }),
                    "{params:?} {told:?}"
                );
                assert_eq!(told.settings(algorithm, &problem).unwrap(), settings);
                assert!(with(beyond).settings(algorithm, &problem).is_err(), "{name}");
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
