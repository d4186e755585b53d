//! Runs explained by their own figures.

use machina_darwin::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

use crate::runs::{create, endless, get};

async fn server() -> TestResult<InProcess<Server>> {
    InProcess::start(Config::default()).await
}

/// Run to the end, then explain.
async fn explained(server: &InProcess<Server>, mut arguments: Value) -> TestResult<Value> {
    arguments["start"] = true.into();
    arguments["wait_ms"] = 60_000.into();
    let id = create(server, arguments).await?;
    Ok(server.call("explain_run", json!({"run_id": id})).await?.structured().clone())
}

fn evidence<'a>(seen: &'a Value, limit: &str) -> Option<&'a str> {
    let mut limits = seen["limits"].as_array()?.iter();
    limits.find(|one| one["limit"] == limit)?["evidence"].as_str()
}

fn advice<'a>(seen: &'a Value, tool: &str) -> Option<&'a Value> {
    seen["next"].as_array()?.iter().find(|one| one["tool"] == tool)
}

#[tokio::test]
async fn bounds_idle_variables_and_standstill_are_seen() -> TestResult {
    let server = server().await?;
    let problem = json!({
        "variables": [
            {"name": "x", "lo": 0, "hi": 2}, {"name": "y", "lo": -1, "hi": 1},
            {"name": "z", "lo": 0, "hi": 1},
        ],
        "objectives": [{"expr": "(x-3)^2 + 10*y^2"}],
    });
    let run = json!({"problem": problem, "algorithm": "pso", "seed": 1,
                     "budget": {"max_evals": 40_000}});
    let seen = explained(&server, run).await?;
    assert_eq!((&seen["stop_reason"], &seen["probe_evals"]), (&json!("max_evals"), &json!(11)));
    assert!(seen["stop"].as_str().is_some_and(|stop| stop.contains("40000 of 40000")), "{seen}");
    let wall = &seen["at_bounds"][0];
    assert_eq!(
        (&wall["variable"], &wall["bound"], &wall["upper"]),
        (&json!("x"), &json!(2.0), &json!(true))
    );
    // (2 - 0.002 - 3)^2 - 1
    assert!(wall["inwards"].as_f64().is_some_and(|rise| (rise - 0.004_004).abs() < 1e-5), "{wall}");
    let wider = json!({"problem": {"variables": [{"name": "x", "hi": 3.0}]}});
    let advised = seen["next"].as_array().into_iter().flatten();
    assert!(advised.clone().any(|one| one["arguments"] == wider), "{seen}");
    assert_eq!(
        evidence(&seen, "idle"),
        Some("1 of 3 coordinates change nothing at the best point, in 4 steps: z")
    );
    let still = evidence(&seen, "standstill").ok_or("moves")?;
    assert!(still.contains("of 40000 evaluations"), "{still}");
    // Another algorithm is what auto takes for real variables.
    assert!(advised.clone().any(|one| one["arguments"] == json!({"algorithm": "portfolio"})));
    assert_eq!(seen["sensitivity"][0]["variable"], "x");
    Ok(())
}

#[tokio::test]
async fn what_a_short_run_would_gain_is_told_and_the_advice_can_be_followed() -> TestResult {
    let server = server().await?;
    let run = json!({"problem": {"name": "ackley", "dimension": 5}, "algorithm": "ga", "seed": 2,
                     "budget": {"max_evals": 600}, "params": {"population": 20}});
    let seen = explained(&server, run).await?;
    let steps = seen["progress"]["steps"].as_array().ok_or("no steps")?;
    assert_eq!(steps[0]["evals"], 600);
    let value = |k: usize| steps[k]["f"].as_f64().unwrap_or(f64::NAN);
    let gain = seen["progress"]["last_gain"].as_f64().ok_or("no gain")?;
    assert!((value(1) - value(0) - gain).abs() < 1e-12 && gain > 0.0, "{seen}");
    assert!(evidence(&seen, "evaluations").is_some_and(|text| text.contains("to 600 evaluations")));
    assert!(evidence(&seen, "not_local").is_some(), "{seen}");
    let advised = advice(&seen, "fork_run").ok_or("no advice")?;
    let mut arguments = advised["arguments"].clone();
    assert_eq!(arguments["budget"], json!({"max_evals": 1200}));
    arguments["start"] = true.into();
    arguments["wait_ms"] = 60_000.into();
    let longer = server.call("fork_run", arguments).await?;
    assert_eq!(longer.structured()["evals"], 1200);
    assert!(longer.structured()["best_f"].as_f64() < Some(value(0)));
    Ok(())
}

#[tokio::test]
async fn targets_constraints_and_missing_values_are_explained() -> TestResult {
    let server = server().await?;
    let run = json!({"problem": {"name": "sphere", "dimension": 2}, "seed": 1,
                     "budget": {"target": 1e-3}});
    let seen = explained(&server, run).await?;
    assert_eq!((&seen["limits"], &seen["next"]), (&json!([]), &json!([])), "{seen}");
    assert!(seen["stop"].as_str().is_some_and(|stop| stop.contains("reached the target 0.001")));

    let problem = |rhs: f64| {
        json!({
            "variables": [{"name": "x", "lo": 0, "hi": 1}],
            "objectives": [{"expr": "x", "sense": "max"}],
            "constraints": [{"expr": "2*x", "op": "<=", "rhs": rhs}],
        })
    };
    let run = |rhs| json!({"problem": problem(rhs), "seed": 1, "budget": {"max_evals": 1000}});
    let seen = explained(&server, run(0.5)).await?;
    assert_eq!(
        (&seen["constraints"][0]["active"], &seen["constraints"][0]["rhs"]),
        (&json!(true), &json!(0.5))
    );
    assert_eq!(evidence(&seen, "infeasible"), None);
    let seen = explained(&server, run(-1.0)).await?;
    let text = evidence(&seen, "infeasible").ok_or("feasible")?;
    assert!(text.contains("none of 1000") && text.contains("to be <= -1, broken by"), "{text}");

    let problem = json!({"variables": [{"name": "x", "lo": -1, "hi": 1}],
                         "objectives": [{"expr": "sqrt(x) + x"}]});
    let run =
        json!({"problem": problem, "algorithm": "design", "seed": 1, "budget": {"max_evals": 256}});
    let seen = explained(&server, run).await?;
    let text = evidence(&seen, "non_finite").ok_or("all finite")?;
    assert!(text.contains("of 256 evaluations"), "{text}");
    Ok(())
}

#[tokio::test]
async fn told_runs_fronts_and_runs_that_go_on_are_explained_without_probes() -> TestResult {
    let server = server().await?;
    let told = json!({"variables": [{"name": "x", "lo": 0, "hi": 1}], "objectives": [{}]});
    let run = json!({"problem": told, "start": true, "params": {"population": 8},
                     "algorithm": "ga", "budget": {"max_evals": 16}, "seed": 1});
    let id = create(&server, run).await?;
    loop {
        let asked = server.call("ask_trials", json!({"run_id": id, "count": 8})).await?;
        let trials = asked.structured()["trials"].as_array().cloned().unwrap_or_default();
        let told =
            trials.iter().map(|one| json!({"id": one["id"], "values": [one["values"]["x"]]}));
        let told: Vec<Value> = told.collect();
        let answer = server.call("tell_trials", json!({"run_id": id, "trials": told})).await?;
        if answer.structured()["status"] == "done" {
            break;
        }
    }
    let seen = server.call("explain_run", json!({"run_id": id})).await?;
    let seen = seen.structured();
    assert_eq!((&seen["probe_evals"], &seen["evals"]), (&json!(0), &json!(16)), "{seen}");
    assert!(seen.get("sensitivity").is_none() && seen["progress"]["steps"].is_array());

    let front = json!({
        "problem": {"variables": [{"name": "x", "lo": 0, "hi": 2}, {"name": "y", "kind": "int", "lo": 0, "hi": 3}],
                    "objectives": [{"expr": "x^2 + y"}, {"expr": "(x-2)^2 + y"}]},
        "budget": {"max_evals": 4000}, "seed": 1,
    });
    let seen = explained(&server, front).await?;
    assert_eq!(seen["front"].as_array().map(Vec::len), Some(2));
    let [low, high] = [0, 1].map(|k| seen["front"][0][k].as_f64().unwrap_or(f64::NAN));
    assert!(low < 0.1 && (high - 4.0).abs() < 0.3, "{seen}");
    assert_eq!(
        (&seen["at_bounds"][0]["variable"], &seen["at_bounds"][0]["upper"]),
        (&json!("y"), &json!(false))
    );
    assert!(seen.get("improved_at").is_none());

    let id = create(&server, endless()).await?;
    let seen = server.call("explain_run", json!({"run_id": id})).await?;
    assert_eq!(seen.structured()["status"], "running");
    assert_eq!(get(&server, &id, 0).await?["status"], "running");
    let unknown = server.call("explain_run", json!({"run_id": "run_1"})).await?.error();
    assert_eq!((&unknown["code"], &unknown["field"]), (&json!("not_found"), &json!("/run_id")));
    Ok(())
}
