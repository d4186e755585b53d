//! `params`: settings of the algorithms, described by the engine's own tables.

use darwin_engine::{
    ALGORITHMS, Algorithm, CmaOptions, CrossoverKind, GaOptions, LshadeOptions, MutationKind,
    Problem, ReplacementKind, Restarts, Settings,
    parameter::{Fallback, Integer, Parameter, ParameterKind},
};
use mcp_core::prelude::*;
use schemars::Schema;
use serde_json::{Value, json};

use super::algorithm::PER_DIMENSION;
use crate::Error;

/// Settings; the schema of each field comes from the engine's parameter table.
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

/// Give every property the type, range and description of the engine's tables. Those that several
/// algorithms have come from the one with the widest range, with all defaults.
fn describe(schema: &mut Schema) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for name in properties.keys().cloned().collect::<Vec<_>>() {
        let having = || {
            ALGORITHMS.iter().filter_map(|algorithm| {
                algorithm.parameter(&name).map(|parameter| (algorithm.name, parameter))
            })
        };
        let shared = having().count() > 1;
        let least = |parameter: &Parameter| range_of(parameter).map_or(0, |range| range.min);
        let Some((owner, first)) = having().min_by_key(|(_, parameter)| least(parameter)) else {
            continue;
        };
        let mut schema = schema_of(first);
        let text = if shared {
            let defaults: Vec<String> = having()
                .map(|(name, parameter)| format!("{name} {}", default_of(parameter)))
                .collect();
            format!("{} (default: {})", first.description, defaults.join(", "))
        } else {
            let with = first
                .only_with
                .map_or_else(String::new, |(name, value)| format!(", with {name} {value}"));
            format!("{owner}{with}: {} (default {})", first.description, default_of(first))
        };
        schema["description"] = text.into();
        properties.insert(name, schema);
    }
}

fn range_of(parameter: &Parameter) -> Option<Integer> {
    match parameter.kind {
        ParameterKind::Integer(integer) | ParameterKind::Rule(integer, _) => Some(integer),
        _ => None,
    }
}

fn default_of(parameter: &Parameter) -> String {
    match parameter.kind {
        ParameterKind::Integer(integer) => integer.default.to_string(),
        ParameterKind::Rule(_, rule) => rule.to_owned(),
        ParameterKind::Real(real) => match real.default {
            Fallback::Fixed(value) => value.to_string(),
            Fallback::PerDimension => PER_DIMENSION.to_owned(),
        },
        ParameterKind::Choice(words) => words.first().copied().unwrap_or_default().to_owned(),
    }
}

fn schema_of(parameter: &Parameter) -> Value {
    match parameter.kind {
        ParameterKind::Integer(integer) | ParameterKind::Rule(integer, _) => {
            json!({"type": "integer", "minimum": integer.min, "maximum": integer.max})
        }
        ParameterKind::Real(real) => {
            json!({"type": "number", "minimum": real.min, "maximum": real.max})
        }
        ParameterKind::Choice(words) => json!({"type": "string", "enum": words}),
    }
}

impl Params {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first algorithm that has every parameter that is given.
    pub(crate) fn algorithm(&self) -> Result<&'static Algorithm, Error> {
        let names = self.names();
        let fits =
            |algorithm: &&Algorithm| names.iter().all(|name| algorithm.parameter(name).is_some());
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
        let dimension = problem.bounds().dimension();
        Ok(match algorithm.name {
            "cma_es" => CmaOptions::try_from(self)?.resolve(dimension)?.into(),
            "lshade" => {
                let (population, best_share) = (self.population, self.best_share);
                LshadeOptions { population, best_share }.resolve(dimension)?.into()
            }
            "ga" => GaOptions::try_from(self)?.resolve(dimension)?.into(),
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
        // A field without a row would keep the derived schema, which has no description.
        assert_eq!(seen.keys().cloned().collect::<std::collections::BTreeSet<_>>(), table);
        assert!(seen.values().all(|schema| schema["description"].is_string()));
        for algorithm in ALGORITHMS {
            for Parameter { name, .. } in algorithm.parameters {
                let probe = match seen[*name]["type"].as_str().unwrap() {
                    "string" => seen[*name]["enum"][1].clone(),
                    _ => seen[*name]["maximum"].clone(),
                };
                let params: Params = serde_json::from_value(json!({ *name: probe })).unwrap();
                assert!(!params.is_empty() && params.names() == [*name], "{name}");
                assert!(params.algorithm().unwrap().parameter(name).is_some());
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
