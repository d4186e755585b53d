//! What only the older revisions have: requests to the client in the middle of a call, logs.
#![expect(deprecated, reason = "sampling, elicitation requests and logs of the older revisions")]

use std::time::Duration;

use futures_util::FutureExt;
use rmcp::model::{
    CallToolResult, ContentBlock, CreateMessageRequestParams, ElicitRequestParams, LoggingLevel,
    LoggingMessageNotificationParam, SamplingMessage,
};
use serde_json::{Value, json};

use super::{
    Answer, Call, Fixture,
    content::{PAUSE, tell},
    no_arguments, said,
};

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        name: "test_tool_with_logging",
        description: "Logs three messages",
        schema: no_arguments,
        run: |call| logging(call).boxed(),
    },
    Fixture {
        name: "test_logging_tool",
        description: "Logs if the request asks for a level",
        schema: no_arguments,
        run: |call| logging_if_asked(call).boxed(),
    },
    Fixture {
        name: "test_sampling",
        description: "Asks the client's model",
        schema: || required_text("prompt", "What to ask"),
        run: |call| sampling(call).boxed(),
    },
    Fixture {
        name: "test_elicitation",
        description: "Asks the client's user",
        schema: || required_text("message", "What to ask"),
        run: |call| {
            let (message, user) = (call.text("message"), user_schema());
            async move { elicit(&call, &message, user).await }.boxed()
        },
    },
    Fixture {
        name: "test_elicitation_sep1034_defaults",
        description: "Asks the client's user, with defaults",
        schema: no_arguments,
        run: |call| {
            async move { elicit(&call, "Please review these values", defaults_schema()).await }
                .boxed()
        },
    },
    Fixture {
        name: "test_elicitation_sep1330_enums",
        description: "Asks the client's user to choose",
        schema: no_arguments,
        run: |call| async move { elicit(&call, "Please choose", enums_schema()).await }.boxed(),
    },
    Fixture {
        name: "test_reconnection",
        description: "Answers after a moment",
        schema: no_arguments,
        run: |_| {
            async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                said("Reconnection test completed")
            }
            .boxed()
        },
    },
];

fn required_text(name: &str, description: &str) -> Value {
    json!({"type": "object", "required": [name],
        "properties": {name: {"type": "string", "description": description}}})
}

async fn logging(call: Call<'_>) -> Answer {
    for text in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        log(&call, LoggingLevel::Info, text).await?;
        tokio::time::sleep(PAUSE).await;
    }
    said("Logging test completed")
}

async fn logging_if_asked(call: Call<'_>) -> Answer {
    if let Some(level) = call.context.meta.log_level() {
        log(&call, level, "A level was asked for").await?;
    }
    said("Logging tool completed")
}

async fn log(call: &Call<'_>, level: LoggingLevel, text: &str) -> Result<(), rmcp::ErrorData> {
    let message =
        LoggingMessageNotificationParam::new(level, json!(text)).with_logger("everything");
    tell(call.context.peer.notify_logging_message(message).await)
}

async fn sampling(call: Call<'_>) -> Answer {
    let ask = vec![SamplingMessage::user_text(call.text("prompt"))];
    match call.context.peer.create_message(CreateMessageRequestParams::new(ask, 100)).await {
        Ok(answer) => {
            let text = answer.message.content.first().and_then(|block| block.as_text());
            said(format!(
                "LLM response: {}",
                text.map(|text| text.text.as_str()).unwrap_or_default()
            ))
        }
        Err(error) => failed(&error),
    }
}

async fn elicit(call: &Call<'_>, message: &str, schema: Value) -> Answer {
    let params = json!({"mode": "form", "message": message, "requestedSchema": schema});
    let params: ElicitRequestParams = serde_json::from_value(params)
        .map_err(|error| rmcp::ErrorData::internal_error(error.to_string(), None))?;
    match call.context.peer.create_elicitation(params).await {
        Ok(answer) => {
            let answer = serde_json::to_value(answer).unwrap_or_default();
            said(format!(
                "User response: action={}, content={}",
                answer["action"], answer["content"]
            ))
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &impl std::fmt::Display) -> Answer {
    Ok(CallToolResult::error(vec![ContentBlock::text(format!("the client refused: {error}"))])
        .into())
}

fn user_schema() -> Value {
    json!({"type": "object", "required": ["username", "email"], "properties": {
        "username": {"type": "string", "description": "User's name"},
        "email": {"type": "string", "description": "User's email address"}}})
}

fn defaults_schema() -> Value {
    json!({"type": "object", "properties": {
        "name": {"type": "string", "description": "Name", "default": "John Doe"},
        "age": {"type": "integer", "description": "Age", "default": 30},
        "score": {"type": "number", "description": "Score", "default": 95.5},
        "status": {"type": "string", "description": "Status",
            "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "description": "Verified", "default": true}}})
}

fn enums_schema() -> Value {
    let titled = |key: &str| {
        json!({key: [
            {"const": "value1", "title": "First Option"},
            {"const": "value2", "title": "Second Option"},
            {"const": "value3", "title": "Third Option"}]})
    };
    let mut single = titled("oneOf");
    single["type"] = "string".into();
    json!({"type": "object", "properties": {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
        "titledSingle": single,
        "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"]},
        "untitledMulti": {"type": "array", "items":
            {"type": "string", "enum": ["option1", "option2", "option3"]}},
        "titledMulti": {"type": "array", "items": titled("anyOf")}}})
}
