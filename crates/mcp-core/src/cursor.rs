//! The place where a listing goes on: signed, and good only for its caller, listing and filter.

use rmcp::ErrorData;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Principal, Result, ToolError,
    state_key::{Purpose, StateKey, canonical_json, sha256},
};

/// Bytes of a filter's digest in a cursor.
const DIGEST: usize = 16;

/// Makes and reads the cursors of one listing. Get it from
/// [`StateKey::cursor`](crate::state_key::StateKey::cursor).
///
/// A position is whatever the listing needs to go on, small and without secrets: callers can read
/// it. Their key is `MACHINA_STATE_KEY`, else one that the state directory keeps.
#[derive(Debug, Clone)]
pub struct Cursor {
    key: StateKey,
    listing: &'static str,
    version: u8,
}

/// Why a cursor is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCursor {
    /// Not made here, for this caller and listing.
    #[error("must be the next_cursor of an earlier answer")]
    Unknown,
    /// Made for another filter.
    #[error("must come with the filters of the call that gave it")]
    OtherFilter,
}

impl From<InvalidCursor> for ToolError {
    fn from(error: InvalidCursor) -> Self {
        Self::invalid("/cursor", error.to_string())
            .with_hint("leave the cursor out to start at the first page")
    }
}

impl From<InvalidCursor> for ErrorData {
    fn from(error: InvalidCursor) -> Self {
        Self::invalid_params(format!("cursor {error}"), None)
    }
}

/// Cursors of one listing, for one caller.
#[derive(Debug, Clone)]
pub struct Pages {
    cursor: Cursor,
    caller: Principal,
}

impl Pages {
    /// The word for a position.
    ///
    /// # Errors
    /// `internal` when the position is no JSON.
    pub fn next<F: Serialize, P: Serialize>(&self, filter: &F, position: &P) -> Result<String> {
        self.cursor.encode(&self.caller, filter, position)
    }

    /// The position of a word.
    ///
    /// # Errors
    /// When it was not made here for this caller, listing and filter.
    pub fn open<F: Serialize, P: DeserializeOwned>(
        &self,
        filter: &F,
        word: &str,
    ) -> Result<P, InvalidCursor> {
        self.cursor.decode(&self.caller, filter, word)
    }
}

impl Cursor {
    /// This listing's cursors for one caller.
    pub fn of(&self, caller: Principal) -> Pages {
        Pages { cursor: self.clone(), caller }
    }

    pub(crate) fn new(key: StateKey, listing: &'static str, version: u8) -> Self {
        Self { key, listing, version }
    }

    /// The word for a position.
    ///
    /// # Errors
    /// `internal` when the position is no JSON.
    pub fn encode<F: Serialize, P: Serialize>(
        &self,
        principal: &Principal,
        filter: &F,
        position: &P,
    ) -> Result<String> {
        let mut payload = digest(filter).to_vec();
        serde_json::to_writer(&mut payload, position)
            .map_err(|error| ToolError::internal(format!("the position is no JSON: {error}")))?;
        Ok(self.key.sealer(Purpose::Cursor).seal(&self.bound(principal), &payload))
    }

    /// The position of a word.
    ///
    /// # Errors
    /// When it was not made here for this caller, listing and filter.
    pub fn decode<F: Serialize, P: DeserializeOwned>(
        &self,
        principal: &Principal,
        filter: &F,
        word: &str,
    ) -> Result<P, InvalidCursor> {
        let payload = self.key.sealer(Purpose::Cursor).open(&self.bound(principal), word);
        let payload = payload.ok_or(InvalidCursor::Unknown)?;
        let (made_for, position) =
            payload.split_first_chunk::<DIGEST>().ok_or(InvalidCursor::Unknown)?;
        if *made_for != digest(filter) {
            return Err(InvalidCursor::OtherFilter);
        }
        serde_json::from_slice(position).map_err(|_| InvalidCursor::Unknown)
    }

    fn bound<'a>(&'a self, principal: &'a Principal) -> [&'a [u8]; 3] {
        [self.listing.as_bytes(), std::slice::from_ref(&self.version), principal.id().as_bytes()]
    }
}

fn digest<F: Serialize>(filter: &F) -> [u8; DIGEST] {
    let mut short = [0; DIGEST];
    for (to, from) in short.iter_mut().zip(sha256(&canonical_json(filter))) {
        *to = from;
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn cursor() -> Cursor {
        StateKey::of(None).unwrap().cursor("things", 1)
    }

    #[test]
    fn a_cursor_is_of_use_to_its_caller_listing_version_and_filter_only() {
        let (ours, theirs) = (Principal::local(), Principal::anonymous());
        let filter = json!({"color": "blue"});
        let word = cursor().encode(&ours, &filter, &("id", 7)).unwrap();
        let read = |cursor: &Cursor, who: &Principal, filter: &serde_json::Value, word: &str| {
            cursor.decode::<_, (String, i32)>(who, filter, word)
        };
        assert_eq!(read(&cursor(), &ours, &filter, &word), Ok(("id".to_owned(), 7)));
        let key = StateKey::of(None).unwrap();
        for (other, who) in [
            (cursor(), &theirs),
            (key.cursor("others", 1), &ours),
            (key.cursor("things", 2), &ours),
            (StateKey::random().unwrap().cursor("things", 1), &ours),
        ] {
            assert_eq!(read(&other, who, &filter, &word), Err(InvalidCursor::Unknown));
        }
        assert_eq!(read(&cursor(), &ours, &json!({}), &word), Err(InvalidCursor::OtherFilter));
        assert_eq!(read(&cursor(), &ours, &filter, ""), Err(InvalidCursor::Unknown));
    }

    #[test]
    fn a_bad_cursor_is_a_wrong_argument_of_a_tool_and_of_the_protocol() {
        let error = ToolError::from(InvalidCursor::Unknown);
        assert_eq!((error.code(), error.field()), ("invalid_argument", Some("/cursor")));
        assert_eq!(ErrorData::from(InvalidCursor::Unknown).code.0, -32_602);
    }

    proptest! {
        #[test]
        fn a_cursor_with_any_bit_changed_or_another_caller_is_refused(
            position in ".{0,40}", owner in "[a-z]{1,8}", other in "[a-z]{1,8}",
            place in any::<proptest::sample::Index>(), bit in 0_u8..7,
        ) {
            let named = |id: &str| Principal::new(id, None, None);
            let word = cursor().encode(&named(&owner), &1, &position).unwrap();
            let read = |id: &str, word: &str| cursor().decode::<_, String>(&named(id), &1, word);
            prop_assert_eq!(read(&owner, &word), Ok(position));
            prop_assert_eq!(read(&other, &word).is_ok(), owner == other);
            let mut bytes = word.into_bytes();
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            prop_assert!(read(&owner, std::str::from_utf8(&bytes).unwrap()).is_err());
        }
    }
}
