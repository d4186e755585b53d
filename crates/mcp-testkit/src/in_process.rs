//! A server in the test's own process, behind the whole pipeline.

use std::marker::PhantomData;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use mcp_core::{
    McpServer, StartContext, config::CoreConfig, pipeline::Guarded, transport::local,
    validation::Schema,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{TestResult, wire};

/// A started server with a state directory of its own.
pub struct InProcess<S> {
    server: Guarded,
    _state: Option<TempDir>,
    _type: PhantomData<fn() -> S>,
}

impl<S: McpServer> InProcess<S> {
    /// Start with all tools on offer.
    pub async fn start(config: S::Config) -> TestResult<Self> {
        Self::start_with(&all_tools(), config).await
    }

    /// Start with settings of the core.
    pub async fn start_with(core: &CoreConfig, config: S::Config) -> TestResult<Self> {
        let state = tempfile::tempdir()?;
        let server = S::start(config, StartContext::detached(state.path().to_path_buf())).await?;
        let server = Guarded::new(server, core)?;
        Ok(Self { server, _state: Some(state), _type: PhantomData })
    }

    /// Start on a state directory that outlives the server.
    pub async fn start_in(state: &std::path::Path, config: S::Config) -> TestResult<Self> {
        let server = S::start(config, StartContext::detached(state.to_path_buf())).await?;
        Ok(Self { server: Guarded::new(server, &all_tools())?, _state: None, _type: PhantomData })
    }

    /// The server behind the pipeline.
    pub fn guarded(&self) -> &Guarded {
        &self.server
    }

    /// Call a tool. The structured answer is checked against the advertised output schema.
    pub async fn call(&self, tool: &str, arguments: Value) -> TestResult<Answer> {
        call(&self.server, tool, arguments).await
    }

    /// Send any request of the newest revision; the response, error or not.
    pub async fn request(&self, method: &str, params: Value) -> Value {
        request(&self.server, method, params).await
    }

    /// Stop it as the runner would.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// [`InProcess::call`], compiled once and not for each server.
async fn call(server: &Guarded, tool: &str, arguments: Value) -> TestResult<Answer> {
    let message = local::call_message(tool, &arguments);
    let response = local::answer(server, &message).await.unwrap_or_else(|error| error);
    let answer = Answer { response };
    if let (Some(value), Some(tool)) =
        (answer.response["result"].get("structuredContent"), server.catalogue().tool(tool))
    {
        let schema = tool.output_schema.as_ref().ok_or("structured content without a schema")?;
        let schema = Schema::compile(&Value::Object((**schema).clone()))?;
        schema.check(value).map_err(|violation| {
            format!("{}: the answer breaks its schema: {violation:?}: {value}", tool.name)
        })?;
    }
    Ok(answer)
}

async fn request(server: &Guarded, method: &str, params: Value) -> Value {
    let message = wire::modern(1, method, &params);
    local::answer(server, &message).await.unwrap_or_else(|error| error)
}

/// The defaults, with every tool.
pub fn all_tools() -> CoreConfig {
    let mut core = CoreConfig::default();
    core.toolset = "all".to_owned();
    core
}

/// What a tool call answered.
#[derive(Debug, Clone)]
pub struct Answer {
    response: Value,
}

impl Answer {
    /// The JSON-RPC response.
    pub fn response(&self) -> &Value {
        &self.response
    }

    /// Structured content of a success.
    ///
    /// # Panics
    /// When the call failed.
    pub fn structured(&self) -> &Value {
        let result = &self.response["result"];
        assert_ne!(result["isError"], true, "the call failed: {}", self.response);
        result
            .get("structuredContent")
            .unwrap_or_else(|| panic!("no structured content: {}", self.response))
    }

    /// Bytes of the PNG beside the structured answer.
    ///
    /// # Panics
    /// When there is none.
    pub fn image(&self) -> Vec<u8> {
        let blocks = self.response["result"]["content"].as_array().into_iter().flatten();
        let mut images = blocks.filter(|block| block["mimeType"] == "image/png");
        let image = images.next().unwrap_or_else(|| panic!("no image: {}", self.response));
        let bytes = BASE64_STANDARD.decode(image["data"].as_str().unwrap_or_default());
        bytes.unwrap_or_else(|error| panic!("an image is base64: {error}"))
    }

    /// The error body of a failure: `code`, `message`, `hint`, …
    ///
    /// # Panics
    /// When the call succeeded, or failed with a JSON-RPC error.
    pub fn error(&self) -> Value {
        let result = &self.response["result"];
        assert_eq!(result["isError"], true, "the call did not fail: {}", self.response);
        let text = result["content"][0]["text"].as_str().unwrap_or_default();
        serde_json::from_str(text).unwrap_or_else(|_| panic!("an error is JSON text: {text}"))
    }

    /// The stable code of a failure.
    ///
    /// # Panics
    /// As [`Answer::error`].
    pub fn error_code(&self) -> String {
        self.error()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether the call failed in a way that the caller can repair.
    pub fn is_error(&self) -> bool {
        self.response["result"]["isError"] == true
    }
}
