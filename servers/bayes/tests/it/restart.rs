//! Runs and data after a restart: after kill -9, and after a stop that lets them end.

use std::path::Path;

use mcp_testkit::{
    TestResult,
    binary::{LIMIT, StdioServer, command},
    wire,
};
use serde_json::{Value, json};

/// A process, and its number of requests.
pub(crate) struct Life(StdioServer, u64);

impl Life {
    pub(crate) fn begin(state: &Path) -> TestResult<Self> {
        let mut command = command("machina-bayes", state)?;
        command.args(["--toolset", "all"]);
        Ok(Self(StdioServer::spawn(command)?, 0))
    }

    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> TestResult<Value> {
        self.1 += 1;
        let params = json!({"name": tool, "arguments": arguments});
        let answer = self.0.ask(&wire::modern(self.1, "tools/call", &params)).await?;
        match answer["result"].get("structuredContent") {
            Some(content) => Ok(content.clone()),
            None => Err(format!("{tool}: {answer}").into()),
        }
    }

    async fn end(mut self, signal: &str) -> TestResult {
        if signal == "KILL" {
            self.0.child().start_kill()?;
            self.0.child().wait().await?;
        } else {
            assert!(self.0.signal(signal).await?.success());
        }
        Ok(())
    }
}

/// Draws of each chain of a long run.
const DRAWS: u64 = 1_000;
/// Its chains: most of them wait for the first to end.
const CHAINS: u64 = 16;

fn long() -> Value {
    json!({"code": "parameters { vector[50] x; } model { x ~ std_normal(); }", "chains": CHAINS,
           "tune": 100, "draws": DRAWS, "target_accept": 0.99, "seed": 1, "wait_ms": 0})
}

fn small() -> Value {
    json!({"code": "data { int n; } parameters { real x; } model { x ~ normal(n, 1); }", "seed": 1,
           "tune": 100, "draws": 100, "wait_ms": 60_000})
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_crash_and_after_a_stop() -> TestResult {
    for signal in ["KILL", "TERM"] {
        let state = tempfile::tempdir()?;
        let mut life = Life::begin(state.path())?;
        let data = life.call("register_data", json!({"content": "{\"n\": 3}"})).await?;
        let mut fit = small();
        fit["data_id"] = data["data_id"].clone();
        let fitted = life.call("fit_model", fit.clone()).await?;
        let page = json!({"run_id": fitted["run_id"], "limit": 400});
        let draws = life.call("get_draws", page.clone()).await?;
        let id = life.call("fit_model", long()).await?["run_id"].clone();
        wait_for_a_chain(&mut life, state.path(), &id).await?;
        life.end(signal).await?;

        let mut life = Life::begin(state.path())?;
        assert_eq!(life.call("get_draws", page).await?, draws);
        let listed = life.call("list_data", json!({})).await?;
        assert_eq!(listed["items"][0]["data_id"], data["data_id"]);
        let again = life.call("fit_model", fit).await?;
        assert_eq!((&again["run_id"], &again["summary"]), (&fitted["run_id"], &fitted["summary"]));
        assert_eq!(again["elapsed_ms"], 0);
        let item = life.call("list_runs", json!({"run_id": id})).await?["items"][0].take();
        let kept = item["draws_kept"].as_u64().ok_or("no draws")?;
        assert_eq!(item["status"], "interrupted", "{signal}: {item}");
        assert!((DRAWS..CHAINS * DRAWS).contains(&kept), "{item}");
        let part = life.call("get_draws", json!({"run_id": id, "vars": ["lp__"]})).await?;
        assert_eq!((&part["total"], &part["status"]), (&json!(kept), &json!("interrupted")));
        let verdict = life.call("diagnose_run", json!({"run_id": id})).await?;
        assert_eq!(verdict["reliable"], false, "{verdict}");
        // Asked for again it begins anew.
        assert_eq!(life.call("fit_model", long()).await?["status"], "running");
        let stopped = life.call("cancel_run", json!({"run_id": id})).await?;
        assert_eq!(stopped["status"], "cancelled");
        life.end("TERM").await?;
    }
    Ok(())
}

/// Wait until the draws of a chain are on disk.
async fn wait_for_a_chain(life: &mut Life, state: &Path, id: &Value) -> TestResult {
    let mut patient = long();
    patient["wait_ms"] = json!(20);
    let wait = async {
        while !has_a_chain(state, id.as_str().unwrap_or_default())? {
            let run = life.call("fit_model", patient.clone()).await?;
            assert_eq!(run["status"], "running", "{run}");
        }
        TestResult::Ok(())
    };
    tokio::time::timeout(3 * LIMIT, wait).await?
}

fn has_a_chain(state: &Path, id: &str) -> TestResult<bool> {
    for owner in std::fs::read_dir(state.join("machina/bayes/runs"))? {
        let Ok(files) = std::fs::read_dir(owner?.path().join(id)) else { continue };
        for file in files {
            let name = file?.file_name().into_string().unwrap_or_default();
            if name.starts_with("chain-") && !name.contains('.') {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Two processes on one state directory: each sees what the other does.
#[tokio::test]
async fn a_run_of_another_process_is_seen_and_left_alone() -> TestResult {
    let state = tempfile::tempdir()?;
    let (mut one, mut two) = (Life::begin(state.path())?, Life::begin(state.path())?);
    let begun = one.call("fit_model", long()).await?;
    let seen = two.call("fit_model", long()).await?;
    assert_eq!((&seen["run_id"], &seen["status"]), (&begun["run_id"], &json!("running")));
    let refused = two.call("cancel_run", json!({"run_id": begun["run_id"]})).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("another process")));
    let stopped = one.call("cancel_run", json!({"run_id": begun["run_id"]})).await?;
    let item = two.call("list_runs", json!({})).await?["items"][0].take();
    assert_eq!(
        (&item["status"], &item["draws_kept"]),
        (&json!("cancelled"), &stopped["draws_kept"])
    );
    one.end("TERM").await?;
    two.end("TERM").await
}
