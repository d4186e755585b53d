//! A server over HTTP with tenants: callers with API keys of their own.

use machina_ptolemies::{Config, Server};
use mcp_core::{
    config::{AuthMode, CoreConfig},
    limits::Rate,
};
use mcp_testkit::{
    InProcess, TestResult,
    http::serve_here,
    in_process::all_tools,
    kept_alive::{Ended, KeptAlive},
    wire,
};
use serde_json::{Value, json};

/// Keys of the callers `key:configured-1` to `-3`.
const KEYS: [&str; 3] = [
    "mk_ptolemies_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t",
    "mk_ptolemies_Z9y8X7w6V5u4T3s2R1q0P9o8N7m6L5k4J3i2H1g",
    "mk_ptolemies_Q5w6E7r8T9y0U1i2O3p4A5s6D7f8G9h0J1k2L3z",
];

/// A running server.
pub(crate) struct House {
    server: InProcess<Server>,
    address: std::net::SocketAddr,
    _serving: Box<dyn std::any::Any + Send>,
}

/// One caller's connection.
pub(crate) struct Tenant {
    line: KeptAlive,
    key: String,
}

impl House {
    pub(crate) async fn open(config: Config) -> TestResult<Self> {
        let mut core: CoreConfig = all_tools();
        core.auth = vec![AuthMode::ApiKey];
        core.api_key = Some(KEYS.join(",").into());
        core.audit = false;
        // A connection waits for its turn among several, on a machine that may be busy.
        (core.header_timeout, core.body_timeout) = (600, 600);
        for rate in [&mut core.rate_read, &mut core.rate_write, &mut core.rate_admin] {
            *rate = Rate::new(0, 0);
        }
        let server = InProcess::<Server>::start_with(&core, config).await?;
        let (address, serving) = serve_here(server.guarded(), &core).await?;
        Ok(Self { server, address, _serving: Box::new(serving) })
    }

    /// A connection of `key:configured-<number>`.
    pub(crate) async fn tenant(&self, number: usize) -> TestResult<Tenant> {
        let key = KEYS.get(number - 1).ok_or("no such key")?;
        let line = KeptAlive::open(self.address).await?;
        Ok(Tenant { line, key: format!("Bearer {key}") })
    }

    /// The user of this machine.
    pub(crate) fn local(&self) -> &InProcess<Server> {
        &self.server
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }
}

impl Tenant {
    /// Send a request; the response's body.
    pub(crate) async fn send(&mut self, method: &str, params: &Value) -> TestResult<String> {
        let named = ["name", "uri"].iter().find_map(|key| params[*key].as_str());
        let mut headers = vec![
            ("MCP-Protocol-Version", wire::MODERN),
            ("Mcp-Method", method),
            ("Authorization", &self.key),
        ];
        headers.extend(named.map(|name| ("Mcp-Name", name)));
        match self.line.post(&headers, &wire::modern(1, method, params)).await? {
            Ended::Answered(200, body) => Ok(String::from_utf8(body)?),
            Ended::Answered(_, body) => {
                let body = String::from_utf8(body)?;
                if body.contains("jsonrpc") { Ok(body) } else { Err(body.into()) }
            }
            other => Err(format!("{method}: {other:?}").into()),
        }
    }

    /// Call a tool; the response.
    pub(crate) async fn call(&mut self, tool: &str, arguments: &Value) -> TestResult<Value> {
        let params = json!({"name": tool, "arguments": arguments});
        let body = self.send("tools/call", &params).await?;
        Ok(serde_json::from_str(&body)?)
    }

    /// What a tool answers.
    pub(crate) async fn ask(&mut self, tool: &str, arguments: Value) -> TestResult<Value> {
        let response = self.call(tool, &arguments).await?;
        match response["result"].get("structuredContent") {
            Some(answer) => Ok(answer.clone()),
            None => Err(format!("{tool} {arguments}: {response}").into()),
        }
    }

    /// The error that a tool answers, without what tells calls apart.
    pub(crate) async fn refused(&mut self, tool: &str, arguments: Value) -> TestResult<Value> {
        let response = self.call(tool, &arguments).await?;
        if response["result"]["isError"] != true {
            return Err(format!("{tool} {arguments} is answered: {response}").into());
        }
        let text = response["result"]["content"][0]["text"].as_str().unwrap_or_default();
        let mut error: Value = serde_json::from_str(text)?;
        if let Some(error) = error.as_object_mut() {
            error.remove("request_id");
        }
        Ok(error)
    }

    /// A document of the server.
    pub(crate) async fn read(&mut self, uri: &str) -> TestResult<Value> {
        let body = self.send("resources/read", &json!({"uri": uri})).await?;
        let response: Value = serde_json::from_str(&body)?;
        let text = response["result"]["contents"][0]["text"].as_str().ok_or(body)?;
        Ok(serde_json::from_str(text)?)
    }
}
