use std::sync::{Arc, Mutex};

use http::HeaderMap;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_util::task::AbortOnDropHandle;

use super::*;
use crate::{
    McpServer, StartContext, StartError, Toolset, config::NoConfig, fleet, pipeline::Guarded,
    status, transport::local,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A collector that keeps what it is sent.
struct Fake {
    endpoint: String,
    seen: Arc<Mutex<Vec<u8>>>,
    _task: AbortOnDropHandle<()>,
}

impl Fake {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}/", listener.local_addr().expect("an address"));
        let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
        let kept = Arc::clone(&seen);
        let serve = async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                while !is_whole(&bytes) {
                    let mut chunk = [0; 4_096];
                    let Ok(read @ 1..) = stream.read(&mut chunk).await else { break };
                    bytes.extend_from_slice(&chunk[..read]);
                }
                kept.lock().expect("seen").extend_from_slice(&bytes);
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                drop(stream.write_all(answer).await);
            }
        };
        #[expect(clippy::disallowed_methods, reason = "a test's server")]
        let task = AbortOnDropHandle::new(tokio::spawn(serve));
        Self { endpoint, seen, _task: task }
    }

    fn core(&self) -> CoreConfig {
        let toolset = "all".to_owned();
        let otlp_endpoint = Some(self.endpoint.clone());
        CoreConfig { toolset, otlp_endpoint, ..CoreConfig::default() }
    }

    fn saw(&self, part: &[u8]) -> usize {
        let seen = self.seen.lock().expect("seen");
        seen.windows(part.len()).filter(|window| *window == part).count()
    }
}

/// Whether a request has come to its end.
fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let Some(head) = text.split("\r\n\r\n").next().filter(|head| head.len() + 4 <= bytes.len())
    else {
        return false;
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    bytes.len() >= head.len() + 4 + length
}

struct Empty;

impl McpServer for Empty {
    const FACTS: Facts = Facts::new(&fleet::BAYES, "1", "");
    type Config = NoConfig;

    async fn start(_: NoConfig, _: StartContext) -> Result<Self, StartError> {
        Ok(Self)
    }

    fn tools() -> rmcp::handler::server::router::tool::ToolRouter<Self> {
        rmcp::handler::server::router::tool::ToolRouter::new()
    }

    fn toolsets() -> &'static [Toolset] {
        &[Toolset { name: "core", purpose: "nothing", tools: &[] }]
    }

    fn instructions() -> &'static str {
        ""
    }
}

fn traced(flags: &str) -> Trace {
    let mut headers = HeaderMap::new();
    let parent = format!("00-{TRACE}-{PARENT}-{flags}").parse().expect("a value");
    headers.insert(crate::trace::PARENT, parent);
    Trace::of_headers(&headers).expect("a trace")
}

fn operation(tool: &str, error_type: &'static str) -> Operation {
    Operation {
        mcp_method_name: "tools/call",
        gen_ai_tool_name: Arc::from(tool),
        error_type,
        network_transport: "tcp",
        mcp_protocol_version: "2026-07-28",
    }
}

#[tokio::test]
async fn calls_become_spans_under_the_caller_s_and_what_is_not_sampled_does_not() {
    let (fake, tasks) = (Fake::start().await, Tasks::default());
    let server = Guarded::new(Empty, &fake.core()).expect("a server");
    server.record(&fake.core(), &tasks, &Upstreams::default()).expect("a collector");
    for (parent, canary) in [(Some("01"), 1), (Some("00"), 2), (None, -7)] {
        let mut message = local::call_message(status::TOOL, &json!({"errors": canary}));
        if let Some(flags) = parent {
            let parent = format!("00-{TRACE}-{PARENT}-{flags}");
            message["params"]["_meta"]["traceparent"] = parent.into();
        }
        local::answer(&server, &message).await.expect("an answer");
    }
    server.recorded().await;
    assert!(tasks.join(Duration::from_secs(5)).await);
    let batches = fake.saw(b"POST /v1/traces HTTP/1.1");
    assert!((1..=2).contains(&batches), "{batches} batches");
    for (part, times) in [
        ("machina-bayes", batches),
        ("tools/call get_server_status", 2),
        ("mcp.method.name", 2),
        ("gen_ai.tool.name", 2),
        ("execute_tool", 2),
        ("network.transport", 2),
        ("mcp.protocol.version", 2),
        ("error.type", 1),
    ] {
        assert_eq!(fake.saw(part.as_bytes()), times, "{part}");
    }
    let (trace, parent) = (hex::decode(TRACE).expect("hex"), hex::decode(PARENT).expect("hex"));
    assert_eq!((fake.saw(&trace), fake.saw(&parent)), (1, 1));
}

#[tokio::test]
async fn a_collector_that_is_away_costs_spans_and_no_call() {
    let core = CoreConfig {
        otlp_endpoint: Some("http://127.0.0.1:9".to_owned()),
        ..CoreConfig::default()
    };
    let (tasks, metrics) = (Tasks::default(), Metrics::new(&Empty::FACTS));
    let upstreams = Upstreams::default();
    let spans = Spans::start(&core, &Empty::FACTS, &tasks, &upstreams, &metrics);
    let spans = spans.expect("a URL").expect("a collector");
    for _ in 0..2 * QUEUE {
        spans.ended(&traced("01"), Duration::ZERO, || operation("x", "timeout"));
    }
    let full = spans.dropped.get();
    assert!(full >= (QUEUE - BATCH) as u64, "the queue is bounded: {full}");
    spans.close().await;
    assert_eq!(upstreams.probes()[0].name, "otlp");
    let shown = format!("machina_spans_dropped_total {}", spans.dropped.get());
    assert!(metrics.encode().contains(&shown), "{}", metrics.encode());
}

#[test]
fn an_endpoint_is_a_plain_url() {
    assert_eq!(traces("http://x:4318").unwrap().as_str(), "http://x:4318/v1/traces");
    assert_eq!(traces("https://x/base/").unwrap().as_str(), "https://x/base/v1/traces");
    for wrong in ["", "x:4318", "ftp://x", "http://a:b@x", "http://x?key=1", "http://x#a"] {
        let error = check(wrong).expect_err(wrong);
        assert!(error.to_string().starts_with("otlp_endpoint: ") && error.hint().is_some());
    }
}
