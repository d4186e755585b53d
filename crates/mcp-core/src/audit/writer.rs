//! The one task that formats and writes the lines.

use std::{
    borrow::Cow,
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, SecondsFormat, Utc};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Marks, What, object::Object, refused, sink::Sink};
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
                Message::Line(line) => line.write(server, &mut text),
                Message::Refused(line) => line.write(server, &mut text),
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

impl Line {
    fn write(&self, server: &str, text: &mut Vec<u8>) {
        let micros = u32::try_from(self.took.as_micros()).unwrap_or(u32::MAX);
        let mut line = Object::begin(text);
        line.text(
            "audit",
            match self.what {
                What::Call => "call",
                What::Task => "task",
            },
        );
        line.text("time", &time_of(self.at));
        line.text("server", server);
        line.text("request_id", self.id.as_str());
        line.text_if("trace_id", self.trace.map(|trace| trace.to_string()).as_deref());
        line.text("principal", name_of(&self.principal));
        line.text("tool", &self.tool);
        line.text_if("class", self.class.map(Scope::label));
        line.text("arguments", &self.shape);
        line.text_if("digest", self.digest.map(hex::encode).as_deref());
        line.text("outcome", self.outcome);
        line.text_if("code", Some(&*self.code).filter(|code| !code.is_empty()));
        line.plain("duration_ms", f64::from(micros) / 1e3);
        if self.marks.upstream > 0 {
            line.plain("upstream", self.marks.upstream);
        }
        line.plain("confirmed", self.marks.confirmed);
        line.end();
    }
}

pub(super) fn time_of(at: SystemTime) -> String {
    DateTime::<Utc>::from(at).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A token's issuer chooses the names, and how long they are.
pub(super) fn name_of(principal: &Principal) -> &str {
    let id = principal.id();
    id.char_indices().nth(128).and_then(|(end, _)| id.get(..end)).unwrap_or(id)
}
