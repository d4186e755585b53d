//! What the commands print. All of it goes to stdout, and only from here.

use std::io::{ErrorKind, Write};

use rmcp::model::{ProtocolVersion, Tool};
use serde_json::{Value, json};

use crate::{
    Facts, StartError, config::Loaded, declared::Declared, pipeline::catalogue::Catalogue,
};

/// Print bytes. A reader that has seen enough (`| head`) is no fault.
pub(super) fn bytes(bytes: &[u8]) -> Result<(), StartError> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(StartError::internal(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

pub(super) fn line(text: &str) -> Result<(), StartError> {
    bytes(format!("{text}\n").as_bytes())
}

pub(super) fn error_line(text: &str) {
    // Nobody is left to tell if stderr is closed.
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

pub(super) fn pretty(value: &Value) -> Result<(), StartError> {
    line(&format!("{value:#}"))
}

pub(super) fn version(facts: &Facts, json: bool) -> Result<(), StartError> {
    let member = facts.member;
    let revisions: Vec<&str> =
        ProtocolVersion::KNOWN_VERSIONS.iter().map(ProtocolVersion::as_str).collect();
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    if json {
        return pretty(&json!({
            "name": member.binary(), "version": facts.version,
            "protocol_revisions": revisions, "profile": profile,
            "rust_version": env!("CARGO_PKG_RUST_VERSION"),
        }));
    }
    line(&format!("{} {} ({profile})", member.binary(), facts.version))?;
    line(&format!("MCP {}", revisions.join(", ")))
}

pub(super) fn config(
    declared: &Declared,
    loaded: &Loaded<()>,
    json: bool,
    schema: bool,
) -> Result<(), StartError> {
    if schema {
        return pretty(&(declared.config_schema)());
    }
    if json {
        return pretty(&serde_json::to_value(&loaded.entries).unwrap_or_default());
    }
    let rows = loaded.entries.iter().map(|entry| {
        [entry.key.clone(), entry.value.to_string(), entry.source.clone(), entry.variable.clone()]
    });
    table(["setting", "value", "source", "variable"], rows)
}

pub(super) fn tools(catalogue: &Catalogue, json: bool, tokens: bool) -> Result<(), StartError> {
    let tools: Vec<&Tool> = catalogue.tools().collect();
    if json {
        return pretty(&serde_json::to_value(&tools).unwrap_or_default());
    }
    let rows = tools.iter().map(|tool| {
        let description = tool.description.as_deref().unwrap_or_default();
        let first = description.split_inclusive(". ").next().unwrap_or_default().trim();
        let column = if tokens { format!("~{}", estimate(tool)) } else { effect(tool).to_owned() };
        [tool.name.to_string(), column, first.to_owned()]
    });
    table(["tool", if tokens { "tokens" } else { "effect" }, "what it does"], rows)?;
    if tokens {
        let sum: usize = tools.iter().map(|tool| estimate(tool)).sum();
        line(&format!("about {sum} tokens in all (name, description, input schema; bytes / 4)"))?;
    }
    Ok(())
}

fn effect(tool: &Tool) -> &'static str {
    let hints = tool.annotations.as_ref();
    let is = |hint: Option<bool>| hint == Some(true);
    if hints.is_some_and(|hints| is(hints.read_only_hint)) {
        "reads"
    } else if hints.is_some_and(|hints| is(hints.destructive_hint)) {
        "destroys"
    } else {
        "writes"
    }
}

/// What a client's model pays for a definition, roughly.
fn estimate(tool: &Tool) -> usize {
    let seen = json!({"name": tool.name, "description": tool.description, "input_schema": tool.input_schema});
    seen.to_string().len() / 4
}

fn table<const N: usize>(
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Result<(), StartError> {
    let rows: Vec<[String; N]> = rows.collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].len()]).max().unwrap_or_default()
    });
    let print = |cells: &[String; N]| {
        let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        line(cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    print(&head.map(str::to_owned))?;
    rows.iter().try_for_each(print)
}
