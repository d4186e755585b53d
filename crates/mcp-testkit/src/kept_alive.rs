//! A connection that carries many requests, for tests that need thousands of them or their ends.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{TestResult, binary::LIMIT, http::PLAIN, wire};

/// One connection to a server.
pub struct KeptAlive {
    stream: TcpStream,
    /// What came of the answer that is being read.
    read: Vec<u8>,
}

/// How a request on it ended.
#[derive(Debug)]
pub enum Ended {
    /// The whole answer: its status and body.
    Answered(u16, Vec<u8>),
    /// The connection closed before anything of an answer.
    Closed,
    /// The connection closed in the middle of an answer.
    Cut(Vec<u8>),
}

impl KeptAlive {
    /// Connect.
    pub async fn open(address: SocketAddr) -> TestResult<Self> {
        Ok(Self { stream: TcpStream::connect(address).await?, read: Vec::new() })
    }

    /// POST a message to `/mcp`, with these header lines besides the plain ones.
    pub async fn post(&mut self, headers: &[(&str, &str)], message: &Value) -> TestResult<Ended> {
        let body = message.to_string();
        let mut request = "POST /mcp HTTP/1.1\r\nHost: localhost\r\n".to_owned();
        for (name, value) in PLAIN.iter().chain(headers) {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        if self.stream.write_all(request.as_bytes()).await.is_err() {
            return Ok(Ended::Closed);
        }
        tokio::time::timeout(LIMIT, self.answer()).await?
    }

    /// POST a request of the newest revision.
    pub async fn ask(&mut self, method: &str, params: &Value) -> TestResult<Ended> {
        let mut headers = vec![("MCP-Protocol-Version", wire::MODERN), ("Mcp-Method", method)];
        headers.extend(params["name"].as_str().map(|name| ("Mcp-Name", name)));
        self.post(&headers, &wire::modern(1, method, params)).await
    }

    async fn answer(&mut self) -> TestResult<Ended> {
        self.read.clear();
        loop {
            if let Some((status, begin, end)) = whole(&self.read)? {
                let body = self.read.get(begin..end).unwrap_or_default().to_vec();
                return Ok(Ended::Answered(status, body));
            }
            match self.stream.read_buf(&mut self.read).await {
                Ok(1..) => {}
                _ if self.read.is_empty() => return Ok(Ended::Closed),
                _ => return Ok(Ended::Cut(self.read.clone())),
            }
        }
    }
}

/// Status and place of the body, once it has all arrived. Answers here tell their length.
fn whole(bytes: &[u8]) -> TestResult<Option<(u16, usize, usize)>> {
    let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(bytes.get(..at).unwrap_or_default())?.to_ascii_lowercase();
    let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let end = at + 4 + length.ok_or("no length")?.parse::<usize>()?;
    Ok((bytes.len() >= end).then_some((status, at + 4, end)))
}
