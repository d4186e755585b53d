//! The tasks extension: what works as a task says so in its policy, and is written as any tool.

use std::time::Duration;

use futures_util::FutureExt;
use mcp_core::{CallPolicy, Kind, TaskSupport, ToolError};
use rmcp::{
    ErrorData,
    handler::server::tool::IntoCallToolResult,
    model::{CallToolResult, ContentBlock},
};
use serde_json::{Value, json};

use super::{
    Answer, Call, Fixture,
    input::{ask, field, form, response},
    no_arguments, said,
};

pub(super) fn policy(tool: &str) -> CallPolicy {
    CallPolicy::new().task(match tool {
        "slow_compute" | "protocol_error_job" => TaskSupport::Optional,
        "failing_job" | "confirm_delete" | "multi_input" | "test_task_partial" => {
            TaskSupport::Required
        }
        "test_tool_with_task" => TaskSupport::AfterInput,
        _ => TaskSupport::Never,
    })
}

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        name: "greet",
        description: "Greets, never as a task",
        schema: || {
            json!({"type": "object", "required": ["name"],
                "properties": {"name": {"type": "string", "description": "Whom"}}})
        },
        run: |call| async move { said(format!("Hello, {}!", call.text("name"))) }.boxed(),
    },
    Fixture {
        name: "slow_compute",
        description: "Takes its time",
        schema: || {
            json!({"type": "object", "properties": {
                "seconds": {"type": "number", "description": "How long", "maximum": 60},
                "label": {"type": "string", "description": "Comes back in the result"}}})
        },
        run: |call| slow_compute(call).boxed(),
    },
    Fixture {
        name: "failing_job",
        description: "Fails as a tool",
        schema: no_arguments,
        run: |_| {
            async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let text = "failing_job: intentional tool execution error";
                Ok(CallToolResult::error(vec![ContentBlock::text(text)]).into())
            }
            .boxed()
        },
    },
    Fixture {
        name: "protocol_error_job",
        description: "Fails as a request",
        schema: no_arguments,
        run: |_| {
            async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                let text = "protocol_error_job: intentional protocol failure";
                Err(ErrorData::internal_error(text, None))
            }
            .boxed()
        },
    },
    Fixture {
        name: "confirm_delete",
        description: "Asks before it deletes nothing",
        schema: || {
            // Required: a scenario calls the first listed tool with `{}` and wants a result.
            json!({"type": "object", "required": ["filename"], "properties":
                {"filename": {"type": "string", "description": "Which file"}}})
        },
        run: |call| async move { confirm_delete(&call) }.boxed(),
    },
    Fixture {
        name: "multi_input",
        description: "Asks two things at once",
        schema: no_arguments,
        run: |call| async move { multi_input(&call) }.boxed(),
    },
    Fixture {
        name: "test_task_partial",
        description: "Works until it is cancelled, then hands over what it has",
        schema: no_arguments,
        run: |call| {
            async move {
                call.context.ct.cancelled().await;
                said("as far as it came")
            }
            .boxed()
        },
    },
    Fixture {
        name: "test_tool_with_task",
        description: "Asks for a name, then works as a task",
        schema: no_arguments,
        run: |call| asks_then_works(call).boxed(),
    },
];

async fn slow_compute(call: Call<'_>) -> Answer {
    let seconds = call.arguments.get("seconds").and_then(Value::as_f64).unwrap_or(1.0);
    let time = Duration::from_secs_f64(seconds.clamp(0.0, 60.0));
    tokio::select! {
        () = tokio::time::sleep(time) => {
            said(format!("slow_compute finished: {}", call.text("label")))
        }
        () = call.context.ct.cancelled() => {
            ToolError::new(Kind::Cancelled, "cancelled", "stopped half way").into_call_tool_result()
        }
    }
}

fn confirm_delete(call: &Call<'_>) -> Answer {
    let filename = call.text("filename");
    let Some(answer) = response(call.responses.as_ref(), "confirm") else {
        let request = form(&format!("Delete {filename}?"), "confirm", "boolean");
        return ask([("confirm", request)], None);
    };
    let confirmed = field(answer, "confirm") == Some(&Value::Bool(true));
    said(format!("confirm_delete({filename}): confirmed = {confirmed}"))
}

fn multi_input(call: &Call<'_>) -> Answer {
    let answer = |key| response(call.responses.as_ref(), key);
    let (Some(first), Some(second)) = (answer("input-a"), answer("input-b")) else {
        let requests = [
            ("input-a", form("Value A", "value", "string")),
            ("input-b", form("Value B", "value", "string")),
        ];
        return ask(requests, None);
    };
    let value = |answer| field(answer, "value").and_then(Value::as_str).unwrap_or("none");
    said(format!("multi_input: a = {}, b = {}", value(first), value(second)))
}

async fn asks_then_works(call: Call<'_>) -> Answer {
    let Some(answer) = response(call.responses.as_ref(), "user_name") else {
        return ask([("user_name", form("What is your name?", "name", "string"))], None);
    };
    let name = field(answer, "name").and_then(Value::as_str).unwrap_or("friend");
    tokio::time::sleep(Duration::from_millis(200)).await;
    said(format!("Hello, {name}! (from a task)"))
}
