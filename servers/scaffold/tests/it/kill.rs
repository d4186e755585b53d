//! SCA-01: a process killed while it writes leaves all or nothing, and the next one cleans up.

use std::{collections::BTreeSet, path::Path, time::Duration};

use mcp_testkit::{
    TestResult,
    binary::{self, StdioServer},
    wire,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::generated::spec;

const ROUNDS: u32 = 40;

fn start(root: &Path, state: &Path) -> TestResult<StdioServer> {
    let mut command = binary::command("machina-scaffold", state)?;
    command.env("MACHINA_SCAFFOLD_ROOTS", root);
    StdioServer::spawn(command)
}

fn names(directory: &Path) -> TestResult<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(directory)? {
        names.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

fn files(directory: &Path) -> TestResult<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        count += if path.is_dir() { files(&path)? } else { 1 };
    }
    Ok(count)
}

/// Plan a project: the request that creates it, and how many files it has.
async fn plan(server: &mut StdioServer, target: &str) -> TestResult<(Value, usize)> {
    let spec = spec("typescript", &["stdio", "http"]);
    let plan = json!({"name": "plan_project", "arguments": {"spec": spec}});
    let planned = server.ask(&wire::modern(1, "tools/call", &plan)).await?;
    let plan = &planned["result"]["structuredContent"];
    let files = plan["files"].as_array().ok_or("files")?.len();
    let arguments = json!({"plan_id": plan["plan_id"], "target": target});
    let create = json!({"name": "create_project", "arguments": arguments});
    Ok((wire::modern(2, "tools/call", &create), files))
}

/// How long a creation takes here and now.
async fn usual_time(root: &Path, state: &Path) -> TestResult<Duration> {
    let mut server = start(root, state)?;
    let (create, _) = plan(&mut server, "p-first").await?;
    let began = Instant::now();
    server.ask(&create).await?;
    let usual = began.elapsed();
    server.close().await?;
    Ok(usual)
}

#[tokio::test]
async fn a_kill_leaves_all_or_nothing() -> TestResult {
    let (root, state) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (mut whole, mut left, mut none) = (0, 0, 0);
    let usual = usual_time(root.path(), state.path()).await?;
    for round in 0..ROUNDS {
        let mut server = start(root.path(), state.path())?;
        let target = format!("p{round}");
        let (create, file_count) = plan(&mut server, &target).await?;
        server.send(&create).await?;
        // The moment of the kill is the subject of this test, not a wait for something.
        tokio::time::sleep(usual * round / ROUNDS * 3 / 2).await;
        server.child().kill().await?;
        let names = names(root.path())?;
        if names.contains(&target) {
            assert_eq!(files(&root.path().join(&target))?, file_count);
            whole += 1;
        } else {
            none += 1;
        }
        left += usize::from(names.iter().any(|name| name.starts_with(".machina-staging-")));
    }
    println!(
        "killed 40 times: {whole} whole, {none} without a trace, {left} with something to sweep"
    );
    let server = start(root.path(), state.path())?;
    server.close().await?;
    assert!(names(root.path())?.iter().all(|name| name.starts_with('p')), "the next start sweeps");
    Ok(())
}
