//! State of a tool's own in a call that asked for input.

use std::time::{SystemTime, UNIX_EPOCH};

use rmcp::ErrorData;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Purpose, StateKey};
use crate::{Principal, Result, ToolError};

/// How long a caller may take to answer.
const TTL_MS: u64 = 300_000;

/// Seals what a tool wants to find again when the caller has answered: bound to the tool and the
/// caller, five minutes long, and readable by the caller.
#[derive(Debug, Clone)]
pub struct RequestState {
    key: StateKey,
    tool: &'static str,
}

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    until_ms: u64,
    state: T,
}

/// The state was not made here for this caller and tool, or is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request state was changed, has expired, or belongs to another call")]
pub struct InvalidState;

impl From<InvalidState> for ErrorData {
    fn from(error: InvalidState) -> Self {
        Self::invalid_params(error.to_string(), None)
    }
}

impl RequestState {
    pub(super) fn new(key: StateKey, tool: &'static str) -> Self {
        Self { key, tool }
    }

    /// Seal a state.
    ///
    /// # Errors
    /// `internal` when it is no JSON.
    pub fn seal<T: Serialize>(&self, principal: &Principal, state: &T) -> Result<String> {
        let sealed = Sealed { until_ms: now_ms() + TTL_MS, state };
        let payload = serde_json::to_vec(&sealed)
            .map_err(|error| ToolError::internal(format!("the state is no JSON: {error}")))?;
        Ok(self.key.sealer(Purpose::RequestState).seal(&self.bound(principal), &payload))
    }

    /// Open one that came back.
    ///
    /// # Errors
    /// When it was not made here for this caller and tool, or is too old.
    pub fn open<T: DeserializeOwned>(
        &self,
        principal: &Principal,
        sealed: &str,
    ) -> Result<T, InvalidState> {
        let payload = self
            .key
            .sealer(Purpose::RequestState)
            .open(&self.bound(principal), sealed)
            .ok_or(InvalidState)?;
        let sealed: Sealed<T> = serde_json::from_slice(&payload).map_err(|_| InvalidState)?;
        if sealed.until_ms < now_ms() { Err(InvalidState) } else { Ok(sealed.state) }
    }

    fn bound<'a>(&self, principal: &'a Principal) -> [&'a [u8]; 2] {
        [self.tool.as_bytes(), principal.id().as_bytes()]
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_to_its_tool_and_caller_only() {
        let key = StateKey::random().unwrap();
        let (ours, theirs) = (Principal::local(), Principal::anonymous());
        let one = key.request_state("one");
        let sealed = one.seal(&ours, &7).unwrap();
        assert_eq!(one.open(&ours, &sealed), Ok(7));
        assert_eq!(one.open::<i32>(&theirs, &sealed), Err(InvalidState));
        assert_eq!(key.request_state("two").open::<i32>(&ours, &sealed), Err(InvalidState));
        assert_eq!(one.open::<String>(&ours, &sealed), Err(InvalidState));
        assert_eq!(one.open::<i32>(&ours, &format!("{sealed}A")), Err(InvalidState));
    }

    #[test]
    fn an_old_state_is_refused() {
        let key = StateKey::random().unwrap();
        let one = key.request_state("one");
        let old = serde_json::to_vec(&Sealed { until_ms: now_ms() - 1, state: 7 }).unwrap();
        let ours = Principal::local();
        let sealed = key.sealer(Purpose::RequestState).seal(&one.bound(&ours), &old);
        assert_eq!(one.open::<i32>(&ours, &sealed), Err(InvalidState));
    }
}
