//! The fixture behind either transport, for a client that declares what a test wants.

use mcp_core::{Principal, config::CoreConfig, transport::local};
use mcp_testkit::{
    InProcess, TestResult,
    binary::{HttpServer, StdioServer},
    everything::Everything,
    http, wire,
};
use serde_json::{Value, json};

pub(crate) const NAME: &str = "machina-everything";

/// A test asks faster than a person.
const UNHURRIED: [(&str, &str); 2] = [("MACHINA_RATE_WRITE", "0"), ("MACHINA_RATE_ADMIN", "0")];

/// What a client says it can do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Client {
    Plain,
    Elicits,
    Tasks,
}

impl Client {
    fn capabilities(self) -> Value {
        match self {
            Self::Plain => json!({}),
            Self::Elicits => json!({"elicitation": {}}),
            Self::Tasks => json!({"extensions": {"io.modelcontextprotocol/tasks": {}}}),
        }
    }

    pub(crate) fn request(self, method: &str, params: &Value) -> Value {
        let mut message = wire::modern(1, method, params);
        message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            self.capabilities();
        message
    }
}

pub(crate) enum Peer {
    Stdio(StdioServer),
    Http(HttpServer),
}

impl Peer {
    /// The fixture on stdio, and on HTTP.
    pub(crate) async fn both() -> TestResult<[Self; 2]> {
        Ok([
            Self::Stdio(StdioServer::start(NAME, &[])?),
            Self::Http(HttpServer::start(NAME, &UNHURRIED).await?),
        ])
    }

    pub(crate) async fn ask(&mut self, message: &Value) -> TestResult<Value> {
        match self {
            Self::Stdio(server) => server.ask(message).await,
            Self::Http(server) => {
                let name = |key: &str| message["params"][key].as_str().map(str::to_owned);
                let method = message["method"].as_str().unwrap_or_default().to_owned();
                let name = name("name").or_else(|| name("taskId")).unwrap_or_default();
                let mut headers = http::PLAIN.to_vec();
                headers.extend([
                    ("MCP-Protocol-Version", wire::MODERN),
                    ("Mcp-Method", &method),
                    ("Mcp-Name", &name),
                ]);
                http::post(server.address, &headers, message.to_string().as_bytes()).await?.json()
            }
        }
    }

    /// Call a tool; `more` are members beside name and arguments.
    pub(crate) async fn call(
        &mut self,
        client: Client,
        tool: &str,
        arguments: &Value,
        more: &Value,
    ) -> TestResult<Value> {
        let mut params = more.clone();
        params["name"] = tool.into();
        params["arguments"] = arguments.clone();
        self.ask(&client.request("tools/call", &params)).await
    }
}

/// A message of any caller's to a fixture in this process.
pub(crate) async fn ask_as(
    fixture: &InProcess<Everything>,
    who: &str,
    client: Client,
    method: &str,
    params: &Value,
) -> Value {
    let who = Principal::new(who, Some(mcp_core::Scope::Admin), None);
    let message = client.request(method, params);
    local::answer_as(fixture.guarded(), &who, &message).await.unwrap_or_else(|error| error)
}

/// The fixture in this process.
pub(crate) async fn in_process() -> TestResult<InProcess<Everything>> {
    InProcess::start(mcp_core::config::NoConfig::default()).await
}

/// First text of an answer.
pub(crate) fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_default()
}

/// Body of a failure: of a tool's, or the data of a JSON-RPC error.
pub(crate) fn failure(answer: &Value) -> Value {
    match serde_json::from_str(text(answer)) {
        Ok(body) if answer["result"]["isError"] == true => body,
        _ => answer["error"]["data"].clone(),
    }
}

#[test]
fn a_weak_state_key_stops_the_start() {
    let ran = mcp_testkit::suite::drive;
    ran(async {
        let weak = [("MACHINA_STATE_KEY", "changemechangemechangemechangeme")];
        let ran = mcp_testkit::binary::run(NAME, &["serve", "--port", "0"], &weak).await?;
        assert_eq!(ran.code, Some(64), "{ran:?}");
        assert!(ran.stderr.contains("MACHINA_STATE_KEY") && ran.stderr.contains("openssl rand"));
        assert!(!ran.stderr.contains("changeme"), "{ran:?}");
        assert!(CoreConfig::default().state_key.is_none());
        Ok(())
    });
}
