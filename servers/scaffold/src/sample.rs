//! Example arguments of a tool, for the generated tests. An example is used only when the schema
//! itself agrees that it is right, or wrong.

use serde_json::{Map, Value, json};

/// How deep references are followed.
const MAX_DEPTH: usize = 8;

/// Arguments that the schema accepts and arguments that it refuses, where they were found.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Samples {
    pub(crate) valid: Option<Value>,
    pub(crate) invalid: Option<Value>,
}

/// Look for examples.
pub(crate) fn samples(schema: &Value) -> Samples {
    let Ok(validator) = jsonschema::draft202012::new(schema) else { return Samples::default() };
    let valid = Some(value(schema, schema, 0)).filter(|example| validator.is_valid(example));
    let invalid =
        wrong(schema, valid.as_ref()).into_iter().find(|example| !validator.is_valid(example));
    Samples { valid, invalid }
}

/// A value that the simple keywords of a schema allow.
fn value(schema: &Value, root: &Value, depth: usize) -> Value {
    let schema = resolve(schema, root);
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    if let Some(known) = known(schema) {
        return known.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().unwrap_or(&Value::Null),
        kind => kind,
    };
    match kind.as_str() {
        Some("object") => object(schema, root, depth),
        Some("array") => {
            let length = schema["minItems"].as_u64().unwrap_or(0).min(16);
            (0..length).map(|_| value(&schema["items"], root, depth + 1)).collect()
        }
        Some("integer") => number(schema, true),
        Some("number") => number(schema, false),
        Some("boolean") => true.into(),
        Some("null") => Value::Null,
        _ => text(schema),
    }
}

fn known(schema: &Value) -> Option<&Value> {
    let first = |keyword: &str| schema[keyword].as_array().and_then(|values| values.first());
    schema
        .get("const")
        .or_else(|| schema.get("default"))
        .or_else(|| first("examples"))
        .or_else(|| first("enum"))
}

/// The schema that a local reference leads to.
pub(crate) fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let mut schema = schema;
    for _ in 0..MAX_DEPTH {
        let target = schema["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
        match target.and_then(|pointer| root.pointer(pointer)) {
            Some(next) => schema = next,
            None => break,
        }
    }
    schema
}

/// Every required property and no other.
fn object(schema: &Value, root: &Value, depth: usize) -> Value {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let properties = &schema["properties"];
    let entries: Map<String, Value> =
        required.map(|name| (name.to_owned(), value(&properties[name], root, depth + 1))).collect();
    Value::Object(entries)
}

fn number(schema: &Value, whole: bool) -> Value {
    let least = schema["minimum"]
        .as_f64()
        .or_else(|| schema["exclusiveMinimum"].as_f64().map(|bound| bound + 1.0));
    let most = schema["maximum"]
        .as_f64()
        .or_else(|| schema["exclusiveMaximum"].as_f64().map(|bound| bound - 1.0));
    let number = least.or(most).unwrap_or(1.0);
    let number = if whole { number.ceil() } else { number };
    #[expect(clippy::cast_possible_truncation, reason = "a sample that became wrong is not used")]
    if number.fract() == 0.0 { json!(number as i64) } else { json!(number) }
}

fn text(schema: &Value) -> Value {
    let by_format = match schema["format"].as_str() {
        Some("date") => "2026-01-31",
        Some("date-time") => "2026-01-31T12:00:00Z",
        Some("email") => "user@example.com",
        Some("uri") => "https://example.com/",
        Some("uuid") => "123e4567-e89b-12d3-a456-426614174000",
        _ => "text",
    };
    let least = usize::try_from(schema["minLength"].as_u64().unwrap_or(0).min(1000)).unwrap_or(0);
    let most = schema["maxLength"].as_u64().and_then(|most| usize::try_from(most).ok());
    let padding = least.saturating_sub(by_format.chars().count());
    let padded = by_format.chars().chain(std::iter::repeat_n('x', padding));
    padded.take(most.unwrap_or(usize::MAX)).collect::<String>().into()
}

/// Candidates that most schemas refuse: a property too many, a wrong type, nothing at all.
fn wrong(schema: &Value, valid: Option<&Value>) -> Vec<Value> {
    let mut candidates = Vec::new();
    if let Some(Value::Object(valid)) = valid {
        let names = schema["properties"].as_object().into_iter().flat_map(Map::keys);
        let mut names: Vec<_> = names.collect();
        names.sort();
        for name in names {
            let mut wrong = valid.clone();
            let of_other_type = match wrong.get(name) {
                Some(Value::Object(_)) => json!("text"),
                _ => json!({"unexpected": 1}),
            };
            wrong.insert(name.clone(), of_other_type);
            candidates.push(Value::Object(wrong));
        }
        let mut more = valid.clone();
        more.insert("unexpected_argument".to_owned(), json!(1));
        candidates.push(Value::Object(more));
    }
    candidates.push(json!({}));
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_satisfy_common_keywords() {
        let schema = json!({
            "type": "object",
            "properties": {
                "a": {"type": "integer", "minimum": 3}, "b": {"enum": ["x", "y"]},
                "c": {"type": "array", "items": {"type": "string", "minLength": 6}, "minItems": 2},
                "d": {"$ref": "#/$defs/d"}, "e": {"type": "string"},
            },
            "required": ["a", "b", "c", "d"],
            "additionalProperties": false,
            "$defs": {"d": {"type": "object", "properties": {"x": {"type": "boolean"}}, "required": ["x"]}},
        });
        let found = samples(&schema);
        assert_eq!(
            found.valid.expect("valid"),
            json!({"a": 3, "b": "x", "c": ["textxx", "textxx"], "d": {"x": true}})
        );
        assert!(!jsonschema::is_valid(&schema, &found.invalid.expect("invalid")));
    }

    #[test]
    fn an_example_is_not_claimed_where_none_is_known() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^[0-9]{3}$"}}, "required": ["a"]});
        assert_eq!(samples(&schema).valid, None);
        assert_eq!(samples(&json!({"type": "object"})).invalid, None);
    }

    #[test]
    fn recursion_ends() {
        let schema = json!({
            "type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"],
        });
        assert_eq!(samples(&schema).valid, None);
    }
}
