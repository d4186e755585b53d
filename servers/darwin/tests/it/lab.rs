//! Looking at problems, comparing algorithms, drawing runs; all kinds of variables.

use machina_darwin::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

async fn server() -> TestResult<InProcess<Server>> {
    InProcess::start(Config::default()).await
}

/// A knapsack of booleans, a category and a whole number, in an order that counts.
fn mixed() -> Value {
    json!({
        "variables": [
            {"name": "take", "kind": "bool", "length": 6},
            {"name": "k", "kind": "int", "lo": -20, "hi": 20},
            {"name": "colour", "kind": "cat", "values": ["red", "blue"]},
            {"name": "p", "kind": "permutation", "length": 5},
        ],
        "objectives": [{
            "expr": "sum(i,0,5,take[i]*at(v,i)) - (k-7)^2 + 3*(colour == 'blue') \
                     - sum(i,0,4,abs(p[i]-i))",
            "sense": "max",
        }],
        "constraints": [{"expr": "sum(i,0,5,take[i]*at(w,i))", "op": "<=", "rhs": 10}],
        "tables": [
            {"name": "v", "rows": [[6, 5, 4, 3, 7, 1]]},
            {"name": "w", "rows": [[5, 4, 3, 2, 6, 1]]},
        ],
    })
}

#[tokio::test]
async fn all_kinds_are_optimised_and_repeated_by_their_operators() -> TestResult {
    let server = server().await?;
    let arguments = json!({
        "problem": mixed(), "budget": {"max_evals": 20_000}, "seed": 3,
        "params": {"exchange": "two_point", "order_crossover": "pmx", "selection": "rank"},
    });
    let answer = server.call("optimize_problem", arguments).await?;
    let run = answer.structured();
    assert_eq!(run["algorithm"], "ga");
    // Of weights 5 4 3 2 6 1 the best load of 10 is worth 13: 4 3 2 1 or 4 6; and 3 for blue.
    assert_eq!(run["best"]["f"], 16.0, "{run}");
    let values = &run["best"]["values"];
    assert_eq!((&values["k"], &values["colour"]), (&json!(7), &json!("blue")));
    assert_eq!(values["p"], json!([0, 1, 2, 3, 4]));
    let line = run["repro"].as_str().ok_or("no repro line")?;
    let again = line.strip_prefix("machina-darwin call optimize_problem '");
    let again = again.and_then(|rest| rest.strip_suffix('\'')).ok_or("another command")?;
    let again: Value = serde_json::from_str(again)?;
    assert_eq!(again["params"]["order_crossover"], "pmx");
    let again = server.call("optimize_problem", again).await?;
    assert_eq!(again.structured()["best"], run["best"]);
    Ok(())
}

#[tokio::test]
async fn a_mixed_problem_is_told_and_survives_in_the_journal() -> TestResult {
    let server = server().await?;
    let variables = json!([
        {"name": "on", "kind": "bool", "length": 4},
        {"name": "k", "kind": "int", "lo": 0, "hi": 9},
    ]);
    let created = server
        .call(
            "create_run",
            json!({
                "problem": {"variables": variables, "objectives": [{}]},
                "params": {"population": 8}, "budget": {"max_evals": 24}, "seed": 1, "start": true,
            }),
        )
        .await?;
    let id = created.structured()["run_id"].clone();
    let mut best = f64::INFINITY;
    loop {
        let asked = server.call("ask_trials", json!({"run_id": id, "count": 8})).await?;
        let trials = asked.structured()["trials"].as_array().cloned().unwrap_or_default();
        let told: Vec<Value> = trials
            .iter()
            .map(|trial| {
                let on = trial["values"]["on"].as_array().into_iter().flatten();
                let off = on.filter(|one| **one == json!(false)).count();
                let k = trial["values"]["k"].as_f64().unwrap_or(f64::NAN);
                let f = f64::from(u32::try_from(off).unwrap_or(9)) + (k - 4.0).abs();
                best = best.min(f);
                json!({"id": trial["id"], "values": [f]})
            })
            .collect();
        let answer = server.call("tell_trials", json!({"run_id": id, "trials": told})).await?;
        if answer.structured()["status"] == "done" {
            break;
        }
    }
    let result = server.call("get_run_result", json!({"run_id": id})).await?;
    assert_eq!(result.structured()["result"]["best"]["f"], best);
    Ok(())
}

#[tokio::test]
async fn every_front_is_drawn_and_convergence_too() -> TestResult {
    let server = server().await?;
    let problem = json!({
        "variables": [{"name": "x", "lo": 0, "hi": 1, "length": 5}],
        "lets": [{"name": "g", "expr": "1 + 9*sum(i,1,n-1,x[i])/(n-1)"}],
        "objectives": [{"expr": "x[0]"}, {"expr": "g*(1-sqrt(x[0]/g))"}],
    });
    let mut runs = Vec::new();
    for algorithm in ["nsga2", "nsga3", "moead", "sms_emoa"] {
        let created = server
            .call(
                "create_run",
                json!({
                    "problem": problem, "algorithm": algorithm, "budget": {"max_evals": 3000},
                    "seed": 1, "start": true, "wait_ms": 60_000, "name": "zdt1",
                }),
            )
            .await?;
        assert_eq!(created.structured()["status"], "done", "{}", created.structured());
        runs.push(created.structured()["run_id"].clone());
    }
    for chart in ["front", "parallel"] {
        let arguments = json!({"run_ids": runs, "chart": chart, "format": "svg"});
        let drawn = server.call("render_plot", arguments.clone()).await?;
        let svg = drawn.structured()["svg"].as_str().ok_or("no picture")?;
        assert!(svg.starts_with("<svg ") && svg.contains("zdt1 (sms_emoa, seed 1)"));
        let again = server.call("render_plot", arguments).await?;
        assert_eq!(again.structured(), drawn.structured());
        let seen = server.call("render_plot", json!({"run_ids": runs, "chart": chart})).await?;
        assert!(seen.image().starts_with(b"\x89PNG") && seen.image().len() > 5_000);
    }
    let large = json!({"run_ids": runs, "chart": "front", "width": 4000, "height": 4000});
    assert_eq!(server.call("render_plot", large).await?.error_code(), "picture_too_large");
    let refused =
        server.call("render_plot", json!({"run_ids": runs, "chart": "convergence"})).await?.error();
    assert_eq!(refused["field"], "/chart");
    let mut runs = Vec::new();
    for algorithm in ["cma_es", "jso", "pso", "es", "nelder_mead", "design"] {
        let created = server
            .call(
                "create_run",
                json!({
                    "problem": {"name": "rosenbrock", "dimension": 5}, "algorithm": algorithm,
                    "budget": {"max_evals": 4000}, "seed": 2, "start": true, "wait_ms": 60_000,
                }),
            )
            .await?;
        assert_eq!(created.structured()["status"], "done", "{}", created.structured());
        runs.push(created.structured()["run_id"].clone());
    }
    let arguments = json!({"run_ids": runs, "chart": "convergence", "format": "svg"});
    let drawn = server.call("render_plot", arguments).await?;
    let svg = drawn.structured()["svg"].as_str().ok_or("no picture")?;
    assert!(svg.contains("best value (log)"));
    assert_eq!(drawn.structured()["summary"].as_array().map(Vec::len), Some(6));
    Ok(())
}

/// A run's name is its caller's: in a chart it stays text.
#[tokio::test]
async fn a_name_that_is_markup_stays_text_in_a_chart() -> TestResult {
    let server = server().await?;
    let name = "</text><script>alert(1)</script><a href='javascript:x'>&\"";
    let run = json!({
        "problem": {"name": "sphere", "dimension": 2}, "algorithm": "pso", "name": name,
        "budget": {"max_evals": 500}, "seed": 1, "start": true, "wait_ms": 60_000,
    });
    let run = server.call("create_run", run).await?.structured()["run_id"].clone();
    let arguments = json!({"run_ids": [run], "chart": "convergence", "format": "svg"});
    let drawn = server.call("render_plot", arguments).await?;
    let svg = drawn.structured()["svg"].as_str().ok_or("no picture")?;
    assert!(svg.contains("&lt;/text&gt;&lt;script&gt;alert(1)"), "{svg}");
    assert!(!["<script", "<a "].iter().any(|markup| svg.contains(markup)), "{svg}");
    Ok(())
}

#[tokio::test]
async fn algorithms_are_compared_by_runs_that_can_be_repeated() -> TestResult {
    let server = server().await?;
    let problem = json!({"name": "rosenbrock", "dimension": 4});
    let arguments = json!({
        "problem": problem, "algorithms": ["design", "cma_es", "ga"], "seeds": 4,
        "budget": {"max_evals": 6000, "target": 1e-6},
    });
    let answer = server.call("compare_algorithms", arguments.clone()).await?;
    let seen = answer.structured();
    let items = seen["items"].as_array().ok_or("no items")?;
    assert_eq!((&items[0]["algorithm"], &items[0]["success"]), (&json!("cma_es"), &json!(1.0)));
    assert!(items[0].get("rank_sum_p").is_none() && items[0]["ert"].as_f64() < Some(6000.0));
    let design = items.iter().find(|item| item["algorithm"] == "design").ok_or("no design")?;
    assert!(design["rank_sum_p"].as_f64() < Some(0.05) && design["success"] == 0.0);
    assert!(design.get("ert").is_none() && design["evals"] == json!([6000, 6000, 6000, 6000]));
    assert!(seen["friedman_p"].as_f64() < Some(0.1));
    for (seed, value) in (1..).zip(design["values"].as_array().into_iter().flatten()) {
        let run = server
            .call(
                "optimize_problem",
                json!({
                    "problem": problem, "algorithm": "design", "seed": seed,
                    "budget": {"max_evals": 6000, "target": 1e-6},
                }),
            )
            .await?;
        assert_eq!(run.structured()["best"]["f"], *value);
    }
    assert_eq!(server.call("compare_algorithms", arguments).await?.structured(), seen);
    for (algorithms, field) in [
        (json!(["ga", "ga"]), "/algorithms/1"),
        (json!(["ga", "gaa"]), "/algorithm"),
        (json!(["ga", "nsga2"]), "/algorithm"),
    ] {
        let arguments = json!({"problem": problem, "algorithms": algorithms});
        let refused = server.call("compare_algorithms", arguments).await?.error();
        assert_eq!(refused["field"], field, "{refused}");
    }
    Ok(())
}

#[tokio::test]
async fn a_problem_is_looked_at() -> TestResult {
    let server = server().await?;
    let look = |problem: Value| server.call("analyze_problem", json!({ "problem": problem }));
    let seen = look(json!({"name": "rastrigin", "dimension": 10})).await?;
    let seen = seen.structured();
    assert_eq!((&seen["interacting"], &seen["finite"]), (&json!(0.0), &json!(1.0)));
    assert!(seen["evals"].as_u64() <= Some(500) && seen["minima_on_lines"].as_f64() > Some(2.0));
    assert_eq!(seen["recommended"], "portfolio");
    let seen = look(mixed()).await?;
    assert_eq!(seen.structured()["recommended"], "ga");
    assert!(seen.structured()["feasible"].as_f64() < Some(1.0));
    let told =
        json!({"problem": {"variables": [{"name": "x", "lo": 0, "hi": 1}], "objectives": [{}]}});
    let refused = server.call("analyze_problem", told).await?.error();
    assert_eq!(refused["field"], "/problem/objectives");
    Ok(())
}

#[tokio::test]
async fn a_fork_goes_its_own_way_from_where_the_other_is() -> TestResult {
    let server = server().await?;
    let created = server
        .call(
            "create_run",
            json!({
                "problem": {"name": "ackley", "dimension": 6}, "algorithm": "ga",
                "budget": {"max_evals": 6000}, "seed": 4, "points": 50,
            }),
        )
        .await?;
    let id = created.structured()["run_id"].clone();
    server.call("step_run", json!({"run_id": id, "generations": 20, "wait_ms": 60_000})).await?;
    let fork = async |arguments: Value| -> TestResult<Value> {
        let mut arguments = arguments;
        arguments["run_id"] = id.clone();
        arguments["start"] = true.into();
        arguments["wait_ms"] = 60_000.into();
        let forked = server.call("fork_run", arguments).await?;
        let id = forked.structured()["run_id"].clone();
        let result = server.call("get_run_result", json!({"run_id": id})).await?;
        assert_eq!(result.structured()["status"], "done", "{}", forked.response());
        Ok(result.structured()["result"].clone())
    };
    let same = fork(json!({})).await?;
    let other = fork(json!({"seed": 5, "params": {"mutation_probability": 0.3}})).await?;
    let longer = fork(json!({"budget": {"max_evals": 9000}})).await?;
    server.call("update_run", json!({"run_id": id, "state": "running"})).await?;
    server.call("get_run", json!({"run_id": id, "wait_ms": 60_000})).await?;
    let own = server.call("get_run_result", json!({"run_id": id})).await?;
    let own = &own.structured()["result"];
    assert_eq!((&same["best"], &same["history"]), (&own["best"], &own["history"]));
    assert_eq!((&same["reproducible"], same.get("repro")), (&json!(false), None));
    assert_ne!(other["best"], own["best"]);
    let at = |run: &Value| {
        let points = run["history"].as_array().into_iter().flatten();
        points.filter(|point| point["generation"].as_u64() <= Some(20)).cloned().collect::<Vec<_>>()
    };
    assert!(at(own).len() > 5 && at(&other) == at(own));
    assert_eq!((&other["seed"], &longer["evals"]), (&json!(5), &json!(9000)));
    for (arguments, field) in [
        (
            json!({"run_id": id, "params": {"population": 50}, "budget": {"max_evals": 9000}}),
            "/params",
        ),
        (json!({"run_id": id, "budget": {"max_evals": 100}}), "/budget/max_evals"),
        (json!({"run_id": "run_1"}), "/run_id"),
    ] {
        let refused = server.call("fork_run", arguments).await?.error();
        assert_eq!(refused["field"], field, "{refused}");
    }
    Ok(())
}

#[tokio::test]
async fn a_fork_survives_its_process() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    let created = first
        .call(
            "create_run",
            json!({
                "problem": {"name": "rastrigin", "dimension": 4}, "algorithm": "es",
                "budget": {"max_evals": 5000}, "seed": 1,
            }),
        )
        .await?;
    let id = created.structured()["run_id"].clone();
    first.call("step_run", json!({"run_id": id, "generations": 9, "wait_ms": 60_000})).await?;
    let forked = first.call("fork_run", json!({"run_id": id, "seed": 7})).await?;
    let fork = forked.structured()["run_id"].clone();
    assert_eq!(forked.structured()["generation"], 9);
    first.call("delete_run", json!({"run_id": id})).await?;
    first.stop().await;
    let second = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    let shown = second.call("get_run", json!({"run_id": fork})).await?;
    assert_eq!(shown.structured()["status"], "created");
    second.call("update_run", json!({"run_id": fork, "state": "running"})).await?;
    let ended = second.call("get_run", json!({"run_id": fork, "wait_ms": 60_000})).await?;
    assert_eq!(
        (&ended.structured()["status"], &ended.structured()["evals"]),
        (&json!("done"), &json!(5000))
    );
    assert!(ended.structured()["generation"].as_u64() > Some(9));
    Ok(())
}

#[tokio::test]
async fn a_fork_from_an_earlier_generation_is_that_generation() -> TestResult {
    let server = server().await?;
    let created = server
        .call(
            "create_run",
            json!({
                "problem": {"name": "ackley", "dimension": 4}, "algorithm": "pso",
                "budget": {"max_evals": 900}, "seed": 3, "start": true, "wait_ms": 60_000,
                // No generation is cut short by the budget, and none is left out of the history.
                "params": {"population": 20}, "points": 1000,
            }),
        )
        .await?;
    let run = created.structured().clone();
    let (id, last) = (&run["run_id"], run["generation"].as_u64().ok_or("no generation")?);
    let more =
        json!({"run_id": id, "budget": {"max_evals": 2000}, "start": true, "wait_ms": 60_000});
    let longer = server.call("fork_run", more).await?.structured().clone();
    let at = |run: &Value, upto: u64| {
        let points = run["history"].as_array().into_iter().flatten();
        let early = points.filter(|point| point["generation"].as_u64() <= Some(upto));
        early.cloned().collect::<Vec<_>>()
    };
    for (of, generation) in [(id, 0), (id, 7), (id, last), (&longer["run_id"], last + 5)] {
        let earlier =
            json!({"run_id": of, "generation": generation, "budget": {"max_evals": 2000}});
        let fork = server.call("fork_run", earlier).await?.structured().clone();
        assert_eq!(fork["generation"], generation);
        assert_eq!(at(&fork, last), at(&run, generation));
        let id = &fork["run_id"];
        server.call("update_run", json!({"run_id": id, "state": "running"})).await?;
        server.call("get_run", json!({"run_id": id, "wait_ms": 60_000})).await?;
        let result = |id: &Value| server.call("get_run_result", json!({ "run_id": id }));
        let (one, other) = (result(id).await?, result(&longer["run_id"]).await?);
        assert_eq!(one.structured()["result"]["best"], other.structured()["result"]["best"]);
    }
    for (of, generation) in [(id, last + 1), (&longer["run_id"], last - 1)] {
        let wrong = json!({"run_id": of, "generation": generation, "budget": {"max_evals": 2000}});
        let refused = server.call("fork_run", wrong).await?.error();
        assert_eq!(refused["field"], "/generation", "{refused}");
    }
    Ok(())
}
