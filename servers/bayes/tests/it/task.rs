//! Long fits for clients that wait: progress, and tasks.

use mcp_testkit::{
    TestResult,
    binary::StdioServer,
    tasks::{request, until},
    wire,
};
use serde_json::{Value, json};

fn fit(draws: u64) -> Value {
    let code = "parameters { vector[50] x; } model { x ~ std_normal(); }";
    json!({"name": "fit_model", "arguments": {
        "code": code, "chains": 2, "tune": 100, "draws": draws, "seed": 1, "wait_ms": 0}})
}

#[tokio::test]
async fn a_task_ends_with_the_run_and_a_cancelled_one_with_what_it_has() -> TestResult {
    let mut server = StdioServer::start("machina-bayes", &[])?;
    let made = server.ask(&request(1, "tools/call", &fit(500))).await?;
    let task = made["result"]["taskId"].clone();
    let done = until(&mut server, &task, |task| task["status"] == "completed").await?;
    let output = &done["result"]["structuredContent"];
    assert_eq!(
        (&output["status"], &output["sampler"]["draws"]),
        (&json!("complete"), &json!(1000)),
        "{done}"
    );

    let made = server.ask(&request(2, "tools/call", &fit(20_000))).await?;
    let task = made["result"]["taskId"].clone();
    // Its status tells how far it is.
    until(&mut server, &task, |task| {
        let said = task["statusMessage"].as_str().unwrap_or_default();
        said.starts_with("attempt 1: ") && !said.contains(": 0 of")
    })
    .await?;
    let cancel = request(3, "tasks/cancel", &json!({"taskId": task}));
    assert!(server.ask(&cancel).await?["result"].is_object());
    let done = until(&mut server, &task, |task| task["status"] != "working").await?;
    let output = &done["result"]["structuredContent"];
    assert_eq!(
        (&output["status"], &output["reliable"]),
        (&json!("cancelled"), &json!(false)),
        "{done}"
    );
    let kept = output["sampler"]["draws"].as_u64();
    assert!(kept > Some(0) && kept < Some(40_000), "{output}");
    Ok(())
}

#[tokio::test]
async fn a_listener_hears_how_far_it_is() -> TestResult {
    let mut server = StdioServer::start("machina-bayes", &[])?;
    let mut call = fit(5_000);
    call["arguments"]["wait_ms"] = json!(60_000);
    call["_meta"] = json!({"progressToken": "t"});
    server.send(&wire::modern(1, "tools/call", &call)).await?;
    let mut heard = Vec::new();
    loop {
        let message = server.receive().await?;
        if message["id"] == 1 {
            assert_eq!(message["result"]["structuredContent"]["status"], "complete", "{message}");
            break;
        }
        assert_eq!(message["params"]["progressToken"], "t", "{message}");
        assert_eq!(message["params"]["total"], 10_000.0);
        heard.push(message["params"]["progress"].as_f64().ok_or("no number")?);
    }
    assert!(!heard.is_empty() && heard.is_sorted(), "{heard:?}");
    Ok(())
}
