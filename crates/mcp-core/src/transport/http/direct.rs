//! The short way of a plain `tools/call` of the newest revision: from its envelope into the pipeline.
//!
//! The SDK's way reads a message as any of all there are, holds its headers against the whole of it
//! once more, and answers through two tasks and their channels. Where nothing of that can matter, it
//! is left out. What is not plain (a progress token, headers that do not fit, members that are
//! missing) goes the SDK's way, so that each refusal is written in one place.

use std::{
    convert::Infallible,
    future::{Future, pending, ready},
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::future::BoxFuture;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, ErrorCode, NumberOrString, ProtocolVersion,
        RequestMetaObject, ServerJsonRpcMessage, ServerResult,
    },
    service::{Peer, RequestContext, RxJsonRpcMessage, TxJsonRpcMessage, serve_directly},
    transport::Transport,
};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{Front, front::refusal};
use crate::{envelope::Envelope, pipeline::Guarded, task::Tasks};

type Answer = Result<CallToolResponse, ErrorData>;

/// A call that needs nothing of the SDK's HTTP service.
pub(super) struct Direct {
    id: NumberOrString,
    params: CallToolRequestParams,
    meta: RequestMetaObject,
}

impl Direct {
    /// The call in a message, if it is plain.
    pub(super) fn of(
        server: &Guarded,
        headers: &HeaderMap,
        envelope: &Envelope<'_>,
    ) -> Option<Self> {
        let tool = envelope.tool.as_deref()?;
        let said = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
        let plain = !envelope.wants_progress
            && said("mcp-protocol-version")
                == Some(ProtocolVersion::V_2026_07_28.as_str().as_bytes())
            && said("mcp-method") == Some(b"tools/call")
            && said("mcp-name") == Some(tool.as_bytes())
            && said("mcp-session-id").is_none()
            && server.takes_direct(tool);
        if !plain {
            return None;
        }
        let id = match envelope.id.as_ref()? {
            Value::String(id) => NumberOrString::String(id.as_str().into()),
            id => NumberOrString::Number(id.as_i64()?),
        };
        let mut params: CallToolRequestParams = serde_json::from_str(envelope.params?).ok()?;
        let meta = params.meta.take()?;
        let modern = meta.protocol_version() == Some(ProtocolVersion::V_2026_07_28)
            && meta.client_capabilities().is_some();
        modern.then_some(Self { id, params, meta })
    }

    /// Run it. When the client leaves, it is cancelled, and still ends in log, metrics and audit.
    pub(super) async fn answer(self, front: &Front, parts: Parts) -> Response {
        let Self { id, params, meta } = self;
        let mut context = RequestContext::new(id.clone(), front.direct.peer.clone());
        let token = front.direct.stopping.child_token();
        context.ct = token.clone();
        context.meta = meta;
        context.extensions.insert(parts);
        let server = front.server.clone();
        let call = Box::pin(async move { server.call_tool(params, context).await });
        respond(Attended { call: Some(call), token, tasks: &front.direct.tasks }.await, id)
    }
}

/// What all such calls share.
pub(super) struct Shared {
    peer: Peer<RoleServer>,
    stopping: CancellationToken,
    tasks: Tasks,
}

impl Shared {
    pub(super) fn new(server: &Guarded, stopping: CancellationToken) -> Self {
        // The SDK makes a peer with a service only. Nobody listens at this one's other end: what such
        // a call could send before its answer has no place in it.
        let service = serve_directly(server.clone(), Silent, None);
        Self { peer: service.peer().clone(), stopping, tasks: Tasks::default() }
    }
}

fn respond(answer: Answer, id: NumberOrString) -> Response {
    let (status, message) = match answer {
        Ok(response) => {
            (StatusCode::OK, ServerJsonRpcMessage::response(ServerResult::from(response), id))
        }
        Err(error) => (status(error.code), ServerJsonRpcMessage::error(error, Some(id))),
    };
    match serde_json::to_vec(&message) {
        Ok(body) => {
            let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
            (status, kind, Body::from(body)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer is no JSON");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            refusal(status, -32_603, "internal error", None)
        }
    }
}

/// The status that the revision gives to an error of a well-formed request.
fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY => StatusCode::BAD_REQUEST,
        ErrorCode::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    }
}

/// A call and the one who waits for it; when that one leaves, it is told to stop and waited for aside.
struct Attended<'a> {
    call: Option<BoxFuture<'static, Answer>>,
    token: CancellationToken,
    tasks: &'a Tasks,
}

impl Future for Attended<'_> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let Some(call) = &mut self.call else { return Poll::Pending };
        let answer = std::task::ready!(call.as_mut().poll(context));
        self.call = None;
        Poll::Ready(answer)
    }
}

impl Drop for Attended<'_> {
    fn drop(&mut self) {
        let Some(call) = self.call.take() else { return };
        self.token.cancel();
        // Without a runtime the process ends, and everything in it.
        if Handle::try_current().is_ok() {
            self.tasks.spawn("abandoned_call", async move { drop(call.await) });
        }
    }
}

/// A transport on which nothing ever comes.
struct Silent;

impl Transport<RoleServer> for Silent {
    type Error = Infallible;

    fn send(
        &mut self,
        _item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Infallible>> + Send + 'static {
        ready(Ok(()))
    }

    fn receive(&mut self) -> impl Future<Output = Option<RxJsonRpcMessage<RoleServer>>> + Send {
        pending()
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Infallible>> + Send {
        ready(Ok(()))
    }
}
