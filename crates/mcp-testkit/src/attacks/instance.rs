//! Values that fit an advertised schema, and values that just do not.

use proptest::{
    strategy::{Strategy, ValueTree},
    string::string_regex,
    test_runner::TestRunner,
};
use serde_json::{Map, Value, json};

/// Deepest that a recursive schema is followed.
const DEEPEST: usize = 12;

/// A value with what the schema requires, and no more.
pub fn minimal(schema: &Value) -> Value {
    build(schema, schema, false, 0)
}

/// A value with every field of the schema.
pub fn full(schema: &Value) -> Value {
    build(schema, schema, true, 0)
}

/// The fields of an object schema, references followed.
pub fn fields(schema: &Value) -> Vec<(String, Value)> {
    let properties = resolve(schema, schema)["properties"].as_object().cloned();
    let properties = properties.into_iter().flatten();
    properties.map(|(name, inner)| (name, resolve(schema, &inner).clone())).collect()
}

/// Every place of a value that holds a text, as JSON pointers.
pub fn texts(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(value, "", &mut |at, value| {
        if value.is_string() {
            found.push(at.to_owned());
        }
    });
    found
}

/// Every place of a value, outermost first, as JSON pointers.
pub fn places(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(value, "", &mut |at, _| found.push(at.to_owned()));
    found
}

fn walk(value: &Value, at: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(at, value);
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                let step = name.replace('~', "~0").replace('/', "~1");
                walk(inner, &format!("{at}/{step}"), visit);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                walk(inner, &format!("{at}/{index}"), visit);
            }
        }
        _ => {}
    }
}

/// What a place may be turned into: other types, values just outside a bound, strange texts.
pub fn mutations(value: &Value) -> Vec<Value> {
    let mut all = vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(1.0),
        json!(1e300),
        json!(9_007_199_254_740_993_u64),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("x"),
        json!("a\u{0}b\u{202e}\u{200b}"),
        json!("1"),
        json!([]),
        json!([null]),
        json!({}),
        json!({"": 1}),
    ];
    match value {
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            all.extend([
                json!(number + 1.0),
                json!(number - 1.0),
                json!(-number),
                json!(number * 1e9),
            ]);
        }
        Value::String(text) => {
            all.extend([
                json!(format!("{text} ")),
                json!(text.repeat(5_000 / text.len().max(1) + 2)),
                json!(text.to_uppercase()),
            ]);
        }
        Value::Array(items) => {
            all.push(items.iter().cycle().take(items.len().max(1) * 3).cloned().collect());
            all.push(items.iter().skip(1).cloned().collect());
        }
        Value::Object(object) => {
            for name in object.keys() {
                let mut fewer = object.clone();
                fewer.remove(name);
                all.push(Value::Object(fewer));
            }
            let mut more = object.clone();
            more.insert("no_such_field".to_owned(), json!(1));
            all.push(Value::Object(more));
        }
        _ => {}
    }
    all
}

fn resolve<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let mut schema = schema;
    for _ in 0..DEEPEST {
        let Some(pointer) = schema["$ref"].as_str() else { break };
        let Some(next) = pointer.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) else {
            break;
        };
        schema = next;
    }
    schema
}

fn build(root: &Value, schema: &Value, all: bool, depth: usize) -> Value {
    let schema = resolve(root, schema);
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().find(|value| !value.is_null()).cloned().unwrap_or_default();
    }
    for union in ["oneOf", "anyOf"] {
        if let Some(branches) = schema[union].as_array() {
            let real = branches.iter().find(|branch| resolve(root, branch)["type"] != "null");
            let mut value = build(root, real.unwrap_or(&Value::Null), all, depth + 1);
            // What the schema says beside the union holds for every branch.
            if let (Value::Object(value), Value::Object(beside)) =
                (&mut value, object(root, schema, all, depth))
            {
                for (name, inner) in beside {
                    value.entry(name).or_insert(inner);
                }
            }
            return value;
        }
    }
    let kind = match &schema["type"] {
        Value::Array(names) => {
            names.iter().find(|name| *name != "null").cloned().unwrap_or_default()
        }
        name => name.clone(),
    };
    match kind.as_str() {
        Some("string") => text(schema).into(),
        Some("integer" | "number") => number(schema, kind == "integer"),
        Some("boolean") => json!(false),
        Some("array") => {
            let least = schema["minItems"].as_u64().unwrap_or_default();
            let count = if all && depth < DEEPEST { least.max(1) } else { least };
            (0..count)
                .map(|index| distinct(build(root, &schema["items"], all, depth + 1), index))
                .collect()
        }
        Some("null") => Value::Null,
        _ => object(root, schema, all, depth),
    }
}

fn object(root: &Value, schema: &Value, all: bool, depth: usize) -> Value {
    let mut value = Map::new();
    let required = schema["required"].as_array();
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let needed = required.is_some_and(|names| names.iter().any(|one| one == name));
        if needed || all && depth < 4 {
            value.insert(name.clone(), build(root, inner, all, depth + 1));
        }
    }
    Value::Object(value)
}

/// Lists often want different items.
fn distinct(value: Value, index: u64) -> Value {
    match value {
        Value::String(text) if index > 0 && text == "text" => format!("{text}{index}").into(),
        value => value,
    }
}

fn number(schema: &Value, whole: bool) -> Value {
    let bound = |key: &str| schema[key].as_f64();
    let step = if whole { 1.0 } else { 0.125 };
    let least = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|least| least + step));
    let most = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|most| most - step));
    let value = match (least, most) {
        (Some(least), _) => least,
        (None, Some(most)) => most.min(1.0),
        (None, None) => 1.0,
    };
    #[expect(clippy::cast_possible_truncation, reason = "a small whole number")]
    if whole { json!(value as i64) } else { json!(value) }
}

fn text(schema: &Value) -> String {
    if let Some(pattern) = schema["pattern"].as_str() {
        let unanchored = pattern.trim_start_matches('^').trim_end_matches('$');
        if let Ok(strategy) = string_regex(unanchored) {
            if let Ok(tree) = strategy.new_tree(&mut TestRunner::deterministic()) {
                // Beyond ASCII the dialects of patterns disagree, on spaces for one.
                let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { 'a' };
                return tree.current().chars().map(plain).collect();
            }
        }
    }
    let least = usize::try_from(schema["minLength"].as_u64().unwrap_or_default()).unwrap_or(0);
    let most =
        schema["maxLength"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(4);
    let known = match schema["format"].as_str() {
        Some("date-time") => "2026-01-01T00:00:00Z",
        Some("date") => "2026-01-01",
        Some("uri") => "https://example.com/",
        Some("email") => "a@example.com",
        _ => "text",
    };
    if known.len() < least { "a".repeat(least) } else { known.chars().take(most.max(1)).collect() }
}
