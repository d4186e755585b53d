//! Long runs for clients that wait: tasks.

use mcp_testkit::{
    TestResult,
    binary::StdioServer,
    tasks::{request, until},
};
use serde_json::{Value, json};

async fn begin(server: &mut StdioServer, tool: &str, arguments: &Value) -> TestResult<Value> {
    let call = request(1, "tools/call", &json!({"name": tool, "arguments": arguments}));
    let made = server.ask(&call).await?;
    let task = made["result"]["taskId"].clone();
    if task.is_string() { Ok(task) } else { Err(format!("no task: {made}").into()) }
}

async fn cancel(server: &mut StdioServer, task: &Value) -> TestResult {
    let answer = server.ask(&request(3, "tasks/cancel", &json!({"taskId": task}))).await?;
    assert!(answer["result"].is_object(), "{answer}");
    Ok(())
}

async fn ended(server: &mut StdioServer, task: &Value) -> TestResult<Value> {
    let done = until(server, task, |task| task["status"] != "working").await?;
    assert_eq!(done["status"], "completed", "{done}");
    Ok(done["result"]["structuredContent"].clone())
}

fn is_moving(task: &Value) -> bool {
    let said = task["statusMessage"].as_str().unwrap_or_default();
    said.starts_with("generation ") && !said.starts_with("generation 0,")
}

fn endless() -> Value {
    json!({"problem": {"name": "ackley", "dimension": 30}, "algorithm": "ga", "seed": 1,
           "budget": {"max_evals": 1_000_000_000, "stagnation_generations": 0}})
}

#[tokio::test]
async fn a_task_ends_with_its_run_and_a_cancelled_one_keeps_what_was_found() -> TestResult {
    let mut server = StdioServer::start("machina-darwin", &[])?;
    let short = json!({"problem": {"name": "rastrigin", "dimension": 5}, "start": true, "seed": 1,
                       "budget": {"max_evals": 5000}});
    let task = begin(&mut server, "create_run", &short).await?;
    let run = ended(&mut server, &task).await?;
    assert_eq!((&run["status"], &run["evals"]), (&json!("done"), &json!(5000)), "{run}");

    let mut long = endless();
    long["start"] = true.into();
    let task = begin(&mut server, "create_run", &long).await?;
    until(&mut server, &task, is_moving).await?;
    cancel(&mut server, &task).await?;
    let run = ended(&mut server, &task).await?;
    assert_eq!(run["status"], "cancelled", "{run}");
    assert!(run["best_f"].is_number() && run["evals"].as_u64() > Some(0), "{run}");
    let result = json!({"name": "get_run_result", "arguments": {"run_id": run["run_id"]}});
    let kept = server.ask(&request(4, "tools/call", &result)).await?;
    let kept = &kept["result"]["structuredContent"]["result"];
    assert_eq!(kept["best"]["f"], run["best_f"], "{kept}");
    Ok(())
}

#[tokio::test]
async fn a_cancelled_step_pauses_its_run_and_a_search_of_one_call_is_a_task_too() -> TestResult {
    let mut server = StdioServer::start("machina-darwin", &[])?;
    let task = begin(&mut server, "create_run", &endless()).await?;
    let run = ended(&mut server, &task).await?;
    assert_eq!(run["status"], "created");
    let step = json!({"run_id": run["run_id"], "generations": 1_000_000});
    let task = begin(&mut server, "step_run", &step).await?;
    until(&mut server, &task, is_moving).await?;
    cancel(&mut server, &task).await?;
    let run = ended(&mut server, &task).await?;
    assert_eq!(run["status"], "paused", "{run}");

    let search = json!({"problem": {"name": "sphere", "dimension": 3}, "seed": 1,
                        "budget": {"max_evals": 2000}});
    let task = begin(&mut server, "optimize_problem", &search).await?;
    let found = ended(&mut server, &task).await?;
    assert_eq!((&found["status"], &found["evals"]), (&json!("done"), &json!(2000)));
    let task = begin(&mut server, "optimize_problem", &endless()).await?;
    until(&mut server, &task, is_moving).await?;
    cancel(&mut server, &task).await?;
    let done = until(&mut server, &task, |task| task["status"] != "working").await?;
    assert_eq!(done["status"], "cancelled", "{done}");
    Ok(())
}

/// Both search for long, say how far they are, and stop when they are told to.
#[tokio::test]
async fn a_fit_and_a_benchmark_tell_how_far_they_are_and_can_be_cancelled() -> TestResult {
    let mut server = StdioServer::start("machina-darwin", &["--toolset", "all"])?;
    // Noise that no short formula has.
    let y: Vec<f64> = (0..40).map(|k| (f64::from(k * k) * 1.7).sin()).collect();
    let x: Vec<f64> = (0..40).map(f64::from).collect();
    let fit = json!({"data": {"columns": {"x": x, "y": y}}, "target": "y", "seed": 1,
                     "budget": {"max_evals": 1_000_000_000, "max_time_s": 99}});
    let suite = json!({"suite": "bbob_subset", "dimension": 10, "seeds": 51,
                       "max_evals": 1_000_000});
    for (tool, arguments, word) in
        [("fit_expression", &fit, "generation "), ("run_benchmark", &suite, "")]
    {
        let task = begin(&mut server, tool, arguments).await?;
        let said = |task: &Value| task["statusMessage"].as_str().unwrap_or_default().to_owned();
        let moving = |task: &Value| !said(task).is_empty() && said(task).starts_with(word);
        until(&mut server, &task, moving).await?;
        cancel(&mut server, &task).await?;
        let done = until(&mut server, &task, |task| task["status"] != "working").await?;
        assert_eq!(done["status"], "cancelled", "{tool}: {done}");
    }
    Ok(())
}
