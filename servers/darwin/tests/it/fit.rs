//! Formulas for data, benchmarks, and quotas of evaluations.

use machina_darwin::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

async fn server() -> TestResult<InProcess<Server>> {
    InProcess::start(Config::default()).await
}

/// 20 points of sin(x) + sin(x + x^2).
fn points() -> (Vec<f64>, Vec<f64>) {
    let x: Vec<f64> = (0..20).map(|k| f64::from(k) / 10.0 - 1.0).collect();
    let y = x.iter().map(|x| x.sin() + (x + x * x).sin()).collect();
    (x, y)
}

#[tokio::test]
async fn a_formula_is_found_and_is_an_expression_of_a_problem() -> TestResult {
    let server = server().await?;
    let (x, y) = points();
    let arguments = json!({
        "data": {"columns": {"x": x, "y": y}}, "target": "y", "seed": 1,
        "budget": {"max_evals": 3_000_000},
    });
    let found = server.call("fit_expression", arguments.clone()).await?;
    let found = found.structured();
    assert_eq!((&found["chosen_by"], &found["stop_reason"]), (&json!("exact"), &json!("target")));
    assert!(found["best"]["rmse"].as_f64() < Some(1e-10), "{found}");
    let front = found["front"].as_array().ok_or("no front")?;
    let sizes: Vec<u64> = front.iter().filter_map(|one| one["size"].as_u64()).collect();
    assert!(sizes.len() == front.len() && sizes.windows(2).all(|two| two[0] < two[1]));
    let csv: String = std::iter::once("x,y\n".to_owned())
        .chain(x.iter().zip(&y).map(|(x, y)| format!("{x:?},{y:?}\n")))
        .collect();
    let mut same = arguments.clone();
    same["data"] = json!({ "csv": csv });
    same["threads"] = 1.into();
    assert_eq!(server.call("fit_expression", same).await?.structured(), found);
    let problem = json!({
        "variables": [{"name": "x", "lo": -1, "hi": 1}],
        "objectives": [{"expr": found["best"]["expr"], "sense": "max"}],
    });
    let defined = server.call("define_problem", json!({ "problem": problem })).await?;
    assert!(defined.structured()["look"].is_object(), "{}", defined.structured());
    // Its maximum is that of the data's law, at 1.
    let best = server
        .call(
            "optimize_problem",
            json!({"problem": problem, "budget": {"max_evals": 2000}, "seed": 1}),
        )
        .await?;
    let f = best.structured()["best"]["f"].as_f64().ok_or("no value")?;
    assert!((f - 1.757_1).abs() < 0.02, "{f}");
    Ok(())
}

#[tokio::test]
async fn data_and_settings_that_are_none_are_refused() -> TestResult {
    let server = server().await?;
    let (x, y) = points();
    let good = json!({"data": {"columns": {"x": x, "y": y}}, "target": "y"});
    let with = |change: Value| {
        let mut arguments = good.clone();
        for (name, value) in change.as_object().into_iter().flatten() {
            arguments[name] = value.clone();
        }
        arguments
    };
    for (change, code, field) in [
        (json!({"target": "z"}), "unknown_name", "/target"),
        (json!({"functions": ["+", "sinus"]}), "unknown_name", "/functions/1"),
        (json!({"functions": ["sin"]}), "invalid_argument", "/functions"),
        (json!({"folds": 1}), "invalid_argument", "/folds"),
        (json!({"budget": {"max_evals": 0}}), "invalid_budget", "/budget/max_evals"),
        (json!({"budget": {"max_time_s": 105}}), "invalid_budget", "/budget/max_time_s"),
        (json!({"data": {}}), "invalid_data", "/data"),
        (json!({"data": {"csv": "x,y\n1,2\n3"}}), "invalid_data", "/data/csv"),
        (
            json!({"data": {"columns": {"x": [1, 2, 3], "y": [1, 2]}}}),
            "invalid_data",
            "/data/columns",
        ),
        (json!({"data": {"columns": {"e": x, "y": y}}}), "invalid_data", "/data/columns"),
    ] {
        let refused = server.call("fit_expression", with(change.clone())).await?.error();
        assert_eq!(
            (&refused["code"], &refused["field"]),
            (&json!(code), &json!(field)),
            "{change}"
        );
        assert!(refused["hint"].is_string(), "{refused}");
    }
    Ok(())
}

#[tokio::test]
async fn a_suite_is_measured_against_what_is_known() -> TestResult {
    let server = server().await?;
    let arguments = json!({"suite": "seed", "dimension": 4, "seeds": 2, "max_evals": 20_000});
    let seen = server.call("run_benchmark", arguments.clone()).await?;
    let seen = seen.structured();
    assert_eq!((&seen["success"], &seen["timed"]), (&json!(1.0), &json!(0)), "{seen}");
    let items = seen["items"].as_array().ok_or("no items")?;
    assert_eq!(items.len(), 4);
    for item in items {
        assert!(
            item["median"].as_f64() <= Some(1e-8) && item["ert"].as_f64() <= Some(20_000.0),
            "{item}"
        );
        assert_eq!(item["algorithm"], "portfolio");
    }
    assert_eq!(server.call("run_benchmark", arguments).await?.structured(), seen);
    let fronts =
        json!({"suite": "zdt_dtlz", "algorithm": "sms_emoa", "seeds": 1, "max_evals": 3000});
    let seen = server.call("run_benchmark", fronts).await?;
    let first = &seen.structured()["items"][0];
    let (volume, whole) = (first["median"].as_f64(), first["whole"].as_f64());
    assert!(volume > Some(0.3) && volume < whole && first["measure"] == "hypervolume", "{first}");
    let tours = json!({"suite": "tsp_small", "seeds": 1});
    let seen = server.call("run_benchmark", tours).await?;
    assert_eq!(seen.structured()["items"][0]["success"], 1.0, "{}", seen.structured());
    for (arguments, field) in [
        (json!({"suite": "seed", "algorithm": "gaa"}), "/algorithm"),
        (json!({"suite": "seed", "algorithm": "nsga2"}), "/algorithm"),
        (json!({"suite": "seed", "algorithm": "ga", "params": {"sigma": 1}}), "/params/sigma"),
    ] {
        let refused = server.call("run_benchmark", arguments).await?.error();
        assert_eq!(refused["field"], field, "{refused}");
    }
    Ok(())
}

#[tokio::test]
async fn who_has_had_too_much_evaluated_waits() -> TestResult {
    let state = tempfile::tempdir()?;
    let mut config = Config::default();
    config.max_evals_per_s = Some(20_000);
    let server = InProcess::<Server>::start_in(state.path(), config).await?;
    let problem = json!({"name": "rastrigin", "dimension": 5});
    let run = |evals: u32| {
        json!({"problem": problem, "algorithm": "ga", "seed": 1,
               "budget": {"max_evals": evals, "stagnation_generations": 0}})
    };
    let small = server.call("optimize_problem", run(10_000)).await?;
    assert_eq!(small.structured()["evals"], 10_000);
    let large = server.call("optimize_problem", run(600_000)).await?;
    assert_eq!(large.structured()["evals"], 600_000);
    for (tool, arguments) in [
        ("optimize_problem", run(100)),
        ("analyze_problem", json!({ "problem": problem })),
        ("run_benchmark", json!({"suite": "seed"})),
        ("compare_algorithms", json!({"problem": problem, "algorithms": ["ga", "pso"]})),
    ] {
        let refused = server.call(tool, arguments).await?.error();
        assert_eq!(refused["code"], "quota_exceeded", "{refused}");
        let wait = refused["retry_after_ms"].as_u64();
        assert!(wait > Some(1000) && wait <= Some(31_000), "{refused}");
    }
    Ok(())
}

/// A stored run waits for its caller's account, and comes to what it would have come to.
#[tokio::test]
async fn a_stored_run_goes_on_when_its_account_allows() -> TestResult {
    let state = tempfile::tempdir()?;
    let mut config = Config::default();
    config.max_evals_per_s = Some(100_000);
    let limited = InProcess::<Server>::start_in(state.path(), config).await?;
    let free = server().await?;
    let arguments = json!({
        "problem": {"name": "ackley", "dimension": 4}, "algorithm": "ga", "seed": 3, "start": true,
        "budget": {"max_evals": 300_000}, "wait_ms": 60_000,
    });
    let mut results = Vec::new();
    for server in [&limited, &free] {
        let created = server.call("create_run", arguments.clone()).await?;
        assert_eq!(created.structured()["status"], "done", "{}", created.structured());
        let id = &created.structured()["run_id"];
        let result = server.call("get_run_result", json!({ "run_id": id })).await?;
        results.push(result.structured()["result"]["best"].clone());
    }
    assert_eq!(results[0], results[1]);
    Ok(())
}
