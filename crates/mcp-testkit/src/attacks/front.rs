//! What reaches the front as bytes: the cases are data, in `front.json`.

use mcp_core::McpServer;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    Outcome,
    channel::{Channel, Said, Transport, post_to},
    instance,
};
use crate::{
    TestResult,
    binary::{HttpServer, LIMIT, StdioServer},
    ensure, http,
    suite::{self, stdio},
    wire,
};

/// One request and the answers that are right.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    what: String,
    method: String,
    path: String,
    /// The Host header; `null` for none, absent for the server's own.
    #[serde(default = "own_host")]
    host: Option<String>,
    head: Vec<String>,
    body: Option<String>,
    status: Vec<u16>,
    /// Code of the JSON-RPC error.
    code: Option<i64>,
    /// What the answer must not contain.
    absent: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "serde asks for the field's type")]
fn own_host() -> Option<String> {
    Some("127.0.0.1".to_owned())
}

impl Case {
    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", self.method, self.path);
        if let Some(host) = &self.host {
            text.push_str(&format!("Host: {host}\r\n"));
        }
        let has = |name: &str| self.head.iter().any(|line| line.starts_with(name));
        if self.body.is_some() && !has("Content-Type") {
            text.push_str(
                "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n",
            );
        } else if has("Content-Length") || has("Transfer-Encoding") {
            text.push_str("Content-Type: application/json\r\n");
        }
        for line in &self.head {
            text.push_str(&format!("{line}\r\n"));
        }
        if let Some(body) = &self.body {
            text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        } else {
            text.push_str("\r\n");
        }
        text.into_bytes()
    }
}

/// Run the cases of an id.
async fn cases<S: McpServer>(id: &str) -> TestResult<Outcome> {
    let all: Vec<Case> = serde_json::from_str(include_str!("front.json"))?;
    let server = HttpServer::start(&S::FACTS.member.binary(), &[]).await?;
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in all.iter().filter(|case| case.id == id) {
        count += 1;
        // The fixture keeps sessions: it misses one where others answer, and takes leave of any.
        let sessions = S::LEGACY_SESSIONS && (id == "TR-16" || case.status.contains(&200));
        let answer = http::raw(server.address, &case.bytes()).await;
        let answer = answer.map_err(|error| format!("{}: {error}", case.what))?;
        let code = answer.json().ok().and_then(|json| json["error"]["code"].as_i64());
        let leaked = case
            .absent
            .as_ref()
            .is_some_and(|text| answer.head.contains(text) || answer.body.contains(text));
        let status = case.status.contains(&answer.status)
            || sessions
                && (answer.status == 202
                    || (400..500).contains(&answer.status) && answer.status != 403)
            || answer.status == 404 && case.path != "/mcp" && id != "TR-01";
        if !status || leaked || case.code.is_some() && case.code != code {
            wrong.push(format!("{}: {} {}", case.what, answer.status, answer.body));
        }
    }
    ensure!(count > 0, "{id} has no cases");
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(Outcome::Run)
}

/// A foreign Host, on every path.
pub async fn tr_01<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    cases::<S>("TR-01").await
}

/// Foreign, null, loopback and absent Origins.
pub async fn tr_02<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    cases::<S>("TR-02").await
}

/// Hosts that look like loopback, none, two.
pub async fn tr_03<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    cases::<S>("TR-03").await
}

/// Headers that contradict the body.
pub async fn tr_04<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    cases::<S>("TR-04").await
}

/// A body of 4 MiB and a byte, told by its length or not; compressed bodies.
pub async fn tr_05<S: McpServer>(transport: Transport) -> TestResult<Outcome> {
    let long = (4 << 20) + 1;
    if transport == Transport::Stdio {
        let mut server = StdioServer::start(&S::FACTS.member.binary(), &[])?;
        server.send_line(&" ".repeat(long)).await?;
        let answer = server.receive().await?;
        ensure!(answer["error"]["code"] == 1413, "{answer}");
        let listed = server.ask(&wire::modern(2, "tools/list", &json!({}))).await?;
        ensure!(listed["result"]["tools"].is_array(), "{listed}");
        return Ok(Outcome::Run);
    }
    if !S::LEGACY_SESSIONS {
        suite::http::sizes_are_bounded::<S>().await?;
    }
    let server = HttpServer::start(&S::FACTS.member.binary(), &[]).await?;
    for head in [format!("Content-Length: {long}"), "Transfer-Encoding: chunked".to_owned()] {
        let mut stream = TcpStream::connect(server.address).await?;
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n{head}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        if head.contains("chunked") {
            stream.write_all(format!("{long:x}\r\n").as_bytes()).await?;
        }
        // The server may answer and close before it has read all.
        drop(stream.write_all(&vec![b' '; long]).await);
        let mut answer = [0; 16];
        let read = tokio::time::timeout(LIMIT, stream.read_exact(&mut answer)).await?;
        read.map_err(|error| format!("{head}: no answer: {error}"))?;
        ensure!(answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
    }
    cases::<S>("TR-05").await
}

/// JSON nested 10,000 deep, and a megabyte in a field with a bound.
pub async fn tr_06<S: McpServer>(transport: Transport) -> TestResult<Outcome> {
    let mut channel = Channel::open::<S>(transport).await?;
    let tool = channel.tools[0]["name"].as_str().unwrap_or_default().to_owned();
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let reply = channel.call_text(&tool, &deep).await?;
    let fault = matches!(reply.said, Said::Fault(-32700));
    let bridge = transport == Transport::Rest && reply.is_refusal();
    ensure!(fault || bridge, "{reply:?}");
    for tool in channel.tools.clone() {
        for (field, schema) in instance::fields(&tool["inputSchema"]) {
            if S::VERBATIM_SCHEMAS || schema["type"] != "string" || schema["maxLength"].is_null() {
                continue;
            }
            let mut arguments = instance::full(&tool["inputSchema"]);
            // Some texts may be longer than what is too long for others.
            let most = schema["maxLength"].as_u64().and_then(|most| usize::try_from(most).ok());
            arguments[&field] = "a".repeat(most.map_or(0, |most| most + 1).max(1 << 20)).into();
            let name = tool["name"].as_str().unwrap_or_default();
            let reply = channel.call(name, &arguments).await?;
            ensure!(reply.code() == "invalid_argument", "{name}.{field}: {:?}", reply.said);
            ensure!(reply.raw.len() < 4_000, "{name}.{field}: the answer repeats the argument");
        }
    }
    Ok(Outcome::Run)
}

/// What is no single JSON-RPC message.
pub async fn tr_07<S: McpServer>(transport: Transport) -> TestResult<Outcome> {
    if transport == Transport::Stdio {
        stdio::x5_garbage_does_not_stop_it::<S>().await?;
        return Ok(Outcome::Run);
    }
    if !S::LEGACY_SESSIONS {
        suite::http::envelopes_are_checked::<S>().await?;
    }
    cases::<S>("TR-07").await
}

/// GET and DELETE; a session id that the client chose.
pub async fn tr_16<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    cases::<S>("TR-16").await
}

/// Ambiguous framing: what a proxy in front could read otherwise.
pub async fn tr_17<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    let server = HttpServer::start(&S::FACTS.member.binary(), &[]).await?;
    // Both framings: refused, or read as chunks and the connection closed (RFC 9112, 6.1), so that what
    // follows is never taken for a request.
    let inner = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        inner.len() + 5
    );
    let mut stream = TcpStream::connect(server.address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let read =
        tokio::time::timeout(std::time::Duration::from_secs(3), stream.read_to_end(&mut answer));
    let closed = read.await.is_ok();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let answers = answer.matches("HTTP/1.1 ").count();
    ensure!(
        closed && answers <= 1,
        "length and chunks together: {answers} answers, closed: {closed}: {answer}"
    );
    cases::<S>("TR-17").await
}

/// No page of another origin may ask.
pub async fn tr_18<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    cases::<S>("TR-18").await
}

/// Methods nobody declared, tools that are switched off.
pub async fn tr_19<S: McpServer>(transport: Transport) -> TestResult<Outcome> {
    if transport == Transport::Http && !S::LEGACY_SESSIONS {
        suite::http::undeclared_methods_are_refused::<S>().await?;
    }
    let all = Channel::open::<S>(transport).await?;
    let mut names = all.tools.iter().filter_map(|tool| tool["name"].as_str());
    let (first, last) = (names.next().unwrap_or_default(), names.next_back().unwrap_or_default());
    let only = [("MACHINA_TOOLS", first)];
    let mut channel = Channel::open_with::<S>(transport, &only).await?;
    ensure!(channel.tools.len() == 1, "{first} alone is listed: {:?}", channel.tools);
    let switched_off = channel.call(last, &json!({})).await?;
    ensure!(matches!(switched_off.said, Said::Fault(-32602)), "{last}: {switched_off:?}");
    if transport == Transport::Stdio {
        let discovered = channel.request("server/discover", &json!({})).await?;
        let has_tasks = suite::http::declares_tasks(&discovered);
        for method in ["no/such/method", "logging/setLevel", "tasks/get"] {
            let answer = channel.request(method, &json!({"level": "info", "taskId": "x"})).await?;
            let code = answer["error"]["code"].as_i64().unwrap_or_default();
            let declared =
                has_tasks && method == "tasks/get" && suite::http::NO_TASK.contains(&code);
            let refused = code == -32601 || declared;
            ensure!(refused || S::LEGACY_SESSIONS, "{method}: {answer}");
        }
    }
    if let (Transport::Rest, Some(address)) = (transport, channel.address()) {
        let unknown = post_to(address, "/tools/..%2f..%2fmcp", "{}").await?;
        let code: Value = unknown.json().unwrap_or_default();
        ensure!(unknown.status == 404, "a path in a name: {unknown:?} {code}");
    }
    Ok(Outcome::Run)
}
