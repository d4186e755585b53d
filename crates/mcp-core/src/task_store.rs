//! Tasks: bounded, owned, of limited life, and on disk before they are acknowledged.
//!
//! With a state directory a task that was acknowledged is found again after a crash: finished as
//! it was, or failed with the reason. Without one it lives as long as the process.

mod journal;
mod question;

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rmcp::{
    ErrorData,
    model::{DetailedTask, InputRequests, InputResponses, Task, TaskPayload, TaskStatus},
    task_manager::current_timestamp,
};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    journal::{Journal, Line},
    question::Question,
};
use crate::{
    Kind, Principal, Result, StartContext, ToolError,
    state_key::{now_ms, random_id},
    task::{Tasks, blocking},
};

/// Most tasks of one caller, ended ones too until they expire.
pub const PER_OWNER: usize = 100;
/// Most tasks of all callers.
pub const TOTAL: usize = 1_000;
/// Life of a task from its creation: the longest run, and five minutes to fetch the result.
pub const TTL: Duration = Duration::from_millis(TTL_MS);
const TTL_MS: u64 = 15 * 60 * 1_000;
/// How often a client should ask.
const POLL_MS: u64 = 1_000;
/// How often expired tasks are swept while there are any.
const SWEEP: Duration = Duration::from_secs(30);

/// The tasks of one server. Cheap to clone.
#[derive(Clone)]
pub struct TaskStore(Arc<Shared>);

impl fmt::Debug for TaskStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskStore")
    }
}

struct Shared {
    kept: Mutex<Kept>,
    journal: Option<Journal>,
    tasks: Tasks,
    /// The work of tasks, besides what sweeps after them.
    works: TaskTracker,
    stopping: CancellationToken,
}

#[derive(Default)]
struct Kept {
    records: BTreeMap<String, Record>,
    sweeping: bool,
}

struct Record {
    owner: Arc<str>,
    tool: Arc<str>,
    task: Task,
    created_ms: u64,
    until: Instant,
    end: Option<TaskPayload>,
    question: Option<Question>,
    rounds: u32,
    cancel: CancellationToken,
}

impl Record {
    fn payload(&self) -> TaskPayload {
        match (&self.end, &self.question) {
            (Some(end), _) => end.clone(),
            (None, Some(question)) => {
                TaskPayload::InputRequired { input_requests: question.open() }
            }
            (None, None) => TaskPayload::Working,
        }
    }

    fn detailed(&self) -> DetailedTask {
        DetailedTask::new(self.task.clone(), self.payload())
    }

    fn touch(&mut self) {
        self.task.last_updated_at = current_timestamp();
    }

    fn line(&self, end: Option<&TaskPayload>) -> Line {
        let payload = end.cloned().unwrap_or(TaskPayload::Working);
        Line {
            owner: self.owner.to_string(),
            tool: self.tool.to_string(),
            created_ms: self.created_ms,
            task: DetailedTask::new(self.task.clone(), payload),
        }
    }
}

/// How many tasks there are, by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) working: usize,
    pub(crate) asking: usize,
    pub(crate) ended: usize,
}

impl TaskStore {
    /// Tasks that end with the process.
    pub(crate) fn in_memory() -> Self {
        Self::with(None, Tasks::default(), CancellationToken::new())
    }

    /// Tasks that are kept in the state directory, with those of processes that have ended.
    pub(crate) fn open(context: &StartContext, transport: &str) -> Self {
        let journal = match context.state_dir() {
            Ok(dir) => Some(Journal::new(&dir, transport)),
            Err(error) => {
                tracing::warn!(%error, "tasks are kept in memory only");
                None
            }
        };
        let store = Self::with(journal, context.tasks().clone(), context.shutdown.clone());
        store.adopt();
        store
    }

    fn with(journal: Option<Journal>, tasks: Tasks, stopping: CancellationToken) -> Self {
        let works = TaskTracker::new();
        Self(Arc::new(Shared { kept: Mutex::default(), journal, tasks, works, stopping }))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take over what processes that have ended left behind.
    fn adopt(&self) {
        let Some(journal) = &self.0.journal else { return };
        let left = journal.adopt().unwrap_or_else(|error| {
            tracing::warn!(%error, "the tasks of an earlier process cannot be read");
            Vec::new()
        });
        let now = Instant::now();
        for Line { owner, tool, created_ms, task } in left {
            let age = Duration::from_millis(now_ms().saturating_sub(created_ms));
            let Some(rest) = TTL.checked_sub(age).filter(|rest| !rest.is_zero()) else {
                journal.remove(&task.task.task_id);
                continue;
            };
            let mut record = Record {
                owner: owner.into(),
                tool: tool.into(),
                created_ms,
                until: now + rest,
                end: Some(task.payload),
                task: task.task,
                question: None,
                rounds: 0,
                cancel: CancellationToken::new(),
            };
            if !record.payload().status().is_terminal() {
                record.end = Some(interrupted());
                record.touch();
                if let Err(error) = journal.write(&record.line(record.end.as_ref())) {
                    tracing::warn!(%error, "the end of an earlier task cannot be kept");
                }
            }
            self.kept().records.insert(record.task.task_id.clone(), record);
        }
    }

    /// Run work of a task; it is waited for at shutdown.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn("task", self.0.works.track_future(work));
        let mut kept = self.kept();
        if !kept.sweeping {
            kept.sweeping = true;
            let store = self.clone();
            self.0.tasks.spawn("task sweep", async move { store.sweep_until_empty().await });
        }
    }

    /// The tasks that have not expired, by state.
    pub(crate) fn counts(&self) -> Counts {
        let (mut counts, now) = (Counts::default(), Instant::now());
        for record in self.kept().records.values().filter(|record| record.until > now) {
            match (&record.end, &record.question) {
                (Some(_), _) => counts.ended += 1,
                (None, Some(_)) => counts.asking += 1,
                (None, None) => counts.working += 1,
            }
        }
        counts
    }

    /// Wait until the work of all tasks has ended, at most `grace`: the server is stopping, which
    /// cancels them.
    pub(crate) async fn ended(&self, grace: Duration) {
        self.0.works.close();
        if tokio::time::timeout(grace, self.0.works.wait()).await.is_err() {
            tracing::warn!("tasks did not end in time");
        }
    }

    /// A new task of a caller's, on disk when this returns.
    ///
    /// # Errors
    /// `too_many_tasks`; `task_not_kept` when the disk refuses it.
    pub(crate) async fn create(&self, owner: &Principal, tool: &str) -> Result<Running> {
        let id = random_id()?;
        let now = current_timestamp();
        let mut task = Task::new(&*id, TaskStatus::Working, now.clone(), now);
        task.ttl_ms = Some(TTL_MS);
        task.poll_interval_ms = Some(POLL_MS);
        let record = Record {
            owner: owner.id().into(),
            tool: tool.into(),
            task: task.clone(),
            created_ms: now_ms(),
            until: Instant::now() + TTL,
            end: None,
            question: None,
            rounds: 0,
            cancel: self.0.stopping.child_token(),
        };
        let (line, cancel) = (record.line(None), record.cancel.clone());
        self.admit(id.clone(), record)?;
        // From here on dropping it ends the task, also when the caller leaves meanwhile.
        let running = Running { store: self.clone(), id, task, cancel, ended: false };
        if let Err(error) = self.write(line).await {
            tracing::error!(%error, "a task cannot be kept");
            self.kept().records.remove(&running.id);
            return Err(ToolError::new(
                Kind::Unavailable,
                "task_not_kept",
                "the task could not be written down and was not started",
            )
            .with_hint("look at the state directory: space, permissions"));
        }
        Ok(running)
    }

    fn admit(&self, id: String, record: Record) -> Result<()> {
        let expired = self.sweep(Instant::now());
        let mut kept = self.kept();
        let mine = kept.records.values().filter(|other| other.owner == record.owner).count();
        if mine >= PER_OWNER || kept.records.len() >= TOTAL {
            let next = kept.records.values().map(|record| record.until).min();
            let wait = next.map(|next| next.saturating_duration_since(Instant::now()));
            return Err(ToolError::new(
                Kind::RateLimited,
                "too_many_tasks",
                format!("more than {PER_OWNER} tasks at once, or {TOTAL} of all callers"),
            )
            .with_hint("wait until a task expires, 15 minutes after it was made")
            .with_retry_after(wait.unwrap_or(TTL)));
        }
        kept.records.insert(id, record);
        drop(kept);
        self.forget(expired);
        Ok(())
    }

    async fn write(&self, line: Line) -> std::io::Result<()> {
        if self.0.journal.is_none() {
            return Ok(());
        }
        let store = self.clone();
        let written = blocking(move || match &store.0.journal {
            Some(journal) => journal.write(&line),
            None => Ok(()),
        });
        written.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
    }

    /// Remove what has expired; what runs is cancelled. The ids that are left to delete on disk.
    fn sweep(&self, now: Instant) -> Vec<String> {
        let mut kept = self.kept();
        let expired = |record: &Record| record.until <= now;
        let ids: Vec<String> = kept
            .records
            .iter()
            .filter(|(_, record)| expired(record))
            .map(|(id, _)| id.clone())
            .collect();
        for id in &ids {
            if let Some(record) = kept.records.remove(id) {
                record.cancel.cancel();
            }
        }
        ids
    }

    fn forget(&self, ids: Vec<String>) {
        if ids.is_empty() || self.0.journal.is_none() {
            return;
        }
        let store = self.clone();
        self.0.tasks.spawn("task sweep", async move {
            let removed = blocking(move || {
                if let Some(journal) = &store.0.journal {
                    for id in &ids {
                        journal.remove(id);
                    }
                }
            });
            if let Err(error) = removed.await {
                tracing::debug!(%error, "expired tasks stay on disk until the next start");
            }
        });
    }

    async fn sweep_until_empty(self) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(SWEEP) => {}
                () = self.0.stopping.cancelled() => return,
            }
            let expired = self.sweep(Instant::now());
            self.forget(expired);
            let mut kept = self.kept();
            if kept.records.is_empty() {
                kept.sweeping = false;
                return;
            }
        }
    }

    /// A task of this caller's. Another's is as unknown as one that never was.
    fn with_own<T>(
        &self,
        owner: &Principal,
        id: &str,
        work: impl FnOnce(&mut Record) -> T,
    ) -> Result<T, ErrorData> {
        let mut kept = self.kept();
        let record = kept.records.get_mut(id);
        let record =
            record.filter(|record| *record.owner == *owner.id() && record.until > Instant::now());
        record.map(work).ok_or_else(|| ErrorData::invalid_params("there is no such task", None))
    }

    /// `tasks/get`.
    ///
    /// # Errors
    /// -32602 when it is not this caller's, or none.
    pub(crate) fn get(&self, owner: &Principal, id: &str) -> Result<DetailedTask, ErrorData> {
        self.with_own(owner, id, |record| record.detailed())
    }

    /// `tasks/update`: answers to what the task asked; others are ignored.
    ///
    /// # Errors
    /// As [`TaskStore::get`].
    pub(crate) fn update(
        &self,
        owner: &Principal,
        id: &str,
        given: InputResponses,
    ) -> Result<(), ErrorData> {
        self.with_own(owner, id, |record| {
            if let Some(question) = record.question.take() {
                record.question = question.answered(given);
                record.touch();
            }
        })
    }

    /// `tasks/cancel`: the work is asked to stop; what it has by then is kept.
    ///
    /// # Errors
    /// As [`TaskStore::get`].
    pub(crate) fn cancel(&self, owner: &Principal, id: &str) -> Result<(), ErrorData> {
        self.with_own(owner, id, |record| {
            if record.end.is_none() {
                record.question = None;
                record.cancel.cancel();
                record.touch();
            }
        })
    }
}

/// What became of a task whose process ended first.
fn interrupted() -> TaskPayload {
    let error = json!({"code": -32_603, "message": "the server stopped before the task ended",
        "data": {"code": "interrupted", "hint": "call the tool again"}});
    match error {
        Value::Object(error) => TaskPayload::Failed { error },
        _ => TaskPayload::Cancelled,
    }
}

/// The running side of a task. Dropped before its end, the task has failed.
pub(crate) struct Running {
    store: TaskStore,
    id: String,
    task: Task,
    cancel: CancellationToken,
    ended: bool,
}

/// Where a task may say how far it is.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    store: TaskStore,
    id: String,
}

impl Note {
    /// Show a line to whoever asks for the task.
    pub(crate) fn say(&self, line: &str) {
        if let Some(record) = self.store.kept().records.get_mut(&self.id) {
            record.task.status_message = Some(line.to_owned());
            record.touch();
        }
    }
}

impl Running {
    /// The task as it was made.
    pub(crate) fn task(&self) -> Task {
        self.task.clone()
    }

    /// Cancelled when the owner cancels, the task expires or the server stops.
    pub(crate) fn cancelled_token(&self) -> CancellationToken {
        self.cancel.clone()
    }

    pub(crate) fn note(&self) -> Note {
        Note { store: self.store.clone(), id: self.id.clone() }
    }

    /// Ask the owner and wait for all answers; `None` when the task is to end instead.
    pub(crate) async fn ask(&self, requests: InputRequests) -> Option<InputResponses> {
        let answers = {
            let mut kept = self.store.kept();
            let record = kept.records.get_mut(&self.id)?;
            record.rounds += 1;
            let (question, answers) = Question::new(requests, record.rounds)?;
            record.question = Some(question);
            record.touch();
            answers
        };
        tokio::select! {
            answers = answers => answers.ok(),
            () = self.cancel.cancelled() => None,
        }
    }

    /// The end of one that was stopped: by its owner, or by the server's own end.
    pub(crate) fn stopped(&self) -> TaskPayload {
        if self.store.0.stopping.is_cancelled() { interrupted() } else { TaskPayload::Cancelled }
    }

    /// End it: on disk first, then for whoever asks.
    pub(crate) async fn finish(mut self, end: TaskPayload) {
        let line = {
            let kept = self.store.kept();
            let Some(record) = kept.records.get(&self.id) else { return };
            let mut line = record.line(Some(&end));
            line.task.task.last_updated_at = current_timestamp();
            line
        };
        if let Err(error) = self.store.write(line).await {
            tracing::error!(%error, "the end of a task cannot be kept");
        }
        self.ended = true;
        self.settle(end);
    }

    fn settle(&self, end: TaskPayload) {
        if let Some(record) = self.store.kept().records.get_mut(&self.id) {
            record.question = None;
            record.end = Some(end);
            record.touch();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.settle(interrupted());
        }
    }
}

#[cfg(test)]
mod tests;
