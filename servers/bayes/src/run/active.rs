//! A run that this process samples.

use std::{
    fs::{self, File, TryLockError},
    io,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use bayes_engine::language::Diagnostic;
use futures_util::FutureExt;
use mcp_core::{durable, turn::Turns};
use tokio::sync::watch;

use super::{Run, Share};
use crate::{
    job::{Control, Failed, Job, Sampled, Stage},
    store::{Fault, Head, State, Status, chain},
    tools::SamplerOutput,
};

/// How long a caller who stops a run waits for what it has.
pub(super) const STOPPING: Duration = Duration::from_secs(2);
/// How long the server waits for it when it stops itself.
pub(super) const PARKING: Duration = Duration::from_secs(5);
/// File whose lock says that a process samples the run.
const LOCK: &str = "lock";

/// A run that this process samples.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) owner: Arc<str>,
    pub(crate) id: String,
    pub(crate) head: Head,
    pub(super) folder: PathBuf,
    /// Bytes of its draws.
    pub(super) bytes: usize,
    control: Arc<Control>,
    /// Why it was stopped, if it was.
    why: OnceLock<Status>,
    view: watch::Sender<Option<Arc<Ended>>>,
    _share: Share,
    _lock: File,
}

/// How a run ended in this process.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) state: State,
    /// Its draws, if there are any.
    pub(crate) run: Option<Arc<Run>>,
    /// What the model did wrong, if that ended it.
    pub(crate) refused: Option<Diagnostic>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watched {
    pub(crate) done: usize,
    pub(crate) total: usize,
    pub(crate) attempt: usize,
}

/// Take a run's directory for this process.
pub(super) fn lock(dir: &Path) -> io::Result<File> {
    let file = durable::private().write(true).create(true).truncate(true).open(dir.join(LOCK))?;
    file.lock()?;
    Ok(file)
}

/// Whether any process samples a run. A look takes no part in the lock that another look could see.
pub(super) fn is_locked(dir: &Path) -> io::Result<bool> {
    match File::open(dir.join(LOCK))?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Active {
    pub(super) fn new(
        (owner, id, folder): (Arc<str>, String, PathBuf),
        lock: File,
        head: Head,
        (bytes, share): (usize, Share),
    ) -> Self {
        let (view, _) = watch::channel(None);
        let (control, why) = (Arc::default(), OnceLock::new());
        Self { owner, id, head, folder, bytes, control, why, view, _share: share, _lock: lock }
    }

    /// How far it is.
    pub(crate) fn watched(&self) -> Watched {
        let (done, attempt) = self.control.done();
        Watched { done, total: self.head.wanted(), attempt }
    }

    /// Ask it to end; the first reason stays.
    pub(crate) fn stop(&self, why: Status) {
        self.why.get_or_init(|| why);
        self.control.stop();
    }

    /// Wait for its end.
    pub(crate) async fn ended(&self) -> Arc<Ended> {
        let mut view = self.view.subscribe();
        loop {
            if let Some(ended) = &*view.borrow_and_update() {
                return Arc::clone(ended);
            }
            // The sender is this value's own.
            drop(view.changed().await);
        }
    }

    /// Wait for its end, a while.
    pub(crate) async fn ended_within(&self, limit: Duration) -> Option<Arc<Ended>> {
        tokio::time::timeout(limit, self.ended()).await.ok()
    }

    pub(super) fn publish(&self, ended: Ended) {
        self.view.send_replace(Some(Arc::new(ended)));
    }

    /// Sample it. A panic ends this run only.
    pub(super) async fn sample(&self, turns: &Turns, job: Job) -> Result<Sampled, Failed> {
        let stage = Stage {
            turns: turns.clone(),
            owner: Arc::clone(&self.owner),
            control: Arc::clone(&self.control),
            folder: self.folder.clone(),
        };
        AssertUnwindSafe(job.run(&stage)).catch_unwind().await.unwrap_or(Err(Failed::Panic))
    }

    /// What became of it.
    pub(super) fn ended_as(&self, sampled: Result<Sampled, Failed>) -> Ended {
        match sampled {
            Ok(sampled) => self.ended_with(sampled),
            Err(failed) => {
                let error = Some(failed.fault());
                let state = State { error, ..State::without_draws(Status::Failed) };
                let refused = match failed {
                    Failed::Model(diagnostic) => Some(*diagnostic),
                    _ => None,
                };
                Ended { state, run: None, refused }
            }
        }
    }

    fn ended_with(&self, sampled: Sampled) -> Ended {
        let stopped = self.why.get().copied().filter(|_| sampled.is_cut);
        let state = State {
            status: match stopped {
                Some(why) => why,
                None if sampled.timed_out => Status::Partial,
                None => Status::Complete,
            },
            draws: sampled.posterior.draws(),
            attempt: sampled.attempt,
            attempts: sampled.attempts,
            target_accept: sampled.target_accept,
            first_divergent: sampled.posterior.first_divergent,
            error: None,
        };
        let run = (state.draws > 0).then(|| {
            Arc::new(Run {
                sampler: SamplerOutput::new(self.head.dimension, &sampled.posterior, &state),
                posterior: sampled.posterior,
                seed: self.head.seed,
                status: state.status,
                printed: self.head.printed.clone(),
                folder: self.folder.clone(),
            })
        });
        Ended { state, run, refused: None }
    }

    /// Put its end on disk; draws of attempts that are not kept go.
    pub(super) fn keep(&self, state: &State) -> io::Result<()> {
        state.write(&self.folder)?;
        for attempt in (1..=crate::job::ATTEMPTS.len()).filter(|one| *one != state.attempt) {
            for number in 0..self.head.chains {
                match fs::remove_file(self.folder.join(chain::name(attempt, number))) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

impl Failed {
    /// What a listing says of it.
    fn fault(&self) -> Fault {
        let (code, message, fix) = match self {
            Self::Model(diagnostic) => {
                (diagnostic.code.word(), diagnostic.message.clone(), diagnostic.fix.clone())
            }
            Self::Store(kind) => (
                "not_kept",
                format!("the draws could not be written down: {kind}"),
                "look at the state directory: space, permissions; then fit it again".to_owned(),
            ),
            Self::Panic => ("internal", "sampling it failed".to_owned(), String::new()),
        };
        Fault { code: code.to_owned(), message, fix }
    }
}
