//! A tool call apart from the connection it came by: what one process of a server hands to another,
//! which has the server's state.
//!
//! The process that a client speaks to does all that the pipeline does; only the handler runs
//! elsewhere. [`router`] makes a router whose handlers run here where the server is here, and are
//! handed to [`Relay::relay`] where it is not; [`Routes`] runs what was handed over.

use std::{
    borrow::Cow, collections::HashMap, future::Future, panic::AssertUnwindSafe, sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    handler::server::{
        common::FromContextPart,
        router::tool::{ToolRoute, ToolRouter},
        tool::{DynCallToolHandler, IntoCallToolResult, ToolCallContext},
    },
    model::{CallToolRequestParams, CallToolResponse, CallToolResult, JsonObject, RequestId},
    service::{RequestContext, RunningService, RxJsonRpcMessage, TxJsonRpcMessage, serve_directly},
    transport::Transport,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    Kind, McpServer, Principal, Scope, ToolError, deadline,
    progress::{Progress, Told},
};

/// A server of which one process at a time has the state.
pub trait Relay: McpServer {
    /// What has the state, and the handlers.
    type Behind: Send + Sync + 'static;

    /// It, where it is in this process.
    fn here(&self) -> Option<Arc<Self::Behind>>;

    /// Have a call answered where it is now.
    fn relay(
        &self,
        call: Call,
        token: CancellationToken,
        told: Progress,
    ) -> impl Future<Output = Outcome> + Send;
}

/// One call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// Name of the tool.
    pub tool: String,
    /// Its arguments, checked against its schema.
    pub arguments: JsonObject,
    /// Who calls.
    pub caller: Caller,
    /// Milliseconds left to answer in, when it was handed over.
    pub left_ms: Option<u64>,
    /// Who listens to its progress.
    pub audience: Audience,
}

/// Who listens to the progress of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Nobody.
    Nobody,
    /// Its caller, who waits.
    Caller,
    /// Whoever asks for the task that it is.
    Task,
}

/// A caller, as one process tells another. It was authenticated, and may call this tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    id: String,
    scope: Option<String>,
    local: bool,
}

impl From<&Principal> for Caller {
    fn from(principal: &Principal) -> Self {
        Self {
            id: principal.id().to_owned(),
            scope: principal.scope().map(|scope| scope.label().to_owned()),
            local: principal.is_local(),
        }
    }
}

impl From<Caller> for Principal {
    fn from(caller: Caller) -> Self {
        if caller.local {
            return Self::local();
        }
        let scope =
            Scope::ALL.into_iter().find(|scope| Some(scope.label()) == caller.scope.as_deref());
        Self::new(caller.id, scope, None)
    }
}

/// How far a call is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// In any unit.
    pub done: f64,
    /// In the same.
    pub total: Option<f64>,
    /// In words.
    pub message: String,
}

/// What a handler answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A structured answer.
    Done(Value),
    /// An answer of another form.
    Answer(Value),
    /// A failure that the caller can repair.
    Failed {
        /// Its class.
        kind: String,
        /// Its form on the wire.
        error: Value,
    },
    /// A fault of the request or of the server.
    Fault(ErrorData),
}

impl From<ToolError> for Outcome {
    fn from(error: ToolError) -> Self {
        Self::Failed { kind: error.kind().label().to_owned(), error: error.to_json() }
    }
}

impl Outcome {
    fn of(response: Result<CallToolResponse, ErrorData>) -> Self {
        let mut result = match response {
            Ok(CallToolResponse::Complete(result)) => result,
            Ok(_) => return ToolError::internal("a question was asked by no wire").into(),
            Err(error) => return Self::Fault(error),
        };
        if let Some(error) = ToolError::from_result(&mut result) {
            return error.into();
        }
        match result.structured_content.take() {
            // Its text is a copy of it.
            Some(value) if result.content.len() == 1 => Self::Done(value),
            value => {
                result.structured_content = value;
                Self::Answer(serde_json::to_value(result).unwrap_or_default())
            }
        }
    }

    /// The structured answer.
    ///
    /// # Errors
    /// The failure; any other form of answer is one.
    pub fn into_value(self) -> crate::Result<Value> {
        match self {
            Self::Done(value) => Ok(value),
            Self::Failed { kind, error } => Err(ToolError::from_json(&kind, &error)
                .unwrap_or_else(|| ToolError::internal("a failure of no known form"))),
            Self::Answer(_) => Err(ToolError::internal("an answer without structure")),
            Self::Fault(error) => Err(ToolError::internal(error.message)),
        }
    }

    fn into_response(self) -> Result<CallToolResponse, ErrorData> {
        match self {
            Self::Done(value) => Ok(CallToolResult::structured(value).into()),
            Self::Answer(value) => serde_json::from_value::<CallToolResult>(value)
                .map(Into::into)
                .map_err(|error| ErrorData::internal_error(error.to_string(), None)),
            Self::Failed { kind, error } => {
                let error = ToolError::from_json(&kind, &error);
                error
                    .unwrap_or_else(|| ToolError::internal("a failure of no known form"))
                    .into_call_tool_result()
            }
            Self::Fault(error) => Err(error),
        }
    }
}

/// The router of a server that may have its state in another process.
pub fn router<R: Relay>(inner: ToolRouter<R::Behind>) -> ToolRouter<R> {
    let mut outer = ToolRouter::new();
    for route in inner.map.into_values() {
        let call = route.call;
        outer.add_route(ToolRoute::new_dyn(route.attr, move |context| {
            Box::pin(here_or_there(Arc::clone(&call), context))
        }));
    }
    outer
}

async fn here_or_there<R: Relay>(
    handler: Arc<DynCallToolHandler<R::Behind>>,
    mut context: ToolCallContext<'_, R>,
) -> Result<CallToolResponse, ErrorData> {
    if let Some(server) = context.service.here() {
        let ToolCallContext { request_context, name, arguments, .. } = context;
        let mut request = CallToolRequestParams::new(name);
        request.arguments = arguments;
        request.input_responses = context.input_responses;
        request.request_state = context.request_state;
        return handler(ToolCallContext::new(&*server, request, request_context)).await;
    }
    let told = Progress::from_context_part(&mut context)?;
    let ToolCallContext { request_context, service, name, arguments, .. } = context;
    let millis = |left: Duration| u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    let call = Call {
        tool: name.into_owned(),
        arguments: arguments.unwrap_or_default(),
        caller: Caller::from(&Principal::of(&request_context)),
        left_ms: deadline::remaining().map(millis),
        audience: told.audience(),
    };
    service.relay(call, request_context.ct, told).await.into_response()
}

/// The handlers of a server, for calls that come from another process.
pub struct Routes<S> {
    handlers: HashMap<Cow<'static, str>, Arc<DynCallToolHandler<S>>>,
    /// Nobody is at its other end: a handler's context has to have a peer.
    nobody: RunningService<RoleServer, Nobody>,
}

impl<S> std::fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes").finish_non_exhaustive()
    }
}

impl<S: Send + Sync + 'static> Routes<S> {
    /// Inside a runtime.
    pub fn new(router: ToolRouter<S>) -> Self {
        let handlers = router.map.into_iter().map(|(name, route)| (name, route.call)).collect();
        Self { handlers, nobody: serve_directly(Nobody, Silence, None) }
    }

    /// Run the handler of a call; a panic of it ends the call only.
    pub async fn run(
        &self,
        server: &S,
        call: Call,
        token: CancellationToken,
        reports: mpsc::Sender<Report>,
    ) -> Outcome {
        let Call { tool, arguments, caller, left_ms, audience } = call;
        let Some(handler) = self.handlers.get(&*tool) else {
            return ToolError::internal(format!("no handler for {tool}")).into();
        };
        let mut context = RequestContext::new(RequestId::Number(0), self.nobody.peer().clone());
        context.ct = token;
        context.extensions.insert(Told::new(audience, reports));
        let caller = Principal::from(caller);
        if !caller.is_local() {
            let (mut parts, ()) = http::Request::new(()).into_parts();
            parts.extensions.insert(caller);
            context.extensions.insert(parts);
        }
        let mut request = CallToolRequestParams::new(tool);
        request.arguments = Some(arguments);
        let work = handler(ToolCallContext::new(server, request, context));
        let work = AssertUnwindSafe(within(left_ms, work)).catch_unwind();
        match work.await {
            Ok(response) => Outcome::of(response),
            Err(_payload) => ToolError::internal("a tool panicked").into(),
        }
    }
}

async fn within<T>(left_ms: Option<u64>, work: BoxFuture<'_, T>) -> T {
    match left_ms {
        Some(left) => deadline::within(Instant::now() + Duration::from_millis(left), work).await,
        None => work.await,
    }
}

struct Nobody;

impl ServerHandler for Nobody {}

/// A transport that brings nothing and takes everything.
struct Silence;

impl Transport<RoleServer> for Silence {
    type Error = std::io::Error;

    fn send(
        &mut self,
        _message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = std::io::Result<()>> + Send + 'static {
        std::future::ready(Ok(()))
    }

    fn receive(&mut self) -> impl Future<Output = Option<RxJsonRpcMessage<RoleServer>>> + Send {
        std::future::pending()
    }

    fn close(&mut self) -> impl Future<Output = std::io::Result<()>> + Send {
        std::future::ready(Ok(()))
    }
}

impl ToolError {
    /// The failure that [`ToolError::to_json`] tells, of a class by its label.
    pub fn from_json(kind: &str, wire: &Value) -> Option<Self> {
        Self::of_wire(Kind::from_label(kind)?, wire)
    }
}

#[cfg(test)]
mod tests;
