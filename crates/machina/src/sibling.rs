//! The executables of the fleet, beside this one.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Output,
};

use mcp_core::{
    StartError,
    fleet::{MEMBERS, Member},
    server::Exit,
    suggest::did_you_mean,
};
use serde_json::Value;
use tokio::process::Command;

/// The servers of these names, all seven for none.
pub(crate) fn named(names: &[String]) -> Result<Vec<&'static Member>, StartError> {
    if names.is_empty() {
        return Ok(MEMBERS.iter().collect());
    }
    names.iter().map(|name| one(name)).collect()
}

pub(crate) fn one(name: &str) -> Result<&'static Member, StartError> {
    let short = name.strip_prefix("machina-").unwrap_or(name);
    MEMBERS.iter().find(|member| member.name == short).ok_or_else(|| {
        let names = || MEMBERS.iter().map(|member| member.name);
        let near = did_you_mean(short, names());
        StartError::config(format!("there is no server `{short}`{near}"))
            .with_hint(format!("servers: {}", names().collect::<Vec<_>>().join(", ")))
    })
}

/// The executable of a server.
pub(crate) fn executable(member: &Member) -> Result<PathBuf, StartError> {
    let own = std::env::current_exe()
        .map_err(|error| StartError::internal(format!("this executable's path: {error}")))?;
    let directory = own.parent().unwrap_or(&own);
    let path = directory.join(format!("{}{}", member.binary(), std::env::consts::EXE_SUFFIX));
    if path.exists() {
        return Ok(path);
    }
    Err(StartError::config(format!("{} is not in {}", member.binary(), directory.display()))
        .with_hint(format!("build it: cargo build --release -p {}", member.binary())))
}

/// Run a server's executable to its end.
pub(crate) async fn run(member: &Member, arguments: &[&str]) -> Result<Output, StartError> {
    let path = executable(member)?;
    Command::new(&path)
        .args(arguments)
        .output()
        .await
        .map_err(|error| StartError::internal(format!("{} cannot be run: {error}", path.display())))
}

/// Run it for its JSON; what it says when it fails becomes our error.
pub(crate) async fn json(member: &Member, arguments: &[&str]) -> Result<Value, StartError> {
    let output = run(member, arguments).await?;
    if !output.status.success() {
        return Err(failure(member, &output));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| StartError::internal(format!("{}: {error}", member.binary())))
}

/// The error that a server ended with.
pub(crate) fn failure(member: &Member, output: &Output) -> StartError {
    let text = String::from_utf8_lossy(&output.stderr);
    let part =
        |prefix: &str| text.lines().find_map(|line| line.strip_prefix(prefix)).map(str::to_owned);
    let message = part("error: ").unwrap_or_else(|| text.trim().to_owned());
    let message = format!("{}: {message}", member.binary());
    let error = match output.status.code() {
        Some(code) if code == i32::from(Exit::Usage.code()) => StartError::config(message),
        Some(code) if code == i32::from(Exit::Unavailable.code()) => {
            StartError::unavailable(message)
        }
        _ => StartError::internal(message),
    };
    match part("hint: ") {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// What a server was told, as itself reports it.
pub(crate) struct Settings(Value);

/// Ask a server for its settings.
pub(crate) async fn settings(member: &Member) -> Result<Settings, StartError> {
    Ok(Settings(json(member, &["config", "--json"]).await?))
}

impl Settings {
    fn entry(&self, key: &str) -> &Value {
        let mut entries = self.0.as_array().into_iter().flatten();
        entries.find(|entry| entry["key"] == key).unwrap_or(&Value::Null)
    }

    pub(crate) fn get(&self, key: &str) -> &Value {
        &self.entry(key)["value"]
    }

    /// The environment variable of a setting.
    pub(crate) fn variable<'a>(&'a self, key: &'a str) -> &'a str {
        self.entry(key)["variable"].as_str().unwrap_or(key)
    }

    /// Where the server listens.
    pub(crate) fn address(&self, member: &Member) -> SocketAddr {
        let port = self.get("core.port").as_u64().and_then(|port| u16::try_from(port).ok());
        let bind = self.get("core.bind").as_str().and_then(|bind| bind.parse().ok());
        let bind = bind.filter(|bind: &IpAddr| !bind.is_unspecified());
        let bind = bind.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        SocketAddr::new(bind, port.unwrap_or(member.port))
    }
}

/// Where a server listens by its own configuration.
pub(crate) async fn address(member: &Member) -> Result<SocketAddr, StartError> {
    Ok(settings(member).await?.address(member))
}
