//! How each client is told of a server: one source for the README, the page and the tests.

use mcp_core::fleet::BAYES;

/// A client, and the file it reads.
struct Recipe {
    client: &'static str,
    place: &'static str,
    language: &'static str,
    stdio: String,
    http: Option<String>,
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn recipes() -> Vec<Recipe> {
    let binary = BAYES.binary();
    let url = format!("http://127.0.0.1:{}/mcp", BAYES.port);
    let servers =
        |key: &str, inner: &str| format!("{{\n  \"{key}\": {{\n    \"bayes\": {inner}\n  }}\n}}");
    let command = format!("{{ \"command\": \"{binary}\" }}");
    vec![
        Recipe {
            client: "Claude Code",
            place: "a shell",
            language: "sh",
            stdio: format!("claude mcp add bayes -- {binary}"),
            http: Some(format!("claude mcp add --transport http bayes {url}")),
        },
        Recipe {
            client: "Claude Desktop",
            place: "`claude_desktop_config.json`",
            language: "json",
            stdio: servers("mcpServers", &command),
            http: None,
        },
        Recipe {
            client: "Cursor",
            place: "`.cursor/mcp.json`",
            language: "json",
            stdio: servers("mcpServers", &command),
            http: Some(servers("mcpServers", &format!("{{ \"url\": \"{url}\" }}"))),
        },
        Recipe {
            client: "VS Code",
            place: "`.vscode/mcp.json`",
            language: "json",
            stdio: servers(
                "servers",
                &format!("{{ \"type\": \"stdio\", \"command\": \"{binary}\" }}"),
            ),
            http: Some(servers(
                "servers",
                &format!("{{ \"type\": \"http\", \"url\": \"{url}\" }}"),
            )),
        },
        Recipe {
            client: "Zed",
            place: "`settings.json`",
            language: "json",
            stdio: servers(
                "context_servers",
                &format!("{{ \"command\": \"{binary}\", \"args\": [] }}"),
            ),
            http: Some(servers("context_servers", &format!("{{ \"url\": \"{url}\" }}"))),
        },
        Recipe {
            client: "Codex",
            place: "a shell",
            language: "sh",
            stdio: format!("codex mcp add bayes -- {binary}"),
            http: Some(format!("codex mcp add bayes --url {url}")),
        },
        Recipe {
            client: "Gemini CLI",
            place: "`~/.gemini/settings.json`",
            language: "json",
            stdio: servers("mcpServers", &command),
            http: Some(servers("mcpServers", &format!("{{ \"httpUrl\": \"{url}\" }}"))),
        },
    ]
}

/// One line a client, for the README.
pub(super) fn short() -> String {
    let mut text = "| Client | Where | stdio | HTTP |\n|---|---|---|---|".to_owned();
    let cell = |snippet: &str| {
        let line = snippet.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("`{line}`")
    };
    for recipe in recipes() {
        let http = recipe.http.as_deref().map_or_else(|| "no local HTTP".to_owned(), cell);
        let row = format!(
            "\n| {} | {} | {} | {http} |",
            recipe.client,
            recipe.place,
            cell(&recipe.stdio)
        );
        text.push_str(&row);
    }
    text
}

/// The same, to copy from.
pub(super) fn page() -> String {
    let mut text = "# Clients\n\nMade by `cargo xtask gen`. The examples use bayes; for another server put its \
        name in place of `bayes` and its port in place of 5004. For stdio the executable must be on the \
        client's `PATH`, or be given with its whole path; over HTTP the server must run (`machina up bayes`).\n"
        .to_owned();
    for Recipe { client, place, language, stdio, http } in recipes() {
        text.push_str(&format!("\n## {client}: {place}\n\n```{language}\n{stdio}\n```\n"));
        if let Some(http) = http {
            text.push_str(&format!("\nover HTTP:\n\n```{language}\n{http}\n```\n"));
        }
    }
    text
}
