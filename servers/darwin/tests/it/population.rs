//! The points of stored runs: looking at them, putting others in; islands and prices of constraints.

use machina_darwin::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

use crate::runs::{create, get, server, with};

fn run(algorithm: &str, params: &Value) -> Value {
    json!({
        "problem": {"name": "rastrigin", "dimension": 4}, "algorithm": algorithm, "seed": 3,
        "params": params, "budget": {"max_evals": 20_000, "stagnation_generations": 0},
    })
}

async fn inspect(server: &InProcess<Server>, arguments: Value) -> TestResult<Value> {
    Ok(server.call("inspect_population", arguments).await?.structured().clone())
}

#[tokio::test]
async fn a_population_is_shown_page_by_page_and_as_it_was() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = server(state.path()).await?;
    let id = create(&server, run("ga", &json!({"population": 50}))).await?;
    server.call("step_run", json!({"run_id": id, "generations": 6})).await?;
    let first = inspect(&server, json!({"run_id": id, "limit": 30})).await?;
    assert_eq!((&first["generation"], &first["size"]), (&json!(6), &json!(50)), "{first}");
    assert_eq!(first["source"], "kept");
    let rest = json!({"run_id": id, "limit": 30, "cursor": first["next_cursor"]});
    let early = inspect(&server, json!({"run_id": id, "generation": 2})).await?;
    // The cursor stays with its generation.
    server.call("step_run", json!({"run_id": id, "generations": 2})).await?;
    let second = inspect(&server, rest).await?;
    assert_eq!(second["generation"], 6);
    assert!(second["next_cursor"].is_null());
    let rows: Vec<&Value> = [&first, &second]
        .iter()
        .flat_map(|one| one["rows"].as_array().into_iter().flatten())
        .collect();
    assert_eq!(rows.len(), 50);
    let values: Vec<f64> = rows.iter().filter_map(|row| row["f"][0].as_f64()).collect();
    assert!(values.len() == 50 && values.windows(2).all(|two| two[0] <= two[1]), "{values:?}");
    let wide = |page: &Value| page["diversity"].as_f64();
    assert!(wide(&early) > wide(&first), "{early} {first}");
    assert_eq!(early["generation"], 2);
    let worst = inspect(&server, json!({"run_id": id, "sort": "worst", "limit": 1})).await?;
    assert!(worst["rows"][0]["f"][0].as_f64() >= values.first().copied());
    let next = create(&server, run("cma_es", &json!({}))).await?;
    server.call("step_run", json!({"run_id": next, "generations": 3})).await?;
    let seen = inspect(&server, json!({"run_id": next})).await?;
    assert_eq!(seen["source"], "next");
    assert!(seen["rows"][0]["f"].is_null() && seen["rows"][0]["values"]["x"].is_array(), "{seen}");
    for (arguments, code) in [
        (json!({"run_id": "run_0"}), "not_found"),
        (json!({"run_id": id, "generation": 99}), "invalid_argument"),
        (json!({"run_id": id, "limit": 0}), "invalid_argument"),
    ] {
        let refused = server.call("inspect_population", arguments).await?.error();
        assert_eq!(refused["code"], code, "{refused}");
    }
    Ok(())
}

#[tokio::test]
async fn points_are_put_in_and_survive_a_restart() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let mut ids = Vec::new();
    for _twice in 0..2 {
        let id = create(&first, run("ga", &json!({"population": 50}))).await?;
        let early = json!({"run_id": id, "solutions": [{"values": {"x": [0, 0, 0, 0]}}]});
        assert_eq!(first.call("inject_solutions", early).await?.error_code(), "conflict");
        first.call("step_run", json!({"run_id": id, "generations": 5})).await?;
        ids.push(id);
    }
    let points = json!([{"values": {"x": [0.5, 0, 0, 0]}}, {"values": {"x": [5, -5, 5, -5]}}]);
    for id in &ids {
        let put = json!({"run_id": id, "solutions": points});
        let taken = first.call("inject_solutions", put).await?;
        let taken = taken.structured();
        assert_eq!((&taken["accepted"], &taken["generation"]), (&json!(1), &json!(5)), "{taken}");
        assert_eq!(taken["rejected"][0]["place"], 1);
        assert!(taken["best_f"].as_f64() <= Some(20.26), "{taken}");
    }
    for (solutions, field) in [
        (json!([{"values": {"x": [0, 0, 0]}}]), "/solutions/0/values/x"),
        (json!([{"values": {"x": [0, 0, 0, 9]}}]), "/solutions/0/values/x"),
        (json!([{"values": {"y": 1}}]), "/solutions/0/values/y"),
        (json!([{"values": {}}]), "/solutions/0/values/x"),
    ] {
        let put = json!({"run_id": ids[0], "solutions": solutions});
        let refused = first.call("inject_solutions", put).await?.error();
        assert_eq!(
            (&refused["code"], &refused["field"]),
            (&json!("invalid_argument"), &json!(field))
        );
        assert!(refused["hint"].is_string(), "{refused}");
    }
    // One goes on here, the other after a restart: both come to the same.
    let go_on = |id: &str| json!({"run_id": id, "state": "running"});
    first.call("update_run", go_on(&ids[0])).await?;
    assert_eq!(get(&first, &ids[0], 60_000).await?["status"], "done");
    let here = first.call("get_run_result", json!({"run_id": ids[0]})).await?;
    let mut here = here.structured().clone();
    assert_eq!(here["result"]["reproducible"], false);
    // As after a crash: what was computed is gone, what was told is not.
    first.stop().await;
    let folder = crate::runs::folder(state.path(), &ids[1])?;
    std::fs::remove_file(folder.join("checkpoint"))?;
    let second = server(state.path()).await?;
    second.call("update_run", go_on(&ids[1])).await?;
    assert_eq!(get(&second, &ids[1], 60_000).await?["status"], "done");
    let there = second.call("get_run_result", json!({"run_id": ids[1]})).await?;
    let mut there = there.structured().clone();
    for one in [&mut here, &mut there] {
        one["run_id"] = Value::Null;
    }
    assert_eq!(here, there);
    let late = json!({"run_id": ids[0], "solutions": points});
    assert_eq!(second.call("inject_solutions", late).await?.error_code(), "conflict");
    let cma = create(&second, run("cma_es", &json!({}))).await?;
    second.call("step_run", json!({"run_id": cma})).await?;
    let put = json!({"run_id": cma, "solutions": points});
    assert_eq!(second.call("inject_solutions", put).await?.error_code(), "conflict");
    Ok(())
}

#[tokio::test]
async fn named_values_of_every_kind_can_be_put_in() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = server(state.path()).await?;
    let problem = json!({
        "variables": [
            {"name": "k", "kind": "int", "lo": -20, "hi": 20}, {"name": "b", "kind": "bool"},
            {"name": "c", "kind": "cat", "values": ["red", "blue"]},
            {"name": "l", "kind": "log", "lo": 0.01, "hi": 100},
            {"name": "p", "kind": "permutation", "length": 4},
        ],
        "objectives": [{"expr": "k^2 + (b == 0) + (c == 'red') + ln(l)^2 + sum(i,0,3,abs(p[i]-i))"}],
    });
    let start =
        json!({"problem": problem, "algorithm": "ga", "seed": 1, "params": {"population": 10}});
    let id = create(&server, start).await?;
    server.call("step_run", json!({"run_id": id})).await?;
    let best = json!({"k": 0, "b": true, "c": "blue", "l": 1, "p": [0, 1, 2, 3]});
    let put = |values: &Value| json!({"run_id": id, "solutions": [{"values": values}]});
    let taken = server.call("inject_solutions", put(&best)).await?;
    assert_eq!(
        (&taken.structured()["accepted"], &taken.structured()["best_f"]),
        (&json!(1), &json!(0.0))
    );
    for (name, value) in [
        ("k", json!(0.5)),
        ("k", json!(21)),
        ("b", json!("yes")),
        ("c", json!("green")),
        ("l", json!(0)),
        ("p", json!([0, 1, 2, 2])),
    ] {
        let mut other = best.clone();
        other[name] = value;
        let refused = server.call("inject_solutions", put(&other)).await?.error();
        assert_eq!(refused["field"], format!("/solutions/0/values/{name}"), "{refused}");
    }
    Ok(())
}

/// Stored, stepped and after a restart they come to what one call comes to.
#[tokio::test]
async fn islands_and_priced_constraints_are_runs_like_others() -> TestResult {
    let state = tempfile::tempdir()?;
    let problem = json!({
        "variables": [{"name": "x", "lo": -5, "hi": 5, "length": 4}],
        "objectives": [{"expr": "sum(i,0,n-1,x[i]^2)"}],
        "constraints": [{"expr": "4 - sum(x)", "op": "<="}],
    });
    for (algorithm, params) in [
        ("ga", json!({"islands": 3, "topology": "star", "population": 30})),
        ("lshade", json!({"constraints": "epsilon", "population": 30})),
        ("cma_es", json!({"constraints": "lagrangian"})),
        ("pso", json!({"constraints": "adaptive_penalty", "islands": 2})),
    ] {
        let arguments = json!({
            "problem": problem, "algorithm": algorithm, "params": params, "seed": 2,
            "budget": {"max_evals": 12_000, "stagnation_generations": 0},
        });
        let first = server(state.path()).await?;
        let whole = first.call("optimize_problem", arguments.clone()).await?;
        let whole = whole.structured();
        let best = &whole["best"];
        assert!((best["f"].as_f64().ok_or("no value")? - 4.0).abs() < 0.2, "{algorithm}: {best}");
        assert_eq!(best["violation"], 0.0);
        let id = create(&first, arguments).await?;
        first.call("step_run", json!({"run_id": id, "generations": 7})).await?;
        first.stop().await;
        let second = server(state.path()).await?;
        second.call("update_run", json!({"run_id": id, "state": "running"})).await?;
        assert_eq!(get(&second, &id, 60_000).await?["status"], "done");
        let stored = second.call("get_run_result", json!({"run_id": id})).await?;
        for same in ["best", "evals", "generations", "history"] {
            assert_eq!(stored.structured()["result"][same], whole[same], "{algorithm} {same}");
        }
        let repro = whole["repro"].as_str().ok_or("no repro")?;
        for name in params.as_object().into_iter().flat_map(|all| all.keys()) {
            assert!(repro.contains(name.as_str()), "{name} not in {repro}");
        }
        let explained = second.call("explain_run", json!({"run_id": id})).await?;
        let active = explained.structured()["constraints"][0]["active"] == true;
        assert!(active || ["ga", "pso"].contains(&algorithm), "{}", explained.structured());
        second.stop().await;
    }
    Ok(())
}

#[tokio::test]
async fn what_does_not_go_together_is_refused() -> TestResult {
    let server = InProcess::<Server>::start(Config::default()).await?;
    for (change, field) in [
        (
            json!({"algorithm": "ga", "params": {"constraints": "lagrangian"}}),
            "/params/constraints",
        ),
        (json!({"algorithm": "ga", "params": {"penalty_factor": 10}}), "/params/penalty_factor"),
        (json!({"algorithm": "cma_es", "params": {"islands": 3}}), "/params/islands"),
        (json!({"algorithm": "ga", "params": {"islands": 1, "migrants": 2}}), "/params/islands"),
        (json!({"algorithm": "ga", "params": {"topology": "torus"}}), "/params/topology"),
        (json!({"algorithm": "map_elites"}), "/params/archive"),
    ] {
        let base = json!({"problem": {"name": "sphere", "dimension": 3}});
        let refused = server.call("optimize_problem", with(base, &change)).await?.error();
        assert_eq!(refused["field"], field, "{refused}");
        assert_eq!(refused["code"], "invalid_argument");
    }
    Ok(())
}
