//! The caller's trace, in audit lines and logs.

use std::path::Path;

use mcp_testkit::{
    TestResult,
    binary::{HttpServer, StdioServer, command},
    http::{self, PLAIN},
    suite::drive,
    wire,
};
use serde_json::{Value, json};

use crate::peer::NAME;

const HEADERS: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const META: &str = "0af7651916cd43dd8448eb211c80319c";

fn parent(id: &str) -> String {
    format!("00-{id}-00f067aa0ba902b7-01")
}

fn greet(meta: Option<&str>) -> Value {
    let params = json!({"name": "greet", "arguments": {"name": "x"}});
    let mut message = wire::modern(1, "tools/call", &params);
    if let Some(meta) = meta {
        message["params"]["_meta"]["traceparent"] = meta.into();
    }
    message
}

fn lines(path: &Path) -> TestResult<Vec<Value>> {
    let text = std::fs::read_to_string(path)?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

#[test]
fn the_trace_is_that_of_the_message_then_that_of_the_request_and_a_wrong_one_is_none() {
    drive(async {
        let directory = tempfile::tempdir()?;
        let (audit, log) = (directory.path().join("audit"), directory.path().join("log"));
        let path = audit.to_str().ok_or("not UTF-8")?;
        let environment = [
            ("MACHINA_AUDIT_FILE", path),
            ("MACHINA_LOG_LEVEL", "debug"),
            ("MACHINA_RATE_WRITE", "0"),
        ];
        let server = HttpServer::start_logged(NAME, &environment, Some(&log)).await?;
        let headers = parent(HEADERS);
        let upper = headers.to_uppercase();
        let cases = [
            (None, None, None),
            (Some(headers.as_str()), None, Some(HEADERS)),
            (Some(headers.as_str()), Some(parent(META)), Some(META)),
            (None, Some(parent(META)), Some(META)),
            (Some(headers.as_str()), Some("00-\u{1b}[31m".to_owned()), Some(HEADERS)),
            (Some(upper.as_str()), None, None),
            (None, Some(parent(&"0".repeat(32))), None),
        ];
        for (header, meta, _) in &cases {
            let mut sent = PLAIN.to_vec();
            sent.extend([
                ("MCP-Protocol-Version", wire::MODERN),
                ("Mcp-Method", "tools/call"),
                ("Mcp-Name", "greet"),
            ]);
            sent.extend(header.map(|header| ("traceparent", header)));
            let body = greet(meta.as_deref()).to_string();
            let answer = http::post(server.address, &sent, body.as_bytes()).await?;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        let traced = [PLAIN[0], ("traceparent", headers.as_str())];
        http::send(server.address, "POST /tools/greet", &traced, br#"{"name":"x"}"#).await?;
        http::send(server.address, "POST /tools/%20", &traced, b"{}").await?;
        assert!(server.signal("TERM").await?.success());

        let expected: Vec<_> =
            cases.iter().map(|(_, _, id)| *id).chain([Some(HEADERS), Some(HEADERS)]).collect();
        let audited = lines(&audit)?;
        let told: Vec<_> = audited.iter().map(|line| line["trace_id"].as_str()).collect();
        assert_eq!(told, expected, "{audited:?}");
        assert_eq!(audited.last().ok_or("no line")?["reason"], "tool_name");

        let logged = lines(&log)?;
        let calls: Vec<_> = logged.iter().filter(|line| line["message"] == "call").collect();
        assert_eq!(calls.len(), expected.len() - 1, "{logged:?}");
        for (line, id) in calls.iter().zip(expected) {
            assert_eq!(line["trace_id"].as_str(), id, "{line}");
        }
        Ok(())
    });
}

#[test]
fn on_stdio_the_trace_is_that_of_the_message() {
    drive(async {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("audit");
        let mut command = command(NAME, directory.path())?;
        command.env("MACHINA_AUDIT_FILE", &file);
        let mut server = StdioServer::spawn(command)?;
        // The first call opens the connection, and is one of the newest revision.
        for meta in [None, Some(parent(META))] {
            let answer = server.ask(&greet(meta.as_deref())).await?;
            assert!(answer["result"].is_object(), "{answer}");
        }
        server.close().await?;
        let lines = lines(&file)?;
        let told: Vec<_> = lines.iter().map(|line| line["trace_id"].as_str()).collect();
        assert_eq!(told, [None, Some(META)], "{lines:?}");
        Ok(())
    });
}
