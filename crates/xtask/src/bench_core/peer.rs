//! The stacks that are compared, and a running one.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{Programs, status_mib};
use crate::{root, server, variable};

/// The stack of this repository.
pub(crate) const OURS: &str = "machina";
/// What ratios refer to.
pub(crate) const BASE: &str = "rmcp";

/// One stack.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    program: PathBuf,
    arguments: Vec<String>,
}

/// Every stack that is here, and why others are not.
pub(crate) fn all(programs: &Programs) -> Result<(Vec<Peer>, Vec<String>)> {
    let lock = fs::read_to_string(root().join("benches/core/Cargo.lock"))?;
    let native = |name, program: &str, package: &str| Peer {
        name,
        version: locked(&lock, package),
        program: programs.path(program),
        arguments: Vec::new(),
    };
    let mut peers = vec![
        native("axum", "axum-echo", "axum"),
        native(BASE, "rmcp-echo", "rmcp"),
        native(OURS, "machina-echo", "mcp-core"),
        native("tower-mcp", "tower-mcp-echo", "tower-mcp"),
    ];
    let mut missing = Vec::new();
    for found in [typescript(), fastmcp()] {
        match found {
            Ok(peer) => peers.push(peer),
            Err(error) => missing.push(format!("{error:#}")),
        }
    }
    Ok((peers, missing))
}

fn typescript() -> Result<Peer> {
    let modules = variable("MACHINA_BENCH_NODE_MODULES").context("TypeScript SDK")?;
    let package = fs::read_to_string(modules.join("@modelcontextprotocol/server/package.json"))?;
    let package: Value = serde_json::from_str(&package)?;
    let script = root().join("benches/core/peers/ts_echo.mjs");
    let directory = modules.parent().context("no parent directory")?;
    Ok(Peer {
        name: "typescript",
        version: package["version"].as_str().unwrap_or_default().to_owned(),
        program: variable("MACHINA_NODE").context("TypeScript SDK")?,
        arguments: vec![
            script.display().to_string(),
            "PORT".to_owned(),
            directory.display().to_string(),
        ],
    })
}

fn fastmcp() -> Result<Peer> {
    let python = variable("MACHINA_BENCH_PYTHON").context("FastMCP")?;
    let ask = "import importlib.metadata as m; print(m.version('fastmcp'), end='')";
    let version = Command::new(&python).args(["-c", ask]).output()?;
    ensure!(version.status.success(), "FastMCP is not installed");
    let script = root().join("benches/core/peers/fastmcp_echo.py");
    Ok(Peer {
        name: "fastmcp",
        version: String::from_utf8(version.stdout)?,
        program: python,
        arguments: vec![script.display().to_string()],
    })
}

/// The version of a package in a lock file.
fn locked(lock: &str, package: &str) -> String {
    let name = format!("name = \"{package}\"");
    let version = lock.lines().skip_while(|line| *line != name).nth(1);
    let version = version.and_then(|line| line.strip_prefix("version = "));
    version.unwrap_or("?").trim_matches('"').to_owned()
}

/// A peer that serves, ended when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What its callers show, if it asks for a credential.
    pub(crate) token: Option<String>,
}

impl Peer {
    /// Start it on a free port and wait until it accepts connections.
    pub(crate) fn start(&self, programs: &Programs) -> Result<Running> {
        self.start_for(programs, true)
    }

    /// The same, but whoever reaches it may call.
    pub(crate) fn start_open(&self, programs: &Programs) -> Result<Running> {
        self.start_for(programs, false)
    }

    fn start_for(&self, programs: &Programs, closed: bool) -> Result<Running> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let port = address.port().to_string();
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", server::state());
        let mut token = None;
        if self.name == OURS {
            token = everything_on(programs, &mut command, closed)?;
            command.args(["serve", "--port", &port]);
        } else if self.arguments.iter().any(|argument| argument == "PORT") {
            command.args(self.arguments.iter().map(|one| if one == "PORT" { &port } else { one }));
        } else {
            command.args(&self.arguments).arg(&port);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = Running { child: command.spawn()?, address, token };
        for _ in 0..2_000 {
            if TcpStream::connect(address).is_ok() {
                return Ok(running);
            }
            if let Some(status) = running.child.try_wait()? {
                bail!("{} ended at its start: {status}", self.name);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("{} does not answer", self.name)
    }
}

/// Turn on what the core has and leaves off by default; the token that callers then need.
fn everything_on(
    programs: &Programs,
    command: &mut Command,
    closed: bool,
) -> Result<Option<String>> {
    let known = Command::new(programs.path("machina-echo")).args(["config", "--json"]).output()?;
    let known: Value = serde_json::from_slice(&known.stdout)?;
    let has = |key: &str| {
        known.as_array().into_iter().flatten().any(|entry| entry["key"] == format!("core.{key}"))
    };
    // Quotas stay on, too high to refuse: a refusal costs less than a call.
    for rate in ["rate_read", "rate_write", "rate_admin"] {
        if has(rate) {
            command.env(format!("MACHINA_{}", rate.to_uppercase()), "1000000:1000000");
        }
    }
    for (key, value) in [
        ("max_in_flight", "4096"),
        ("max_in_flight_each", "4096"),
        ("max_connections_each", "1024"),
    ] {
        if has(key) {
            command.env(format!("MACHINA_{}", key.to_uppercase()), value);
        }
    }
    if has("audit_file") {
        command.env("MACHINA_AUDIT_FILE", server::state().join("audit.jsonl"));
    }
    fs::create_dir_all(server::state())?;
    if !closed || !has("auth") {
        return Ok(None);
    }
    // Of its own for each start: a name has two keys at most.
    let state = server::state().join("echo");
    if state.exists() {
        fs::remove_dir_all(&state)?;
    }
    command.env("MACHINA_AUTH", "api_key").env("MACHINA_STATE_DIR", &state);
    key(&programs.path("machina-echo"), &state).map(Some)
}

/// A key made by the server's own command.
fn key(program: &Path, state: &Path) -> Result<String> {
    let arguments = ["key", "create", "bench", "--scope", "admin", "--rate", "1000000:1000000"];
    let made = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("HOME", server::state())
        .env("MACHINA_AUTH", "api_key")
        .env("MACHINA_STATE_DIR", state)
        .output()?;
    let said = String::from_utf8(made.stdout)?;
    let word = said
        .split_whitespace()
        .map(|word| word.trim_matches(['"', ',']))
        .find(|word| word.starts_with("mk_"));
    let word =
        word.with_context(|| format!("no key: {said}{}", String::from_utf8_lossy(&made.stderr)))?;
    Ok(word.to_owned())
}

impl Running {
    /// Resident memory in MiB.
    pub(crate) fn resident(&self) -> Result<f64> {
        status_mib(self.child.id(), "VmRSS:")
    }

    /// The most that was ever resident, in MiB.
    pub(crate) fn peak(&self) -> Result<f64> {
        status_mib(self.child.id(), "VmHWM:")
    }

    /// CPU time of all threads so far, user and system, in microseconds (ticks of 10 ms).
    pub(crate) fn cpu_us(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').context("no fields")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // utime, stime, cutime, cstime are fields 14 to 17; `fields` begins with the third.
        let ticks = fields.get(11..15).context("too few fields")?;
        let ticks = ticks.iter().map(|field| field.parse::<f64>()).sum::<Result<f64, _>>()?;
        Ok(ticks * 10_000.0)
    }

    /// Ask it to end, and wait for the exit code.
    pub(crate) fn terminate(mut self) -> Result<Option<i32>> {
        self.ask_to_end()?;
        Ok(self.child.wait()?.code())
    }

    /// Send SIGTERM.
    pub(crate) fn ask_to_end(&self) -> Result<()> {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure!(sent.success(), "the process has ended");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
