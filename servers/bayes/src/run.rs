//! Sampled models that callers come back to.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bayes_engine::posterior::Posterior;
use mcp_core::{Handles, Principal, Result};
use serde_json::Value;

use crate::Error;

/// How long a run is kept.
pub(crate) const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// Most bytes of draws of one run.
pub(crate) const MAX_RUN: usize = 64 << 20;
/// Most bytes of draws of all runs.
const MAX_ALL: usize = 512 << 20;

/// A model and its data.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) code: String,
    pub(crate) data: BTreeMap<String, Value>,
}

/// A sampled model.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) posterior: Posterior,
    /// What sampling it cost, as the answer of `fit_model` says it.
    pub(crate) sampler: super::tools::SamplerOutput,
    pub(crate) seed: u64,
    source: Source,
    /// Its share of the memory for draws.
    _share: Share,
}

impl Run {
    pub(crate) fn new(
        posterior: Posterior,
        sampler: super::tools::SamplerOutput,
        seed: u64,
        source: Source,
        share: Share,
    ) -> Self {
        Self { posterior, sampler, seed, source, _share: share }
    }

    /// What it was fitted from.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }
}

/// Bytes taken from the memory for draws until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    bytes: usize,
    taken: Arc<AtomicUsize>,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Runs by handle, and the handles of equal calls.
#[derive(Debug)]
pub(crate) struct Runs {
    handles: Handles<Arc<Run>>,
    equal: Mutex<HashMap<(String, [u8; 32]), String>>,
    taken: Arc<AtomicUsize>,
}

impl Runs {
    pub(crate) fn new() -> Self {
        Self {
            handles: Handles::new("run", LIFETIME),
            equal: Mutex::default(),
            taken: Arc::default(),
        }
    }

    /// Room for the draws of one run.
    pub(crate) fn share(&self, bytes: usize) -> Result<Share, Error> {
        if bytes > MAX_RUN {
            return Err(Error::Limit {
                what: "the draws of one run",
                found: bytes >> 20,
                most: MAX_RUN >> 20,
            });
        }
        let taken = self.taken.fetch_add(bytes, Ordering::Relaxed);
        let share = Share { bytes, taken: Arc::clone(&self.taken) };
        if taken + bytes > MAX_ALL {
            return Err(Error::Full);
        }
        Ok(share)
    }

    /// The run of an equal call of this caller's.
    pub(crate) fn equal(&self, owner: &Principal, digest: [u8; 32]) -> Option<(String, Arc<Run>)> {
        let equal = self.equal.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = equal.get(&(owner.id().to_owned(), digest))?;
        let run = self.handles.get(owner, handle).ok()?;
        Some((handle.clone(), run))
    }

    pub(crate) fn keep(
        &self,
        owner: &Principal,
        digest: [u8; 32],
        run: Arc<Run>,
    ) -> Result<String> {
        let handle = self.handles.keep(owner, run)?;
        let mut equal = self.equal.lock().unwrap_or_else(PoisonError::into_inner);
        // handles that ended leave their digests behind; they are few bytes, and swept here
        if equal.len() > 10_000 {
            equal.clear();
        }
        equal.insert((owner.id().to_owned(), digest), handle.clone());
        Ok(handle)
    }

    /// The run of a handle of this caller's.
    pub(crate) fn get(&self, owner: &Principal, handle: &str) -> Result<Arc<Run>> {
        self.handles.get(owner, handle)
    }
}
