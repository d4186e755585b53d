//! Reads log streams of the engine.

use std::{ops::ControlFlow, time::Duration};

use mcp_core::untrusted;
use tokio::time::{Instant, timeout_at};

use super::{Channel, Position, Query, collect::Collector, frame::Decoder, merge::Collected};
use crate::{
    Error,
    engine::{self, ContainerRef, Engine, Exchange, Target, model},
    redaction::Redactor,
    timestamp::Timestamp,
};

const WHAT: &str = "the container's log";
/// The engine sends about one line per chunk; after so many, other calls of this thread get a turn.
const CHUNKS_PER_TURN: u64 = 128;
/// Lines of the first look at the end of a log, when the engine cannot count for us.
const WINDOW: u64 = 10_000;

/// A container whose log is read.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) id: String,
    pub(crate) name: String,
    container: ContainerRef,
    has_terminal: bool,
    redactor: Redactor,
}

impl Source {
    /// From an inspection.
    pub(crate) fn new(container: ContainerRef, inspected: &model::Container) -> Self {
        let config = inspected.config.as_ref();
        let env = config.and_then(|config| config.env.as_deref()).unwrap_or_default();
        let name = inspected.name.as_deref().unwrap_or_default().trim_start_matches('/');
        Self {
            id: inspected.id.clone().unwrap_or_else(|| container.to_string()),
            name: untrusted::line(name, 255),
            has_terminal: config.and_then(|config| config.tty).unwrap_or(false),
            redactor: Redactor::from_env(env),
            container,
        }
    }
}

/// How long to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    scan: Duration,
    /// When to answer with what there is.
    pub(crate) scan_until: Instant,
    /// Wait for new lines until then.
    pub(crate) follow_until: Option<Instant>,
}

/// Read one source.
pub(crate) async fn read(
    engine: &Engine,
    (index, source): (usize, &Source),
    query: &Query,
    resume: Position,
    pace: Pace,
) -> Result<Collected, Error> {
    let is_bounded =
        resume != Position::default() || query.since.is_some() || query.until.is_some();
    let tail = match query.newest {
        None => None,
        Some(newest) if query.engine_can_tail() => u64::try_from(newest).ok(),
        Some(_) if is_bounded => None,
        Some(_) => Some(WINDOW),
    };
    let mut collector = Collector::new(query, index, &source.redactor, resume);
    let end = pump_into(&mut collector, engine, source, query, resume, pace, tail).await?;
    let found_enough = query.engine_can_tail()
        || query
            .newest
            .is_none_or(|newest| collector.matched >= u64::try_from(newest).unwrap_or(0));
    let saw_all = tail.is_none_or(|tail| collector.read < tail);
    if end == End::Stream && !found_enough && !saw_all && pace.follow_until.is_none() {
        collector = Collector::new(query, index, &source.redactor, resume);
        pump_into(&mut collector, engine, source, query, resume, pace, None).await?;
    }
    Ok(Collected::new(collector, resume))
}

async fn pump_into(
    collector: &mut Collector<'_>,
    engine: &Engine,
    source: &Source,
    query: &Query,
    resume: Position,
    pace: Pace,
    tail: Option<u64>,
) -> Result<End, Error> {
    let since = query.since.unwrap_or_default().max(resume.at);
    let target = target(source, tail, since, query.until, pace.follow_until.is_some());
    let mut exchange = engine.stream(&target).await?;
    let until = pace.follow_until.unwrap_or(pace.scan_until);
    let end = pump(&mut exchange, source.has_terminal, until, &mut |channel, line| {
        collector.push(channel, line)
    })
    .await?;
    if end == End::Time && pace.follow_until.is_none() {
        if collector.read == 0 {
            return Err(Error::Timeout {
                address: engine.endpoint().to_string(),
                what: WHAT,
                seconds: pace.scan.as_secs(),
            });
        }
        collector.truncated = true;
    }
    Ok(end)
}

/// Wait for the first line since `since` that `accept` takes; its cleaned text. `None` when the
/// log ends or time is up.
pub(crate) async fn watch(
    engine: &Engine,
    source: &Source,
    since: Timestamp,
    until: Instant,
    accept: impl Fn(&str) -> bool,
) -> Result<Option<String>, Error> {
    let target = target(source, None, since, None, true);
    let mut exchange = engine.stream(&target).await?;
    let mut found = None;
    pump(&mut exchange, source.has_terminal, until, &mut |_, line| {
        let body = line.splitn(2, |byte| *byte == b' ').nth(1).unwrap_or_default();
        let text = untrusted::clean_bytes(body);
        if accept(&text) {
            let hidden = source.redactor.hide(text);
            found = Some(untrusted::cut(&hidden, 500).into_owned());
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })
    .await?;
    Ok(found)
}

fn target(
    source: &Source,
    tail: Option<u64>,
    since: Timestamp,
    until: Option<Timestamp>,
    follow: bool,
) -> Target {
    let mut target = Target::container(WHAT, &source.container, "logs")
        .with("stdout", "1")
        .with("stderr", "1")
        .with("timestamps", "1")
        .with("tail", &tail.map_or_else(|| "all".to_owned(), |tail| tail.to_string()));
    if since > Timestamp::default() {
        target = target.with("since", &since.to_query());
    }
    if let Some(until) = until {
        target = target.with("until", &until.to_query());
    }
    if follow { target.with("follow", "1") } else { target }
}

/// What ended a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The log.
    Stream,
    /// The sink has enough.
    Sink,
    /// The clock.
    Time,
}

async fn pump(
    exchange: &mut Exchange,
    is_raw: bool,
    until: Instant,
    sink: &mut impl FnMut(Channel, &[u8]) -> ControlFlow<()>,
) -> Result<End, Error> {
    let mut decoder = Decoder::new(is_raw);
    let mut chunks = 0_u64;
    loop {
        let Ok(chunk) = timeout_at(until, exchange.next()).await else { return Ok(End::Time) };
        let Some(chunk) = chunk else {
            decoder.finish(sink);
            return Ok(End::Stream);
        };
        let chunk = chunk.map_err(|_| engine::bad(WHAT, "the connection broke off"))?;
        match decoder.feed(&chunk, sink) {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => return Ok(End::Sink),
            Err(_bad_frame) => return Err(engine::bad(WHAT, "its frames are broken")),
        }
        chunks += 1;
        if chunks.is_multiple_of(CHUNKS_PER_TURN) {
            if Instant::now() >= until {
                return Ok(End::Time);
            }
            tokio::task::yield_now().await;
        }
    }
}

/// The pace of a call: `scan` for what is there, and `follow` for what comes.
pub(crate) fn pace(scan: Duration, follow: Duration) -> Pace {
    let now = Instant::now();
    Pace { scan, scan_until: now + scan, follow_until: (!follow.is_zero()).then(|| now + follow) }
}
