//! Stored runs: their life, their files, and what is wrong to ask of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use machina_darwin::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

pub(crate) async fn server(state: &Path) -> TestResult<InProcess<Server>> {
    InProcess::start_in(state, Config::default()).await
}

pub(crate) fn sphere(evals: u64) -> Value {
    json!({"problem": {"name": "sphere", "dimension": 4}, "seed": 7, "budget": {"max_evals": evals}})
}

/// A run that nobody waits out.
pub(crate) fn endless() -> Value {
    json!({"problem": {"name": "ackley", "dimension": 30}, "algorithm": "ga", "seed": 1,
           "budget": {"max_evals": 1_000_000_000, "stagnation_generations": 0}, "start": true})
}

pub(crate) fn with(mut base: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        base[name] = value.clone();
    }
    base
}

pub(crate) async fn create(server: &InProcess<Server>, arguments: Value) -> TestResult<String> {
    let run = server.call("create_run", arguments).await?;
    Ok(run.structured()["run_id"].as_str().ok_or("no run_id")?.to_owned())
}

pub(crate) async fn get(server: &InProcess<Server>, id: &str, wait_ms: u32) -> TestResult<Value> {
    let run = server.call("get_run", json!({"run_id": id, "wait_ms": wait_ms})).await?;
    Ok(run.structured().clone())
}

/// The files of a run.
pub(crate) fn folder(state: &Path, id: &str) -> TestResult<PathBuf> {
    for owner in fs::read_dir(state.join("runs"))? {
        let dir = owner?.path().join(id);
        if dir.is_dir() {
            return Ok(dir);
        }
    }
    Err("no such folder".into())
}

#[tokio::test]
async fn a_stored_run_finds_what_one_call_finds_and_keeps_it() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let arguments = with(sphere(3000), &json!({"start": true, "wait_ms": 20_000, "name": "first"}));
    let run = first.call("create_run", arguments).await?;
    let run = run.structured();
    assert_eq!((&run["status"], &run["stop_reason"]), (&json!("done"), &json!("max_evals")));
    let id = run["run_id"].as_str().ok_or("no run_id")?;
    let stored = first.call("get_run_result", json!({"run_id": id})).await?.structured().clone();
    let call = first.call("optimize_problem", sphere(3000)).await?;
    for same in ["best", "evals", "generations", "history", "stop_reason", "algorithm", "seed"] {
        assert_eq!(stored["result"][same], call.structured()[same], "{same}");
    }
    first.stop().await;
    let second = server(state.path()).await?;
    let again = second.call("get_run_result", json!({"run_id": id})).await?;
    assert_eq!(again.structured(), &stored);
    let listed = second.call("list_runs", json!({"name": "fir"})).await?;
    assert_eq!(listed.structured()["items"][0]["run_id"], id);
    assert_eq!(listed.structured()["items"][0]["best_f"], stored["result"]["best"]["f"]);
    Ok(())
}

#[tokio::test]
async fn the_repro_line_of_a_stored_run_repeats_it() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = server(state.path()).await?;
    let arguments = json!({"problem": {"name": "rosenbrock", "dimension": 3}, "start": true,
                           "budget": {"max_evals": 2000}, "wait_ms": 20_000});
    let id = create(&server, arguments).await?;
    let first = server.call("get_run_result", json!({"run_id": id})).await?;
    let line = first.structured()["result"]["repro"].as_str().ok_or("no repro line")?;
    let json = line.strip_prefix("machina-darwin call create_run '").ok_or("another command")?;
    let again: Value = serde_json::from_str(json.strip_suffix('\'').ok_or("no closing quote")?)?;
    let id = create(&server, again).await?;
    let second = server.call("get_run_result", json!({"run_id": id})).await?;
    let mut expected = first.structured()["result"].clone();
    // The algorithm was named this time, so nothing was chosen.
    expected.as_object_mut().ok_or("no object")?.remove("algorithm_reason");
    assert_eq!(second.structured()["result"], expected);
    Ok(())
}

#[tokio::test]
async fn a_run_pauses_steps_goes_on_and_is_cancelled() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = server(state.path()).await?;
    let id = create(&server, with(endless(), &json!({"start": false}))).await?;
    assert_eq!(get(&server, &id, 0).await?["status"], "created");
    let step = |generations: u64, expected: u64| json!({"run_id": id, "generations": generations, "expected_generation": expected});
    let run = server.call("step_run", step(3, 0)).await?;
    let run = run.structured();
    assert_eq!(
        (&run["status"], &run["generation"], &run["evals"]),
        (&json!("paused"), &json!(3), &json!(400))
    );
    let stale = server.call("step_run", step(1, 2)).await?.error();
    assert_eq!(
        (&stale["code"], &stale["field"]),
        (&json!("conflict"), &json!("/expected_generation"))
    );
    assert_eq!(stale["message"], "the run is at generation 3, not 2");
    let state_of = |state: &str| json!({"run_id": id, "state": state});
    let run = server.call("update_run", state_of("running")).await?;
    assert_eq!(run.structured()["status"], "running");
    let busy = server.call("step_run", json!({"run_id": id})).await?.error();
    assert_eq!(busy["message"], "the run is running: it can be stepped when it is paused");
    let run = server.call("update_run", state_of("paused")).await?;
    let paused_at = run.structured()["generation"].clone();
    assert_eq!(run.structured()["status"], "paused");
    assert_eq!(get(&server, &id, 0).await?["generation"], paused_at);
    server.call("update_run", state_of("running")).await?;
    let partial = server.call("get_run_result", json!({"run_id": id})).await?;
    let partial = &partial.structured();
    assert_eq!(partial["status"], "running");
    assert!(partial["result"]["best"]["f"].is_number() && partial["result"]["repro"].is_null());
    for _twice in 0..2 {
        let run = server.call("cancel_run", json!({"run_id": id})).await?;
        assert_eq!(run.structured()["status"], "cancelled");
    }
    let kept = server.call("get_run_result", json!({"run_id": id})).await?;
    assert!(kept.structured()["result"]["best"]["f"].is_number());
    for (tool, arguments) in
        [("update_run", state_of("running")), ("step_run", json!({"run_id": id}))]
    {
        let error = server.call(tool, arguments).await?.error();
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("conflict"), &json!("/run_id")),
            "{tool}"
        );
        assert!(error["message"].to_string().contains("the run is cancelled"), "{error}");
    }
    let gone = server.call("delete_run", json!({"run_id": id})).await?;
    assert_eq!(gone.structured()["deleted"], true);
    let error = server.call("get_run", json!({"run_id": id})).await?.error();
    assert_eq!((&error["code"], &error["field"]), (&json!("not_found"), &json!("/run_id")));
    assert_eq!(error["hint"], "list_runs shows your runs");
    assert!(folder(state.path(), &id).is_err());
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_running_run_goes_on_after_a_restart_and_can_be_deleted() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let id = create(&first, endless()).await?;
    first.call("get_run", json!({"run_id": id, "wait_ms": 200})).await?;
    first.stop().await;
    let second = server(state.path()).await?;
    let mut seen = get(&second, &id, 0).await?;
    let before = seen["evals"].as_u64().ok_or("no evals")?;
    assert!(before > 0 && seen["status"] == "running", "{seen}");
    while seen["evals"].as_u64() <= Some(before) {
        seen = get(&second, &id, 100).await?;
    }
    assert!(seen["eta_s"].as_f64().is_some_and(|s| s > 0.0), "{seen}");
    second.call("delete_run", json!({"run_id": id})).await?;
    assert!(folder(state.path(), &id).is_err());
    second.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_longer_budget_is_taken_and_kept() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let id = create(&first, with(sphere(1_000_000), &json!({"algorithm": "ga"}))).await?;
    first.call("step_run", json!({"run_id": id, "generations": 5})).await?;
    let update = |evals: i64| json!({"run_id": id, "budget": {"max_evals": evals}});
    let error = first.call("update_run", update(600)).await?.error();
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("invalid_budget"), &json!("/budget/max_evals"))
    );
    assert_eq!(error["message"], "max_evals must exceed the 600 evaluations made");
    let run = first.call("update_run", update(1500)).await?;
    assert_eq!(
        (&run.structured()["max_evals"], &run.structured()["status"]),
        (&json!(1500), &json!("paused"))
    );
    first.stop().await;
    let second = server(state.path()).await?;
    second.call("update_run", json!({"run_id": id, "state": "running"})).await?;
    let run = get(&second, &id, 20_000).await?;
    assert_eq!((&run["status"], &run["evals"]), (&json!("done"), &json!(1500)));
    let result = second.call("get_run_result", json!({"run_id": id})).await?;
    assert_eq!(result.structured()["result"]["reproducible"], false);
    Ok(())
}

#[tokio::test]
async fn pages_hold_every_run_once() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = server(state.path()).await?;
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(create(&server, sphere(50)).await?);
    }
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let mut arguments = json!({"limit": 3, "status": "created"});
        if cursor.is_string() {
            arguments["cursor"] = cursor;
        }
        let page = server.call("list_runs", arguments).await?;
        let items = page.structured()["items"].as_array().ok_or("no items")?;
        seen.extend(items.iter().filter_map(|item| item["run_id"].as_str().map(str::to_owned)));
        cursor = page.structured()["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    seen.sort();
    made.sort();
    assert_eq!(seen, made);
    let wrong = server.call("list_runs", json!({"cursor": "x"})).await?.error();
    assert_eq!(wrong["field"], "/cursor");
    Ok(())
}

#[tokio::test]
async fn all_runs_go_on_together() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = server(state.path()).await?;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(create(&server, endless()).await?);
    }
    for id in &ids {
        while get(&server, id, 20).await?["evals"].as_u64().is_none_or(|evals| evals < 500) {}
    }
    let call = server.call("optimize_problem", sphere(500)).await?;
    assert_eq!(call.structured()["evals"], 500);
    server.stop().await;
    Ok(())
}
