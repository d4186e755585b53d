//! The settings that all servers share.

use std::{net::IpAddr, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, ServerConfig};
use crate::{SecretString, limits::Rate};

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
    /// How callers over HTTP show who they are: `api_key`, `jwt`, or both; empty asks for nothing,
    /// which beyond loopback is refused.
    pub auth: Vec<AuthMode>,
    /// Listen beyond loopback although nothing asks for a credential. Whoever reaches the port may
    /// call every tool.
    pub allow_unauthenticated: bool,
    /// The public URL of `/mcp`: the audience that tokens must name, and the resource of the
    /// metadata (RFC 9728). By default the URL on loopback.
    #[schemars(length(min = 1, max = 2_048))]
    pub public_url: Option<String>,
    /// API keys that may do everything, comma-separated, at least 32 characters each. More is told
    /// of keys in `api_keys_file`.
    pub api_key: Option<SecretString>,
    /// File of API keys, kept by `key create`; by default `api_keys.json` in the state directory.
    /// When there is none and `api_key` is unset, a first key is made beside it, in `api_key`.
    pub api_keys_file: Option<PathBuf>,
    /// Secret of at least 32 bytes that tokens are signed with (HS256): `token mint` makes them.
    /// Not together with `jwks_url`.
    pub jwt_secret: Option<SecretString>,
    /// Where the issuer publishes its public keys; `https`, or `http` on loopback.
    #[schemars(length(min = 1, max = 2_048))]
    pub jwks_url: Option<String>,
    /// The issuer that tokens must name. With `jwks_url` it is needed; with `jwt_secret` it is
    /// `machina` by default.
    #[schemars(length(min = 1, max = 2_048))]
    pub jwt_issuer: Option<String>,
    /// Calls a second of one caller that change nothing: `N` or `N:BURST`; 0 is no limit.
    pub rate_read: Rate,
    /// The same for calls that change something.
    pub rate_write: Rate,
    /// The same for calls that destroy something.
    pub rate_admin: Rate,
    /// Calls in flight at once.
    #[schemars(range(min = 1, max = 65_536))]
    pub max_in_flight: usize,
    /// Calls of one caller in flight at once.
    #[schemars(range(min = 1, max = 65_536))]
    pub max_in_flight_each: usize,
    /// How long a call waits for a free place, in milliseconds.
    #[schemars(range(min = 0, max = 60_000))]
    pub queue_ms: u64,
    /// Connections open at once.
    #[schemars(range(min = 1, max = 65_536))]
    pub max_connections: usize,
    /// Connections of one address open at once.
    #[schemars(range(min = 1, max = 65_536))]
    pub max_connections_each: usize,
    /// How long a client may take to send its headers, in seconds.
    #[schemars(range(min = 1, max = 600))]
    pub header_timeout: u64,
    /// How long a client may take to send its body, in seconds.
    #[schemars(range(min = 1, max = 600))]
    pub body_timeout: u64,
    /// Longest text of a result, in characters; most clients cut at about 62,000.
    #[schemars(range(min = 1_000, max = 1_000_000))]
    pub max_result: usize,
    /// Largest request body, and longest stdio line, in bytes.
    #[schemars(range(min = 1_024, max = 67_108_864))]
    pub max_body: usize,
    /// Longest run of one call in seconds, where the tool does not set its own.
    #[schemars(range(min = 1, max = 600))]
    pub deadline: u64,
    /// Bytes of answers that the response cache may keep; 0 turns it off.
    #[schemars(range(min = 0, max = 4_294_967_296_u64))]
    pub cache_bytes: u64,
    /// Key for cursors and other values that callers give back, at least 32 bytes. Without it a
    /// random one is made and kept in the state directory; where there is none, cursors end with the process.
    pub state_key: Option<SecretString>,
    /// Write one JSON line for each tool call, with the shape of its arguments and no value.
    pub audit: bool,
    /// File for these lines, mode 0600; stderr by default.
    pub audit_file: Option<PathBuf>,
    /// Size at which that file is renamed to `<name>.1` and begun anew, in bytes.
    #[schemars(range(min = 65_536))]
    pub audit_max_bytes: u64,
    /// Base URL of a collector that spans of calls are sent to, by OTLP over HTTP: `/v1/traces` is
    /// added to it. Off by default.
    #[cfg(feature = "otlp")]
    #[schemars(length(min = 1, max = 2_048))]
    pub otlp_endpoint: Option<String>,
    /// How much to log: `error`, `warn`, `info`, `debug`, `trace`, or filter directives.
    #[schemars(length(min = 1, max = 256))]
    pub log_level: String,
    /// Form of the log lines.
    pub log_format: LogFormat,
}

/// How a caller shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum AuthMode {
    /// A key of `api_key` or `api_keys_file` as bearer.
    ApiKey,
    /// A signed token as bearer.
    Jwt,
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
            auth: Vec::new(),
            allow_unauthenticated: false,
            public_url: None,
            api_key: None,
            api_keys_file: None,
            jwt_secret: None,
            jwks_url: None,
            jwt_issuer: None,
            rate_read: Rate::new(100, 200),
            rate_write: Rate::new(10, 20),
            rate_admin: Rate::new(1, 5),
            max_in_flight: 256,
            max_in_flight_each: 64,
            queue_ms: 2_000,
            max_connections: 1_024,
            max_connections_each: 256,
            header_timeout: 10,
            body_timeout: 15,
            max_result: 50_000,
            max_body: 4 << 20,
            deadline: 30,
            cache_bytes: 64 << 20,
            state_key: None,
            audit: true,
            audit_file: None,
            audit_max_bytes: 64 << 20,
            #[cfg(feature = "otlp")]
            otlp_endpoint: None,
            log_level: "info".to_owned(),
            log_format: LogFormat::Auto,
        }
    }
}

impl ServerConfig for CoreConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        crate::telemetry::check_level(&self.log_level)?;
        crate::auth::check(self)?;
        // By its key, so that it is named by where it came from.
        let named = |error| ConfigError { setting: "state_key".to_owned(), ..error };
        self.state_key.as_ref().map_or(Ok(()), crate::state_key::check).map_err(named)?;
        #[cfg(feature = "otlp")]
        if let Some(endpoint) = &self.otlp_endpoint {
            crate::otlp::check(endpoint)?;
        }
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
        if self.bind.is_loopback() || self.allow_unauthenticated || !self.auth.is_empty() {
            return Ok(());
        }
        Err(ConfigError::new(
            "MACHINA_BIND",
            format!("{} is reachable from other machines, and nothing asks for a credential", self.bind),
        )
        .with_hint(
            "set MACHINA_AUTH=api_key or jwt, bind 127.0.0.1, or set MACHINA_ALLOW_UNAUTHENTICATED=1 if a proxy in front authenticates",
        ))
    }

    /// Whether callers over HTTP are asked who they are.
    pub fn asks_for_credentials(&self) -> bool {
        !self.auth.is_empty()
    }
}
