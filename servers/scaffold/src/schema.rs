//! Input schemas of tools: made from parameters, or checked when given.

use serde_json::{Map, Value, json};

use crate::{
    Error,
    literal::collapse,
    spec::{ParameterSpec, ParameterType, ToolSpec},
};

/// Deepest nesting and largest text of a given schema.
const MAX_DEPTH: usize = 32;
const MAX_BYTES: usize = 64 * 1024;
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Keywords whose value is data, not a schema: a `$ref` in there refers to nothing.
const DATA_KEYWORDS: [&str; 4] = ["const", "default", "enum", "examples"];

/// Keywords whose value maps names to schemas.
const NAMED_SCHEMAS: [&str; 4] = ["$defs", "dependentSchemas", "patternProperties", "properties"];

/// The input schema of a tool; `pointer` names the tool in the spec.
pub(crate) fn input_schema(tool: &ToolSpec, pointer: &str) -> Result<Value, Error> {
    match &tool.input_schema {
        None => from_parameters(&tool.parameters, pointer),
        Some(_) if !tool.parameters.is_empty() => Err(Error::invalid_spec(
            format!("{pointer}/input_schema"),
            "stands beside `parameters`; give one of them",
        )),
        Some(schema) => {
            let schema = Value::Object(schema.clone());
            check(&schema, &format!("{pointer}/input_schema"))?;
            Ok(schema)
        }
    }
}

fn from_parameters(parameters: &[ParameterSpec], pointer: &str) -> Result<Value, Error> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (index, parameter) in parameters.iter().enumerate() {
        let pointer = format!("{pointer}/parameters/{index}");
        let schema = parameter_schema(parameter, &pointer)?;
        if properties.insert(parameter.name.clone(), schema).is_some() {
            let name = parameter.name.clone();
            return Err(Error::NameCollision { pointer: format!("{pointer}/name"), name });
        }
        if parameter.required {
            required.push(Value::from(parameter.name.clone()));
        }
    }
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = Value::Array(required);
    }
    check(&schema, &format!("{pointer}/parameters"))?;
    Ok(schema)
}

fn parameter_schema(parameter: &ParameterSpec, pointer: &str) -> Result<Value, Error> {
    use ParameterType::{Array, Integer, Number, String};

    let kind = parameter.kind;
    let only = |keyword: &str, allowed: bool| {
        let refused = || {
            let message = format!("does not apply to the type `{}`", kind.keyword());
            Error::invalid_spec(format!("{pointer}/{keyword}"), message)
        };
        if allowed { Ok(()) } else { Err(refused()) }
    };
    let mut schema = json!({ "type": kind.keyword() });
    let description = collapse(&parameter.description);
    if !description.is_empty() {
        schema["description"] = description.into();
    }
    if let Some(items) = parameter.items {
        only("items", kind == Array)?;
        schema["items"] = json!({ "type": items.keyword() });
    }
    if !parameter.choices.is_empty() {
        only("enum", kind == String)?;
        schema["enum"] = json!(parameter.choices);
    }
    for (keyword, bound) in [("minimum", parameter.minimum), ("maximum", parameter.maximum)] {
        if let Some(bound) = bound {
            only(keyword, matches!(kind, Integer | Number))?;
            schema[keyword] = plain_number(bound);
        }
    }
    if let Some(most) = parameter.max_length {
        only("max_length", matches!(kind, String | Array))?;
        let keyword = if kind == String { "maxLength" } else { "maxItems" };
        schema[keyword] = most.into();
    }
    if parameter.minimum.zip(parameter.maximum).is_some_and(|(low, high)| low > high) {
        return Err(Error::invalid_spec(format!("{pointer}/minimum"), "exceeds `maximum`"));
    }
    Ok(schema)
}

/// `10`, not `10.0`, where the number is whole.
fn plain_number(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked: whole and below 2^53")]
    let whole = number as i64;
    let is_whole =
        number.abs() < 9_007_199_254_740_992.0 && number.trunc().to_bits() == number.to_bits();
    if is_whole { whole.into() } else { number.into() }
}

/// Refuse what is no JSON Schema 2020-12 of an object, or reaches outside itself.
fn check(schema: &Value, pointer: &str) -> Result<(), Error> {
    let invalid = |message: String| Error::invalid_spec(pointer, message);
    if schema.to_string().len() > MAX_BYTES {
        let what = format!("{pointer}: the schema");
        return Err(Error::TooLarge { what, bound: "64 KiB" });
    }
    if schema["type"] != "object" {
        return Err(invalid("must have \"type\": \"object\" at its root".into()));
    }
    walk(schema, 0).map_err(&invalid)?;
    jsonschema::draft202012::meta::validate(schema).map_err(|error| {
        invalid(format!("is no JSON Schema 2020-12: at {:?}", error.instance_path().as_str()))
    })?;
    jsonschema::draft202012::new(schema)
        .map(drop)
        .map_err(|_| invalid("does not compile: a reference or a pattern is wrong".into()))
}

fn walk(schema: &Value, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("is nested deeper than {MAX_DEPTH}"));
    }
    match schema {
        Value::Array(items) => items.iter().try_for_each(|item| walk(item, depth + 1)),
        Value::Object(map) => {
            map.iter().try_for_each(|(keyword, value)| walk_keyword(keyword, value, depth))
        }
        _ => Ok(()),
    }
}

fn walk_keyword(keyword: &str, value: &Value, depth: usize) -> Result<(), String> {
    match keyword {
        "$ref" | "$dynamicRef" if !value.as_str().is_some_and(|target| target.starts_with('#')) => {
            Err(format!("{keyword} may only refer inside the schema, by `#`"))
        }
        "$id" => Err("must not have `$id`".into()),
        "$schema" if value != DIALECT => Err(format!("`$schema` must be {DIALECT}")),
        _ if DATA_KEYWORDS.contains(&keyword) => walk_data(value, depth + 1),
        _ if NAMED_SCHEMAS.contains(&keyword) => match value {
            Value::Object(named) => named.values().try_for_each(|schema| walk(schema, depth + 2)),
            _ => Ok(()),
        },
        _ => walk(value, depth + 1),
    }
}

fn walk_data(value: &Value, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("is nested deeper than {MAX_DEPTH}"));
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| walk_data(item, depth + 1)),
        Value::Object(map) => map.values().try_for_each(|item| walk_data(item, depth + 1)),
        _ => Ok(()),
    }
}

/// Whether some pattern uses what the three languages' regular expressions read differently.
pub(crate) fn has_unportable_pattern(schema: &Value) -> bool {
    let unportable = |pattern: &str| {
        ["\\p{", "\\P{", "\\u{", "(?<", "(?i", "(?s", "(?m", "(?x", "\\A", "\\z", "\\Z", "[["]
            .iter()
            .any(|part| pattern.contains(part))
    };
    match schema {
        Value::Array(items) => items.iter().any(has_unportable_pattern),
        Value::Object(map) => map.iter().any(|(keyword, value)| match (keyword.as_str(), value) {
            ("pattern", Value::String(pattern)) => unportable(pattern),
            ("patternProperties", Value::Object(named)) => named
                .iter()
                .any(|(pattern, schema)| unportable(pattern) || has_unportable_pattern(schema)),
            (keyword, _) if DATA_KEYWORDS.contains(&keyword) => false,
            (_, nested) => has_unportable_pattern(nested),
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(value: Value) -> ToolSpec {
        let mut tool = json!({"name": "t", "description": "d"});
        let Value::Object(more) = value else { panic!("{value} is no object") };
        for (key, item) in more {
            tool[key] = item;
        }
        serde_json::from_value(tool).expect("tool")
    }

    fn refusal(value: Value) -> String {
        let error = input_schema(&tool(value), "/spec/tools/0").expect_err("must be refused");
        let answer = mcp_core::ToolError::from(error);
        format!("{} {}", answer.field().unwrap_or_default(), answer.message())
    }

    #[test]
    fn parameters_become_a_closed_object() {
        let schema = input_schema(
            &tool(json!({"parameters": [
                {"name": "city", "type": "string", "description": "Where.", "enum": ["a", "b"]},
                {"name": "days", "type": "integer", "minimum": 1, "maximum": 7.5, "required": false},
                {"name": "tags", "type": "array", "items": "string", "max_length": 3},
            ]})),
            "",
        );
        assert_eq!(
            schema.expect("schema"),
            json!({
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Where.", "enum": ["a", "b"]},
                    "days": {"type": "integer", "minimum": 1, "maximum": 7.5},
                    "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
                },
                "required": ["city", "tags"],
                "additionalProperties": false,
            })
        );
    }

    #[test]
    fn contradictions_between_parameters_are_refused() {
        let one = |parameter: Value| refusal(json!({"parameters": [parameter]}));
        assert!(one(json!({"name": "a", "type": "string", "minimum": 1})).contains("/minimum"));
        assert!(one(json!({"name": "a", "type": "integer", "enum": ["x"]})).contains("/enum"));
        assert!(one(json!({"name": "a", "type": "string", "items": "string"})).contains("/items"));
        assert!(
            one(json!({"name": "a", "type": "number", "minimum": 2, "maximum": 1}))
                .contains("exceeds")
        );
        let twice = json!({"name": "a", "type": "string"});
        assert!(refusal(json!({"parameters": [twice, twice]})).contains("`a`"));
        assert!(
            refusal(json!({"parameters": [twice], "input_schema": {"type": "object"}}))
                .contains("give one")
        );
    }

    #[test]
    fn given_schemas_must_be_closed_in_themselves() {
        for (schema, reason) in [
            (json!({"type": "array"}), "\"object\""),
            (json!({"type": "object", "properties": {"a": {"type": "strin"}}}), "no JSON Schema"),
            (
                json!({"type": "object", "properties": {"a": {"$ref": "https://example.com/x"}}}),
                "$ref",
            ),
            (json!({"type": "object", "properties": {"a": {"$ref": "other.json"}}}), "$ref"),
            (json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}}), "compile"),
            (json!({"type": "object", "properties": {"a": {"pattern": "("}}}), ""),
            (json!({"type": "object", "$id": "https://example.com"}), "$id"),
            (
                json!({"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"}),
                "$schema",
            ),
        ] {
            assert!(refusal(json!({"input_schema": schema})).contains(reason), "{schema}");
        }
        let mut deep = json!({});
        for _ in 0..40 {
            deep = json!({"items": deep});
        }
        assert!(
            refusal(json!({"input_schema": {"type": "object", "properties": {"a": deep}}}))
                .contains("deeper")
        );
        let large = json!({"type": "object", "description": "x".repeat(MAX_BYTES)});
        assert!(refusal(json!({"input_schema": large})).contains("64 KiB"));
    }

    #[test]
    fn words_in_data_are_no_references() {
        let schema = json!({
            "type": "object",
            "properties": {"$ref": {"const": {"$ref": "x"}}, "$id": {"enum": ["a"]}, "b": {"$ref": "#/$defs/b"}},
            "$defs": {"b": {"type": "string"}},
        });
        assert_eq!(
            input_schema(&tool(json!({"input_schema": schema})), "").expect("schema"),
            schema
        );
    }

    #[test]
    fn unportable_patterns_are_noticed() {
        assert!(has_unportable_pattern(&json!({"properties": {"a": {"pattern": "^\\p{L}+$"}}})));
        assert!(!has_unportable_pattern(&json!({"properties": {"a": {"pattern": "^[a-z]+$"}}})));
        assert!(!has_unportable_pattern(&json!({"const": {"pattern": "\\p{L}"}})));
    }
}
