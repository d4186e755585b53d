//! `params`: settings of the genetic algorithm, described by the engine's own table.

use darwin_engine::{
    Algorithm, CrossoverKind, GaOptions, MutationKind, ReplacementKind,
    parameter::{Fallback, Parameter, ParameterKind},
};
use mcp_core::prelude::*;
use schemars::Schema;
use serde_json::{Value, json};

use super::algorithm::PER_DIMENSION;

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
}

/// Give every property the type, range and description of the engine's table.
fn describe(schema: &mut Schema) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for parameter in Algorithm::auto().parameters {
        properties.insert(parameter.name.to_owned(), schema_of(parameter));
    }
}

fn schema_of(parameter: &Parameter) -> Value {
    let (mut schema, default) = match parameter.kind {
        ParameterKind::Integer(integer) => (
            json!({"type": "integer", "minimum": integer.min, "maximum": integer.max}),
            integer.default.to_string(),
        ),
        ParameterKind::Real(real) => {
            let default = match real.default {
                Fallback::Fixed(value) => value.to_string(),
                Fallback::PerDimension => PER_DIMENSION.to_owned(),
            };
            (json!({"type": "number", "minimum": real.min, "maximum": real.max}), default)
        }
        ParameterKind::Choice(words) => (
            json!({"type": "string", "enum": words}),
            words.first().copied().unwrap_or_default().to_owned(),
        ),
    };
    let condition = parameter
        .only_with
        .map_or_else(String::new, |(name, value)| format!("; with {name} {value} only"));
    schema["description"] =
        format!("{} (default {default}{condition})", parameter.description).into();
    schema
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
        let mut table: Vec<_> = Algorithm::auto().parameters.iter().map(|p| p.name).collect();
        table.sort_unstable();
        // A field without a row would keep the derived schema, which has no description.
        assert_eq!(seen.keys().collect::<Vec<_>>(), table);
        assert!(seen.values().all(|schema| schema["description"].is_string()));
        for name in table {
            let probe = match seen[name]["type"].as_str().unwrap() {
                "string" => seen[name]["enum"][0].clone(),
                _ => seen[name]["maximum"].clone(),
            };
            let params: Params = serde_json::from_value(json!({ name: probe })).unwrap();
            assert_ne!(GaOptions::try_from(&params).unwrap(), GaOptions::default(), "{name}");
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
