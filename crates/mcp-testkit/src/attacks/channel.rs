//! One way to call a tool, over each transport.

use mcp_core::McpServer;
use serde_json::{Value, json};

use crate::{
    TestResult,
    binary::{HttpServer, StdioServer, command},
    http::{self, PLAIN, Response},
    wire,
};

/// How a call reaches the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// `POST /mcp`.
    Http,
    /// `POST /tools/{name}`.
    Rest,
    /// Lines on stdin and stdout.
    Stdio,
}

impl Transport {
    /// The transport of a name.
    ///
    /// # Panics
    /// When there is no such transport.
    pub fn of(name: &str) -> Self {
        match name {
            "http" => Self::Http,
            "rest" => Self::Rest,
            "stdio" => Self::Stdio,
            _ => panic!("no transport {name}"),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Rest => "rest",
            Self::Stdio => "stdio",
        }
    }
}

/// A running server of one transport, with all tools on offer.
pub struct Channel {
    line: Line,
    /// Its tools, as listed.
    pub tools: Vec<Value>,
    home: tempfile::TempDir,
}

enum Line {
    Http(HttpServer),
    Rest(HttpServer),
    Stdio(Box<StdioServer>),
}

/// What came back.
#[derive(Debug, Clone)]
pub enum Said {
    /// Structured content of a success.
    Success(Value),
    /// A repairable error: its body.
    Refused(Value),
    /// A fault of the protocol: its code.
    Fault(i64),
}

/// An answer, and the bytes it was read from.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What it says.
    pub said: Said,
    /// As it came.
    pub raw: String,
}

impl Reply {
    /// The stable code of a repairable error, else empty.
    pub fn code(&self) -> &str {
        match &self.said {
            Said::Refused(error) => error["code"].as_str().unwrap_or_default(),
            _ => "",
        }
    }

    /// Refused, by whatever channel, without anything broken inside.
    pub fn is_refusal(&self) -> bool {
        !matches!(self.said, Said::Success(_) | Said::Fault(-32603))
    }

    fn of_message(message: &Value, raw: String) -> TestResult<Self> {
        let said = if let Some(code) = message["error"]["code"].as_i64() {
            Said::Fault(code)
        } else if message["result"]["isError"] == true {
            let text = message["result"]["content"][0]["text"].as_str().unwrap_or_default();
            Said::Refused(serde_json::from_str(text).map_err(|_| format!("no JSON: {raw}"))?)
        } else if message["result"].is_object() {
            Said::Success(message["result"]["structuredContent"].clone())
        } else {
            return Err(format!("neither result nor error: {raw}").into());
        };
        Ok(Self { said, raw })
    }

    fn of_rest(response: &Response) -> TestResult<Self> {
        let body: Value = serde_json::from_str(&response.body).unwrap_or_default();
        let said = match (response.status, body["code"].as_str()) {
            (200, _) => Said::Success(body),
            (_, Some("unknown_tool" | "not_found")) if response.status == 404 => {
                Said::Fault(-32602)
            }
            (_, Some("internal_error" | "internal")) => Said::Fault(-32603),
            (400, Some("parse_error" | "invalid_json" | "invalid_body")) => Said::Fault(-32700),
            (_, Some(_)) => Said::Refused(body),
            _ => return Err(format!("a refusal without a code: {response:?}").into()),
        };
        Ok(Self { said, raw: response.body.clone() })
    }
}

impl Channel {
    /// Start the server.
    pub async fn open<S: McpServer>(transport: Transport) -> TestResult<Self> {
        Self::open_with::<S>(transport, &[]).await
    }

    /// The same with further variables.
    pub async fn open_with<S: McpServer>(
        transport: Transport,
        environment: &[(&str, &str)],
    ) -> TestResult<Self> {
        let name = S::FACTS.member.binary();
        let home = tempfile::tempdir()?;
        let state = home.path().join("state");
        let state = state.to_string_lossy().into_owned();
        let mut variables = vec![("MACHINA_TOOLSET", "all"), ("MACHINA_STATE_DIR", state.as_str())];
        // An engine that happens to run here is nobody's to attack.
        variables.extend([
            ("DOCKER_HOST", "tcp://127.0.0.1:9"),
            ("STRIPE_API_BASE", "http://127.0.0.1:9"),
        ]);
        variables.extend(LIMITS);
        variables.extend_from_slice(environment);
        let variables: Vec<_> =
            variables.into_iter().filter(|(name, _)| suits::<S>(name)).collect();
        let line = match transport {
            Transport::Http => Line::Http(HttpServer::start(&name, &variables).await?),
            Transport::Rest => Line::Rest(HttpServer::start(&name, &variables).await?),
            Transport::Stdio => {
                let mut command = command(&name, home.path())?;
                command.envs(variables);
                Line::Stdio(Box::new(StdioServer::spawn(command)?))
            }
        };
        let mut channel = Self { line, tools: Vec::new(), home };
        channel.tools = match &mut channel.line {
            Line::Http(server) | Line::Rest(server) => {
                let listed =
                    http::modern(server.address, "tools/list", &json!({})).await?.json()?;
                listed["result"]["tools"].as_array().cloned().unwrap_or_default()
            }
            Line::Stdio(server) => {
                let listed = server.ask(&wire::modern(0, "tools/list", &json!({}))).await?;
                listed["result"]["tools"].as_array().cloned().unwrap_or_default()
            }
        };
        if channel.tools.is_empty() { Err("no tools".into()) } else { Ok(channel) }
    }

    /// Directory that holds the server's state directory, and nothing else.
    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// Where it listens, unless on stdio.
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        match &self.line {
            Line::Http(server) | Line::Rest(server) => Some(server.address),
            Line::Stdio(_) => None,
        }
    }

    /// Call a tool.
    pub async fn call(&mut self, tool: &str, arguments: &Value) -> TestResult<Reply> {
        self.call_text(tool, &arguments.to_string()).await
    }

    /// Call a tool with arguments that need not be JSON.
    pub async fn call_text(&mut self, tool: &str, arguments: &str) -> TestResult<Reply> {
        let line = match &mut self.line {
            Line::Rest(server) => {
                let response =
                    post_to(server.address, &format!("/tools/{tool}"), arguments).await?;
                return Reply::of_rest(&response);
            }
            line => line,
        };
        let message = wire::modern(7, "tools/call", &json!({"name": tool, "arguments": "HERE"}));
        let text = message.to_string().replacen("\"HERE\"", arguments, 1);
        match line {
            Line::Http(server) | Line::Rest(server) => {
                let mut headers = PLAIN.to_vec();
                headers
                    .extend([("MCP-Protocol-Version", wire::MODERN), ("Mcp-Method", "tools/call")]);
                headers.push(("Mcp-Name", tool));
                let answer = http::post(server.address, &headers, text.as_bytes()).await?;
                Reply::of_message(&answer.json()?, answer.body)
            }
            Line::Stdio(server) => {
                server.send_line(&text).await?;
                let answer = server.receive().await?;
                Reply::of_message(&answer, answer.to_string())
            }
        }
    }

    /// Send any request of the newest revision; the response. Not for REST.
    pub async fn request(&mut self, method: &str, params: &Value) -> TestResult<Value> {
        match &mut self.line {
            Line::Http(server) | Line::Rest(server) => {
                http::modern(server.address, method, params).await?.json()
            }
            Line::Stdio(server) => server.ask(&wire::modern(8, method, params)).await,
        }
    }
}

/// Quotas would refuse an attack before it reaches the guard that it is meant for.
pub(super) const LIMITS: [(&str, &str); 4] = [
    ("MACHINA_MAX_IN_FLIGHT_EACH", "1024"),
    ("MACHINA_RATE_READ", "1000000:1000000"),
    ("MACHINA_RATE_WRITE", "1000000:1000000"),
    ("MACHINA_RATE_ADMIN", "1000000:1000000"),
];

/// A server is told of another's upstream only where it would otherwise call it.
fn suits<S: McpServer>(variable: &str) -> bool {
    let server = S::FACTS.member.name;
    match variable.split('_').next() {
        Some("DOCKER") => server == "docker",
        Some("STRIPE") => server == "stripe",
        Some("SHOPIFY") => server == "shopify",
        _ => true,
    }
}

/// POST a JSON body to a path.
pub async fn post_to(
    address: std::net::SocketAddr,
    path: &str,
    body: &str,
) -> TestResult<Response> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    http::raw(address, format!("{head}{body}").as_bytes()).await
}
