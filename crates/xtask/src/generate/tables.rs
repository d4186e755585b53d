//! Tables of servers and tools.

use std::fmt::Write as _;

use serde_json::Value;

use super::Facts;
use crate::tokens;

fn names(tools: &[Value]) -> String {
    let names = tools.iter().filter_map(|tool| tool["name"].as_str());
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The table of the seven, for the README.
pub(super) fn servers(fleet: &[Facts]) -> String {
    let mut text = "| Server | Port | What it is for | Tools |\n|---|---|---|---|".to_owned();
    for facts in fleet {
        let member = facts.member;
        let row = format!(
            "\n| [{0}](servers/{0}/README.md) | {1} | {2} | {3} |",
            member.name,
            member.port,
            member.purpose,
            names(&facts.core)
        );
        text.push_str(&row);
    }
    text
}

fn effect(tool: &Value) -> &'static str {
    let hints = &tool["annotations"];
    if hints["readOnlyHint"] == true {
        "reads"
    } else if hints["destructiveHint"] == true {
        "destroys"
    } else {
        "writes"
    }
}

/// Every tool with its effect and cost.
pub(super) fn tools(fleet: &[Facts]) -> String {
    let mut text =
        "# Tools\n\nMade by `cargo xtask gen`. Tokens: name, description and input schema, \
        counted with o200k.\n"
            .to_owned();
    let mut sum = 0;
    for facts in fleet {
        let member = facts.member;
        let part =
            format!("\n## {} (port {})\n\n{}.\n\n", member.name, member.port, member.purpose);
        text.push_str(&part);
        text.push_str("| Tool | Effect | Tokens | What it does |\n|---|---|---|---|\n");
        for tool in &facts.all {
            let word = |key: &str| tool[key].as_str().unwrap_or_default().replace('|', "\\|");
            let tokens = tokens::of(tool);
            sum += tokens;
            // Writing to a string cannot fail.
            _ = writeln!(
                text,
                "| `{}` | {} | {tokens} | {} |",
                word("name"),
                effect(tool),
                word("description")
            );
        }
    }
    _ = writeln!(text, "\nTogether: {sum} tokens.");
    text
}
