//! Progress of long work, as an argument of a tool handler.

use std::sync::atomic::{AtomicU64, Ordering};

use rmcp::{
    ErrorData, Peer, RoleServer,
    handler::server::{
        common::{AsRequestContext, FromContextPart},
        tool::ToolCallContext,
    },
    model::{ProgressNotificationParam, ProgressToken},
};
use tokio::{sync::Mutex, time::Instant};

use crate::task_store::Note;

/// At most ten notifications a second; the last one of a run may be left out.
const MIN_GAP: std::time::Duration = std::time::Duration::from_millis(100);

/// Reports progress to a caller that asked for it, strictly increasing and at most ten a second.
///
/// In a task a report becomes its status message. Else, without a progress token in the request,
/// every report is a no-op.
#[derive(Debug)]
pub struct Progress {
    to: Option<(Peer<RoleServer>, ProgressToken)>,
    task: Option<Note>,
    last: Mutex<Option<Instant>>,
    highest: AtomicU64,
}

impl Progress {
    /// Whether anyone listens.
    pub fn is_wanted(&self) -> bool {
        self.to.is_some() || self.task.is_some()
    }

    /// Whether the call is a task: its caller does not wait for the answer.
    pub fn is_task(&self) -> bool {
        self.task.is_some()
    }

    /// Report `done` of `total` (any unit), with a short message.
    pub async fn report(&self, done: f64, total: Option<f64>, message: &str) {
        if let Some(task) = &self.task {
            task.say(message);
        }
        let Some((peer, token)) = &self.to else { return };
        if !self.rises(done) || !self.due().await {
            return;
        }
        let mut params = ProgressNotificationParam::new(token.clone(), done);
        params.total = total;
        params.message = Some(message.to_owned());
        if let Err(error) = peer.notify_progress(params).await {
            tracing::debug!(%error, "the progress of a call could not be told");
        }
    }

    fn rises(&self, done: f64) -> bool {
        if !done.is_finite() || done < 0.0 {
            return false;
        }
        // Non-negative floats compare like their bits; +1 tells "nothing yet" from zero.
        let bits = done.to_bits() + 1;
        self.highest.fetch_max(bits, Ordering::Relaxed) < bits
    }

    async fn due(&self) -> bool {
        let mut last = self.last.lock().await;
        let now = Instant::now();
        if last.is_some_and(|last| now.duration_since(last) < MIN_GAP) {
            return false;
        }
        *last = Some(now);
        true
    }
}

impl<S> FromContextPart<ToolCallContext<'_, S>> for Progress {
    fn from_context_part(context: &mut ToolCallContext<'_, S>) -> Result<Self, ErrorData> {
        let context = context.as_request_context();
        let to = context.meta.get_progress_token().map(|token| (context.peer.clone(), token));
        let task = context.extensions.get::<Note>().cloned();
        Ok(Self { to, task, last: Mutex::new(None), highest: AtomicU64::new(0) })
    }
}
