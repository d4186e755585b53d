//! Stored runs: their life, their files, and what is wrong to ask of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use machina_darwin::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

async fn server(state: &Path) -> TestResult<InProcess<Server>> {
    InProcess::start_in(state, Config::default()).await
}

fn sphere(evals: u64) -> Value {
    json!({"problem": {"name": "sphere", "dimension": 4}, "seed": 7, "budget": {"max_evals": evals}})
}

/// A run that nobody waits out.
fn endless() -> Value {
    json!({"problem": {"name": "ackley", "dimension": 30}, "algorithm": "ga", "seed": 1,
           "budget": {"max_evals": 1_000_000_000, "stagnation_generations": 0}, "start": true})
}

fn with(mut base: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        base[name] = value.clone();
    }
    base
}

async fn create(server: &InProcess<Server>, arguments: Value) -> TestResult<String> {
    let run = server.call("create_run", arguments).await?;
    Ok(run.structured()["run_id"].as_str().ok_or("no run_id")?.to_owned())
}

async fn get(server: &InProcess<Server>, id: &str, wait_ms: u32) -> TestResult<Value> {
    let run = server.call("get_run", json!({"run_id": id, "wait_ms": wait_ms})).await?;
    Ok(run.structured().clone())
}

/// The files of a run.
fn folder(state: &Path, id: &str) -> TestResult<PathBuf> {
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

/// Two variables and two objectives that the caller evaluates.
fn told() -> Value {
    json!({
        "problem": {
            "variables": [{"name": "a", "lo": -1, "hi": 1}, {"name": "kind", "kind": "cat", "values": ["x", "y"]}],
            "objectives": [{"sense": "max"}],
        },
        "algorithm": "ga", "params": {"population": 4}, "budget": {"max_evals": 10}, "seed": 1, "start": true,
    })
}

#[tokio::test]
async fn trials_are_told_in_any_order_partly_twice_and_failed() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let id = create(&first, told()).await?;
    assert_eq!(get(&first, &id, 1000).await?["status"], "waiting_tell");
    let ask = |count: u64, key: &str| json!({"run_id": id, "count": count, "request_key": key});
    let asked = first.call("ask_trials", ask(3, "k")).await?;
    let trials = asked.structured()["trials"].as_array().ok_or("no trials")?.clone();
    assert_eq!((trials.len(), &asked.structured()["pending"]), (3, &json!(3)));
    assert!(trials[0]["values"]["kind"].is_string() && trials[0]["values"]["a"].is_number());
    let tell = |trials: Value| json!({"run_id": id, "trials": trials});
    let answer = first.call("tell_trials", tell(json!([{"id": 2, "values": [0.5]}]))).await?;
    assert_eq!(
        (&answer.structured()["accepted"], &answer.structured()["pending"]),
        (&json!(1), &json!(2))
    );
    let again = first.call("ask_trials", ask(3, "k")).await?;
    assert_eq!(again.structured()["trials"], json!(trials[..2]));
    for (wrong, code, field, words) in [
        (
            json!([{"id": 9, "values": [1]}]),
            "not_found",
            "/trials/0/id",
            "trial 9 was not handed out",
        ),
        (
            json!([{"id": 0, "values": [1]}, {"id": 2, "values": [0.25]}]),
            "conflict",
            "/trials/1/values",
            "trial 2 was told other values before",
        ),
        (
            json!([{"id": 0, "values": [1, 2]}]),
            "invalid_argument",
            "/trials/0/values",
            "trial 0 needs one finite value",
        ),
        (
            json!([{"id": 0}]),
            "invalid_argument",
            "/trials/0/values",
            "needs values, or status failed",
        ),
        (
            json!([{"id": 0, "values": [1], "status": "failed"}]),
            "invalid_argument",
            "/trials/0/values",
            "no values when it failed",
        ),
    ] {
        let error = first.call("tell_trials", tell(wrong)).await?.error();
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!(field)), "{error}");
        assert!(error["message"].to_string().contains(words), "{error}");
    }
    first.stop().await;
    let second = server(state.path()).await?;
    let rest = second.call("ask_trials", ask(9, "l")).await?;
    assert_eq!(rest.structured()["trials"].as_array().map(Vec::len), Some(1));
    let more = second.call("ask_trials", ask(9, "m")).await?;
    assert_eq!(
        (&more.structured()["trials"], &more.structured()["pending"]),
        (&json!([]), &json!(3))
    );
    let all = json!([{"id": 3, "status": "failed"}, {"id": 2, "values": [0.5]}, {"id": 1, "values": [0.75], "violation": 2.0}, {"id": 0, "values": [0.25]}]);
    let answer = second.call("tell_trials", tell(all)).await?;
    let answer = answer.structured();
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(3), &json!(1)));
    assert_eq!((&answer["evals"], &answer["best_f"]), (&json!(4), &json!(0.5)));
    while get(&second, &id, 0).await?["status"] == "waiting_tell" {
        let asked = second.call("ask_trials", json!({"run_id": id, "count": 10})).await?;
        let values = |one: &Value| json!({"id": one["id"], "values": [one["values"]["a"]]});
        let trials: Value = asked.structured()["trials"]
            .as_array()
            .ok_or("no trials")?
            .iter()
            .map(values)
            .collect();
        second.call("tell_trials", tell(trials)).await?;
    }
    let result = second.call("get_run_result", json!({"run_id": id})).await?;
    let result = &result.structured()["result"];
    assert_eq!(
        (&result["evals"], &result["non_finite_evals"], &result["stop_reason"]),
        (&json!(10), &json!(1), &json!("max_evals"))
    );
    assert!(result["best"]["f"].as_f64().is_some_and(|f| f >= 0.5), "{result}");
    let late = second.call("tell_trials", tell(json!([{"id": 3, "values": [1]}]))).await?.error();
    assert_eq!(
        (&late["code"], &late["message"]),
        (&json!("conflict"), &json!("the run is done: it takes no values any more"))
    );
    Ok(())
}

#[tokio::test]
async fn what_does_not_go_together_is_said() -> TestResult {
    let state = tempfile::tempdir()?;
    let mut config = Config::default();
    config.max_runs = 3;
    let server = InProcess::<Server>::start_in(state.path(), config).await?;
    let own = create(&server, sphere(100)).await?;
    let ask = server.call("ask_trials", json!({"run_id": own})).await?.error();
    assert_eq!((&ask["code"], &ask["field"]), (&json!("conflict"), &json!("/run_id")));
    assert!(ask["message"].to_string().contains("computes its objectives itself"), "{ask}");
    let other = create(&server, with(told(), &json!({"start": false}))).await?;
    let ask = server.call("ask_trials", json!({"run_id": other})).await?.error();
    assert_eq!(ask["message"], "the run is created: it takes no values now");
    let step = server.call("step_run", json!({"run_id": other})).await?.error();
    assert_eq!(step["message"], "the run is created: it goes on by tell_trials");
    let cases = [
        (json!({"problem": {"name": "sphre", "dimension": 2}}), "unknown_name", "/problem/name"),
        (
            json!({"problem": {"name": "sphere", "dimensions": 2}}),
            "invalid_argument",
            "/problem/dimensions",
        ),
        (with(sphere(0), &json!({})), "invalid_budget", "/budget/max_evals"),
        (
            with(told(), &json!({"budget": {"max_evals": 100_001}})),
            "invalid_budget",
            "/budget/max_evals",
        ),
        (
            with(sphere(9), &json!({"budget": {"max_time_s": 86_401}})),
            "invalid_budget",
            "/budget/max_time_s",
        ),
        (with(sphere(9), &json!({"params": {"sigm": 1}})), "invalid_argument", "/params/sigm"),
        (with(sphere(9), &json!({"algorithm": "cmaes"})), "unknown_name", "/algorithm"),
    ];
    for (arguments, code, field) in cases {
        let error = server.call("create_run", arguments.clone()).await?.error();
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!(code), &json!(field)),
            "{arguments}: {error}"
        );
    }
    let call = with(told(), &json!({}));
    let mut call = call.as_object().ok_or("no object")?.clone();
    call.remove("start");
    let error = server.call("optimize_problem", call.into()).await?.error();
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("invalid_problem"), &json!("/problem/objectives"))
    );
    create(&server, sphere(100)).await?;
    let full = server.call("create_run", sphere(100)).await?.error();
    assert_eq!(
        (&full["code"], &full["message"]),
        (&json!("quota_exceeded"), &json!("more than 3 runs of one caller"))
    );
    assert!(full["retry_after_ms"].is_number());
    for id in ["", "run_0", "../../etc", "run_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"] {
        assert_eq!(
            server.call("get_run", json!({"run_id": id})).await?.error()["code"],
            "not_found",
            "{id}"
        );
    }
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
async fn a_run_is_one_process_s_to_change_and_all_s_to_read() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let id = create(&first, endless()).await?;
    let second = server(state.path()).await?;
    assert_eq!(get(&second, &id, 0).await?["status"], "running");
    for tool in ["cancel_run", "delete_run"] {
        let error = second.call(tool, json!({"run_id": id})).await?.error();
        assert_eq!(
            (&error["code"], &error["message"]),
            (&json!("conflict"), &json!("another process drives this run"))
        );
    }
    first.stop().await;
    let cancelled = second.call("cancel_run", json!({"run_id": id})).await?;
    assert_eq!(cancelled.structured()["status"], "cancelled");
    second.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_torn_end_is_left_out_and_damage_is_told_with_its_place() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let id = create(&first, told()).await?;
    let asked = first.call("ask_trials", json!({"run_id": id, "count": 2})).await?;
    assert_eq!(asked.structured()["pending"], 2);
    first.stop().await;
    let journal = folder(state.path(), &id)?.join("journal");
    let whole = fs::read(&journal)?;
    // Cut inside the last record: the ask was never acknowledged.
    fs::write(&journal, &whole[..whole.len() - 3])?;
    let second = server(state.path()).await?;
    let asked = second.call("ask_trials", json!({"run_id": id, "count": 1})).await?;
    assert_eq!(
        (&asked.structured()["trials"][0]["id"], &asked.structured()["pending"]),
        (&json!(0), &json!(1))
    );
    second.stop().await;
    let mut damaged = fs::read(&journal)?;
    damaged[30] ^= 1;
    fs::write(&journal, &damaged)?;
    let third = server(state.path()).await?;
    let error = third.call("get_run", json!({"run_id": id})).await?.error();
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!("run_damaged"), &json!("the journal of the run is damaged at byte 0"))
    );
    let listed = third.call("list_runs", json!({})).await?;
    let item = &listed.structured()["items"][0];
    assert_eq!(
        (&item["status"], &item["error"]["code"]),
        (&json!("failed"), &json!("run_damaged"))
    );
    third.call("delete_run", json!({"run_id": id})).await?;
    Ok(())
}

#[tokio::test]
async fn without_its_checkpoint_a_run_comes_to_the_same_end() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let id = create(&first, with(sphere(20_000), &json!({"algorithm": "lshade"}))).await?;
    let update = |more: Value| with(json!({"run_id": id}), &more);
    first.call("step_run", json!({"run_id": id, "generations": 30})).await?;
    first.call("update_run", update(json!({"budget": {"max_evals": 9000}}))).await?;
    first.call("step_run", json!({"run_id": id, "generations": 20})).await?;
    first.stop().await;
    let files = folder(state.path(), &id)?;
    let copy = tempfile::tempdir()?;
    let mut results = Vec::new();
    for damaged in [false, true] {
        if damaged {
            fs::copy(copy.path().join("journal"), files.join("journal"))?;
            fs::write(files.join("checkpoint"), b"nothing of use")?;
        } else {
            fs::copy(files.join("journal"), copy.path().join("journal"))?;
        }
        let server = server(state.path()).await?;
        server.call("update_run", update(json!({"state": "running"}))).await?;
        assert_eq!(get(&server, &id, 20_000).await?["status"], "done");
        results
            .push(server.call("get_run_result", json!({"run_id": id})).await?.structured().clone());
        server.stop().await;
    }
    assert_eq!(results[0], results[1]);
    Ok(())
}

#[tokio::test]
async fn a_run_begun_by_another_revision_fails_with_the_reason() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let id = create(&first, sphere(100)).await?;
    first.stop().await;
    let journal = folder(state.path(), &id)?.join("journal");
    let text = String::from_utf8_lossy(&fs::read(&journal)?).into_owned();
    let header = text.split_once('{').map(|(_, rest)| format!("{{{rest}")).ok_or("no header")?;
    let mut stream = serde_json::Deserializer::from_str(&header).into_iter::<Value>();
    let mut header = stream.next().ok_or("no header")??;
    header["revision"] = 99.into();
    let mut bytes = darwin_engine::journal::encode(
        darwin_engine::journal::RecordKind::Header,
        0,
        header.to_string().as_bytes(),
    );
    let status = br#"{"status":"created"}"#;
    bytes.extend(darwin_engine::journal::encode(
        darwin_engine::journal::RecordKind::Status,
        1,
        status,
    ));
    fs::write(&journal, bytes)?;
    let second = server(state.path()).await?;
    let error = second.call("update_run", json!({"run_id": id, "state": "running"})).await?.error();
    assert_eq!(error["code"], "revision_changed");
    let run = get(&second, &id, 0).await?;
    assert_eq!(
        (&run["status"], &run["error"]["code"]),
        (&json!("failed"), &json!("revision_changed"))
    );
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
