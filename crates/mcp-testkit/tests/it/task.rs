//! Tasks through the whole pipeline: owned, bounded, found again after a crash.

use mcp_testkit::{
    TestResult,
    binary::{LIMIT, StdioServer, command},
    suite::drive,
};
use serde_json::{Value, json};

use crate::peer::{Client, NAME, Peer, ask_as, failure, in_process};

fn slow(seconds: f64) -> Value {
    json!({"name": "slow_compute", "arguments": {"seconds": seconds, "label": "x"}})
}

fn id(answer: &Value) -> TestResult<String> {
    let id = answer["result"]["taskId"].as_str().ok_or_else(|| format!("no task: {answer}"))?;
    Ok(id.to_owned())
}

/// Ask for a task until it has a status.
async fn until(peer: &mut Peer, task: &str, status: &str) -> TestResult<Value> {
    let get = Client::Tasks.request("tasks/get", &json!({"taskId": task}));
    let wait = async {
        loop {
            let answer = peer.ask(&get).await?;
            if answer["result"]["status"] == status {
                return TestResult::Ok(answer);
            }
            if answer["error"].is_object() {
                return Err(answer.to_string().into());
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await?
}

#[test]
fn a_call_becomes_a_task_where_the_client_declares_it() {
    drive(async {
        for mut peer in Peer::both().await? {
            let direct = peer.ask(&Client::Plain.request("tools/call", &slow(0.01))).await?;
            assert_eq!(direct["result"]["content"][0]["text"], "slow_compute finished: x");
            let made = peer.ask(&Client::Tasks.request("tools/call", &slow(0.01))).await?;
            let task = id(&made)?;
            let done = until(&mut peer, &task, "completed").await?;
            let result = &done["result"]["result"];
            assert_eq!(result["content"][0]["text"], "slow_compute finished: x", "{done}");
            let made = peer.ask(&Client::Tasks.request("tools/call", &slow(60.0))).await?;
            let task = id(&made)?;
            let cancel = Client::Tasks.request("tasks/cancel", &json!({"taskId": task}));
            assert_eq!(peer.ask(&cancel).await?["result"]["resultType"], "complete");
            until(&mut peer, &task, "cancelled").await?;
            // What a cancelled tool hands over is kept.
            let partial = json!({"name": "test_task_partial"});
            let task = id(&peer.ask(&Client::Tasks.request("tools/call", &partial)).await?)?;
            let cancel = Client::Tasks.request("tasks/cancel", &json!({"taskId": task}));
            assert_eq!(peer.ask(&cancel).await?["result"]["resultType"], "complete");
            let kept = until(&mut peer, &task, "completed").await?;
            assert_eq!(kept["result"]["result"]["content"][0]["text"], "as far as it came");
            // Arguments are checked before anything is made.
            let wrong = json!({"name": "slow_compute", "arguments": {"seconds": 61}});
            let refused = peer.ask(&Client::Tasks.request("tools/call", &wrong)).await?;
            assert_eq!(failure(&refused)["code"], "invalid_argument", "{refused}");
        }
        Ok(())
    });
}

#[test]
fn a_task_outlives_its_process_as_failed() {
    drive(async {
        for signal in ["KILL", "TERM"] {
            outlives(signal).await?;
        }
        Ok(())
    });
}

async fn outlives(signal: &str) -> TestResult {
    let state = tempfile::tempdir()?;
    let start = || -> TestResult<Peer> {
        Ok(Peer::Stdio(StdioServer::spawn(command(NAME, state.path())?)?))
    };
    let mut peer = start()?;
    let running = id(&peer.ask(&Client::Tasks.request("tools/call", &slow(60.0))).await?)?;
    let ended = id(&peer.ask(&Client::Tasks.request("tools/call", &slow(0.01))).await?)?;
    until(&mut peer, &ended, "completed").await?;
    if let Peer::Stdio(server) = peer {
        server.signal(signal).await?;
    }
    let mut peer = start()?;
    let failed = until(&mut peer, &running, "failed").await?;
    assert_eq!(failed["result"]["error"]["data"]["code"], "interrupted", "{failed}");
    let kept = until(&mut peer, &ended, "completed").await?;
    assert_eq!(kept["result"]["result"]["content"][0]["text"], "slow_compute finished: x");
    Ok(())
}

#[test]
fn the_hundred_and_first_task_is_refused_and_tasks_are_private() {
    drive(async {
        let fixture = in_process().await?;
        let ask = async |who: &str, method: &str, params: &Value| {
            ask_as(&fixture, who, Client::Tasks, method, params).await
        };
        let mut first = None;
        for _ in 0..100 {
            let made = ask("a", "tools/call", &slow(60.0)).await;
            first.get_or_insert(id(&made)?);
        }
        let refused = ask("a", "tools/call", &slow(60.0)).await;
        assert_eq!(failure(&refused)["code"], "too_many_tasks", "{refused}");
        assert!(failure(&refused)["retry_after_ms"].is_u64());
        id(&ask("b", "tools/call", &slow(60.0)).await)?;
        let first = json!({"taskId": first});
        for method in ["tasks/get", "tasks/cancel", "tasks/update"] {
            let mut params = first.clone();
            params["inputResponses"] = json!({});
            let theirs = ask("b", method, &params).await;
            params["taskId"] = "0".repeat(32).into();
            let unknown = ask("b", method, &params).await;
            assert_eq!(theirs["error"]["code"], -32_602, "{method}: {theirs}");
            assert_eq!(theirs["error"], unknown["error"], "{method}");
        }
        assert_eq!(ask("a", "tasks/get", &first).await["result"]["status"], "working");
        Ok(())
    });
}
