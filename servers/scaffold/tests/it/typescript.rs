//! TypeScript projects compile, pass their own tests and speak.

use std::path::{Path, PathBuf};

use mcp_testkit::TestResult;

use crate::generated::{cache, command, create, run, skip, speak_http, speak_stdio};

/// The packages of a project with both transports, fetched once.
async fn packages(project: &Path) -> TestResult<Option<PathBuf>> {
    let directory = cache("scaffold/npm-1")?;
    let modules = directory.join("node_modules");
    let done = directory.join("complete");
    if !done.exists() {
        std::fs::copy(project.join("package.json"), directory.join("package.json"))?;
        let install = command("npm", &["install", "--no-audit", "--no-fund"], &directory);
        if let Err(reason) = run(install).await {
            skip(&format!("no npm packages: {reason}"))?;
            return Ok(None);
        }
        std::fs::write(done, "")?;
    }
    Ok(Some(modules))
}

/// Compile with every diagnostic an error, run the project's own tests.
async fn build(project: &Path, modules: &Path) -> TestResult {
    std::os::unix::fs::symlink(modules, project.join("node_modules"))?;
    run(command("npm", &["run", "build"], project)).await?;
    let output = run(command("npm", &["test"], project)).await?;
    assert!(output.contains("fail 0"), "{output}");
    Ok(())
}

#[tokio::test]
async fn a_typescript_project_compiles_and_speaks() -> TestResult {
    let root = tempfile::tempdir()?;
    let both = create(root.path(), "typescript", &["stdio", "http"]).await?;
    let Some(modules) = packages(&both).await? else { return Ok(()) };
    build(&both, &modules).await?;
    let program = "dist/src/index.js";
    speak_stdio(|| command("node", &[program], &both)).await?;
    speak_http(command("node", &[program, "--http"], &both)).await?;

    let only_http = create(root.path(), "typescript", &["http"]).await?;
    build(&only_http, &modules).await?;
    speak_http(command("node", &[program], &only_http)).await?;

    let only_stdio = create(root.path(), "typescript", &["stdio"]).await?;
    build(&only_stdio, &modules).await?;
    speak_stdio(|| command("node", &[program], &only_stdio)).await
}
