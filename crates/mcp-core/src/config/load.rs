//! Put the layers together, remember where each value came from, and check the whole.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    ConfigError, CoreConfig, DEVELOPER_VARIABLES, Environment, ServerConfig, Setting,
    environment::{ALIASES, TEST_PREFIX},
    file, setting, settings_of,
};
use crate::{fleet::Member, secret::REDACTED, suggest::did_you_mean, validation::Schema};

/// Values given on the command line, by key of [`CoreConfig`].
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    /// The others, typed as in the file.
    pub core: Map<String, Value>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nothing set it.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A command line flag.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// One effective setting, as an operator may see it.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Key in the file, with its section.
    pub key: String,
    /// Variable that sets it.
    pub variable: String,
    /// Value; `***` for a secret that is set.
    pub value: Value,
    /// Where it came from.
    pub source: String,
}

/// A whole configuration.
#[derive(Debug, Clone)]
pub struct Loaded<C> {
    /// Shared settings.
    pub core: CoreConfig,
    /// The server's own.
    pub server: C,
    /// Every setting with its source.
    pub entries: Vec<Entry>,
    /// What to tell the operator: older names in use.
    pub notes: Vec<String>,
}

impl<C> Loaded<C> {
    /// The server's own settings, and the rest.
    pub(crate) fn split(self) -> (C, Loaded<()>) {
        let Self { core, server, entries, notes } = self;
        (server, Loaded { core, server: (), entries, notes })
    }

    /// Log warnings only, unless something set the level.
    pub(crate) fn quieten(&mut self) {
        let default = Source::Default.to_string();
        if self.entries.iter().any(|entry| entry.key == "core.log_level" && entry.source == default)
        {
            "warn".clone_into(&mut self.core.log_level);
        }
    }
}

/// Load the configuration of a server.
///
/// # Errors
/// An unknown variable, section or key, a value of the wrong type or out of bounds, a variable and
/// its `_FILE` twin both set, an unreadable file.
pub fn load<C: ServerConfig>(
    member: &Member,
    flags: &Flags,
    environment: &Environment,
) -> Result<Loaded<C>, ConfigError> {
    let own = settings_of::<C>(&own_prefix(member));
    let Shared { core, mut entries, notes, sections } = shared(member, flags, environment, &own)?;
    let layers = Layers {
        section: member.name,
        settings: &own,
        file: (&sections.server, &sections.path),
        environment,
        flags: &Map::new(),
    };
    let (server, own_entries) = layers.merge::<C>()?;
    entries.extend(own_entries);
    Ok(Loaded { core, server, entries, notes })
}

fn own_prefix(member: &Member) -> String {
    format!("MACHINA_{}_", member.name.to_uppercase())
}

/// What is loaded alike for every server.
struct Shared {
    core: CoreConfig,
    entries: Vec<Entry>,
    notes: Vec<String>,
    sections: file::Sections,
}

fn shared(
    member: &Member,
    flags: &Flags,
    environment: &Environment,
    own: &[Setting],
) -> Result<Shared, ConfigError> {
    let own_prefix = own_prefix(member);
    let mut shared = settings_of::<CoreConfig>("MACHINA_");
    for setting in &mut shared {
        setting.server_variable = Some(format!("{own_prefix}{}", setting.key.to_uppercase()));
    }
    refuse_unknown_variables(environment, member, &shared, own)?;

    let named = flags.config.clone().or_else(|| {
        let own = environment.get(&format!("{own_prefix}CONFIG"));
        own.or_else(|| environment.get("MACHINA_CONFIG")).map(PathBuf::from)
    });
    let sections = file::read(named.as_deref(), environment, member.name)?;

    let mut notes = Vec::new();
    let aliased = with_aliases(environment, &mut notes);
    let layers = Layers {
        section: "core",
        settings: &shared,
        file: (&sections.core, &sections.path),
        environment: &aliased,
        flags: &flags.core,
    };
    let (core, entries) = layers.merge::<CoreConfig>()?;
    Ok(Shared { core, entries, notes, sections })
}

/// The environment with older names under their new ones, unless the new one is set too.
fn with_aliases(environment: &Environment, notes: &mut Vec<String>) -> Environment {
    let mut all: BTreeMap<String, String> = environment
        .names()
        .filter_map(|name| Some((name.to_owned(), environment.get(name)?.to_owned())))
        .collect();
    for (old, new) in ALIASES {
        if let (Some(value), None) = (environment.get(old), environment.get(new)) {
            notes.push(format!("{old} is the older name of {new}: please rename it"));
            all.insert((*new).to_owned(), value.to_owned());
        }
    }
    all.into_iter().collect()
}

fn refuse_unknown_variables(
    environment: &Environment,
    member: &Member,
    shared: &[Setting],
    own: &[Setting],
) -> Result<(), ConfigError> {
    let own_prefix = own_prefix(member);
    let mut known: Vec<String> = vec!["MACHINA_CONFIG".to_owned(), format!("{own_prefix}CONFIG")];
    for setting in shared.iter().chain(own) {
        let names = [Some(setting.variable.clone()), setting.server_variable.clone()];
        for name in names.into_iter().flatten() {
            if setting.secret {
                known.push(format!("{name}_FILE"));
            }
            known.push(name);
        }
    }
    let others: Vec<String> = crate::fleet::MEMBERS
        .iter()
        .filter(|other| other.name != member.name)
        .map(|other| format!("MACHINA_{}_", other.name.to_uppercase()))
        .collect();
    for name in environment.names().filter(|name| name.starts_with("MACHINA_")) {
        let foreign = others.iter().any(|prefix| name.starts_with(prefix.as_str()));
        let test = name.starts_with(TEST_PREFIX) || DEVELOPER_VARIABLES.contains(&name);
        if foreign || test || known.iter().any(|known| known == name) {
            continue;
        }
        if name.ends_with("_OTLP_ENDPOINT") {
            return Err(ConfigError::new(name, "this binary was built without the feature `otlp`")
                .with_hint("build it with `--features mcp-core/otlp`, or unset the variable"));
        }
        let near = did_you_mean(name, known.iter().map(String::as_str));
        return Err(ConfigError::new(name, format!("unknown variable{near}"))
            .with_hint("`config` lists every setting with its variable; unset the unknown one"));
    }
    Ok(())
}

/// What set each value, by its key.
type Sources = BTreeMap<String, Source>;

/// The layers of one struct.
struct Layers<'a> {
    section: &'a str,
    settings: &'a [Setting],
    file: (&'a Map<String, Value>, &'a Path),
    environment: &'a Environment,
    flags: &'a Map<String, Value>,
}

impl Layers<'_> {
    fn merge<C: ServerConfig>(&self) -> Result<(C, Vec<Entry>), ConfigError> {
        let (values, sources) = self.values(&setting::schema_of::<C>())?;
        let config: C = serde_json::from_value(Value::Object(values.clone()))
            .map_err(|error| self.named(culprit::<C>(&values, self.section, &error), &sources))?;
        config.validate().map_err(|error| self.named(error, &sources))?;
        let shown = serde_json::to_value(&config).unwrap_or_default();
        Ok((config, self.entries(&shown, &sources)))
    }

    /// The value of each setting that something sets, and what that is.
    fn values(&self, schema: &Value) -> Result<(Map<String, Value>, Sources), ConfigError> {
        self.refuse_unknown_keys()?;
        let mut values = Map::new();
        let mut sources = BTreeMap::new();
        for setting in self.settings {
            if let Some((value, source)) = self.value_of(setting)? {
                values.insert(setting.key.clone(), value);
                sources.insert(setting.key.clone(), source);
            }
        }
        self.check(schema, &values, &sources)?;
        Ok((values, sources))
    }

    fn refuse_unknown_keys(&self) -> Result<(), ConfigError> {
        let (keys, path) = self.file;
        let known = || self.settings.iter().map(|setting| setting.key.as_str());
        match keys.keys().find(|key| !known().any(|known| known == *key)) {
            None => Ok(()),
            Some(key) => Err(ConfigError::new(
                format!("{}: [{}] {key}", path.display(), self.section),
                format!("unknown setting{}", did_you_mean(key, known())),
            )
            .with_hint("`config` lists every setting; remove or rename this one")),
        }
    }

    fn value_of(&self, setting: &Setting) -> Result<Option<(Value, Source)>, ConfigError> {
        if let Some(value) = self.flags.get(&setting.key) {
            let flag = format!("--{}", setting.key.replace('_', "-"));
            return Ok(Some((value.clone(), Source::Flag(flag))));
        }
        let names = setting.server_variable.iter().chain([&setting.variable]);
        for name in names {
            if let Some(found) = self.variable(setting, name)? {
                return Ok(Some(found));
            }
        }
        let (keys, path) = self.file;
        Ok(keys.get(&setting.key).map(|value| (value.clone(), Source::File(path.to_path_buf()))))
    }

    fn variable(
        &self,
        setting: &Setting,
        name: &str,
    ) -> Result<Option<(Value, Source)>, ConfigError> {
        let twin = format!("{name}_FILE");
        let file = if setting.secret { self.environment.get(&twin) } else { None };
        match (self.environment.get(name), file) {
            (Some(_), Some(_)) => {
                Err(ConfigError::new(name, format!("{name} and {twin} are both set"))
                    .with_hint("unset one of the two"))
            }
            (Some(text), None) => {
                Ok(Some((typed(setting, name, text)?, Source::Variable(name.to_owned()))))
            }
            (None, Some(path)) => {
                let secret = std::fs::read_to_string(path).map_err(|error| {
                    ConfigError::new(&twin, format!("{path} cannot be read: {error}"))
                        .with_hint("name a readable file that holds the secret alone")
                })?;
                Ok(Some((Value::from(secret.trim()), Source::Variable(twin))))
            }
            (None, None) => Ok(None),
        }
    }

    /// Check types and bounds with the very schema that the reference is made from.
    fn check(
        &self,
        schema: &Value,
        values: &Map<String, Value>,
        sources: &Sources,
    ) -> Result<(), ConfigError> {
        if values.is_empty() && schema.get("required").is_none() {
            return Ok(()); // Most servers are started so, and need not compile it.
        }
        let schema = Schema::compile(schema)
            .map_err(|error| ConfigError::new(format!("[{}]", self.section), error))?;
        let Err(violation) = schema.check(&Value::Object(values.clone())) else { return Ok(()) };
        let key = violation.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
        Err(self.named(ConfigError::new(key, violation.message), sources))
    }

    /// Name a setting by where its value came from, so that the reader finds the place.
    fn named(&self, mut error: ConfigError, sources: &Sources) -> ConfigError {
        let setting = self.settings.iter().find(|setting| setting.key == error.setting);
        let Some(setting) = setting else { return error };
        error.setting = match sources.get(&setting.key) {
            Some(Source::Variable(name) | Source::Flag(name)) => name.clone(),
            Some(Source::File(path)) => {
                format!("{}: [{}] {}", path.display(), self.section, setting.key)
            }
            Some(Source::Default) | None => setting.variable.clone(),
        };
        if error.hint.is_none() {
            error.hint = Some(setting.description.clone());
        }
        error
    }

    fn entries(&self, values: &Value, sources: &Sources) -> Vec<Entry> {
        self.settings
            .iter()
            .map(|setting| {
                let value = values.get(&setting.key).cloned().unwrap_or_default();
                let secret = setting.secret && !value.is_null();
                Entry {
                    key: format!("{}.{}", self.section, setting.key),
                    variable: setting.variable.clone(),
                    value: if secret { Value::from(REDACTED) } else { value },
                    source: sources.get(&setting.key).unwrap_or(&Source::Default).to_string(),
                }
            })
            .collect()
    }
}

/// Find the key that does not deserialise: serde names none.
fn culprit<C: ServerConfig>(
    values: &Map<String, Value>,
    section: &str,
    error: &serde_json::Error,
) -> ConfigError {
    let alone = |(key, value): (&String, &Value)| {
        let alone = Map::from_iter([(key.clone(), value.clone())]);
        let error = serde_json::from_value::<C>(Value::Object(alone)).err()?;
        Some(ConfigError::new(key, error.to_string()))
    };
    let found = values.iter().find_map(alone);
    found.unwrap_or_else(|| ConfigError::new(format!("[{section}]"), error.to_string()))
}

/// Give a variable's text the type that its schema asks for.
fn typed(setting: &Setting, name: &str, text: &str) -> Result<Value, ConfigError> {
    let text = text.trim();
    let wrong = |wanted: &str| {
        let shown = if setting.secret { REDACTED } else { text };
        ConfigError::new(name, format!("must be {wanted}, was `{shown}`"))
            .with_hint(setting.description.clone())
    };
    if setting.admits("boolean") {
        return match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Value::Bool(true)),
            "0" | "false" | "no" | "off" => Ok(Value::Bool(false)),
            _ => Err(wrong("1 or 0")),
        };
    }
    if setting.admits("integer") {
        return text.parse::<i64>().map(Value::from).map_err(|_| wrong("a whole number"));
    }
    if setting.admits("number") {
        return text.parse::<f64>().map(Value::from).map_err(|_| wrong("a number"));
    }
    if setting.admits("array") {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        return Ok(items.map(Value::from).collect());
    }
    if setting.admits("object") {
        return serde_json::from_str(text).map_err(|_| wrong("a JSON object"));
    }
    Ok(Value::from(text))
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
