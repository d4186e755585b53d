//! Processes that write on one directory while some of them are killed.
//!
//! Each write stores an item of its own and replaces a counter, so that a write done twice shows: the
//! counter's version is the number of writes. A client whose process was killed starts another, and
//! looks whether its last write is there before it writes again; one whose process lives hears nothing
//! of the kills.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mcp_testkit::{
    TestResult,
    binary::{self, StdioServer},
    wire,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    crash::{call, start},
    shared::{Http, owner},
};

/// How much of it: from the environment, so that the nightly run does more.
fn knob(name: &str, usual: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test's own knob")]
    let wanted = std::env::var(name);
    wanted.ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// What happens on a directory.
struct Storm {
    state: PathBuf,
    acknowledged: AtomicU64,
    /// Processes of the writers.
    processes: Mutex<Vec<Option<u32>>>,
    kills: Mutex<Vec<Instant>>,
    /// Calls that were answered by a process that lived through them.
    calls: Mutex<Vec<(Instant, Instant)>>,
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(writer: usize, number: u64) -> String {
    format!("w{writer}n{number}")
}

fn write(writer: usize, number: u64) -> Value {
    json!({"items": [
        {"text": format!("item {} of the log", key(writer, number)), "key": key(writer, number)},
        {"text": format!("counter stands at {}", key(writer, number)), "key": "counter"},
    ]})
}

impl Storm {
    fn new(state: &Path, writers: usize) -> Self {
        Self {
            state: state.to_path_buf(),
            acknowledged: AtomicU64::new(0),
            processes: Mutex::new(vec![None; writers]),
            kills: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    fn start(&self, writer: usize) -> TestResult<StdioServer> {
        let mut server = start(&self.state)?;
        held(&self.processes)[writer] = server.child().id();
        Ok(server)
    }

    /// Write so many items; every answer that a living process gives must be a success.
    async fn write(&self, writer: usize, writes: u64) -> TestResult {
        let mut server = self.start(writer)?;
        let (mut number, mut id, mut doubt) = (0, 0, false);
        while number < writes {
            id += 1;
            if doubt {
                let arguments = json!({"keys": [key(writer, number)]});
                let Ok(there) = call(&mut server, id, "list_memories", &arguments).await else {
                    server = self.restart(writer, server).await?;
                    continue;
                };
                doubt = false;
                if there["items"].as_array().is_some_and(|items| !items.is_empty()) {
                    self.acknowledged.fetch_add(1, Ordering::SeqCst);
                    number += 1;
                    continue;
                }
            }
            let params = json!({"name": "store_memory", "arguments": write(writer, number)});
            let began = Instant::now();
            let Ok(answer) = server.ask(&wire::modern(id, "tools/call", &params)).await else {
                doubt = true;
                server = self.restart(writer, server).await?;
                continue;
            };
            held(&self.calls).push((began, Instant::now()));
            let done = &answer["result"]["structuredContent"];
            let whole = done["results"].as_array().is_some_and(|results| results.len() == 2);
            assert!(whole && done.get("repeated").is_none(), "{writer}: {answer}");
            self.acknowledged.fetch_add(1, Ordering::SeqCst);
            number += 1;
        }
        held(&self.processes)[writer] = None;
        let (_, status) = server.close().await?;
        assert!(status.success(), "{status}");
        Ok(())
    }

    /// Another process for a client whose own ended: that must have been killed.
    async fn restart(&self, writer: usize, mut dead: StdioServer) -> TestResult<StdioServer> {
        let status = tokio::time::timeout(binary::LIMIT, dead.child().wait()).await??;
        assert!(status.code().is_none(), "process of {writer} ended by itself: {status}");
        self.start(writer)
    }

    /// Kill the one that has the store, so many times, spread over all writes.
    async fn kill_owners(&self, kills: u64, writes: u64) -> TestResult {
        let mut killed = None;
        for kill in 1..=kills {
            let due = writes * kill / (kills + 1);
            loop {
                let holder = owner(&self.state);
                // Another one than before: that may not have been buried yet.
                let is_writer =
                    holder.is_some() && holder != killed && held(&self.processes).contains(&holder);
                let done = self.acknowledged.load(Ordering::SeqCst);
                // In no step with what the store does.
                if done >= due && is_writer && binary::signal_to(holder, "KILL").await.is_ok() {
                    held(&self.kills).push(Instant::now());
                    killed = holder;
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1 + kill % 7)).await;
            }
        }
        Ok(())
    }

    /// From each kill until a call that met it was answered, in milliseconds, in order.
    fn takeovers(&self) -> Vec<u128> {
        let (kills, calls) = (held(&self.kills), held(&self.calls));
        let met = |kill: &Instant| {
            let calls = calls.iter().filter(|(began, ended)| began <= kill && kill < ended);
            calls.map(|(_, ended)| ended.duration_since(*kill).as_millis()).collect::<Vec<_>>()
        };
        let mut met: Vec<u128> = kills.iter().flat_map(met).collect();
        met.sort_unstable();
        met
    }
}

/// Every item is there once; as many versions of the counter as writes.
async fn check(state: &Path, writers: usize, writes: u64) -> TestResult {
    let mut server = start(state)?;
    let mut id = 0;
    for writer in 0..writers {
        let keys: Vec<String> = (0..writes).map(|number| key(writer, number)).collect();
        for chunk in keys.chunks(100) {
            id += 1;
            let arguments = json!({"keys": chunk, "fields": ["key", "version"], "limit": 200});
            let listed = call(&mut server, id, "list_memories", &arguments).await?;
            assert!(listed.get("missing").is_none(), "lost: {}", listed["missing"]);
            let items = listed["items"].as_array().ok_or("no items")?;
            assert_eq!(items.len(), chunk.len());
            assert!(items.iter().all(|item| item["version"] == 1), "{listed}");
        }
    }
    let counter = call(&mut server, id + 1, "list_memories", &json!({"keys": ["counter"]})).await?;
    assert_eq!(counter["items"][0]["version"], writers as u64 * writes, "a write was done twice");
    let verified = json!({"action": "verify"});
    let verified = call(&mut server, id + 2, "run_maintenance", &verified).await?;
    assert_eq!(verified["state"], "done", "{verified}");
    assert!(verified.get("findings").is_none(), "{verified}");
    server.close().await?;
    Ok(())
}

#[tokio::test]
async fn writes_go_on_while_owners_are_killed() -> TestResult {
    const WRITERS: usize = 4;
    let state = tempfile::tempdir()?;
    let writes = knob("MACHINA_TEST_OWNER_WRITES", 60);
    let kills = knob("MACHINA_TEST_OWNER_KILLS", 4);
    let storm = Storm::new(state.path(), WRITERS);
    let work = async {
        tokio::try_join!(
            storm.write(0, writes),
            storm.write(1, writes),
            storm.write(2, writes),
            storm.write(3, writes)
        )
    };
    tokio::try_join!(work, storm.kill_owners(kills, WRITERS as u64 * writes))?;
    check(state.path(), WRITERS, writes).await?;
    let (total, times) = (WRITERS as u64 * writes, storm.takeovers());
    let at = |share: usize| times.get(times.len().saturating_sub(1) * share / 100);
    println!(
        "{total} writes kept, each once, 0 errors, {kills} owners killed; {} calls met a kill and \
         were answered after p50 {:?}, p99 {:?}, at most {:?} ms",
        times.len(),
        at(50),
        at(99),
        times.last()
    );
    assert_eq!(storm.acknowledged.load(Ordering::SeqCst), total);
    Ok(())
}

/// Writes through one port until nothing listens any more; how many were acknowledged, by number.
async fn write_to(port: &Http, from: u64) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    for number in from.. {
        match port.call("store_memory", &write(4, number)).await {
            Ok(_) => acknowledged.push(number),
            Err(_) => break,
        }
    }
    acknowledged
}

/// Writes on a client's stdio until its process is killed.
async fn write_on(server: &mut StdioServer, writer: usize, from: u64) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    for number in from.. {
        let id = number + 1;
        match call(server, id, "store_memory", &write(writer, number)).await {
            Ok(_) => acknowledged.push(number),
            Err(_) => break,
        }
    }
    acknowledged
}

#[tokio::test]
async fn what_any_of_five_processes_acknowledged_survives_kill_9() -> TestResult {
    let state = tempfile::tempdir()?;
    let cycles = knob("MACHINA_TEST_KILL_CYCLES", 5);
    let mut next = [0_u64; 5];
    let mut total = 0;
    for cycle in 0..cycles {
        let mut clients = [
            start(state.path())?,
            start(state.path())?,
            start(state.path())?,
            start(state.path())?,
        ];
        let mut port = Http::start(state.path()).await?;
        for client in &mut clients {
            call(client, 0, "list_memories", &json!({"limit": 1})).await?;
        }
        // 20-400 ms, spread without a pattern that meets the store's own rhythm.
        let after = Duration::from_millis(20 + cycle * 7_919 % 381);
        let mut victims: Vec<Option<u32>> =
            clients.iter_mut().map(|client| client.child().id()).collect();
        victims.push(port.child.id());
        let victim = match cycle % 2 {
            0 => owner(state.path()),
            _ => victims[usize::try_from(cycle / 2 % 5)?],
        };
        let [a, b, c, d] = &mut clients;
        let write = async {
            <[Vec<u64>; 5]>::from(tokio::join!(
                write_on(a, 0, next[0]),
                write_on(b, 1, next[1]),
                write_on(c, 2, next[2]),
                write_on(d, 3, next[3]),
                write_to(&port, next[4])
            ))
        };
        let storm = async {
            tokio::time::sleep(after).await;
            binary::signal_to(victim, "KILL").await?;
            tokio::time::sleep(after).await;
            // The others end as hard, in the middle of a take-over or after it.
            for process in victims.iter().filter(|process| **process != victim) {
                binary::signal_to(*process, "KILL").await?;
            }
            TestResult::Ok(())
        };
        let (written, killed) = tokio::join!(write, storm);
        killed?;
        port.child.wait().await?;
        for client in &mut clients {
            client.child().wait().await?;
        }
        total += survived(state.path(), written, &mut next).await?;
    }
    println!("{cycles} cycles of five processes, {total} acknowledged, 0 lost, 0 doubled");
    assert!(total > 0, "nothing was acknowledged: the test shows nothing");
    Ok(())
}

/// Each acknowledged item is there, once; each item came with its counter.
async fn survived(state: &Path, written: [Vec<u64>; 5], next: &mut [u64; 5]) -> TestResult<usize> {
    let mut server = start(state)?;
    let (mut id, mut total) = (0, 0);
    for (place, numbers) in written.iter().enumerate() {
        for chunk in numbers.chunks(100) {
            id += 1;
            let keys: Vec<String> = chunk.iter().map(|number| key(place, *number)).collect();
            let arguments = json!({"keys": keys, "fields": ["key", "version"], "limit": 200});
            let listed = call(&mut server, id, "list_memories", &arguments).await?;
            assert!(listed.get("missing").is_none(), "lost: {}", listed["missing"]);
            let items = listed["items"].as_array().ok_or("no items")?;
            assert!(items.iter().all(|item| item["version"] == 1), "{listed}");
        }
        total += numbers.len();
        // The one that was under way may be there without its acknowledgement.
        next[place] = numbers.last().map_or(next[place], |last| last + 1) + 1;
    }
    let counted = json!({"group_by": "context"});
    let counted = call(&mut server, id + 1, "list_memories", &counted).await?;
    let counter = call(&mut server, id + 2, "list_memories", &json!({"keys": ["counter"]})).await?;
    if let Some(version) = counter["items"][0]["version"].as_u64() {
        let items = counted["groups"][0]["count"].as_u64().unwrap_or(0);
        assert_eq!(version + 1, items, "an item without its counter, or one of them twice");
    }
    server.close().await?;
    Ok(total)
}
