//! Entries in a client's JSON file: comments, order and indentation of all else stay as they are.

use jsonc_parser::{
    ParseOptions,
    cst::{CstInputValue, CstObject, CstRootNode},
};
use mcp_core::StartError;
use serde_json::{Map, Value};

use crate::clients::{Client, Target};

/// One server to add, or to take out where there is no target.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) server: &'static str,
    pub(super) target: Option<Target>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Added,
    Replaced,
    Removed,
    Same,
    Absent,
}

impl Outcome {
    pub(super) fn is_change(self) -> bool {
        !matches!(self, Self::Same | Self::Absent)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
            Self::Same => "is there already",
            Self::Absent => "was not there",
        }
    }
}

/// The new text, and what became of each change.
#[derive(Debug)]
pub(super) struct Edited {
    pub(super) text: String,
    pub(super) outcomes: Vec<Outcome>,
}

/// Why nothing was changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EditError {
    NotJson {
        line: usize,
        column: usize,
        message: String,
    },
    /// A place that must be an object is something else; empty for the whole file.
    NotObject(String),
    Differs(&'static str),
    NoHttp(&'static str),
    NoFile(&'static str),
}

impl EditError {
    pub(super) fn of_file(self, file: &str) -> StartError {
        match self {
            Self::NotJson { line, column, message } => {
                StartError::config(format!("{file}:{line}:{column}: not JSON: {message}"))
                    .with_hint("mend the file first; nothing was changed")
            }
            Self::NotObject(key) => {
                let place = if key.is_empty() { "the file".to_owned() } else { format!("`{key}`") };
                StartError::config(format!("{file}: {place} is not a JSON object"))
                    .with_hint("mend the file first; nothing was changed")
            }
            Self::Differs(server) => StartError::config(format!(
                "{file} has an entry `{server}` already, and it says something else"
            ))
            .with_hint("--replace overwrites it; nothing was changed"),
            Self::NoHttp(name) => {
                StartError::config(format!("{name} reaches no server of this machine by HTTP"))
                    .with_hint("leave out --http: it then starts the server itself")
            }
            Self::NoFile(name) => {
                StartError::config(format!("{name} keeps its servers in no JSON file"))
                    .with_hint("leave out --file: its own command line is used then")
            }
        }
    }
}

/// Make all changes in a file's text, or none.
pub(super) fn edit(
    client: &Client,
    text: &str,
    changes: &[Change],
    replace: bool,
) -> Result<Edited, EditError> {
    let key = client.key.ok_or(EditError::NoFile(client.name))?;
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    let root = CstRootNode::parse(text, &strict()).map_err(|error| EditError::NotJson {
        line: error.line_display(),
        column: error.column_display(),
        message: error.kind().to_string(),
    })?;
    let object = root.object_value().ok_or_else(|| EditError::NotObject(String::new()))?;
    let mut outcomes = Vec::new();
    for change in changes {
        outcomes.push(match &change.target {
            Some(target) => put(client, &object, key, change.server, target, replace)?,
            None => take(&object, key, change.server)?,
        });
    }
    Ok(Edited { text: root.to_string(), outcomes })
}

/// What these clients read: JSON with comments and commas at the end.
fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn put(
    client: &Client,
    object: &CstObject,
    key: &str,
    server: &'static str,
    target: &Target,
    replace: bool,
) -> Result<Outcome, EditError> {
    let fields = client.entry(target).ok_or(EditError::NoHttp(client.name))?;
    let wanted: Map<String, Value> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let entry = CstInputValue::Object(
        fields.into_iter().map(|(name, value)| (name.to_owned(), input(&value))).collect(),
    );
    let not_object = || EditError::NotObject(key.to_owned());
    let servers = object.object_value_or_create(key).ok_or_else(not_object)?;
    let Some(old) = servers.get(server) else {
        servers.append(server, entry);
        return Ok(Outcome::Added);
    };
    if old.to_serde_value() == Some(Value::Object(wanted)) {
        return Ok(Outcome::Same);
    }
    if !replace {
        return Err(EditError::Differs(server));
    }
    old.set_value(entry);
    Ok(Outcome::Replaced)
}

fn take(object: &CstObject, key: &str, server: &str) -> Result<Outcome, EditError> {
    let Some(servers) = object.get(key) else { return Ok(Outcome::Absent) };
    let servers = servers.object_value().ok_or_else(|| EditError::NotObject(key.to_owned()))?;
    let Some(old) = servers.get(server) else { return Ok(Outcome::Absent) };
    old.remove();
    Ok(Outcome::Removed)
}

/// Entries hold text and lists of it only.
fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        other => CstInputValue::String(other.as_str().unwrap_or_default().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::CLIENTS;

    fn client(id: &str) -> &'static Client {
        CLIENTS.iter().find(|client| client.id == id).unwrap()
    }

    fn add(server: &'static str) -> Change {
        Change { server, target: Some(Target::Stdio(format!("/opt/machina-{server}"))) }
    }

    #[test]
    fn comments_and_other_entries_stay() {
        let before = "{\n  // mine\n  \"theme\": \"dark\", \"n\": 1.50,\n  \"context_servers\": {\n    \"other\": { \"url\": \"x\" }, // theirs\n  },\n}\n";
        let edited = edit(client("zed"), before, &[add("bayes")], false).unwrap();
        assert_eq!(edited.outcomes, [Outcome::Added]);
        for kept in ["// mine", "// theirs", "\"n\": 1.50", "\"other\": { \"url\": \"x\" }"] {
            assert!(edited.text.contains(kept), "{kept} is gone:\n{}", edited.text);
        }
        let again = edit(client("zed"), &edited.text, &[add("bayes")], false).unwrap();
        assert_eq!((again.outcomes, &again.text), (vec![Outcome::Same], &edited.text));
        let removal = [Change { server: "bayes", target: None }];
        let without = edit(client("zed"), &edited.text, &removal, false).unwrap();
        assert_eq!(without.outcomes, [Outcome::Removed]);
        assert!(!without.text.contains("bayes") && without.text.contains("// theirs"));
    }

    #[test]
    fn an_empty_file_becomes_one_with_the_servers() {
        for text in ["", " \n", "{}"] {
            let edited = edit(client("vscode"), text, &[add("bayes"), add("darwin")], false);
            let value: Value = serde_json::from_str(&edited.unwrap().text).unwrap();
            let entry = &value["servers"]["darwin"];
            assert_eq!(entry["type"], "stdio");
            assert_eq!(entry["command"], "/opt/machina-darwin");
            assert_eq!(value["servers"].as_object().unwrap().len(), 2);
        }
    }

    #[test]
    fn a_foreign_entry_of_the_name_is_replaced_only_when_told() {
        let before = r#"{"mcpServers": {"stripe": {"command": "npx"}}}"#;
        let refused = edit(client("cursor"), before, &[add("bayes"), add("stripe")], false);
        assert_eq!(refused.unwrap_err(), EditError::Differs("stripe"));
        let edited = edit(client("cursor"), before, &[add("stripe")], true).unwrap();
        assert_eq!(edited.outcomes, [Outcome::Replaced]);
        assert!(!edited.text.contains("npx"));
    }

    #[test]
    fn what_is_not_an_object_of_json_is_refused_with_its_place() {
        let refused =
            |text: &str| edit(client("cursor"), text, &[add("bayes")], false).unwrap_err();
        assert!(matches!(refused("{\n  \"a\": }"), EditError::NotJson { line: 2, .. }));
        assert_eq!(refused("[]"), EditError::NotObject(String::new()));
        assert_eq!(refused(r#"{"mcpServers": 1}"#), EditError::NotObject("mcpServers".to_owned()));
        let none = edit(client("codex"), "", &[add("bayes")], false).unwrap_err();
        assert_eq!(none, EditError::NoFile("Codex"));
        let http = Change { server: "bayes", target: Some(Target::Http(String::new())) };
        let none = edit(client("claude-desktop"), "", &[http], false).unwrap_err();
        assert_eq!(none, EditError::NoHttp("Claude Desktop"));
    }
}
