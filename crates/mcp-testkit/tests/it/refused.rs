//! What the front refuses is written down, by every door; so is what a task does after its answer.

use std::path::Path;

use mcp_testkit::{
    TestResult,
    binary::{HttpServer, LIMIT, StdioServer, command},
    http::{self, PLAIN},
    suite::drive,
    wire,
};
use serde_json::{Value, json};

use crate::peer::{Client, NAME};

const KEY: &str = "a-key-of-thirty-two-characters-at-least";

fn lines(path: &Path) -> TestResult<Vec<Value>> {
    let text = std::fs::read_to_string(path)?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

#[test]
fn each_refusal_leaves_a_line_with_its_reason_and_nothing_of_the_credential() {
    drive(async {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("audit.jsonl");
        let path = file.to_str().ok_or("not UTF-8")?;
        let environment = [
            ("MACHINA_AUDIT_FILE", path),
            ("MACHINA_AUTH", "api_key"),
            ("MACHINA_API_KEY", KEY),
            ("MACHINA_RATE_WRITE", "1:1"),
            ("MACHINA_MAX_BODY", "2048"),
        ];
        let server = HttpServer::start(NAME, &environment).await?;
        let address = server.address;
        let bearer = format!("Bearer {KEY}");
        let own = ("Authorization", bearer.as_str());
        let list = wire::request(1, "tools/list", &json!({})).to_string();
        let json = PLAIN[0];
        let mut expected = Vec::new();
        let mut send = async |target: &str, headers: &[(&str, &str)], body: &str, told| {
            let answer = http::send(address, target, headers, body.as_bytes()).await?;
            let (route, status, reason) = told;
            assert_eq!(answer.status, status, "{target} {reason}: {answer:?}");
            expected.push((route, status, reason));
            TestResult::Ok(())
        };
        let foreign = ("Host", "evil.example");
        send("POST /mcp", &PLAIN, &list, ("/mcp", 401, "credential")).await?;
        let wrong = ("Authorization", "Bearer canary-of-a-wrong-credential");
        send("POST /mcp", &[json, wrong], &list, ("/mcp", 401, "credential")).await?;
        let query = "GET /tools?key=canary";
        send(query, &[], "", ("/tools", 401, "credential")).await?;
        send("POST /mcp", &[json, own, foreign], &list, ("/mcp", 403, "host")).await?;
        let origin = ("Origin", "https://evil.example");
        send("GET /status", &[own, origin], "", ("/status", 403, "origin")).await?;
        let long = "x".repeat(4_096);
        send("POST /mcp", &[json, own], &long, ("/mcp", 413, "size")).await?;
        send("POST /tools/greet", &[json, own], &long, ("/tools", 413, "size")).await?;
        send("POST /tools/%1b%5b31m", &[json, own], "{}", ("/tools", 404, "tool_name")).await?;
        send("POST /mcp", &[json, own], "canary", ("/mcp", 400, "envelope")).await?;
        // The second of them finds the quota used up.
        http::send(address, "POST /tools/greet", &[json, own], br#"{"name":"x"}"#).await?;
        let called = r#"{"name":"canary"}"#;
        send("POST /tools/greet", &[json, own], called, ("/tools", 429, "quota")).await?;
        assert!(server.signal("TERM").await?.success());

        each_is_told(&file, &expected)
    });
}

/// Where, with which status, why.
type Told = (&'static str, u16, &'static str);

fn each_is_told(file: &Path, expected: &[Told]) -> TestResult {
    let lines = lines(file)?;
    let refused: Vec<&Value> = lines.iter().filter(|line| line["audit"] == "refused").collect();
    assert_eq!(refused.len(), expected.len(), "{refused:?}");
    for (line, (route, status, reason)) in refused.iter().zip(expected) {
        assert_eq!(
            (line["route"].as_str(), line["status"].as_u64(), line["reason"].as_str()),
            (Some(*route), Some(u64::from(*status)), Some(*reason)),
            "{line}"
        );
        assert_eq!(line["address"], "127.0.0.1", "{line}");
        assert!(line["request_id"].is_string() && line["time"].is_string(), "{line}");
    }
    assert!(refused[0].get("principal").is_none(), "{}", refused[0]);
    let quota = refused.last().ok_or("no line")?;
    assert!(quota["principal"].is_string() && quota["tool"] == "greet", "{quota}");
    assert_eq!(lines.iter().filter(|line| line["audit"] == "call").count(), 1);
    let text = std::fs::read_to_string(file)?;
    assert!(!text.contains("canary") && !text.contains(KEY) && text.is_ascii(), "{text}");
    Ok(())
}

#[test]
fn the_run_of_a_task_has_a_line_of_its_own() {
    drive(async {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("audit.jsonl");
        let mut command = command(NAME, directory.path())?;
        command.env("MACHINA_AUDIT_FILE", &file);
        let mut server = StdioServer::spawn(command)?;
        for (seconds, wait) in [(json!(0.01), true), (json!(60), false)] {
            let call = json!({"name": "slow_compute", "arguments": {"seconds": seconds, "label": "canary"}});
            let made = server.ask(&Client::Tasks.request("tools/call", &call)).await?;
            assert_eq!(made["result"]["resultType"], "task", "{made}");
            let task = json!({"taskId": made["result"]["taskId"]});
            let ended = async {
                while server.ask(&Client::Tasks.request("tasks/get", &task)).await?["result"]["status"]
                    == "working"
                    && wait
                {
                    tokio::task::yield_now().await;
                }
                TestResult::Ok(())
            };
            tokio::time::timeout(LIMIT, ended).await??;
        }
        // The server's end cancels the one that still runs: that is its line.
        assert!(server.signal("TERM").await?.success());
        let lines = lines(&file)?;
        let told: Vec<_> =
            lines.iter().map(|line| (line["audit"].as_str(), line["outcome"].as_str())).collect();
        assert_eq!(
            told,
            [
                (Some("call"), Some("ok")),
                (Some("task"), Some("ok")),
                (Some("call"), Some("ok")),
                (Some("task"), Some("cancelled")),
            ],
            "{lines:?}"
        );
        for pair in lines.chunks(2) {
            for key in ["request_id", "principal", "tool", "class", "arguments", "digest"] {
                assert_eq!(pair[0][key], pair[1][key], "{key}: {pair:?}");
            }
            assert_eq!(pair[0]["tool"], "slow_compute");
        }
        assert!(!std::fs::read_to_string(&file)?.contains("canary"));
        Ok(())
    });
}
