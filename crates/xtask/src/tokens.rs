//! What the definitions cost a model: name, description and input schema, counted with o200k.

use anyhow::{Result, ensure};
use mcp_core::fleet::MEMBERS;
use serde_json::{Value, json};

use crate::{say, server};

/// Bound of the seven default toolsets together.
const FLEET_BUDGET: usize = 15_000;

/// Tokens of one definition.
pub(crate) fn of(tool: &Value) -> usize {
    let seen = json!({
        "name": tool["name"], "description": tool["description"],
        "inputSchema": tool["inputSchema"],
    });
    bpe_openai::o200k_base().count(seen.to_string().as_str())
}

/// Tools of a set, with their tokens.
pub(crate) fn count(
    directory: &std::path::Path,
    name: &str,
    toolset: &str,
) -> Result<Vec<(String, usize)>> {
    let tools = server::json(directory, name, &["tools", "--json", "--toolset", toolset])?;
    let tools = tools.as_array().into_iter().flatten();
    Ok(tools.map(|tool| (tool["name"].as_str().unwrap_or_default().to_owned(), of(tool))).collect())
}

pub(crate) fn run() -> Result<()> {
    let directory = server::build()?;
    let mut fleet = 0;
    say("server      tools  tokens");
    for member in MEMBERS {
        let tools = count(&directory, &member.binary(), "core")?;
        let sum: usize = tools.iter().map(|(_, tokens)| tokens).sum();
        say(&format!("{:<10}  {:>5}  {sum:>6}", member.name, tools.len()));
        fleet += sum;
    }
    say(&format!("{:<10}  {:>5}  {fleet:>6}  of {FLEET_BUDGET}", "fleet", ""));
    ensure!(fleet <= FLEET_BUDGET, "the default toolsets cost more than {FLEET_BUDGET} tokens");
    Ok(())
}
