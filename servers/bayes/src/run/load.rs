//! What lies on disk of a run.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use bayes_engine::posterior::{Chain, Posterior};

use super::{Active, Run, RunError, Watched, active::is_locked};
use crate::{
    job::ATTEMPTS,
    store::{FileError, Head, State, Status, chain},
    tools::SamplerOutput,
};

/// What can be told of a run without its draws.
#[derive(Debug, Clone)]
pub(crate) struct Overview {
    pub(crate) head: Head,
    pub(crate) status: Status,
    /// How it ended; of an interrupted run what its files say.
    pub(crate) state: Option<State>,
    /// How far it is, when this process samples it.
    pub(crate) watched: Option<Watched>,
    pub(crate) expires_ms: u64,
    pub(super) folder: PathBuf,
}

impl Overview {
    /// Read what is there; `active` if this process samples it.
    pub(super) fn read(
        folder: PathBuf,
        active: Option<&Active>,
        (lifetime, now_ms): (Duration, u64),
    ) -> Result<Self, RunError> {
        let head = match Head::read(&folder) {
            // Deleted since.
            Err(FileError::Io(io::ErrorKind::NotFound)) => return Err(RunError::Unknown(lifetime)),
            read => read?,
        };
        let expires_ms =
            head.created_ms.saturating_add(u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX));
        if active.is_none() && expires_ms <= now_ms {
            return Err(RunError::Unknown(lifetime));
        }
        let state = match State::read(&folder)? {
            Some(state) => Some(state),
            None if active.is_some() || is_locked(&folder)? => None,
            // It may have ended since the first look.
            None => Some(match State::read(&folder)? {
                Some(state) => state,
                None => interrupted(&folder, &head),
            }),
        };
        let status = state.as_ref().map_or(Status::Running, |state| state.status);
        let watched = active.map(Active::watched).filter(|_| state.is_none());
        Ok(Self { head, status, state, watched, expires_ms, folder })
    }

    /// Read its draws.
    pub(super) fn load(&self) -> Result<Run, RunError> {
        let none = || RunError::NoDraws(self.status.word());
        let state = self.state.as_ref().filter(|state| state.draws > 0).ok_or_else(none)?;
        let mut chains = Vec::with_capacity(self.head.chains);
        for number in 0..self.head.chains {
            match self.chain(state.attempt, number) {
                Ok(chain) => chains.push(chain),
                // It had not begun, or not ended.
                Err(FileError::Io(io::ErrorKind::NotFound)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if chains.iter().map(|chain| chain.steps.len()).sum::<usize>() != state.draws {
            return Err(FileError::Damaged(0).into());
        }
        mark_incomplete(&mut chains, self.head.chains);
        let posterior = Posterior {
            variables: self.head.variables()?,
            width: self.head.width,
            chains,
            max_depth: self.head.max_treedepth,
            first_divergent: state.first_divergent,
        };
        Ok(Run {
            sampler: SamplerOutput::new(self.head.dimension, &posterior, state),
            posterior,
            seed: self.head.seed,
            status: self.status,
            printed: self.head.printed.clone(),
            folder: self.folder.clone(),
        })
    }

    fn chain(&self, attempt: usize, number: usize) -> Result<Chain, FileError> {
        chain::read(&self.folder.join(chain::name(attempt, number)), self.head.width)
    }
}

/// A chain that is missing makes the others incomplete too: no verdict may call them reliable.
pub(crate) fn mark_incomplete(chains: &mut [Chain], wanted: usize) {
    if chains.len() < wanted {
        if let Some(first) = chains.first_mut() {
            first.ended.is_complete = false;
        }
    }
}

/// What the files of a run say whose process ended first: of its attempts the one with the most draws.
fn interrupted(folder: &Path, head: &Head) -> State {
    let draws = |attempt: usize| -> usize {
        let files = (0..head.chains).map(|number| folder.join(chain::name(attempt, number)));
        files.filter_map(|file| chain::draws(&file).ok()).sum()
    };
    let attempts = (1..=ATTEMPTS.len()).map(|attempt| (draws(attempt), attempt));
    let (draws, attempt) = attempts.max().unwrap_or((0, 1));
    let target = ATTEMPTS.get(attempt - 1).copied().unwrap_or(ATTEMPTS[0]);
    State {
        draws,
        attempt,
        attempts: attempt,
        target_accept: head.target_accept.unwrap_or(target),
        ..State::without_draws(Status::Interrupted)
    }
}
