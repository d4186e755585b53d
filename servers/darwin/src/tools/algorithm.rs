//! What can be used, from the tables that the engine checks by.

use darwin_engine::{
    ALGORITHMS, Algorithm,
    parameter::{Fallback, Parameter, ParameterKind},
};
use mcp_core::prelude::*;

use crate::Server;

/// Filters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListAlgorithmsArgs {
    /// Only those for this kind of variables.
    representation: Option<Representation>,
    /// Only those for this number of objectives.
    objectives: Option<Objectives>,
}

/// Kind of variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Representation {
    Real,
    Mixed,
    Permutation,
}

/// Number of objectives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Objectives {
    Single,
    Multiple,
}

/// The algorithms.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListAlgorithmsOutput {
    /// Algorithms that pass the filters.
    items: Vec<AlgorithmItem>,
}

/// An algorithm.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AlgorithmItem {
    /// Name for `algorithm`.
    name: &'static str,
    /// Full name.
    title: &'static str,
    /// What it does.
    summary: &'static str,
    /// Kind of variables.
    representation: &'static str,
    /// Number of objectives.
    objectives: &'static str,
    /// Constraints it handles.
    constraints: &'static str,
    /// When it fits.
    applicability: &'static str,
    /// Fields for `params`.
    parameters: Vec<ParameterItem>,
    /// Where it is described.
    sources: &'static [&'static str],
    /// Raised when equal seeds no longer give equal bytes.
    revision: u32,
}

/// A parameter.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ParameterItem {
    /// Field name.
    name: &'static str,
    /// Meaning.
    description: &'static str,
    /// `integer`, `number` or `string`.
    r#type: &'static str,
    /// Smallest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    /// Largest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    /// Allowed words.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<&'static [&'static str]>,
    /// Value when absent.
    default: DefaultValue,
    /// May be given only with this choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    only_with: Option<String>,
}

/// A default: a number, a word, or a rule.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
enum DefaultValue {
    /// A number.
    Number(f64),
    /// A word, or a rule such as `1 / dimension`.
    Text(&'static str),
}

/// The rule behind [`Fallback::PerDimension`].
const PER_DIMENSION: &str = "1 / dimension";

impl From<&Algorithm> for AlgorithmItem {
    fn from(algorithm: &Algorithm) -> Self {
        Self {
            name: algorithm.name,
            title: algorithm.title,
            summary: algorithm.summary,
            representation: algorithm.representation,
            objectives: algorithm.objectives,
            constraints: algorithm.constraints,
            applicability: algorithm.applicability,
            parameters: algorithm.all_parameters().map(ParameterItem::from).collect(),
            sources: algorithm.sources,
            revision: algorithm.revision,
        }
    }
}

impl From<&Parameter> for ParameterItem {
    fn from(parameter: &Parameter) -> Self {
        let (r#type, range, values, default) = match parameter.kind {
            ParameterKind::Integer(integer) => {
                let range = Some((integer.min.into(), integer.max.into()));
                ("integer", range, None, DefaultValue::Number(integer.default.into()))
            }
            ParameterKind::Rule(integer, rule) => {
                let range = Some((integer.min.into(), integer.max.into()));
                ("integer", range, None, DefaultValue::Text(rule))
            }
            ParameterKind::Real(real) => {
                let default = match real.default {
                    Fallback::Fixed(value) => DefaultValue::Number(value),
                    Fallback::PerDimension => DefaultValue::Text(PER_DIMENSION),
                };
                ("number", Some((real.min, real.max)), None, default)
            }
            ParameterKind::Choice(words) => {
                let default = DefaultValue::Text(words.first().copied().unwrap_or_default());
                ("string", None, Some(words), default)
            }
        };
        Self {
            name: parameter.name,
            description: parameter.description,
            r#type,
            min: range.map(|(min, _)| min),
            max: range.map(|(_, max)| max),
            values,
            default,
            only_with: parameter.only_with.map(|(name, value)| format!("{name} {value}")),
        }
    }
}

impl ListAlgorithmsArgs {
    fn admits(&self, algorithm: &Algorithm) -> bool {
        let representation = self.representation.is_none_or(|wanted| match wanted {
            // What handles mixed variables handles all kinds.
            Representation::Mixed => algorithm.representation == "mixed",
            Representation::Real => algorithm.representation != "permutation",
            Representation::Permutation => algorithm.representation != "real",
        });
        let objectives = self.objectives.is_none_or(|wanted| match wanted {
            Objectives::Single => algorithm.objectives == "single",
            Objectives::Multiple => algorithm.objectives == "multiple",
        });
        representation && objectives
    }
}

/// Every algorithm.
pub(crate) fn all() -> ListAlgorithmsOutput {
    ListAlgorithmsOutput { items: ALGORITHMS.iter().map(AlgorithmItem::from).collect() }
}

#[tool_router(router = algorithm_tools, vis = "pub(crate)")]
impl Server {
    /// List the optimisation algorithms: parameters with range and default, and when each fits.
    #[tool(
        title = "List algorithms",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn list_algorithms(
        &self,
        Parameters(args): Parameters<ListAlgorithmsArgs>,
    ) -> Result<Json<ListAlgorithmsOutput>> {
        let items = ALGORITHMS.iter().filter(|algorithm| args.admits(algorithm));
        Ok(Json(ListAlgorithmsOutput { items: items.map(AlgorithmItem::from).collect() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_know_every_word_of_the_table() {
        for algorithm in ALGORITHMS {
            let quoted = |word: &str| serde_json::Value::from(word);
            let args = ListAlgorithmsArgs {
                representation: serde_json::from_value(quoted(algorithm.representation)).unwrap(),
                objectives: serde_json::from_value(quoted(algorithm.objectives)).unwrap(),
            };
            assert!(args.admits(algorithm));
        }
    }

    #[test]
    fn items_carry_range_default_and_condition() {
        let json = serde_json::to_value(all()).unwrap();
        let items = json["items"].as_array().unwrap();
        let ga = items.iter().find(|item| item["name"] == "ga").unwrap();
        let parameters = ga["parameters"].as_array().unwrap();
        let find = |name: &str| parameters.iter().find(|item| item["name"] == name).unwrap();
        assert_eq!(find("population")["max"], 10_000.0);
        assert_eq!(find("mutation_probability")["default"], PER_DIMENSION);
        assert_eq!(find("blx_alpha")["only_with"], "crossover blx_alpha");
        assert_eq!(find("replacement")["values"][1], "generational");
    }
}
