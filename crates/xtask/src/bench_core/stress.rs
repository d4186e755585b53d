//! The core under bad weather: an open loop, anonymous `initialize`, made-up names, SIGTERM under load.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{
    Programs,
    peer::{BASE, OURS, Peer},
};
use crate::say;

/// A figure beside its bar.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) bar: &'static str,
    pub(crate) what: String,
    pub(crate) value: String,
    pub(crate) target: &'static str,
    pub(crate) met: bool,
}

pub(crate) fn run(programs: &Programs, ours: &Peer, peers: &[Peer]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for peer in peers.iter().filter(|peer| [OURS, BASE].contains(&peer.name)) {
        findings.extend(open(programs, peer)?);
    }
    findings.push(memory(
        programs,
        ours,
        "initialize",
        5_000,
        "5,000 anonymous initialize: RSS grows by",
        "<= 5 MB",
    )?);
    findings.push(memory(
        programs,
        ours,
        "random",
        100_000,
        "100,000 requests with made-up tool names and cursors: RSS grows by",
        "<= 5 MB",
    )?);
    findings.extend(drain(programs, ours)?);
    for finding in &findings {
        let verdict = if finding.met { "met" } else { "MISSED" };
        say(&format!(
            "{:<4} {}: {} ({}; {verdict})",
            finding.bar, finding.what, finding.value, finding.target
        ));
    }
    Ok(findings)
}

/// C3: 10,000 requests a second over 500 connections, whatever the answers take.
fn open(programs: &Programs, peer: &Peer) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for rate in [2_000_u64, 5_000, 10_000] {
        let running = peer.start(programs)?;
        let options =
            ["connections=500".to_owned(), format!("rate={rate}"), "seconds=8".to_owned()];
        let said = programs.load(&running, "open", &options)?;
        let milliseconds = |key: &str| said[key].as_f64().unwrap_or_default() / 1e3;
        let failed = failures(&said);
        findings.push(Finding {
            bar: "C3",
            what: format!("{}, open loop {rate} req/s over 500 connections", peer.name),
            value: format!(
                "p50 {:.2} ms, p99 {:.2} ms, {failed} failed",
                milliseconds("p50_us"),
                milliseconds("p99_us")
            ),
            target: "p99 <= 5 ms, 0 failed at 10,000",
            met: milliseconds("p99_us") <= 5.0 && failed == 0,
        });
    }
    Ok(findings)
}

fn failures(said: &Value) -> u64 {
    let unexpected = said["unexpected"].as_object().into_iter().flatten();
    let of = |key: &str| said[key].as_u64().unwrap_or_default();
    unexpected.filter_map(|(_, count)| count.as_u64()).sum::<u64>() + of("cut") + of("refused")
}

/// C9: what `count` requests of strangers leave behind, after a tenth of them warmed the server.
fn memory(
    programs: &Programs,
    peer: &Peer,
    mode: &str,
    count: u64,
    what: &str,
    target: &'static str,
) -> Result<Finding> {
    let running = peer.start_open(programs)?;
    programs.load(&running, mode, &[format!("count={}", count / 10)])?;
    let before = running.resident()?;
    let said = programs.load(&running, mode, &[format!("count={count}")])?;
    let grown = running.resident()? - before;
    let failed = failures(&said);
    Ok(Finding {
        bar: "C9",
        what: what.to_owned(),
        value: format!("{grown:.1} MiB, {failed} of {count} answered otherwise"),
        target,
        met: grown <= 4.77 && failed == 0,
    })
}

/// How often the server is ended.
const ROUNDS: usize = 10;

/// C12: SIGTERM while 32 connections are busy. A request counts as cut when its connection ended before
/// the whole answer was there.
fn drain(programs: &Programs, peer: &Peer) -> Result<Vec<Finding>> {
    let (mut cut, mut answered, mut codes) = (0, 0, Vec::new());
    for _ in 0..ROUNDS {
        let running = peer.start(programs)?;
        let mut load = Command::new(programs.path("load"));
        load.args(["closed", &running.address.to_string(), "seconds=3"]);
        if let Some(token) = &running.token {
            load.arg(format!("token={token}"));
        }
        let load = load.stdout(std::process::Stdio::piped()).spawn()?;
        std::thread::sleep(Duration::from_secs(1));
        codes.push(running.terminate()?);
        let output = load.wait_with_output().context("the load generator did not end")?;
        let said: Value = serde_json::from_slice(&output.stdout)?;
        cut += said["cut"].as_u64().unwrap_or_default();
        answered += said["answered"].as_u64().unwrap_or_default();
    }
    let clean = codes.iter().all(|code| *code == Some(0));
    Ok(vec![Finding {
        bar: "C12",
        what: format!("SIGTERM under 32 busy connections, {ROUNDS} times"),
        value: format!(
            "{cut} cut of {answered}, exit codes {}",
            if clean { "0".to_owned() } else { format!("{codes:?}") }
        ),
        target: "0 cut, exit 0",
        met: cut == 0 && clean,
    }])
}
