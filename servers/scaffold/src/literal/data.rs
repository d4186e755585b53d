//! JSON values as data in source code.

use serde_json::Value;

use super::string::{json, py_str, rs_str, sorted, ts_str};

/// Most `#` that a raw string may have (Rust reference, "Raw string literals").
const MAX_HASHES: usize = 255;

/// A Rust raw string that holds the value as JSON text.
pub(crate) fn rs_data(value: &Value) -> String {
    let text = json(value);
    let hashes = longest_quote_run(&text) + 1;
    if hashes > MAX_HASHES {
        return rs_str(&text);
    }
    let hashes = "#".repeat(hashes);
    format!("r{hashes}\"{text}\"{hashes}")
}

/// Most `#` that follow a quote.
fn longest_quote_run(text: &str) -> usize {
    text.split('"')
        .skip(1)
        .map(|part| part.bytes().take_while(|&byte| byte == b'#').count())
        .max()
        .unwrap_or(0)
}

/// A Python expression.
pub(crate) fn py_data(value: &Value, indent: usize) -> String {
    let mut code = String::new();
    write(&mut code, &sorted(value), indent, &PYTHON);
    code
}

/// A TypeScript expression.
pub(crate) fn ts_data(value: &Value, indent: usize) -> String {
    let mut code = String::new();
    write(&mut code, &sorted(value), indent, &TYPESCRIPT);
    code
}

/// How a language writes JSON's words.
struct Words {
    null: &'static str,
    yes: &'static str,
    no: &'static str,
    step: usize,
    string: fn(&str) -> String,
    key: fn(&str) -> String,
}

const PYTHON: Words =
    Words { null: "None", yes: "True", no: "False", step: 4, string: py_str, key: py_str };
const TYPESCRIPT: Words =
    Words { null: "null", yes: "true", no: "false", step: 2, string: ts_str, key: ts_key };

/// In an object literal a plain `__proto__` key sets the prototype; a computed one is a property.
fn ts_key(key: &str) -> String {
    let literal = ts_str(key);
    if key == "__proto__" { format!("[{literal}]") } else { literal }
}

fn write(code: &mut String, value: &Value, indent: usize, words: &Words) {
    match value {
        Value::Null => code.push_str(words.null),
        Value::Bool(true) => code.push_str(words.yes),
        Value::Bool(false) => code.push_str(words.no),
        Value::Number(number) => code.push_str(&number.to_string()),
        Value::String(text) => code.push_str(&(words.string)(text)),
        Value::Array(items) => {
            write_items(code, ('[', ']'), items, indent, words, |code, item, inner| {
                write(code, item, inner, words);
            });
        }
        Value::Object(map) => {
            write_items(code, ('{', '}'), map, indent, words, |code, (key, item), inner| {
                code.push_str(&(words.key)(key));
                code.push_str(": ");
                write(code, item, inner, words);
            });
        }
    }
}

fn write_items<T>(
    code: &mut String,
    (open, close): (char, char),
    items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    indent: usize,
    words: &Words,
    mut item_of: impl FnMut(&mut String, T, usize),
) {
    let items = items.into_iter();
    let is_empty = items.len() == 0;
    code.push(open);
    for item in items {
        new_line(code, indent + words.step);
        item_of(code, item, indent + words.step);
        code.push(',');
    }
    if !is_empty {
        new_line(code, indent);
    }
    code.push(close);
}

fn new_line(code: &mut String, indent: usize) {
    code.push('\n');
    code.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn words_differ_by_language() {
        let value = json!({"a": [null, true, false, 1.5, -2], "b": {}, "c": []});
        assert_eq!(
            py_data(&value, 0),
            "{\n    \"a\": [\n        None,\n        True,\n        False,\n        1.5,\n        -2,\n    ],\n    \"b\": {},\n    \"c\": [],\n}"
        );
        assert_eq!(ts_data(&json!([null, true]), 2), "[\n    null,\n    true,\n  ]");
    }

    #[test]
    fn a_prototype_key_stays_a_property() {
        assert_eq!(ts_data(&json!({"__proto__": 1}), 0), "{\n  [\"__proto__\"]: 1,\n}");
    }

    #[test]
    fn a_raw_string_has_more_hashes_than_its_text() {
        assert_eq!(rs_data(&json!("a")), "r#\"\"a\"\"#");
        assert_eq!(rs_data(&json!("\"##")), "r###\"\"\\\"##\"\"###");
        let many = format!("\"{}", "#".repeat(300));
        assert!(rs_data(&json!(many)).starts_with("\"\\\""), "falls back to a plain literal");
    }

    proptest! {
        #[test]
        fn a_rust_raw_string_reads_back(text in "[\"#\\\\a\\PC]{0,40}") {
            let literal: syn::LitStr = syn::parse_str(&rs_data(&json!([&text]))).expect("one literal");
            let value: Value = serde_json::from_str(&literal.value()).expect("JSON");
            prop_assert_eq!(value, json!([text]));
        }
    }
}
