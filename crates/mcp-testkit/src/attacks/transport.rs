//! TR over time: cancellation, identity of answers, panics, floods, logs.

use std::{collections::BTreeSet, net::SocketAddr, process::Stdio};

use futures_util::{StreamExt, stream};
use mcp_core::{McpServer, TaskSupport, task_store};
use serde_json::{Value, json};

use super::{
    Outcome,
    channel::{LIMITS, Transport},
    identity,
    upstream::Scene,
};
use crate::{
    TestResult,
    binary::{HttpServer, StdioServer, command, free_port},
    ensure, http,
    suite::{self, fault, stdio},
    wire::{modern, notification},
};

/// A client that leaves stops its work.
pub async fn tr_11<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    fault::a_client_that_leaves_stops_the_work::<S>().await?;
    Ok(Outcome::Run)
}

/// The same id from many at once: everyone gets the answer to what they asked.
pub async fn tr_12<S: McpServer>(transport: Transport) -> TestResult<Outcome> {
    if transport == Transport::Stdio {
        stdio::x9_each_id_gets_one_answer::<S>().await?;
        return Ok(Outcome::Run);
    }
    let server = HttpServer::start(&S::FACTS.member.binary(), &LIMITS).await?;
    let address = server.address;
    let ask = |index: u32| async move {
        let uri = format!("machina://nobody-{index}");
        let answer = http::modern(address, "resources/read", &json!({"uri": uri})).await?.json()?;
        let own = answer["id"] == 1 && answer["error"].to_string().contains(&uri);
        ensure!(own, "asked for {uri}, got {answer}");
        TestResult::Ok(())
    };
    let mut answers = stream::iter((0..1_000).map(ask)).buffer_unordered(64);
    while let Some(answer) = answers.next().await {
        answer?;
    }
    Ok(Outcome::Run)
}

/// A panic in a tool or in a task of its own is an answer, without its payload; the server lives.
pub async fn tr_13<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    fault::x8_a_panic_is_an_answer_on_both_transports::<S>().await?;
    Ok(Outcome::Run)
}

/// Whatever is logged, stdout is the protocol's.
pub async fn tr_14<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    stdio::x4_stdout_is_protocol_only_at_every_log_level::<S>().await?;
    Ok(Outcome::Run)
}

/// Cancelling: silence for one's own call, nothing for a foreign or unknown one.
pub async fn tr_15<S: McpServer>(transport: Transport) -> TestResult<Outcome> {
    if transport == Transport::Stdio {
        fault::x6_a_cancelled_call_is_silent::<S>().await?;
        let mut server = StdioServer::start(&S::FACTS.member.binary(), &[])?;
        for id in 1..=200_u64 {
            // The race: the call may have ended before, or never be answered; never twice.
            server.send(&modern(id, "tools/list", &json!({}))).await?;
            server
                .send(&notification("notifications/cancelled", &json!({"requestId": id})))
                .await?;
        }
        server.send(&modern("last", "prompts/list", &json!({}))).await?;
        let mut seen = BTreeSet::new();
        loop {
            let answer = server.receive().await?;
            ensure!(seen.insert(answer["id"].to_string()), "a second answer: {}", answer["id"]);
            if answer["id"] == "last" {
                break;
            }
        }
        return Ok(Outcome::Run);
    }
    let server = HttpServer::start(&S::FACTS.member.binary(), &[]).await?;
    let cancel = notification("notifications/cancelled", &json!({"requestId": 1}));
    let none = json!({});
    let (told, answer) = tokio::join!(
        http::legacy(server.address, &cancel),
        http::modern(server.address, "tools/list", &none)
    );
    let told = told?;
    ensure!(told.status == 202 || S::LEGACY_SESSIONS, "{told:?}");
    ensure!(answer?.status == 200, "a foreign call was cancelled");
    Ok(Outcome::Run)
}

/// Task ids that are guessed.
const GUESSES: u32 = 2_000;

/// More tasks than a principal may have; task ids by guessing, and of another. The scene's call that may
/// become a task makes them.
pub async fn tr_20<S: McpServer>(scene: &'static Scene) -> TestResult<Outcome> {
    if S::LEGACY_SESSIONS {
        return Ok(Outcome::NotApplicable("its tasks are the official suite's"));
    }
    let server = HttpServer::start(&S::FACTS.member.binary(), &identity::settings()).await?;
    let address = server.address;
    let [tester, another] =
        ["tester", "another"].map(|who| format!("Bearer {}", identity::token_of::<S>(who)));
    let discovered =
        identity::ask(address, Some(&tester), "server/discover", &json!({})).await?.json()?;
    let get = |id: String| with_tasks("tasks/get", &json!({"taskId": id}));
    if !suite::http::declares_tasks(&discovered) {
        for index in 0..100 {
            let guess = get(format!("task-{index:032x}"));
            let answer = identity::tell(address, Some(&tester), &guess).await?.json()?;
            ensure!(answer["error"]["code"] == -32601, "{answer}");
        }
        return Ok(Outcome::NotApplicable("declares no tasks: tasks/get is -32601"));
    }
    let calls = scene.held.iter().map(|held| held.before.iter().chain([&held.given_by]));
    let mut calls = calls.flatten();
    let call = calls.find(|call| S::policy(call.0).task != TaskSupport::Never);
    let call = call.ok_or("no call of the scene becomes a task")?;
    let arguments: Value = serde_json::from_str(call.1)?;
    let message = with_tasks("tools/call", &json!({"name": call.0, "arguments": arguments}));
    let mut first = String::new();
    for nth in 0..=task_store::PER_OWNER {
        let answer = identity::tell(address, Some(&tester), &message).await?.json()?;
        let made = answer["result"]["taskId"].as_str();
        if nth == task_store::PER_OWNER {
            let said = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
            ensure!(made.is_none() && said.contains("too_many_tasks"), "{answer}");
            break;
        }
        let made = made.ok_or_else(|| format!("task {nth} was not made: {answer}"))?;
        if nth == 0 {
            first = made.to_owned();
        }
    }
    let own = identity::tell(address, Some(&tester), &get(first.clone())).await?.json()?;
    ensure!(own["result"]["taskId"] == *first, "its own task is not there: {own}");
    let theirs = identity::tell(address, Some(&another), &get(first)).await?.json()?;
    let guess = |index: u32| {
        let (credential, message) = (&tester, get(format!("{index:032x}")));
        async move { identity::tell(address, Some(credential), &message).await?.json() }
    };
    let mut answers = stream::iter((0..GUESSES).map(guess)).buffer_unordered(16);
    while let Some(answer) = answers.next().await {
        let answer = answer?;
        ensure!(answer["error"]["code"] == -32602, "{answer}");
        ensure!(answer["error"] == theirs["error"], "{theirs}, but {answer}");
    }
    Ok(Outcome::Run)
}

/// A request of a client that has tasks.
fn with_tasks(method: &str, params: &Value) -> Value {
    let mut message = modern(1, method, params);
    message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
        json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
    message
}

/// Text that would forge log lines or series.
pub async fn tr_21<S: McpServer>(transport: Transport) -> TestResult<Outcome> {
    const FORGED: &str = "x\n{\"level\":\"ERROR\",\"message\":\"forged\"}\u{1b}[31m\r\n";
    let calls = [
        modern(1, "tools/call", &json!({"name": FORGED, "arguments": {}})),
        modern(2, FORGED, &json!({})),
        modern(3, "resources/read", &json!({"uri": format!("machina://{FORGED}")})),
        modern(4, "prompts/get", &json!({"name": FORGED, "arguments": {}})),
        modern(
            5,
            "tools/list",
            &json!({"_meta": {"io.modelcontextprotocol/clientInfo": {"name": FORGED, "version": FORGED}, "progressToken": FORGED}}),
        ),
    ];
    let log = if transport == Transport::Stdio {
        let state = tempfile::tempdir()?;
        let log = state.path().join("log");
        let mut command = command(&S::FACTS.member.binary(), state.path())?;
        command.args(["--log-level", "debug", "--log-format", "json"]);
        command.stderr(std::fs::File::create(&log)?);
        let mut child = command.spawn()?;
        let mut input = child.stdin.take().ok_or("no stdin")?;
        for call in &calls {
            let line = format!("{call}\n");
            tokio::io::AsyncWriteExt::write_all(&mut input, line.as_bytes()).await?;
        }
        drop(input);
        let output = tokio::time::timeout(crate::binary::LIMIT, child.wait_with_output()).await??;
        ensure!(output.stdout.split(|byte| *byte == b'\n').count() > calls.len(), "{output:?}");
        std::fs::read_to_string(&log)?
    } else {
        let logged = Logged::start::<S>(&[("MACHINA_LOG_LEVEL", "debug")]).await?;
        let series = http::get(logged.address, "/metrics").await?.body;
        for call in &calls {
            let mut headers = http::PLAIN.to_vec();
            headers.push(("X-Request-Id", "forged\"}"));
            http::post(logged.address, &headers, call.to_string().as_bytes()).await?;
        }
        let after = http::get(logged.address, "/metrics").await?.body;
        ensure!(!after.contains("forged"), "a forged series: {after}");
        ensure!(series.lines().count() <= after.lines().count(), "the metrics shrank");
        logged.stop().await?
    };
    for line in log.lines() {
        let parsed: Value =
            serde_json::from_str(line).map_err(|_| format!("a forged line: {line}"))?;
        ensure!(parsed["message"] != "forged", "a forged line: {line}");
    }
    Ok(Outcome::Run)
}

/// A server on HTTP that logs JSON to a file.
pub(super) struct Logged {
    server: tokio::process::Child,
    pub(super) address: SocketAddr,
    state: tempfile::TempDir,
}

impl Logged {
    pub(super) async fn start<S: McpServer>(environment: &[(&str, &str)]) -> TestResult<Self> {
        let state = tempfile::tempdir()?;
        let port = free_port()?;
        let mut command = command(&S::FACTS.member.binary(), state.path())?;
        command.args(["serve", "--log-format", "json", "--port", &port.to_string()]);
        command.envs(environment.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(std::fs::File::create(state.path().join("log"))?);
        let mut server = command.spawn()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        ensure!(
            http::wait_until_live(address, &mut server).await?,
            "the server ended at its start"
        );
        Ok(Self { server, address, state })
    }

    pub(super) async fn tools(&self) -> TestResult<Vec<Value>> {
        let listed = http::modern(self.address, "tools/list", &json!({})).await?.json()?;
        Ok(listed["result"]["tools"].as_array().cloned().unwrap_or_default())
    }

    /// End it; all that it logged.
    pub(super) async fn stop(mut self) -> TestResult<String> {
        crate::binary::signal_to(self.server.id(), "TERM").await?;
        tokio::time::timeout(crate::binary::LIMIT, self.server.wait()).await??;
        Ok(std::fs::read_to_string(self.state.path().join("log"))?)
    }
}
