//! The official SDK clients, over HTTP and stdio: list, and one real call each.

use std::process::Command;

use anyhow::{Result, ensure};
use mcp_core::fleet::MEMBERS;
use serde_json::{Value, json};

use crate::{
    root, say,
    server::{self, Server},
    variable,
};

/// A call that each server answers without a key or an engine, if only with an honest error.
const CALLS: [(&str, &str, &str, &[&str]); 7] = [
    ("ptolemies", "search_knowledge", r#"{"query": "anything"}"#, &[]),
    ("stripe", "get_account", "{}", &["not_configured"]),
    ("shopify", "get_shop", "{}", &["not_configured"]),
    (
        "bayes",
        "apply_bayes_rule",
        r#"{"test": {"prevalence": 0.01, "sensitivity": 0.99, "specificity": 0.95, "results": ["positive"]}}"#,
        &[],
    ),
    ("darwin", "list_algorithms", "{}", &[]),
    ("docker", "get_system_info", "{}", &["daemon_unavailable"]),
    ("scaffold", "list_templates", "{}", &[]),
];

pub(crate) fn run() -> Result<()> {
    let directory = server::build()?;
    let scripts = root().join("crates/xtask/clients");
    let python = variable("MACHINA_PYTHON")?;
    let node = variable("MACHINA_NODE")?;
    let modules = variable("MACHINA_NODE_MODULES")?;
    for member in MEMBERS {
        let (_, tool, arguments, errors) =
            CALLS[MEMBERS.iter().position(|other| *other == member).unwrap_or_default()];
        let server = Server::start(&directory, &member.binary())?;
        let job = json!({
            "url": server.url(), "command": directory.join(member.binary()), "home": server::state().join("stdio"),
            "tool": tool, "arguments": serde_json::from_str::<Value>(arguments)?,
        });
        let clients = [
            (
                "python",
                Command::new(&python)
                    .arg(scripts.join("client.py"))
                    .arg(job.to_string())
                    .output()?,
            ),
            (
                "typescript",
                Command::new(&node)
                    .arg(scripts.join("client.mjs"))
                    .arg(job.to_string())
                    .env("MACHINA_NODE_MODULES", &modules)
                    .output()?,
            ),
        ];
        for (client, output) in clients {
            let stderr = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "{client} on {}: {stderr}", member.name);
            check(member.name, client, &serde_json::from_slice(&output.stdout)?, errors)?;
        }
    }
    Ok(())
}

/// What a client saw, by transport: names of the tools, and the answer to the call.
fn check(server: &str, client: &str, seen: &Value, errors: &[&str]) -> Result<()> {
    for transport in ["http", "stdio"] {
        let answer = &seen[transport];
        ensure!(
            answer["tools"].as_array().is_some_and(|tools| !tools.is_empty()),
            "{client} {server}: {seen}"
        );
        let text = answer["text"].as_str().unwrap_or_default();
        if answer["isError"] == true {
            let body: Value = serde_json::from_str(text)?;
            let code = body["code"].as_str().unwrap_or_default();
            ensure!(errors.contains(&code), "{client} on {server} over {transport}: {text}");
        } else {
            ensure!(
                answer["structured"].is_object(),
                "{client} on {server} over {transport}: {answer}"
            );
        }
    }
    let revision = seen["http"]["protocol"].as_str().unwrap_or("-");
    say(&format!("{server:<10} {client:<10} http and stdio ok ({revision})"));
    Ok(())
}
