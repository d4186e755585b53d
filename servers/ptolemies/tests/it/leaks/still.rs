//! Answers without what differs between two runs: ids by the order in which they come, no times.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// What one server has shown so far.
#[derive(Debug, Default)]
pub(super) struct Still {
    /// Number of each id, in the order of their coming.
    ids: HashMap<String, usize>,
}

/// Values that are random, sealed or measured.
const VARY: [&str; 6] =
    ["next_cursor", "confirm_token", "request_id", "bytes", "digest", "expires_in_s"];

/// What cursors begin with.
const SEALED: &str = "rs1.";

impl Still {
    /// An answer as it may be compared.
    pub(super) fn of(&mut self, response: &Value) -> Value {
        if let Some(answer) = response["result"].get("structuredContent") {
            return self.value(answer);
        }
        let text = ["content", "contents"]
            .iter()
            .find_map(|name| response["result"][*name][0]["text"].as_str());
        match text {
            Some(text) => {
                let read = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
                let read = self.value(&read);
                json!({"isError": response["result"]["isError"], "text": read})
            }
            None => self.value(&response["error"]),
        }
    }

    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let still = map.iter().map(|(name, value)| {
                    let varies = VARY.contains(&name.as_str());
                    (name.clone(), if varies { json!("*") } else { self.value(value) })
                });
                Value::Object(still.collect::<Map<_, _>>())
            }
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::String(text) => Value::String(self.text(text)),
            other => other.clone(),
        }
    }

    fn text(&mut self, text: &str) -> String {
        let mut still = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (part, shown) = if rest.starts_with(SEALED) {
                let ends = |c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c));
                (rest.find(ends).unwrap_or(rest.len()), "C".to_owned())
            } else if let Some(part) = time(rest) {
                (part, "T".to_owned())
            } else if first.is_ascii_alphanumeric() {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                let word = rest.get(..end).unwrap_or_default();
                (word.len(), self.word(word))
            } else {
                (first.len_utf8(), first.to_string())
            };
            still.push_str(&shown);
            rest = rest.get(part..).unwrap_or_default();
        }
        still
    }

    fn word(&mut self, word: &str) -> String {
        let is_id = word.len() == 26
            && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        let is_hex = word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id {
            let next = self.ids.len();
            format!("#{}", self.ids.entry(word.to_owned()).or_insert(next))
        } else if is_hex {
            "H".to_owned()
        } else {
            word.to_owned()
        }
    }
}

/// Bytes of the time that a text begins with, as in 2026-01-31T09:30:00.123Z.
fn time(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let shape = bytes.get(..11)?;
    let fits = shape.iter().zip(b"dddd-dd-ddT").all(|(byte, kind)| match kind {
        b'd' => byte.is_ascii_digit(),
        kind => byte == kind,
    });
    let rest = text.get(11..).filter(|_| fits)?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.'))?;
    rest.get(end..)?.starts_with('Z').then_some(11 + end + 1)
}
