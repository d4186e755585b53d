//! The TOML file: `[core]` for all servers, `[<server>]` for one.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{ConfigError, Environment};
use crate::{fleet, suggest::did_you_mean};

/// The sections of a file that concern one server.
#[derive(Debug, Default)]
pub(super) struct Sections {
    pub path: PathBuf,
    pub core: Map<String, Value>,
    pub server: Map<String, Value>,
}

/// Read the file that a flag or variable names, or the default one if it exists.
pub(super) fn read(
    named: Option<&Path>,
    environment: &Environment,
    server: &str,
) -> Result<Sections, ConfigError> {
    let path = match named {
        Some(path) => path.to_path_buf(),
        None => match default_path(environment).filter(|path| path.exists()) {
            Some(path) => path,
            None => return Ok(Sections::default()),
        },
    };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        ConfigError::new(path.display().to_string(), format!("cannot be read: {error}"))
            .with_hint("name a readable file with --config or MACHINA_CONFIG")
    })?;
    parse(path, &text, server)
}

fn default_path(environment: &Environment) -> Option<PathBuf> {
    let base = environment
        .get("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| environment.get("HOME").map(|home| Path::new(home).join(".config")))?;
    Some(base.join("machina/machina.toml"))
}

fn parse(path: PathBuf, text: &str, server: &str) -> Result<Sections, ConfigError> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or_else(String::new, |span| {
            let (line, column) = position(text, span.start);
            format!(":{line}:{column}")
        });
        ConfigError::new(format!("{}{place}", path.display()), error.message().to_owned())
            .with_hint("mend the TOML at that place")
    })?;
    let known = || fleet::MEMBERS.iter().map(|member| member.name).chain(["core", server]);
    if let Some(stranger) = table.keys().find(|name| !known().any(|known| known == *name)) {
        return Err(ConfigError::new(
            path.display().to_string(),
            format!("unknown section [{stranger}]{}", did_you_mean(stranger, known())),
        )
        .with_hint("sections are [core] and one per server"));
    }
    let section = |name: &str| match table.get(name).cloned().map(json) {
        None => Ok(Map::new()),
        Some(Value::Object(section)) => Ok(section),
        Some(_) => Err(ConfigError::new(
            format!("{}: {name}", path.display()),
            "must be a section".to_owned(),
        )
        .with_hint(format!("write [{name}] on a line of its own"))),
    };
    Ok(Sections { core: section("core")?, server: section(server)?, path })
}

/// Line and column, from 1, of a byte offset.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (line, column)
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(items) => Value::Array(items.into_iter().map(json).collect()),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(name, value)| (name, json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Sections, ConfigError> {
        parse(PathBuf::from("machina.toml"), text, "bayes")
    }

    #[test]
    fn takes_the_sections_that_concern_the_server() {
        let sections = parsed("[core]\nport = 1\n[bayes]\nx = [1, 2]\n[stripe]\ny = 2\n").unwrap();
        assert_eq!(Value::from(sections.core), serde_json::json!({"port": 1}));
        assert_eq!(Value::from(sections.server), serde_json::json!({"x": [1, 2]}));
    }

    #[test]
    fn a_syntax_error_has_line_and_column() {
        let error = parsed("[core]\nport = = 1\n").unwrap_err();
        assert!(error.to_string().starts_with("machina.toml:2:8"), "{error}");
    }

    #[test]
    fn an_unknown_section_has_a_suggestion() {
        let error = parsed("[bayse]\n").unwrap_err();
        assert!(error.to_string().contains("did you mean `bayes`"), "{error}");
    }
}
