//! Answers of read-only tools that opted in, kept for their caller until something is written.
//!
//! Every key holds the data generation that was current when its call began. A write moves the
//! generation on when its handler has ended and before its answer leaves, so that a read that
//! begins after an acknowledged write finds nothing from before it, and a read that began before
//! keeps its answer where nobody will look any more. A write that was cut off may still land, on a
//! thread that nobody can stop: for a minute after it nothing is kept.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use quick_cache::{Weighter, sync::Cache};
use rmcp::{
    ErrorData,
    model::{CallToolResult, JsonObject},
};
use serde_json::Value;
use tokio::{sync::OnceCell, time::Instant};

use crate::{
    Principal, ToolError,
    state_key::{digest_of, joined, sha256},
};

/// Answers expected at once; a guess for the first allocation, not a bound.
const EXPECTED: usize = 256;

/// How long nothing is kept after a write whose end was not seen.
const UNSETTLED: Duration = Duration::from_secs(60);

/// What one answer is found by.
pub(crate) type Key = [u8; 32];

/// The answers of one server.
pub(crate) struct ResponseCache {
    bytes: u64,
    toolset: String,
    generation: AtomicU64,
    unsettled_until: Mutex<Option<Instant>>,
    /// Made at the first answer, so that a server that caches nothing pays nothing.
    kept: OnceLock<Cache<Key, Kept, Bytes>>,
    flights: Mutex<HashMap<Key, Arc<OnceCell<Outcome>>>>,
}

#[derive(Clone)]
struct Kept {
    result: Arc<CallToolResult>,
    until: Instant,
    weight: u64,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Kept> for Bytes {
    fn weight(&self, _key: &Key, kept: &Kept) -> u64 {
        kept.weight
    }
}

/// How a call ended that others waited for.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// An answer, maybe one that says what went wrong.
    Answer(Arc<CallToolResult>),
    /// A failure that is not the waiting side's own.
    Tool(ToolError),
    /// The same as a JSON-RPC error.
    Protocol(ErrorData),
}

impl ResponseCache {
    /// Empty; `bytes` of zero keeps nothing.
    pub(crate) fn new(bytes: u64, toolset: &str) -> Self {
        Self {
            bytes,
            toolset: toolset.to_owned(),
            generation: AtomicU64::new(0),
            unsettled_until: Mutex::default(),
            kept: OnceLock::new(),
            flights: Mutex::default(),
        }
    }

    /// Whether anything is kept at all.
    pub(crate) fn is_on(&self) -> bool {
        self.bytes > 0
    }

    /// Answers kept, and what they weigh in bytes.
    pub(crate) fn size(&self) -> (usize, u64) {
        self.kept.get().map_or((0, 0), |kept| (kept.len(), kept.weight()))
    }

    /// What they may weigh.
    pub(crate) fn most(&self) -> u64 {
        self.bytes
    }

    /// Where the answer to this call belongs, as of now.
    pub(crate) fn key(&self, principal: &Principal, tool: &str, arguments: &JsonObject) -> Key {
        let scope = principal.scope().map_or("", crate::Scope::label);
        let parts: [&[u8]; 6] = [
            principal.id().as_bytes(),
            scope.as_bytes(),
            tool.as_bytes(),
            self.toolset.as_bytes(),
            &digest_of(arguments),
            &self.generation.load(Ordering::SeqCst).to_be_bytes(),
        ];
        sha256(&joined(&parts))
    }

    /// An answer that was kept.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<CallToolResult>> {
        let cache = self.kept.get()?;
        let kept = cache.get(key)?;
        if kept.until > Instant::now() {
            return Some(kept.result);
        }
        cache.remove(key);
        None
    }

    /// Keep an answer, if it is one worth keeping.
    pub(crate) fn keep(&self, key: Key, result: &Arc<CallToolResult>, ttl: Duration) {
        if !self.is_on() || !is_whole(result) || self.is_unsettled() {
            return;
        }
        let written = serde_json::to_vec(&**result).map_or(0, |bytes| bytes.len());
        // The text copy, and a tree that takes several times its text.
        let weight = 3 * written as u64 + 512;
        let kept = Kept { result: Arc::clone(result), until: Instant::now() + ttl, weight };
        let cache = self.kept.get_or_init(|| Cache::with_weighter(EXPECTED, self.bytes, Bytes));
        cache.insert(key, kept);
    }

    /// Something is written, or may be, until this is dropped.
    pub(crate) fn write(&self) -> Write<'_> {
        Write { cache: self, ended: false }
    }

    fn is_unsettled(&self) -> bool {
        let until = *self.unsettled_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| until > Instant::now())
    }

    /// The one call in flight for this key, or the place for it.
    pub(crate) fn flight(&self, key: Key) -> Flight<'_> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = Arc::clone(flights.entry(key).or_default());
        Flight { cache: self, key, cell }
    }
}

/// An answer without an error, and not cut short.
fn is_whole(result: &CallToolResult) -> bool {
    let cut = |name: &str| {
        let value = result.structured_content.as_ref().and_then(|content| content.get(name));
        value == Some(&Value::Bool(true))
    };
    result.is_error != Some(true) && !cut("partial") && !cut("truncated")
}

/// Moves the data generation on when it is dropped.
pub(crate) struct Write<'a> {
    cache: &'a ResponseCache,
    ended: bool,
}

impl Write<'_> {
    /// The handler has answered: whatever it does is done.
    pub(crate) fn ended(mut self) {
        self.ended = true;
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let until = Some(Instant::now() + UNSETTLED);
            let mut unsettled =
                self.cache.unsettled_until.lock().unwrap_or_else(PoisonError::into_inner);
            *unsettled = until;
        }
        self.cache.generation.fetch_add(1, Ordering::SeqCst);
    }
}

/// A call that several may wait for. Whoever waits first runs it; when that one goes away, the
/// next runs it anew.
pub(crate) struct Flight<'a> {
    cache: &'a ResponseCache,
    key: Key,
    pub(crate) cell: Arc<OnceCell<Outcome>>,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut flights = self.cache.flights.lock().unwrap_or_else(PoisonError::into_inner);
        // The last to leave: the map's and this one. An ended call is of no use to newcomers.
        let last = Arc::strong_count(&self.cell) <= 2;
        let same = flights.get(&self.key).is_some_and(|cell| Arc::ptr_eq(cell, &self.cell));
        if same && (last || self.cell.initialized()) {
            flights.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests;
