//! The HTTP front, on the real executable.

use futures_util::future::try_join_all;
use mcp_core::McpServer;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    TestResult,
    binary::{HttpServer, LIMIT},
    ensure,
    http::{PLAIN, get, legacy, modern, post, raw},
    kept_alive::{Ended, KeptAlive},
    wire,
};

async fn start<S: McpServer>() -> TestResult<HttpServer> {
    HttpServer::start(&S::FACTS.member.binary(), &[]).await
}

fn list() -> Vec<u8> {
    wire::request(1, "tools/list", &json!({})).to_string().into_bytes()
}

/// DNS rebinding: a page may not talk to a server on loopback under a name of its own.
pub async fn hosts_and_origins_are_checked<S: McpServer>() -> TestResult {
    let server = start::<S>().await?;
    for (host, status) in [
        ("localhost", 200),
        ("[::1]:9", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.nip.io", 403),
        ("[::ffff:127.0.0.1]", 403),
    ] {
        let mut headers = PLAIN.to_vec();
        headers.push(("Host", host));
        let answer = post(server.address, &headers, &list()).await?;
        ensure!(answer.status == status, "Host {host}: {answer:?}");
    }
    for (origin, status) in [
        ("http://localhost:8080", 200),
        ("https://127.0.0.1", 200),
        ("null", 403),
        ("https://evil.example", 403),
    ] {
        let mut headers = PLAIN.to_vec();
        headers.push(("Origin", origin));
        let answer = post(server.address, &headers, &list()).await?;
        ensure!(answer.status == status, "Origin {origin}: {answer:?}");
        ensure!(!answer.head.contains("access-control-allow"), "{answer:?}");
    }
    for path in ["/health", "/health/ready", "/metrics"] {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
        let answer = raw(server.address, request.as_bytes()).await?;
        ensure!(answer.status == 403, "{path}: {answer:?}");
        ensure!(answer.head.contains("x-request-id: "), "{path}: {answer:?}");
    }
    for head in [
        "GET /health HTTP/1.1\r\n",
        "GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n",
    ] {
        let answer =
            raw(server.address, format!("{head}Connection: close\r\n\r\n").as_bytes()).await?;
        ensure!(answer.status == 400, "{head}: {answer:?}");
    }
    Ok(())
}

/// What is no JSON-RPC message gets a JSON-RPC error, without a parser's words.
pub async fn envelopes_are_checked<S: McpServer>() -> TestResult {
    let server = start::<S>().await?;
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{{\"a\":{}{}}}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    for (body, code) in [
        ("", -32700),
        ("{", -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list""#, -32700),
        (r#"{"a":NaN}"#, -32700),
        (deep.as_str(), -32700),
        ("[]", -32600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}"#, -32602),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":[]}}"#,
            -32602,
        ),
    ] {
        let answer = post(server.address, &PLAIN, body.as_bytes()).await?;
        let shown: String = body.chars().take(60).collect();
        ensure!(
            // Older revisions answer a fault of the method with 200.
            (answer.status == 400 || code == -32602) && answer.head.contains("application/json"),
            "{shown}: {answer:?}"
        );
        let json = answer.json()?;
        ensure!(json["error"]["code"] == code, "{shown}: {json}");
        for word in ["expected", "line 1", "column", "serde", "untagged"] {
            ensure!(!answer.body.contains(word), "{shown}: a parser's words: {json}");
        }
    }
    let invalid =
        post(server.address, &PLAIN, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}").await?;
    ensure!(invalid.json()?["error"]["code"] == -32700, "{invalid:?}");
    Ok(())
}

/// Clients that ask for anything, or for JSON alone, get JSON.
pub async fn content_types_are_negotiated<S: McpServer>() -> TestResult {
    let server = start::<S>().await?;
    let json = ("Content-Type", "application/json");
    for accept in [
        None,
        Some("*/*"),
        Some("application/json"),
        Some("application/*, text/event-stream;q=0.5"),
    ] {
        let mut headers = vec![json];
        headers.extend(accept.map(|accept| ("Accept", accept)));
        let answer = post(server.address, &headers, &list()).await?;
        ensure!(
            answer.status == 200 && answer.json()?["result"].is_object(),
            "{accept:?}: {answer:?}"
        );
    }
    let unacceptable = post(server.address, &[json, ("Accept", "text/html")], &list()).await?;
    ensure!(unacceptable.status == 406, "{unacceptable:?}");
    for content in ["text/plain", "application/json-seq", ""] {
        let headers = [("Content-Type", content), ("Accept", "*/*")];
        let answer = post(server.address, &headers, &list()).await?;
        ensure!(answer.status == 415, "{content}: {answer:?}");
    }
    let compressed = [PLAIN[0], PLAIN[1], ("Content-Encoding", "gzip")];
    let answer = post(server.address, &compressed, &list()).await?;
    ensure!(answer.status == 415, "{answer:?}");
    for method in ["GET", "DELETE"] {
        let request =
            format!("{method} /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = raw(server.address, request.as_bytes()).await?;
        ensure!(
            answer.status == 405 && answer.head.contains("allow: post"),
            "{method}: {answer:?}"
        );
    }
    let preflight = "OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\nConnection: close\r\n\r\n";
    let answer = raw(server.address, preflight.as_bytes()).await?;
    ensure!(answer.status == 403, "{answer:?}");
    Ok(())
}

/// A body over the limit is refused, told by its length or not.
pub async fn sizes_are_bounded<S: McpServer>() -> TestResult {
    let server =
        HttpServer::start(&S::FACTS.member.binary(), &[("MACHINA_MAX_BODY", "2048")]).await?;
    let long = vec![b' '; 2049];
    let fixed = post(server.address, &PLAIN, &long).await?;
    ensure!(fixed.status == 413 && fixed.json()?["error"]["code"] == 1413, "{fixed:?}");
    let mut chunked = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n801\r\n".to_vec();
    chunked.extend_from_slice(&long);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    let answer = raw(server.address, &chunked).await?;
    ensure!(answer.status == 413, "{answer:?}");
    let mut exact = list();
    exact.resize(2048, b' ');
    let answer = post(server.address, &PLAIN, &exact).await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(())
}

/// What says that a task is not there: it was never made, or the client does not declare tasks.
pub(crate) const NO_TASK: [i64; 2] = [-32_602, -32_021];

/// Whether a server says that calls may become tasks.
pub(crate) fn declares_tasks(discovered: &Value) -> bool {
    let extensions = &discovered["result"]["capabilities"]["extensions"];
    extensions.get("io.modelcontextprotocol/tasks").is_some()
}

/// What is not declared is not there: -32601, with 404 in the newest revision. Of a server that has tasks
/// one that was never made is not there.
pub async fn undeclared_methods_are_refused<S: McpServer>() -> TestResult {
    let server = start::<S>().await?;
    let discovered = modern(server.address, "server/discover", &json!({})).await?.json()?;
    let has_tasks = declares_tasks(&discovered);
    let subscription = json!({"notifications": {"toolsListChanged": true}});
    for (method, params) in [
        ("no/such/method", json!({})),
        ("logging/setLevel", json!({"level": "info"})),
        ("resources/subscribe", json!({"uri": "machina://readme"})),
        ("subscriptions/listen", subscription),
        ("tasks/get", json!({"taskId": "x"})),
        ("initialize", json!({})),
        ("ping", json!({})),
    ] {
        let answer = modern(server.address, method, &params).await?;
        let code = answer.json()?["error"]["code"].take();
        let removed = method == "initialize";
        let declared = has_tasks
            && method == "tasks/get"
            && code.as_i64().is_some_and(|code| NO_TASK.contains(&code));
        ensure!(
            code == -32601 && answer.status == 404 || removed || declared,
            "{method}: {answer:?}"
        );
    }
    let logging = wire::request(1, "logging/setLevel", &json!({"level": "info"}));
    let answer = legacy(server.address, &logging).await?.json()?;
    ensure!(answer["error"]["code"] == -32601, "{answer}");
    Ok(())
}

/// One endpoint, both eras, no session.
pub async fn both_eras_answer_on_one_endpoint<S: McpServer>() -> TestResult {
    let server = start::<S>().await?;
    let opened =
        post(server.address, &PLAIN, wire::initialize(1, wire::LEGACY).to_string().as_bytes())
            .await?;
    ensure!(opened.json()?["result"]["protocolVersion"] == wire::LEGACY, "{opened:?}");
    ensure!(!opened.head.contains("mcp-session-id"), "{opened:?}");
    let told = wire::notification("notifications/initialized", &json!({}));
    let answer = legacy(server.address, &told).await?;
    ensure!(answer.status == 202 && answer.body.is_empty(), "{answer:?}");
    let called =
        legacy(server.address, &wire::request(2, "tools/list", &json!({}))).await?.json()?;
    ensure!(called["result"].get("resultType").is_none() && called["id"] == 2, "{called}");
    let called = modern(server.address, "tools/list", &json!({})).await?.json()?;
    ensure!(called["result"]["resultType"] == "complete", "{called}");
    let headers =
        [PLAIN[0], PLAIN[1], ("MCP-Protocol-Version", wire::MODERN), ("Mcp-Method", "tools/call")];
    let mismatch = post(
        server.address,
        &headers,
        wire::modern(1, "tools/list", &json!({})).to_string().as_bytes(),
    )
    .await?;
    ensure!(mismatch.status == 400 && mismatch.json()?["error"]["code"] == -32020, "{mismatch:?}");
    Ok(())
}

/// serverInfo and cache hints where the newest revision asks for them.
pub async fn answers_name_the_server_and_may_be_kept<S: McpServer>() -> TestResult {
    let server = start::<S>().await?;
    for (method, params, ttl) in [
        ("server/discover", json!({}), Some(300_000)),
        ("tools/list", json!({}), Some(300_000)),
        ("prompts/list", json!({}), Some(300_000)),
        ("resources/list", json!({}), Some(30_000)),
        ("resources/templates/list", json!({}), Some(300_000)),
        ("resources/read", json!({"uri": "machina://readme"}), Some(0)),
        (
            "tools/call",
            json!({"name": S::toolsets()[0].tools[0], "arguments": {"no_such_argument": 1}}),
            None,
        ),
    ] {
        let answer = modern(server.address, method, &params).await?;
        ensure!(answer.head.contains("x-request-id: "), "{method}: {answer:?}");
        let result = answer.json()?["result"].take();
        let name = &result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"];
        ensure!(*name == S::FACTS.member.binary(), "{method}: {result}");
        ensure!(result.get("ttlMs").and_then(Value::as_u64) == ttl, "{method}: {result}");
        ensure!(ttl.is_none() || result["cacheScope"].is_string(), "{method}: {result}");
    }
    Ok(())
}

/// Liveness looks at nothing, readiness names its probes, metrics open no series at random.
pub async fn health_readiness_and_metrics<S: McpServer>() -> TestResult {
    let server = start::<S>().await?;
    let live = get(server.address, "/health").await?.json()?;
    ensure!(live["status"] == "ok" && live["server"] == S::FACTS.member.name, "{live}");
    ensure!(live["version"] == S::FACTS.version && live["uptime_s"].is_u64(), "{live}");
    let ready = get(server.address, "/health/ready").await?;
    let json = ready.json()?;
    ensure!(json["probes"].is_array(), "{json}");
    ensure!(
        (ready.status == 200) == matches!(json["status"].as_str(), Some("ready" | "degraded")),
        "{ready:?}"
    );
    for index in 0..20 {
        let call = json!({"name": format!("random_{index}"), "arguments": {}});
        modern(server.address, "tools/call", &call).await?;
    }
    let metrics = get(server.address, "/metrics").await?;
    ensure!(metrics.head.contains("application/openmetrics-text"), "{}", metrics.head);
    ensure!(metrics.body.trim_end().ends_with("# EOF"), "{}", metrics.body);
    ensure!(metrics.body.contains("error_type=\"unknown_tool\""), "{}", metrics.body);
    ensure!(!metrics.body.contains("random_"), "{}", metrics.body);
    let lost = get(server.address, "/nowhere").await?;
    ensure!(lost.status == 404 && lost.json()?["hint"].is_string(), "{lost:?}");
    Ok(())
}

/// SIGTERM and SIGINT end the process with 0, after the request in flight was answered.
pub async fn a_signal_lets_calls_end<S: McpServer>() -> TestResult {
    for signal in ["TERM", "INT"] {
        let server = start::<S>().await?;
        let body = list();
        let (first, second) = body.split_at(body.len() / 2);
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: */*\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(server.address).await?;
        stream.write_all(head.as_bytes()).await?;
        // It asks for the body once it has the request in hand.
        let mut go_on = [0; 25];
        tokio::time::timeout(LIMIT, stream.read_exact(&mut go_on)).await??;
        ensure!(go_on == *b"HTTP/1.1 100 Continue\r\n\r\n", "{go_on:?}");
        stream.write_all(first).await?;
        let address = server.address;
        let ending = server.signal(signal);
        let rest = async {
            while get(address, "/health").await.is_ok() {
                tokio::task::yield_now().await;
            }
            stream.write_all(second).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            TestResult::Ok(String::from_utf8(answer)?)
        };
        let (status, answer) = tokio::join!(ending, tokio::time::timeout(LIMIT, rest));
        let (status, answer) = (status?, answer??);
        ensure!(status.success(), "SIG{signal}: {status}");
        ensure!(answer.contains(" 200 ") && answer.contains("\"tools\""), "SIG{signal}: {answer}");
    }
    Ok(())
}

/// No session, no memory: a burst of anonymous `initialize` leaves nothing behind.
pub async fn many_initialize_leave_nothing_behind<S: McpServer>() -> TestResult {
    let environment = [("MACHINA_RATE_READ", "1000000:1000000")];
    let server = HttpServer::start(&S::FACTS.member.binary(), &environment).await?;
    let hello = &wire::initialize(1, wire::LEGACY);
    let greet = async |mut connection: KeptAlive, times: usize| {
        for _ in 0..times {
            let ended = connection.post(&[], hello).await?;
            ensure!(matches!(ended, Ended::Answered(200, _)), "{ended:?}");
        }
        TestResult::Ok(connection)
    };
    let connections = try_join_all((0..8).map(|_| KeptAlive::open(server.address))).await?;
    let connections = try_join_all(connections.into_iter().map(|one| greet(one, 10))).await?;
    let before = resident_kib(&server)?;
    try_join_all(connections.into_iter().map(|one| greet(one, 625))).await?;
    let grown = resident_kib(&server)?.saturating_sub(before);
    // With sessions this was 49 KB each: 244 MB.
    ensure!(grown < 5 * 1024, "5,000 initialize cost {grown} KiB");
    Ok(())
}

/// Resident memory of the server; where the system does not tell, it is taken for unchanged.
fn resident_kib(server: &HttpServer) -> TestResult<u64> {
    let Some(pid) = server.child.id() else { return Err("the server ended".into()) };
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else { return Ok(0) };
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).ok_or("no value")?.parse()?)
}
