//! Tools that misbehave, added to the server's own: the pipeline must hold on both transports.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mcp_core::{
    McpServer, StartContext, config::CoreConfig, pipeline::Guarded, transport::stdio::Stdio,
};
use rmcp::{
    ServiceExt,
    handler::server::{
        router::tool::{ToolRoute, ToolRouter},
        tool::ToolCallContext,
    },
    model::{CallToolResult, ContentBlock, Tool},
};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio_util::sync::CancellationToken;

use crate::{
    TestResult,
    binary::LIMIT,
    ensure, http,
    in_process::all_tools,
    wire::{modern, notification},
};

/// A server with three more tools: one panics, one never ends, one answers too much.
struct Faulty {
    server: Guarded,
    core: CoreConfig,
    dropped: Arc<AtomicBool>,
    _state: tempfile::TempDir,
}

/// Tells when the tool that never ends was given up.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Faulty {
    async fn start<S: McpServer>(deadline: u64) -> TestResult<Self> {
        let state = tempfile::tempdir()?;
        let context = StartContext::detached(state.path().to_path_buf());
        let server = S::start(S::Config::default(), context).await?;
        let dropped = Arc::new(AtomicBool::new(false));
        let mut core = all_tools();
        core.deadline = deadline;
        let server = Guarded::with_tools(server, &core, tools::<S>(&dropped))?;
        Ok(Self { server, core, dropped, _state: state })
    }

    /// Speak to it over a pipe of this process.
    fn pipe(&self) -> Pipe {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (input, output) = tokio::io::split(theirs);
        let transport = Stdio::new(input, output, 1 << 20, CancellationToken::new());
        let server = self.server.clone();
        #[expect(clippy::disallowed_methods, reason = "a test's own task, ended with the pipe")]
        drop(tokio::spawn(async move {
            if let Ok(running) = server.serve(transport).await {
                drop(running.waiting().await);
            }
        }));
        let (input, output) = tokio::io::split(ours);
        Pipe { lines: BufReader::new(input).lines(), output }
    }

    /// Wait until the work of the endless tool was dropped.
    async fn wait_dropped(&self) -> TestResult {
        let wait = async {
            while !self.dropped.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        Ok(tokio::time::timeout(Duration::from_secs(5), wait).await?)
    }
}

fn tools<S: McpServer>(dropped: &Arc<AtomicBool>) -> ToolRouter<S> {
    let tool = |name: &'static str| {
        Tool::new(name, "Misbehaves, for the tests.", Arc::new(rmcp::model::JsonObject::new()))
    };
    let mut router = S::tools();
    router.add_route(ToolRoute::new_dyn(tool("test_panic"), |_: ToolCallContext<'_, S>| {
        Box::pin(async { panic!("a secret in a panic") })
    }));
    let dropped = Arc::clone(dropped);
    router.add_route(ToolRoute::new_dyn(tool("test_hang"), move |_: ToolCallContext<'_, S>| {
        let guard = Dropped(Arc::clone(&dropped));
        Box::pin(async move {
            std::future::pending::<()>().await;
            drop(guard);
            Err(rmcp::ErrorData::internal_error("unreachable", None))
        })
    }));
    router.add_route(ToolRoute::new_dyn(tool("test_flood"), |_: ToolCallContext<'_, S>| {
        Box::pin(async {
            Ok(CallToolResult::success(vec![ContentBlock::text("x".repeat(60_000))]).into())
        })
    }));
    router
}

struct Pipe {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    output: WriteHalf<DuplexStream>,
}

impl Pipe {
    async fn send(&mut self, message: &Value) -> TestResult {
        Ok(self.output.write_all(format!("{message}\n").as_bytes()).await?)
    }

    async fn receive(&mut self) -> TestResult<Value> {
        let line = tokio::time::timeout(LIMIT, self.lines.next_line()).await??;
        Ok(serde_json::from_str(&line.ok_or("the pipe ended")?)?)
    }
}

fn call(id: u64, tool: &str) -> Value {
    modern(id, "tools/call", &json!({"name": tool, "arguments": {}}))
}

/// A cancelled call is not answered, and its work ends.
pub async fn x6_a_cancelled_call_is_silent<S: McpServer>() -> TestResult {
    let faulty = Faulty::start::<S>(30).await?;
    let mut pipe = faulty.pipe();
    pipe.send(&call(1, "test_hang")).await?;
    pipe.send(&modern(2, "tools/list", &json!({}))).await?;
    ensure!(pipe.receive().await?["id"] == 2, "the list is answered while the call hangs");
    pipe.send(&notification("notifications/cancelled", &json!({"requestId": 77}))).await?;
    pipe.send(&notification("notifications/cancelled", &json!({"requestId": 1}))).await?;
    faulty.wait_dropped().await?;
    pipe.send(&modern(3, "tools/list", &json!({}))).await?;
    let next = pipe.receive().await?;
    ensure!(next["id"] == 3, "silence for the cancelled call, but got {next}");
    Ok(())
}

/// A panicking tool answers -32603 without its payload; the server goes on.
pub async fn x8_a_panic_is_an_answer_on_both_transports<S: McpServer>() -> TestResult {
    let faulty = Faulty::start::<S>(30).await?;
    let mut pipe = faulty.pipe();
    let (address, _serving) = http::serve_here(&faulty.server, &faulty.core).await?;
    for id in 1..4 {
        pipe.send(&call(id, "test_panic")).await?;
        let over_pipe = pipe.receive().await?;
        let arguments = json!({"name": "test_panic", "arguments": {}});
        let over_http = http::modern(address, "tools/call", &arguments).await?.json()?;
        for answer in [over_pipe, over_http] {
            ensure!(answer["error"]["code"] == -32603, "{answer}");
            ensure!(answer["error"]["data"]["request_id"].is_string(), "{answer}");
            ensure!(!answer.to_string().contains("secret"), "{answer}");
        }
    }
    let metrics = http::get(address, "/metrics").await?.body;
    ensure!(metrics.contains("machina_panics_total 6"), "{metrics}");
    Ok(())
}

/// The deadline ends a call with an answer the caller can act on.
pub async fn a_call_past_its_deadline_is_answered<S: McpServer>() -> TestResult {
    let faulty = Faulty::start::<S>(1).await?;
    let mut pipe = faulty.pipe();
    pipe.send(&call(1, "test_hang")).await?;
    let answer = pipe.receive().await?;
    let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
    ensure!(answer["result"]["isError"] == true && text.contains("deadline_exceeded"), "{answer}");
    faulty.wait_dropped().await
}

/// A result that clients would cut off is refused with the way to a smaller one.
pub async fn a_result_too_large_says_how_to_ask_for_less<S: McpServer>() -> TestResult {
    let faulty = Faulty::start::<S>(30).await?;
    let mut pipe = faulty.pipe();
    pipe.send(&call(1, "test_flood")).await?;
    let answer = pipe.receive().await?;
    let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
    ensure!(text.contains("result_too_large") && text.contains("50000"), "{answer}");
    Ok(())
}

/// An HTTP client that disconnects stops its call.
pub async fn a_client_that_leaves_stops_the_work<S: McpServer>() -> TestResult {
    let faulty = Faulty::start::<S>(30).await?;
    let (address, _serving) = http::serve_here(&faulty.server, &faulty.core).await?;
    let arguments = json!({"name": "test_hang", "arguments": {}});
    let call = http::modern(address, "tools/call", &arguments);
    let gone = tokio::time::timeout(Duration::from_millis(300), call).await;
    ensure!(gone.is_err(), "the call hangs");
    faulty.wait_dropped().await?;
    // It is dropped before it is counted.
    let counted = |line: &str| {
        line.starts_with("mcp_server_operation_duration_seconds_count")
            && line.contains("test_hang")
            && line.contains("\"cancelled\"")
            && line.ends_with(" 1")
    };
    let seen = async {
        while !http::get(address, "/metrics").await?.body.lines().any(counted) {
            tokio::task::yield_now().await;
        }
        TestResult::Ok(())
    };
    tokio::time::timeout(LIMIT, seen).await.map_err(|_| "what was given up is not counted")??;
    let alive = http::modern(address, "tools/list", &json!({})).await?;
    ensure!(alive.status == 200, "{alive:?}");
    Ok(())
}

/// Over plain HTTP the same faults are problems with the status of their class.
pub async fn faults_are_problems_over_plain_http<S: McpServer>() -> TestResult {
    let faulty = Faulty::start::<S>(1).await?;
    let (address, _serving) = http::serve_here(&faulty.server, &faulty.core).await?;
    for (tool, status, code) in [
        ("test_panic", 500, "internal"),
        ("test_hang", 504, "deadline_exceeded"),
        ("test_flood", 403, "result_too_large"),
    ] {
        let answer =
            http::send(address, &format!("POST /tools/{tool}"), &http::PLAIN, b"{}").await?;
        let problem = answer.json()?;
        ensure!(answer.status == status && problem["status"] == status, "{tool}: {answer:?}");
        ensure!(problem["code"] == code && problem["request_id"].is_string(), "{problem}");
        ensure!(answer.head.contains("application/problem+json"), "{answer:?}");
        ensure!(!answer.body.contains("secret"), "{problem}");
    }
    faulty.wait_dropped().await?;
    let faulty = Faulty::start::<S>(30).await?;
    let (address, _serving) = http::serve_here(&faulty.server, &faulty.core).await?;
    let call = http::send(address, "POST /tools/test_hang", &http::PLAIN, b"{}");
    let gone = tokio::time::timeout(Duration::from_millis(300), call).await;
    ensure!(gone.is_err(), "the call hangs");
    faulty.wait_dropped().await
}
