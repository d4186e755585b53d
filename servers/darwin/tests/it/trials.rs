//! Runs whose objective the caller evaluates, and what is wrong to ask of any.

use machina_darwin::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

use crate::runs::{create, get, server, sphere, with};

/// Two variables and an objective that the caller evaluates.
pub(crate) fn told() -> Value {
    json!({
        "problem": {
            "variables": [{"name": "a", "lo": -1, "hi": 1}, {"name": "kind", "kind": "cat", "values": ["x", "y"]}],
            "objectives": [{"sense": "max"}],
        },
        "algorithm": "ga", "params": {"population": 4}, "budget": {"max_evals": 10}, "seed": 1, "start": true,
    })
}

#[tokio::test]
async fn trials_are_told_in_any_order_and_wrong_ones_are_named() -> TestResult {
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
    Ok(())
}

#[tokio::test]
async fn trials_survive_a_restart_may_fail_and_end_with_the_budget() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let id = create(&first, told()).await?;
    let ask = |count: u64, key: &str| json!({"run_id": id, "count": count, "request_key": key});
    let tell = |trials: Value| json!({"run_id": id, "trials": trials});
    first.call("ask_trials", ask(3, "k")).await?;
    first.call("tell_trials", tell(json!([{"id": 2, "values": [0.5]}]))).await?;
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
async fn a_wrong_run_is_named() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = server(state.path()).await?;
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
    Ok(())
}
