//! HTTP by hand, so that a test can also send what no client library would.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use mcp_core::{
    auth::Authenticator,
    config::CoreConfig,
    pipeline::Guarded,
    state_dir::StateDir,
    transport::http::{app, serve},
    upstream::Upstreams,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::Child,
};
use tokio_util::sync::CancellationToken;

use crate::{TestResult, binary::LIMIT, wire};

/// An answer.
#[derive(Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header lines, in lower case.
    pub head: String,
    /// Body; of an image what of it is text.
    pub body: String,
}

impl Response {
    /// The body as JSON; of a stream, the last event's data.
    pub fn json(&self) -> TestResult<Value> {
        let data = self.body.lines().filter_map(|line| line.strip_prefix("data: ")).next_back();
        let text = data.unwrap_or(&self.body);
        serde_json::from_str(text).map_err(|error| format!("{error}: {}", self.body).into())
    }
}

/// Send bytes on a connection of their own and read the answer to its end.
pub async fn raw(address: SocketAddr, request: &[u8]) -> TestResult<Response> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        TestResult::Ok(answer)
    };
    let answer = tokio::time::timeout(LIMIT, exchange).await??;
    let is_image = answer.windows(20).any(|part| part == b"content-type: image/");
    let answer = if is_image {
        String::from_utf8_lossy(&answer).into_owned()
    } else {
        String::from_utf8(answer)?
    };
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no header")?;
    let status =
        head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("no status")?;
    let head = head.to_ascii_lowercase();
    let body =
        if head.contains("transfer-encoding: chunked") { unchunk(body) } else { body.to_owned() };
    Ok(Response { status, head, body })
}

fn unchunk(body: &str) -> String {
    let (mut text, mut rest) = (String::new(), body);
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        text.push_str(tail.get(..size).unwrap_or(tail));
        rest = tail.get(size + 2..).unwrap_or_default();
    }
    text
}

/// GET a path.
pub async fn get(address: SocketAddr, path: &str) -> TestResult<Response> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    raw(address, request.as_bytes()).await
}

/// POST a body to `/mcp` with these header lines besides Host and length.
pub async fn post(
    address: SocketAddr,
    headers: &[(&str, &str)],
    body: &[u8],
) -> TestResult<Response> {
    send(address, "POST /mcp", headers, body).await
}

/// Send a request, `METHOD path`, with these header lines besides Host and length.
pub async fn send(
    address: SocketAddr,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> TestResult<Response> {
    let mut request = format!("{target} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request.push_str(&format!("Host: {address}\r\n"));
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    let mut bytes = request.into_bytes();
    bytes.extend_from_slice(body);
    raw(address, &bytes).await
}

/// Headers that every well-behaved client sends.
pub const PLAIN: [(&str, &str); 2] =
    [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];

/// POST a request of the newest revision with all headers that it asks for.
pub async fn modern(address: SocketAddr, method: &str, params: &Value) -> TestResult<Response> {
    let message = wire::modern(1, method, params);
    let mut headers = PLAIN.to_vec();
    headers.extend([("MCP-Protocol-Version", wire::MODERN), ("Mcp-Method", method)]);
    let named = ["name", "uri", "taskId"].iter().find_map(|key| params[*key].as_str());
    let name = named.unwrap_or_default().to_owned();
    if !name.is_empty() {
        headers.push(("Mcp-Name", &name));
    }
    post(address, &headers, message.to_string().as_bytes()).await
}

/// POST a message of an older revision.
pub async fn legacy(address: SocketAddr, message: &Value) -> TestResult<Response> {
    let mut headers = PLAIN.to_vec();
    headers.push(("MCP-Protocol-Version", wire::LEGACY));
    post(address, &headers, message.to_string().as_bytes()).await
}

/// Wait until `/health` answers 200; false when the process ended instead.
pub async fn wait_until_live(address: SocketAddr, child: &mut Child) -> TestResult<bool> {
    let wait = async {
        loop {
            if child.try_wait()?.is_some() {
                return TestResult::Ok(false);
            }
            if get(address, "/health").await.is_ok_and(|answer| answer.status == 200) {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await?
}

/// Serve a pipeline on a free port of this process until the guard is dropped.
pub async fn serve_here(
    server: &Guarded,
    core: &CoreConfig,
) -> TestResult<(SocketAddr, tokio_util::sync::DropGuard)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let stopping = CancellationToken::new();
    let health = Arc::new(server.health(stopping.clone()));
    let state = StateDir::new(core.state_dir.clone().unwrap_or_default());
    let auth = Authenticator::open(core, server.facts().member, &state, &Upstreams::default())?;
    let app = app(server, health, core, auth, stopping.clone());
    let metrics = Arc::clone(server.metrics());
    let (core, token) = (core.clone(), stopping.clone());
    #[expect(clippy::disallowed_methods, reason = "a test's own task, ended by the guard")]
    drop(tokio::spawn(async move {
        serve(listener, app, &core, metrics, token).await;
    }));
    Ok((address, stopping.drop_guard()))
}
