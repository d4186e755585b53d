//! The engine's own words on configuration and state, made safe: for what no section shows.

use mcp_core::untrusted;
use serde_json::{Map, Value, json};

use crate::redaction::{self, REDACTED, Redactor};

/// Bytes of the section.
const MAX_BYTES: usize = 20_000;
/// Characters of a string and items of a list, ever tighter until the section fits.
const BOUNDS: [Bounds; 4] = [
    Bounds { chars: 500, items: 100 },
    Bounds { chars: 200, items: 40 },
    Bounds { chars: 80, items: 20 },
    Bounds { chars: 40, items: 10 },
];
const MAX_DEPTH: usize = 12;
/// Probe results kept, as in the health section.
const MAX_PROBES: usize = 5;

/// `{"config": …, "state": …}` of an inspection's JSON. Values of variables are hidden, strings
/// cleaned and cut, lists and objects bounded.
pub(crate) fn section(inspected: &Value, redactor: &Redactor) -> Value {
    let mut config = inspected.get("Config").cloned().unwrap_or_default();
    if let Some(env) = config.get_mut("Env").and_then(Value::as_array_mut) {
        for pair in env {
            let name = pair.as_str().and_then(|pair| pair.split_once('=')).map(|(name, _)| name);
            if let Some(name) = name {
                *pair = Value::String(format!("{name}={REDACTED}"));
            }
        }
    }
    let mut state = inspected.get("State").cloned().unwrap_or_default();
    for health in ["Health", "Healthcheck"] {
        if let Some(log) =
            state.pointer_mut(&format!("/{health}/Log")).and_then(Value::as_array_mut)
        {
            log.drain(..log.len().saturating_sub(MAX_PROBES));
        }
    }
    let mut section = Value::Null;
    for bounds in BOUNDS {
        let tidy = |value| Tidy { redactor, bounds }.value(value, 0);
        section = json!({"config": tidy(&config), "state": tidy(&state)});
        if section.to_string().len() <= MAX_BYTES {
            break;
        }
    }
    section
}

#[derive(Clone, Copy)]
struct Bounds {
    chars: usize,
    items: usize,
}

struct Tidy<'a> {
    redactor: &'a Redactor,
    bounds: Bounds,
}

impl Tidy<'_> {
    fn value(&self, value: &Value, depth: usize) -> Value {
        let Bounds { chars, items: most } = self.bounds;
        if depth > MAX_DEPTH {
            return Value::Null;
        }
        match value {
            Value::String(text) => Value::String(self.redactor.present(text, chars)),
            Value::Array(items) if items.iter().all(Value::is_string) => {
                let args: Vec<String> = items
                    .iter()
                    .take(most)
                    .filter_map(|item| item.as_str().map(str::to_owned))
                    .collect();
                self.redactor.present_args(&args, chars).into()
            }
            Value::Array(items) => {
                items.iter().take(most).map(|item| self.value(item, depth + 1)).collect()
            }
            Value::Object(fields) => {
                let fields = fields.iter().take(most).map(|(key, value)| {
                    let value = match value {
                        Value::String(_) if redaction::is_secret_name(key) => json!(REDACTED),
                        other => self.value(other, depth + 1),
                    };
                    (untrusted::line(key, chars), value)
                });
                Value::Object(fields.collect::<Map<_, _>>())
            }
            plain => plain.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_variable_gets_through() {
        let inspected = json!({
            "Config": {"Env": ["A_TOKEN=canary-1", "B=canary-2"], "Cmd": ["sh", "-c", "echo canary-1"],
                "Labels": {"x.password": "canary-3", "y": "ok\u{202e}"}},
            "State": {"Status": "running", "Health": {"Log": [{"Output": "saw canary-1"}]}},
            "HostConfig": {"not": "shown"}
        });
        let redactor = Redactor::from_env(&["A_TOKEN=canary-1".to_owned()]);
        let raw = section(&inspected, &redactor);
        assert!(!raw.to_string().contains("canary"), "{raw}");
        assert_eq!(raw["config"]["Env"], json!(["A_TOKEN=[redacted]", "B=[redacted]"]));
        assert_eq!(raw["config"]["Labels"]["y"], "ok");
        assert!(raw.get("HostConfig").is_none());
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let mut deep = json!("end");
        for _ in 0..50 {
            deep = json!({ "a": deep });
        }
        let wide: Vec<Value> = (0..500).map(|n| json!({ "n": "y".repeat(n) })).collect();
        let raw = section(
            &json!({"Config": {"deep": deep, "wide": wide, "long": "x".repeat(100_000)}}),
            &Redactor::default(),
        );
        assert!(raw.to_string().len() <= MAX_BYTES);
    }
}
