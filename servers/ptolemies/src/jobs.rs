//! Work that goes on after the call that began it.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mcp_core::prelude::{
    CancellationToken, Deserialize, JsonSchema, Kind, Principal, Serialize, StartContext, ToolError,
};
use serde_json::{Map, Value};
use tokio::{sync::watch, time::Instant};
use ulid::Ulid;

use crate::{Error, moment::Moment};

/// Jobs that run at a time, and those of one caller.
const RUNNING: usize = 8;
const RUNNING_EACH: usize = 4;
/// Jobs of one caller that are remembered, and those of all.
const REMEMBERED_EACH: usize = 100;
const REMEMBERED: usize = 2_000;

/// Jobs of this process. What they wrote outlives it; they do not.
#[derive(Debug)]
pub(crate) struct Jobs {
    context: StartContext,
    held: Mutex<BTreeMap<Ulid, Arc<Job>>>,
}

/// One job.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: Ulid,
    pub(crate) kind: &'static str,
    pub(crate) started_at: Moment,
    owner: String,
    /// What of its owner's it is, so that it is not begun twice.
    name: Option<String>,
    token: CancellationToken,
    standing: watch::Sender<Standing>,
}

/// How far a job is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    pub(crate) state: JobState,
    /// In units of its own: files, lines, rows.
    pub(crate) done: usize,
    pub(crate) total: Option<usize>,
    pub(crate) result: Option<Map<String, Value>>,
    pub(crate) error: Option<ToolError>,
    pub(crate) ended_at: Option<Moment>,
}

/// Whether a job goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(crate = "mcp_core::prelude::schemars")]
pub(crate) enum JobState {
    #[default]
    Running,
    Done,
    Failed,
    /// It was asked to stop; what it had written is kept.
    Cancelled,
}

/// How work ended that did not fail.
pub(crate) enum End {
    /// All of it is done.
    Whole(Map<String, Value>),
    /// It was asked to stop.
    Cut(Map<String, Value>),
}

/// What a job's work is given.
#[derive(Debug, Clone)]
pub(crate) struct Ticket(Arc<Job>);

impl Ticket {
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.0.token
    }

    pub(crate) fn report(&self, done: usize, total: Option<usize>) {
        self.0.standing.send_modify(|standing| {
            standing.done = done;
            standing.total = total;
        });
    }
}

impl Jobs {
    pub(crate) fn new(context: &StartContext) -> Self {
        Self { context: context.clone(), held: Mutex::default() }
    }

    /// Begin a job; or find the one of this name that its owner has begun and that still runs.
    pub(crate) fn start<F>(
        &self,
        kind: &'static str,
        owner: &Principal,
        name: Option<String>,
        work: impl FnOnce(Ticket) -> F,
    ) -> Result<Arc<Job>, ToolError>
    where
        F: Future<Output = Result<End, ToolError>> + Send + 'static,
    {
        let mut held = self.held();
        let is_same = |job: &&Arc<Job>| {
            name.is_some() && job.name == name && job.kind == kind && job.is_of(owner)
        };
        if let Some(job) = held.values().filter(|job| job.runs()).find(is_same) {
            return Ok(Arc::clone(job));
        }
        let running = || held.values().filter(|job| job.runs());
        let own = running().filter(|job| job.is_of(owner)).count();
        if own >= RUNNING_EACH || running().count() >= RUNNING {
            return Err(too_many());
        }
        let job = Arc::new(Job {
            id: next_id(&held)?,
            kind,
            started_at: Moment::now(),
            owner: owner.id().to_owned(),
            name,
            token: self.context.shutdown.child_token(),
            standing: watch::Sender::default(),
        });
        forget_old(&mut held, owner);
        held.insert(job.id, Arc::clone(&job));
        drop(held);
        let work = work(Ticket(Arc::clone(&job)));
        let run = Arc::clone(&job);
        self.context.spawn("job", async move {
            let _end = EndOnDrop(Arc::clone(&run));
            let ended = work.await;
            run.end(ended);
        });
        Ok(job)
    }

    /// Jobs of a caller, newest first.
    pub(crate) fn of(&self, owner: &Principal) -> Vec<Arc<Job>> {
        let held = self.held();
        held.values().rev().filter(|job| job.is_of(owner)).cloned().collect()
    }

    /// A job of a caller's.
    pub(crate) fn get(&self, owner: &Principal, id: &str) -> Result<Arc<Job>, Error> {
        let found = Ulid::from_string(id).ok().and_then(|id| self.held().get(&id).cloned());
        found.filter(|job| job.is_of(owner)).ok_or_else(|| Error::NotFound {
            field: "/id".to_owned(),
            message: "no job has this id".to_owned(),
            hint: "list_jobs shows your jobs; those of an earlier process are gone, what they wrote is not",
        })
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<Ulid, Arc<Job>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn next_id(held: &BTreeMap<Ulid, Arc<Job>>) -> Result<Ulid, Error> {
    let mut random = [0u8; 16];
    getrandom::fill(&mut random).map_err(|error| Error::Internal(error.to_string()))?;
    let millis = Moment::now().millis().unsigned_abs();
    let fresh = Ulid::from_parts(millis, u128::from_be_bytes(random));
    // In the order of their beginning.
    let last = held.last_key_value().map_or(Ulid::nil(), |(id, _)| *id);
    Ok(if fresh > last { fresh } else { Ulid(last.0.saturating_add(1)) })
}

fn too_many() -> ToolError {
    let message =
        format!("at most {RUNNING_EACH} jobs of a caller run at a time, and {RUNNING} of all");
    ToolError::new(Kind::RateLimited, "too_many_jobs", message)
        .with_hint("wait for one, seen by list_jobs, or stop one with cancel_job")
}

/// Make room for one more of this owner: its own make way first, so that no caller pushes the jobs
/// of another out before there are very many.
fn forget_old(held: &mut BTreeMap<Ulid, Arc<Job>>, owner: &Principal) {
    loop {
        let own = held.values().filter(|job| job.is_of(owner)).count() >= REMEMBERED_EACH;
        if !own && held.len() < REMEMBERED {
            return;
        }
        let mut ended = held.iter().filter(|(_, job)| !job.runs());
        let oldest = ended.find(|(_, job)| !own || job.is_of(owner)).map(|(id, _)| *id);
        match oldest {
            Some(id) => drop(held.remove(&id)),
            None => return,
        }
    }
}

/// Ends a job whose work panicked.
struct EndOnDrop(Arc<Job>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if self.0.runs() {
            self.0.end(Err(ToolError::internal("the job ended in a panic")));
        }
    }
}

impl Job {
    pub(crate) fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// Its standing, and each change of it.
    pub(crate) fn watch(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Ask it to stop.
    pub(crate) fn cancel(&self) {
        self.token.cancel();
    }

    /// Wait until it ends, or until a moment.
    pub(crate) async fn wait(&self, until: Instant) -> Standing {
        let mut watched = self.standing.subscribe();
        let ended = watched.wait_for(|standing| standing.state != JobState::Running);
        // Late or not, its standing is what it is.
        drop(tokio::time::timeout_at(until, ended).await);
        self.standing()
    }

    fn runs(&self) -> bool {
        self.standing.borrow().state == JobState::Running
    }

    fn is_of(&self, owner: &Principal) -> bool {
        self.owner == owner.id()
    }

    fn end(&self, ended: Result<End, ToolError>) {
        self.standing.send_modify(|standing| {
            standing.ended_at = Some(Moment::now());
            match ended {
                Ok(End::Whole(result)) => {
                    standing.state = JobState::Done;
                    standing.result = Some(result);
                }
                Ok(End::Cut(result)) => {
                    standing.state = JobState::Cancelled;
                    standing.result = Some(result);
                }
                Err(error) => {
                    let stopped = error.kind() == Kind::Cancelled;
                    standing.state = if stopped { JobState::Cancelled } else { JobState::Failed };
                    standing.error = Some(error);
                }
            }
        });
    }
}

/// An answer as a job keeps it.
pub(crate) fn kept(answer: &impl Serialize) -> Result<Map<String, Value>, ToolError> {
    match serde_json::to_value(answer) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(ToolError::internal("an answer is no object")),
    }
}

#[cfg(test)]
mod tests;
