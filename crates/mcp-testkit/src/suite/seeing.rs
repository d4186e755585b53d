//! What an operator sees of the calls: audit lines, status, logs.

use std::{collections::BTreeSet, path::Path, time::Duration};

use mcp_core::McpServer;
use serde_json::{Value, json};

use crate::{
    InProcess, TestResult,
    binary::{HttpServer, LIMIT},
    ensure,
    http::{PLAIN, get, modern, post, send},
    wire,
};

const STATUS: &str = "get_server_status";
/// Text that would forge a line, colour a terminal or add a field.
const HOSTILE: &str = "x\n{\"audit\":\"forged\"}\u{1b}[31m\u{9b}1m\u{202e}\",\"forged\":\"1";

/// Wait until a log has a line that satisfies this.
async fn line_of(log: &Path, wanted: impl Fn(&Value) -> bool) -> TestResult<Value> {
    let wait = async {
        loop {
            let text = std::fs::read_to_string(log)?;
            let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
            if let Some(line) = lines.into_iter().find(&wanted) {
                return TestResult::Ok(line);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await?
}

/// One line a call, by every door, whatever its end; no value of an argument in any.
pub async fn every_call_leaves_one_audit_line<S: McpServer>() -> TestResult {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("audit.jsonl");
    let path = file.to_str().ok_or("not UTF-8")?.to_owned();
    let environment = [("MACHINA_TOOLSET", "all"), ("MACHINA_AUDIT_FILE", path.as_str())];
    let server = HttpServer::start(&S::FACTS.member.binary(), &environment).await?;
    let address = server.address;
    let rest = format!("POST /tools/{STATUS}");
    let canary = json!({"name": STATUS, "arguments": {"errors": "canary-7f3a", "canary-7f3a": 1}});
    modern(address, "tools/call", &json!({"name": STATUS, "arguments": {"errors": 1}})).await?;
    send(address, &rest, &PLAIN, br#"{"errors":1}"#).await?;
    modern(address, "tools/call", &canary).await?;
    send(address, &rest, &PLAIN, br#"{"errors":"canary-7f3a"}"#).await?;
    post(address, &PLAIN, call_named(HOSTILE).as_bytes()).await?;
    ensure!(server.signal("TERM").await?.success(), "a clean end");

    let text = std::fs::read_to_string(&file)?;
    ensure!(text.is_ascii() && !text.contains('\u{1b}') && !text.contains("canary"), "{text}");
    let lines = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    ensure!(lines.len() == 5, "{text}");
    let outcomes: Vec<_> = lines.iter().map(|line| line["outcome"].as_str()).collect();
    let wrong = Some("invalid_input");
    ensure!(
        outcomes == [Some("ok"), Some("ok"), wrong, wrong, Some("unknown_tool")],
        "{outcomes:?}"
    );
    ensure!(lines[0]["digest"] == lines[1]["digest"], "{text}");
    ensure!(lines[2]["arguments"] == "errors:string(11),+1 unknown", "{text}");
    for line in &lines {
        ensure!(line["principal"].is_string() && line["request_id"].is_string(), "{line}");
        ensure!(line["server"] == S::FACTS.member.name && line.get("forged").is_none(), "{line}");
        ensure!(line["duration_ms"].is_number() && line["confirmed"] == false, "{line}");
    }
    Ok(())
}

/// A call of a tool with this name, for a client of an older revision: no header must repeat it.
fn call_named(name: &str) -> String {
    wire::request(1, "tools/call", &json!({"name": name, "arguments": {}})).to_string()
}

/// `/status`, the document and the tool give one report.
pub async fn status_is_the_same_by_every_door<S: McpServer>() -> TestResult {
    let server =
        HttpServer::start(&S::FACTS.member.binary(), &[("MACHINA_TOOLSET", "all")]).await?;
    let address = server.address;
    let call = json!({"name": STATUS, "arguments": {}});
    let wrong = json!({"name": STATUS, "arguments": {"errors": -1}});
    modern(address, "tools/call", &call).await?;
    let refused = modern(address, "tools/call", &wrong).await?.json()?;
    let refused = refused["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned();
    let report = get(address, "/status").await?.json()?;
    ensure!(report["server"] == S::FACTS.member.name, "{report}");
    ensure!(report["calls"]["total"] == 2 && report["calls"]["failed"] == 1, "{report}");
    ensure!(report["calls"]["p99_ms"].is_number(), "{report}");
    ensure!(report["errors"] == json!({"invalid_argument": 1}), "{report}");
    ensure!(report["slowest_tools"][0]["tool"] == STATUS, "{report}");
    let error = &report["recent_errors"][0];
    let id = error["request_id"].as_str().ok_or_else(|| format!("no error: {report}"))?;
    ensure!(refused.contains(id) && error["code"] == "invalid_argument", "{report}");
    ensure!(report["process"]["resident_bytes"].is_number(), "{report}");

    let by_tool = modern(address, "tools/call", &call).await?.json()?;
    let by_tool = &by_tool["result"]["structuredContent"];
    ensure!(by_tool["recent_errors"] == report["recent_errors"], "{by_tool}");
    ensure!(by_tool["calls"]["total"] == 2, "a call does not count itself: {by_tool}");
    if S::LEGACY_SESSIONS {
        return Ok(()); // the fixture declares documents of its own
    }
    let read = modern(address, "resources/read", &json!({"uri": "machina://status"})).await?;
    let text = read.json()?["result"]["contents"][0]["text"].take();
    let document: Value = serde_json::from_str(text.as_str().unwrap_or_default())?;
    ensure!(document["calls"]["total"] == 3, "{document}");
    let server = InProcess::<S>::start(S::Config::default()).await?;
    let answer = server.call(STATUS, json!({"errors": 0})).await?;
    ensure!(answer.structured()["calls"]["total"] == 0, "{answer:?}");
    server.stop().await;
    Ok(())
}

/// `PUT /admin/log-level` takes what the setting takes, and says the same of what it does not.
pub async fn the_log_level_changes_at_run_time<S: McpServer>() -> TestResult {
    let directory = tempfile::tempdir()?;
    let log = directory.path().join("stderr");
    let environment = [("MACHINA_AUDIT", "false"), ("MACHINA_TOOLSET", "all")];
    let binary = S::FACTS.member.binary();
    let server = HttpServer::start_logged(&binary, &environment, Some(&log)).await?;
    let address = server.address;
    let put = |body: &'static str| send(address, "PUT /admin/log-level", &PLAIN, body.as_bytes());
    let call = json!({"name": STATUS, "arguments": {}});
    modern(address, "tools/call", &call).await?;
    let changed = put(r#"{"level":"debug"}"#).await?;
    ensure!(changed.json()? == json!({"old": "info", "new": "debug"}), "{changed:?}");
    modern(address, "tools/call", &call).await?;
    let line = line_of(&log, |line| line["message"] == "call").await?;
    ensure!(line["tool"] == STATUS && line["level"] == "DEBUG", "{line}");
    let text = std::fs::read_to_string(&log)?;
    ensure!(text.matches("\"message\":\"call\"").count() == 1, "none before: {text}");

    for (body, code) in [
        (r#"{"level":"verbose"}"#, "invalid_argument"),
        (r#"{"level":""}"#, "invalid_argument"),
        (r#"{"level":5}"#, "invalid_request"),
        (r#"{"level":"info","x":1}"#, "invalid_request"),
        ("", "invalid_request"),
    ] {
        let answer = put(body).await?;
        ensure!(answer.status == 400 && answer.json()?["code"] == code, "{body}: {answer:?}");
    }
    let problem = put(r#"{"level":"verbose"}"#).await?.json()?;
    let wrong = [("MACHINA_LOG_LEVEL", "verbose")];
    let started = crate::binary::run(&binary, &["tools"], &wrong).await?;
    for part in ["`verbose` is no level", problem["hint"].as_str().unwrap_or("no hint")] {
        ensure!(started.stderr.contains(part), "{part}: {started:?}");
        ensure!(problem.to_string().contains(part), "{part}: {problem}");
    }
    let back = put(r#"{"level":"info"}"#).await?;
    ensure!(back.json()? == json!({"old": "debug", "new": "info"}), "{back:?}");
    Ok(())
}

/// Names of the series, without their values.
async fn series(server: &HttpServer) -> TestResult<BTreeSet<String>> {
    let text = get(server.address, "/metrics").await?.body;
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    Ok(samples.filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name.to_owned()).collect())
}

/// TR-21: a stranger's text in a tool's name, a header or the client's name is one escaped line of the
/// log, at most, and no series.
pub async fn foreign_text_is_one_escaped_line_and_no_series<S: McpServer>() -> TestResult {
    let directory = tempfile::tempdir()?;
    let log = directory.path().join("stderr");
    let binary = S::FACTS.member.binary();
    let server =
        HttpServer::start_logged(&binary, &[("MACHINA_LOG_LEVEL", "trace")], Some(&log)).await?;
    let address = server.address;
    let hostile = |name: &str| {
        let mut hello = wire::initialize(1, wire::LEGACY);
        hello["params"]["clientInfo"] = json!({"name": name, "version": name});
        [call_named(name), hello.to_string()]
    };
    let agent = ("User-Agent", "{\"audit\":\"forged\"}\t\",\"forged\":\"1");
    let headers = [PLAIN[0], PLAIN[1], agent];
    for body in hostile("plain") {
        post(address, &headers, body.as_bytes()).await?;
    }
    send(address, "POST /tools/plain", &headers, b"{}").await?;
    let before = series(&server).await?;
    for index in 0..20 {
        for body in hostile(&format!("{index}{HOSTILE}")) {
            post(address, &headers, body.as_bytes()).await?;
        }
        send(address, &format!("POST /tools/{index}%0a%1b%5b31m"), &headers, b"{}").await?;
    }
    let after = series(&server).await?;
    ensure!(before == after, "new series: {:?}", after.difference(&before));
    ensure!(server.signal("TERM").await?.success(), "a clean end");

    let text = std::fs::read_to_string(&log)?;
    ensure!(!text.contains(['\u{1b}', '\u{9b}']), "a terminal would obey this: {text}");
    let mut audited = 0;
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
        ensure!(line.get("forged").is_none() && line["audit"] != "forged", "{line}");
        audited += usize::from(line["audit"] == "call");
    }
    ensure!(audited == 22, "{audited} audit lines: {text}");
    Ok(())
}
