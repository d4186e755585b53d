//! One server that `up` keeps running.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use mcp_core::{StartError, fleet::Member, server::Exit};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child as Process, ChildStderr, ChildStdin, Command},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{client, output, sibling};

/// A server gets this long to finish its calls: a little more than its own grace period.
const GRACE: Duration = Duration::from_secs(12);
/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(30);
/// Pauses before the first and the longest restart.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// A server that ran this long has recovered: its next restart is prompt again.
const RECOVERED: Duration = Duration::from_secs(60);

/// What to start, and where it will answer.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) member: &'static Member,
    pub(crate) executable: PathBuf,
    pub(crate) address: SocketAddr,
    pub(crate) log_level: Option<String>,
}

/// A running server. Its stdin is a pipe from here: when it closes, the server stops as it would
/// for a signal, so that none outlives this process, however that ends.
struct Running {
    process: Process,
    leash: Option<ChildStdin>,
}

impl Plan {
    fn start(&self) -> Result<(Running, ChildStderr), StartError> {
        let mut command = Command::new(&self.executable);
        command.args(["serve", "--until-eof", "--log-format", "pretty"]);
        command.args(self.log_level.iter().flat_map(|level| ["--log-level", level]));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        // Ctrl-C on a terminal is ours alone: a second signal would cut the servers' calls.
        #[cfg(unix)]
        command.process_group(0);
        command.kill_on_drop(true);
        let mut process = command.spawn().map_err(|error| {
            StartError::internal(format!("{} cannot be run: {error}", self.executable.display()))
        })?;
        let stderr = process.stderr.take();
        let leash = process.stdin.take();
        let stderr = stderr.ok_or_else(|| StartError::internal("a server has no stderr"))?;
        Ok((Running { process, leash }, stderr))
    }

    fn say(&self, text: &str) {
        output::log(&format!("{:<9} | {text}", self.member.name));
    }

    async fn copy_log(&self, stderr: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.say(&line);
        }
    }

    /// Keep the server running until `stopping` is cancelled; `live` is told when it first answers.
    ///
    /// # Errors
    /// When it ends before it ever answered: its configuration is wrong, or its port taken.
    pub(crate) async fn keep(
        &self,
        stopping: &CancellationToken,
        live: tokio::sync::oneshot::Sender<()>,
    ) -> Result<(), StartError> {
        let mut live = Some(live);
        let mut pause = PAUSES.0;
        loop {
            let started = Instant::now();
            let status = self.run_once(stopping, &mut live).await?;
            if stopping.is_cancelled() {
                return Ok(());
            }
            if live.is_some() {
                return Err(self.stillborn(status));
            }
            if started.elapsed() > RECOVERED {
                pause = PAUSES.0;
            }
            self.say(&format!("ended unexpectedly ({status}), again in {pause:?}"));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopping.cancelled() => return Ok(()),
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// One life of the server.
    async fn run_once(
        &self,
        stopping: &CancellationToken,
        live: &mut Option<tokio::sync::oneshot::Sender<()>>,
    ) -> Result<ExitStatus, StartError> {
        let (mut running, stderr) = self.start()?;
        let life = async {
            tokio::select! {
                status = running.process.wait() => return status,
                () = self.answered(live) => {}
                () = stopping.cancelled() => {}
            }
            tokio::select! {
                status = running.process.wait() => return status,
                () = stopping.cancelled() => {}
            }
            running.leash.take();
            match tokio::time::timeout(GRACE, running.process.wait()).await {
                Ok(status) => status,
                Err(_) => {
                    self.say("did not stop in time and is killed");
                    running.process.kill().await?;
                    running.process.wait().await
                }
            }
        };
        let (status, ()) = tokio::join!(life, self.copy_log(stderr));
        status.map_err(|error| {
            StartError::internal(format!("{} cannot be waited for: {error}", self.member.binary()))
        })
    }

    /// Wait until it answers and tell; never returns when it does not.
    async fn answered(&self, live: &mut Option<tokio::sync::oneshot::Sender<()>>) {
        let limit = Instant::now() + START;
        loop {
            let answer = client::get(self.address, "/health", Duration::from_secs(1)).await;
            if answer.is_ok_and(|answer| answer.body["server"] == self.member.name) {
                if let Some(live) = live.take() {
                    // The other side has gone only when everything stops.
                    _ = live.send(());
                }
                return;
            }
            if Instant::now() > limit {
                self.say("does not answer; waiting on");
                return std::future::pending().await;
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    fn stillborn(&self, status: ExitStatus) -> StartError {
        let message = format!("{} ended at its start ({status})", self.member.binary());
        let hint = "its own lines above say why";
        let usage = status.code() == Some(i32::from(Exit::Usage.code()));
        if usage { StartError::config(message) } else { StartError::unavailable(message) }
            .with_hint(hint)
    }

    /// Whether something listens there already, and who.
    pub(crate) async fn check_port(&self) -> Result<(), StartError> {
        let Err(error) = std::net::TcpListener::bind(self.address) else { return Ok(()) };
        if error.kind() != std::io::ErrorKind::AddrInUse {
            return Ok(()); // The server itself words it better.
        }
        let port = self.address.port();
        let holder = client::get(self.address, "/health", Duration::from_secs(1)).await;
        let holder =
            holder.ok().and_then(|answer| answer.body["server"].as_str().map(str::to_owned));
        let variable = format!("MACHINA_{}_PORT", self.member.name.to_uppercase());
        Err(match holder {
            Some(name) => StartError::unavailable(format!(
                "port {port} of {} is in use: machina-{name} runs there already",
                self.member.name
            ))
            .with_hint("`machina status` shows what runs; stop that one first"),
            None => StartError::unavailable(format!(
                "port {port} of {} is in use by another process",
                self.member.name
            ))
            .with_hint(format!("stop that process, or choose another port with {variable}")),
        })
    }
}

/// Plan the start of servers: their executables, addresses, no port twice.
pub(crate) async fn plan(
    members: &[&'static Member],
    log_level: Option<&str>,
) -> Result<Vec<Plan>, StartError> {
    let mut plans: Vec<Plan> = Vec::new();
    let addresses = members.iter().map(|member| async {
        Ok((sibling::executable(member)?, sibling::address(member).await?))
    });
    let found: Vec<Result<_, StartError>> = futures_util::future::join_all(addresses).await;
    for (member, found) in members.iter().zip(found) {
        let (executable, address) = found?;
        if let Some(other) = plans.iter().find(|plan| plan.address.port() == address.port()) {
            let (one, two) = (other.member.name, member.name);
            return Err(StartError::config(format!(
                "{one} and {two} are both set to port {}",
                address.port()
            ))
            .with_hint(format!(
                "set MACHINA_{}_PORT, not MACHINA_PORT, which is for all servers",
                two.to_uppercase()
            )));
        }
        let log_level = log_level.map(str::to_owned);
        plans.push(Plan { member, executable, address, log_level });
    }
    Ok(plans)
}
