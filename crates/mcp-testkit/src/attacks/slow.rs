//! Attacks by patience or number. The long ones run once, on the fixture: every server has the same front.

use std::time::Duration;

use mcp_core::McpServer;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use super::{
    Outcome,
    channel::{LIMITS, Transport},
};
use crate::{TestResult, binary::HttpServer, ensure, http, suite, wire};

/// Whether this is the server on which the long ones run.
fn is_fixture<S: McpServer>() -> bool {
    S::LEGACY_SESSIONS
}

/// 250 sockets that dribble their headers and 250 their bodies: given up after 10 and 15 s, while others
/// are served.
pub async fn tr_08<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    if !is_fixture::<S>() {
        return Ok(Outcome::NotApplicable("the front is one; run on the fixture"));
    }
    let environment = [("MACHINA_MAX_CONNECTIONS_EACH", "1024")];
    let server = HttpServer::start(&S::FACTS.member.binary(), &environment).await?;
    let began = Instant::now();
    let mut sockets = Vec::new();
    for index in 0..500 {
        let mut stream = TcpStream::connect(server.address).await?;
        let start: &[u8] = if index % 2 == 0 {
            b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: a"
        } else {
            b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        };
        stream.write_all(start).await?;
        sockets.push(stream);
    }
    for _ in 0..20 {
        let asked = Instant::now();
        let answer = http::get(server.address, "/health").await?;
        ensure!(answer.status == 200, "{answer:?}");
        ensure!(
            asked.elapsed() < Duration::from_secs(2),
            "another client waits {:?}",
            asked.elapsed()
        );
    }
    for (index, mut stream) in sockets.into_iter().enumerate() {
        let mut rest = Vec::new();
        let limit = Duration::from_secs(25).saturating_sub(began.elapsed());
        let read = tokio::time::timeout(limit, stream.read_to_end(&mut rest)).await;
        ensure!(read.is_ok(), "socket {index} is still open after {:?}", began.elapsed());
    }
    Ok(Outcome::Run)
}

/// A burst of anonymous `initialize` leaves nothing behind; with sessions the next one past the cap is
/// refused. 5,000 of them: `cargo xtask bench core`.
pub async fn tr_09<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    if !is_fixture::<S>() {
        suite::http::many_initialize_leave_nothing_behind::<S>().await?;
        return Ok(Outcome::Run);
    }
    let server = HttpServer::start(&S::FACTS.member.binary(), &LIMITS).await?;
    let body = wire::initialize(1, wire::LEGACY).to_string();
    let mut refused = 0;
    for _ in 0..300 {
        let answer = http::post(server.address, &http::PLAIN, body.as_bytes()).await?;
        match answer.status {
            200 => ensure!(refused == 0, "accepted after a refusal"),
            503 => refused += 1,
            _ => return Err(format!("{answer:?}").into()),
        }
    }
    ensure!(refused == 300 - 256, "{refused} of 300 refused");
    Ok(Outcome::Run)
}

/// Idle subscriptions: nobody offers any.
pub async fn tr_10<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    if is_fixture::<S>() {
        return Ok(Outcome::NotApplicable("the official suite asks it for subscriptions"));
    }
    let server = HttpServer::start(&S::FACTS.member.binary(), &[]).await?;
    let params = json!({"notifications": {"toolsListChanged": true}});
    for _ in 0..100 {
        let answer = http::modern(server.address, "subscriptions/listen", &params).await?;
        ensure!(answer.status == 404 && answer.json()?["error"]["code"] == -32601, "{answer:?}");
    }
    Ok(Outcome::Run)
}
