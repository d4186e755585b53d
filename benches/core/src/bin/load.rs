//! Load on one server, as JSON on stdout.
//!
//! `load closed|open|initialize|random ADDRESS [connections=32] [seconds=5] [rate=10000] [count=5000] [token=..]`
//!
//! `closed`: every connection sends its next call when the last is answered. `open`: calls start at their
//! appointed times, and their latency counts from there, so that a stalled server is not spared.
//! `initialize`, `random`: `count` requests, every one with a name or cursor of its own.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::Instant as TokioInstant};

type Connection = SendRequest<Full<Bytes>>;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let address: SocketAddr =
        arguments.next().and_then(|text| text.parse().ok()).expect("an address");
    let given: BTreeMap<String, String> = arguments
        .filter_map(|pair| {
            pair.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
        })
        .collect();
    let number = |key: &str, default: u64| {
        given.get(key).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let plan = Arc::new(Plan {
        address,
        connections: number("connections", 32),
        seconds: number("seconds", 5),
        rate: number("rate", 10_000),
        count: number("count", 5_000),
        token: given.get("token").cloned(),
        next: AtomicU64::new(0),
        kind: match mode.as_str() {
            "initialize" => Kind::Initialize,
            "random" => Kind::Random,
            _ => Kind::Call,
        },
    });
    let began = Instant::now();
    let workers: Vec<_> = (0..plan.connections)
        .map(|index| tokio::spawn(worker(Arc::clone(&plan), mode.clone(), index)))
        .collect();
    let mut tally = Tally::default();
    for worker in workers {
        tally.add(worker.await.expect("a worker does not panic"));
    }
    println!("{}", tally.report(began.elapsed()));
}

struct Plan {
    address: SocketAddr,
    connections: u64,
    seconds: u64,
    rate: u64,
    count: u64,
    token: Option<String>,
    next: AtomicU64,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Call,
    Initialize,
    Random,
}

/// What happened on one connection.
#[derive(Default)]
struct Tally {
    latencies: Vec<u32>,
    /// Answers of the wrong kind, by status.
    unexpected: BTreeMap<u16, u64>,
    /// Requests whose connection ended before the whole answer was there.
    cut: u64,
    /// Connections refused.
    refused: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        for (status, count) in other.unexpected {
            *self.unexpected.entry(status).or_default() += count;
        }
        self.cut += other.cut;
        self.refused += other.refused;
    }

    fn report(&mut self, took: Duration) -> Value {
        self.latencies.sort_unstable();
        let at = |share: f64| {
            let last = self.latencies.len().saturating_sub(1);
            self.latencies.get((last as f64 * share).round() as usize).copied().unwrap_or(0)
        };
        json!({
            "answered": self.latencies.len(),
            "seconds": took.as_secs_f64(),
            "p50_us": at(0.5), "p90_us": at(0.9), "p99_us": at(0.99), "max_us": at(1.0),
            "unexpected": self.unexpected, "cut": self.cut, "refused": self.refused,
        })
    }
}

async fn worker(plan: Arc<Plan>, mode: String, index: u64) -> Tally {
    let mut tally = Tally::default();
    let Some(mut connection) = connect(&plan, &mut tally).await else { return tally };
    let began = TokioInstant::now();
    let end = began + Duration::from_secs(plan.seconds);
    for turn in 0_u64.. {
        let due = match mode.as_str() {
            "open" => {
                let place = turn * plan.connections + index;
                let due = began + Duration::from_nanos(place * 1_000_000_000 / plan.rate);
                if due >= end {
                    break;
                }
                tokio::time::sleep_until(due).await;
                due
            }
            "closed" if TokioInstant::now() >= end => break,
            "closed" => TokioInstant::now(),
            _ if plan.next.fetch_add(1, Ordering::Relaxed) >= plan.count => break,
            _ => TokioInstant::now(),
        };
        let place = turn * plan.connections + index;
        match exchange(&mut connection, request(&plan, place)).await {
            Ok((status, body)) if expected(plan.kind, status, &body) => {
                let latency = due.elapsed().as_micros();
                tally.latencies.push(u32::try_from(latency).unwrap_or(u32::MAX));
            }
            Ok((status, _)) => *tally.unexpected.entry(status).or_default() += 1,
            Err(_) => tally.cut += 1,
        }
        if connection.ready().await.is_err() {
            match connect(&plan, &mut tally).await {
                Some(fresh) => connection = fresh,
                None => break,
            }
        }
    }
    tally
}

async fn connect(plan: &Plan, tally: &mut Tally) -> Option<Connection> {
    let Ok(stream) = TcpStream::connect(plan.address).await else {
        tally.refused += 1;
        return None;
    };
    drop(stream.set_nodelay(true));
    let Ok((sender, connection)) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await
    else {
        tally.refused += 1;
        return None;
    };
    tokio::spawn(async move { drop(connection.await) });
    Some(sender)
}

async fn exchange(
    connection: &mut Connection,
    request: Request<Full<Bytes>>,
) -> Result<(u16, Bytes), hyper::Error> {
    let response = connection.send_request(request).await?;
    let status = response.status().as_u16();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

fn request(plan: &Plan, place: u64) -> Request<Full<Bytes>> {
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}});
    let name = format!("tool_{:x}", place.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let (method, params) = match plan.kind {
        Kind::Call => (
            "tools/call",
            json!({"name": "echo_text", "arguments": {"text": "a text of some length"}, "_meta": meta}),
        ),
        Kind::Initialize => (
            "initialize",
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "load", "version": "1"}}),
        ),
        Kind::Random if place % 2 == 0 => {
            ("tools/call", json!({"name": name, "arguments": {}, "_meta": meta}))
        }
        Kind::Random => ("tools/list", json!({"cursor": name, "_meta": meta})),
    };
    let body = json!({"jsonrpc": "2.0", "id": place, "method": method, "params": params});
    let mut request = Request::post("/mcp")
        .header("host", plan.address.to_string())
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    if plan.kind != Kind::Initialize {
        request = request.header("mcp-protocol-version", "2026-07-28").header("mcp-method", method);
    }
    if method == "tools/call" {
        request = request.header("mcp-name", body["params"]["name"].as_str().unwrap_or_default());
    }
    if let Some(token) = &plan.token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Full::from(body.to_string())).expect("the parts are valid")
}

/// An answer of the kind that was asked for: a result of the tool, or the refusal of a made-up name.
fn expected(kind: Kind, status: u16, body: &[u8]) -> bool {
    let has = |word: &str| body.windows(word.len()).any(|part| part == word.as_bytes());
    match kind {
        Kind::Call => status == 200 && has("a text of some length") && !has("\"isError\":true"),
        Kind::Initialize => status == 200 && has("protocolVersion"),
        Kind::Random => matches!(status, 200 | 400) && has("-32602"),
    }
}
