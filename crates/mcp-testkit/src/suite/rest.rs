//! The tools over plain HTTP, on the real executable.

use mcp_core::{McpServer, validation::Schema};
use serde_json::{Value, json};

use crate::{
    TestResult,
    binary::HttpServer,
    ensure,
    http::{PLAIN, Response, get, modern, send},
};

/// The tool that every server has, and that needs nothing.
const STATUS: &str = "get_server_status";

async fn start<S: McpServer>(more: &[(&str, &str)]) -> TestResult<HttpServer> {
    let mut environment = vec![("MACHINA_TOOLSET", "all"), ("MACHINA_AUDIT", "false")];
    environment.extend(more);
    HttpServer::start(&S::FACTS.member.binary(), &environment).await
}

/// The problem of an answer that must be one.
fn problem(answer: &Response, status: u16, code: &str) -> TestResult<Value> {
    let problem = answer.json()?;
    ensure!(answer.status == status && problem["status"] == status, "{answer:?}");
    ensure!(answer.head.contains("application/problem+json"), "{answer:?}");
    ensure!(problem["code"] == code, "{code}: {problem}");
    for field in ["type", "title", "detail"] {
        ensure!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {problem}");
    }
    ensure!(!answer.head.contains("access-control-allow"), "{answer:?}");
    Ok(problem)
}

/// The same tools, results and error codes as over MCP.
pub async fn tools_are_served_over_plain_http<S: McpServer>() -> TestResult {
    let server = start::<S>(&[]).await?;
    let address = server.address;
    let listed = get(address, "/tools").await?.json()?;
    let over_mcp = modern(address, "tools/list", &json!({})).await?.json()?;
    ensure!(listed["tools"] == over_mcp["result"]["tools"], "{listed}");
    let of_status = get(address, &format!("/tools/{STATUS}")).await?.json()?;
    ensure!(of_status["name"] == STATUS && of_status["inputSchema"].is_object(), "{of_status}");

    let call = format!("POST /tools/{STATUS}");
    for body in ["{}", "", r#" {"errors": 3} "#] {
        let answer = send(address, &call, &PLAIN, body.as_bytes()).await?;
        ensure!(answer.status == 200 && answer.head.contains("x-request-id"), "{answer:?}");
        let report = answer.json()?;
        ensure!(report["server"] == S::FACTS.member.name, "{report}");
        let fits = Schema::compile(&of_status["outputSchema"])?.check(&report);
        ensure!(fits.is_ok(), "{fits:?}: {report}");
    }
    let wrong = send(address, &call, &PLAIN, br#"{"no_such_argument": 1}"#).await?;
    let told = problem(&wrong, 400, "invalid_argument")?;
    ensure!(told["field"] == "/no_such_argument" && told["hint"].is_string(), "{told}");
    let id = told["request_id"].as_str().ok_or("no request id")?;
    ensure!(wrong.head.contains(&format!("x-request-id: {id}")), "{wrong:?}");

    for name in ["no_such_tool", "a%0d%0ab", "a%22b", "%1b%5b31m"] {
        let answer = send(address, &format!("POST /tools/{name}"), &PLAIN, b"{}").await?;
        problem(&answer, 404, "unknown_tool")?;
        problem(&get(address, &format!("/tools/{name}")).await?, 404, "unknown_tool")?;
    }
    let core = HttpServer::start(&S::FACTS.member.binary(), &[]).await?;
    problem(&send(core.address, &call, &PLAIN, b"{}").await?, 404, "unknown_tool")?;
    Ok(())
}

/// Methods, media types, sizes, depth, hosts: as at `/mcp`.
pub async fn plain_http_requests_are_checked<S: McpServer>() -> TestResult {
    let server = start::<S>(&[("MACHINA_MAX_BODY", "4096")]).await?;
    let address = server.address;
    let call = format!("POST /tools/{STATUS}");
    for (path, methods, allow) in [
        ("/tools", &["POST", "PUT", "DELETE", "OPTIONS"][..], "allow: get\r"),
        ("/openapi.json", &["POST", "OPTIONS"], "allow: get\r"),
        ("/tools/x", &["PUT", "DELETE", "PATCH", "OPTIONS"], "allow: get, post\r"),
        ("/admin/log-level", &["GET", "POST"], "allow: put\r"),
    ] {
        for method in methods {
            let answer = send(address, &format!("{method} {path}"), &PLAIN, b"").await?;
            problem(&answer, 405, "method_not_allowed")?;
            ensure!(answer.head.contains(allow), "{method} {path}: {answer:?}");
        }
        let head = send(address, &format!("HEAD {path}"), &[], b"").await?;
        ensure!(head.status == 405 && head.body.is_empty(), "{path}: {head:?}");
    }
    for headers in [
        &[("Content-Type", "text/plain")][..],
        &[("Content-Type", "application/x-www-form-urlencoded")],
        &[],
        &[PLAIN[0], ("Content-Encoding", "gzip")],
    ] {
        problem(&send(address, &call, headers, b"{}").await?, 415, "unsupported_media_type")?;
    }
    let deep = format!(r#"{{"errors":{}{}}}"#, "[".repeat(1_000), "]".repeat(1_000));
    for body in ["[]", "5", "null", "{", "{}x", r#"{}, "name": "other""#, "{\"a\": NaN}", &deep] {
        let answer = send(address, &call, &PLAIN, body.as_bytes()).await?;
        let told = problem(&answer, 400, "invalid_request")?;
        for word in ["expected", "line 1", "column", "serde"] {
            ensure!(!answer.body.contains(word), "{body}: a parser's words: {told}");
        }
    }
    let long = send(address, &call, &PLAIN, &vec![b' '; 4_097]).await?;
    problem(&long, 413, "too_large")?;
    for header in [("Host", "evil.example"), ("Origin", "https://evil.example")] {
        let answer = send(address, &call, &[PLAIN[0], header], b"{}").await?;
        problem(&answer, 403, "forbidden")?;
        ensure!(answer.head.contains("x-request-id: "), "{answer:?}");
        let list = send(address, "GET /tools", &[header], b"").await?;
        problem(&list, 403, "forbidden")?;
    }
    Ok(())
}

/// `/openapi.json` is what it says it is, and every schema in it can be used.
pub async fn the_api_description_is_valid<S: McpServer>() -> TestResult {
    let server = start::<S>(&[]).await?;
    let document = get(server.address, "/openapi.json").await?.json()?;
    let official = include_str!("../../data/openapi-3.1.schema.json");
    let official = Schema::compile(&serde_json::from_str(official)?)?;
    let fits = official.check(&document);
    ensure!(fits.is_ok(), "{fits:?}");
    let tools = get(server.address, "/tools").await?.json()?;
    for tool in tools["tools"].as_array().into_iter().flatten() {
        let name = tool["name"].as_str().ok_or("no name")?;
        let operation = &document["paths"][format!("/tools/{name}")]["post"];
        ensure!(operation["operationId"] == name, "{name}: {operation}");
        for part in ["arguments", "result"] {
            let key = format!("{name}.{part}");
            if document["components"]["schemas"].get(&key).is_none() {
                ensure!(part == "result" && tool.get("outputSchema").is_none(), "no {key}");
                continue;
            }
            let schema = json!({"$ref": format!("#/components/schemas/{key}"),
                "components": document["components"]});
            Schema::compile(&schema).map_err(|error| format!("{key}: {error}"))?;
        }
    }
    Ok(())
}
