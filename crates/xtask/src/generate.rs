//! Files made from the code: what they say is what the servers do.

mod clients;
mod environment;
mod registry;
mod tables;

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use mcp_core::{fleet::MEMBERS, suggest};
use serde_json::Value;

use crate::{root, say, server};

/// What the servers say of themselves.
pub(crate) struct Facts {
    pub(crate) member: mcp_core::fleet::Member,
    /// Definitions of the default toolset.
    pub(crate) core: Vec<Value>,
    /// Definitions of all tools.
    pub(crate) all: Vec<Value>,
    /// JSON Schema of the settings.
    pub(crate) settings: Value,
    pub(crate) version: String,
}

impl Facts {
    fn ask(directory: &Path, member: mcp_core::fleet::Member) -> Result<Self> {
        let name = member.binary();
        let tools = |set: &str| -> Result<Vec<Value>> {
            let tools = server::json(directory, &name, &["tools", "--json", "--toolset", set])?;
            Ok(tools.as_array().cloned().unwrap_or_default())
        };
        let version = server::json(directory, &name, &["version", "--json"])?;
        Ok(Self {
            member,
            core: tools("core")?,
            all: tools("all")?,
            settings: server::json(directory, &name, &["config", "--schema"])?,
            version: version["version"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// The settings of a section, as (key, schema).
    pub(crate) fn section(&self, name: &str) -> Vec<(&String, &Value)> {
        let properties = &self.settings["properties"][name]["properties"];
        properties.as_object().into_iter().flatten().collect()
    }
}

pub(crate) fn run(check: bool) -> Result<()> {
    let directory = server::build()?;
    let fleet = MEMBERS
        .into_iter()
        .map(|member| Facts::ask(&directory, member))
        .collect::<Result<Vec<_>>>()?;
    let mut files = vec![
        (".env.example".to_owned(), environment::example(&fleet)),
        ("docs/settings.md".to_owned(), environment::reference(&fleet)),
        ("docs/tools.md".to_owned(), tables::tools(&fleet)),
        ("docs/clients.md".to_owned(), clients::page()),
        ("README.md".to_owned(), readme(&fleet)?),
    ];
    for facts in &fleet {
        let path = format!("servers/{}/server.json", facts.member.name);
        files.push((path, registry::server_json(facts)));
    }
    let mut stale = Vec::new();
    for (path, text) in files {
        let full = root().join(&path);
        if fs::read_to_string(&full).is_ok_and(|old| old == text) {
            continue;
        }
        stale.push(path);
        if !check {
            fs::write(full, text)?;
        }
    }
    named_in_readmes(&fleet)?;
    if check {
        ensure!(stale.is_empty(), "out of date: {}; run `cargo xtask gen`", stale.join(", "));
        say("generated files are up to date");
    } else {
        say(&format!(
            "written: {}",
            if stale.is_empty() { "nothing".to_owned() } else { stale.join(", ") }
        ));
    }
    Ok(())
}

/// The README with its marked parts replaced.
fn readme(fleet: &[Facts]) -> Result<String> {
    let text = fs::read_to_string(root().join("README.md"))?;
    let text = replace(&text, "servers", &tables::servers(fleet))?;
    replace(&text, "clients", &clients::short())
}

/// Put text between `<!-- generated: NAME -->` and `<!-- /generated -->`.
fn replace(text: &str, name: &str, with: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- generated: {name} -->"), "<!-- /generated -->");
    let (before, rest) =
        text.split_once(&begin).with_context(|| format!("README.md has no `{begin}`"))?;
    let (_, after) = rest
        .split_once(end)
        .with_context(|| format!("README.md has no `{end}` after `{begin}`"))?;
    Ok(format!("{before}{begin}\n{with}\n{end}{after}"))
}

/// Each server's README names each of its tools and settings.
fn named_in_readmes(fleet: &[Facts]) -> Result<()> {
    for facts in fleet {
        let path = format!("servers/{}/README.md", facts.member.name);
        let text = fs::read_to_string(root().join(&path))?;
        for tool in facts.all.iter().filter(|tool| tool["name"] != mcp_core::status::TOOL) {
            let name = tool["name"].as_str().unwrap_or_default();
            ensure!(text.contains(&format!("`{name}`")), "{path} does not name the tool `{name}`");
        }
        for (key, schema) in facts.section(facts.member.name) {
            let variable = schema["x-env"].as_str().unwrap_or_default();
            ensure!(text.contains(variable), "{path} does not name {variable} (setting `{key}`)");
        }
        // A variable in the README that no setting has is a leftover.
        let known: Vec<&str> = ["core", facts.member.name]
            .iter()
            .flat_map(|section| facts.section(section))
            .filter_map(|(_, schema)| schema["x-env"].as_str())
            .collect();
        let own = format!("MACHINA_{}_", facts.member.name.to_uppercase());
        for word in
            text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        {
            let suffix = word.strip_prefix(&own);
            let shared =
                suffix.is_some_and(|key| known.contains(&format!("MACHINA_{key}").as_str()));
            let file = word.strip_suffix("_FILE").is_some_and(|name| known.contains(&name));
            let fine = suffix.is_none_or(str::is_empty) || shared || file || known.contains(&word);
            let near = suggest::did_you_mean(word, known.iter().copied());
            ensure!(fine, "{path} names {word}, which is no setting{near}");
        }
    }
    Ok(())
}
