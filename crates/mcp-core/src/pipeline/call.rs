//! One `tools/call`, from admission to answer.

use std::{
    borrow::Cow,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use futures_util::FutureExt;
use rmcp::{
    ErrorData, RoleServer,
    model::{CallToolRequestParams, CallToolResponse, CallToolResult, ErrorCode},
    service::RequestContext,
};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Guarded, background, catalogue::Entry, confirmed, document, present, way::Way};
use crate::{
    CallPolicy, Kind, Principal, ToolError,
    audit::{self, Caller, Marks, Pending, What},
    limits::{Busy, Slot},
    metrics::{Failed, Operation},
    trace::{self, Trace},
    validation::{self, Violation},
};

/// Identifies one message in answers, logs and the response header.
#[derive(Debug, Clone)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A new id, unique within the fleet: 48 random bits of this process and a counter.
    pub fn next() -> Self {
        static BOOT: LazyLock<String> = LazyLock::new(|| {
            let mut bytes = [0; 6];
            if getrandom::fill(&mut bytes).is_err() {
                bytes[..4].copy_from_slice(&std::process::id().to_le_bytes());
            }
            let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            format!("{bits:012x}")
        });
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(Arc::from(format!("{}-{count:x}", *BOOT)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id that the front gave to this message, or that of the call behind a task, or a new one.
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Self {
        if let Some(id) = context.extensions.get::<Self>() {
            return id.clone();
        }
        let parts = context.extensions.get::<http::request::Parts>();
        parts.and_then(|parts| parts.extensions.get::<Self>()).cloned().unwrap_or_else(Self::next)
    }
}

/// How an operation ended, for the metrics, the log and the audit line.
pub(super) type Ended = Result<(), Fault>;

pub(super) struct Fault {
    /// Class of the failure: one of a closed set.
    pub(super) label: &'static str,
    code: Cow<'static, str>,
    kind: Option<Kind>,
}

impl Fault {
    const fn of(label: &'static str) -> Self {
        Self { label, code: Cow::Borrowed(label), kind: None }
    }
}

/// Where a front that answers otherwise than MCP does learns the class of a failure: it puts one
/// into the request's extensions.
#[derive(Debug, Clone, Default)]
pub(crate) struct KindSlot(Arc<OnceLock<Kind>>);

impl KindSlot {
    /// The class, once the call has failed.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.0.get().copied()
    }

    fn of(context: &RequestContext<RoleServer>) -> Option<Self> {
        context.extensions.get::<http::request::Parts>()?.extensions.get::<Self>().cloned()
    }
}

impl Guarded {
    /// P1, P4, P6, P7, P8 of one tool call; P2 is the router's.
    pub(super) async fn call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let started = Instant::now();
        let id = RequestId::of(&context);
        let modern = present::is_modern(&context);
        let way = Way::of(&context);
        let trace = self.trace(&context);
        let slot = KindSlot::of(&context);
        let entry = self.0.catalogue.find(&request.name);
        let mut pending =
            self.pending(What::Call, entry, &request, &context, (&id, trace.as_ref()));
        let Some(entry) = entry else {
            let fault = Fault { kind: Some(Kind::NotFound), ..Fault::of("unknown_tool") };
            let operation = way.operation("tools/call");
            self.count(operation, Some(fault.label), (started, trace.as_ref()));
            conclude(slot, pending, Err(fault), Marks::default());
            let name = document::short(&request.name);
            let hint = self.0.catalogue.repair(&name, &Principal::of(&context));
            let data = json!({"code": "unknown_tool", "hint": hint});
            return Err(ErrorData::invalid_params(
                format!("there is no tool `{name}`"),
                Some(data),
            ));
        };

        let work = async {
            if let Some(pending) = &mut pending {
                pending.reserve().await?;
            }
            self.admitted(entry, request, context, &id).await
        };
        // Boxed: each wrapper, and rmcp in its own, would hold and move all of its state.
        let work = Box::pin(AssertUnwindSafe(work).catch_unwind());
        let work = trace::within(trace.as_ref(), &id, work);
        let (outcome, marks) = audit::marked(work).await;
        let answer = match outcome {
            Ok(answer) => answer,
            Err(_payload) => {
                self.0.metrics.panic();
                Err(Failure::Tool(ToolError::internal("a tool panicked")))
            }
        };
        let (answer, ended) = self.answer(answer, &id, modern);
        log((&id, trace.as_ref()), &entry.name, &ended, started);
        self.tally(entry, &way, &ended, (&id, trace.as_ref()), started.elapsed());
        conclude(slot, pending, ended, marks);
        answer
    }

    /// The audit line of a call that begins.
    pub(super) fn pending(
        &self,
        what: What,
        entry: Option<&Entry>,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
        (id, trace): (&RequestId, Option<&Trace>),
    ) -> Option<Pending> {
        let audit = self.0.audit.get()?;
        let tool = entry.map(|entry| Arc::clone(&entry.name));
        let caller = Caller {
            what,
            id,
            trace: trace.map(|trace| trace.id),
            principal: Principal::of(context),
            tool: tool.unwrap_or_else(|| Arc::from(document::short(&request.name))),
            class: entry.map(|entry| entry.scope),
        };
        let schema = entry.map(|entry| &*entry.tool.input_schema);
        Some(audit.begin(caller, request.arguments.as_ref(), schema))
    }

    /// Count a call of a known tool.
    fn tally(
        &self,
        entry: &Entry,
        way: &Way,
        ended: &Ended,
        (id, trace): (&RequestId, Option<&Trace>),
        took: Duration,
    ) {
        let labels = || Operation {
            gen_ai_tool_name: Arc::clone(&entry.name),
            error_type: ended.as_ref().err().map(|fault| fault.label).unwrap_or_default(),
            ..way.operation("tools/call")
        };
        self.span(trace, took, labels);
        match ended {
            Ok(()) => self.0.metrics.succeeded(&entry.calls, way.place(), took, labels),
            Err(fault) => {
                let failed = Failed {
                    at: SystemTime::now(),
                    tool: Arc::clone(&entry.name),
                    code: fault.code.clone(),
                    request_id: Arc::clone(&id.0),
                };
                self.0.metrics.failed(&entry.calls, &labels(), failed, took);
            }
        }
    }

    /// Inside the panic guard: check, run, cap.
    async fn admitted(
        &self,
        entry: &Entry,
        mut request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
        id: &RequestId,
    ) -> Result<CallToolResponse, Failure> {
        let caller = Principal::of(&context);
        let policy = entry.policy;
        let _slot = self.permit(entry, &caller).await?;
        let mut arguments = Value::Object(request.arguments.take().unwrap_or_default());
        let schema = entry.arguments.compiled().map_err(ToolError::internal)?;
        schema.check(&arguments).map_err(|violation| invalid(entry, &violation))?;
        let limits =
            Bounds { deadline: policy.deadline.unwrap_or(self.0.deadline), grace: Duration::ZERO };
        let token = policy.confirm.then(|| confirmed::take_argument(&mut arguments)).flatten();
        validation::normalise_numbers(&mut arguments);
        if let Value::Object(arguments) = arguments {
            request.arguments = Some(arguments);
        }
        if policy.confirm {
            let asked = self.confirm(entry, &mut request, token, &context);
            if let Some(question) = bounded(asked, &context.ct, limits).await?? {
                return Ok(question);
            }
            audit::mark_confirmed();
        }
        if background::becomes_task(policy.task, &request, &context).map_err(Failure::Protocol)? {
            return Box::pin(self.start_task(request, context, id)).await;
        }
        match policy.cache {
            Some(ttl) if entry.reads && self.0.cache.is_on() => {
                Box::pin(self.cached(entry, ttl, request, context, limits)).await
            }
            _ => self.run(entry, request, context, limits).await,
        }
    }

    /// P6, P7: the handler, within its limits.
    pub(super) async fn run(
        &self,
        entry: &Entry,
        request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
        limits: Bounds,
    ) -> Result<CallToolResponse, Failure> {
        // However the handler ends, it may have written by then; its answer leaves after this.
        let write = (!entry.reads).then(|| self.0.cache.write());
        // The handler gets its own token: the deadline stops its work, not its client.
        let token = context.ct.child_token();
        let stop = token.clone().drop_guard();
        context.ct = token.clone();
        let Some(handler) = &entry.handler else {
            return Err(ToolError::internal("a tool without a server").into());
        };
        let response = bounded(handler.call(request, context), &token, limits).await?;
        drop(stop);
        if let Some(write) = write {
            write.ended();
        }
        let mut response = response.map_err(Failure::Protocol)?;
        if let CallToolResponse::Complete(result) = &mut response {
            if let Some(error) = ToolError::from_result(result) {
                return Err(Failure::Tool(error));
            }
            present::cap(result, self.0.max_result, &entry.tool.input_schema)?;
        }
        Ok(response)
    }

    /// P3: whether the caller may call this tool, and its rate. The HTTP front has counted the call
    /// and given it a slot; on stdio there is nobody else to compete with.
    async fn permit(&self, entry: &Entry, caller: &Principal) -> Result<Option<Slot>, ToolError> {
        if !caller.may_call(&entry.name, entry.scope) {
            let needed = entry.scope.name(self.facts().member.name);
            let message = format!("the caller may not call this tool: {needed} is needed");
            return Err(ToolError::new(Kind::Refused, "insufficient_scope", message)
                .with_hint("use a credential with that scope"));
        }
        if let Some(rate) = entry.policy.rate {
            self.0.limits.count_tool(caller, &entry.name, rate).map_err(rate_limited)?;
        }
        if caller.is_local() {
            return self.0.limits.enter(caller).await.map(Some).map_err(rate_limited);
        }
        Ok(None)
    }

    /// Choose the channel: a repairable failure is a result, a fault of ours a JSON-RPC error.
    pub(super) fn answer(
        &self,
        outcome: Result<CallToolResponse, Failure>,
        id: &RequestId,
        modern: bool,
    ) -> (Result<CallToolResponse, ErrorData>, Ended) {
        let error = match outcome {
            Ok(mut response) => {
                let failed = match &mut response {
                    CallToolResponse::Complete(result) => {
                        self.stamp(&mut result.meta, modern);
                        result.is_error == Some(true)
                    }
                    _ => false,
                };
                return (Ok(response), if failed { Err(Fault::of("tool")) } else { Ok(()) });
            }
            Err(Failure::Protocol(error)) if is_misfit(&error) => ToolError::new(
                Kind::InvalidInput,
                "invalid_argument",
                error.message.trim_start_matches(MISFIT).trim().to_owned(),
            ),
            Err(Failure::Protocol(error)) => return (Err(error), Err(Fault::of("protocol"))),
            Err(Failure::Tool(error)) => error,
        };
        let kind = error.kind();
        let fault = Fault { label: kind.label(), code: error.shared_code(), kind: Some(kind) };
        if kind == Kind::Internal {
            tracing::error!(request_id = id.as_str(), error = error.message(), "internal error");
            return (Err(internal(id)), Err(fault));
        }
        let mut result: CallToolResult = error.with_request_id(id.as_str()).to_result();
        self.stamp(&mut result.meta, modern);
        (Ok(result.into()), Err(fault))
    }

    /// Guard any other method: panics, metrics, serverInfo are the same everywhere.
    pub(super) async fn isolated<T, F>(
        &self,
        method: &'static str,
        context: &RequestContext<RoleServer>,
        work: F,
    ) -> Result<T, ErrorData>
    where
        F: Future<Output = Result<T, ErrorData>>,
    {
        let started = Instant::now();
        let id = RequestId::of(context);
        let operation = Way::of(context).operation(method);
        let trace = self.trace(context);
        let work = Box::pin(AssertUnwindSafe(work).catch_unwind());
        let work = trace::within(trace.as_ref(), &id, work);
        let work = tokio::time::timeout(self.0.deadline, work);
        let (answer, ended) = match work.await {
            Ok(Ok(Ok(value))) => (Ok(value), None),
            Ok(Ok(Err(error))) => (Err(error), Some("protocol")),
            Ok(Err(_payload)) => {
                self.0.metrics.panic();
                (Err(internal(&id)), Some(Kind::Internal.label()))
            }
            Err(_elapsed) => {
                let error = ErrorData::internal_error("the deadline passed", None);
                (Err(error), Some(Kind::Timeout.label()))
            }
        };
        self.count(operation, ended, (started, trace.as_ref()));
        answer
    }
}

/// How long a handler may run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// From its start.
    pub(super) deadline: Duration,
    /// From its cancellation.
    pub(super) grace: Duration,
}

/// Why a call gave no answer of its own.
pub(super) enum Failure {
    Tool(ToolError),
    Protocol(ErrorData),
}

impl From<ToolError> for Failure {
    fn from(error: ToolError) -> Self {
        Self::Tool(error)
    }
}

/// How rmcp words arguments that fit the schema but not the type (`1.0` for an integer).
const MISFIT: &str = "failed to deserialize parameters:";

fn is_misfit(error: &ErrorData) -> bool {
    error.code == ErrorCode::INVALID_PARAMS && error.message.starts_with(MISFIT)
}

/// P6: the deadline, and a client that goes away. Dropping the handler's future ends its work.
pub(super) async fn bounded<T>(
    work: impl Future<Output = T>,
    token: &CancellationToken,
    limits: Bounds,
) -> Result<T, ToolError> {
    let deadline = limits.deadline.min(CallPolicy::MAX_DEADLINE);
    let end = Instant::now() + deadline;
    tokio::select! {
        biased;
        value = crate::deadline::within(end, work) => Ok(value),
        () = given_up(token, limits.grace) => {
            Err(ToolError::new(Kind::Cancelled, "cancelled", "the call was cancelled"))
        }
        () = tokio::time::sleep_until(end) => {
            let limit = deadline.as_secs();
            let error = format!("the call ran longer than {limit} s and was stopped");
            Err(ToolError::new(Kind::Timeout, "deadline_exceeded", error)
                .with_hint("ask for less work in one call"))
        }
    }
}

fn rate_limited(busy: Busy) -> ToolError {
    let (Busy::Quota(after) | Busy::Full(after)) = busy;
    ToolError::new(Kind::RateLimited, "rate_limited", "the quota of this tool is used up")
        .with_retry_after(after)
        .with_hint("repeat the call after `retry_after_ms`")
}

async fn given_up(token: &CancellationToken, grace: Duration) {
    token.cancelled().await;
    if !grace.is_zero() {
        tokio::time::sleep(grace).await;
    }
}

fn invalid(entry: &Entry, violation: &Violation) -> ToolError {
    let unknown = violation.message.starts_with("is not a known field");
    let last = violation.pointer.rsplit('/').next().unwrap_or_default().to_owned();
    let shown = if violation.pointer.is_empty() { "arguments" } else { violation.pointer.as_str() };
    let error =
        ToolError::invalid(violation.pointer.clone(), format!("{shown} {}", violation.message));
    let properties = entry.tool.input_schema.get("properties").and_then(Value::as_object);
    if !unknown || violation.pointer.matches('/').count() != 1 {
        return error;
    }
    let names: Vec<&str> =
        properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    match crate::suggest::nearest(&last, names.iter().copied()) {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None if names.is_empty() => error.with_hint("the tool takes no arguments"),
        None => error.with_hint(format!("fields: {}", names.join(", "))),
    }
}

pub(super) fn internal(id: &RequestId) -> ErrorData {
    ErrorData::internal_error("internal error", Some(json!({"request_id": id.as_str()})))
}

/// Tell those who wait for the end of a call.
fn conclude(slot: Option<KindSlot>, pending: Option<Pending>, ended: Ended, marks: Marks) {
    let fault = ended.err();
    if let (Some(slot), Some(kind)) = (slot, fault.as_ref().and_then(|fault| fault.kind)) {
        slot.0.get_or_init(|| kind);
    }
    if let Some(pending) = pending {
        note(pending, fault, marks);
    }
}

/// Complete the audit line of a call.
pub(super) fn note(pending: Pending, fault: Option<Fault>, marks: Marks) {
    match fault {
        None => pending.end("ok", Cow::Borrowed(""), marks),
        Some(fault) => pending.end(fault.label, fault.code, marks),
    }
}

pub(super) fn log(
    (id, trace): (&RequestId, Option<&Trace>),
    tool: &str,
    ended: &Ended,
    started: Instant,
) {
    let duration_ms = started.elapsed().as_secs_f64() * 1e3;
    let request_id = id.as_str();
    let trace_id = trace.map(|trace| tracing::field::display(trace.id));
    match ended {
        Ok(()) => tracing::debug!(request_id, trace_id, tool, duration_ms, "call"),
        Err(fault) => {
            let (error, code) = (fault.label, &*fault.code);
            tracing::info!(request_id, trace_id, tool, duration_ms, error, code, "call failed");
        }
    }
}
