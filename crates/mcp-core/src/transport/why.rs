//! What an answer tells the front of its own refusal, so that one place counts and writes it down.

use std::sync::Arc;

use axum::response::Response;

use crate::metrics::Reason;

/// Why a request was refused: an extension of the answer, which no client sees.
#[derive(Debug, Clone)]
pub(super) struct Why {
    pub(super) reason: Reason,
    /// The tool that was asked for.
    pub(super) tool: Option<Arc<str>>,
}

impl Why {
    pub(super) fn of(reason: Reason) -> Self {
        Self { reason, tool: None }
    }

    pub(super) fn mark(self, response: &mut Response) {
        response.extensions_mut().insert(self);
    }

    pub(super) fn marked(self, mut response: Response) -> Response {
        self.mark(&mut response);
        response
    }
}
