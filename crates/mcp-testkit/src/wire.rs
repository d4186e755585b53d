//! Messages of both eras, as plain JSON.

use serde_json::{Value, json};

/// The newest revision.
pub const MODERN: &str = "2026-07-28";
/// The newest revision that opens with `initialize`.
pub const LEGACY: &str = "2025-11-25";
/// All revisions that open with `initialize`, oldest first.
pub const LEGACY_ALL: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", LEGACY];

/// A request of the newest revision: every one carries its version and capabilities.
pub fn modern(id: impl Into<Value>, method: &str, params: &Value) -> Value {
    let mut params = params.clone();
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = MODERN.into();
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    request(id, method, &params)
}

/// A request as it stands.
pub fn request(id: impl Into<Value>, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
}

/// `initialize` of a revision.
pub fn initialize(id: impl Into<Value>, version: &str) -> Value {
    request(
        id,
        "initialize",
        &json!({"protocolVersion": version, "capabilities": {},
                "clientInfo": {"name": "testkit", "version": "1"}}),
    )
}

/// A notification.
pub fn notification(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}
