//! A scripted upstream over plain sockets: it can fail in ways that no HTTP library lets one fail.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::Instant,
};

/// Computes an answer's body from the request line.
pub(crate) type Page = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// What to do with one request.
#[derive(Clone)]
pub(crate) enum Step {
    /// Send these bytes and keep the connection.
    Send(Vec<u8>),
    /// Send these bytes and close the connection.
    SendAndClose(Vec<u8>),
    /// Close without a word.
    Close,
    /// Never answer.
    Hang,
    /// Answer 200 with a body made for the request.
    Compute(Page),
}

impl Step {
    /// A whole answer; `headers` are lines such as `Retry-After: 1`.
    pub(crate) fn answer(status: u16, headers: &[&str], body: &str) -> Self {
        Self::Send(answer(status, headers, body, body.len()))
    }

    /// An answer that breaks off in its body.
    pub(crate) fn broken(status: u16, headers: &[&str], body: &str) -> Self {
        Self::SendAndClose(answer(status, headers, body, body.len() + 100))
    }
}

fn answer(status: u16, headers: &[&str], body: &str, length: usize) -> Vec<u8> {
    let mut lines = vec![format!("HTTP/1.1 {status} X"), format!("Content-Length: {length}")];
    lines.extend(headers.iter().map(|line| (*line).to_owned()));
    format!("{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes()
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// When.
    pub(crate) at: Instant,
    /// Request line, headers and body.
    pub(crate) text: String,
}

impl Seen {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.text.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

#[derive(Default)]
struct Record {
    script: VecDeque<Step>,
    seen: Vec<Seen>,
    connections: usize,
}

/// The upstream. It ends when dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    record: Arc<Mutex<Record>>,
    _tasks: JoinSet<()>,
}

impl Fake {
    /// Follow a script; its last step repeats.
    pub(crate) async fn start(script: impl IntoIterator<Item = Step>) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let record = Arc::new(Mutex::new(Record {
            script: script.into_iter().collect(),
            ..Record::default()
        }));
        let mut tasks = JoinSet::new();
        let shared = Arc::clone(&record);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                with(&shared, |record| record.connections += 1);
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    // A client that goes away ends its connection, as it should.
                    drop(serve(stream, &shared).await);
                });
            }
        });
        Ok(Self { address, record, _tasks: tasks })
    }

    /// Its base URL.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        with(&self.record, |record| record.seen.clone())
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        with(&self.record, |record| record.connections)
    }
}

fn with<T>(record: &Mutex<Record>, read: impl FnOnce(&mut Record) -> T) -> T {
    read(&mut record.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

async fn serve(mut stream: TcpStream, record: &Mutex<Record>) -> std::io::Result<()> {
    while let Some(text) = read_request(&mut stream).await? {
        let step = with(record, |record| {
            record.seen.push(Seen { at: Instant::now(), text: text.clone() });
            if record.script.len() > 1 {
                record.script.pop_front()
            } else {
                record.script.front().cloned()
            }
        });
        match step {
            Some(Step::Compute(page)) => {
                let line = text.lines().next().unwrap_or_default();
                let body = page(line);
                stream
                    .write_all(&answer(200, &["Request-Id: req_fake"], &body, body.len()))
                    .await?;
            }
            Some(Step::Send(bytes)) => stream.write_all(&bytes).await?,
            Some(Step::SendAndClose(bytes)) => {
                stream.write_all(&bytes).await?;
                return Ok(());
            }
            Some(Step::Hang) => std::future::pending().await,
            Some(Step::Close) | None => return Ok(()),
        }
    }
    Ok(())
}

/// One request with its body; nothing when the client has closed.
async fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0_u8; 4096];
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Ok(None);
        }
        bytes.extend(chunk.iter().take(read));
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok()
        });
        if body.len() >= length.unwrap_or(0) {
            return Ok(Some(text.into_owned()));
        }
    }
}
