//! Settings: the reference and the example of an environment file.

use std::fmt::Write as _;

use serde_json::Value;

use super::Facts;

fn words(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn default(schema: &Value) -> String {
    match &schema["default"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(flag) => u8::from(*flag).to_string(),
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().unwrap_or_default()).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

/// `docs/settings.md`.
pub(super) fn reference(fleet: &[Facts]) -> String {
    let mut text = "# Settings\n\nMade by `cargo xtask gen`. A flag wins over a variable, a variable over \
        the file, the file over the default. `MACHINA_<KEY>` is for all servers, `MACHINA_<SERVER>_<KEY>` \
        for one, and wins. In the file (`--config`, `MACHINA_CONFIG`, else \
        `$XDG_CONFIG_HOME/machina/machina.toml`) the key stands under `[core]` or `[<server>]`. \
        A secret may also be read from the file that `<VARIABLE>_FILE` names.\n"
        .to_owned();
    if let Some(first) = fleet.first() {
        section(&mut text, "core", "All servers", first);
    }
    for facts in fleet {
        if !facts.section(facts.member.name).is_empty() {
            section(&mut text, facts.member.name, facts.member.title, facts);
        }
    }
    text
}

fn section(text: &mut String, name: &str, title: &str, facts: &Facts) {
    // Writing to a string cannot fail.
    _ = write!(
        text,
        "\n## {title}: `[{name}]`\n\n| Key | Variable | Default | Meaning |\n|---|---|---|---|\n"
    );
    for (key, schema) in facts.section(name) {
        let secret = if schema.get("x-env-file").is_some() { " (secret)" } else { "" };
        let (variable, meaning) = (schema["x-env"].as_str().unwrap_or_default(), words(schema));
        let default = default(schema);
        let default = if default.is_empty() { default } else { format!("`{default}`") };
        let meaning = meaning.replace('|', "\\|");
        _ = writeln!(text, "| `{key}` | `{variable}` | {default} | {meaning}{secret} |");
    }
}

/// `.env.example`, for compose.
pub(super) fn example(fleet: &[Facts]) -> String {
    let mut text = "# Settings for `docker compose`, which reads `.env` beside compose.yaml; the servers \
        themselves never do.\n# Made by `cargo xtask gen`; docs/settings.md says what each means. Only what \
        is uncommented counts.\n\n# Ports on the host, always on 127.0.0.1\n"
        .to_owned();
    for facts in fleet {
        let member = facts.member;
        _ = writeln!(text, "#MACHINA_{}_PORT={}", member.name.to_uppercase(), member.port);
    }
    text.push_str(
        "\n# Docker's socket and its group on the host (`stat -c %g /var/run/docker.sock`)\n",
    );
    text.push_str("#DOCKER_SOCKET=/var/run/docker.sock\n#DOCKER_GID=0\n");
    text.push_str("\n# Where scaffold writes projects: a volume, or a directory of the host\n#SCAFFOLD_PROJECTS=./projects\n");
    text.push_str("\n# Images: base images, and whether binaries are compiled inside\n");
    text.push_str("#RUST_IMAGE=rust:1.95-slim-bookworm\n#RUNTIME_IMAGE=gcr.io/distroless/static-debian12:nonroot\n#BINARIES=compile\n#IMAGE_TAG=latest\n");
    text.push_str("\n# All servers\n");
    for key in ["LOG_LEVEL", "LOG_FORMAT", "TOOLSET", "READ_ONLY", "DEADLINE", "ALLOWED_ORIGINS"] {
        _ = writeln!(text, "#MACHINA_{key}=");
    }
    for facts in fleet {
        let settings = facts.section(facts.member.name);
        if settings.is_empty() {
            continue;
        }
        _ = write!(text, "\n# {}\n", facts.member.title);
        for (_, schema) in settings {
            let variable = schema["x-env"].as_str().unwrap_or_default();
            _ = writeln!(text, "#{variable}={}", default(schema));
        }
    }
    text
}
