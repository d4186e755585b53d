//! A read that begins after an acknowledged write never answers from before it, through the whole
//! pipeline. `PROPTEST_CASES` sets how many interleavings: 3,000 calls by default; 10^5 by
//! `PROPTEST_CASES=8000 cargo test -p mcp-testkit --test it stale`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use mcp_core::Principal;
use mcp_testkit::{InProcess, TestResult, everything::Everything};
use proptest::{prelude::*, test_runner::TestCaseError};
use serde_json::json;

use crate::peer::{Client, ask_as, in_process, text};

/// Callers that read, beside one that writes.
const READERS: usize = 3;
/// Calls of each.
const CALLS: usize = 50;

/// One caller's pauses between its calls, in turns given to the others.
fn pauses() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(0..4_u8, CALLS), READERS + 1)
}

async fn pause(turns: u8) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

async fn write(fixture: Arc<InProcess<Everything>>, done: Arc<AtomicU64>, pauses: Vec<u8>) {
    for (number, turns) in (1..).zip(pauses) {
        pause(turns).await;
        let params = json!({"name": "test_register_write", "arguments": {"number": number}});
        let answer = ask_as(&fixture, "a", Client::Plain, "tools/call", &params).await;
        assert_eq!(text(&answer), "written", "{answer}");
        done.store(number, SeqCst);
    }
}

/// Reads, and what is wrong with one of them; how many came out of the cache.
async fn read(
    fixture: Arc<InProcess<Everything>>,
    done: Arc<AtomicU64>,
    (who, pauses): (usize, Vec<u8>),
) -> Result<usize, String> {
    let who = ["a", "b"][who % 2];
    let mut hits = 0;
    for turns in pauses {
        pause(turns).await;
        let least = done.load(SeqCst);
        let params = json!({"name": "test_register_read", "arguments": {}});
        let answer = ask_as(&fixture, who, Client::Plain, "tools/call", &params).await;
        let seen = text(&answer).split(' ').next().and_then(|seen| seen.parse::<u64>().ok());
        if seen.is_none_or(|seen| seen < least) {
            return Err(format!("{who} read {seen:?} after {least} was acknowledged: {answer}"));
        }
        hits += usize::from(answer["result"]["_meta"]["machina/cache"] == "hit");
    }
    Ok(hits)
}

async fn interleave(pauses: Vec<Vec<u8>>) -> TestResult<usize> {
    let fixture = Arc::new(in_process().await?);
    let done = Arc::new(AtomicU64::new(0));
    let mut readers = tokio::task::JoinSet::new();
    for (who, pauses) in pauses.into_iter().enumerate() {
        let (fixture, done) = (Arc::clone(&fixture), Arc::clone(&done));
        if who == READERS {
            readers.spawn(async move {
                write(fixture, done, pauses).await;
                Ok(0)
            });
        } else {
            readers.spawn(read(fixture, done, (who, pauses)));
        }
    }
    let mut hits = 0;
    while let Some(ended) = readers.join_next().await {
        hits += ended??;
    }
    // The last write is what everybody reads from now on.
    let who = Principal::anonymous();
    let params = json!({"name": "test_register_read", "arguments": {}});
    let last = ask_as(&fixture, who.id(), Client::Plain, "tools/call", &params).await;
    assert!(text(&last).starts_with(&format!("{CALLS} ")), "{last}");
    Ok(hits)
}

#[test]
fn no_read_is_older_than_a_write_acknowledged_before_it() {
    let whole = ProptestConfig::default().cases;
    let config = ProptestConfig { cases: (whole / 16).max(1), ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let hits = std::cell::Cell::new(0);
    let outcome = runner.run(&pauses(), |pauses| {
        let found = runtime.block_on(interleave(pauses));
        hits.set(hits.get() + found.map_err(|error| TestCaseError::fail(error.to_string()))?);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    assert!(hits.get() > 0, "nothing was ever answered from the cache");
}
