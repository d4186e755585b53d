//! Measures the server against the raw socket and the engine's own client, on a real engine.
//!
//! `cargo run --profile dist -p machina-docker --example bars [containers]` makes that many
//! containers (default 75) and one with a log of 100,000 lines from an image of its own, prints one
//! line per figure and removes all of it. Needs `docker`, `tar` and Debian's `busybox-static`.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    process::Command,
};

use machina_docker::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};
use tokio::time::Instant;

const MARK: &str = "machina-bars";
const SOCKET: &str = "/var/run/docker.sock";

#[tokio::main(flavor = "current_thread")]
async fn main() -> TestResult {
    let count: usize = std::env::args().nth(1).map_or(Ok(75), |text| text.parse())?;
    let cleanup = Cleanup;
    prepare(count)?;
    let server = InProcess::<Server>::start(Config::default()).await?;
    lists(&server).await?;
    logs(&server).await?;
    drop(cleanup);
    Ok(())
}

async fn lists(server: &InProcess<Server>) -> TestResult {
    let list = json!({"label": [format!("{MARK}=1")], "limit": 500});
    let path =
        format!("/v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22{MARK}%3D1%22%5D%7D");
    let (mut raw, mut ours, mut cli) = (Vec::new(), Vec::new(), Vec::new());
    let mut bytes = 0;
    for _round in 0..40 {
        let start = Instant::now();
        bytes = read(&path)?;
        raw.push(start.elapsed());
        let start = Instant::now();
        server.call("list_containers", list.clone()).await?;
        ours.push(start.elapsed());
    }
    for _round in 0..10 {
        let start = Instant::now();
        docker(&["ps", "-a", "--filter", &format!("label={MARK}=1")])?;
        cli.push(start.elapsed());
    }
    let answer = server.call("list_containers", list).await?;
    let wire = answer.response().to_string().len();
    let text = answer.structured().to_string().len();
    say(&format!("list p50 ms: raw {}, ours {}, cli {}", p50(raw), p50(ours), p50(cli)))?;
    say(&format!(
        "list bytes: raw {bytes}, text {text}, wire {wire}, rows {}",
        answer.structured()["total"]
    ))
}

async fn logs(server: &InProcess<Server>) -> TestResult {
    let name = format!("{MARK}-log");
    let call = async |extra: Value| {
        let mut arguments = extra;
        arguments["containers"] = json!([name]);
        let start = Instant::now();
        let answer = server.call("read_container_logs", arguments).await?;
        TestResult::Ok((start.elapsed(), answer.structured().clone()))
    };
    let path = |tail: &str| {
        format!("/v1.41/containers/{name}/logs?stdout=1&stderr=1&timestamps=1&tail={tail}")
    };
    let before = memory("VmRSS")?;
    let (mut grep, mut raw_all, mut peak) = (Vec::new(), Vec::new(), 0);
    let (mut found, mut bytes) = (Value::Null, 0);
    for _round in 0..9 {
        let (time, answer) = call(json!({"grep": "line 99.99 "})).await?;
        peak = peak.max(memory("VmRSS")?);
        grep.push(time);
        found = answer;
        let start = Instant::now();
        bytes = read(&path("all"))?;
        raw_all.push(start.elapsed());
    }
    let (mut tail, mut raw_tail) = (Vec::new(), Vec::new());
    for _round in 0..40 {
        tail.push(call(json!({"tail": 100})).await?.0);
        let start = Instant::now();
        read(&path("100"))?;
        raw_tail.push(start.elapsed());
    }
    let grown = peak.saturating_sub(before);
    say(&format!("tail 100 p50 ms: raw {}, ours {}", p50(raw_tail), p50(tail)))?;
    say(&format!(
        "100,000 lines p50 ms: raw {} ({bytes} bytes), grep {}",
        p50(raw_all),
        p50(grep)
    ))?;
    say(&format!(
        "grep: scanned {}, matched {}, memory +{} KiB",
        found["scanned"], found["matched"], grown
    ))
}

/// One GET on a connection of its own, as `curl --unix-socket` does it; the number of bytes.
fn read(path: &str) -> TestResult<usize> {
    let mut stream = UnixStream::connect(SOCKET)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")?;
    let mut piece = vec![0; 64 << 10];
    let mut bytes = 0;
    loop {
        match stream.read(&mut piece)? {
            0 => return Ok(bytes),
            read => bytes += read,
        }
    }
}

fn prepare(count: usize) -> TestResult {
    let dir = tempfile::tempdir()?;
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin)?;
    let busybox = ["/bin/busybox", "/usr/bin/busybox"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists());
    std::fs::copy(busybox.ok_or("install busybox-static")?, bin.join("busybox"))?;
    let tar = dir.path().join("rootfs.tar");
    let made =
        Command::new("tar").arg("-C").arg(dir.path()).arg("-cf").arg(&tar).arg("bin").status()?;
    if !made.success() {
        return Err("tar failed".into());
    }
    docker(&["import", &tar.display().to_string(), MARK])?;
    let label = format!("{MARK}=1");
    for number in 0..count {
        let name = format!("{MARK}-{number}");
        docker(&["create", "--name", &name, "--label", &label, MARK, "/bin/busybox", "true"])?;
    }
    let script = "i=0; while [ $i -lt 100000 ]; do echo \"2026 INFO request handled without trouble, line $i of many, and some more text to read\"; i=$((i+1)); done";
    let name = format!("{MARK}-log");
    docker(&["run", "--name", &name, "--label", MARK, MARK, "/bin/busybox", "sh", "-c", script])?;
    Ok(())
}

struct Cleanup;

impl Drop for Cleanup {
    fn drop(&mut self) {
        let ids = docker(&["ps", "-aq", "--filter", &format!("label={MARK}")]).unwrap_or_default();
        let mut args = vec!["rm", "-f"];
        args.extend(ids.lines());
        let removed = docker(&args).and_then(|_| docker(&["image", "rm", "-f", MARK]));
        if let Err(error) = removed {
            drop(say(&format!("not cleaned up: {error}")));
        }
    }
}

fn docker(args: &[&str]) -> TestResult<String> {
    let output = Command::new("docker").args(args).output()?;
    if !output.status.success() {
        return Err(format!("docker {args:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A figure of `/proc/self/status`, in KiB.
fn memory(name: &str) -> TestResult<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).ok_or("no such figure")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse()?)
}

fn p50(mut times: Vec<std::time::Duration>) -> String {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .map_or_else(String::new, |time| format!("{:.2}", time.as_secs_f64() * 1e3))
}

fn say(line: &str) -> TestResult {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}
