//! `server.json` for the MCP registry (schema of 2025-12-11).

use serde_json::{Value, json};

use super::Facts;

/// Longest description that the registry takes.
const MAX_DESCRIPTION: usize = 100;

pub(super) fn server_json(facts: &Facts) -> String {
    let member = facts.member;
    let image = format!("ghcr.io/machina-mcp/machina-{}:{}", member.name, facts.version);
    let variables: Vec<Value> = facts
        .section(member.name)
        .into_iter()
        .map(|(_, schema)| {
            let description = schema["description"].as_str().unwrap_or_default();
            json!({
                "name": schema["x-env"],
                "description": description.split_whitespace().collect::<Vec<_>>().join(" "),
                "isRequired": false,
                "isSecret": schema.get("x-env-file").is_some(),
            })
        })
        .collect();
    let description: String = member.purpose.chars().take(MAX_DESCRIPTION).collect();
    let document = json!({
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": format!("io.github.machina-mcp/{}", member.name),
        "title": format!("Machina {}", member.title),
        "description": description,
        "version": facts.version,
        "repository": {"url": "https://github.com/machina-mcp/machina", "source": "github"},
        "packages": [{
            "registryType": "oci",
            "identifier": image,
            "transport": {"type": "stdio"},
            "environmentVariables": variables,
        }],
    });
    format!("{document:#}\n")
}
