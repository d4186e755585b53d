//! Stored text on its way out, and measures of text.

use mcp_core::untrusted;
use serde_json::{Map, Value};

/// Whether a number is left out of an answer.
pub(crate) fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}

/// Text without what acts or hides.
pub(crate) fn clean(text: &str) -> String {
    untrusted::clean(text).into_owned()
}

/// A stored object without what acts or hides; `None` when it cannot be read.
pub(crate) fn clean_object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str::<Map<String, Value>>(text).ok().map(scrubbed)
}

/// A stored value without what acts or hides.
pub(crate) fn scrub(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&text)),
        Value::Array(values) => values.into_iter().map(scrub).collect(),
        Value::Object(object) => Value::Object(scrubbed(object)),
        plain => plain,
    }
}

fn scrubbed(object: Map<String, Value>) -> Map<String, Value> {
    object.into_iter().map(|(name, value)| (clean(&name), scrub(value))).collect()
}

/// Characters `text` has as a JSON string, without the quotes.
pub(crate) fn json_len(text: &str) -> usize {
    text.chars().map(json_width).sum()
}

/// `text` from character `from` on, as much as fits into `room` characters of JSON, and the number
/// of the first character left out, if one is.
pub(crate) fn window(text: &str, from: usize, room: usize) -> (&str, Option<usize>) {
    let mut used = 0;
    let mut start = text.len();
    for (number, (at, c)) in text.char_indices().enumerate() {
        if number < from {
            continue;
        }
        start = start.min(at);
        used += json_width(c);
        if used > room {
            return (text.get(start..at).unwrap_or(""), Some(number));
        }
    }
    (text.get(start..).unwrap_or(""), None)
}

fn json_width(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\t' => 2,
        _ => 1,
    }
}

/// Whether `text` matches a pattern of `*` (any run) and `?` (one character).
pub(crate) fn glob_matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                // The last star takes one character more.
                let Some((star, from)) = back else { return false };
                back = Some((star, from + 1));
                p = star + 1;
                t = from + 1;
            }
        }
    }
    pattern.iter().skip(p).all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_continue_where_they_ended() {
        let text = "ab\"cdé\n東";
        let (mut from, mut joined) = (0, String::new());
        loop {
            let (part, next) = window(text, from, 3);
            assert!(json_len(part) <= 3);
            joined.push_str(part);
            match next {
                Some(next) => from = next,
                None => break,
            }
        }
        assert_eq!(joined, text);
        assert_eq!(window("abc", 9, 5), ("", None));
    }

    #[test]
    fn objects_are_cleaned_to_the_bottom() {
        let object = clean_object(r#"{"a":[{"b\u0000":"x\u001b[2Jy"}],"n":1.5}"#).unwrap();
        assert_eq!(Value::Object(object), serde_json::json!({"a": [{"b": "xy"}], "n": 1.5}));
        assert!(clean_object("[1]").is_none());
    }

    #[test]
    fn globs() {
        for (pattern, text, wanted) in [
            ("*", "", true),
            ("user:*", "user:42", true),
            ("user:*", "users", false),
            ("*:?", "a:b:c", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?", "é", true),
            ("", "x", false),
        ] {
            assert_eq!(glob_matches(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
