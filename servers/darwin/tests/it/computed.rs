//! Objectives that are no expression: modules of WebAssembly, and losses over data.

use std::{fs, os::unix::fs::symlink, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use machina_darwin::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

use crate::runs::{create, folder, get};

async fn server(state: &Path, roots: &[&Path]) -> TestResult<InProcess<Server>> {
    let roots = roots.iter().map(|root| root.display().to_string()).collect();
    let mut config = Config::default();
    (config.wasm, config.roots) = (true, roots);
    InProcess::start_in(state, config).await
}

/// (x0 - 1)^2 + (x1 + 2)^2, or a trap where x0 < 0.
fn bowl() -> TestResult<Vec<u8>> {
    Ok(wat::parse_str(
        r#"(module (memory (export "memory") 1)
            (func (export "f") (param $at i32) (param $n i32) (result f64)
                (local $a f64) (local $b f64)
                (local.set $a (f64.sub (f64.load (local.get $at)) (f64.const 1)))
                (local.set $b (f64.add (f64.load offset=8 (local.get $at)) (f64.const 2)))
                (if (f64.lt (local.get $a) (f64.const -1)) (then unreachable))
                (f64.add (f64.mul (local.get $a) (local.get $a)) (f64.mul (local.get $b) (local.get $b)))))"#,
    )?)
}

fn plane() -> Value {
    json!({"variables": [{"name": "x", "lo": -5, "hi": 5, "length": 2}]})
}

async fn define(server: &InProcess<Server>, arguments: Value) -> TestResult<Value> {
    Ok(server.call("define_problem", arguments).await?.structured().clone())
}

#[tokio::test]
async fn a_module_is_optimised_in_a_call_and_in_a_run_that_survives() -> TestResult {
    let (state, files) = (tempfile::tempdir()?, tempfile::tempdir()?);
    fs::create_dir(files.path().join("sub"))?;
    fs::write(files.path().join("sub/bowl.wasm"), bowl()?)?;
    let first = server(state.path(), &[files.path()]).await?;
    let mut problem = plane();
    problem["constraints"] = json!([{"expr": "x[0] + x[1]", "op": "<=", "rhs": -2}]);
    let by_file = json!({"problem": problem, "wasm": {"file": "sub/bowl.wasm"}});
    let defined = define(&first, by_file).await?;
    let encoded = BASE64_STANDARD.encode(bowl()?);
    let same = json!({"problem": problem, "wasm": {"module": encoded}});
    assert_eq!(define(&first, same).await?["problem_id"], defined["problem_id"]);
    assert_eq!((&defined["objectives"], &defined["constraints"]), (&json!(1), &json!(1)));
    // Half of the plane fails.
    let finite = defined["look"]["finite"].as_u64().ok_or("no look")?;
    assert!((20..50).contains(&finite), "{defined}");

    let id = &defined["problem_id"];
    let arguments = json!({"problem": {"problem_id": id}, "algorithm": "ga", "seed": 3,
                           "budget": {"max_evals": 20_000}});
    let found = first.call("optimize_problem", arguments.clone()).await?;
    let found = found.structured();
    // On the line x + y = -2, nearest to (1, -2).
    assert!((found["best"]["f"].as_f64().ok_or("no f")? - 0.5).abs() < 1e-3, "{found}");
    assert!(found["non_finite_evals"].as_u64() > Some(0), "{found}");
    let repro = found["repro"].as_str().ok_or("no repro")?;
    assert!(repro.contains("problem_id") && repro.len() < 1000, "{repro}");

    let mut run = arguments;
    run["start"] = true.into();
    run["wait_ms"] = 30_000.into();
    let run = create(&first, run).await?;
    first.stop().await;
    fs::remove_file(files.path().join("sub/bowl.wasm"))?;
    let second = server(state.path(), &[]).await?;
    assert_eq!(get(&second, &run, 30_000).await?["status"], "done");
    let told = second.call("get_run_result", json!({"run_id": run})).await?;
    assert_eq!(told.structured()["result"]["best"], found["best"]);
    let fork =
        json!({"run_id": run, "budget": {"max_evals": 21_000}, "start": true, "wait_ms": 30_000});
    let fork = second.call("fork_run", fork).await?;
    assert_eq!(fork.structured()["status"], "done", "{}", fork.structured());
    Ok(())
}

#[tokio::test]
async fn modules_are_refused_where_they_are_not_allowed_or_want_something() -> TestResult {
    let (state, files) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let allowing = server(state.path(), &[files.path()]).await?;
    let encoded = |text: &str| TestResult::Ok(BASE64_STANDARD.encode(wat::parse_str(text)?));
    let function = r#"(func (export "f") (param i32 i32) (result f64) (f64.const 0))"#;
    let importing = encoded(&format!(
        r#"(module (import "wasi" "clock" (func)) (memory (export "memory") 1) {function})"#
    ))?;
    let huge = encoded(&format!(r#"(module (memory (export "memory") 300) {function})"#))?;
    let slow = encoded(&format!(
        r#"(module (memory (export "memory") 1) (func $s (loop $l (br $l))) (start $s) {function})"#
    ))?;
    let good = BASE64_STANDARD.encode(bowl()?);
    fs::write(files.path().join("large.wasm"), vec![0; 2_000_001])?;
    fs::write(state.path().join("outside.wasm"), bowl()?)?;
    symlink(state.path().join("outside.wasm"), files.path().join("link.wasm"))?;
    for (wasm, code, field) in [
        (json!({"module": importing}), "access_refused", "/wasm/module"),
        (json!({"module": huge}), "invalid_problem", "/wasm/module"),
        (json!({"module": slow, "fuel": 100_000}), "invalid_problem", "/wasm/module"),
        (json!({"module": "AGFz"}), "invalid_problem", "/wasm/module"),
        (json!({"module": "%%%"}), "invalid_problem", "/wasm/module"),
        (json!({"module": good, "export": "g"}), "invalid_problem", "/wasm/export"),
        (json!({"module": good, "file": "a.wasm"}), "invalid_problem", "/problem/wasm"),
        (json!({}), "invalid_problem", "/problem/wasm"),
        (json!({"module": good, "fuel": 10}), "invalid_argument", "/wasm/fuel"),
        (json!({"file": "large.wasm"}), "access_refused", "/wasm/file"),
        (json!({"file": "link.wasm"}), "access_refused", "/wasm/file"),
        (json!({"file": "../outside.wasm"}), "access_refused", "/wasm/file"),
        (json!({"file": "/etc/passwd"}), "access_refused", "/wasm/file"),
        (json!({"file": "none.wasm"}), "not_found", "/wasm/file"),
    ] {
        let refused = allowing
            .call("define_problem", json!({"problem": plane(), "wasm": wasm}))
            .await?
            .error();
        let seen = (&refused["code"], &refused["field"]);
        assert_eq!(seen, (&json!(code), &json!(field)), "{refused}");
        let told = refused.to_string();
        assert!(!told.contains(&state.path().display().to_string()), "{told}");
    }
    let mut with_objective = plane();
    with_objective["objectives"] = json!([{"expr": "x[0]"}]);
    let both = json!({"problem": with_objective, "wasm": {"module": good}});
    let refused = allowing.call("define_problem", both).await?.error();
    assert_eq!(refused["field"], "/problem/objectives", "{refused}");
    Ok(())
}

#[tokio::test]
async fn what_the_operator_takes_back_does_not_go_on() -> TestResult {
    let state = tempfile::tempdir()?;
    let allowing = server(state.path(), &[]).await?;
    let good = BASE64_STANDARD.encode(bowl()?);
    let kept = define(&allowing, json!({"problem": plane(), "wasm": {"module": good}})).await?;
    let stored = json!({"problem": {"problem_id": kept["problem_id"]}, "start": true,
                        "algorithm": "ga", "budget": {"max_evals": 1_000_000_000,
                        "stagnation_generations": 0}});
    let run = create(&allowing, stored.clone()).await?;
    assert!(folder(state.path(), &run).is_ok());
    allowing.stop().await;

    let refusing = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    let given = json!({"problem": plane(), "wasm": {"module": good}});
    for (tool, arguments) in [
        ("define_problem", given),
        ("create_run", stored),
        ("update_run", json!({"run_id": run, "state": "paused"})),
    ] {
        let refused = refusing.call(tool, arguments).await?.error();
        assert_eq!(refused["code"], "objective_disabled", "{tool}: {refused}");
    }
    Ok(())
}

/// y = 3 exp(-t/2) + 1, and a column that says nothing.
fn decay() -> String {
    (0..80_u32).fold("t,u,y\n".to_owned(), |text, k| {
        let t = f64::from(k) / 10.0;
        format!("{text}{t},{},{}\n", k * 37 % 11, 3.0 * (-t / 2.0).exp() + 1.0)
    })
}

fn model() -> Value {
    json!({"variables": [{"name": "a", "lo": 0, "hi": 10}, {"name": "b", "lo": 0, "hi": 5},
                         {"name": "c", "lo": -5, "hi": 5}]})
}

#[tokio::test]
async fn a_model_is_fitted_and_judged_by_rows_that_it_has_not_seen() -> TestResult {
    let (state, files) = (tempfile::tempdir()?, tempfile::tempdir()?);
    fs::write(files.path().join("decay.csv"), decay())?;
    let server = server(state.path(), &[files.path()]).await?;
    let mut ids = Vec::new();
    for (loss, least) in
        [("mse", 0.0), ("mae", 0.0), ("huber", 0.0), ("quantile", 0.0), ("r2", 1.0)]
    {
        let dataset = json!({"model": "a*exp(-b*t) + c", "target": "y", "loss": loss,
                             "file": "decay.csv", "folds": 5, "fold": 2, "fold_seed": 9});
        let defined = define(&server, json!({"problem": model(), "dataset": dataset})).await?;
        let id = &defined["problem_id"];
        let arguments =
            json!({"problem": {"problem_id": id}, "seed": 2, "budget": {"max_evals": 20_000}});
        let found = server.call("optimize_problem", arguments).await?;
        let best = &found.structured()["best"];
        let [f, held_out] = ["f", "held_out"].map(|name| best[name].as_f64().unwrap_or(f64::NAN));
        assert!((f - least).abs() < 1e-3 && (held_out - least).abs() < 1e-3, "{loss}: {best}");
        ids.push(id.clone());
    }
    // The text is part of the problem: what becomes of the file changes nothing.
    fs::write(files.path().join("decay.csv"), "t,y\n1,1\n")?;
    let run = json!({"problem": {"problem_id": ids[0]}, "seed": 2, "start": true, "wait_ms": 30_000,
                     "budget": {"max_evals": 5000}});
    let run = create(&server, run).await?;
    let told = server.call("get_run_result", json!({"run_id": run})).await?;
    assert!(told.structured()["result"]["best"]["held_out"].is_f64(), "{}", told.structured());
    let told = server.call("list_problems", json!({"problem_id": ids[0]})).await?;
    let dataset = &told.structured()["items"][0]["problem"]["dataset"];
    let csv = dataset["csv"].as_str().ok_or("no csv")?;
    assert!(csv.starts_with("t,u,y\n0,0,4") && csv.len() < 2200, "{csv}");
    let whole = json!({"model": "a*exp(-b*t) + c", "target": "y", "csv": decay()});
    let defined = define(&server, json!({"problem": model(), "dataset": whole})).await?;
    let arguments = json!({"problem": {"problem_id": defined["problem_id"]}, "seed": 2,
                           "budget": {"max_evals": 3000}});
    let found = server.call("optimize_problem", arguments).await?;
    assert!(found.structured()["best"]["held_out"].is_null());
    Ok(())
}

#[tokio::test]
async fn data_and_models_that_are_none_are_refused_with_their_place() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = server(state.path(), &[]).await?;
    let with = |change: Value| {
        let mut dataset = json!({"model": "a*t + c", "target": "y", "csv": "t,y\n1,2\n2,3\n3,5\n"});
        for (name, value) in change.as_object().into_iter().flatten() {
            match value {
                Value::Null => drop(dataset.as_object_mut().map(|one| one.remove(name))),
                value => dataset[name] = value.clone(),
            }
        }
        json!({"problem": model(), "dataset": dataset})
    };
    for (change, code, field, part) in [
        (json!({"csv": "t,y\n1,2\n2\n"}), "invalid_data", "/dataset/csv", "line 3 has 1 fields"),
        (json!({"csv": "t,y\n1,2\n2,x\n"}), "invalid_data", "/dataset/csv", "column `y`, row 2"),
        (json!({"csv": "t,y\n1,2\n2,inf\n"}), "invalid_data", "/dataset", "column `y`, row 2"),
        (json!({"csv": "t,y\n"}), "invalid_data", "/dataset", "rows"),
        (json!({"columns": {"t": [1], "y": [1]}}), "invalid_problem", "/problem/dataset", "one of"),
        (
            json!({"csv": null, "columns": {"t": [1], "y": [1, 2]}}),
            "invalid_data",
            "/dataset",
            "`y`",
        ),
        (json!({"csv": null, "file": "a.csv"}), "access_refused", "/dataset/file", "no files"),
        (json!({"model": "a*s + c"}), "unknown_name", "/dataset/model", "`s`"),
        (json!({"model": "a*t +"}), "invalid_expression", "/dataset/model", "byte 5"),
        (json!({"target": "z"}), "unknown_name", "/dataset/target", "`z`"),
        (json!({"loss": "logloss"}), "invalid_data", "/dataset", "row 1"),
        (json!({"loss": "logloss", "delta": 1}), "invalid_problem", "/dataset/delta", "huber"),
        (json!({"loss": "quantile", "q": 1.5}), "invalid_problem", "/dataset/q", "between 0 and 1"),
        (json!({"folds": 4}), "invalid_problem", "/dataset/folds", "2 to 3"),
        (json!({"folds": 3, "fold": 3}), "invalid_problem", "/dataset/fold", "below folds"),
        (json!({"fold": 1}), "invalid_problem", "/dataset/folds", "needed"),
        (json!({"model": "sum(i,1,300000,a*t*t*t*t)"}), "limit_exceeded", "/dataset/model", ""),
    ] {
        let refused = server.call("define_problem", with(change)).await?.error();
        let seen = (&refused["code"], &refused["field"]);
        assert_eq!(seen, (&json!(code), &json!(field)), "{refused}");
        assert!(refused["message"].as_str().is_some_and(|m| m.contains(part)), "{refused}");
    }
    let inline = json!({"problem": {"dataset": {"model": "a", "target": "y", "csv": "y\n1\n"},
                                    "variables": [{"name": "a", "lo": 0, "hi": 1}]}});
    let refused = server.call("optimize_problem", inline).await?.error();
    assert_eq!(refused["code"], "invalid_argument", "{refused}");
    Ok(())
}
