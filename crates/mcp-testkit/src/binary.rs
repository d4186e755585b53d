//! The real executable: its stdio, its signals, its exit.

use std::{
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::TestResult;

/// Nothing a test waits for takes longer; a limit against hanging, not a measure.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Path of an executable of this workspace: cargo puts it beside the tests' directory.
pub fn path_of(name: &str) -> TestResult<PathBuf> {
    let test = std::env::current_exe()?;
    let directory = test.parent().and_then(|deps| deps.parent()).ok_or("no target directory")?;
    let path = directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if path.exists() { Ok(path) } else { Err(format!("{} is not built", path.display()).into()) }
}

/// A command on an executable, with a clean environment of `MACHINA_*` and a state directory.
pub fn command(name: &str, state: &std::path::Path) -> TestResult<Command> {
    let mut command = Command::new(path_of(name)?);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", state)
        .env("XDG_STATE_HOME", state)
        .env("XDG_CONFIG_HOME", state.join("config"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    Ok(command)
}

/// A server that speaks on its stdio.
pub struct StdioServer {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    _state: Option<tempfile::TempDir>,
}

impl StdioServer {
    /// Start an executable without arguments, as a client does.
    pub fn start(name: &str, arguments: &[&str]) -> TestResult<Self> {
        let state = tempfile::tempdir()?;
        let mut command = command(name, state.path())?;
        command.args(arguments);
        let mut started = Self::spawn(command)?;
        started._state = Some(state);
        Ok(started)
    }

    /// Start a prepared command.
    pub fn spawn(mut command: Command) -> TestResult<Self> {
        let mut child = command.spawn()?;
        // Drained, so that a talkative server cannot block on a full pipe.
        let mut errors = child.stderr.take().ok_or("no stderr")?;
        #[expect(clippy::disallowed_methods, reason = "a test's own task, ended with the child")]
        drop(tokio::spawn(async move {
            let mut sink = Vec::new();
            drop(errors.read_to_end(&mut sink).await);
        }));
        let output = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
        Ok(Self { input: child.stdin.take(), output, child, _state: None })
    }

    /// Send one line as it stands.
    pub async fn send_line(&mut self, line: &str) -> TestResult {
        let input = self.input.as_mut().ok_or("stdin is closed")?;
        input.write_all(line.as_bytes()).await?;
        input.write_all(b"\n").await?;
        Ok(input.flush().await?)
    }

    /// Send a message.
    pub async fn send(&mut self, message: &Value) -> TestResult {
        self.send_line(&message.to_string()).await
    }

    /// The next message; every line of stdout must be JSON-RPC.
    pub async fn receive(&mut self) -> TestResult<Value> {
        let line = tokio::time::timeout(LIMIT, self.output.next_line()).await??;
        let line = line.ok_or("stdout ended")?;
        let message: Value = serde_json::from_str(&line)
            .map_err(|_| format!("a line of stdout is not JSON: {line}"))?;
        if message["jsonrpc"] == "2.0" {
            Ok(message)
        } else {
            Err(format!("not JSON-RPC: {line}").into())
        }
    }

    /// Send a request and take the answer to its id; other answers must not come.
    pub async fn ask(&mut self, message: &Value) -> TestResult<Value> {
        self.send(message).await?;
        loop {
            let answer = self.receive().await?;
            if answer["id"] == message["id"] {
                return Ok(answer);
            }
            if answer.get("id").is_some() {
                return Err(format!("an answer nobody asked for: {answer}").into());
            }
        }
    }

    /// Close stdin, as a client that leaves; the rest of stdout and the exit status.
    pub async fn close(mut self) -> TestResult<(Vec<Value>, ExitStatus)> {
        drop(self.input.take());
        let mut rest = Vec::new();
        while let Some(line) = tokio::time::timeout(LIMIT, self.output.next_line()).await?? {
            rest.push(serde_json::from_str(&line)?);
        }
        let status = tokio::time::timeout(LIMIT, self.child.wait()).await??;
        Ok((rest, status))
    }

    /// Send a signal by name, wait for the exit.
    pub async fn signal(mut self, signal: &str) -> TestResult<ExitStatus> {
        signal_to(self.child.id(), signal).await?;
        let status = tokio::time::timeout(LIMIT, self.child.wait()).await??;
        drop(self.input.take());
        Ok(status)
    }

    /// The process, for tests that kill it.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

/// Send a signal (`TERM`, `INT`, `KILL`) to a process of the test's own.
pub async fn signal_to(pid: Option<u32>, signal: &str) -> TestResult {
    let pid = pid.ok_or("the process has ended")?.to_string();
    let status = Command::new("kill").args(["-s", signal, &pid]).status().await?;
    if status.success() { Ok(()) } else { Err(format!("kill -s {signal} {pid} failed").into()) }
}

/// A server that listens on HTTP.
pub struct HttpServer {
    /// The process.
    pub child: Child,
    /// Where it listens.
    pub address: std::net::SocketAddr,
    _state: tempfile::TempDir,
}

impl HttpServer {
    /// Start `serve` on a free port and wait until it answers.
    pub async fn start(name: &str, environment: &[(&str, &str)]) -> TestResult<Self> {
        Self::start_logged(name, environment, None).await
    }

    /// The same, with its stderr in a file.
    pub async fn start_logged(
        name: &str,
        environment: &[(&str, &str)],
        log: Option<&std::path::Path>,
    ) -> TestResult<Self> {
        let state = tempfile::tempdir()?;
        for _attempt in 0..5 {
            let port = free_port()?;
            let mut command = command(name, state.path())?;
            command.args(["serve", "--port", &port.to_string()]).envs(environment.iter().copied());
            let log = log.map(std::fs::File::create).transpose()?;
            command.stdin(Stdio::null()).stdout(Stdio::null());
            command.stderr(log.map_or_else(Stdio::null, Stdio::from));
            let mut child = command.spawn()?;
            let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
            if crate::http::wait_until_live(address, &mut child).await? {
                return Ok(Self { child, address, _state: state });
            }
        }
        Err(format!("{name} does not come up").into())
    }

    /// Send a signal by name, wait for the exit.
    pub async fn signal(mut self, signal: &str) -> TestResult<ExitStatus> {
        signal_to(self.child.id(), signal).await?;
        Ok(tokio::time::timeout(LIMIT, self.child.wait()).await??)
    }
}

/// A port that was free a moment ago, below the range from which the system takes its own, so that
/// no outgoing connection of another test gets it first.
pub fn free_port() -> TestResult<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(7_919);
    for _attempt in 0..1_000 {
        let step = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(10_000 + step % 20_000)?;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no free port".into())
}

/// Run an executable to its end: exit code, stdout, stderr.
pub async fn run(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> TestResult<Ran> {
    let state = tempfile::tempdir()?;
    let mut command = command(name, state.path())?;
    command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null());
    let output = tokio::time::timeout(LIMIT, command.output()).await??;
    Ok(Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

/// How an executable ended.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; none after a signal.
    pub code: Option<i32>,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
}
