//! The one task that formats and writes the lines.

use std::{
    borrow::Cow,
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, SecondsFormat, Utc};
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Marks, What, refused, sink::Sink};
use crate::{Principal, Scope, pipeline::call::RequestId, task, trace::TraceId};

/// Lines written at once.
const BATCH: usize = 256;
/// Between two writes: lines gather meanwhile, and calls need not wake this task one by one.
const LINGER: Duration = Duration::from_millis(5);
/// After a failed write.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) enum Message {
    Line(Line),
    Refused(refused::Line),
    /// Write what came before and stop.
    End(oneshot::Sender<()>),
}

/// One call.
pub(super) struct Line {
    pub(super) what: What,
    pub(super) at: SystemTime,
    pub(super) id: RequestId,
    pub(super) trace: Option<TraceId>,
    pub(super) principal: Principal,
    pub(super) tool: Arc<str>,
    pub(super) class: Option<Scope>,
    pub(super) shape: String,
    pub(super) digest: Option<[u8; 8]>,
    pub(super) outcome: &'static str,
    pub(super) code: Cow<'static, str>,
    pub(super) took: Duration,
    pub(super) marks: Marks,
}

/// Write until the end is asked for.
pub(super) async fn run(
    mut queue: mpsc::Receiver<Message>,
    mut sink: Sink,
    server: &'static str,
    failures: Counter,
    closing: CancellationToken,
) {
    let mut messages = Vec::new();
    loop {
        if queue.recv_many(&mut messages, BATCH).await == 0 {
            return;
        }
        let (mut text, mut end) = (Vec::new(), None);
        for message in messages.drain(..) {
            match message {
                Message::Line(line) => write_line(&line.wire(server), &mut text),
                Message::Refused(line) => write_line(&line.wire(server), &mut text),
                Message::End(written) => end = Some(written),
            }
        }
        let Some(back) = write(sink, text, &failures, &closing).await else { return };
        sink = back;
        if let Some(written) = end {
            // Whoever waited may have given up.
            written.send(()).unwrap_or_default();
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(LINGER) => {}
            () = closing.cancelled() => {}
        }
    }
}

/// Write all of it, trying again as long as the server runs. `None` when the runtime ends.
async fn write(
    mut sink: Sink,
    mut text: Vec<u8>,
    failures: &Counter,
    closing: &CancellationToken,
) -> Option<Sink> {
    let mut failed = false;
    loop {
        let outcome: io::Result<()>;
        (sink, text, outcome) = task::blocking(move || {
            let outcome = sink.write(&mut text);
            (sink, text, outcome)
        })
        .await
        .ok()?;
        let Err(error) = outcome else {
            if failed {
                tracing::info!("audit lines are written again");
            }
            return Some(sink);
        };
        failures.inc();
        if !failed {
            tracing::error!(%error, "audit lines cannot be written; changes wait for them");
        }
        failed = true;
        if closing.is_cancelled() {
            let bytes = text.len();
            tracing::error!(bytes, "audit lines were lost at the end");
            return Some(sink);
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = closing.cancelled() => {}
        }
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    audit: &'static str,
    time: String,
    server: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    principal: String,
    tool: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    arguments: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    code: &'a str,
    duration_ms: f64,
    #[serde(skip_serializing_if = "is_zero")]
    upstream: u32,
    confirmed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Line {
    fn wire(&self, server: &'static str) -> Wire<'_> {
        let micros = u32::try_from(self.took.as_micros()).unwrap_or(u32::MAX);
        let digest = self.digest.map(u64::from_be_bytes);
        Wire {
            audit: match self.what {
                What::Call => "call",
                What::Task => "task",
            },
            time: DateTime::<Utc>::from(self.at).to_rfc3339_opts(SecondsFormat::Millis, true),
            server,
            request_id: self.id.as_str(),
            trace_id: self.trace.map(|trace| trace.to_string()),
            principal: name_of(&self.principal),
            tool: &self.tool,
            class: self.class.map(Scope::label),
            arguments: &self.shape,
            digest: digest.map(|digest| format!("{digest:016x}")),
            outcome: self.outcome,
            code: &self.code,
            duration_ms: f64::from(micros) / 1e3,
            upstream: self.marks.upstream,
            confirmed: self.marks.confirmed,
        }
    }
}

/// A token's issuer chooses the names, and how long they are.
pub(super) fn name_of(principal: &Principal) -> String {
    principal.id().chars().take(128).collect()
}

fn write_line(line: &impl Serialize, text: &mut Vec<u8>) {
    let before = text.len();
    match line.serialize(&mut Serializer::with_formatter(&mut *text, Ascii)) {
        Ok(()) => text.push(b'\n'),
        // Strings and numbers are always written; half a line must not stay if not.
        Err(_) => text.truncate(before),
    }
}

/// JSON in ASCII: a principal may carry a stranger's name, and a terminal or a log viewer obeys more
/// characters than JSON makes one escape.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let plain = |c: char| (' '..='~').contains(&c);
        if fragment.chars().all(plain) {
            return CompactFormatter.write_string_fragment(writer, fragment);
        }
        for c in fragment.chars() {
            if plain(c) {
                writer.write_all(&[u8::try_from(c).unwrap_or(b'?')])?;
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}
