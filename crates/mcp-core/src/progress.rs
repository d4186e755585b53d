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
use tokio::{
    sync::{Mutex, mpsc},
    time::Instant,
};

use crate::{
    relay::{Audience, Report},
    task_store::Note,
};

/// At most ten notifications a second; the last one of a run may be left out.
const MIN_GAP: std::time::Duration = std::time::Duration::from_millis(100);

/// Tells the process that handed a call over how far it is.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    audience: Audience,
    reports: mpsc::Sender<Report>,
}

impl Told {
    pub(crate) fn new(audience: Audience, reports: mpsc::Sender<Report>) -> Self {
        Self { audience, reports }
    }
}

/// Reports progress to a caller that asked for it, strictly increasing and at most ten a second.
///
/// In a task a report becomes its status message. Else, without a progress token in the request,
/// every report is a no-op.
#[derive(Debug)]
pub struct Progress {
    to: Option<(Peer<RoleServer>, ProgressToken)>,
    task: Option<Note>,
    /// Of a call that another process handed over.
    elsewhere: Option<Told>,
    last: Mutex<Option<Instant>>,
    highest: AtomicU64,
}

impl Progress {
    /// Whether anyone listens.
    pub fn is_wanted(&self) -> bool {
        self.audience() != Audience::Nobody
    }

    /// Who listens.
    pub fn audience(&self) -> Audience {
        match (&self.elsewhere, &self.task, &self.to) {
            (Some(told), _, _) => told.audience,
            (None, Some(_), _) => Audience::Task,
            (None, None, Some(_)) => Audience::Caller,
            (None, None, None) => Audience::Nobody,
        }
    }

    /// Whether the call is a task: its caller does not wait for the answer.
    pub fn is_task(&self) -> bool {
        self.audience() == Audience::Task
    }

    /// Report `done` of `total` (any unit), with a short message.
    pub async fn report(&self, done: f64, total: Option<f64>, message: &str) {
        if let Some(told) = self.elsewhere.as_ref().filter(|told| told.audience != Audience::Nobody)
        {
            // One that finds no room is left out: the next one says more.
            drop(told.reports.try_send(Report { done, total, message: message.to_owned() }));
        }
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
        let elsewhere = context.extensions.get::<Told>().cloned();
        Ok(Self { to, task, elsewhere, last: Mutex::new(None), highest: AtomicU64::new(0) })
    }
}
