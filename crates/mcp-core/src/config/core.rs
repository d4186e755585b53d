//! The settings that all servers share.

use std::{net::IpAddr, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, ServerConfig};

/// Settings of every server: `MACHINA_<KEY>`, or `MACHINA_<SERVER>_<KEY>` for one server.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CoreConfig {
    /// Address that `serve` listens on. Anything but loopback is refused, see
    /// `container_loopback_publish` and `allow_unauthenticated`.
    pub bind: IpAddr,
    /// TCP port that `serve` listens on; the server's own by default.
    #[schemars(range(min = 0, max = 65_535))]
    pub port: Option<u16>,
    /// Directory for what must outlive the process; by default
    /// `$XDG_STATE_HOME/machina/<server>`.
    pub state_dir: Option<PathBuf>,
    /// Tools to offer: `core`, `all`, or another named set.
    #[schemars(length(min = 1, max = 64))]
    pub toolset: String,
    /// Offer only these tools of the set; empty means all of it.
    pub tools: Vec<String>,
    /// Offer only tools that change nothing.
    pub read_only: bool,
    /// Host names that a request may be addressed to, besides loopback. Without a port any port
    /// matches.
    pub allowed_hosts: Vec<String>,
    /// Origins that a browser may call from, besides loopback, with scheme, and a port or `:*`.
    pub allowed_origins: Vec<String>,
    /// Listen beyond loopback although nothing asks for a credential. Whoever reaches the port may
    /// call every tool.
    pub allow_unauthenticated: bool,
    /// In a container: listen on the container's own address, because its ports are published on
    /// the host's loopback only. Interim, until authentication is there.
    pub container_loopback_publish: bool,
    /// Connections open at once.
    #[schemars(range(min = 1, max = 65_536))]
    pub max_connections: usize,
    /// Largest request body, and longest stdio line, in bytes.
    #[schemars(range(min = 1_024, max = 67_108_864))]
    pub max_body: usize,
    /// Longest run of one call in seconds, where the tool does not set its own.
    #[schemars(range(min = 1, max = 600))]
    pub deadline: u64,
    /// How much to log: `error`, `warn`, `info`, `debug`, `trace`, or filter directives.
    #[schemars(length(min = 1, max = 256))]
    pub log_level: String,
    /// Form of the log lines.
    pub log_format: LogFormat,
}

/// Form of the log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Readable lines.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl Default for CoreConfig {
    fn default() -> Self {
        Self {
            bind: IpAddr::from([127, 0, 0, 1]),
            port: None,
            state_dir: None,
            toolset: "core".to_owned(),
            tools: Vec::new(),
            read_only: false,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            allow_unauthenticated: false,
            container_loopback_publish: false,
            max_connections: 1_024,
            max_body: 4 << 20,
            deadline: 30,
            log_level: "info".to_owned(),
            log_format: LogFormat::Auto,
        }
    }
}

impl ServerConfig for CoreConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        crate::telemetry::check_level(&self.log_level)?;
        for origin in &self.allowed_origins {
            crate::transport::hosts::check_origin(origin)?;
        }
        for host in &self.allowed_hosts {
            crate::transport::hosts::check_host(host)?;
        }
        Ok(())
    }
}

impl CoreConfig {
    /// Refuse an address that strangers could reach while nothing asks for a credential.
    ///
    /// # Errors
    /// When `bind` is not loopback and no setting says that this is wanted.
    pub fn check_bind(&self) -> Result<(), ConfigError> {
        let open = self.allow_unauthenticated || self.container_loopback_publish;
        if self.bind.is_loopback() || open {
            return Ok(());
        }
        Err(ConfigError::new(
            "MACHINA_BIND",
            format!("{} is reachable from other machines, and no authentication is set up", self.bind),
        )
        .with_hint(
            "bind 127.0.0.1, or set MACHINA_ALLOW_UNAUTHENTICATED=1 if a proxy in front authenticates",
        ))
    }
}
