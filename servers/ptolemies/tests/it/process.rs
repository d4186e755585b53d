//! The executable and its disk.

use std::process::Stdio;

use mcp_testkit::{
    TestResult,
    binary::{self, StdioServer},
    wire,
};
use serde_json::json;

const NAME: &str = "machina-ptolemies";

/// The order of system calls around one store: the log is synced before the answer is written.
#[tokio::test]
async fn the_answer_comes_after_fsync() -> TestResult {
    let state = tempfile::tempdir()?;
    let trace = state.path().join("trace");
    let mut command = tokio::process::Command::new("strace");
    command
        .args(["-f", "-s", "2048", "-e", "trace=read,write,fsync,fdatasync", "-o"])
        .arg(&trace)
        .arg(binary::path_of(NAME)?)
        .arg("--state-dir")
        .arg(state.path().join("ptolemies"))
        .env("XDG_CONFIG_HOME", state.path().join("config"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut server = match StdioServer::spawn(command) {
        Ok(server) => server,
        Err(error) => {
            println!("skipped: strace does not start: {error}");
            return Ok(());
        }
    };
    let params = json!({"name": "store_memory", "arguments": {"items": [{"text": "durable"}]}});
    let answer = match server.ask(&wire::modern(1, "tools/call", &params)).await {
        Ok(answer) => answer,
        Err(error) => {
            println!("skipped: strace may not trace here: {error}");
            return Ok(());
        }
    };
    assert_eq!(answer["result"]["structuredContent"]["results"][0]["status"], "created");
    server.close().await?;
    let trace = std::fs::read_to_string(trace)?;
    let calls: Vec<&str> = trace.lines().collect();
    let asked =
        calls.iter().position(|call| call.contains("read") && call.contains("store_memory"));
    let answered =
        calls.iter().position(|call| call.contains("write(") && call.contains("resultType"));
    let (asked, answered) = asked.zip(answered).ok_or("the trace misses the call")?;
    let synced = |call: &&str| call.contains("sync") && call.trim_end().ends_with("= 0");
    let last_sync = calls.iter().take(answered).rposition(synced);
    assert!(last_sync.is_some_and(|at| at > asked), "no fsync between call and answer:\n{trace}");
    Ok(())
}
