//! stdio: one JSON-RPC message a line, in both directions; stdout carries nothing else.
//!
//! rmcp's own transport drops unreadable lines silently, ends when a client opens with a
//! notification, and forgets running calls when its input ends. Here a line that is no message
//! gets a JSON-RPC error, and calls in flight are answered before the process ends.

use std::{
    collections::HashSet,
    future::Future,
    io,
    sync::{Arc, Mutex as SyncMutex, PoisonError},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use rmcp::{
    RoleServer,
    model::{
        ClientJsonRpcMessage, ClientNotification, ProtocolVersion, RequestId, ServerJsonRpcMessage,
    },
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    sync::{Mutex, Notify},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{envelope, shutdown::GRACE};

/// After the client closed its end, calls in flight may still answer for this long.
const EOF_GRACE: Duration = Duration::from_millis(800);

/// The transport over a pair of streams.
pub struct Stdio<R, W> {
    input: BufReader<R>,
    line: Vec<u8>,
    max_line: usize,
    too_long: bool,
    output: Arc<Mutex<Output<W>>>,
    flight: Arc<Flight>,
    opened: bool,
    stopping: CancellationToken,
    ending: Option<Instant>,
    refused: Refused,
}

/// Whole lines go into the buffer first: whoever is dropped while writing (the service loop drops
/// `receive` at will) leaves the rest to the next writer, and no line is ever torn.
struct Output<W> {
    stream: Option<W>,
    buffer: BytesMut,
}

/// The requests that wait for an answer.
#[derive(Default)]
struct Flight {
    ids: SyncMutex<HashSet<RequestId>>,
    landed: Notify,
}

/// How far a refusal has come.
enum Refused {
    Nothing,
    Noted(String),
    /// In the output's buffer, perhaps not flushed.
    Buffered,
}

enum Line {
    Whole,
    TooLong,
    End,
}

impl<R, W> Stdio<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    /// Speak over these streams until the input ends or `stopping` is cancelled.
    pub fn new(input: R, output: W, max_line: usize, stopping: CancellationToken) -> Self {
        Self {
            input: BufReader::with_capacity(64 << 10, input),
            line: Vec::new(),
            max_line,
            too_long: false,
            output: Arc::new(Mutex::new(Output { stream: Some(output), buffer: BytesMut::new() })),
            flight: Arc::default(),
            opened: false,
            stopping,
            ending: None,
            refused: Refused::Nothing,
        }
    }

    /// Read one line, never more than `max_line` bytes of it. Safe to drop while waiting: nothing
    /// is consumed before it is kept.
    async fn read_line(&mut self) -> io::Result<Line> {
        loop {
            let available = self.input.fill_buf().await?;
            if available.is_empty() {
                return Ok(Line::End);
            }
            let newline = available.iter().position(|byte| *byte == b'\n');
            let (take, part) = match newline {
                Some(at) => (at + 1, available.get(..at)),
                None => (available.len(), Some(available)),
            };
            if !self.too_long && self.line.len() + take <= self.max_line + 1 {
                self.line.extend_from_slice(part.unwrap_or_default());
            } else {
                self.too_long = true;
                self.line = Vec::new();
            }
            self.input.consume(take);
            if newline.is_some() {
                let too_long = std::mem::take(&mut self.too_long);
                return Ok(if too_long { Line::TooLong } else { Line::Whole });
            }
        }
    }

    /// What to do with the line just read: pass a message on, or answer it here.
    fn read_message(&mut self) -> Result<Option<ClientJsonRpcMessage>, Value> {
        let line = std::mem::take(&mut self.line);
        let text = line.trim_ascii();
        if text.is_empty() {
            return Ok(None);
        }
        let envelope = envelope::parse(text).map_err(|fault| fault.to_json())?;
        match serde_json::from_slice::<ClientJsonRpcMessage>(text) {
            Ok(message) => Ok(self.admit(message)),
            // A notification that no revision knows is ignored, as JSON-RPC asks.
            Err(_) if envelope.id.is_none() => Ok(None),
            Err(_) => Err(json!({"jsonrpc": "2.0", "id": envelope.id,
                "error": {"code": -32_602, "message": "invalid params"}})),
        }
    }

    /// rmcp ends a connection whose first message is not a request: hold back what comes before.
    fn admit(&mut self, message: ClientJsonRpcMessage) -> Option<ClientJsonRpcMessage> {
        match &message {
            ClientJsonRpcMessage::Request(request) => {
                self.opened = self.opened || opens(&message);
                self.flight.started(request.id.clone());
            }
            ClientJsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) =
                    &notification.notification
                {
                    if let Some(id) = &cancelled.params.request_id {
                        self.flight.ended(id);
                    }
                }
                self.opened.then_some(())?;
            }
            _ => self.opened.then_some(())?,
        }
        Some(message)
    }

    /// Send a refusal. `receive` may be dropped at any await and is called again: what is not yet
    /// written stays noted in `refused`.
    async fn send_refusal(&mut self) -> io::Result<()> {
        if matches!(self.refused, Refused::Nothing) {
            return Ok(());
        }
        let mut output = self.output.lock().await;
        if let Refused::Noted(line) = std::mem::replace(&mut self.refused, Refused::Buffered) {
            output.queue(line.as_bytes());
        }
        output.flush().await?;
        self.refused = Refused::Nothing;
        Ok(())
    }

    /// Wait for the calls in flight, up to the limit that began when the input ended.
    async fn land(&mut self, grace: Duration) {
        let limit = *self.ending.get_or_insert_with(|| Instant::now() + grace);
        if tokio::time::timeout_at(limit, self.flight.empty()).await.is_err() {
            tracing::warn!("calls were cut off: they did not end in time");
        }
        if let Err(error) = self.output.lock().await.flush().await {
            tracing::debug!(%error, "the client took no more output");
        }
    }
}

impl Flight {
    fn ids(&self) -> std::sync::MutexGuard<'_, HashSet<RequestId>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn started(&self, id: RequestId) {
        self.ids().insert(id);
    }

    fn ended(&self, id: &RequestId) {
        self.ids().remove(id);
        self.landed.notify_waiters();
    }

    async fn empty(&self) {
        loop {
            let landed = self.landed.notified();
            if self.ids().is_empty() {
                return;
            }
            landed.await;
        }
    }
}

/// Whether a request settles which era the connection speaks.
fn opens(message: &ClientJsonRpcMessage) -> bool {
    let Ok(message) = serde_json::to_value(message) else { return false };
    let method = message["method"].as_str().unwrap_or_default();
    let version = message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str();
    let known = version.is_some_and(|version| {
        ProtocolVersion::KNOWN_VERSIONS.iter().any(|known| known.as_str() == version)
    });
    method == "initialize" || (known && method != "server/discover")
}

impl<W: AsyncWrite + Unpin> Output<W> {
    fn queue(&mut self, line: &[u8]) {
        self.buffer.extend_from_slice(line);
        self.buffer.extend_from_slice(b"\n");
    }

    async fn flush(&mut self) -> io::Result<()> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        while !self.buffer.is_empty() {
            let written = stream.write(&self.buffer).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.buffer.advance(written);
        }
        stream.flush().await
    }
}

impl<R, W> Transport<RoleServer> for Stdio<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let (output, flight) = (Arc::clone(&self.output), Arc::clone(&self.flight));
        async move {
            let answered = match &message {
                ServerJsonRpcMessage::Response(response) => Some(response.id.clone()),
                ServerJsonRpcMessage::Error(error) => error.id.clone(),
                _ => None,
            };
            let line = serde_json::to_vec(&message).map_err(io::Error::other)?;
            let mut output = output.lock().await;
            output.queue(&line);
            let written = output.flush().await;
            if let Some(id) = answered {
                flight.ended(&id);
            }
            written
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            self.send_refusal().await.ok()?;
            if self.ending.is_some() || self.stopping.is_cancelled() {
                self.land(GRACE).await;
                return None;
            }
            let stopping = self.stopping.clone();
            let line = tokio::select! {
                line = self.read_line() => line,
                () = stopping.cancelled() => continue,
            };
            let refusal = match line {
                Ok(Line::Whole) => match self.read_message() {
                    Ok(Some(message)) => return Some(message),
                    Ok(None) => continue,
                    Err(refusal) => refusal,
                },
                Ok(Line::TooLong) => json!({"jsonrpc": "2.0", "id": null, "error": {
                    "code": 1413, "message": format!("the message is longer than {} bytes", self.max_line)}}),
                Ok(Line::End) | Err(_) => {
                    self.land(EOF_GRACE).await;
                    return None;
                }
            };
            self.refused = Refused::Noted(refusal.to_string());
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        drop(self.output.lock().await.stream.take());
        Ok(())
    }
}
