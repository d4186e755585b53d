//! `doctor`: what keeps a server from working, or makes it less safe than its defaults.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Stdio,
    time::Duration,
};

use futures_util::future::join_all;
use mcp_core::{StartError, fleet::Member, server::Exit};
use serde::Serialize;
use serde_json::Value;
use tokio::{process::Command, time::Instant};

use crate::{
    output,
    sibling::{self, Settings},
    status::{self, Row},
};

/// How long a server that is started to be looked at may take.
const START: Duration = Duration::from_secs(15);
/// How long it may take to end.
const GRACE: Duration = Duration::from_secs(12);

/// Settings whose 0 means that there is no bound.
const BOUNDS: [&str; 3] = ["core.rate_read", "core.rate_write", "core.rate_admin"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warning,
    Fault,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    server: &'static str,
    state: State,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Look at servers; 0 when none has a fault, 1 otherwise.
pub(crate) async fn doctor(members: Vec<&'static Member>, json: bool) -> Result<Exit, StartError> {
    let findings = join_all(members.iter().map(|member| examine(member))).await;
    let findings: Vec<Finding> = findings.into_iter().flatten().collect();
    if json {
        output::line(&serde_json::to_string(&findings).unwrap_or_default())?;
    } else {
        for finding in &findings {
            let state = match finding.state {
                State::Ok => "ok",
                State::Warning => "warning",
                State::Fault => "FAULT",
            };
            output::line(&format!("{:<9}  {state:<7}  {}", finding.server, finding.what))?;
            if let Some(hint) = &finding.hint {
                output::line(&format!("{:20}hint: {hint}", ""))?;
            }
        }
    }
    let faults = findings.iter().any(|finding| finding.state == State::Fault);
    Ok(if faults { Exit::CallFailed } else { Exit::Ok })
}

async fn examine(member: &'static Member) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(error) = look(member, &mut findings).await {
        findings.push(finding(member, State::Fault, error.to_string(), error.hint()));
    }
    findings
}

/// What is found on the way to the first thing without which the rest cannot be looked at.
async fn look(member: &'static Member, findings: &mut Vec<Finding>) -> Result<(), StartError> {
    let version = sibling::json(member, &["version", "--json"]).await?;
    let version = version["version"].as_str().unwrap_or_default().to_owned();
    if version != env!("CARGO_PKG_VERSION") {
        let what = format!("is {version}, this program {}", env!("CARGO_PKG_VERSION"));
        let hint = "build or install all of one version";
        findings.push(finding(member, State::Warning, what, Some(hint)));
    }
    let settings = sibling::settings(member).await?;
    findings.extend(loose(member, &settings));
    let address = settings.address(member);
    let running = status::of(member, address).await;
    if running.state == "down" {
        check_port(address)?;
        let (row, log) = trial(member).await?;
        let what = format!("{version} is not running; it starts, and would be {}", row.state);
        findings.push(finding(member, State::Ok, what, None));
        findings.extend(warnings(member, &log));
        findings.extend(probes(member, &row));
        return Ok(());
    }
    if running.state == "not ours" {
        let what = format!("port {} is held by another program", address.port());
        return Err(StartError::unavailable(what).with_hint(other_port(member)));
    }
    let what = format!("{} runs on port {}: {}", running.version, running.port, running.state);
    findings.push(finding(member, State::Ok, what, None));
    if running.version != version {
        let what = format!("{} runs, and {version} lies here", running.version);
        findings.push(finding(member, State::Warning, what, Some("start it anew")));
    }
    findings.extend(probes(member, &running));
    Ok(())
}

fn finding(member: &Member, state: State, what: String, hint: Option<&str>) -> Finding {
    Finding { server: member.name, state, what, hint: hint.map(str::to_owned) }
}

/// Settings that take protection away.
fn loose(member: &Member, settings: &Settings) -> Vec<Finding> {
    let mut found = Vec::new();
    for key in BOUNDS {
        let none = match settings.get(key) {
            Value::String(text) => text.split(':').next() == Some("0"),
            other => other.as_u64() == Some(0),
        };
        if none {
            let what = format!("{key} is 0: nothing bounds such calls");
            let hint = format!("unset {}", settings.variable(key));
            found.push(finding(member, State::Warning, what, Some(&hint)));
        }
    }
    if settings.get("core.allow_unauthenticated").as_bool() == Some(true) {
        let what = "anyone who reaches its address may call it".to_owned();
        let hint = format!("unset {}", settings.variable("core.allow_unauthenticated"));
        found.push(finding(member, State::Warning, what, Some(&hint)));
    }
    found
}

/// Probes that are not up: a fault where the server needs what they look at.
fn probes(member: &Member, row: &Row) -> Vec<Finding> {
    let probes = row.probes.as_array().into_iter().flatten();
    probes
        .filter(|probe| probe["state"] != "up")
        .map(|probe| {
            let text = |key: &str| probe[key].as_str().unwrap_or_default();
            let what = format!("probe {}: {}", text("name"), text("state"));
            let state = match (text("state"), probe["required"].as_bool()) {
                ("not_configured", _) | (_, Some(false)) => State::Warning,
                _ => State::Fault,
            };
            finding(member, state, what, probe["detail"].as_str())
        })
        .collect()
}

fn other_port(member: &Member) -> String {
    let variable = format!("MACHINA_{}_PORT", member.name.to_uppercase());
    format!("stop that program, or choose another port with {variable}")
}

fn check_port(address: SocketAddr) -> Result<(), StartError> {
    let Err(error) = TcpListener::bind(address) else { return Ok(()) };
    Err(StartError::unavailable(format!("{address} cannot be listened on: {error}"))
        .with_hint("another program may hold the port, or the address be none of this machine"))
}

/// What a server warned of when it started.
fn warnings(member: &Member, log: &[u8]) -> Vec<Finding> {
    let log = String::from_utf8_lossy(log);
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let warning = |line: Value| {
        let (message, error) = (text(&line, "message"), text(&line, "error"));
        let what = if error.is_empty() { message } else { format!("{message}: {error}") };
        finding(member, State::Warning, what, None)
    };
    lines.filter(|line| line["level"] == "WARN" || line["level"] == "ERROR").map(warning).collect()
}

/// Start the server on a port of no one, as `serve` would, ask how it is, and end it: that, and its log.
async fn trial(member: &'static Member) -> Result<(Row, Vec<u8>), StartError> {
    let free = |error| StartError::unavailable(format!("no free port: {error}"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(free)?;
    let address = listener.local_addr().map_err(free)?;
    drop(listener);
    let port = address.port().to_string();
    let mut command = Command::new(sibling::executable(member)?);
    command.args(["serve", "--until-eof", "--log-level", "warn", "--log-format", "json"]);
    command.args(["--bind", "127.0.0.1", "--port", &port]).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let fault = |error| StartError::internal(format!("{}: {error}", member.binary()));
    let mut process = command.spawn().map_err(fault)?;
    let leash = process.stdin.take();
    let row = tokio::select! {
        row = answer(member, address) => row,
        _ = process.wait() => None,
    };
    drop(leash);
    let output = tokio::time::timeout(GRACE, process.wait_with_output()).await;
    match (row, output) {
        (Some(row), output) => Ok((
            row,
            output.ok().and_then(Result::ok).map(|output| output.stderr).unwrap_or_default(),
        )),
        (None, Ok(output)) => Err(sibling::failure(member, &output.map_err(fault)?)),
        (None, Err(_)) => Err(StartError::unavailable(format!(
            "{} gave no answer within {} s and did not end",
            member.binary(),
            START.as_secs()
        ))),
    }
}

async fn answer(member: &'static Member, address: SocketAddr) -> Option<Row> {
    let limit = Instant::now() + START;
    while Instant::now() < limit {
        let row = status::of(member, address).await;
        if row.state != "down" {
            return Some(row);
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    None
}
