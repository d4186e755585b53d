//! The tools on offer: chosen by configuration, trimmed for a model.

use std::{collections::BTreeMap, sync::Arc};

use rmcp::model::Tool;
use serde_json::Value;

use super::{confirmed, shown};
use crate::{
    CallPolicy, McpServer, Principal, Scope, TaskSupport, Toolset,
    config::{ConfigError, CoreConfig},
    declared::{self, Declared, Handler, Written},
    metrics::{Metrics, ToolCalls},
    status,
    suggest::{did_you_mean, nearest},
    validation::Deferred,
};

/// The name of the set that holds every tool.
pub const ALL: &str = "all";

/// The tools on offer, by name.
pub struct Catalogue {
    entries: BTreeMap<Arc<str>, Entry>,
    /// Tools that the server has and the configuration leaves out, with the sets that they are in.
    left_out: BTreeMap<String, Vec<&'static str>>,
}

/// One tool.
pub(crate) struct Entry {
    pub(crate) name: Arc<str>,
    pub(crate) tool: Tool,
    pub(crate) handler: Option<Arc<dyn Handler>>,
    pub(crate) arguments: Deferred,
    /// Whether headers repeat some of the arguments.
    pub(crate) in_headers: bool,
    /// What a caller needs to call it.
    pub(crate) scope: Scope,
    /// Whether its annotations say that it changes nothing.
    pub(crate) reads: bool,
    pub(crate) policy: CallPolicy,
    pub(crate) calls: Arc<ToolCalls>,
}

impl Catalogue {
    /// The tools that the configuration asks for.
    ///
    /// # Errors
    /// An unknown toolset or tool; in debug builds a schema that does not compile.
    pub fn new<S: McpServer>(core: &CoreConfig) -> Result<Self, ConfigError> {
        Self::listed(&Declared::of::<S>(), declared::written(S::tools(), None), core)
    }

    /// To be looked at: none of them can be called.
    pub(crate) fn listed(
        declared: &Declared,
        mut tools: Vec<Written>,
        core: &CoreConfig,
    ) -> Result<Self, ConfigError> {
        tools.push(status::tool(None));
        Self::of(declared, tools, core, &Metrics::new(&declared.facts))
    }

    pub(super) fn of(
        declared: &Declared,
        tools: Vec<Written>,
        core: &CoreConfig,
        metrics: &Metrics,
    ) -> Result<Self, ConfigError> {
        let tools = tools.into_iter().map(|written| (written.tool.name.to_string(), written));
        let tools: BTreeMap<String, Written> = tools.collect();
        let chosen = chosen(core, declared.toolsets, &tools)?;
        let (mut entries, mut left_out) = (BTreeMap::new(), BTreeMap::new());
        for (name, Written { mut tool, handler }) in tools {
            if !chosen.contains(&name) {
                let holds = |set: &&Toolset| set.tools.contains(&&*name);
                let sets = declared.toolsets.iter().filter(holds).map(|set| set.name);
                left_out.insert(name.clone(), sets.chain([ALL]).collect());
                continue;
            }
            let policy = (declared.policy)(&name);
            if policy.confirm {
                confirmed::add_argument(Arc::make_mut(&mut tool.input_schema));
            }
            let reads = reads(&tool);
            // Checked as it was written: an optional argument may also be given as null.
            let written = Value::Object((*tool.input_schema).clone());
            let tool = if declared.verbatim_schemas { tool } else { trimmed(tool) };
            let in_headers = written.to_string().contains("\"x-mcp-header\"");
            let arguments = Deferred::new(written);
            // Whoever writes a server, or tests it, learns of a wrong schema at its start.
            if cfg!(debug_assertions) {
                arguments
                    .compiled()
                    .map_err(|error| ConfigError::new(format!("tool {name}"), error))?;
            }
            let name: Arc<str> = Arc::from(&*name);
            let scope = Scope::needed(tool.annotations.as_ref());
            let calls = metrics.calls().tool(Arc::clone(&name));
            let key = Arc::clone(&name);
            entries.insert(
                key,
                Entry { name, tool, handler, arguments, in_headers, scope, reads, policy, calls },
            );
        }
        Ok(Self { entries, left_out })
    }

    /// The definitions, by name.
    pub fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.entries.values().map(|entry| &entry.tool)
    }

    /// The definitions that a caller may use, by name.
    pub fn tools_of<'a>(&'a self, caller: &'a Principal) -> impl Iterator<Item = &'a Tool> {
        let may = |entry: &&Entry| caller.may_call(&entry.name, entry.scope);
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

    pub(crate) fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// How a caller comes from a name that is not on offer to a tool.
    pub(super) fn repair(&self, name: &str, caller: &Principal) -> String {
        if let Some(sets) = self.left_out.get(name) {
            return format!(
                "this server was started without it: it is in toolset {}",
                sets.join(", ")
            );
        }
        match nearest(name, self.tools_of(caller).map(|tool| &*tool.name)) {
            Some(near) => format!("did you mean `{near}`? `tools/list` names all"),
            None => "`tools/list` names all".to_owned(),
        }
    }
}

/// Names of the tools of a set, cut down by `tools` and `read_only`.
fn chosen(
    core: &CoreConfig,
    sets: &[Toolset],
    tools: &BTreeMap<String, Written>,
) -> Result<Vec<String>, ConfigError> {
    let mut names: Vec<String> = match sets.iter().find(|set| set.name == core.toolset) {
        Some(set) => set.tools.iter().map(|name| (*name).to_owned()).collect(),
        None if core.toolset == ALL => tools.keys().cloned().collect(),
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
        if !tools.contains_key(wanted) {
            let known = tools.keys().map(String::as_str);
            let near = did_you_mean(wanted, known);
            return Err(ConfigError::new("tools", format!("there is no tool `{wanted}`{near}"))
                .with_hint("`tools --toolset all` lists them"));
        }
    }
    if !core.tools.is_empty() {
        names.clone_from(&core.tools);
    }
    if core.read_only {
        names.retain(|name| tools.get(name).is_some_and(|written| reads(&written.tool)));
    }
    Ok(names)
}

fn reads(tool: &Tool) -> bool {
    tool.annotations.as_ref().is_some_and(|annotations| annotations.read_only_hint == Some(true))
}

/// As a model is shown it.
fn trimmed(mut tool: Tool) -> Tool {
    tool.input_schema = Arc::new(shown::input(&tool.input_schema));
    tool.output_schema = tool.output_schema.map(|schema| Arc::new(shown::output(&schema)));
    tool.description = tool.description.map(|text| shown::one_line(&text).into());
    tool
}
