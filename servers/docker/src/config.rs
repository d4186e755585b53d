//! The server's own settings.

use mcp_core::prelude::*;

/// How to reach the engine, and how long to wait for it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Address of the engine: `unix:///path`, `tcp://host:port` or `http://host:port`.
    /// Default `unix:///var/run/docker.sock`.
    #[schemars(extend("x-env" = "DOCKER_HOST"))]
    pub host: Option<String>,
    /// Any non-empty value asks for TLS, which this server does not speak: start is refused.
    #[schemars(extend("x-env" = "DOCKER_TLS_VERIFY"))]
    pub tls_verify: Option<String>,
    /// Directory of TLS certificates; without effect unless TLS is asked for.
    #[schemars(extend("x-env" = "DOCKER_CERT_PATH"))]
    pub cert_path: Option<String>,
    /// Seconds until a read of the engine fails, 1 to 300. Default 30.
    #[schemars(range(min = 1, max = 300))]
    pub read_timeout_s: u64,
    /// Seconds that one log read may scan before it answers with what it has, 1 to 60. Default 20.
    #[schemars(range(min = 1, max = 60))]
    pub log_scan_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { host: None, tls_verify: None, cert_path: None, read_timeout_s: 30, log_scan_s: 20 }
    }
}

impl ServerConfig for Config {
    fn validate(&self) -> std::result::Result<(), ConfigError> {
        if !(1..=300).contains(&self.read_timeout_s) {
            return Err(ConfigError::new("read_timeout_s", "must be between 1 and 300"));
        }
        if !(1..=60).contains(&self.log_scan_s) {
            return Err(ConfigError::new("log_scan_s", "must be between 1 and 60"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_and_bounds_are_checked() {
        assert!(Config::default().validate().is_ok());
        assert!(Config { read_timeout_s: 0, ..Config::default() }.validate().is_err());
        assert!(Config { log_scan_s: 61, ..Config::default() }.validate().is_err());
    }
}
