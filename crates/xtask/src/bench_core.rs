//! What a call costs, on our stack and on its peers, in one interleaved run: `docs/benchmarks/core.csv`.

mod peer;
mod report;
mod stress;

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use self::peer::{Peer, Running};
use crate::{root, say, server};

/// One measurement of one peer.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) peer: String,
    pub(crate) version: String,
    pub(crate) load: &'static str,
    pub(crate) round: usize,
    pub(crate) requests_per_s: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) cpu_us: f64,
    pub(crate) idle_mib: f64,
    pub(crate) peak_mib: f64,
    pub(crate) failed: u64,
}

/// Where the programs of a run lie.
pub(crate) struct Programs {
    directory: std::path::PathBuf,
}

impl Programs {
    /// Build them all for release.
    fn build() -> Result<Self> {
        let target = server::target_directory()?;
        let mut build = server::cargo();
        build.args(["build", "-q", "--release", "--locked", "--bins", "--manifest-path"]);
        build.arg(root().join("benches/core/Cargo.toml")).arg("--target-dir").arg(&target);
        server::run(&mut build)?;
        Ok(Self { directory: target.join("release") })
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.join(name)
    }

    /// Run the load generator; what it reports.
    pub(crate) fn load(&self, running: &Running, mode: &str, options: &[String]) -> Result<Value> {
        let mut command = Command::new(self.path("load"));
        command.arg(mode).arg(running.address.to_string()).args(options);
        if let Some(token) = &running.token {
            command.arg(format!("token={token}"));
        }
        let output = command.output().context("the load generator cannot be run")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

pub(crate) fn run(rounds: usize, seconds: u64, only: &[String]) -> Result<()> {
    let programs = Programs::build()?;
    let wanted = |name: &str| only.is_empty() || only.iter().any(|one| one == name);
    let (peers, missing) = peer::all(&programs)?;
    let peers: Vec<Peer> = peers.into_iter().filter(|peer| wanted(peer.name)).collect();
    for reason in &missing {
        say(&format!("not measured: {reason}"));
    }
    let mut rows = Vec::new();
    for round in 1..=rounds {
        for peer in &peers {
            let row = closed(&programs, peer, round, seconds)?;
            say(&format!(
                "{round} {:<10} {:>8.0} req/s  p50 {:>7.0} us  p99 {:>7.0} us  {:>7.1} us CPU  {:>5.1} MiB idle  {:>6.1} MiB peak  {} failed",
                row.peer,
                row.requests_per_s,
                row.p50_us,
                row.p99_us,
                row.cpu_us,
                row.idle_mib,
                row.peak_mib,
                row.failed
            ));
            rows.push(row);
        }
    }
    let ours = peers.iter().find(|peer| peer.name == peer::OURS);
    let stress = ours.map(|ours| stress::run(&programs, ours, &peers)).transpose()?;
    if only.is_empty() {
        report::write(
            &root().join("docs/benchmarks"),
            &rows,
            &stress.unwrap_or_default(),
            &missing,
            seconds,
        )?;
        say("rows are in docs/benchmarks/core.csv and core-stress.csv, the table in core.md");
    }
    Ok(())
}

/// 32 connections, each with one call at a time.
fn closed(programs: &Programs, peer: &Peer, round: usize, seconds: u64) -> Result<Row> {
    let running = peer.start(programs)?;
    // The first calls warm allocator and caches; they are not counted.
    programs.load(&running, "closed", &["seconds=1".to_owned()])?;
    std::thread::sleep(Duration::from_millis(500));
    let idle_mib = running.resident()?;
    let before = running.cpu_us()?;
    let said = programs.load(&running, "closed", &[format!("seconds={seconds}")])?;
    let used = running.cpu_us()? - before;
    let number = |key: &str| said[key].as_f64().unwrap_or_default();
    let unexpected = said["unexpected"].as_object().into_iter().flatten();
    let failed = unexpected.filter_map(|(_, count)| count.as_u64()).sum::<u64>()
        + said["cut"].as_u64().unwrap_or_default();
    ensure!(number("answered") > 0.0, "{}: no answer: {said}", peer.name);
    Ok(Row {
        peer: peer.name.to_owned(),
        version: peer.version.clone(),
        load: "closed, 32 connections",
        round,
        requests_per_s: number("answered") / number("seconds"),
        p50_us: number("p50_us"),
        p99_us: number("p99_us"),
        cpu_us: used / number("answered"),
        idle_mib,
        peak_mib: running.peak()?,
        failed,
    })
}

/// A number out of `/proc/PID/status`, in MiB.
pub(crate) fn status_mib(pid: u32, field: &str) -> Result<f64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"))?;
    let line = status.lines().find(|line| line.starts_with(field)).context("no such field")?;
    let kib: f64 = line.split_whitespace().nth(1).context("no value")?.parse()?;
    Ok(kib / 1024.0)
}
