//! How each MCP client is told of a server: one source for `install`, the README and its page.

use std::path::PathBuf;

use mcp_core::config::Environment;

/// What a client is told of: a command to start, or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The executable's name or path.
    Stdio(String),
    /// The URL of its MCP endpoint.
    Http(String),
}

/// A JSON value of an entry: text or an empty list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    /// What starts it or where it is.
    Target,
    Text(&'static str),
    NoArguments,
}

/// The fields of an entry, in the order its client documents.
type Entry = &'static [(&'static str, Field)];

/// One client.
#[derive(Debug)]
pub struct Client {
    /// Word at the command line.
    pub id: &'static str,
    /// Name as its makers write it.
    pub name: &'static str,
    /// Where the README says the entry goes.
    pub place: &'static str,
    /// Its own command line, if that is how it wants to be told.
    pub program: Option<&'static str>,
    /// Key of the servers in its JSON file; none where the file is not JSON.
    pub key: Option<&'static str>,
    stdio: Entry,
    http: Option<Entry>,
    file: Option<fn(&Environment) -> Option<PathBuf>>,
}

/// Every client there is a recipe for.
pub const CLIENTS: [Client; 7] = [
    Client {
        id: "claude-code",
        name: "Claude Code",
        place: "a shell",
        program: Some("claude"),
        key: Some("mcpServers"),
        stdio: &[("command", Field::Target)],
        http: Some(&[("type", Field::Text("http")), ("url", Field::Target)]),
        file: None,
    },
    Client {
        id: "claude-desktop",
        name: "Claude Desktop",
        place: "`claude_desktop_config.json`",
        program: None,
        key: Some("mcpServers"),
        stdio: &[("command", Field::Target)],
        http: None,
        file: Some(|env| Some(settings(env)?.join("Claude/claude_desktop_config.json"))),
    },
    Client {
        id: "cursor",
        name: "Cursor",
        place: "`~/.cursor/mcp.json`",
        program: None,
        key: Some("mcpServers"),
        stdio: &[("command", Field::Target)],
        http: Some(&[("url", Field::Target)]),
        file: Some(|env| Some(home(env)?.join(".cursor/mcp.json"))),
    },
    Client {
        id: "vscode",
        name: "VS Code",
        place: "`mcp.json` of the user or `.vscode`",
        program: None,
        key: Some("servers"),
        stdio: &[("type", Field::Text("stdio")), ("command", Field::Target)],
        http: Some(&[("type", Field::Text("http")), ("url", Field::Target)]),
        file: Some(|env| Some(settings(env)?.join("Code/User/mcp.json"))),
    },
    Client {
        id: "zed",
        name: "Zed",
        place: "`settings.json`",
        program: None,
        key: Some("context_servers"),
        stdio: &[("command", Field::Target), ("args", Field::NoArguments)],
        http: Some(&[("url", Field::Target)]),
        file: Some(|env| Some(zed(env)?.join("settings.json"))),
    },
    Client {
        id: "codex",
        name: "Codex",
        place: "a shell",
        program: Some("codex"),
        key: None,
        stdio: &[],
        http: Some(&[]),
        file: None,
    },
    Client {
        id: "gemini-cli",
        name: "Gemini CLI",
        place: "`~/.gemini/settings.json`",
        program: None,
        key: Some("mcpServers"),
        stdio: &[("command", Field::Target)],
        http: Some(&[("httpUrl", Field::Target)]),
        file: Some(|env| Some(home(env)?.join(".gemini/settings.json"))),
    },
];

impl Client {
    /// The client's own file, of this user on this system.
    pub fn file(&self, env: &Environment) -> Option<PathBuf> {
        self.file.and_then(|file| file(env))
    }

    /// The entry's fields, each text or an empty list; none where the client cannot reach it so.
    pub fn entry(&self, target: &Target) -> Option<Vec<(&'static str, serde_json::Value)>> {
        let (fields, value) = match target {
            Target::Stdio(command) => (self.stdio, command),
            Target::Http(url) => (self.http?, url),
        };
        let json = |field: &Field| match field {
            Field::Target => value.as_str().into(),
            Field::Text(text) => (*text).into(),
            Field::NoArguments => Vec::<String>::new().into(),
        };
        Some(fields.iter().map(|(name, field)| (*name, json(field))).collect())
    }

    /// Arguments for its own command line that add a server, for clients that have one.
    pub fn add(&self, server: &str, target: &Target) -> Option<Vec<String>> {
        let words: Vec<&str> = match (self.program?, target) {
            ("claude", Target::Stdio(command)) => {
                vec!["mcp", "add", "--scope", "user", server, "--", command]
            }
            ("claude", Target::Http(url)) => {
                vec!["mcp", "add", "--scope", "user", "--transport", "http", server, url]
            }
            (_, Target::Stdio(command)) => vec!["mcp", "add", server, "--", command],
            (_, Target::Http(url)) => vec!["mcp", "add", server, "--url", url],
        };
        Some(words.into_iter().map(str::to_owned).collect())
    }

    /// Arguments that take it out again.
    pub fn remove(&self, server: &str) -> Option<Vec<String>> {
        let words: &[&str] = match self.program? {
            "claude" => &["mcp", "remove", "--scope", "user", server],
            _ => &["mcp", "remove", server],
        };
        Some(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// What a person would type or paste: a command, or the file's JSON with this one server.
    pub fn recipe(&self, server: &str, target: &Target) -> Option<String> {
        if let (Some(program), Some(arguments)) = (self.program, self.add(server, target)) {
            return Some(format!("{program} {}", arguments.join(" ")));
        }
        let fields = self.entry(target)?;
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        let (key, fields) = (self.key?, fields.join(", "));
        Some(format!("{{\n  \"{key}\": {{\n    \"{server}\": {{ {fields} }}\n  }}\n}}"))
    }
}

fn home(env: &Environment) -> Option<PathBuf> {
    env.get("HOME").or_else(|| env.get("USERPROFILE")).map(PathBuf::from)
}

/// Where programs of this system keep a user's settings.
fn settings(env: &Environment) -> Option<PathBuf> {
    if cfg!(windows) {
        return env.get("APPDATA").map(PathBuf::from);
    }
    if cfg!(target_os = "macos") {
        return Some(home(env)?.join("Library/Application Support"));
    }
    unix_settings(env)
}

fn unix_settings(env: &Environment) -> Option<PathBuf> {
    match env.get("XDG_CONFIG_HOME") {
        Some(path) => Some(PathBuf::from(path)),
        None => Some(home(env)?.join(".config")),
    }
}

/// Zed keeps to `~/.config` on macOS too.
fn zed(env: &Environment) -> Option<PathBuf> {
    if cfg!(windows) {
        return Some(settings(env)?.join("Zed"));
    }
    Some(unix_settings(env)?.join("zed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_takes_a_command_and_says_where() {
        let env: Environment =
            [("HOME", "/home/ada"), ("APPDATA", "C:/ada"), ("XDG_CONFIG_HOME", "")]
                .into_iter()
                .collect();
        for client in &CLIENTS {
            let recipe = client.recipe("bayes", &Target::Stdio("machina-bayes".to_owned()));
            assert!(recipe.unwrap().contains("machina-bayes"), "{}", client.id);
            assert!(client.program.is_some() != client.file(&env).is_some(), "{}", client.id);
        }
    }

    #[test]
    fn only_what_speaks_http_has_an_http_recipe() {
        let target = Target::Http("http://127.0.0.1:5004/mcp".to_owned());
        let without: Vec<&str> = CLIENTS
            .iter()
            .filter(|client| client.recipe("bayes", &target).is_none())
            .map(|client| client.id)
            .collect();
        assert_eq!(without, ["claude-desktop"]);
    }
}
