//! A plain call takes a short way past the SDK's HTTP service: nothing of an answer may tell which
//! way its question took.

use std::net::SocketAddr;

use mcp_core::{McpServer, StartContext, limits::Rate, pipeline::Guarded};
use serde_json::{Value, json};

use crate::{
    TestResult, ensure,
    http::{PLAIN, Response, post, serve_here},
    in_process::all_tools,
    wire::{self, MODERN},
};

/// The same message both ways. A session's name is nothing to a server without sessions, but what
/// carries one is not plain.
async fn both(address: SocketAddr, name: &str, body: &str) -> TestResult<[Response; 2]> {
    let mut headers = PLAIN.to_vec();
    headers.extend([
        ("MCP-Protocol-Version", MODERN),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", name),
    ]);
    let direct = post(address, &headers, body.as_bytes()).await?;
    headers.push(("Mcp-Session-Id", "none"));
    Ok([direct, post(address, &headers, body.as_bytes()).await?])
}

/// What must be alike: status, type, and the message without what differs from call to call; of a
/// call that did something, its shape.
fn told(response: &Response) -> TestResult<(u16, Option<&str>, Value)> {
    let mut body = response.json()?;
    forget(&mut body);
    let result = &mut body["result"];
    if result.is_object() && result["isError"] != true {
        result["content"] = result["content"].is_array().into();
        result["structuredContent"] = result["structuredContent"].is_object().into();
    }
    let kind = response.head.lines().find(|line| line.starts_with("content-type:"));
    Ok((response.status, kind, body))
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("request_id");
            object.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        // Errors travel as JSON in a text.
        Value::String(text) if text.starts_with('{') => {
            if let Ok(mut inner) = serde_json::from_str::<Value>(text) {
                forget(&mut inner);
                *value = inner;
            }
        }
        _ => {}
    }
}

/// Calls that a tool refuses, and all shapes of a call that are not quite plain.
pub async fn both_ways_of_a_call_answer_alike<S: McpServer>() -> TestResult {
    let state = tempfile::tempdir()?;
    let context = StartContext::detached(state.path().to_path_buf());
    let mut core = all_tools();
    let often = Rate::new(0, 0);
    (core.rate_read, core.rate_write, core.rate_admin) = (often, often, often);
    let server = Guarded::new(S::start(S::Config::default(), context).await?, &core)?;
    let (address, _serving) = serve_here(&server, &core).await?;
    let mut names: Vec<String> =
        server.catalogue().tools().map(|tool| tool.name.to_string()).collect();
    names.push("no_such_tool".to_owned());
    for name in &names {
        for arguments in
            [json!({"no_such_argument": [1, null, {"a": 0.1}]}), json!([]), json!(null)]
        {
            let params = json!({"name": name, "arguments": arguments});
            let message = wire::modern("a\"\\é", "tools/call", &params).to_string();
            let [direct, sdk] = both(address, name, &message).await?;
            ensure!(told(&direct)? == told(&sdk)?, "{message}: {direct:?} {sdk:?}");
        }
    }
    let name = mcp_core::status::TOOL;
    let meta = format!(
        r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientCapabilities":{{}}}}"#
    );
    for params in [
        format!(r#"{{"name":"{name}","arguments":{{"errors":-1}},{meta}}}"#),
        format!(r#"{{"name":"{name}","name":"other","arguments":{{"errors":-1}},{meta}}}"#),
        format!(r#"{{"name":"other","arguments":{{"errors":-1}},{meta}}}"#),
        format!(r#"{{"name":"{name}","arguments":{{"errors":-1}},"extra":1,{meta}}}"#),
        format!(r#"{{"name":"{name}","arguments":{{"errors":-1,"errors":-2}},{meta}}}"#),
        format!(r#"{{"name":"{name}","arguments":{{"errors":1e999}},{meta}}}"#),
        format!(r#"{{"name":"{name}","arguments":{{"errors":-1}},"requestState":"x",{meta}}}"#),
        format!(r#"{{"name":"{name}","arguments":{{"errors":-1}},"requestState":1,{meta}}}"#),
        format!(r#"{{"name":"{name}","arguments":{{"errors":-1}},"inputResponses":{{}},{meta}}}"#),
        format!(r#"{{"name":"{name}","arguments":{{"errors":-1}}}}"#),
        format!(r#"{{"name":"{name}","arguments":{{"errors":-1}},"_meta":7}}"#),
        format!(r#"{{"name":"{name}","arguments":{{"errors":-1}},"_meta":{{}}}}"#),
        format!(
            r#"{{"name":"{name}","arguments":{{"errors":-1}},{}}}"#,
            meta.replace("07-28", "07-29")
        ),
        format!(
            r#"{{"name":"{name}","arguments":{{"errors":-1}},{}}}"#,
            meta.replace("2026-07-28", "2025-11-25")
        ),
        format!(r#"{{"name":"{name}","arguments":{{"errors":-1}},{}}}"#, meta.replace("{}", "7")),
        format!(r#"{{"name":7,{meta}}}"#),
        format!("[1,{{{meta}}}]"),
    ] {
        for id in ["1", "\"x\"", "9007199254740993", "-1"] {
            let message =
                format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#);
            let [direct, sdk] = both(address, name, &message).await?;
            ensure!(told(&direct)? == told(&sdk)?, "{message}: {direct:?} {sdk:?}");
        }
    }
    server.stop().await;
    Ok(())
}
