//! By which way a message came, and what is counted and recorded of it.

use std::{sync::Arc, time::Duration};

use rmcp::{RoleServer, model::ProtocolVersion, service::RequestContext};
use tokio::time::Instant;

use super::Guarded;
use crate::{metrics::Operation, trace::Trace};

/// By which transport and revision a message came.
pub(super) struct Way {
    http: bool,
    /// Place in the list of known revisions.
    revision: Option<usize>,
}

impl Way {
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Self {
        let version = context.protocol_version();
        let known = |version: &ProtocolVersion| {
            ProtocolVersion::KNOWN_VERSIONS.iter().position(|known| known == version)
        };
        Self {
            http: context.extensions.get::<http::request::Parts>().is_some(),
            revision: version.as_ref().and_then(known),
        }
    }

    /// A small number for each way, for [`crate::metrics::Metrics::succeeded`].
    pub(super) fn place(&self) -> usize {
        let revisions = ProtocolVersion::KNOWN_VERSIONS.len();
        usize::from(self.http) * (revisions + 1) + self.revision.unwrap_or(revisions)
    }

    pub(super) fn operation(&self, method: &'static str) -> Operation {
        let known = ProtocolVersion::KNOWN_VERSIONS;
        let revision = self.revision.and_then(|index| known.get(index));
        Operation {
            mcp_method_name: method,
            gen_ai_tool_name: Arc::from(""),
            error_type: "",
            network_transport: if self.http { "tcp" } else { "pipe" },
            mcp_protocol_version: revision.map_or("other", ProtocolVersion::as_str),
        }
    }
}

impl Guarded {
    /// Count an operation that ended now, and record its span.
    pub(super) fn count(
        &self,
        operation: Operation,
        failed: Option<&'static str>,
        (started, trace): (Instant, Option<&Trace>),
    ) {
        let operation = Operation { error_type: failed.unwrap_or_default(), ..operation };
        let took = started.elapsed();
        self.0.metrics.operation(&operation, took);
        self.span(trace, took, || operation);
    }

    /// The trace that a message is part of; one of its own where spans are recorded.
    #[cfg_attr(not(feature = "otlp"), expect(clippy::unused_self, reason = "nothing records"))]
    pub(super) fn trace(&self, context: &RequestContext<RoleServer>) -> Option<Trace> {
        let told = Trace::of(context);
        #[cfg(feature = "otlp")]
        let told = told.or_else(|| self.0.spans.get().and_then(|_| Trace::root()));
        told
    }

    /// Hand the span of an operation that ended now to whoever records it.
    #[cfg_attr(not(feature = "otlp"), expect(clippy::unused_self, reason = "nothing records"))]
    pub(super) fn span(
        &self,
        trace: Option<&Trace>,
        took: Duration,
        labels: impl FnOnce() -> Operation,
    ) {
        #[cfg(feature = "otlp")]
        if let (Some(spans), Some(trace)) = (self.0.spans.get(), trace) {
            spans.ended(trace, took, labels);
        }
        #[cfg(not(feature = "otlp"))]
        let _unrecorded = (trace, took, labels);
    }
}
