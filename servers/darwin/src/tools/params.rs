//! `params`: settings of the algorithms, described by the engine's own tables.

use darwin_engine::{
    ALGORITHMS, Algorithm, CmaOptions, CrossoverKind, GaOptions, LshadeOptions, MemeticOptions,
    MutationKind, NsgaOptions, Problem, ReplacementKind, Restarts, Settings,
    parameter::ParameterKind,
};
use mcp_core::prelude::*;
use schemars::Schema;
use serde_json::{Value, json};

use crate::Error;

/// Settings of the algorithm; `list_algorithms` shows ranges, defaults and meanings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = describe)]
pub(crate) struct Params {
    #[serde(skip_serializing_if = "Option::is_none")]
    population: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crossover: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crossover_probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crossover_eta: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blx_alpha: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutation_probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutation_eta: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutation_sigma: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tournament: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elites: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sigma: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restarts: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    covariance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    best_share: Option<f64>,
}

/// Give every property the type and the words of the engine's tables, and its owners. Ranges,
/// defaults and meanings are in `list_algorithms`, so that they cost nothing until they are wanted;
/// the engine checks them.
fn describe(schema: &mut Schema) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, schema) in properties {
        let having = || ALGORITHMS.iter().filter(|algorithm| algorithm.parameter(name).is_some());
        let Some(parameter) = having().find_map(|algorithm| algorithm.parameter(name)) else {
            continue;
        };
        *schema = match parameter.kind {
            ParameterKind::Integer(_) | ParameterKind::Rule(..) => json!({"type": "integer"}),
            ParameterKind::Real(_) => json!({"type": "number"}),
            ParameterKind::Choice(words) => json!({"type": "string", "enum": words}),
        };
        let owners: Vec<&str> = having().map(|algorithm| algorithm.name).collect();
        schema["description"] = format!("Of {}.", owners.join(", ")).into();
    }
}

impl Params {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
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
            "lshade" => {
                let (population, best_share) = (self.population, self.best_share);
                LshadeOptions { population, best_share }.resolve(dimension)?.into()
            }
            "ga" => GaOptions::try_from(self)?.resolve(dimension)?.into(),
            "memetic" => MemeticOptions { population: self.population }.resolve()?.into(),
            "nsga2" => NsgaOptions {
                population: self.population,
                crossover_eta: self.crossover_eta,
                mutation_eta: self.mutation_eta,
            }
            .resolve()?
            .into(),
            _ => Settings::portfolio(dimension)?,
        })
    }

    /// Names of the parameters that are given.
    fn names(&self) -> Vec<String> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields.into_iter().map(|(name, _)| name).collect(),
            _ => Vec::new(),
        }
    }
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
        match settings {
            Settings::Ga(settings) => GaOptions::from(settings).into(),
            Settings::Cma(settings) => Self {
                population: settings.population,
                sigma: Some(settings.sigma),
                restarts: Some(settings.restarts.name().to_owned()),
                covariance: Some(if settings.diagonal { "diagonal" } else { "full" }.to_owned()),
                ..Self::default()
            },
            Settings::Lshade(settings) => Self {
                population: Some(settings.population),
                best_share: Some(settings.best_share),
                ..Self::default()
            },
            Settings::Memetic(settings) => {
                Self { population: Some(settings.population), ..Self::default() }
            }
            Settings::Nsga(settings) => Self {
                population: Some(settings.population),
                crossover_eta: Some(settings.crossover_eta),
                mutation_eta: Some(settings.mutation_eta),
                ..Self::default()
            },
            _ => Self::default(),
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
        let restarts = params.restarts.as_deref().unwrap_or_default();
        let covariance = params.covariance.as_deref().unwrap_or_default();
        Ok(Self {
            population: params.population,
            sigma: params.sigma,
            restarts: chosen("restarts", restarts, Restarts::from_name)?,
            diagonal: chosen("covariance", covariance, diagonal)?.flatten(),
        })
    }
}

impl TryFrom<&Params> for GaOptions {
    type Error = darwin_engine::Error;

    fn try_from(params: &Params) -> Result<Self, Self::Error> {
        let word = |given: &Option<String>| given.clone().unwrap_or_default();
        Ok(Self {
            population: params.population,
            crossover: chosen("crossover", &word(&params.crossover), CrossoverKind::from_name)?,
            crossover_probability: params.crossover_probability,
            crossover_eta: params.crossover_eta,
            blx_alpha: params.blx_alpha,
            mutation: chosen("mutation", &word(&params.mutation), MutationKind::from_name)?,
            mutation_probability: params.mutation_probability,
            mutation_eta: params.mutation_eta,
            mutation_sigma: params.mutation_sigma,
            tournament: params.tournament,
            replacement: chosen(
                "replacement",
                &word(&params.replacement),
                ReplacementKind::from_name,
            )?,
            elites: params.elites,
        })
    }
}

/// The operator of that name; none for no name.
fn chosen<T>(
    field: &'static str,
    name: &str,
    from_name: fn(&str) -> Option<T>,
) -> Result<Option<T>, darwin_engine::Error> {
    match from_name(name) {
        None if !name.is_empty() => {
            let reason = "is not one of the listed words".to_owned();
            Err(darwin_engine::Error::InvalidParameter { field, reason })
        }
        found => Ok(found),
    }
}

impl From<GaOptions> for Params {
    fn from(options: GaOptions) -> Self {
        Self {
            population: options.population,
            crossover: options.crossover.map(|kind| kind.name().to_owned()),
            crossover_probability: options.crossover_probability,
            crossover_eta: options.crossover_eta,
            blx_alpha: options.blx_alpha,
            mutation: options.mutation.map(|kind| kind.name().to_owned()),
            mutation_probability: options.mutation_probability,
            mutation_eta: options.mutation_eta,
            mutation_sigma: options.mutation_sigma,
            tournament: options.tournament,
            replacement: options.replacement.map(|kind| kind.name().to_owned()),
            elites: options.elites,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use darwin_engine::parameter::Parameter;

    use super::*;

    #[test]
    fn fields_are_those_of_the_table() {
        let fields = |schema: Schema| {
            let properties = schema.get("properties").and_then(Value::as_object).unwrap().clone();
            properties.into_iter().collect::<std::collections::BTreeMap<_, _>>()
        };
        let seen = fields(schemars::schema_for!(Params));
        let tables = ALGORITHMS.iter().flat_map(|algorithm| algorithm.parameters);
        let table: std::collections::BTreeSet<_> = tables.map(|p| p.name.to_owned()).collect();
        assert_eq!(seen.keys().cloned().collect::<std::collections::BTreeSet<_>>(), table);
        for algorithm in ALGORITHMS {
            for Parameter { name, kind, .. } in algorithm.parameters {
                let probe = match kind {
                    ParameterKind::Integer(integer) | ParameterKind::Rule(integer, _) => {
                        json!(integer.max)
                    }
                    ParameterKind::Real(real) => json!(real.max),
                    ParameterKind::Choice(words) => json!(words[1]),
                };
                let params: Params = serde_json::from_value(json!({ *name: probe })).unwrap();
                assert!(!params.is_empty() && params.names() == [*name], "{name}");
                let objective = Box::new(darwin_engine::Function::Sphere.on(2).unwrap());
                let bounds = darwin_engine::Bounds::cube(2, 0.0, 1.0).unwrap();
                let sense = darwin_engine::Sense::Min;
                let problem = Problem::new(objective, bounds, sense).unwrap();
                assert!(params.algorithm(&problem).unwrap().parameter(name).is_some());
            }
        }
    }

    #[test]
    fn defaults_survive_the_round_trip() {
        let settings = GaOptions::default().resolve(7).unwrap();
        let params = Params::from(GaOptions::from(settings));
        let text = serde_json::to_string(&params).unwrap();
        let read: Params = serde_json::from_str(&text).unwrap();
        assert_eq!(GaOptions::try_from(&read).unwrap().resolve(9).unwrap(), settings);
    }

    #[test]
    fn a_strange_word_is_refused() {
        let params = Params { crossover: Some("ox".to_owned()), ..Params::default() };
        assert!(GaOptions::try_from(&params).is_err());
    }
}
