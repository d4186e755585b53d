//! One message through the whole pipeline without a wire: `call` on the command line, tests.

use rmcp::{
    RoleServer,
    model::{ClientJsonRpcMessage, GetExtensions, ServerJsonRpcMessage},
    service::serve_directly,
    transport::OneshotTransport,
};
use serde_json::{Value, json};

use crate::{Principal, envelope, pipeline::Guarded};

/// Answer one JSON-RPC message; notifications that precede the answer are left out.
///
/// # Errors
/// The JSON-RPC error response, for a message that no method takes.
pub async fn answer(server: &Guarded, message: &Value) -> Result<Value, Value> {
    answer_as(server, &Principal::local(), message).await
}

/// The same for any caller.
///
/// # Errors
/// As [`answer`].
pub async fn answer_as(
    server: &Guarded,
    principal: &Principal,
    message: &Value,
) -> Result<Value, Value> {
    let bytes = message.to_string();
    envelope::parse(bytes.as_bytes()).map_err(|fault| fault.to_json())?;
    let mut message: ClientJsonRpcMessage = serde_json::from_str(&bytes)
        .map_err(|_| failure(message.get("id"), -32_602, "invalid params"))?;
    let id = serde_json::to_value(&message).unwrap_or_default()["id"].take();
    if let ClientJsonRpcMessage::Request(request) = &mut message {
        if *principal != Principal::local() {
            // As the HTTP front hands it on.
            let (mut parts, ()) = http::Request::new(()).into_parts();
            parts.extensions.insert(principal.clone());
            request.request.extensions_mut().insert(parts);
        }
    }
    let (transport, mut answers) = OneshotTransport::<RoleServer>::new(message);
    let service = serve_directly(server.clone(), transport, None);
    while let Some(answer) = answers.recv().await {
        if matches!(answer, ServerJsonRpcMessage::Response(_) | ServerJsonRpcMessage::Error(_)) {
            drop(service);
            return Ok(serde_json::to_value(answer).unwrap_or_default());
        }
    }
    Err(failure(Some(&id), -32_603, "internal error"))
}

/// A `tools/call` of the newest revision.
pub fn call_message(tool: &str, arguments: &Value) -> Value {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": tool, "arguments": arguments, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }}
    })
}

fn failure(id: Option<&Value>, code: i32, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}
