//! How each client is told of a server: the README's table and the page.

use machina::clients::{CLIENTS, Target};
use mcp_core::fleet::BAYES;

fn targets() -> (Target, Target) {
    (Target::Stdio(BAYES.binary()), Target::Http(format!("http://127.0.0.1:{}/mcp", BAYES.port)))
}

/// One line a client, for the README.
pub(super) fn short() -> String {
    let mut text = "| Client | Where | stdio | HTTP |\n|---|---|---|---|".to_owned();
    let cell = |snippet: String| {
        let line = snippet.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("`{line}`")
    };
    let (stdio, http) = targets();
    for client in &CLIENTS {
        let recipe = |target| client.recipe(BAYES.name, target).map(cell);
        let none = || "no local HTTP".to_owned();
        let (stdio, http) = (recipe(&stdio), recipe(&http));
        text.push_str(&format!(
            "\n| {} | {} | {} | {} |",
            client.name,
            client.place,
            stdio.unwrap_or_else(none),
            http.unwrap_or_else(none)
        ));
    }
    text
}

/// The same, to copy from.
pub(super) fn page() -> String {
    let mut text = "# Clients\n\nMade by `cargo xtask gen`. `machina install CLIENT [SERVER ...]` does what stands here. \
        The examples use bayes; for another server put its \
        name in place of `bayes` and its port in place of 5004. For stdio the executable must be on the \
        client's `PATH`, or be given with its whole path; over HTTP the server must run (`machina up bayes`).\n"
        .to_owned();
    let (stdio, http) = targets();
    for client in &CLIENTS {
        let language = if client.program.is_some() { "sh" } else { "json" };
        let recipe = client.recipe(BAYES.name, &stdio).unwrap_or_default();
        text.push_str(&format!(
            "\n## {}: {}\n\n`machina install {} bayes`, or\n\n```{language}\n{recipe}\n```\n",
            client.name, client.place, client.id
        ));
        if let Some(recipe) = client.recipe(BAYES.name, &http) {
            text.push_str(&format!("\nover HTTP:\n\n```{language}\n{recipe}\n```\n"));
        }
    }
    text
}
