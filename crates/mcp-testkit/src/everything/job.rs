//! The tasks extension: calls that become tasks where the client declared it.

use std::time::Duration;

use futures_util::FutureExt;
use rmcp::{
    ErrorData,
    model::{CallToolResult, ClientCapabilities, ContentBlock, CreateTaskResult, Task},
    task_manager::{TaskContext, TaskExit, TaskManager, TaskOptions},
};
use serde_json::{Value, json};

use super::{
    Answer, Call, Fixture,
    input::{asking, field, form, input_request, response},
    no_arguments, said,
};

/// The tasks of this process.
#[derive(Clone, Default)]
pub(super) struct Jobs(pub(super) TaskManager);

type Outcome = Result<CallToolResult, TaskExit>;

impl Jobs {
    fn spawn<F>(&self, work: impl FnOnce(TaskContext) -> F + Send) -> Answer
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let task: Task = self.0.spawn(TaskOptions::default(), |context| Box::pin(work(context)));
        Ok(CreateTaskResult::new(task).into())
    }
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
        run: |call| {
            async move {
                needs_tasks(&call)?;
                call.server.jobs.spawn(|_| async {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    let text = "failing_job: intentional tool execution error";
                    Ok(CallToolResult::error(vec![ContentBlock::text(text)]))
                })
            }
            .boxed()
        },
    },
    Fixture {
        name: "protocol_error_job",
        description: "Fails as a request",
        schema: no_arguments,
        run: |call| protocol_error(call).boxed(),
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
        name: "test_tool_with_task",
        description: "Asks for a name, then works as a task",
        schema: no_arguments,
        run: |call| async move { asks_then_works(&call) }.boxed(),
    },
];

fn declared(call: &Call<'_>) -> bool {
    call.context.client_capabilities().is_some_and(|capabilities| capabilities.supports_tasks())
}

fn needs_tasks(call: &Call<'_>) -> Result<(), ErrorData> {
    if declared(call) {
        return Ok(());
    }
    let needed = ClientCapabilities::builder().enable_tasks().build();
    Err(ErrorData::missing_required_client_capability(needed))
}

fn done(text: String) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

async fn slow_compute(call: Call<'_>) -> Answer {
    let seconds = call.arguments.get("seconds").and_then(Value::as_f64).unwrap_or(1.0);
    let time = Duration::from_secs_f64(seconds.clamp(0.0, 60.0));
    let text = format!("slow_compute finished: {}", call.text("label"));
    if !declared(&call) {
        tokio::time::sleep(time).await;
        return said(text);
    }
    call.server.jobs.spawn(move |context| async move {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(done(text)),
            () = context.cancelled() => Err(TaskExit::Cancelled),
        }
    })
}

async fn protocol_error(call: Call<'_>) -> Answer {
    let work = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        ErrorData::internal_error("protocol_error_job: intentional protocol failure", None)
    };
    if declared(&call) {
        return call.server.jobs.spawn(|_| async { Err(TaskExit::Error(work.await)) });
    }
    Err(work.await)
}

fn confirm_delete(call: &Call<'_>) -> Answer {
    needs_tasks(call)?;
    let filename = call.text("filename");
    let request = input_request(form(&format!("Delete {filename}?"), "confirm", "boolean"))?;
    call.server.jobs.spawn(move |context| async move {
        let answer = context.request_input("confirm", request).await?;
        let confirmed = answer["content"]["confirm"] == true;
        Ok(done(format!("confirm_delete({filename}): confirmed = {confirmed}")))
    })
}

fn multi_input(call: &Call<'_>) -> Answer {
    needs_tasks(call)?;
    let first = input_request(form("Value A", "value", "string"))?;
    let second = input_request(form("Value B", "value", "string"))?;
    call.server.jobs.spawn(move |context| async move {
        let (first, second) = tokio::join!(
            context.request_input("input-a", first),
            context.request_input("input-b", second)
        );
        let (first, second) = (first?, second?);
        let value =
            |answer: &Value| answer["content"]["value"].as_str().unwrap_or("none").to_owned();
        Ok(done(format!("multi_input: a = {}, b = {}", value(&first), value(&second))))
    })
}

fn asks_then_works(call: &Call<'_>) -> Answer {
    needs_tasks(call)?;
    let Some(answer) = response(call.responses.as_ref(), "user_name") else {
        let request = [("user_name", form("What is your name?", "name", "string"))];
        return Ok(asking(request, None)?.into());
    };
    let name = field(answer, "name").and_then(Value::as_str).unwrap_or("friend").to_owned();
    call.server.jobs.spawn(move |_| async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok(done(format!("Hello, {name}! (from a task)")))
    })
}
