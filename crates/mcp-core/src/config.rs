//! Configuration: one door to flags, environment and file, and the source of every value.
//!
//! Precedence: flag > environment > TOML file > default. The settings of a server are a serde
//! struct; its JSON Schema names the variables, types, bounds and secrets, so that the loader, the
//! reference tables and the messages cannot disagree.

mod core;
mod environment;
mod file;
mod load;
mod setting;

use std::fmt::Debug;

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::fleet::Member;

pub use self::{
    core::{AuthMode, CoreConfig, LogFormat},
    environment::{DEVELOPER_VARIABLES, Environment},
    load::{Entry, Flags, Loaded, Source, load},
    setting::{Setting, settings_of},
};

/// A server's own settings.
pub trait ServerConfig:
    Serialize + DeserializeOwned + JsonSchema + Default + Clone + Debug + Send + Sync + 'static
{
    /// Rules between fields; bounds of single fields belong in the schema.
    fn validate(&self) -> Result<(), ConfigError> {
        Ok(())
    }
}

/// The JSON Schema of all settings of a server, each with its variable.
pub fn schema_of_server<S: crate::McpServer>() -> Value {
    let member = S::FACTS.member;
    let prefix = format!("MACHINA_{}_", member.name.to_uppercase());
    schema_of_sections(member, settings_of::<S::Config>(&prefix))
}

fn schema_of_sections(member: &Member, own: Vec<Setting>) -> Value {
    let section = |settings: Vec<Setting>| {
        let properties: Map<String, Value> = settings
            .into_iter()
            .map(|setting| {
                let Setting { key, variable, secret, schema: mut value, .. } = setting;
                value["x-env"] = variable.clone().into();
                if secret {
                    value["x-env-file"] = format!("{variable}_FILE").into();
                }
                (key, value)
            })
            .collect();
        json!({"type": "object", "additionalProperties": false, "properties": properties})
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("Settings of {}", member.binary()),
        "type": "object",
        "properties": {
            "core": section(settings_of::<CoreConfig>("MACHINA_")),
            member.name: section(own),
        },
    })
}

/// A server without settings of its own.
#[derive(Debug, Clone, Default, Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::empty_structs_with_brackets, reason = "the file's section is a map, if empty")]
pub struct NoConfig {}

impl ServerConfig for NoConfig {}

/// A wrong setting: which, why, and the repair.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{setting}: {message}")]
pub struct ConfigError {
    setting: String,
    message: String,
    hint: Option<String>,
}

impl ConfigError {
    /// A field of the struct (or a variable's name) and what is wrong with it.
    pub fn new(setting: impl Into<String>, message: impl Into<String>) -> Self {
        Self { setting: setting.into(), message: message.into(), hint: None }
    }

    /// Say how to repair it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// How to repair it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl From<ConfigError> for crate::StartError {
    fn from(error: ConfigError) -> Self {
        let hint = error.hint.clone();
        let start = Self::config(error.to_string());
        match hint {
            Some(hint) => start.with_hint(hint),
            None => start,
        }
    }
}
