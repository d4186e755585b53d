//! What a client that has tasks sends and waits for.

use serde_json::{Value, json};

use crate::{
    TestResult,
    binary::{LIMIT, StdioServer},
    wire,
};

/// A request of a client that declares tasks.
pub fn request(id: u64, method: &str, params: &Value) -> Value {
    let mut message = wire::modern(id, method, params);
    message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
        json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
    message
}

/// Ask for a task until it is as wanted, or an error.
pub async fn until(
    server: &mut StdioServer,
    task: &Value,
    wanted: impl Fn(&Value) -> bool,
) -> TestResult<Value> {
    let get = request(7, "tasks/get", &json!({"taskId": task}));
    let wait = async {
        loop {
            let answer = server.ask(&get).await?;
            if answer["error"].is_object() || wanted(&answer["result"]) {
                return TestResult::Ok(answer["result"].clone());
            }
        }
    };
    tokio::time::timeout(LIMIT, wait).await?
}
