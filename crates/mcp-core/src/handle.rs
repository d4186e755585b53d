//! Names for what a caller left with the server: unguessable, its owner's alone, of limited life.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{Kind, Principal, Result, ToolError, state_key::random_id};

/// Most handles of one caller.
const PER_OWNER: usize = 100;
/// Most handles of all callers.
const TOTAL: usize = 1_000;

/// Values by handle. State its lifetime in the description of the tool that gives handles.
#[derive(Debug)]
pub struct Handles<T> {
    prefix: &'static str,
    lifetime: Duration,
    held: Mutex<BTreeMap<String, Held<T>>>,
}

#[derive(Debug)]
struct Held<T> {
    owner: String,
    until: Instant,
    value: T,
}

impl<T: Clone> Handles<T> {
    /// None yet. A handle is `<prefix>_` and 32 hexadecimal digits.
    pub fn new(prefix: &'static str, lifetime: Duration) -> Self {
        Self { prefix, lifetime, held: Mutex::default() }
    }

    /// Keep a value; its handle.
    ///
    /// # Errors
    /// `too_many_handles` when the caller, or all callers together, hold too many.
    pub fn keep(&self, owner: &Principal, value: T) -> Result<String> {
        self.keep_at(Instant::now(), owner, value)
    }

    fn keep_at(&self, now: Instant, owner: &Principal, value: T) -> Result<String> {
        let handle = format!("{}_{}", self.prefix, random_id()?);
        let mut held = self.held();
        held.retain(|_, held| held.until > now);
        let mine = held.values().filter(|held| held.owner == owner.id()).count();
        if mine >= PER_OWNER || held.len() >= TOTAL {
            let wait = held.values().map(|held| held.until - now).min().unwrap_or_default();
            return Err(ToolError::new(
                Kind::RateLimited,
                "too_many_handles",
                format!("more than {PER_OWNER} handles at once, or {TOTAL} of all callers"),
            )
            .with_hint("let go of one, or wait until one expires")
            .with_retry_after(wait));
        }
        let until = now + self.lifetime;
        held.insert(handle.clone(), Held { owner: owner.id().to_owned(), until, value });
        Ok(handle)
    }

    /// The value of a handle of this caller's.
    ///
    /// # Errors
    /// `unknown_handle` when there is none: never given, another's, expired.
    pub fn get(&self, owner: &Principal, handle: &str) -> Result<T> {
        self.get_at(Instant::now(), owner, handle)
    }

    fn get_at(&self, now: Instant, owner: &Principal, handle: &str) -> Result<T> {
        let held = self.held();
        let found = held.get(handle).filter(|held| held.is_for(owner, now));
        found.map(|held| held.value.clone()).ok_or_else(|| self.unknown())
    }

    /// Take the value of a handle of this caller's; the handle ends.
    ///
    /// # Errors
    /// As [`Handles::get`].
    pub fn take(&self, owner: &Principal, handle: &str) -> Result<T> {
        let mut held = self.held();
        if !held.get(handle).is_some_and(|held| held.is_for(owner, Instant::now())) {
            return Err(self.unknown());
        }
        held.remove(handle).map(|held| held.value).ok_or_else(|| self.unknown())
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Held<T>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unknown(&self) -> ToolError {
        let minutes = self.lifetime.as_secs().div_ceil(60);
        ToolError::new(Kind::NotFound, "unknown_handle", "there is no such handle")
            .with_hint(format!("a handle lives {minutes} minutes; ask for a new one"))
    }
}

impl<T> Held<T> {
    fn is_for(&self, owner: &Principal, now: Instant) -> bool {
        self.owner == owner.id() && self.until > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(id: &str) -> Principal {
        Principal::new(id, None, None)
    }

    const LIFETIME: Duration = Duration::from_secs(60);

    #[test]
    fn a_handle_is_its_owners_for_its_time() {
        let handles = Handles::new("run", LIFETIME);
        let now = Instant::now();
        let handle = handles.keep_at(now, &named("a"), 7).unwrap();
        assert_eq!(handle.len(), "run_".len() + 32);
        assert_eq!(handles.get(&named("a"), &handle).unwrap(), 7);
        let other = handles.get(&named("b"), &handle).unwrap_err();
        let unknown = handles.get(&named("b"), "run_0").unwrap_err();
        assert_eq!(other.to_json(), unknown.to_json());
        assert!(handles.take(&named("b"), &handle).is_err());
        let late = handles.get_at(now + LIFETIME, &named("a"), &handle);
        assert_eq!(late.unwrap_err().code(), "unknown_handle");
    }

    #[test]
    fn handles_are_bounded_and_swept() {
        let handles = Handles::new("run", LIFETIME);
        let now = Instant::now();
        for _ in 0..PER_OWNER {
            handles.keep_at(now, &named("a"), ()).unwrap();
        }
        let error = handles.keep_at(now, &named("a"), ()).unwrap_err();
        assert_eq!(error.code(), "too_many_handles");
        for owner in 1..TOTAL / PER_OWNER {
            for _ in 0..PER_OWNER {
                handles.keep_at(now, &named(&owner.to_string()), ()).unwrap();
            }
        }
        assert!(handles.keep_at(now, &named("late"), ()).is_err());
        handles.keep_at(now + LIFETIME, &named("a"), ()).unwrap();
        assert_eq!(handles.held().len(), 1);
    }

    #[test]
    fn a_taken_handle_has_ended() {
        let handles = Handles::new("run", LIFETIME);
        let handle = handles.keep(&named("a"), 7).unwrap();
        assert_eq!(handles.take(&named("a"), &handle).unwrap(), 7);
        assert!(handles.get(&named("a"), &handle).is_err());
    }
}
