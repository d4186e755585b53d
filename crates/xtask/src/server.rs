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

/// Build executables of this workspace; where they lie.
pub(crate) fn build(packages: &[&str], release: bool) -> Result<PathBuf> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let mut command = Command::new(cargo);
    command.current_dir(root()).args(["build", "-q", "--locked"]);
    command.args(release.then_some("--release"));
    command.args(packages.iter().flat_map(|package| ["-p", package]));
    ensure!(command.status()?.success(), "the build failed");
    let metadata = Command::new(cargo)
        .current_dir(root())
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
        .output()?;
    let metadata: Value = serde_json::from_slice(&metadata.stdout)?;
    let target = metadata["target_directory"].as_str().context("no target directory")?;
    Ok(PathBuf::from(target).join(if release { "release" } else { "debug" }))
}

/// Names of the seven packages.
pub(crate) fn packages() -> Vec<String> {
    MEMBERS.iter().map(mcp_core::fleet::Member::binary).collect()
}

/// Build the seven; where they lie.
pub(crate) fn build_fleet(release: bool) -> Result<PathBuf> {
    let packages = packages();
    build(&packages.iter().map(String::as_str).collect::<Vec<_>>(), release)
}

/// A command on an executable, without this machine's own settings.
pub(crate) fn command(directory: &std::path::Path, name: &str) -> Command {
    let mut command = Command::new(directory.join(name));
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", state());
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
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let mut command = command(directory, name);
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
