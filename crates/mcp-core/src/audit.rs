//! P8: one JSON line for each tool call, with the shape of its arguments and never a value; one for
//! each run of a task, and, at a bounded rate, for what the front refused.
//!
//! The call itself only describes its arguments and puts a record into a bounded queue; one task
//! formats and writes, at most two hundred times a second. A call that may change something takes its
//! place in the queue *before* it runs, so that nothing is done without its line: when the target
//! cannot be written such calls wait and are then refused. Reads go on; their lines are dropped and
//! counted.

mod object;
mod refused;
mod shape;
mod sink;
mod writer;

use std::{
    borrow::Cow,
    cell::Cell,
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use hmac::{Hmac, Mac};
use rmcp::model::JsonObject;
use sha2::Sha256;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

pub(crate) use self::refused::Refused;
use self::{
    refused::Refusals,
    sink::Sink,
    writer::{Line, Message},
};
use crate::{
    ConfigError, Kind, Principal, Scope, ToolError, config::CoreConfig, metrics::Metrics,
    pipeline::call::RequestId, task::Tasks, trace::TraceId,
};

/// Lines that may wait: a tenth of a second of the fastest calls.
const QUEUE: usize = 4_096;
/// How long a change waits for a place in the queue.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 5_000 });
/// How long the last lines may take at the end.
const LAST: Duration = Duration::from_secs(2);

/// Where the calls of one server are written down. Cheap to clone.
#[derive(Clone)]
pub struct Audit(Arc<Inner>);

struct Inner {
    queue: mpsc::Sender<Message>,
    /// Keyed anew in each process: equal arguments can be told within a run, and nobody can try
    /// candidates against a log.
    key: Option<Hmac<Sha256>>,
    metrics: Arc<Metrics>,
    closing: CancellationToken,
    refusals: Refusals,
}

/// What is known of a call before it runs.
pub(crate) struct Caller<'a> {
    pub(crate) what: What,
    pub(crate) id: &'a RequestId,
    pub(crate) trace: Option<TraceId>,
    pub(crate) principal: Principal,
    pub(crate) tool: Arc<str>,
    /// `None` for a tool that does not exist.
    pub(crate) class: Option<Scope>,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A call, until its answer.
    Call,
    /// What a call began and a task went on with, under the call's request id.
    Task,
}

/// A call whose line is not written yet. Dropped without [`Pending::end`] (the runtime gave the call
/// up) it is written as `dropped`.
pub(crate) struct Pending {
    audit: Audit,
    place: Option<mpsc::OwnedPermit<Message>>,
    line: Option<Line>,
    started: tokio::time::Instant,
}

/// What happened inside a call that its line tells.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Marks {
    confirmed: bool,
    upstream: u32,
}

tokio::task_local! {
    static MARKS: Cell<Marks>;
}

/// Note that the call that runs here was confirmed by a person.
pub fn mark_confirmed() {
    mark(|marks| marks.confirmed = true);
}

/// Note that the call that runs here sent a request to an upstream.
pub fn mark_upstream() {
    mark(|marks| marks.upstream = marks.upstream.saturating_add(1));
}

fn mark(change: impl FnOnce(&mut Marks)) {
    let marked = |cell: &Cell<Marks>| {
        let mut marks = cell.get();
        change(&mut marks);
        cell.set(marks);
    };
    // Outside a call there is no line to mark.
    MARKS.try_with(marked).unwrap_or_default();
}

/// Run a call and collect what it marks.
pub(crate) async fn marked<T>(work: impl Future<Output = T>) -> (T, Marks) {
    let work = async {
        let value = work.await;
        (value, MARKS.with(Cell::get))
    };
    MARKS.scope(Cell::default(), work).await
}

impl Audit {
    /// Open the target of the configuration and start its writer; `None` when audit is off.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn start(
        core: &CoreConfig,
        tasks: &Tasks,
        metrics: &Arc<Metrics>,
        server: &'static str,
    ) -> Result<Option<Self>, ConfigError> {
        if !core.audit {
            return Ok(None);
        }
        let sink = match &core.audit_file {
            Some(path) => Sink::file(path.clone(), core.audit_max_bytes).map_err(|error| {
                let error = format!("{} cannot be opened: {error}", path.display());
                ConfigError::new("MACHINA_AUDIT_FILE", error)
                    .with_hint("name a file in a directory that the server may write to")
            })?,
            None => Sink::Stderr,
        };
        Ok(Some(Self::to(sink, tasks, metrics, server)))
    }

    fn to(sink: Sink, tasks: &Tasks, metrics: &Arc<Metrics>, server: &'static str) -> Self {
        let (queue, lines) = mpsc::channel(QUEUE);
        let closing = CancellationToken::new();
        let failures = metrics.audit_failures().clone();
        tasks.spawn("audit", writer::run(lines, sink, server, failures, closing.clone()));
        let mut random = [0; 64];
        let key = getrandom::fill(&mut random).ok().map(|()| Hmac::new(&random.into()));
        if key.is_none() {
            tracing::error!("the system gives no randomness: audit lines carry no digest");
        }
        Self(Arc::new(Inner {
            queue,
            key,
            metrics: Arc::clone(metrics),
            closing,
            refusals: Refusals::default(),
        }))
    }

    /// Describe a call that begins.
    pub(crate) fn begin(
        &self,
        caller: Caller<'_>,
        arguments: Option<&JsonObject>,
        schema: Option<&JsonObject>,
    ) -> Pending {
        let line = Line {
            what: caller.what,
            at: SystemTime::now(),
            id: caller.id.clone(),
            trace: caller.trace,
            principal: caller.principal,
            tool: caller.tool,
            class: caller.class,
            shape: shape::of(arguments, schema),
            digest: arguments.and_then(|arguments| self.digest(arguments)),
            outcome: "dropped",
            code: Cow::Borrowed(""),
            took: Duration::ZERO,
            marks: Marks::default(),
        };
        let started = tokio::time::Instant::now();
        Pending { audit: self.clone(), place: None, line: Some(line), started }
    }

    fn digest(&self, arguments: &JsonObject) -> Option<[u8; 8]> {
        let mut mac = self.0.key.clone()?;
        // A map of JSON values is always written.
        drop(serde_json::to_writer(&mut mac, arguments));
        let full = mac.finalize().into_bytes();
        let mut digest = [0; 8];
        digest.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        Some(digest)
    }

    /// Write what waits and stop. Called once, after the last call has ended.
    pub async fn close(&self) {
        let (written, wait) = oneshot::channel();
        let end = async {
            self.0.closing.cancel();
            for line in self.unlogged() {
                // An error shows again at the next line.
                drop(self.0.queue.send(line).await);
            }
            if self.0.queue.send(Message::End(written)).await.is_ok() {
                // An error means that the writer is gone, and with it what to wait for.
                drop(wait.await);
            }
        };
        if tokio::time::timeout(LAST, end).await.is_err() {
            tracing::error!("the last audit lines could not be written in time");
        }
    }
}

impl Pending {
    /// Take a place in the queue for a call that may change something.
    ///
    /// # Errors
    /// `audit_unavailable` when none is free for too long.
    pub(crate) async fn reserve(&mut self) -> Result<(), ToolError> {
        let class = self.line.as_ref().and_then(|line| line.class);
        if class.is_none_or(|class| class == Scope::Read) {
            return Ok(());
        }
        let place = self.audit.0.queue.clone().reserve_owned();
        match tokio::time::timeout(PATIENCE, place).await {
            Ok(Ok(place)) => {
                self.place = Some(place);
                Ok(())
            }
            _ => Err(ToolError::new(
                Kind::Unavailable,
                "audit_unavailable",
                "the audit log takes no lines, and a change is not made without one",
            )
            .with_hint("an operator finds the reason in the server's log; reads go on")
            .with_retry_after(PATIENCE)),
        }
    }

    /// Complete the line and queue it.
    pub(crate) fn end(mut self, outcome: &'static str, code: Cow<'static, str>, marks: Marks) {
        if let Some(line) = &mut self.line {
            line.outcome = outcome;
            line.code = code;
            line.marks = marks;
        }
        // Queued by `drop`.
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Some(mut line) = self.line.take() else { return };
        line.took = self.started.elapsed();
        match self.place.take() {
            Some(place) => drop(place.send(Message::Line(line))),
            None => {
                if self.audit.0.queue.try_send(Message::Line(line)).is_err() {
                    self.audit.0.metrics.audit_dropped().inc();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
