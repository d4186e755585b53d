//! X1–X11 of the stdio transport, on the real executable.

use std::collections::BTreeSet;

use mcp_core::McpServer;
use serde_json::{Value, json};

use crate::{
    TestResult,
    binary::{HttpServer, StdioServer},
    ensure, http,
    wire::{LEGACY, LEGACY_ALL, MODERN, initialize, modern, notification, request},
};

fn start<S: McpServer>(arguments: &[&str]) -> TestResult<StdioServer> {
    StdioServer::start(&S::FACTS.member.binary(), arguments)
}

/// The first tool on offer with an argument it does not take: a call without any effect.
fn harmless(tools: &Value) -> Value {
    json!({"name": tools[0]["name"], "arguments": {"no_such_argument": true}})
}

/// Discover, list, call in the newest revision.
pub async fn x1_discover_and_call<S: McpServer>() -> TestResult {
    let mut server = start::<S>(&[])?;
    let discovered = server.ask(&modern(1, "server/discover", &json!({}))).await?;
    let versions = discovered["result"]["supportedVersions"].as_array().ok_or("no versions")?;
    ensure!(versions.iter().any(|version| version == MODERN), "{discovered}");
    let name = &discovered["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"];
    ensure!(*name == S::FACTS.member.binary(), "{discovered}");
    let listed = server.ask(&modern("two", "tools/list", &json!({}))).await?;
    let tools = &listed["result"]["tools"];
    let called = server.ask(&modern(3, "tools/call", &harmless(tools))).await?;
    ensure!(called["result"]["isError"] == true, "{called}");
    ensure!(called["result"]["resultType"] == "complete", "{called}");
    let (rest, status) = server.close().await?;
    ensure!(rest.is_empty() && status.success(), "{rest:?} {status}");
    Ok(())
}

/// Each older revision is spoken when asked for; an unknown one gets the newest of them.
pub async fn x2_initialize_at_each_older_revision<S: McpServer>() -> TestResult {
    for (asked, given) in LEGACY_ALL.iter().map(|v| (*v, *v)).chain([("1999-01-01", LEGACY)]) {
        let mut server = start::<S>(&[])?;
        let answer = server.ask(&initialize(1, asked)).await?;
        ensure!(answer["result"]["protocolVersion"] == given, "{asked}: {answer}");
        let capabilities = &answer["result"]["capabilities"];
        ensure!(
            capabilities["tools"].is_object() && capabilities.get("logging").is_none(),
            "{answer}"
        );
        server.send(&notification("notifications/initialized", &json!({}))).await?;
        let listed = server.ask(&request(2, "tools/list", &json!({}))).await?;
        ensure!(listed["result"]["tools"].is_array(), "{listed}");
        ensure!(listed["result"].get("resultType").is_none(), "{listed}");
        let pong = server.ask(&request(3, "ping", &json!({}))).await?;
        ensure!(pong["result"] == json!({}), "{pong}");
        let (_, status) = server.close().await?;
        ensure!(status.success(), "{status}");
    }
    Ok(())
}

/// A connection that opened with `initialize` also takes calls of the newest revision.
pub async fn x3_both_eras_on_one_connection<S: McpServer>() -> TestResult {
    let mut server = start::<S>(&[])?;
    server.ask(&initialize(1, LEGACY)).await?;
    server.send(&notification("notifications/initialized", &json!({}))).await?;
    let listed = server.ask(&modern(2, "tools/list", &json!({}))).await?;
    ensure!(listed["result"]["resultType"] == "complete", "{listed}");
    let removed = server.ask(&modern(3, "ping", &json!({}))).await?;
    ensure!(removed["error"]["code"] == -32601, "{removed}");
    let old = server.ask(&request(4, "ping", &json!({}))).await?;
    ensure!(old["result"] == json!({}), "{old}");
    Ok(())
}

/// Whatever is logged, stdout carries JSON-RPC only (the client's reader checks every line).
pub async fn x4_stdout_is_protocol_only_at_every_log_level<S: McpServer>() -> TestResult {
    for level in ["error", "warn", "info", "debug", "trace"] {
        let mut server = start::<S>(&["--log-level", level])?;
        let listed = server.ask(&modern(1, "tools/list", &json!({}))).await?;
        server.ask(&modern(2, "tools/call", &harmless(&listed["result"]["tools"]))).await?;
        server.send_line("not json").await?;
        ensure!(server.receive().await?["error"]["code"] == -32700, "{level}");
        let (rest, status) = server.close().await?;
        ensure!(rest.is_empty() && status.success(), "{level}: {rest:?} {status}");
    }
    Ok(())
}

/// Lines that are no message get an error; the next call is answered. Also before the first one.
pub async fn x5_garbage_does_not_stop_it<S: McpServer>() -> TestResult {
    let mut server = start::<S>(&[])?;
    let long = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{}\"}}", "x".repeat(5 << 20));
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{{\"a\":{}{}}}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    for round in 0..2 {
        server.send(&notification("notifications/cancelled", &json!({"requestId": 99}))).await?;
        server.send_line("").await?;
        for (line, code) in [
            ("{", -32700),
            ("\u{1b}[31mred", -32700),
            (deep.as_str(), -32700),
            ("[]", -32600),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}"#, -32602),
            (long.as_str(), 1413),
        ] {
            server.send_line(line).await?;
            let answer = server.receive().await?;
            let shown: String = line.chars().take(60).collect();
            ensure!(answer["error"]["code"] == code, "{round} {shown}: {answer}");
        }
        let listed = server.ask(&modern(7, "tools/list", &json!({}))).await?;
        ensure!(listed["result"]["tools"].is_array(), "{listed}");
    }
    Ok(())
}

/// A closed stdin ends the process with 0 after the last answer; so does SIGTERM.
pub async fn x7_end_of_input_and_signals<S: McpServer>() -> TestResult {
    let mut server = start::<S>(&[])?;
    server.ask(&modern(1, "tools/list", &json!({}))).await?;
    for id in 2..12 {
        server.send(&modern(id, "tools/list", &json!({}))).await?;
    }
    let (rest, status) = server.close().await?;
    ensure!(rest.len() == 10 && status.success(), "{} answers, {status}", rest.len());

    for signal in ["TERM", "INT"] {
        let mut server = start::<S>(&[])?;
        server.ask(&modern(1, "tools/list", &json!({}))).await?;
        let status = server.signal(signal).await?;
        ensure!(status.success(), "SIG{signal}: {status}");
    }
    let (_, status) = start::<S>(&[])?.close().await?;
    ensure!(status.success(), "no message at all: {status}");
    Ok(())
}

/// A thousand calls at once: one answer each, none twice.
pub async fn x9_each_id_gets_one_answer<S: McpServer>() -> TestResult {
    let mut server = start::<S>(&[])?;
    let listed = server.ask(&modern(0, "tools/list", &json!({}))).await?;
    let call = harmless(&listed["result"]["tools"]);
    let mut open: BTreeSet<u64> = (1..=1_000).collect();
    for id in 1..=1_000_u64 {
        let (method, params) =
            if id % 2 == 0 { ("tools/call", call.clone()) } else { ("prompts/list", json!({})) };
        server.send(&modern(id, method, &params)).await?;
        // Read as we go: nobody may depend on an endless pipe.
        if id % 50 == 0 {
            for _ in 0..50 {
                take(&mut open, &server.receive().await?)?;
            }
        }
    }
    ensure!(open.is_empty(), "without an answer: {open:?}");
    Ok(())
}

fn take(open: &mut BTreeSet<u64>, answer: &Value) -> TestResult {
    let id = answer["id"].as_u64().ok_or_else(|| format!("no id: {answer}"))?;
    ensure!(answer.get("result").is_some(), "{answer}");
    ensure!(open.remove(&id), "a second answer to {id}");
    Ok(())
}

/// A first request that is neither `initialize` nor carries its version: -32602 names what is missing.
pub async fn x10_without_metadata_an_answer_not_a_hang<S: McpServer>() -> TestResult {
    let mut server = start::<S>(&[])?;
    let answer = server.ask(&request(1, "tools/list", &json!({}))).await?;
    ensure!(answer["error"]["code"] == -32602, "{answer}");
    let answer = server.ask(&modern(2, "tools/list", &json!({}))).await?;
    ensure!(answer["result"]["tools"].is_array(), "{answer}");
    Ok(())
}

/// The same tools over stdio and HTTP, in both eras.
pub async fn x11_same_tools_everywhere<S: McpServer>() -> TestResult {
    let mut modern_stdio = start::<S>(&[])?;
    let expected =
        modern_stdio.ask(&modern(1, "tools/list", &json!({}))).await?["result"]["tools"].take();
    let mut legacy_stdio = start::<S>(&[])?;
    legacy_stdio.ask(&initialize(1, LEGACY)).await?;
    let legacy =
        legacy_stdio.ask(&request(2, "tools/list", &json!({}))).await?["result"]["tools"].take();
    let server = HttpServer::start(&S::FACTS.member.binary(), &[]).await?;
    let over_http = http::modern(server.address, "tools/list", &json!({})).await?.json()?;
    let legacy_http =
        http::legacy(server.address, &request(1, "tools/list", &json!({}))).await?.json()?;
    for tools in [&legacy, &over_http["result"]["tools"], &legacy_http["result"]["tools"]] {
        ensure!(*tools == expected, "{tools} differs from {expected}");
    }
    let names: Vec<&str> = expected
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    ensure!(names.is_sorted() && !names.is_empty(), "{names:?}");
    Ok(())
}
