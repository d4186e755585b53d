//! What arguments look like: names that the schema knows, types, sizes.

use std::fmt::Write;

use rmcp::model::JsonObject;
use serde_json::Value;

/// Names written down; beyond them only their number.
const MOST: usize = 32;

/// For example `name:string(12),trials:integer,+1 unknown`. A name that the schema does not know is
/// the caller's text and is only counted.
pub(super) fn of(arguments: Option<&JsonObject>, schema: Option<&JsonObject>) -> String {
    let properties = schema.and_then(|schema| schema.get("properties")?.as_object());
    let known = |name: &String| properties.is_some_and(|names| names.contains_key(name));
    let mut shape = String::new();
    let (mut written, mut left) = (0, 0);
    for (name, value) in arguments.into_iter().flatten() {
        if !known(name) || written == MOST {
            left += 1;
            continue;
        }
        if written > 0 {
            shape.push(',');
        }
        written += 1;
        shape.push_str(name);
        shape.push(':');
        push_type(&mut shape, value);
    }
    if left > 0 {
        let comma = if written > 0 { "," } else { "" };
        push(&mut shape, format_args!("{comma}+{left} unknown"));
    }
    shape
}

fn push_type(shape: &mut String, value: &Value) {
    match value {
        Value::Null => shape.push_str("null"),
        Value::Bool(_) => shape.push_str("boolean"),
        Value::Number(number) if number.is_f64() => shape.push_str("number"),
        Value::Number(_) => shape.push_str("integer"),
        Value::String(text) => push(shape, format_args!("string({})", text.len())),
        Value::Array(items) => push(shape, format_args!("array({})", items.len())),
        Value::Object(fields) => push(shape, format_args!("object({})", fields.len())),
    }
}

fn push(shape: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    shape.write_fmt(text).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_types_and_sizes_and_no_value() {
        let arguments = json!({"a": "secret", "b": 12, "c": [1, 2], "d": {"x": "secret"}, "e": null,
            "f": 0.5, "g": true, "sk_live_secret": "secret"});
        let schema =
            json!({"properties": {"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1}});
        let shape = of(arguments.as_object(), schema.as_object());
        assert_eq!(
            shape,
            "a:string(6),b:integer,c:array(2),d:object(1),e:null,f:number,g:boolean,+1 unknown"
        );
        assert_eq!(of(None, schema.as_object()), "");
        assert_eq!(of(arguments.as_object(), None), "+8 unknown");
    }
}
