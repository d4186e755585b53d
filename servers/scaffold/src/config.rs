//! Settings of this server.

use std::path::Path;

use mcp_core::prelude::*;

/// Where projects may be written.
#[non_exhaustive]
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Absolute directories that projects may be written below, the first being the default.
    /// Default: none, and `create_project` answers `not_configured`.
    #[schemars(length(max = 32))]
    pub roots: Vec<String>,
}

impl ServerConfig for Config {
    fn validate(&self) -> Result<(), ConfigError> {
        for root in &self.roots {
            if !Path::new(root).is_absolute() {
                let message = format!("{root:?} is not an absolute path");
                return Err(ConfigError::new("roots", message));
            }
        }
        Ok(())
    }
}

impl Config {
    /// Settings with these roots.
    pub fn with_roots<R: Into<String>>(roots: impl IntoIterator<Item = R>) -> Self {
        Self { roots: roots.into_iter().map(Into::into).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_must_be_absolute() {
        assert!(Config::default().validate().is_ok());
        assert!(Config::with_roots(["/srv/projects"]).validate().is_ok());
        let error = Config::with_roots(["/srv", "projects"]).validate().expect_err("refused");
        assert_eq!(error.to_string(), "roots: \"projects\" is not an absolute path");
    }
}
