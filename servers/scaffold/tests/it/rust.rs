//! Rust projects build, pass their own tests and speak.

use std::path::Path;

use mcp_testkit::TestResult;
use tokio::process::Command;

use crate::generated::{cache, command, create, run, skip, speak_http, speak_stdio};

fn cargo(arguments: &[&str], project: &Path) -> TestResult<Command> {
    let mut cargo = command("cargo", arguments, project);
    cargo.env("CARGO_TARGET_DIR", cache("scaffold-target")?);
    Ok(cargo)
}

/// Versions of an earlier run, so that a new release does not rebuild the SDK in every run.
async fn prepare(project: &Path) -> TestResult<bool> {
    let kept = cache("scaffold")?.join("Cargo.lock");
    let lock = project.join("Cargo.lock");
    if kept.exists() {
        std::fs::copy(&kept, &lock)?;
    }
    if run(cargo(&["metadata", "--offline", "--format-version", "1"], project)?).await.is_err() {
        drop(std::fs::remove_file(&lock));
        if let Err(reason) = run(cargo(&["fetch"], project)?).await {
            skip(&format!("cargo fetch failed: {reason}"))?;
            return Ok(false);
        }
        std::fs::copy(&lock, &kept)?;
    }
    Ok(true)
}

#[tokio::test]
async fn a_rust_project_builds_and_speaks() -> TestResult {
    let root = tempfile::tempdir()?;
    // The first has every dependency, so that its lock file serves the others.
    let both = create(root.path(), "rust", &["stdio", "http"]).await?;
    if !prepare(&both).await? {
        return Ok(());
    }
    run(cargo(&["test", "--offline"], &both)?).await?;
    run(command("cargo", &["fmt", "--check"], &both)).await?;
    let program = cache("scaffold-target")?.join("debug/sample-server");
    speak_stdio(|| Command::new(&program)).await?;
    let mut http = Command::new(&program);
    http.arg("--http");
    speak_http(http).await?;

    let only_http = create(root.path(), "rust", &["http"]).await?;
    assert!(prepare(&only_http).await?);
    run(cargo(&["test", "--offline"], &only_http)?).await?;
    speak_http(Command::new(&program)).await?;

    let only_stdio = create(root.path(), "rust", &["stdio"]).await?;
    assert!(prepare(&only_stdio).await?);
    run(cargo(&["build", "--offline"], &only_stdio)?).await?;
    speak_stdio(|| Command::new(&program)).await
}
