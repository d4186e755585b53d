//! A double of the engine: a socket that answers by path and records what was asked.

use std::sync::{Arc, Mutex, PoisonError};

use machina_docker::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};

/// What a path is answered with.
pub(crate) enum Reply {
    /// A JSON body with a status.
    Json(u16, Value),
    /// Any body with a status, in the given pieces.
    Body(u16, Vec<Vec<u8>>),
    /// These bytes instead of an HTTP answer, then the end.
    Bytes(Vec<u8>),
    /// These bytes, then silence until the client goes.
    Silence(Vec<u8>),
}

impl Reply {
    pub(crate) fn ok(body: Value) -> Self {
        Self::Json(200, body)
    }
}

type Seen = Arc<Mutex<Vec<String>>>;

/// A running double and a server that talks to it.
pub(crate) struct Fake {
    pub(crate) server: InProcess<Server>,
    seen: Seen,
    _dir: tempfile::TempDir,
}

impl Fake {
    /// Answer `/version` for that API version, and all else by `route`, which gets the path
    /// without its version, and the query.
    pub(crate) async fn start(
        api: &'static str,
        route: impl Fn(&str, &str) -> Reply + Send + Sync + 'static,
    ) -> TestResult<Self> {
        Self::with_version(version(api), route).await
    }

    pub(crate) async fn with_version(
        version: Value,
        route: impl Fn(&str, &str) -> Reply + Send + Sync + 'static,
    ) -> TestResult<Self> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("engine.sock");
        let listener = UnixListener::bind(&path)?;
        let seen = Seen::default();
        let route = move |path: &str, query: &str| match path {
            "/version" => Reply::ok(version.clone()),
            "/_ping" => Reply::Body(200, vec![b"OK".to_vec()]),
            _ => route(path, query),
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "a double has no server that could spawn it"
        )]
        drop(tokio::spawn(serve(listener, Arc::clone(&seen), Arc::new(route))));
        let mut config = Config::default();
        config.host = Some(format!("unix://{}", path.display()));
        config.read_timeout_s = 1;
        config.log_scan_s = 1;
        Ok(Self { server: InProcess::start(config).await?, seen, _dir: dir })
    }

    /// Request lines so far: method and path.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn version(api: &str) -> Value {
    json!({"Version": "99.1", "ApiVersion": api, "MinAPIVersion": "1.24"})
}

type Route = dyn Fn(&str, &str) -> Reply + Send + Sync;

async fn serve(listener: UnixListener, seen: Seen, route: Arc<Route>) {
    while let Ok((stream, _)) = listener.accept().await {
        #[expect(
            clippy::disallowed_methods,
            reason = "a double has no server that could spawn it"
        )]
        drop(tokio::spawn(answer(stream, Arc::clone(&seen), Arc::clone(&route))));
    }
}

/// One request, one answer, the end. A client that goes early is no fault of the double.
async fn answer(mut stream: UnixStream, seen: Seen, route: Arc<Route>) -> std::io::Result<()> {
    let Some(line) = request_line(&mut stream).await? else { return Ok(()) };
    let target = line.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = match path.strip_prefix("/v").and_then(|rest| rest.split_once('/')) {
        Some((version, rest)) if version.starts_with("1.") => format!("/{rest}"),
        _ => path.to_owned(),
    };
    let reply = route(&path, query);
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    match reply {
        Reply::Json(status, body) => {
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await
        }
        Reply::Body(status, pieces) => {
            let head = format!("HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            for piece in pieces {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
                stream.write_all(&piece).await?;
                stream.write_all(b"\r\n").await?;
                stream.flush().await?;
                tokio::task::yield_now().await;
            }
            stream.write_all(b"0\r\n\r\n").await
        }
        Reply::Bytes(bytes) => stream.write_all(&bytes).await,
        Reply::Silence(bytes) => {
            stream.write_all(&bytes).await?;
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.map(drop)
        }
    }
}

async fn request_line(stream: &mut UnixStream) -> std::io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut piece = [0; 1024];
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Ok(None);
        }
        head.extend_from_slice(piece.get(..read).unwrap_or_default());
    }
    let head = String::from_utf8_lossy(&head);
    Ok(head.lines().next().map(|line| line.trim_end_matches(" HTTP/1.1").to_owned()))
}

/// A frame of a log stream.
pub(crate) fn frame(kind: u8, line: &str) -> Vec<u8> {
    let length = u32::try_from(line.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[kind, 0, 0, 0], length.as_slice(), line.as_bytes()].concat()
}
