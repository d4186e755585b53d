//! The commands that all executables share.

use mcp_core::McpServer;
use serde_json::Value;

use crate::{
    TestResult,
    binary::{HttpServer, run},
    ensure,
};

fn name<S: McpServer>() -> String {
    S::FACTS.member.binary()
}

/// What the commands that start nothing print.
pub async fn tools_config_version<S: McpServer>() -> TestResult {
    let binary = name::<S>();
    let tools = run(&binary, &["tools", "--json", "--toolset", "all"], &[]).await?;
    let tools: Value = serde_json::from_str(&tools.stdout)?;
    ensure!(tools.as_array().is_some_and(|tools| !tools.is_empty()), "{tools}");
    let table = run(&binary, &["tools", "--tokens"], &[]).await?;
    ensure!(table.code == Some(0) && table.stdout.contains("tokens in all"), "{table:?}");
    let readers =
        run(&binary, &["tools", "--json", "--toolset", "all", "--read-only"], &[]).await?;
    let readers: Value = serde_json::from_str(&readers.stdout)?;
    let reads = |tool: &Value| tool["annotations"]["readOnlyHint"] == true;
    ensure!(readers.as_array().into_iter().flatten().all(reads), "{readers}");

    let config = run(&binary, &["config", "--json"], &[("MACHINA_PORT", "6999")]).await?;
    let config: Value = serde_json::from_str(&config.stdout)?;
    let port = config.as_array().into_iter().flatten().find(|entry| entry["key"] == "core.port");
    let port = port.ok_or("no port")?;
    ensure!(port["value"] == 6999 && port["source"] == "variable MACHINA_PORT", "{port}");
    let schema = run(&binary, &["config", "--schema"], &[]).await?;
    let schema: Value = serde_json::from_str(&schema.stdout)?;
    ensure!(schema["properties"]["core"]["properties"]["port"].is_object(), "{schema}");

    let version = run(&binary, &["version", "--json"], &[]).await?;
    let version: Value = serde_json::from_str(&version.stdout)?;
    ensure!(version["version"] == S::FACTS.version, "{version}");
    let completions = run(&binary, &["completions", "bash"], &[]).await?;
    ensure!(completions.stdout.contains(&binary), "{completions:?}");
    Ok(())
}

/// A wrong flag, command, variable or value ends with 64 and names the right one.
pub async fn mistakes_are_named<S: McpServer>() -> TestResult {
    let binary = name::<S>();
    let directory = tempfile::tempdir()?;
    let broken = directory.path().join("broken.toml");
    std::fs::write(&broken, "[core]\nport = = 1\n")?;
    let broken = broken.to_string_lossy().into_owned();
    let newer = directory.path().join("newer");
    std::fs::create_dir(&newer)?;
    std::fs::write(newer.join("format"), "99\n")?;
    for (arguments, environment, words) in [
        (vec!["--tolset", "all"], vec![], "--toolset"),
        (vec!["tols"], vec![], "tools"),
        (vec!["serve", "--port", "http"], vec![], "--port"),
        (vec!["tools", "--toolset", "cor"], vec![], "core"),
        (vec!["tools", "--tools", "no_such_tool"], vec![], "no_such_tool"),
        (vec!["tools"], vec![("MACHINA_TOOLSETT", "all")], "MACHINA_TOOLSET`"),
        (vec!["tools"], vec![("MACHINA_DEADLINE", "0")], "MACHINA_DEADLINE"),
        (vec!["tools", "--log-level", "loud"], vec![], "--log-level"),
        (vec!["tools", "--config", &broken], vec![], "broken.toml:2:8"),
        (vec!["tools", "--config", "/no/such/file.toml"], vec![], "/no/such/file.toml"),
        (vec!["serve", "--bind", "0.0.0.0"], vec![], "MACHINA_ALLOW_UNAUTHENTICATED"),
    ] {
        let ran = run(&binary, &arguments, &environment).await?;
        ensure!(ran.code == Some(64), "{arguments:?}: {ran:?}");
        ensure!(ran.stderr.contains(words) && ran.stdout.is_empty(), "{arguments:?}: {ran:?}");
    }
    Ok(())
}

/// One call from the shell: 0 and the result, or 1 and the error.
pub async fn calls_from_the_shell<S: McpServer>() -> TestResult {
    let binary = name::<S>();
    let tool = S::toolsets()[0].tools[0];
    let refused = run(&binary, &["call", tool, "no_such_argument=1"], &[]).await?;
    ensure!(refused.code == Some(1), "{refused:?}");
    ensure!(
        refused.stderr.contains("invalid_argument") && refused.stdout.is_empty(),
        "{refused:?}"
    );
    let unknown = run(&binary, &["call", "no_such_tool"], &[]).await?;
    ensure!(unknown.code == Some(1) && unknown.stderr.contains("no_such_tool"), "{unknown:?}");
    ensure!(
        unknown.stderr.contains("hint: ") && unknown.stderr.contains("tools/list"),
        "{unknown:?}"
    );
    let garbled = run(&binary, &["call", tool, "{"], &[]).await?;
    ensure!(garbled.code == Some(64), "{garbled:?}");
    Ok(())
}

/// A port in use is named, with exit 69; `healthcheck` sees the server that holds it.
pub async fn a_busy_port_is_named<S: McpServer>() -> TestResult {
    let server = HttpServer::start(&name::<S>(), &[]).await?;
    let port = server.address.port().to_string();
    let second = run(&name::<S>(), &["serve", "--port", &port], &[]).await?;
    ensure!(second.code == Some(69) && second.stderr.contains(&port), "{second:?}");
    let healthy = run(&name::<S>(), &["healthcheck", "--port", &port], &[]).await?;
    ensure!(healthy.code == Some(0) && healthy.stdout.contains("\"ok\""), "{healthy:?}");
    server.signal("TERM").await?;
    let gone = run(&name::<S>(), &["healthcheck", "--port", &port], &[]).await?;
    ensure!(gone.code == Some(1), "{gone:?}");
    Ok(())
}
