//! Start figures of an optimised build: spawn to first answer, idle memory.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use mcp_core::fleet::{MEMBERS, Member};
use serde_json::json;

use crate::{root, say, server, server::Server};

#[expect(clippy::disallowed_types, reason = "a measuring tool needs the real clock")]
type Clock = std::time::Instant;

/// Bars: milliseconds to the first answer, MiB when idle.
fn bars(name: &str) -> (f64, f64) {
    if name == "ptolemies" { (150.0, 60.0) } else { (30.0, 15.0) }
}

const HEADER: &str =
    "build,server,stdio_ms_min,stdio_ms_median,stdio_ms_max,idle_rss_mib,bar_ms,bar_mib";

/// Measure the binaries of a directory, or those of `release` after building them. The rows are named
/// by the directory; those of other builds stay.
pub(crate) fn run(runs: usize, binaries: Option<PathBuf>) -> Result<()> {
    let directory = binaries.map_or_else(server::build_release, Ok)?;
    let build = directory.file_name().context("a directory of binaries")?.display().to_string();
    let path = root().join("docs/benchmarks/start.csv");
    let mut rows = vec![HEADER.to_owned()];
    let own = format!("{build},");
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let others = kept.lines().skip(1).filter(|row| !row.starts_with(&own));
    rows.extend(others.map(str::to_owned));
    say("server      first answer ms (min median max)  idle MiB  bars");
    for member in MEMBERS {
        rows.push(format!("{build},{}", measured(&directory, &member, runs)?));
    }
    fs::write(&path, rows.join("\n") + "\n")?;
    say("rows are in docs/benchmarks/start.csv");
    Ok(())
}

/// One server's row.
fn measured(directory: &Path, member: &Member, runs: usize) -> Result<String> {
    let name = member.binary();
    let mut times =
        (0..runs).map(|_| first_answer(directory, &name)).collect::<Result<Vec<f64>>>()?;
    times.sort_by(f64::total_cmp);
    let (min, max) = (times[0], times[times.len() - 1]);
    let median = times[times.len() / 2];
    let mib = idle(directory, &name)?;
    let (bar_ms, bar_mib) = bars(member.name);
    let verdict = if median <= bar_ms && mib <= bar_mib { "met" } else { "MISSED" };
    say(&format!(
        "{:<10}  {min:>8.1} {median:>8.1} {max:>8.1}          {mib:>8.1}  {verdict} ({bar_ms} ms, {bar_mib} MiB)",
        member.name
    ));
    Ok(format!("{},{min:.1},{median:.1},{max:.1},{mib:.1},{bar_ms},{bar_mib}", member.name))
}

/// From spawn until `tools/list` is answered on stdio, in milliseconds.
fn first_answer(directory: &Path, name: &str) -> Result<f64> {
    let state = server::state().join("start");
    if state.exists() {
        fs::remove_dir_all(&state)?;
    }
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}}}});
    let began = Clock::now();
    let mut child = server::command(directory, name)
        .env("HOME", &state)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut input = child.stdin.take().context("no stdin")?;
    writeln!(input, "{message}")?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
    let took = began.elapsed();
    ensure!(line.contains("\"tools\""), "{name}: {line}");
    drop(input);
    child.wait()?;
    Ok(took.as_secs_f64() * 1e3)
}

/// Resident memory of a serving process that has answered a few requests and rests.
fn idle(directory: &Path, name: &str) -> Result<f64> {
    let server = Server::start(directory, name)?;
    std::thread::sleep(Duration::from_secs(1));
    resident(server.child())
}

fn resident(child: &Child) -> Result<f64> {
    let mut status = String::new();
    fs::File::open(format!("/proc/{}/status", child.id()))?.read_to_string(&mut status)?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.split_whitespace().nth(1).context("no value")?.parse()?;
    Ok(kib / 1024.0)
}
