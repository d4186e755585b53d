//! The executables: built, started on free ports, ended.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use mcp_core::{fleet::MEMBERS, healthcheck};
use serde_json::Value;

use crate::root;

/// Build every executable as `cargo test --workspace` does, so that nothing is built twice with
/// other features; where they lie.
pub(crate) fn build() -> Result<PathBuf> {
    run(cargo().args(["build", "-q", "--locked", "--workspace", "--bins", "--tests"]))?;
    Ok(target_directory()?.join("debug"))
}

/// Build the fleet for release as `scripts/up` does; where it lies.
pub(crate) fn build_release() -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--locked", "--release", "-p", "machina"]);
    command.args(MEMBERS.iter().flat_map(|member| ["-p".to_owned(), member.binary()]));
    run(&mut command)?;
    Ok(target_directory()?.join("release"))
}

pub(crate) fn run(command: &mut Command) -> Result<()> {
    ensure!(command.status()?.success(), "the build failed");
    Ok(())
}

pub(crate) fn target_directory() -> Result<PathBuf> {
    let metadata =
        cargo().args(["metadata", "--no-deps", "--format-version", "1", "--locked"]).output()?;
    let metadata: Value = serde_json::from_slice(&metadata.stdout)?;
    Ok(PathBuf::from(metadata["target_directory"].as_str().context("no target directory")?))
}

/// Cargo, without what the cargo that runs this program says of it: build scripts (ring's) take a
/// change of these variables for a reason to build again, and with them half the dependencies.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    command.current_dir(root());
    for part in
        ["NAME", "VERSION", "VERSION_MAJOR", "VERSION_MINOR", "VERSION_PATCH", "VERSION_PRE"]
    {
        command.env_remove(format!("CARGO_PKG_{part}"));
    }
    for part in ["DIR", "PATH", "LINKS"] {
        command.env_remove(format!("CARGO_MANIFEST_{part}"));
    }
    command
}

/// An executable with the settings it has by default, none of them this machine's own.
pub(crate) fn plain(directory: &std::path::Path, name: &str) -> Command {
    let mut command = Command::new(directory.join(name));
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", state());
    command
}

/// The same without what slows a suite of calls.
pub(crate) fn command(directory: &std::path::Path, name: &str) -> Command {
    let mut command = plain(directory, name);
    // Nobody reads the lines of these calls.
    command.env("MACHINA_AUDIT", "false");
    // A suite calls faster than one caller may.
    for rate in ["READ", "WRITE", "ADMIN"] {
        command.env(format!("MACHINA_RATE_{rate}"), "0");
    }
    command
}

/// A directory for what the servers keep, emptied by nobody but the system.
pub(crate) fn state() -> PathBuf {
    std::env::temp_dir().join(format!("machina-xtask-{}", std::process::id()))
}

/// What an executable prints as JSON.
pub(crate) fn json(directory: &std::path::Path, name: &str, arguments: &[&str]) -> Result<Value> {
    let output = command(directory, name).args(arguments).output()?;
    ensure!(
        output.status.success(),
        "{name} {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A server on HTTP, ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Start on a free port and wait until it answers.
    pub(crate) fn start(directory: &std::path::Path, name: &str) -> Result<Self> {
        Self::serve(command(directory, name), name)
    }

    /// The same of a command of one's own.
    pub(crate) fn serve(mut command: Command, name: &str) -> Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        command.args(["serve", "--port", &address.port().to_string(), "--log-level", "error"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut server = Self { child, address };
        for _ in 0..2_000 {
            if healthcheck::check(address.ip(), address.port(), false).is_ok() {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("{name} ended at its start: {status}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("{name} does not answer at {address}")
    }

    pub(crate) fn child(&self) -> &Child {
        &self.child
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
