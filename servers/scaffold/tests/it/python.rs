//! Python projects install, pass their own tests and speak.

use std::path::{Path, PathBuf};

use mcp_testkit::TestResult;
use tokio::process::Command;

use crate::generated::{cache, command, create, run, skip, speak_http, speak_stdio};

/// A virtual environment with what projects depend on, made once.
async fn environment() -> TestResult<Option<PathBuf>> {
    let directory = cache("scaffold")?;
    let python = directory.join("venv-1/bin/python");
    let done = directory.join("venv-1/complete");
    if done.exists() {
        return Ok(Some(python));
    }
    let made = async {
        run(command("python3", &["-m", "venv", "--clear", "venv-1"], &directory)).await?;
        let wanted = ["fastmcp>=4.1,<5", "jsonschema>=4.26,<5", "hatchling>=1.27,<2"];
        let install = [&["-m", "pip", "install", "--quiet"][..], &wanted].concat();
        run(command(&python, &install, &directory)).await
    };
    if let Err(reason) = made.await {
        skip(&format!("no Python environment: {reason}"))?;
        return Ok(None);
    }
    std::fs::write(done, "")?;
    Ok(Some(python))
}

/// Install a project, without its dependencies, into a directory of its own.
async fn install(python: &Path, project: &Path) -> TestResult<PathBuf> {
    let site = project.with_extension("site");
    let target = site.display().to_string();
    let arguments = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        &target,
        ".",
    ];
    run(command(python, &arguments, project)).await?;
    Ok(site)
}

fn program(python: &Path, site: &Path, arguments: &[&str]) -> Command {
    let mut program = command(python, &["-m", "sample_server"], site);
    program.args(arguments).env("PYTHONPATH", site);
    program
}

#[tokio::test]
async fn a_python_project_installs_and_speaks() -> TestResult {
    let root = tempfile::tempdir()?;
    let Some(python) = environment().await? else { return Ok(()) };
    let both = create(root.path(), "python", &["stdio", "http"]).await?;
    let site = install(&python, &both).await?;
    assert!(site.join("bin/sample-server").exists(), "the script is installed");
    let mut tests = command(
        &python,
        &["-W", "error::SyntaxWarning", "-m", "unittest", "discover", "-s", "tests"],
        &both,
    );
    tests.env("PYTHONPATH", &site);
    let output = run(tests).await?;
    assert!(output.contains("Ran 7 tests"), "{output}");
    speak_stdio(|| program(&python, &site, &[])).await?;
    speak_http(program(&python, &site, &["--http"])).await?;

    let only_http = create(root.path(), "python", &["http"]).await?;
    let site = install(&python, &only_http).await?;
    speak_http(program(&python, &site, &[])).await?;

    let only_stdio = create(root.path(), "python", &["stdio"]).await?;
    let site = install(&python, &only_stdio).await?;
    speak_stdio(|| program(&python, &site, &[])).await
}
