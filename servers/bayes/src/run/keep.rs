//! Making, sampling, reading and removing runs on disk.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
};

use mcp_core::prelude::*;

use super::{
    Active, MAX_RUN, MAX_SAMPLED, Overview, Plan, RUNNING, RUNNING_EACH, RunError, Share, Shared,
    active,
};
use crate::{
    job::Job,
    store::{Status, now_ms},
};

impl Shared {
    /// Room for one more run of a caller's in memory and at the cores.
    pub(super) fn admit(&self, owner: &Principal, bytes: usize) -> Result<Share> {
        if bytes > MAX_RUN {
            let (found, most) = (bytes.div_ceil(1 << 20), MAX_RUN >> 20);
            return Err(crate::Error::Limit { what: "the draws of one run", found, most }.into());
        }
        let held = self.held();
        let own = held.values().filter(|active| *active.owner == *owner.id()).count();
        if own >= RUNNING_EACH || held.len() >= RUNNING {
            return Err(RunError::Busy(RUNNING_EACH).into());
        }
        let taken = self.taken.fetch_add(bytes, Ordering::Relaxed);
        let share = Share { bytes, taken: Arc::clone(&self.taken) };
        if taken + bytes > MAX_SAMPLED {
            return Err(crate::Error::Full.into());
        }
        Ok(share)
    }

    /// Put a run on disk, locked for this process.
    pub(super) fn create(
        &self,
        owner: Arc<str>,
        id: String,
        plan: Plan,
        share: Share,
    ) -> Result<(Active, Job), RunError> {
        let folders = self.folders()?;
        let Plan { head, source, job, bytes } = plan;
        if folders.folder(&owner, &id).is_some_and(|folder| folder.is_dir()) {
            self.remove(&owner, &id)?;
        }
        self.sweep_owner(&owner, now_ms());
        let runs = folders.ids(&owner)?.len();
        if runs >= self.max_runs as usize {
            return Err(RunError::Quota { what: "runs", most: u64::from(self.max_runs) });
        }
        let running: usize = {
            let held = self.held();
            held.values().filter(|active| active.owner == owner).map(|active| active.bytes).sum()
        };
        if folders.bytes(&owner)? + (running + bytes) as u64 > self.quota {
            return Err(RunError::Quota { what: "megabytes of runs", most: self.quota >> 20 });
        }
        if self.total.load(Ordering::Relaxed) + bytes as u64 > self.max_total {
            return Err(RunError::StoreFull);
        }
        let lock = folders.create(&owner, &id, |dir| {
            let lock = active::lock(dir)?;
            head.write(dir, &source)?;
            Ok(lock)
        })?;
        self.total.fetch_add(bytes as u64, Ordering::Relaxed);
        let folder = folders.folder(&owner, &id).ok_or(RunError::NoStore)?;
        let active = Active::new((owner, id, folder), lock, head, (bytes, share));
        Ok((active, job))
    }

    pub(super) fn read(&self, owner: &str, id: &str) -> Result<Overview, RunError> {
        let folder = self.folders()?.folder(owner, id);
        let folder =
            folder.filter(|folder| folder.is_dir()).ok_or(RunError::Unknown(self.lifetime))?;
        let active = self.held().get(id).filter(|active| *active.owner == *owner).cloned();
        Overview::read(folder, active.as_deref(), (self.lifetime, now_ms()))
    }

    pub(super) fn remove(&self, owner: &str, id: &str) -> Result<u64, RunError> {
        let folders = self.folders()?;
        let bytes = folders.bytes_of(owner, id)?;
        if let Some(folder) = folders.folder(owner, id) {
            self.loaded.remove(&*folder.to_string_lossy());
        }
        match folders.remove(owner, id) {
            Ok(()) => {
                let rest = |total: u64| Some(total.saturating_sub(bytes));
                let _before = self.total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, rest);
                Ok(bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(RunError::Unknown(self.lifetime))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sample a run to its end, whatever that is.
    pub(super) async fn drive(self: &Arc<Self>, active: &Arc<Active>, job: Job) {
        let sampling = active.sample(&self.turns, job);
        tokio::pin!(sampling);
        let sampled = tokio::select! {
            biased;
            sampled = &mut sampling => sampled,
            () = self.context.shutdown.cancelled() => {
                // Who waits for it is answered before the server goes.
                active.stop(Status::Interrupted);
                sampling.await
            }
        };
        let ended = active.ended_as(sampled);
        let (own, state) = (Arc::clone(active), ended.state.clone());
        let kept = task::blocking(move || own.keep(&state)).await;
        if !matches!(kept, Ok(Ok(()))) {
            tracing::error!(?kept, "the end of a run is not on disk");
        }
        if let Some(run) = &ended.run {
            self.loaded.insert(active.folder.to_string_lossy().into_owned(), Arc::clone(run));
        }
        self.held().remove(&active.id);
        active.publish(ended);
    }
}
