//! Confirmation of calls that destroy something: a token that is good for one call, once.
//!
//! It is bound to server, tool, caller, arguments and, where the tool tells it, the state that the
//! caller was shown. It ends after five minutes, at its first use, and with the process that gave
//! it: what was used is remembered in memory only, so that a token of an earlier process, or of
//! another replica, is refused rather than trusted.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    ConfigError, Kind, Principal, Result, ToolError,
    state_key::{Purpose, StateKey, random_id},
};

/// The argument that carries a token.
pub const ARGUMENT: &str = "confirm_token";
/// Life of a token.
pub const TTL: Duration = Duration::from_millis(TTL_MS);
const TTL_MS: u64 = 300_000;
/// How many used tokens are remembered one by one.
const REMEMBERED: usize = 10_000;
/// Random bytes that tell tokens apart.
const ID: usize = 16;

/// What a call would do, as its tool tells it before anything is done.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    /// One or two sentences for a person: what would happen to what.
    pub effect: String,
    /// Whatever must not change between the question and the answer: a version, a digest of the
    /// plan. Not shown.
    pub state: String,
}

/// Gives tokens and takes them back.
pub(crate) struct Confirmations {
    key: StateKey,
    server: &'static str,
    process: String,
    started: Instant,
    used: Mutex<Used>,
}

/// The call that a token is for.
pub(crate) struct Subject<'a> {
    pub(crate) tool: &'a str,
    pub(crate) principal: &'a Principal,
    pub(crate) arguments: [u8; 32],
    pub(crate) state: &'a str,
}

/// How the token travels; a token of one way is nothing on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// As an argument.
    Argument,
    /// As the state of a call that asks its user.
    RequestState,
}

impl Way {
    const fn purpose(self) -> Purpose {
        match self {
            Self::Argument => Purpose::ConfirmToken,
            Self::RequestState => Purpose::ConfirmState,
        }
    }
}

/// Why a token is not taken. The code is stable; the hint is the same for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Invalid,
    Expired,
    Used,
}

impl From<Refusal> for ToolError {
    fn from(refusal: Refusal) -> Self {
        let (code, message) = match refusal {
            Refusal::Invalid => (
                "confirmation_invalid",
                "the confirmation was not given by this process for this caller, tool, arguments \
                 and state",
            ),
            Refusal::Expired => ("confirmation_expired", "the confirmation is older than 300 s"),
            Refusal::Used => ("confirmation_used", "the confirmation was used before"),
        };
        Self::new(Kind::Refused, code, message)
            .with_hint(format!("call again without {ARGUMENT} to be asked anew; nothing was done"))
    }
}

impl Confirmations {
    /// None given yet.
    ///
    /// # Errors
    /// No source of randomness.
    pub(crate) fn new(key: StateKey, server: &'static str) -> Result<Self, ConfigError> {
        let process =
            random_id().map_err(|error| ConfigError::new("confirm", error.message().to_owned()))?;
        Ok(Self { key, server, process, started: Instant::now(), used: Mutex::default() })
    }

    /// A token for one call.
    ///
    /// # Errors
    /// `internal` when there is no source of randomness.
    pub(crate) fn give(&self, way: Way, subject: &Subject<'_>) -> Result<String> {
        let mut id = [0; ID];
        getrandom::fill(&mut id)
            .map_err(|error| ToolError::internal(format!("no random id: {error}")))?;
        Ok(self.give_at(self.now(), id, way, subject))
    }

    fn give_at(&self, now: u64, id: [u8; ID], way: Way, subject: &Subject<'_>) -> String {
        let mut payload = now.to_be_bytes().to_vec();
        payload.extend(id);
        self.key.sealer(way.purpose()).seal(&self.bound(subject), &payload)
    }

    /// Take a token back for the call it was given for. It is used from here on.
    pub(crate) fn take(&self, way: Way, subject: &Subject<'_>, token: &str) -> Result<(), Refusal> {
        self.take_at(self.now(), way, subject, token)
    }

    fn take_at(
        &self,
        now: u64,
        way: Way,
        subject: &Subject<'_>,
        token: &str,
    ) -> Result<(), Refusal> {
        let payload = self.key.sealer(way.purpose()).open(&self.bound(subject), token);
        let payload = payload.ok_or(Refusal::Invalid)?;
        let (given, id) = payload.split_first_chunk::<8>().ok_or(Refusal::Invalid)?;
        let given = u64::from_be_bytes(*given);
        let id: [u8; ID] = id.try_into().map_err(|_| Refusal::Invalid)?;
        let life = TTL_MS;
        if now >= given.saturating_add(life) {
            return Err(Refusal::Expired);
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.claim(given, id, now.saturating_sub(life))
    }

    fn bound<'a>(&'a self, subject: &'a Subject<'_>) -> [&'a [u8]; 6] {
        [
            self.server.as_bytes(),
            self.process.as_bytes(),
            subject.tool.as_bytes(),
            subject.principal.id().as_bytes(),
            &subject.arguments,
            subject.state.as_bytes(),
        ]
    }

    /// Milliseconds of this process: no clock that someone sets.
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Tokens that were used. Those that had to be forgotten take every token as old as them along: a
/// used token never becomes good again, at the price that an unused old one may be refused.
#[derive(Debug, Default)]
struct Used {
    ids: BTreeSet<(u64, [u8; ID])>,
    /// Tokens given up to here are refused.
    forgotten: Option<u64>,
}

impl Used {
    fn claim(&mut self, given: u64, id: [u8; ID], expired: u64) -> Result<(), Refusal> {
        if self.forgotten.is_some_and(|forgotten| given <= forgotten) {
            return Err(Refusal::Expired);
        }
        // What has expired is refused by its age alone.
        self.ids = self.ids.split_off(&(expired, [0; ID]));
        if !self.ids.insert((given, id)) {
            return Err(Refusal::Used);
        }
        if self.ids.len() > REMEMBERED {
            if let Some((oldest, _)) = self.ids.pop_first() {
                self.forgotten = self.forgotten.max(Some(oldest));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn confirmations() -> Confirmations {
        Confirmations::new(StateKey::of(None).unwrap(), "test").unwrap()
    }

    fn named(id: &str) -> Principal {
        Principal::new(id, None, None)
    }

    fn subject<'a>(
        tool: &'a str,
        principal: &'a Principal,
        arguments: u8,
        state: &'a str,
    ) -> Subject<'a> {
        Subject { tool, principal, arguments: [arguments; 32], state }
    }

    #[test]
    fn a_token_is_good_for_one_call_once() {
        let (confirmations, a, b) = (confirmations(), named("a"), named("b"));
        let call = subject("delete", &a, 1, "v1");
        let token = confirmations.give(Way::Argument, &call).unwrap();
        for other in [
            subject("drop", &a, 1, "v1"),
            subject("delete", &b, 1, "v1"),
            subject("delete", &a, 2, "v1"),
            subject("delete", &a, 1, "v2"),
        ] {
            let refused = confirmations.take(Way::Argument, &other, &token);
            assert_eq!(refused, Err(Refusal::Invalid));
        }
        assert_eq!(confirmations.take(Way::RequestState, &call, &token), Err(Refusal::Invalid));
        let elsewhere = Confirmations::new(StateKey::of(None).unwrap(), "test").unwrap();
        assert_eq!(elsewhere.take(Way::Argument, &call, &token), Err(Refusal::Invalid));
        assert_eq!(confirmations.take(Way::Argument, &call, &token), Ok(()));
        assert_eq!(confirmations.take(Way::Argument, &call, &token), Err(Refusal::Used));
    }

    #[test]
    fn an_old_token_is_refused() {
        let (confirmations, a) = (confirmations(), named("a"));
        let call = subject("delete", &a, 1, "");
        let token = confirmations.give_at(5, [7; ID], Way::Argument, &call);
        let take = |now| confirmations.take_at(now, Way::Argument, &call, &token);
        assert_eq!(take(300_005), Err(Refusal::Expired));
        assert_eq!(take(300_004), Ok(()));
    }

    #[test]
    fn a_used_token_stays_used_whatever_else_is_used() {
        let (confirmations, a) = (confirmations(), named("a"));
        let call = subject("delete", &a, 1, "");
        let give = |now: u64, id: u32| {
            let mut bytes = [0; ID];
            for (to, from) in bytes.iter_mut().zip(id.to_be_bytes()) {
                *to = from;
            }
            confirmations.give_at(now, bytes, Way::Argument, &call)
        };
        let take = |now, token: &str| confirmations.take_at(now, Way::Argument, &call, token);
        let first = give(1, 0);
        assert_eq!(take(1, &first), Ok(()));
        let unused = give(1, u32::MAX);
        for id in 1..=u32::try_from(REMEMBERED).unwrap() {
            assert_eq!(take(2, &give(2, id)), Ok(()));
        }
        assert_eq!(confirmations.used.lock().unwrap().ids.len(), REMEMBERED);
        assert_eq!(take(3, &first), Err(Refusal::Expired));
        assert_eq!(take(3, &unused), Err(Refusal::Expired));
        assert_eq!(take(3, &give(3, 0)), Ok(()));
        assert_eq!(take(400_000, &give(400_000, 0)), Ok(()));
        assert_eq!(confirmations.used.lock().unwrap().ids.len(), 1);
    }

    #[test]
    fn each_refusal_has_its_code_and_the_repair() {
        for (refusal, code) in [
            (Refusal::Invalid, "confirmation_invalid"),
            (Refusal::Expired, "confirmation_expired"),
            (Refusal::Used, "confirmation_used"),
        ] {
            let error = ToolError::from(refusal);
            assert_eq!((error.code(), error.kind()), (code, Kind::Refused));
            assert!(error.hint().is_some_and(|hint| hint.contains("without confirm_token")));
        }
    }

    proptest! {
        #[test]
        fn a_token_with_any_bit_changed_is_refused(
            place in any::<proptest::sample::Index>(), bit in 0_u8..7, text in ".{0,120}"
        ) {
            let (confirmations, a) = (confirmations(), named("a"));
            let call = subject("delete", &a, 1, "");
            let token = confirmations.give(Way::Argument, &call).unwrap();
            let mut bytes = token.clone().into_bytes();
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            let take = |token: &str| confirmations.take(Way::Argument, &call, token);
            prop_assert_eq!(take(&changed), Err(Refusal::Invalid));
            prop_assert_eq!(take(&text), Err(Refusal::Invalid));
            prop_assert_eq!(take(&token), Ok(()));
        }
    }
}
