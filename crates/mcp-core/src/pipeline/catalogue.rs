//! The tools on offer: chosen by configuration, trimmed for a model, compiled for checking.

use std::{collections::BTreeMap, sync::Arc};

use rmcp::{
    handler::server::{router::tool::ToolRouter, tool::DynCallToolHandler},
    model::{JsonObject, Tool},
};
use serde_json::Value;

use super::confirmed;
use crate::{
    CallPolicy, McpServer, Principal, Scope, TaskSupport, Toolset,
    config::{ConfigError, CoreConfig},
    metrics::{Metrics, ToolCalls},
    status::{self, Status},
    suggest::did_you_mean,
    validation::Schema,
};

/// The name of the set that holds every tool.
pub const ALL: &str = "all";

/// The tools on offer, by name.
pub struct Catalogue<S> {
    entries: BTreeMap<Arc<str>, Entry<S>>,
}

/// One tool.
pub(crate) struct Entry<S> {
    pub(crate) name: Arc<str>,
    pub(crate) tool: Tool,
    pub(crate) call: Arc<DynCallToolHandler<S>>,
    pub(crate) arguments: Schema,
    /// What a caller needs to call it.
    pub(crate) scope: Scope,
    /// Whether its annotations say that it changes nothing.
    pub(crate) reads: bool,
    pub(crate) policy: CallPolicy,
    pub(crate) calls: Arc<ToolCalls>,
}

impl<S: McpServer> Catalogue<S> {
    /// The tools that the configuration asks for.
    ///
    /// # Errors
    /// An unknown toolset or tool; a schema that does not compile.
    pub fn new(core: &CoreConfig) -> Result<Self, ConfigError> {
        let metrics = Arc::new(Metrics::new(&S::FACTS));
        let mut tools = S::tools();
        status::add_tool(&mut tools, Arc::new(Status::new(S::FACTS, Arc::clone(&metrics))));
        Self::of(tools, core, &metrics)
    }

    pub(super) fn of(
        router: ToolRouter<S>,
        core: &CoreConfig,
        metrics: &Metrics,
    ) -> Result<Self, ConfigError> {
        let chosen = chosen(core, S::toolsets(), &router)?;
        let mut entries = BTreeMap::new();
        for (name, mut route) in router.map {
            if !chosen.iter().any(|chosen| *chosen == name) {
                continue;
            }
            let policy = S::policy(&name);
            if policy.confirm {
                confirmed::add_argument(Arc::make_mut(&mut route.attr.input_schema));
            }
            let reads = reads(&route.attr);
            // Checked as it was written: an optional argument may also be given as null.
            let written = Value::Object((*route.attr.input_schema).clone());
            let tool = if S::VERBATIM_SCHEMAS { route.attr } else { trimmed(route.attr) };
            let arguments = Schema::compile_bounded(&written)
                .map_err(|error| ConfigError::new(format!("tool {name}"), error))?;
            let name: Arc<str> = Arc::from(&*name);
            let scope = Scope::needed(tool.annotations.as_ref());
            let calls = metrics.calls().tool(Arc::clone(&name));
            let (call, key) = (route.call, Arc::clone(&name));
            entries.insert(key, Entry { name, tool, call, arguments, scope, reads, policy, calls });
        }
        Ok(Self { entries })
    }

    /// The definitions, by name.
    pub fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.entries.values().map(|entry| &entry.tool)
    }

    /// The definitions that a caller may use, by name.
    pub fn tools_of<'a>(&'a self, caller: &'a Principal) -> impl Iterator<Item = &'a Tool> {
        let may = |entry: &&Entry<S>| caller.may_call(&entry.name, entry.scope);
        self.entries.values().filter(may).map(|entry| &entry.tool)
    }

    /// The definition of one tool.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.entries.get(name).map(|entry| &entry.tool)
    }

    /// The tools whose answers may be kept.
    pub(super) fn cached(&self) -> impl Iterator<Item = Arc<str>> {
        let kept =
            self.entries.values().filter(|entry| entry.reads && entry.policy.cache.is_some());
        kept.map(|entry| Arc::clone(&entry.name))
    }

    /// Whether a call of any of them may become a task.
    pub(crate) fn has_tasks(&self) -> bool {
        self.entries.values().any(|entry| entry.policy.task != TaskSupport::Never)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Entry<S>> {
        self.entries.get(name)
    }
}

/// Names of the tools of a set, cut down by `tools` and `read_only`.
fn chosen<S>(
    core: &CoreConfig,
    sets: &[Toolset],
    router: &ToolRouter<S>,
) -> Result<Vec<String>, ConfigError> {
    let mut names: Vec<String> = match sets.iter().find(|set| set.name == core.toolset) {
        Some(set) => set.tools.iter().map(|name| (*name).to_owned()).collect(),
        None if core.toolset == ALL => router.map.keys().map(ToString::to_string).collect(),
        None => {
            let known = || sets.iter().map(|set| set.name).chain([ALL]);
            let near = did_you_mean(&core.toolset, known());
            return Err(ConfigError::new(
                "toolset",
                format!("`{}` is unknown{near}", core.toolset),
            )
            .with_hint(format!("toolsets: {}", known().collect::<Vec<_>>().join(", "))));
        }
    };
    for wanted in &core.tools {
        if !router.map.contains_key(wanted.as_str()) {
            let known = router.map.keys().map(|name| &**name);
            let near = did_you_mean(wanted, known);
            return Err(ConfigError::new("tools", format!("there is no tool `{wanted}`{near}"))
                .with_hint("`tools --toolset all` lists them"));
        }
    }
    if !core.tools.is_empty() {
        names.clone_from(&core.tools);
    }
    if core.read_only {
        names.retain(|name| router.map.get(name.as_str()).is_some_and(|route| reads(&route.attr)));
    }
    Ok(names)
}

fn reads(tool: &Tool) -> bool {
    tool.annotations.as_ref().is_some_and(|annotations| annotations.read_only_hint == Some(true))
}

/// Leave out what costs tokens and tells a model nothing.
fn trimmed(mut tool: Tool) -> Tool {
    let mut input = Value::Object(trim(&tool.input_schema));
    drop_null(&mut input);
    if let Value::Object(input) = input {
        tool.input_schema = Arc::new(input);
    }
    tool.output_schema = tool.output_schema.map(|schema| {
        let mut output = Value::Object(trim(&schema));
        drop_null_of_absent(&mut output);
        match output {
            Value::Object(output) => Arc::new(output),
            _ => schema,
        }
    });
    if let Some(description) = &tool.description {
        tool.description = Some(one_line(description).into());
    }
    tool
}

fn trim(schema: &JsonObject) -> JsonObject {
    let mut schema = Value::Object(schema.clone());
    trim_value(&mut schema);
    match schema {
        Value::Object(mut object) => {
            // 2020-12 is the protocol's default dialect.
            object.remove("$schema");
            object
        }
        _ => JsonObject::new(),
    }
}

fn trim_value(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            // Rust's number widths; the bounds say what matters.
            let width = object.get("format").and_then(Value::as_str).is_some_and(|format| {
                let digits = |prefix| format.strip_prefix(prefix).map(str::to_owned);
                matches!(format, "double" | "float")
                    || digits("uint").or_else(|| digits("int")).is_some_and(|rest: String| {
                        rest.is_empty() || rest.chars().all(|c| c.is_ascii_digit())
                    })
            });
            if width {
                object.remove("format");
            }
            if object.get("default") == Some(&Value::Null) {
                object.remove("default");
            }
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = one_line(text);
            }
            object.values_mut().for_each(trim_value);
        }
        Value::Array(items) => items.iter_mut().for_each(trim_value),
        _ => {}
    }
}

/// An output field that is not required is left out, never null.
fn drop_null_of_absent(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let required = object.get("required").cloned().unwrap_or_default();
            let required: Vec<&str> =
                required.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if let Some(Value::Object(properties)) = object.get_mut("properties") {
                for (name, property) in properties {
                    if !required.contains(&name.as_str()) {
                        drop_own_null(property);
                    }
                }
            }
            object.values_mut().for_each(drop_null_of_absent);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_null_of_absent),
        _ => {}
    }
}

/// An argument that may be left out need not be told to take null as well.
fn drop_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => object.values_mut().for_each(drop_null),
        Value::Array(items) => items.iter_mut().for_each(drop_null),
        _ => {}
    }
    drop_own_null(schema);
}

fn drop_own_null(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    if let Some(Value::Array(options)) = object.get_mut("enum") {
        options.retain(|option| !option.is_null());
    }
    if let Some(Value::Array(names)) = object.get_mut("type") {
        names.retain(|name| name != "null");
        if let [name] = names.as_slice() {
            let name = name.clone();
            object.insert("type".to_owned(), name);
        }
    }
    drop_null_branch(object);
}

/// `anyOf [T, null]` is T, with the description that stands beside it.
fn drop_null_branch(object: &mut JsonObject) {
    let Some(Value::Array(branches)) = object.get_mut("anyOf") else { return };
    branches.retain(|branch| branch.get("type") != Some(&Value::from("null")));
    let [Value::Object(only)] = branches.as_slice() else { return };
    let only = only.clone();
    object.remove("anyOf");
    for (key, value) in only {
        object.entry(key).or_insert(value);
    }
}

/// Source lines of a doc comment joined.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn optional_arguments_are_not_told_to_take_null() {
        let mut schema = json!({"properties": {
            "a": {"type": ["string", "null"], "maxLength": 5},
            "e": {"type": ["string", "null"], "enum": ["x", "y", null]},
            "b": {"description": "B.", "anyOf": [{"$ref": "#/$defs/B"}, {"type": "null"}]},
            "c": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}}});
        drop_null(&mut schema);
        assert_eq!(
            schema,
            json!({"properties": {
            "a": {"type": "string", "maxLength": 5},
            "e": {"type": "string", "enum": ["x", "y"]},
            "b": {"description": "B.", "$ref": "#/$defs/B"},
            "c": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}})
        );
    }

    #[test]
    fn trimming_keeps_what_a_model_needs() {
        let schema = json!({"$schema": "x", "type": "object", "properties": {
            "n": {"type": "integer", "format": "uint64", "minimum": 0, "description": "A\n count."},
            "at": {"type": "string", "format": "date-time", "default": null}}});
        let Value::Object(schema) = schema else { panic!("an object") };
        assert_eq!(
            Value::Object(trim(&schema)),
            json!({"type": "object", "properties": {
                "n": {"type": "integer", "minimum": 0, "description": "A count."},
                "at": {"type": "string", "format": "date-time"}}})
        );
    }
}
