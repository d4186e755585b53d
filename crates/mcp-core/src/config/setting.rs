//! A setting as the schema of its struct tells it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// One setting: key, variable, type, default, meaning.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    /// Key in the file: lower case.
    pub key: String,
    /// Environment variable.
    pub variable: String,
    /// A variable for one server only, where the setting is shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_variable: Option<String>,
    /// What it does.
    pub description: String,
    /// Value when nothing sets it.
    pub default: Value,
    /// Shown as `***`; `<variable>_FILE` may name a file that holds it.
    pub secret: bool,
    /// JSON Schema of the value.
    pub schema: Value,
}

/// The settings of a struct. `prefix` is `MACHINA_` or `MACHINA_<SERVER>_`; a field may name its
/// own variable with the schema extension `x-env`.
pub fn settings_of<C: JsonSchema + Default + Serialize>(prefix: &str) -> Vec<Setting> {
    let defaults = serde_json::to_value(C::default()).unwrap_or_default();
    settings_in(&schema_of::<C>(), &defaults, prefix)
}

fn settings_in(schema: &Value, defaults: &Value, prefix: &str) -> Vec<Setting> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(key, schema)| Setting {
            key: key.clone(),
            variable: schema
                .get("x-env")
                .and_then(Value::as_str)
                .map_or_else(|| format!("{prefix}{}", key.to_uppercase()), str::to_owned),
            server_variable: None,
            description: schema
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            default: defaults.get(key).cloned().unwrap_or_default(),
            secret: is_secret(schema),
            schema: schema.clone(),
        })
        .collect()
}

/// The JSON Schema of a configuration struct, everything in place.
pub(crate) fn schema_of<C: JsonSchema>() -> Value {
    generator().into_root_schema_for::<C>().to_value()
}

fn generator() -> schemars::SchemaGenerator {
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator()
}

fn is_secret(schema: &Value) -> bool {
    schema.get("writeOnly") == Some(&Value::Bool(true))
        || schema
            .get("anyOf")
            .and_then(Value::as_array)
            .is_some_and(|branches| branches.iter().any(is_secret))
}

impl Setting {
    /// Whether the schema admits this JSON type, itself or in a branch.
    pub(super) fn admits(&self, wanted: &str) -> bool {
        admits(&self.schema, wanted)
    }
}

fn admits(schema: &Value, wanted: &str) -> bool {
    let named = match schema.get("type") {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(names)) => names.iter().any(|name| name == wanted),
        _ => false,
    };
    let branch = |key: &str| {
        schema
            .get(key)
            .and_then(Value::as_array)
            .is_some_and(|branches| branches.iter().any(|branch| admits(branch, wanted)))
    };
    named || branch("anyOf") || branch("oneOf")
}
