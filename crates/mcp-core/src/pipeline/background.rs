//! A call as a task: acknowledged at once, run behind the same guards, fetched later.
//!
//! A handler does not know whether it runs in a task. What it asks for (an `InputRequiredResult`)
//! becomes the task's open questions; when all are answered it is called again with the answers,
//! as a client would do.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolRequestParams, CallToolResponse, ClientCapabilities, CreateTaskResult,
        InputRequiredResult, JsonObject, TaskPayload,
    },
    service::RequestContext,
};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    Guarded,
    call::{Bounds, Failure, RequestId, log, note},
    catalogue::Entry,
    present,
    way::Way,
};
use crate::{
    CallPolicy, Kind, Principal, ToolError,
    audit::{self, Pending, What},
    limits::Slot,
    server::TaskSupport,
    task_store::{Running, TaskStore},
    trace,
};

/// How long a cancelled task may take to hand over what it has.
const GRACE: Duration = Duration::from_secs(2);

/// Whether this call becomes a task.
///
/// # Errors
/// -32021 when the tool works as a task only and the client did not declare tasks.
pub(super) fn becomes_task(
    support: TaskSupport,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<bool, ErrorData> {
    let declared = present::is_modern(context)
        && context.client_capabilities().is_some_and(|client| client.supports_tasks());
    match support {
        TaskSupport::Never => Ok(false),
        TaskSupport::Optional => Ok(declared),
        TaskSupport::Required | TaskSupport::AfterInput if !declared => {
            let needed = ClientCapabilities::builder().enable_tasks().build();
            Err(ErrorData::missing_required_client_capability(needed))
        }
        TaskSupport::Required => Ok(true),
        TaskSupport::AfterInput => Ok(request.input_responses.is_some()),
    }
}

impl Guarded {
    /// The tasks of this server, if a tool on offer may become one.
    pub(super) fn tasks(&self) -> Option<&TaskStore> {
        let any = || self.0.catalogue.has_tasks();
        any().then(|| self.0.tasks.get_or_init(TaskStore::in_memory))
    }

    /// Acknowledge the call and run it in the background.
    pub(super) async fn start_task(
        &self,
        request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
        id: &RequestId,
    ) -> Result<CallToolResponse, Failure> {
        let Some(store) = self.tasks() else {
            return Err(ToolError::internal("a task without a store").into());
        };
        let principal = Principal::of(&context);
        let running = store.create(&principal, &request.name).await?;
        let task = running.task();
        // The request that made it ends now, and with it its place among those in flight: whoever has
        // tasks can still ask for them. The task's own end is another.
        if let Some(parts) = context.extensions.get_mut::<http::request::Parts>() {
            parts.extensions.remove::<Arc<Slot>>();
        }
        context.ct = running.cancelled_token();
        context.meta.0.remove("progressToken");
        context.extensions.insert(running.note());
        context.extensions.insert(id.clone());
        if let Some(trace) = trace::current() {
            context.extensions.insert(trace);
        }
        let own = self.clone();
        store.spawn(Box::pin(own.work(running, request, context)));
        Ok(CreateTaskResult::new(task).into())
    }

    async fn work(
        self,
        running: Running,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) {
        let started = Instant::now();
        let id = RequestId::of(&context);
        let operation = Way::of(&context).operation("tasks/run");
        let Some(entry) = self.0.catalogue.find(&request.name) else { return };
        let deadline = entry.policy.deadline.unwrap_or(CallPolicy::MAX_DEADLINE);
        let limits = Bounds { deadline, grace: GRACE };
        let trace = self.trace(&context);
        let traced = (&id, trace.as_ref());
        let mut pending = self.pending(What::Task, Some(entry), &request, &context, traced);
        let rounds =
            Box::pin(self.rounds(entry, (&running, &mut pending), request, context, limits));
        let rounds = trace::within(trace.as_ref(), &id, rounds);
        let (outcome, marks) = audit::marked(rounds).await;
        let was_cancelled = matches!(&outcome, Err(Failure::Tool(error))
            if error.kind() == Kind::Cancelled);
        let (answer, ended) = self.answer(outcome, &id, true);
        let payload = match answer {
            _ if was_cancelled => running.stopped(),
            Ok(CallToolResponse::Complete(result)) => {
                TaskPayload::Completed { result: object(&result) }
            }
            Ok(_) => TaskPayload::Failed { error: object(&super::call::internal(&id)) },
            Err(error) => TaskPayload::Failed { error: object(&error) },
        };
        log(traced, &entry.name, &ended, started);
        let name = Arc::clone(&entry.name);
        let operation = crate::metrics::Operation { gen_ai_tool_name: name, ..operation };
        let fault = ended.err();
        self.count(operation, fault.as_ref().map(|fault| fault.label), (started, trace.as_ref()));
        if let Some(pending) = pending {
            note(pending, fault, marks);
        }
        running.finish(payload).await;
    }

    /// The handler, again after each answer to what it asked. A place for the audit line comes
    /// first, as for any call.
    async fn rounds(
        &self,
        entry: &Entry,
        (running, pending): (&Running, &mut Option<Pending>),
        mut request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
        limits: Bounds,
    ) -> Result<CallToolResponse, Failure> {
        if let Some(pending) = pending {
            pending.reserve().await?;
        }
        if entry.policy.confirm {
            // Before it became a task.
            audit::mark_confirmed();
        }
        loop {
            let round = self.run(entry, request.clone(), context.clone(), limits);
            match AssertUnwindSafe(round).catch_unwind().await {
                Ok(Ok(CallToolResponse::InputRequired(asked))) => {
                    let InputRequiredResult { input_requests, request_state, .. } = asked;
                    let given = running.ask(input_requests.unwrap_or_default()).await;
                    request.input_responses = Some(given.ok_or_else(cancelled)?);
                    request.request_state = request_state;
                }
                Ok(outcome) => return outcome,
                Err(_payload) => {
                    self.0.metrics.panic();
                    return Err(ToolError::internal("a tool panicked").into());
                }
            }
        }
    }
}

fn cancelled() -> ToolError {
    ToolError::new(Kind::Cancelled, "cancelled", "the task was cancelled")
}

fn object<T: Serialize>(value: &T) -> JsonObject {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => object,
        _ => BTreeMap::new().into_iter().collect(),
    }
}
