//! The server in this process, called through its whole pipeline.

use machina_stripe::{Config, Server};
use mcp_core::{McpServer, StartContext, config::CoreConfig, pipeline::Guarded};
use mcp_testkit::{InProcess, TestResult};
use serde_json::Value;

/// A running server.
pub(crate) struct Session(InProcess<Server>);

impl Session {
    pub(crate) async fn start(config: Config) -> TestResult<Self> {
        Ok(Self(InProcess::start(config).await?))
    }

    /// Names of the tools on offer.
    pub(crate) fn tools(&self) -> Vec<String> {
        names(self.0.guarded())
    }

    /// Call a tool: its structured answer, checked against its schema, or its error.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Result<Value, Value> {
        let answer =
            self.0.call(tool, arguments).await.map_err(|fault| Value::from(fault.to_string()))?;
        if answer.is_error() { Err(answer.error()) } else { Ok(answer.structured().clone()) }
    }
}

/// Names of the tools that change nothing.
pub(crate) async fn read_only_tools() -> TestResult<Vec<String>> {
    let mut core = CoreConfig::default();
    core.read_only = true;
    let context = StartContext::detached(std::env::temp_dir());
    let server = Server::start(Config::default(), context).await?;
    Ok(names(&Guarded::new(server, &core)?))
}

fn names(server: &Guarded) -> Vec<String> {
    server.catalogue().tools().map(|tool| tool.name.to_string()).collect()
}

/// Settings with a test key, for an upstream at `base`.
pub(crate) fn config(base: &str) -> Config {
    with_key("rk_test_123", base)
}

/// Settings with this key.
pub(crate) fn with_key(key: &str, base: &str) -> Config {
    let mut config = Config::default();
    config.api_key = Some(key.to_owned().into());
    base.clone_into(&mut config.api_base);
    config
}
