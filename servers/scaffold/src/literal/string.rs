//! String literals: raw UTF-8 where it shows, an escape where it does not.

use std::fmt::Write;

use mcp_core::untrusted::is_invisible;
use serde::Serialize;
use serde_json::Value;

/// How a language writes what cannot stand raw in a double-quoted literal.
struct Escapes {
    /// Characters with a short escape, and the escape.
    short: &'static [(char, &'static str)],
    /// Any other character.
    other: fn(&mut String, u32),
}

fn quote(text: &str, escapes: &Escapes) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for character in text.chars() {
        if let Some((_, escape)) = escapes.short.iter().find(|(short, _)| *short == character) {
            literal.push_str(escape);
        } else if is_invisible(character) {
            (escapes.other)(&mut literal, u32::from(character));
        } else {
            literal.push(character);
        }
    }
    literal.push('"');
    literal
}

/// Writing to a string cannot fail.
fn push(literal: &mut String, escape: std::fmt::Arguments<'_>) {
    literal.write_fmt(escape).ok();
}

fn braced(literal: &mut String, code: u32) {
    push(literal, format_args!("\\u{{{code:x}}}"));
}

fn hex_u_big_u(literal: &mut String, code: u32) {
    match u16::try_from(code) {
        Ok(short) => push(literal, format_args!("\\u{short:04x}")),
        Err(_) => push(literal, format_args!("\\U{code:08x}")),
    }
}

/// JSON knows no escape beyond U+FFFF but surrogate pairs (RFC 8259, section 7).
fn surrogates(literal: &mut String, code: u32) {
    let mut units = [0; 2];
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    for unit in character.encode_utf16(&mut units) {
        push(literal, format_args!("\\u{unit:04x}"));
    }
}

const C_STYLE: &[(char, &str)] =
    &[('\\', "\\\\"), ('"', "\\\""), ('\n', "\\n"), ('\r', "\\r"), ('\t', "\\t")];

/// A Rust string literal. rustc refuses raw bidirectional marks, so nothing invisible stays raw.
pub(crate) fn rs_str(text: &str) -> String {
    quote(text, &Escapes { short: C_STYLE, other: braced })
}

/// A Python string literal. Never surrogate pairs: Python would keep two characters.
pub(crate) fn py_str(text: &str) -> String {
    quote(text, &Escapes { short: C_STYLE, other: hex_u_big_u })
}

/// A TypeScript string literal; never a template literal.
pub(crate) fn ts_str(text: &str) -> String {
    quote(text, &Escapes { short: C_STYLE, other: braced })
}

/// A TOML basic string.
pub(crate) fn toml_str(text: &str) -> String {
    quote(text, &Escapes { short: C_STYLE, other: hex_u_big_u })
}

/// A YAML double-quoted scalar: always quoted, so that no word is taken for a type.
pub(crate) fn yaml_str(text: &str) -> String {
    quote(text, &Escapes { short: C_STYLE, other: hex_u_big_u })
}

/// A JSON document, indented, with sorted keys and nothing invisible raw.
pub(crate) fn json(value: &Value) -> String {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::pretty(&mut text);
    // A JSON value always serializes.
    drop(sorted(value).serialize(&mut serializer));
    let mut escaped = String::with_capacity(text.len());
    for character in String::from_utf8_lossy(&text).chars() {
        // The serializer escapes control characters; a raw newline is its own layout.
        if character != '\n' && is_invisible(character) {
            surrogates(&mut escaped, u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// The same value with sorted keys, whatever map the build's `serde_json` uses.
pub(super) fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            Value::Object(entries.into_iter().map(|(k, v)| (k.clone(), sorted(v))).collect())
        }
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_shows_stays_raw_and_what_hides_is_escaped() {
        let text = "é😀\"\\\n\r\t\u{202e}\u{0}\u{e0041}";
        assert_eq!(rs_str(text), r#""é😀\"\\\n\r\t\u{202e}\u{0}\u{e0041}""#);
        assert_eq!(ts_str(text), r#""é😀\"\\\n\r\t\u{202e}\u{0}\u{e0041}""#);
        let eight_digits = r#""é😀\"\\\n\r\t\u202e\u0000\U000e0041""#;
        assert_eq!(py_str(text), eight_digits);
        assert_eq!(toml_str(text), eight_digits);
        assert_eq!(yaml_str(text), eight_digits);
        assert_eq!(json(&json!(text)), r#""é😀\"\\\n\r\t\u202e\u0000\udb40\udc41""#);
    }

    #[test]
    fn json_is_sorted_whatever_the_map_does() {
        assert_eq!(
            json(&json!({"b": 1, "a": {"d": 2, "c": 3}})).replace([' ', '\n'], ""),
            r#"{"a":{"c":3,"d":2},"b":1}"#
        );
    }

    proptest! {
        #[test]
        fn a_rust_literal_reads_back(text in any::<String>()) {
            let literal: syn::LitStr = syn::parse_str(&rs_str(&text)).expect("one literal");
            prop_assert_eq!(literal.value(), text);
        }

        #[test]
        fn a_json_literal_reads_back(text in any::<String>()) {
            let value: Value = serde_json::from_str(&json(&json!({&text: &text}))).expect("JSON");
            prop_assert_eq!(value, json!({&text: &text}));
        }
    }
}
