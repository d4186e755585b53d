//! Settings.

use std::{collections::BTreeMap, path::Path};

use mcp_core::prelude::*;

use crate::{
    neo4j::{Address, Neo4j},
    space::{Access, Allowance, Name, Rights},
};

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
    /// Most memories a namespace keeps, all versions counted, 1-10,000,000. Default 1,000,000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_memories: u32,
    /// Most MiB of entities, observations and facts a namespace keeps in memory, all versions counted,
    /// 1-65,536.
    /// Default 512.
    #[schemars(range(min = 1, max = 65_536))]
    pub max_graph_mib: u32,
    /// Most chunks of documents a namespace keeps (about 1,000 characters each), all versions counted,
    /// 1-10,000,000. Default 1,000,000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_chunks: u32,
    /// Most namespaces, 1-100,000. Default 1,000.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_namespaces: u32,
    /// Namespaces that are open at once, 2-10,000; of more, the one that was not used for longest is
    /// closed until it is next entered, unless work goes on in it. Each takes about 20 MiB of memory and
    /// what it holds. Default 32.
    #[schemars(range(min = 2, max = 10_000))]
    pub max_open_namespaces: u32,
    /// Homes: the namespace of each caller who names none, as `{"key:alice": "alice"}`; it may write
    /// there and below. Default of a caller: a namespace of its own, `u_` and a digest of its name. The
    /// user of stdio, and of a port without authentication, has `default` and enters every other.
    pub homes: BTreeMap<String, String>,
    /// Further namespaces of a caller, `r` or `rw`, each with those below it; `*` is all of them, as
    /// `{"key:alice": {"team": "rw", "handbook": "r"}}`. Default: none.
    pub grants: BTreeMap<String, BTreeMap<String, Access>>,
    /// Most items and bytes of a namespace, as `{"*": {"items": 100000}, "alice": {"bytes": 1000000}}`;
    /// `*` is for those not named. Default: no bounds but the three above.
    pub quotas: BTreeMap<String, Allowance>,
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
    /// A Neo4j server that mirrors entities and facts, such as `bolt://localhost:7687`; its data is
    /// derived. Default: none, and Cypher is answered with `not_configured`.
    #[schemars(extend("x-env" = "NEO4J_URI"), length(min = 1, max = 300))]
    pub neo4j_uri: Option<String>,
    /// User there; default `neo4j`.
    #[schemars(extend("x-env" = "NEO4J_USER"), length(min = 1, max = 100))]
    pub neo4j_user: String,
    /// Password there; none by default, needed with `neo4j_uri`.
    #[schemars(extend("x-env" = "NEO4J_PASSWORD"))]
    pub neo4j_password: Option<SecretString>,
    /// Database there; default `neo4j`.
    #[schemars(extend("x-env" = "NEO4J_DATABASE"), length(min = 1, max = 63))]
    pub neo4j_database: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            store_cache_mib: 64,
            store_buffer_mib: 32,
            max_memories: 1_000_000,
            max_graph_mib: 512,
            max_chunks: 1_000_000,
            max_namespaces: 1_000,
            max_open_namespaces: 32,
            homes: BTreeMap::new(),
            grants: BTreeMap::new(),
            quotas: BTreeMap::new(),
            ingest_root: None,
            ingest_hosts: Vec::new(),
            backup_dir: None,
            neo4j_uri: None,
            neo4j_user: "neo4j".to_owned(),
            neo4j_password: None,
            neo4j_database: "neo4j".to_owned(),
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
        Rights::of(self)?;
        if let Some(name) =
            self.quotas.keys().find(|name| *name != "*" && Name::parse(name).is_none())
        {
            return Err(ConfigError::new("quotas", format!("{name:?} is no namespace"))
                .with_hint("name a namespace, or `*` for all that are not named"));
        }
        let Some(uri) = &self.neo4j_uri else { return Ok(()) };
        Address::parse(uri).map_err(|message| ConfigError::new("neo4j_uri", message))?;
        if self.neo4j_password.is_none() {
            return Err(ConfigError::new("neo4j_password", "is missing, and neo4j_uri is set")
                .with_hint("set NEO4J_PASSWORD, or NEO4J_PASSWORD_FILE to a file that holds it"));
        }
        Ok(())
    }
}

impl Config {
    /// The Neo4j server, if there is one.
    pub(crate) fn neo4j(&self) -> Option<Neo4j> {
        let address = Address::parse(self.neo4j_uri.as_ref()?).ok()?;
        let password = self.neo4j_password.clone()?;
        Some(Neo4j::new(address, self.neo4j_user.clone(), password, self.neo4j_database.clone()))
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

    #[test]
    fn rights_and_quotas_are_checked() {
        let config = |text: &str| serde_json::from_str::<Config>(text).expect("of the right shape");
        let good = r#"{"homes": {"key:a": "a"}, "grants": {"jwt:b": {"*": "r", "a": "rw"}},
            "quotas": {"*": {"items": 5}, "a/b": {"bytes": 9}}}"#;
        assert!(config(good).validate().is_ok());
        for (wrong, message) in [
            (r#"{"homes": {"a": "a"}}"#, "homes: \"a\" is no caller"),
            (r#"{"grants": {"key:a": {"B": "r"}}}"#, "grants: \"B\", for key:a, is no namespace"),
            (r#"{"quotas": {"**": {"items": 5}}}"#, "quotas: \"**\" is no namespace"),
        ] {
            let error = config(wrong).validate().expect_err("refused");
            assert!(error.to_string().starts_with(message), "{error}");
            assert!(error.hint().is_some());
        }
        assert!(serde_json::from_str::<Config>(r#"{"grants": {"key:a": {"b": "w"}}}"#).is_err());
    }

    #[test]
    fn neo4j_needs_an_address_and_a_password() {
        let with = |uri: &str, password: Option<&str>| {
            let (neo4j_uri, secret) = (Some(uri.to_owned()), |text: &str| text.to_owned().into());
            Config { neo4j_uri, neo4j_password: password.map(secret), ..Config::default() }
        };
        assert!(Config::default().neo4j().is_none());
        let good = with("bolt://localhost", Some("hunter2"));
        assert!(good.validate().is_ok() && good.neo4j().is_some());
        assert!(!format!("{:?}", good.neo4j()).contains("hunter2"));
        for (wrong, setting) in [
            (with("bolt://localhost", None), "neo4j_password: "),
            (with("localhost", Some("x")), "neo4j_uri: "),
        ] {
            let error = wrong.validate().expect_err("refused").to_string();
            assert!(error.starts_with(setting), "{error}");
        }
    }
}
