//! Spans of calls, sent to a collector by OTLP over HTTP. Feature `otlp`, off by default.
//!
//! A call puts what its metrics know (method, tool, outcome) into a bounded queue; one task makes
//! spans of it by the conventions for MCP servers and sends them in batches, by the client that all
//! upstreams are reached with. A collector that is away costs spans, never calls. No span holds
//! anything of a caller's or of an answer.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanExporter as _},
};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    ConfigError, Facts,
    config::CoreConfig,
    metrics::{Metrics, Operation},
    task::Tasks,
    trace::Trace,
    upstream::{Body, Options, Reach, Request, Upstream, Upstreams, Url},
};

/// Spans that may wait.
const QUEUE: usize = 4_096;
/// Spans sent at once.
const BATCH: usize = 512;
/// Between two batches.
const LINGER: Duration = Duration::from_millis(if cfg!(test) { 5 } else { 1_000 });
/// How long the last spans may take at the end.
const LAST: Duration = Duration::from_secs(2);

/// Where spans go.
pub(crate) struct Spans {
    queue: mpsc::Sender<Message>,
    dropped: Counter,
    closing: CancellationToken,
}

enum Message {
    Span(Box<Ended>),
    /// Send what came before and stop.
    End(oneshot::Sender<()>),
}

/// An operation that has ended.
struct Ended {
    trace: Trace,
    at: SystemTime,
    took: Duration,
    labels: Operation,
}

/// Check the setting.
pub(crate) fn check(endpoint: &str) -> Result<(), ConfigError> {
    traces(endpoint).map(drop)
}

/// The URL that spans are sent to.
fn traces(endpoint: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(&format!("{}/v1/traces", endpoint.trim_end_matches('/'))).ok();
    let fits = |url: &Url| {
        ["http", "https"].contains(&url.scheme())
            && url.has_host()
            && url.username().is_empty()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    url.filter(fits).ok_or_else(|| {
        ConfigError::new("otlp_endpoint", "must be an http(s) URL without query and credentials")
            .with_hint(
                "for instance http://localhost:4318; OTEL_EXPORTER_OTLP_HEADERS adds headers",
            )
    })
}

impl Spans {
    /// Start the sender; `None` when no collector is named.
    pub(crate) fn start(
        core: &CoreConfig,
        facts: &Facts,
        tasks: &Tasks,
        upstreams: &Upstreams,
        metrics: &Metrics,
    ) -> Result<Option<Self>, ConfigError> {
        let Some(endpoint) = &core.otlp_endpoint else { return Ok(None) };
        let url = traces(endpoint)?;
        let options = Options::new("otlp", facts.version).list(&url, Reach::Private);
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector(upstreams.add(options)))
            .with_endpoint(url.as_str())
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            .build()
            .map_err(|error| ConfigError::new("otlp_endpoint", error.to_string()))?;
        exporter.set_resource(
            &Resource::builder_empty()
                .with_attributes([
                    KeyValue::new("service.namespace", "machina"),
                    KeyValue::new("service.name", facts.member.binary()),
                    KeyValue::new("service.version", facts.version),
                ])
                .build(),
        );
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (dropped, closing) = (Counter::default(), CancellationToken::new());
        let help = "Spans that found the queue full or the collector away";
        metrics.add(|registry| registry.register("machina_spans_dropped", help, dropped.clone()));
        let scope = InstrumentationScope::builder("machina").with_version(facts.version).build();
        tasks.spawn("spans", send(waiting, exporter, scope, dropped.clone(), closing.clone()));
        Ok(Some(Self { queue, dropped, closing }))
    }

    /// Record an operation that has ended now, if its trace is to be recorded.
    pub(crate) fn ended(&self, trace: &Trace, took: Duration, labels: impl FnOnce() -> Operation) {
        if !trace.is_sampled() {
            return;
        }
        let (trace, at) = (trace.clone(), SystemTime::now());
        let span = Message::Span(Box::new(Ended { trace, at, took, labels: labels() }));
        if self.queue.try_send(span).is_err() {
            self.dropped.inc();
        }
    }

    /// Send what waits and stop.
    pub(crate) async fn close(&self) {
        let (sent, wait) = oneshot::channel();
        let end = async {
            self.closing.cancel();
            if self.queue.send(Message::End(sent)).await.is_ok() {
                // An error means that the sender is gone, and with it what to wait for.
                drop(wait.await);
            }
        };
        if tokio::time::timeout(LAST, end).await.is_err() {
            tracing::warn!("the last spans could not be sent in time");
        }
    }
}

async fn send(
    mut queue: mpsc::Receiver<Message>,
    exporter: SpanExporter,
    scope: InstrumentationScope,
    dropped: Counter,
    closing: CancellationToken,
) {
    let (mut messages, mut failing) = (Vec::new(), false);
    while queue.recv_many(&mut messages, BATCH).await > 0 {
        let (mut spans, mut end) = (Vec::new(), None);
        for message in messages.drain(..) {
            match message {
                Message::Span(span) => spans.push(span.data(&scope)),
                Message::End(sent) => end = Some(sent),
            }
        }
        let count = spans.len() as u64;
        let failed = count > 0 && exporter.export(spans).await.is_err();
        if failed {
            dropped.inc_by(count);
            if !failing {
                tracing::warn!("spans cannot be sent to the collector");
            }
        } else if failing && count > 0 {
            tracing::info!("spans are sent again");
        }
        failing = failed || (failing && count == 0);
        if let Some(sent) = end {
            // Whoever waited may have given up.
            sent.send(()).unwrap_or_default();
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(LINGER) => {}
            () = closing.cancelled() => {}
        }
    }
}

impl Ended {
    fn data(self, scope: &InstrumentationScope) -> SpanData {
        let Self { trace, at, took, labels } = self;
        let context = SpanContext::new(
            TraceId::from_bytes(trace.id.0),
            SpanId::from_bytes(trace.own.0),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        );
        let tool = &*labels.gen_ai_tool_name;
        let method = labels.mcp_method_name;
        let name = if tool.is_empty() { method.into() } else { format!("{method} {tool}").into() };
        let status = if labels.error_type.is_empty() {
            Status::Unset
        } else {
            Status::error(labels.error_type)
        };
        SpanData {
            span_context: context,
            parent_span_id: trace.parent.map_or(SpanId::INVALID, |id| SpanId::from_bytes(id.0)),
            parent_span_is_remote: trace.parent.is_some(),
            span_kind: SpanKind::Server,
            name,
            start_time: at.checked_sub(took).unwrap_or(at),
            end_time: at,
            attributes: attributes(&labels),
            dropped_attributes_count: 0,
            events: opentelemetry_sdk::trace::SpanEvents::default(),
            links: opentelemetry_sdk::trace::SpanLinks::default(),
            status,
            instrumentation_scope: scope.clone(),
        }
    }
}

/// By the names of the conventions for MCP servers.
fn attributes(labels: &Operation) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("mcp.method.name", labels.mcp_method_name),
        KeyValue::new("mcp.protocol.version", labels.mcp_protocol_version),
        KeyValue::new("network.transport", labels.network_transport),
    ];
    if !labels.gen_ai_tool_name.is_empty() {
        attributes.push(KeyValue::new("gen_ai.operation.name", "execute_tool"));
        attributes.push(KeyValue::new("gen_ai.tool.name", labels.gen_ai_tool_name.to_string()));
    }
    if !labels.error_type.is_empty() {
        attributes.push(KeyValue::new("error.type", labels.error_type));
    }
    attributes
}

/// The exporter's way out: the one of all upstreams.
struct Collector(Upstream);

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector")
    }
}

impl HttpClient for Collector {
    /// As `async_trait` would write it.
    fn send_bytes<'s, 'f>(
        &'s self,
        request: http::Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let url = Url::parse(&head.uri.to_string())?;
            let mut request = Request::post(url, "application/x-protobuf", body);
            for (name, value) in &head.headers {
                request = request.header(name.as_str(), value.to_str()?);
            }
            let answer = self.0.attempt(&request).await.map_err(|failure| failure.to_string())?;
            let body = match answer.body {
                Body::Whole(bytes) => Bytes::from(bytes),
                _ => return Err("the answer did not arrive whole".into()),
            };
            let mut response = http::Response::builder().status(answer.status).body(body)?;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests;
