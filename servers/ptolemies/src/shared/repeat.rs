//! Which calls may be handed over again when nobody knows what became of them.

use std::collections::HashMap;

use mcp_core::{
    prelude::{ToolError, ToolRouter, rmcp::model::Tool},
    relay::{Call, Outcome},
};
use serde_json::{Value, json};
use ulid::Ulid;

use crate::{Error, server::Server};

/// The argument that names a write.
const WRITE_ID: &str = "write_id";
/// Set in the answer to a write that was done before.
const REPEATED: &str = "repeated";

/// What is known of each tool.
#[derive(Debug)]
pub(super) struct Repeats(HashMap<String, Kind>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It changes nothing, or twice is once, or a second time adds without taking.
    Freely,
    /// A second one is answered by the first one's answer.
    ByName,
    Never,
}

/// How one call may be repeated.
#[derive(Debug)]
pub(super) struct Repeat {
    kind: Kind,
    /// Its name.
    write_id: Option<String>,
    /// Its caller gave none.
    is_ours: bool,
}

impl Repeats {
    pub(super) fn of(tools: &ToolRouter<Server>) -> Self {
        let kinds = tools.map.values().map(|route| &route.attr);
        Self(kinds.map(|tool| (tool.name.to_string(), kind(tool))).collect())
    }

    /// Name a write that has no name, so that it is never done twice.
    pub(super) fn prepare(&self, call: &mut Call) -> Repeat {
        let kind = self.0.get(&call.tool).copied().unwrap_or(Kind::Never);
        let given = call.arguments.get(WRITE_ID).and_then(Value::as_str).map(str::to_owned);
        if kind != Kind::ByName || given.is_some() {
            return Repeat { kind, write_id: given, is_ours: false };
        }
        let mut random = [0u8; 16];
        if getrandom::fill(&mut random).is_err() {
            return Repeat { kind: Kind::Never, write_id: None, is_ours: false };
        }
        let id = format!("proxy-{}", Ulid(u128::from_be_bytes(random)));
        call.arguments.insert(WRITE_ID.to_owned(), json!(id));
        Repeat { kind, write_id: Some(id), is_ours: true }
    }
}

impl Repeat {
    pub(super) fn is_allowed(&self) -> bool {
        self.kind != Kind::Never
    }

    /// The answer to a call that was handed over, and of which nothing more was heard.
    pub(super) fn unknown(&self) -> ToolError {
        let error = ToolError::from(Error::OutcomeUnknown { repeatable: self.write_id.is_some() });
        match &self.write_id {
            Some(id) => error.with_details(json!({WRITE_ID: id})),
            None => error,
        }
    }

    /// Whether a call without an answer may have changed something.
    pub(super) fn is_write(&self) -> bool {
        self.kind != Kind::Freely
    }

    /// The answer as its caller may expect it.
    pub(super) fn present(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Done(Value::Object(mut answer)) if self.is_ours => {
                // Its caller has asked once.
                answer.remove(REPEATED);
                Outcome::Done(Value::Object(answer))
            }
            outcome => outcome,
        }
    }
}

fn kind(tool: &Tool) -> Kind {
    let properties = tool.input_schema.get("properties").and_then(Value::as_object);
    if properties.is_some_and(|properties| properties.contains_key(WRITE_ID)) {
        return Kind::ByName;
    }
    let Some(hints) = &tool.annotations else { return Kind::Never };
    let harmless = [hints.read_only_hint, hints.idempotent_hint].contains(&Some(true))
        || hints.destructive_hint == Some(false);
    if harmless { Kind::Freely } else { Kind::Never }
}

#[cfg(test)]
mod tests {
    use mcp_core::{Principal, relay::Audience};

    use super::*;

    fn call(tool: &str, arguments: &Value) -> Call {
        Call {
            tool: tool.to_owned(),
            arguments: arguments.as_object().cloned().unwrap_or_default(),
            caller: (&Principal::local()).into(),
            left_ms: None,
            audience: Audience::Nobody,
        }
    }

    #[test]
    fn a_write_without_a_name_gets_one() {
        let repeats = Repeats::of(&crate::tools::router());
        let mut unnamed = call("store_memory", &json!({"items": []}));
        let repeat = repeats.prepare(&mut unnamed);
        let id = unnamed.arguments[WRITE_ID].as_str().unwrap_or_default().to_owned();
        assert!(id.len() > 20 && repeat.is_allowed() && repeat.is_write());
        assert_eq!(repeat.unknown().to_json()["details"], json!({"write_id": id}));
        let answer = json!({"seq": 1, "repeated": true});
        let shown = repeat.present(Outcome::Done(answer.clone()));
        assert!(matches!(shown, Outcome::Done(shown) if shown == json!({"seq": 1})));

        let mut named = call("store_memory", &json!({"items": [], "write_id": "mine"}));
        let repeat = repeats.prepare(&mut named);
        assert_eq!(named.arguments[WRITE_ID], "mine");
        assert!(matches!(repeat.present(Outcome::Done(answer.clone())),
            Outcome::Done(shown) if shown == answer));
    }

    #[test]
    fn what_destroys_without_a_name_is_not_repeated() {
        let repeats = Repeats::of(&crate::tools::router());
        for (tool, allowed) in [
            ("search_knowledge", true),
            ("cancel_job", true),
            ("create_backup", true),
            ("forget_items", true),
            ("merge_entities", true),
            ("restore_backup", false),
            ("no_such_tool", false),
        ] {
            let mut call = call(tool, &json!({}));
            assert_eq!(repeats.prepare(&mut call).is_allowed(), allowed, "{tool}");
        }
    }
}
