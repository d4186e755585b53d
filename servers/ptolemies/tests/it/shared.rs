//! Many processes on one directory.

use std::{fs, path::Path, process::Stdio, time::Duration};

use mcp_testkit::{
    TestResult,
    binary::{self, LIMIT, StdioServer},
    http, wire,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

use crate::crash::{NAME, call, start};

/// The state directory that [`start`] gives its processes.
pub(crate) fn home(state: &Path) -> std::path::PathBuf {
    state.join("ptolemies")
}

/// The process that has the store, as the lock says.
pub(crate) fn owner(state: &Path) -> Option<u32> {
    fs::read_to_string(home(state).join("lock")).ok()?.trim().parse().ok()
}

/// `serve` on a directory.
pub(crate) struct Http {
    pub(crate) child: Child,
    address: std::net::SocketAddr,
}

impl Http {
    pub(crate) async fn start(state: &Path) -> TestResult<Self> {
        for _attempt in 0..5 {
            let port = binary::free_port()?;
            let mut command: Command = binary::command(NAME, state)?;
            command.args(["--toolset", "all", "--state-dir", &home(state).to_string_lossy()]);
            // Nobody competes: quotas are looked at elsewhere.
            command.env("MACHINA_RATE_WRITE", "0").env("MACHINA_RATE_READ", "0");
            command.args(["serve", "--port", &port.to_string()]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn()?;
            let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
            if http::wait_until_live(address, &mut child).await? {
                return Ok(Self { child, address });
            }
        }
        Err("it does not come up".into())
    }

    pub(crate) async fn call(&self, tool: &str, arguments: &Value) -> TestResult<Value> {
        let params = json!({"name": tool, "arguments": arguments});
        let answer = http::modern(self.address, "tools/call", &params).await?.json()?;
        let content = answer["result"].get("structuredContent");
        Ok(content.ok_or_else(|| format!("{tool} failed: {answer}"))?.clone())
    }

    async fn probes(&self) -> TestResult<Value> {
        Ok(http::get(self.address, "/health/ready").await?.json()?["probes"].clone())
    }
}

/// The body of a call's error.
async fn refusal(server: &mut StdioServer, id: u64, tool: &str) -> TestResult<Value> {
    let message = wire::modern(id, "tools/call", &json!({"name": tool, "arguments": {}}));
    let answer = server.ask(&message).await?;
    let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    Ok(serde_json::from_str(text)?)
}

fn item(text: &str) -> Value {
    json!({"items": [{"text": text, "key": text}]})
}

async fn count(server: &mut StdioServer, id: u64) -> TestResult<Value> {
    let counted = call(server, id, "list_memories", &json!({"group_by": "context"})).await?;
    Ok(counted["groups"][0]["count"].clone())
}

#[tokio::test]
async fn four_clients_a_port_and_a_shell_share_one_directory() -> TestResult {
    let state = tempfile::tempdir()?;
    let mut first = start(state.path())?;
    call(&mut first, 1, "store_memory", &item("from 0")).await?;
    let holder = first.child().id();
    assert_eq!(owner(state.path()), holder);
    let mut others = Vec::new();
    for number in 1..4 {
        let mut server = start(state.path())?;
        call(&mut server, 1, "store_memory", &item(&format!("from {number}"))).await?;
        others.push(server);
    }
    let port = Http::start(state.path()).await?;
    port.call("store_memory", &item("from 4")).await?;
    let mut shell = binary::command(NAME, state.path())?;
    shell.args(["--state-dir", &home(state.path()).to_string_lossy(), "call", "store_memory"]);
    let said = shell.arg(item("from 5").to_string()).stdin(Stdio::null()).output().await?;
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));

    // What one has written, each sees at once.
    assert_eq!(count(&mut first, 2).await?, 6);
    for server in &mut others {
        assert_eq!(count(server, 2).await?, 6);
        let found = call(server, 3, "search_knowledge", &json!({"query": "from 4"})).await?;
        assert_eq!(found["hits"][0]["key"], "from 4", "{found}");
        let read = server
            .ask(&wire::modern(4, "resources/read", &json!({"uri": "ptolemies://stats"})))
            .await?;
        assert!(read["result"]["contents"][0]["text"].is_string(), "{read}");
    }
    assert_eq!(owner(state.path()), holder, "the first has it all along");
    let probes = port.probes().await?;
    let detail = probes[0]["detail"].as_str().unwrap_or_default();
    assert_eq!((&probes[0]["name"], &probes[0]["state"]), (&json!("process"), &json!("up")));
    assert!(detail.contains("proxy") && detail.contains(&holder.unwrap_or_default().to_string()));
    assert_eq!((&probes[1]["name"], &probes[1]["state"]), (&json!("index"), &json!("up")));

    // Its client leaves: another one takes its place, and nobody hears of it.
    let (_, status) = first.close().await?;
    assert!(status.success(), "{status}");
    for server in &mut others {
        assert_eq!(count(server, 5).await?, 6);
    }
    port.call("store_memory", &item("from 6")).await?;
    assert_ne!(owner(state.path()), holder);
    for server in others {
        let (_, status) = server.close().await?;
        assert!(status.success(), "{status}");
    }
    port.call("store_memory", &item("from 7")).await?;
    // A report stands for two seconds.
    let seen = async {
        while !port.probes().await?[0]["detail"].as_str().is_some_and(|it| it.contains("owner")) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        TestResult::Ok(())
    };
    tokio::time::timeout(LIMIT, seen).await??;
    let mut child = port.child;
    binary::signal_to(child.id(), "TERM").await?;
    assert!(tokio::time::timeout(LIMIT, child.wait()).await??.success());
    assert!(!home(state.path()).join("owner.sock").exists(), "the last one leaves no socket");
    let mut last = start(state.path())?;
    assert_eq!(count(&mut last, 1).await?, 8);
    Ok(())
}

#[tokio::test]
async fn a_stopped_owner_is_waited_for_and_never_robbed() -> TestResult {
    let state = tempfile::tempdir()?;
    let mut first = start(state.path())?;
    call(&mut first, 1, "store_memory", &item("before")).await?;
    let mut second = start(state.path())?;
    call(&mut second, 1, "store_memory", &item("through the first")).await?;
    let holder = first.child().id();
    binary::signal_to(holder, "STOP").await?;
    let error = refusal(&mut second, 2, "list_memories").await?;
    assert_eq!(error["code"], "owner_unavailable", "{error}");
    assert!(error["retry_after_ms"].as_u64().is_some_and(|after| after > 0), "{error}");
    // One that is started meanwhile lists its tools, and says the same.
    let mut third = start(state.path())?;
    let listed = third.ask(&wire::modern(1, "tools/list", &json!({}))).await?;
    assert!(listed["result"]["tools"].as_array().is_some_and(|tools| tools.len() > 20));
    assert_eq!(refusal(&mut third, 2, "list_memories").await?["code"], "owner_unavailable");
    assert_eq!(owner(state.path()), holder);
    binary::signal_to(holder, "CONT").await?;
    for server in [&mut first, &mut second, &mut third] {
        assert_eq!(count(server, 3).await?, 2);
    }
    Ok(())
}

/// Say this to whoever comes; nothing may be asked.
async fn greet(listener: &tokio::net::UnixListener, hello: &[u8]) -> TestResult {
    loop {
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(hello).await?;
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await?;
        assert!(heard.is_empty(), "something was asked");
    }
}

#[tokio::test]
async fn another_version_is_told_apart() -> TestResult {
    let state = tempfile::tempdir()?;
    let home = home(state.path());
    fs::create_dir_all(&home)?;
    let lock = fs::File::create(home.join("lock"))?;
    lock.try_lock()?;
    let listener = tokio::net::UnixListener::bind(home.join("owner.sock"))?;
    let old = json!({"server": "ptolemies", "protocol": 1, "version": "0.0.1", "process": 4711});
    let mut frame = u32::try_from(old.to_string().len())?.to_be_bytes().to_vec();
    frame.extend(old.to_string().bytes());
    let mut server = start(state.path())?;
    let error = tokio::select! {
        error = refusal(&mut server, 1, "list_memories") => error?,
        ended = greet(&listener, &frame) => return ended,
    };
    assert_eq!(error["code"], "owner_version_mismatch", "{error}");
    for part in ["4711", "0.0.1"] {
        assert!(error["message"].as_str().is_some_and(|text| text.contains(part)), "{error}");
    }
    // When it is gone, this one takes its place.
    drop((listener, lock));
    call(&mut server, 2, "store_memory", &item("after")).await?;
    assert_eq!(owner(state.path()), server.child().id());
    Ok(())
}

#[tokio::test]
async fn nobody_that_listens_is_said_so() -> TestResult {
    let state = tempfile::tempdir()?;
    fs::create_dir_all(home(state.path()))?;
    let lock = fs::File::create(home(state.path()).join("lock"))?;
    lock.try_lock()?;
    let mut server = start(state.path())?;
    let error = refusal(&mut server, 1, "list_memories").await?;
    assert_eq!(error["code"], "owner_unavailable", "{error}");
    drop(lock);
    call(&mut server, 2, "store_memory", &item("after")).await?;
    Ok(())
}
