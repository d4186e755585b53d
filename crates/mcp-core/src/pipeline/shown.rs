//! A tool's schemas as a model is shown them: they admit the same values in fewer tokens.

use std::collections::BTreeMap;

use rmcp::model::JsonObject;
use serde_json::Value;

const LOCAL: &str = "#/$defs/";
/// What may stand beside a reference and still be said of what it refers to.
const ANNOTATIONS: &[&str] = &["default", "description", "examples", "title"];

/// The schema of arguments. One that may be left out is not told to take null as well.
pub(super) fn input(schema: &JsonObject) -> JsonObject {
    trimmed(schema, drop_null)
}

/// The schema of a result. A field that is not required is left out, never null.
pub(super) fn output(schema: &JsonObject) -> JsonObject {
    trimmed(schema, drop_null_of_absent)
}

/// Source lines of a doc comment joined.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn trimmed(schema: &JsonObject, nulls: fn(&mut JsonObject)) -> JsonObject {
    let mut schema = schema.clone();
    // 2020-12 is the protocol's default dialect.
    schema.remove("$schema");
    visit(&mut schema, &mut tidy);
    visit(&mut schema, &mut { nulls });
    inline(&mut schema);
    drop_repeated(&mut schema);
    visit(&mut schema, &mut fold);
    visit(&mut schema, &mut drop_empty_default);
    schema
}

/// Every schema within a schema, and then itself. What only looks like one, as the name of a property
/// or a default may, is passed by.
fn visit(schema: &mut JsonObject, act: &mut dyn FnMut(&mut JsonObject)) {
    for (key, inner) in schema.iter_mut() {
        match (key.as_str(), inner) {
            ("$defs" | "properties" | "patternProperties", Value::Object(inner)) => {
                inner.values_mut().filter_map(Value::as_object_mut).for_each(|one| visit(one, act));
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(inner)) => {
                inner.iter_mut().filter_map(Value::as_object_mut).for_each(|one| visit(one, act));
            }
            (
                "items"
                | "additionalProperties"
                | "contains"
                | "not"
                | "propertyNames"
                | "if"
                | "then"
                | "else",
                Value::Object(inner),
            ) => visit(inner, act),
            _ => {}
        }
    }
    act(schema);
}

/// Leave out what tells nothing, and the line ends of source text.
fn tidy(schema: &mut JsonObject) {
    // Rust's number widths; the bounds say what matters.
    let width = schema.get("format").and_then(Value::as_str).is_some_and(|format| {
        let digits = |prefix| format.strip_prefix(prefix).map(str::to_owned);
        matches!(format, "double" | "float")
            || digits("uint").or_else(|| digits("int")).is_some_and(|rest: String| {
                rest.is_empty() || rest.chars().all(|c| c.is_ascii_digit())
            })
    });
    if width {
        schema.remove("format");
    }
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = one_line(text);
    }
}

fn drop_null_of_absent(schema: &mut JsonObject) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let required: Vec<&str> =
        required.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (name, property) in properties {
        if let Value::Object(property) = property
            && !required.contains(&name.as_str())
        {
            drop_null(property);
        }
    }
}

fn drop_null(schema: &mut JsonObject) {
    if let Some(Value::Array(options)) = schema.get_mut("enum") {
        options.retain(|option| !option.is_null());
    }
    if let Some(Value::Array(names)) = schema.get_mut("type") {
        names.retain(|name| name != "null");
        if let [name] = names.as_slice() {
            let name = name.clone();
            schema.insert("type".to_owned(), name);
        }
    }
    drop_null_branch(schema);
}

/// `anyOf [T, null]` is T, with the description that stands beside it.
fn drop_null_branch(schema: &mut JsonObject) {
    let Some(Value::Array(branches)) = schema.get_mut("anyOf") else { return };
    branches.retain(|branch| branch.get("type") != Some(&Value::from("null")));
    let [Value::Object(only)] = branches.as_slice() else { return };
    let only = only.clone();
    schema.remove("anyOf");
    for (key, value) in only {
        schema.entry(key).or_insert(value);
    }
}

/// Put a definition that is used once where it is used.
fn inline(schema: &mut JsonObject) {
    let Some(Value::Object(mut definitions)) = schema.remove("$defs") else { return };
    let mut uses = BTreeMap::new();
    count(schema, &mut uses);
    for definition in definitions.values_mut().filter_map(Value::as_object_mut) {
        count(definition, &mut uses);
    }
    let known = definitions.clone();
    let mut put = |place: &mut JsonObject| put_in(place, &known, &uses);
    for definition in definitions.values_mut().filter_map(Value::as_object_mut) {
        visit(definition, &mut put);
    }
    visit(schema, &mut put);
    let mut left = BTreeMap::new();
    count(schema, &mut left);
    let mut reached = JsonObject::new();
    while let Some(name) = left.keys().find(|name| !reached.contains_key(*name)).cloned() {
        let Some(Value::Object(mut definition)) = definitions.remove(&name) else {
            left.remove(&name);
            continue;
        };
        count(&mut definition, &mut left);
        reached.insert(name, Value::Object(definition));
    }
    if !reached.is_empty() {
        schema.insert("$defs".to_owned(), Value::Object(reached));
    }
}

/// How often each definition is used.
fn count(schema: &mut JsonObject, uses: &mut BTreeMap<String, usize>) {
    visit(schema, &mut |place| {
        if let Some(name) = referred(place) {
            *uses.entry(name).or_default() += 1;
        }
    });
}

fn referred(place: &JsonObject) -> Option<String> {
    place.get("$ref").and_then(Value::as_str)?.strip_prefix(LOCAL).map(str::to_owned)
}

fn put_in(place: &mut JsonObject, known: &JsonObject, uses: &BTreeMap<String, usize>) {
    let Some(name) = referred(place) else { return };
    let beside = place.keys().all(|key| key == "$ref" || ANNOTATIONS.contains(&key.as_str()));
    let Some(Value::Object(definition)) = known.get(&name) else { return };
    if !beside || uses.get(&name) != Some(&1) {
        return;
    }
    place.remove("$ref");
    for (key, value) in definition {
        place.entry(key.clone()).or_insert_with(|| value.clone());
    }
    // What came in may refer further. It ends: what leads back to itself is used twice.
    visit(place, &mut |inner| put_in(inner, known, uses));
}

/// Drop the description of a definition whose every use has its own, and that of the items of a list
/// which has one.
fn drop_repeated(schema: &mut JsonObject) {
    let mut bare = BTreeMap::new();
    visit(schema, &mut |place| {
        if let Some(name) = referred(place) {
            *bare.entry(name).or_insert(false) |= !place.contains_key("description");
        }
    });
    if let Some(Value::Object(definitions)) = schema.get_mut("$defs") {
        for (name, definition) in definitions {
            if let (Some(false), Value::Object(definition)) = (bare.get(name), definition) {
                definition.remove("description");
            }
        }
    }
    visit(schema, &mut |place| {
        if place.contains_key("description")
            && let Some(Value::Object(items)) = place.get_mut("items")
            && items.get("type").and_then(Value::as_str) == Some("object")
        {
            items.remove("description");
        }
    });
}

/// Words, each with its meaning, as one list of words with their meanings behind the description.
fn fold(schema: &mut JsonObject) {
    let Some(Value::Array(options)) = schema.get("oneOf") else { return };
    let (mut words, mut meanings) = (Vec::new(), Vec::new());
    for option in options {
        if option["type"] != "string" {
            return;
        }
        match (option.get("const"), option.get("enum")) {
            (Some(Value::String(word)), None) => {
                words.push(Value::from(word.as_str()));
                if let Some(meaning) = option["description"].as_str() {
                    meanings.push(format!("`{word}`: {}", meaning.trim_end_matches('.')));
                }
            }
            (None, Some(Value::Array(more))) => words.extend(more.iter().cloned()),
            _ => return,
        }
    }
    schema.remove("oneOf");
    schema.insert("type".to_owned(), Value::from("string"));
    schema.insert("enum".to_owned(), Value::from(words));
    if !meanings.is_empty() {
        let said = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let said = format!("{said} {}.", meanings.join("; ")).trim_start().to_owned();
        schema.insert("description".to_owned(), Value::from(said));
    }
}

/// Nothing given is what anyone takes for nothing.
fn drop_empty_default(schema: &mut JsonObject) {
    let empty = match schema.get("default") {
        Some(Value::Bool(on)) => !on,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::String(text)) => text.is_empty(),
        _ => false,
    };
    if empty {
        schema.remove("default");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(schema: &Value) -> Value {
        Value::Object(input(schema.as_object().unwrap()))
    }

    #[test]
    fn optional_arguments_are_not_told_to_take_null() {
        let schema = json!({"properties": {
            "a": {"type": ["string", "null"], "maxLength": 5},
            "e": {"type": ["string", "null"], "enum": ["x", "y", null]},
            "b": {"description": "B.", "anyOf": [{"type": "boolean"}, {"type": "null"}]},
            "c": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}}});
        assert_eq!(
            shown(&schema),
            json!({"properties": {
            "a": {"type": "string", "maxLength": 5},
            "e": {"type": "string", "enum": ["x", "y"]},
            "b": {"description": "B.", "type": "boolean"},
            "c": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}})
        );
    }

    #[test]
    fn what_tells_nothing_is_left_out() {
        let schema = json!({"$schema": "x", "type": "object", "properties": {
            "n": {"type": "integer", "format": "uint64", "minimum": 0, "description": "A\n count."},
            "default": {"type": "boolean", "default": false},
            "at": {"type": "string", "format": "date-time", "default": null}}});
        assert_eq!(
            shown(&schema),
            json!({"type": "object", "properties": {
                "n": {"type": "integer", "minimum": 0, "description": "A count."},
                "default": {"type": "boolean"},
                "at": {"type": "string", "format": "date-time"}}})
        );
    }

    #[test]
    fn what_is_used_once_stands_where_it_is_used() {
        let schema = json!({"$defs": {
                "Once": {"type": "object", "description": "General.", "properties": {"t": {"$ref": "#/$defs/Deep"}}},
                "Deep": {"type": "integer", "description": "Deep."},
                "Twice": {"type": "string", "description": "Said twice."},
                "Tree": {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}},
            "properties": {
                "once": {"$ref": "#/$defs/Once", "description": "Special."},
                "a": {"$ref": "#/$defs/Twice", "description": "A."},
                "b": {"$ref": "#/$defs/Twice", "description": "B."},
                "tree": {"$ref": "#/$defs/Tree"}}});
        assert_eq!(
            shown(&schema),
            json!({"$defs": {
                "Twice": {"type": "string"},
                "Tree": {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}},
            "properties": {
                "once": {"type": "object", "description": "Special.",
                         "properties": {"t": {"type": "integer", "description": "Deep."}}},
                "a": {"$ref": "#/$defs/Twice", "description": "A."},
                "b": {"$ref": "#/$defs/Twice", "description": "B."},
                "tree": {"$ref": "#/$defs/Tree"}}})
        );
    }

    #[test]
    fn words_with_meanings_become_one_list() {
        let schema = json!({"properties": {"way": {"description": "Which way.", "oneOf": [
            {"type": "string", "enum": ["both"]},
            {"type": "string", "const": "out", "description": "From start to end."}]}}});
        assert_eq!(
            shown(&schema),
            json!({"properties": {"way": {"type": "string", "enum": ["both", "out"],
                "description": "Which way. `out`: From start to end."}}})
        );
        let mixed = json!({"oneOf": [{"type": "string", "const": "x"}, {"type": "integer"}]});
        assert_eq!(shown(&mixed), mixed);
    }
}
