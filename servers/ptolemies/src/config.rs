//! Settings.

use std::path::Path;

use mcp_core::prelude::*;

/// Settings of ptolemies. The store lies under the state directory.
#[non_exhaustive]
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Cache of the store in MiB, 8-65,536. Default 64.
    #[schemars(range(min = 8, max = 65_536))]
    pub store_cache_mib: u32,
    /// Write buffer of the store in MiB, 16-4,096. Default 32.
    #[schemars(range(min = 16, max = 4_096))]
    pub store_buffer_mib: u32,
    /// Most memories kept, all versions counted, 1-10,000,000. Default 1,000,000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_memories: u32,
    /// Most MiB of entities, observations and facts kept in memory, all versions counted, 1-65,536.
    /// Default 512.
    #[schemars(range(min = 1, max = 65_536))]
    pub max_graph_mib: u32,
    /// Most chunks of documents kept (about 1,000 characters each), all versions counted,
    /// 1-10,000,000. Default 1,000,000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_chunks: u32,
    /// Absolute directory below which `ingest_documents` reads files; nothing outside it is read, no
    /// link followed. Default: none, and `paths` is answered with `path_denied`.
    pub ingest_root: Option<String>,
    /// Hosts whose documents `ingest_documents` reads by URL, as `docs.example.org` (https) or as an
    /// origin such as `http://wiki.lan:8080`; also those of a private network. Default: none, and
    /// `urls` is answered with `url_denied`.
    #[schemars(length(max = 100))]
    pub ingest_hosts: Vec<String>,
    /// Absolute directory of backups, on another disk at best. Default: `backups` in the state directory.
    pub backup_dir: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            store_cache_mib: 64,
            store_buffer_mib: 32,
            max_memories: 1_000_000,
            max_graph_mib: 512,
            max_chunks: 1_000_000,
            ingest_root: None,
            ingest_hosts: Vec::new(),
            backup_dir: None,
        }
    }
}

impl ServerConfig for Config {
    fn validate(&self) -> Result<(), ConfigError> {
        self.ingest_hosts.iter().try_for_each(|host| crate::web::origin(host).map(drop))?;
        for (name, dir) in [("ingest_root", &self.ingest_root), ("backup_dir", &self.backup_dir)] {
            if let Some(dir) = dir.as_ref().filter(|dir| !Path::new(dir).is_absolute()) {
                return Err(ConfigError::new(name, format!("{dir:?} is not an absolute path")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_must_be_absolute() {
        let with = |root: &str| Config { ingest_root: Some(root.to_owned()), ..Config::default() };
        assert!(Config::default().validate().is_ok());
        assert!(with("/srv/docs").validate().is_ok());
        let error = with("docs").validate().expect_err("refused");
        assert_eq!(error.to_string(), "ingest_root: \"docs\" is not an absolute path");
    }
}
